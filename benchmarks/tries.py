"""What was tried to win the contest of `peers.py`, and what each try gave on validation offers.

Each try is a variant of the coupled model. As the contest tunes, it is fitted to the campaigns
before July and judged on those of July to September, where a network also sees when to stop;
the test is never read. So all values are a little too good, those of networks more than those of
trees. Differences are what counts: each try is compared with the variant that it changes, on the
same offers, with an interval from a paired bootstrap over users. One seed each: what chance alone
does is the row `chain again`. The intervals contain neither that chance nor that of the best of
many tries.

Not tried: an encoder that reads the order of the baskets; windows of every user for the coupons of
type A; a weight of the list loss other than 1; several of these ideas at once; more seeds. The
contest's full model (three networks, and the mean with trees in each factor) stands here as the
mean of one network and trees.

What is done is kept in `runs/tries`; delete a file there to do it anew.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import _
from machine import store, use_two_cores
from peer_models import Configuration, Data, Fitted, by_epochs, coupled, fit_trees
from peers import METRICS, PACKAGES, RUNS, TRAIN_FROM, TUNE_FROM, mean_in_log_odds, parts

from coupon_rec import load_complete_journey
from coupon_rec._keras import keras, tf
from coupon_rec.evaluation import compare
from coupon_rec.features import Encoder, Number, offers_frame
from coupon_rec.features.batch.events import (
    OFFER,
    before_campaigns,
    coded_items,
    decayed,
    purchase_lines,
)
from coupon_rec.market.windows import start_together
from coupon_rec.training import fit

layers, ops = keras.layers, keras.ops

Predictions = list[np.ndarray]

FOLDER = RUNS.with_name("tries")
NETWORK: Configuration = {"units": (128, 64), "dropout": 0.5, "learning_rate": 1e-3}
TREES: Configuration = {
    "num_leaves": 7,
    "min_data_in_leaf": 40,
    "learning_rate": 0.05,
    "trees": 60,
}
"""Configurations of the contest that are among the best there."""
COUPLINGS = ("chain", "mixture", "noisy_or", "logit_sum")
SEED, OTHER_SEED = 0, 3
BATCH = 2048
VECTOR = 16
ROWS = ("user_row", "coupon_row")
COPY = 1000
DECAY = 45
PRETRAINING = 5
DAYS = [date(2017, month, 1) for month in (2, 3, 4, 5)]
WINDOWS_OF_ALL = 500_000


@dataclass(frozen=True)
class Try:
    """One idea: what it is, how it predicts, and the try that it changes.

    `predict` fits a model, and predicts the training and the validation offers. An ensemble is not
    fitted: it averages other tries in log odds.
    """

    idea: str
    predict: Callable[[Data, Data], Predictions] | None = None
    against: str = "chain"
    ensemble: tuple[str, ...] = ()


def network(
    train: Data,
    validation: Data,
    seed: int = SEED,
    build: Callable[..., keras.Model] = coupled,
    settings: Configuration | None = None,
    **settings_of_fit: Any,
) -> Predictions:
    configuration = {**NETWORK, **(settings or {})}
    fitted = by_epochs(build, **settings_of_fit)(train, validation, configuration, None, seed)
    return of_both(fitted, train, validation)


def of_both(fitted: Fitted, train: Data, validation: Data) -> Predictions:
    return [fitted.score(part.arrays) for part in (train, validation)]


def weighted(weight: float) -> Try:
    return Try(
        f"the purchase's log loss counts {weight:g} instead of 0.1",
        lambda *of: network(*of, purchase_weight=weight),
    )


def of_coupling(name: str) -> Try:
    return Try(
        f"the coupling {name} instead of the chain rule",
        lambda *of: network(*of, settings={"coupling": name}),
    )


def distilled(train: Data, validation: Data) -> Predictions:
    """The chain rule, taught what the ensemble says of the training offers."""
    soft = mean_in_log_odds([predictions(name)["train"] for name in COUPLINGS])
    labels = {**train.labels, "redeemed": soft.astype("float32")[:, None]}
    return network(replace(train, labels=labels), validation)


class Listwise(layers.Layer):
    """Adds to the loss the cross-entropy of each list's softmax; its probabilities stay the same.

    Reads probabilities, the number of each offer's list within the batch, and the labels, which
    are all 0 where nothing is learned.
    """

    def __init__(self, weight: float, **options: Any) -> None:
        super().__init__(**options)
        self.weight = weight

    def call(self, given: list[Any]) -> Any:
        p, number, label = (ops.reshape(values, (-1,)) for values in given)
        p = ops.clip(p, 1e-7, 1 - 1e-7)
        odds = p / (1 - p)
        of_list = ops.take(ops.segment_sum(odds, number, BATCH), number)
        self.add_loss(self.weight * ops.mean(label * ops.log(of_list / odds)))
        return given[0]


@dataclass(frozen=True)
class Lists(Data):
    """Training offers in batches of whole lists, for a model that compares the offers of one."""

    @property
    def examples(self) -> Any:
        ends = self.list_sizes.cumsum()
        count = round(len(self.redeemed) / BATCH)
        random = np.random.default_rng(0)

        def batches() -> Iterator[Any]:
            for chosen in np.array_split(random.permutation(len(ends)), count):
                rows = np.concatenate(
                    [np.arange(ends[i] - self.list_sizes[i], ends[i]) for i in chosen]
                )
                inputs = {name: array[rows] for name, array in self.arrays.items()}
                labels = {name: array[rows] for name, array in self.labels.items()}
                number = np.repeat(np.arange(len(chosen), dtype="int32"), self.list_sizes[chosen])
                inputs |= {"list": number[:, None], "label": labels["redeemed"]}
                yield inputs, labels

        form = tf.nest.map_structure(
            lambda a: tf.TensorSpec((None, *a.shape[1:]), a.dtype), next(batches())
        )
        data = tf.data.Dataset.from_generator(batches, output_signature=form)
        return data.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def without_lists(data: Data) -> Data:
    """The inputs of `Listwise` where nothing is learned: all 0."""
    none = {"list": np.zeros((len(data.redeemed), 1), "int32")}
    return replace(data, arrays={**data.arrays, **none, "label": 0 * data.labels["redeemed"]})


def listwise(weight: float, against: str = "chain") -> Try:
    def build(encoder: Encoder, **settings: Any) -> keras.Model:
        model = coupled(encoder, **settings)
        more = {
            "list": keras.Input((1,), dtype="int32", name="list"),
            "label": keras.Input((1,), name="label"),
        }
        p = Listwise(weight, name="listwise")([model.output["redeemed"], *more.values()])
        outputs = {"bought": model.output["bought"], "redeemed": p}
        return keras.Model({**model.input, **more}, outputs)

    def predict(train: Data, validation: Data) -> Predictions:
        lists = Lists(train.encoder, train.arrays, train.labels, train.list_sizes, train.weight)
        train, validation = without_lists(train), without_lists(validation)
        fitted = by_epochs(build)(lists, validation, NETWORK, None, SEED)
        return of_both(fitted, train, validation)

    idea = f"batches of whole lists, and {weight:g} times a softmax loss over each list"
    return Try(idea, predict, against)


def trees(train: Data, validation: Data) -> Predictions:
    fitted = fit_trees(train, validation, TREES, None, SEED)
    return of_both(fitted, train, validation)


def trees_without_windows(train: Data, validation: Data) -> Predictions:
    assert train.windows
    arrays, bought, weight = train.windows
    none = ({name: array[:0] for name, array in arrays.items()}, bought[:0], weight[:0])
    return trees(replace(train, windows=none), validation)


def with_windows_of_all(train: Data) -> Data:
    """More windows: the coupons of types B and C, for every user."""
    assert train.windows
    more = windows_of_all().sample(WINDOWS_OF_ALL, random_state=0)
    arrays, bought, weight = train.windows
    encoded = train.encoder.encode(more)
    return replace(
        train,
        windows=(
            {name: np.concatenate([array, encoded[name]]) for name, array in arrays.items()},
            np.concatenate([bought, more["bought"]]),
            np.concatenate([weight, np.ones(len(more))]),
        ),
    )


def pretrained(train: Data, validation: Data, seed: int = SEED) -> Predictions:
    """A chain whose purchase network has learned from all these windows before."""
    windows = with_windows_of_all(train).windows
    assert windows
    arrays, bought = windows[:2]
    joined = {name: np.concatenate([train.arrays[name], arrays[name]]) for name in arrays}
    labels = np.concatenate([train.labels["bought"], bought.astype("float32")[:, None]])

    def build(encoder: Encoder, **settings: Any) -> keras.Model:
        model = coupled(encoder, **settings)
        purchase = keras.Model(model.input, {"bought": model.output["bought"]})
        examples = (joined, {"bought": labels})
        fit(purchase, examples, validation.examples, epochs=PRETRAINING, seed=seed)
        return model

    return network(train, validation, seed, build)


def windows_of_all() -> pd.DataFrame:
    """The training campaigns of types B and C, as if each user had been mailed them on some days.

    They are copies that start together, so none counts as another's past.
    """
    file = FOLDER / "windows.parquet"
    if not file.exists():
        market = load_complete_journey()
        start = _.start.between(ibis.date(TRAIN_FROM), ibis.date(TUNE_FROM))
        copied = market.campaigns.filter(_.campaign_type != "A", start)

        def copies(table: ibis.Table) -> ibis.Table:
            mine = table.semi_join(copied, "campaign_id")
            return mine.mutate(campaign_id=_.campaign_id + COPY)

        coupons = copies(market.offers).select("campaign_id", "coupon_id").distinct()
        everyone = coupons.cross_join(market.users.select("user_id"))
        offers = market.offers.union(everyone.select(*market.offers.columns))
        items = market.coupon_items.union(copies(market.coupon_items))
        market = replace(market, offers=offers, coupon_items=items)
        frames = [offers_frame(start_together(market, copies(copied), day)) for day in DAYS]
        frame = pd.concat(frames, ignore_index=True)
        end = frame["start"] + pd.to_timedelta(frame["coupon_days"], unit="D")
        frame[(frame["campaign_id"] > COPY) & (end < TUNE_FROM)].to_parquet(file)
    return pd.read_parquet(file)


def item_propensities(part: str) -> np.ndarray:
    """Two numbers about each offer, of what its user bought strictly before the campaign.

    An item is bought within the campaign's days with a probability that grows with its decayed
    purchases. Over the coupon's items: the largest of them, and their sum.
    """
    file = FOLDER / "propensities.parquet"
    if not file.exists():
        market = load_complete_journey()
        past = before_campaigns(market, purchase_lines(market))
        rates = past.group_by("campaign_id", "user_id", "item_id").aggregate(
            rate=decayed(_.age, DECAY).sum() / DECAY
        )
        days = market.campaigns.mutate(days=_.end.delta(_.start, unit="day") + 1)
        rates = rates.join(days.select("campaign_id", "days"), "campaign_id")
        rates = rates.mutate(p=1 - (-_.rate * _.days).exp())
        items = rates.join(market.coupon_items, ["campaign_id", "item_id"])
        table = items.group_by(*OFFER).aggregate(largest=_.p.max(), sum=_.p.sum())
        table.semi_join(market.offers, OFFER).to_parquet(file)
    offers = parts(TUNE_FROM)[0][part][list(OFFER)]
    found = offers.merge(pd.read_parquet(file), "left", list(OFFER))[["largest", "sum"]]
    return np.log1p(found.fillna(0).to_numpy("float32"))


def propensities(train: Data, validation: Data) -> Predictions:
    more = []
    columns = item_propensities("train").T
    encoder = wider(train.encoder, [(float(x.mean()), float(x.std())) for x in columns])
    for data, part in ((train, "train"), (validation, "validation")):
        match = np.hstack([data.arrays["match"], item_propensities(part)])
        more.append(replace(data, encoder=encoder, arrays={**data.arrays, "match": match}))
    return network(*more)


def wider(encoder: Encoder, moments: list[tuple[float, float]]) -> Encoder:
    """The encoder of offers with more columns about the match, of known mean and deviation."""
    more = [
        Number(f"match_more_{place}", "", False, 0.0, 0.0, 0.0, *of_column)
        for place, of_column in enumerate(moments)
    ]
    match = (*encoder.numbers["match"], *more)
    return replace(encoder, numbers={**encoder.numbers, "match": match})


@cache
def sets_of_categories() -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a user bought before a campaign, and what a coupon covers, as sets of categories.

    One row for each user and campaign, with the logarithm of the decayed purchases in each
    category; one for each coupon and campaign, with the share of its items. A last row of zeros
    stands for who had bought nothing.
    """
    market = load_complete_journey()
    past = before_campaigns(market, purchase_lines(market))
    bought = past.group_by("campaign_id", "user_id", "category").aggregate(
        n=decayed(_.age, DECAY).sum()
    )
    covered = market.coupon_items.join(coded_items(market), "item_id")
    covered = covered.group_by("campaign_id", "coupon_id", "category").aggregate(n=_.count())
    users, coupons = (
        table.to_pandas().pivot_table("n", [*table.columns[:2]], "category", fill_value=0.0)
        for table in (bought, covered)
    )
    coupons = coupons.div(coupons.sum(axis=1), axis=0).reindex(columns=users.columns, fill_value=0)
    nobody = pd.DataFrame(0.0, pd.MultiIndex.from_tuples([(0, 0)]), users.columns)
    return pd.concat([np.log1p(users), nobody]), coupons


def with_history(data: Data, part: str) -> Data:
    """The offers with the rows of their user and their coupon among the sets."""
    offers = parts(TUNE_FROM)[0][part]
    users, coupons = sets_of_categories()
    of_user = users.index.get_indexer(pd.MultiIndex.from_frame(offers[["campaign_id", "user_id"]]))
    of_user = np.where(of_user < 0, len(users) - 1, of_user)
    of_coupon = coupons.index.get_indexer(
        pd.MultiIndex.from_frame(offers[["campaign_id", "coupon_id"]])
    )
    rows = (of_user[:, None].astype("int32"), of_coupon[:, None].astype("int32"))
    return replace(data, arrays={**data.arrays, **dict(zip(ROWS, rows, strict=True))})


def history(train: Data, validation: Data, seed: int = SEED) -> Predictions:
    """A chain that also reads what the user bought, category by category.

    A set's vector is the sum of those of its categories, which are learned (deep sets); the chain
    gets the user's, and its product with the coupon's.
    """

    def build(encoder: Encoder, **settings: Any) -> keras.Model:
        room = wider(encoder, [(0.0, 1.0)] * (2 * VECTOR))
        model = coupled(room, **settings)  # first, with the random numbers of the chain
        of_categories = layers.Dense(VECTOR, use_bias=False)
        rows, vectors = [], []
        for name, table in zip(ROWS, sets_of_categories(), strict=True):
            rows.append(keras.Input((1,), dtype="int32", name=name))
            sets = layers.Embedding(*table.shape, weights=[table.to_numpy()], trainable=False)
            vectors.append(of_categories(layers.Flatten()(sets(rows[-1]))))
        match = keras.Input((len(encoder.numbers["match"]),), name="match")
        both = layers.Concatenate()([match, vectors[0], layers.Multiply()(vectors)])
        inputs = {**model.input, "match": match, **{row.name: row for row in rows}}
        return keras.Model(inputs, model({**model.input, "match": both}))

    train, validation = with_history(train, "train"), with_history(validation, "validation")
    return network(train, validation, seed, build)


TRIES = {
    "chain": Try("a network of the contest: chain rule, purchase weight 0.1", network),
    "chain again": Try(
        "the same from another seed: what chance alone does",
        lambda *of: network(*of, seed=OTHER_SEED),
    ),
    **{f"purchase weight {weight:g}": weighted(weight) for weight in (0.0, 0.03, 0.3, 1.0)},
    "listwise 0": listwise(0.0),
    "listwise 1": listwise(1.0, against="listwise 0"),
    "trees": Try("trees of the contest, with past windows of mailed users", trees),
    "trees without windows": Try(
        "purchase trees on the mailed offers alone", trees_without_windows, "trees"
    ),
    "trees windows of all": Try(
        "purchase trees also on past windows of every user, mailed or not",
        lambda train, validation: trees(with_windows_of_all(train), validation),
        "trees",
    ),
    **{name: of_coupling(name) for name in COUPLINGS[1:]},
    "two chains": Try("mean of both chains, in log odds", ensemble=("chain", "chain again")),
    "ensemble of couplings": Try(
        "mean of one network of each of the four couplings, in log odds", ensemble=COUPLINGS
    ),
    "distilled": Try("a chain taught by that ensemble's probabilities", distilled),
    "network and trees": Try("mean of chain and trees, in log odds", ensemble=("chain", "trees")),
    "item propensities": Try(
        "two more features: largest and summed propensity to buy an item of the coupon",
        propensities,
    ),
    "pre-trained": Try(
        "a chain whose purchase network first learns from the windows of every user", pretrained
    ),
    "pre-trained again": Try(
        "the same from the other seed",
        lambda *of: pretrained(*of, seed=OTHER_SEED),
        "chain again",
    ),
    "history": Try(
        "a chain that also reads the set of categories in the user's past baskets", history
    ),
    "history again": Try(
        "the same from the other seed",
        lambda *of: history(*of, seed=OTHER_SEED),
        "chain again",
    ),
}


def steps() -> None:
    """Fit what is not fitted yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    data = parts(TUNE_FROM)[1]
    for name, one in TRIES.items():
        if one.predict is None or predicted(name).exists():
            continue
        start = time.perf_counter()
        found = one.predict(data["train"], data["validation"])
        seconds = time.perf_counter() - start
        p = [np.asarray(values, "float32") for values in found]
        np.savez(predicted(name), seconds=seconds, train=p[0], validation=p[1])
        print(f"{name:24} {seconds:6.1f} s", flush=True)


def predicted(name: str) -> Path:
    return FOLDER / f"{name.replace(' ', '-')}.npz"


def predictions(name: str) -> dict[str, np.ndarray]:
    return dict(np.load(predicted(name)))


def row(name: str) -> dict[str, Any]:
    """A try's metrics, and by how much they differ from those of the try that it changes."""
    one, offers = TRIES[name], parts(TUNE_FROM)[0]["validation"]
    gaps = compare(offers, averaged(name), averaged(one.against), metrics=METRICS).round(6)
    gaps = gaps.drop(columns="b").rename(columns={"a": "value"})
    return {
        "try": name,
        "idea": one.idea,
        "against": one.against,
        "seconds": round(float(sum(run["seconds"] for run in runs(name))), 1),
        "metrics": {part: gaps.loc[part].to_dict("index") for part in gaps.index.unique("slice")},
    }


def runs(name: str) -> list[dict[str, np.ndarray]]:
    return [predictions(part) for part in TRIES[name].ensemble or [name]]


def averaged(name: str) -> np.ndarray:
    return mean_in_log_odds([run["validation"] for run in runs(name)])


def main() -> None:
    use_two_cores()
    steps()
    offers = parts(TUNE_FROM)[0]["validation"]
    result = {
        "judged_from": TUNE_FROM,
        "offers": len(offers),
        "redeemed": int(offers["redeemed"].sum()),
        "tries": [row(name) for name in TRIES],
    }
    store("tries", PACKAGES, result)
    for part in ("all", "B and C"):
        rows = {r["try"]: pd.DataFrame(r["metrics"][part]).stack() for r in result["tries"]}
        print(pd.DataFrame(rows).T.round(5).to_string())


if __name__ == "__main__":
    main()
