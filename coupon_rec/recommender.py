"""The whole path in one object: encode, train, calibrate, predict, decide, export."""

import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.decisions import Economics, reason
from coupon_rec.decisions.best import best_offers, lists_of
from coupon_rec.decisions.reasons import NOT_WORTH
from coupon_rec.evaluation import evaluate, platt
from coupon_rec.explain import leading_topics, topics_of
from coupon_rec.features import LABELS, Arrays, Encoder, cold
from coupon_rec.features.online.snapshot_writer import last_day, write_snapshot
from coupon_rec.market import Market
from coupon_rec.market.tables import OFFER
from coupon_rec.models import (
    OfferModel,
    adapted,
    boosted,
    coupled_model,
    inputs_of,
    load_model,
    network_of,
    predict,
    with_trees,
)
from coupon_rec.models.predicting import BATCH
from coupon_rec.models.trees import TREES
from coupon_rec.odds import SMALLEST
from coupon_rec.serving.bundle import export
from coupon_rec.training import examples, fit

LEAST_REDEMPTIONS = 10  # of a platform's training and validation offers, each: fewer are chance


class CoupledModel:
    """A coupled model of purchase and redemption, with all that it takes to use it.

    The chain of two networks learns from purchases and redemptions, and boosted trees look at
    redemptions directly; p(a, r) is the mean of both in log odds. The steps are those of the
    functions below it: `Encoder.fit`, `coupled_model`, `fit`, `boosted`, `with_trees`, `platt`,
    `predict`, `best_coupon`, `evaluate` and `export`.

    Parameters
    ----------
    extra : sequence of str, optional
        Columns of your own, as `Encoder.fit` takes them: all, if left out.
    seed : int
        Of the weights, the order of the offers, dropout and the trees.
    trees : int
        How many trees stand beside the network; 0 for none.
    **options
        For `coupon_rec.models.coupled_model`, such as `coupling` or `dropout`.

    Attributes
    ----------
    served : OfferModel
        The whole model, with its `encoder` and its `calibration`.
    network : OfferModel
        The network within it, whose two factors learn by gradients. It shares its weights.
    history : pandas.DataFrame
        The losses of each epoch.

    Examples
    --------
    >>> import coupon_rec as cr
    >>> from coupon_rec.simulation import simulate_market
    >>> market = simulate_market(users=100, seed=0).market  # or cr.load_market("my_tables")
    >>> train, validation, test = cr.split(cr.offers_frame(market))
    >>> model = cr.CoupledModel(trees=10).fit(train, validation, epochs=1)  # for a trial
    >>> choices = model.recommend(test, economics=cr.Economics(margin=0.3))
    >>> choices.columns[:5].tolist()
    ['campaign_id', 'user_id', 'coupon_id', 'probability', 'value']
    >>> model.export("bundle", market=market)  # doctest: +SKIP
    """

    served: OfferModel
    history: pd.DataFrame

    def __init__(
        self,
        *,
        extra: Sequence[str] | None = None,
        seed: int = 0,
        trees: int = TREES,
        **options: Any,
    ) -> None:
        self.extra, self.seed, self.trees, self.options = extra, seed, trees, options
        self._validation: pd.DataFrame | None = None

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame, **options: Any) -> Self:
        """Learn from offers whose outcome is known.

        Parameters
        ----------
        train, validation : pandas.DataFrame
            Rows of the offers table with labels, as `split` gives them. The validation offers
            stop the training and calibrate the probabilities.
        **options
            For `coupon_rec.training.fit`, such as `epochs` or `checkpoint`.

        Returns
        -------
        CoupledModel
            Itself.

        Raises
        ------
        ValueError
            If a part is empty, a column is missing or of the wrong kind, an offer comes twice, or
            no training offer was redeemed.

        Warns
        -----
        UserWarning
            If the validation offers are too few to calibrate a label; its probabilities stay as
            the network gives them. If training campaigns start after validation campaigns.
        """
        _check_parts(train, validation)
        encoder = Encoder.fit(train, extra=self.extra)
        network = coupled_model(encoder, seed=self.seed, **self.options)
        learn, stop = examples(train, encoder), examples(validation, encoder)
        if not learn[1]["redeemed"].any():
            raise ValueError(
                "no training offer was redeemed: take more campaigns, or move the dates that split "
                "them"
            )
        self.history = fit(network, learn, stop, seed=self.seed, **options)
        self.served = network
        if self.trees:
            arrays, labels = learn
            trees = boosted(encoder, arrays, labels["redeemed"], trees=self.trees, seed=self.seed)
            self.served = with_trees(network, trees)
        raw = predict(self.served, validation)
        for label in LABELS:
            try:
                self.served.calibration[label] = platt(validation[label], raw[label])
            except ValueError as error:
                warnings.warn(f"{label} stays uncalibrated: {error}", stacklevel=2)
        self._validation = validation
        return self

    def adapt(
        self,
        train: pd.DataFrame,
        validation: pd.DataFrame,
        *,
        factors: Sequence[str] = ("redeemed_if_bought",),
        rank: int = 2,
        seed: int = 0,
        **options: Any,
    ) -> Self:
        """Make a model of one platform: this one, which stays as it is, with a low-rank adapter.

        Parameters
        ----------
        train, validation : pandas.DataFrame
            Offers of the platform, with labels. The validation offers stop the training, and
            calibrate the probabilities that it moved.
        factors, rank
            As for `coupon_rec.models.adapted`. A model that adapts `redeemed_if_bought` alone
            predicts purchases as this one does, to the bit.
        seed : int
            Of the adapter and the order of the offers.
        **options
            For `coupon_rec.training.fit`.

        Returns
        -------
        CoupledModel
            For `export(platforms=)`.

        Raises
        ------
        ValueError
            If there is no such factor or nothing to adapt, the model is an adapted one already, a
            column is missing, a part has fewer than 10 redemptions, or the validation offers
            cannot calibrate a label.
        """
        base = self._fitted()
        platform = type(self)(seed=seed)
        platform.served = adapted(base, rank, factors, seed)
        learn, stop = examples(train, base.encoder), examples(validation, base.encoder)
        for part, (_, labels) in (("training", learn), ("validation", stop)):
            if (redeemed := labels["redeemed"].sum()) < LEAST_REDEMPTIONS:
                raise ValueError(
                    f"the {part} offers have {redeemed:.0f} redemptions, fewer than "
                    f"{LEAST_REDEMPTIONS}: wait for more offers of the platform, or move the "
                    "dates that split them"
                )
        platform.history = fit(platform.served, learn, stop, seed=seed, **options)
        raw = predict(platform.served, validation)
        lines = dict(base.calibration)
        for label in LABELS if "bought" in factors else ("redeemed",):
            try:
                lines[label] = platt(validation[label], raw[label])
            except ValueError as error:
                raise ValueError(
                    f"{label} cannot be calibrated on the validation offers: {error}. Wait for "
                    "more offers of the platform, or move the dates that split them"
                ) from error
        platform.served.calibration, platform._validation = lines, validation
        return platform

    def predict(self, offers: pd.DataFrame) -> pd.DataFrame:
        """Predict the calibrated probabilities of each offer.

        Parameters
        ----------
        offers : pandas.DataFrame
            n rows of the offers table.

        Returns
        -------
        pandas.DataFrame
            `bought`, p(a), and `redeemed`, p(a, r), within [0, 1], with the index of `offers`.
        """
        raw = predict(self._fitted(), offers)
        for name, line in self.served.calibration.items():
            raw[name] = line(raw[name])
        return raw

    def evaluate(self, offers: pd.DataFrame, **options: Any) -> pd.DataFrame:
        """Score the probabilities of redemption, as `coupon_rec.evaluation.evaluate` does."""
        return evaluate(offers, self.predict(offers)["redeemed"], **options)

    def recommend(
        self,
        offers: pd.DataFrame,
        *,
        economics: Economics | None = None,
        effect: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Choose the coupon, or none, for each user of each campaign.

        Parameters
        ----------
        offers : pandas.DataFrame
            The coupons to choose from.
        economics, effect
            As for `coupon_rec.decisions.offer_value`.

        Returns
        -------
        pandas.DataFrame
            As `coupon_rec.decisions.best_coupon` gives it, with the `reason` that the service
            gives: the topic to which the model owes it that this coupon is likelier than the
            user's others (`coupon_rec.explain.contrast`). And `cold`, as
            `coupon_rec.features.cold` says it of the coupon that is sent: "" for a probability
            that was checked, and otherwise who is new, "user", "coupon" or "user and coupon".
            A new user's probability is no better than users before were like new ones.
        """
        p = self.predict(offers)["redeemed"].to_numpy()
        best = best_offers(offers, p, economics, effect)
        sent = best["row"] >= 0
        rows = best.loc[sent, "row"].tolist()
        members = lists_of(offers)
        lists = [members[number] for number in np.flatnonzero(sent)]
        arrays = inputs_of(self.served, offers)
        topics = leading_topics(self._log_p, arrays, p, rows, lists, topics_of(self.encoder))
        best["reason"], best["cold"] = NOT_WORTH, ""
        best.loc[sent, "reason"] = [
            reason(offers.iloc[row].to_dict(), topic)
            for row, topic in zip(rows, topics, strict=True)
        ]
        best.loc[sent, "cold"] = cold(offers.iloc[rows])
        return best.drop(columns="row")

    def _log_p(self, arrays: Arrays) -> NDArray[np.float64]:
        inputs = {name: arrays[name] for name in self.served.input}
        p = self.served.predict(inputs, batch_size=BATCH, verbose=0)["redeemed"][:, 0]
        line = self.served.calibration.get("redeemed")
        return np.log(np.maximum(p if line is None else line(p), SMALLEST))

    def save(self, path: str | Path) -> None:
        """Write the weights, the encoder and the calibration to one `.keras` file."""
        self._fitted().save(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load what `save` wrote; no code in the file is run.

        Raises
        ------
        ValueError
            If the file is not there or holds no coupled model.
        """
        model = cls()
        model.served = load_model(path)
        if set(model.served.output) != set(LABELS):
            raise ValueError(
                f"{path} holds no coupled model: it predicts {', '.join(model.served.output)}, not "
                f"{' and '.join(LABELS)}. `save` writes one, and so does the command `train`"
            )
        return model

    @property
    def encoder(self) -> Encoder:
        """What turns offers into the arrays that the model reads."""
        return self._fitted().encoder

    @property
    def network(self) -> OfferModel:  # noqa: D102 - see the class
        return network_of(self._fitted())

    def export(
        self,
        folder: str | Path,
        offers: pd.DataFrame | None = None,
        *,
        market: Market | None = None,
        day: date | None = None,
        platforms: Mapping[str, "CoupledModel"] | None = None,
    ) -> Path:
        """Write a bundle for the service.

        Parameters
        ----------
        folder : str or pathlib.Path
            The bundle to write; one by that name is replaced.
        offers : pandas.DataFrame, optional
            Labelled offers on which its formats are checked and its model card is measured; the
            validation offers of `fit` by default.
        market : Market, optional
            Whose users and coupons the service is to know; without it, the bundle only scores.
        day : datetime.date, optional
            First day to serve: what happened before is known. By default, the last day with a
            campaign and purchases.
        platforms : mapping of str to CoupledModel, optional
            Models of single platforms, as `adapt` makes them of this one, by the name that a
            request gives.

        Returns
        -------
        pathlib.Path
            The folder, as `coupon_rec.serving.bundle.export` writes it.
        """
        served = self._fitted()
        offers = self._validation if offers is None else offers
        if offers is None:
            raise ValueError("pass labelled offers: a model that was loaded has none")
        snapshot = None
        if market is not None:
            first = day or last_day(market)
            snapshot = lambda path: write_snapshot(market, first, path)  # noqa: E731
        return export(
            served,
            folder,
            offers,
            calibration=served.calibration,
            snapshot=snapshot,
            platforms={name: each._fitted() for name, each in (platforms or {}).items()},
        )

    def _fitted(self) -> OfferModel:
        if not hasattr(self, "served"):
            raise ValueError("the model is not fitted: call fit(train, validation), or load a file")
        return self.served


def _check_parts(train: pd.DataFrame, validation: pd.DataFrame) -> None:
    """Refuse an offer that comes twice, and no validation; warn of parts in the wrong order."""
    if validation.empty:
        raise ValueError("there are no validation offers, which stop the training: pass some")
    for part in (train, validation):
        if {*OFFER} <= {*part} and (twice := int(part.duplicated([*OFFER]).sum())):
            raise ValueError(
                f"{twice:,} of {len(part):,} offers are there twice or more, and would count as "
                f"often: take offers.drop_duplicates({[*OFFER]})"
            )
    if "start" in train and "start" in validation:
        last, first = train["start"].max(), validation["start"].min()
        if last > first:
            warnings.warn(
                f"training campaigns start until {last:%Y-%m-%d}, validation campaigns from "
                f"{first:%Y-%m-%d}: what stops and calibrates a model should come after what it "
                "learns from, as `split` has it",
                stacklevel=3,
            )
