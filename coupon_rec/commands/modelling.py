"""Offers from a market, and a model from offers: features, train, adapt, ablate and others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pandas as pd
import typer

from coupon_rec.commands import recording, shared
from coupon_rec.commands.progress import advance, step

if TYPE_CHECKING:
    import keras


def features(
    out: shared.Out,
    market: str | None = None,
    spark: str | None = None,
) -> None:
    """Build the offers table: one row an offer, its features and its labels."""
    from coupon_rec.features import write_offers

    tables = shared.market_of(market, spark)
    columns = ["redeemed", "discount_from"]
    step("building the offers table")
    rows = pd.read_parquet(write_offers(tables, out), columns=columns)
    shared.say_prices(rows["discount_from"])
    shared.tell(f"{len(rows):,} offers, {rows['redeemed'].sum():,} redeemed: {out}")


def train(
    offers: Annotated[list[Path] | None, typer.Argument()] = None,
    *,
    out: shared.ModelOut,
    market: str | None = None,
    extra: list[str] | None = None,
    epochs: shared.Count = 20,
    batch_size: shared.Count = 2048,
    checkpoint: Path | None = None,
    seed: int = 0,
    train_from: str | None = None,
    validate_from: shared.ValidateFrom = None,
    test_from: shared.TestFrom = None,
    workers: shared.Count = 1,
    spark: str | None = None,
) -> None:
    """Fit the coupled model on the training campaigns, stopping on the validation campaigns.

    From the folder of `records` it is the network alone, without the trees beside it; with
    `--spark`, by several workers.

    Parameters
    ----------
    offers
        Offers, as `features` writes them, or the folder of `records`; built from the market if
        none.
    out
        The .keras file to write.
    epochs
        Most passes over the offers.
    batch_size
        Offers a step, of all workers together.
    checkpoint
        A folder from which the same command goes on if it was stopped.
    workers
        Tasks of Spark that train one network together.
    """
    from coupon_rec.recommender import CoupledModel
    from coupon_rec.training.recorded import fit_records

    settings = {"epochs": epochs, "batch_size": batch_size, "checkpoint": checkpoint}
    if workers > 1 and spark is None:
        raise typer.BadParameter("name the Spark that starts the workers", param_hint="--spark")
    if offers and recording.is_records(offers):
        if market or extra or train_from or validate_from or test_from:
            raise typer.BadParameter("records have columns and dates: give these to `records`")
        session = spark and shared.session_of(spark)
        network, history = fit_records(offers[0], out, session, workers, seed=seed, **settings)
    else:
        if spark is not None:
            raise typer.BadParameter("name the folder that `records` wrote", param_hint="--spark")
        table = shared.offers_of(offers, market)
        training, validation, _ = shared.split_of(table, train_from, validate_from, test_from)
        model = CoupledModel(extra=extra, seed=seed)
        step("fitting the model", epochs)
        model.fit(training, validation, callbacks=[_moving_on()], **settings)
        model.save(out)
        network, history = model.served, model.history
    best = history["val_redeemed_log_loss"].min()
    shared.tell(f"{len(history)} epochs, validation log loss {best:.4f}: {out}")
    if own := network.encoder.own:
        read = ", ".join(f"{name} ({how})" for name, how in own.items())
        shared.say(f"columns of your own that it reads: {read}")
    if constant := network.encoder.constant:
        shared.say(f"never varied in training, so nothing is learned from: {', '.join(constant)}")


def _moving_on() -> "keras.callbacks.Callback":
    """Move the bar of the command with each epoch."""
    from coupon_rec._keras import keras

    return keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: advance())


def adapt(
    model: shared.Model,
    offers: list[Path],
    out: shared.ModelOut,
    factor: list[str] | None = None,
    rank: shared.Count = 2,
    seed: int = 0,
    train_from: str | None = None,
    validate_from: shared.ValidateFrom = None,
    test_from: shared.TestFrom = None,
) -> None:
    """Adapt a trained model to one platform, for `export --platform`; the model itself stays.

    Give the dates that `train` had. Without them the platform's own campaigns are split, and the
    model may have learned from those that validate here.

    Parameters
    ----------
    offers
        Offers of one platform, as `features` writes them.
    out
        The .keras file to write.
    factor
        What the platform may change: redeemed_if_bought, the default, or bought. May repeat.
    rank
        In how many ways the platform may differ.
    """
    if out.exists() and out.samefile(model):
        raise typer.BadParameter(f"{out} is the model that is adapted: name another file")
    from coupon_rec.evaluation import log_loss
    from coupon_rec.models import trained_weights
    from coupon_rec.recommender import CoupledModel

    training, validation, _ = shared.split_of(
        shared.read(offers), train_from, validate_from, test_from
    )
    factors = factor or ["redeemed_if_bought"]
    base = CoupledModel.load(model)
    step("adapting the model")
    adapted = base.adapt(training, validation, factors=factors, rank=rank, seed=seed)
    adapted.save(out)
    after, before = (
        log_loss(validation["redeemed"], each.predict(validation)["redeemed"])
        for each in (adapted, base)
    )
    shared.tell(
        f"trained {trained_weights(adapted.served):,} weights of {' and '.join(factors)}, beside "
        f"the model's {trained_weights(base.served):,}: {len(adapted.history)} epochs, "
        f"{training['redeemed'].sum():,} redemptions\n"
        f"validation log loss {after:.4f} adapted, {before:.4f} unadapted: {out}"
    )
    shared.say(
        "These offers stopped its training: before you export it, `evaluate` both on later ones."
    )


def evaluate(
    model: shared.Model,
    offers: shared.Offers = None,
    market: str | None = None,
    validate_from: shared.ValidateFrom = None,
    test_from: shared.TestFrom = None,
) -> None:
    """Score a model on the test campaigns, with 95% intervals from a bootstrap over users."""
    from coupon_rec.recommender import CoupledModel

    table = shared.offers_of(offers, market)
    test = shared.split_of(table, None, validate_from, test_from).test
    step("scoring, with intervals")
    scores = CoupledModel.load(model).evaluate(test)
    shared.tell(scores.round(4).to_string())


def ablate(
    offers: shared.Offers = None,
    *,
    market: str | None = None,
    inputs: Annotated[list[str] | None, typer.Option("--input")] = None,
    extra: list[str] | None = None,
    model: Literal["trees", "logistic"] = "trees",
    coupons: Annotated[bool, typer.Option("--coupons")] = False,
    seed: int = 0,
    train_from: str | None = None,
    validate_from: shared.ValidateFrom = None,
    test_from: shared.TestFrom = None,
) -> None:
    """Say what each input adds to the others: AUC with it, without it, and the interval.

    Parameters
    ----------
    inputs
        What to leave out: a group, a feature, or one of --extra. May repeat.
    model
        What is fitted.
    coupons
        Intervals over users and coupons, not users alone.
    """
    table = shared.offers_of(offers, market)
    training, _, test = shared.split_of(table, train_from, validate_from, test_from)

    from coupon_rec.content import ablation
    from coupon_rec.features import GROUPS

    step("fitting with and without each input")
    effects = ablation.ablate(
        training,
        test,
        inputs or [*GROUPS, *(extra or ())],
        extra=extra or (),
        model=model,
        clusters=("user_id", "coupon_id") if coupons else ("user_id",),
        seed=seed,
    )
    shared.tell(effects.round(4).to_string())


def recommend(
    model: shared.Model,
    offers: shared.Offers = None,
    *,
    market: str | None = None,
    user: Annotated[str, typer.Option()],
) -> None:
    """Choose the coupon, or none, for a user in each campaign that was mailed to them.

    Parameters
    ----------
    user
        The user_id to choose for.
    """
    from coupon_rec.recommender import CoupledModel

    table = shared.offers_of(offers, market)
    users = table["user_id"].astype(str)
    mailed = table[users == user]
    if mailed.empty:
        raise typer.BadParameter(
            f"user {user} has no offers, as have {', '.join(users.unique()[:3])}",
            param_hint="--user",
        )
    choices = CoupledModel.load(model).recommend(mailed)
    shared.say_prices(mailed["discount_from"])
    shared.tell(choices.round(4).to_string(index=False))
