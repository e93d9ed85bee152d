"""What else our model might be made of: each idea beside the chain with trees, before October.

    python benchmarks/tries.py [IDEA ...]

By `PROTOCOL.md` a design is chosen on the tuning days alone, and so are these. All are fitted to
the same offers in batches of whole lists, with the configuration that the contest found for ours
and five seeds; each stands after the number of epochs that is best for it. Ideas, alone and
together:

- mailing: a third factor for lists of which sixteen coupons were sent (type A), the probability
  that this one was, so that the probabilities of a list sum to sixteen;
- habit: how often a user redeemed, overall and in the coupon's department, beside what the types
  of those campaigns lead one to expect, shrunk to the usual, for network and trees;
- delay: campaigns that run are learned from too. What is redeemed by then is known; the rest is
  redeemed later with the chance that earlier campaigns give (Chapelle, KDD 2014);
- no trees: the chain alone;
- purchase trees: the trees read how likely a purchase is, too, by trees that saw no offer of the
  same user.

An idea earns its place if the interval of its log loss less that of the chain with trees, over
users, coupons and seeds, lies below zero.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
from contest import (
    CLUSTERS,
    PACKAGES,
    REPLICATES,
    RUNS,
    TUNING_DAYS,
    fits,
    found_before,
    offers_of,
    offers_table,
    rows,
    slices,
)
from contest_models import (
    BY_OFFERS,
    EPOCHS,
    OURS,
    Configuration,
    Data,
    coupled,
    log_odds,
    sigmoid,
)
from ibis import _
from machine import RESULTS, store, use_two_cores

from coupon_rec import load_complete_journey
from coupon_rec._keras import keras, tf
from coupon_rec.evaluation import Prior, compare, log_loss
from coupon_rec.features import Arrays, Encoder
from coupon_rec.features.batch.users import labels
from coupon_rec.market import Market
from coupon_rec.market.tables import OFFER
from coupon_rec.models import boosted
from coupon_rec.models.inputs import encoded, joined, logit_layer, network
from coupon_rec.training import examples, fit

layers, ops = keras.layers, keras.ops

FOLDER = RUNS.with_name("tries")
SENT, ROWS = 16, 2048
HABITS = ("user_habit", "match_habit")
PURCHASE = "match_purchase"
FOLDS = 5
REPORTED = ("reported_bought", "reported_redeemed")
SEEDS = range(5)


@dataclass(frozen=True)
class Idea:
    """What is added to the chain with trees, or taken from it."""

    mailing: bool = False
    habit: bool = False
    delay: bool = False
    trees: bool = True
    purchase: bool = False


IDEAS = {
    "chain with trees": Idea(),
    "mailing": Idea(mailing=True),
    "habit": Idea(habit=True),
    "delay": Idea(delay=True),
    "all three": Idea(mailing=True, habit=True, delay=True),
    "no trees": Idea(trees=False),
    "purchase trees": Idea(purchase=True),
}


BASE = next(iter(IDEAS))


# The offers


def data_with(idea: Idea, days: Sequence[str]) -> tuple[Data, Data]:
    """The offers known on the first of the days, and those of the days, as an idea reads them."""
    offers, market = offers_table(), load_complete_journey()
    known = offers[offers["end"] < days[0]]
    train, judged = (
        frame.assign(**dict.fromkeys(REPORTED, 1.0)) for frame in (known, offers_of(days))
    )
    if idea.delay:
        train = pd.concat([train, running(market, pd.Timestamp(days[0]))], ignore_index=True)
    if idea.habit:
        train, judged = with_habits(train, known), with_habits(judged, known)
    encoder = Encoder.fit(train, extra=HABITS if idea.habit else ())
    return Data(train, encoder, market), Data(judged, encoder, market)


def with_habits(offers: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Add the habits of users by the campaigns that had ended when that of the offer began."""
    parts = [
        part.assign(**habits(part, known[known["end"] < start]))
        for start, part in offers.groupby("start")
    ]
    return pd.concat(parts).loc[offers.index]


def habits(offers: pd.DataFrame, earlier: pd.DataFrame) -> dict[str, np.ndarray]:
    """Redemptions over those that the campaign types let expect, shrunk to the usual."""
    if earlier["redeemed"].sum() == 0:
        return dict.fromkeys(HABITS, np.ones(len(offers)))
    usual = earlier.groupby("campaign_type")["redeemed"].transform("mean")
    of_user = shrunk(earlier, usual, ["user_id"])
    expected = usual * found(of_user, earlier)
    within = shrunk(earlier, expected, ["user_id", "department"])
    return {"user_habit": found(of_user, offers), "match_habit": found(within, offers)}


def shrunk(earlier: pd.DataFrame, expected: pd.Series, keys: list[str]) -> pd.Series:
    sums = earlier.assign(expected=expected).groupby(keys)[["redeemed", "expected"]].sum()
    prior = Prior.fit(sums["redeemed"], sums["expected"])
    return pd.Series(prior.rate(sums["redeemed"], sums["expected"]), sums.index)


def found(rates: pd.Series, offers: pd.DataFrame) -> np.ndarray:
    """The rate of each offer's user, or user and department; 1 for those never seen."""
    keys = [offers[name] for name in rates.index.names]
    at = keys[0] if len(keys) == 1 else pd.MultiIndex.from_arrays(keys)
    return rates.reindex(at).fillna(1.0).to_numpy("float64")


def running(market: Market, day: pd.Timestamp) -> pd.DataFrame:
    """The offers of campaigns that run, their labels so far, and what share is reported by now."""
    offers, one = offers_table(), pd.Timedelta(days=1)
    calendar = offers.groupby("campaign_id")[["start", "end"]].first()
    live = calendar[(calendar["start"] < day) & (calendar["end"] >= day)]
    ended = calendar[calendar["end"] < day]
    totals = offers.loc[offers["end"] < day, ["bought", "redeemed"]].sum()
    so_far = labels_until(market, pd.Series(day - one, live.index))
    parts = []
    for campaign, (start, end) in live.iterrows():
        share = (day - start) / (end + one - start)
        lengths = (ended["end"] + one - ended["start"]) * share
        partial = labels_until(market, (ended["start"] + lengths - one).dt.floor("D"))
        reported = partial[["bought", "redeemed"]].sum() / totals
        part = offers[offers["campaign_id"] == campaign].drop(columns=["bought", "redeemed"])
        part = part.merge(so_far, "left", OFFER).fillna({"bought": 0, "redeemed": 0})
        parts.append(part.assign(**dict(zip(REPORTED, reported, strict=True))))
    return pd.concat(parts) if parts else offers[:0].assign(**dict.fromkeys(REPORTED, 1.0))


def labels_until(market: Market, ends: pd.Series) -> pd.DataFrame:
    """The labels of some campaigns as if they had ended on these days."""
    frame = market.campaigns.to_pandas()
    frame = frame[frame["campaign_id"].isin(ends.index)]
    frame = frame.assign(end=frame["campaign_id"].map(ends).dt.date)
    campaigns = ibis.memtable(frame).cast({"start": "date", "end": "date"})
    last = campaigns.select("campaign_id", last="end")
    redeemed = market.redemptions.join(last, "campaign_id").filter(_.date <= _.last).drop("last")
    offers = market.offers.semi_join(campaigns, "campaign_id")
    cut = replace(market, campaigns=campaigns, redemptions=redeemed, offers=offers)
    return labels(cut).to_pandas()


def with_purchase(train: Data, judged: Data, trees: int, seed: int) -> tuple[Data, Data]:
    """Add the log odds of a purchase, by trees that saw no offer of the same user."""
    frames = [data.offers.assign(**{PURCHASE: 0.0}) for data in (train, judged)]
    bought = train.offers["bought"].to_numpy()
    for fold in range(FOLDS):
        others = (train.offers["user_id"] % FOLDS != fold).to_numpy()
        arrays = {name: array[others] for name, array in train.arrays.items()}
        layer = boosted(train.encoder, arrays, bought[others], trees=trees, seed=seed)
        for data, frame in zip((train, judged), frames, strict=True):
            mine = (frame["user_id"] % FOLDS == fold).to_numpy()
            frame.loc[mine, PURCHASE] = of_trees(layer, data.matrix[mine])
    encoder = Encoder.fit(frames[0], extra=(PURCHASE,))
    return Data(frames[0], encoder, train.market), Data(frames[1], encoder, judged.market)


# The models


def of_trees(trees: Any, matrix: np.ndarray) -> np.ndarray:
    parts = np.array_split(matrix, 1 + len(matrix) // ROWS)
    return np.concatenate([np.asarray(trees(part))[:, 0] for part in parts])


def direct_trees(idea: Idea, train: Data, judged: Data, count: int, seed: int) -> np.ndarray:
    """The log odds of the redemption by trees."""
    if idea.purchase:
        train, judged = with_purchase(train, judged, count, seed)
    ended = (train.offers[REPORTED[1]] == 1).to_numpy()
    arrays = {name: array[ended] for name, array in train.arrays.items()}
    grown = {"trees": count, "seed": seed, **BY_OFFERS}
    trees = boosted(train.encoder, arrays, train.redeemed[ended], **grown)
    return of_trees(trees, judged.matrix)


class Mailed(layers.Layer):
    """Chances that an offer was sent, from logits, so that those of a list sum to sixteen."""

    def call(self, given: Sequence[Any]) -> Any:
        """Turn `[logits, lists]`, both of shape (n, 1), into chances of that shape."""
        z, lists = given[0], given[1][:, 0]

        def of_lists(x: Any) -> Any:
            return ops.segment_sum(x[:, 0], lists, ROWS)

        size = ops.maximum(of_lists(ops.ones_like(z)), SENT + 1.0)
        shift = ops.log(SENT / (size - SENT))
        for _step in range(10):
            p = ops.sigmoid(z + ops.take(shift, lists)[:, None])
            slope = ops.maximum(of_lists(p * (1 - p)), 1e-3)
            shift = shift + ops.clip((SENT - of_lists(p)) / slope, -1.0, 1.0)
        return ops.sigmoid(z + ops.take(shift, lists)[:, None])


def built(idea: Idea, train: Data, units: Sequence[int], dropout: float) -> keras.Model:
    encoder, sent = train.encoder, sent_of(train)
    if idea.mailing:
        if_sent = encoder.rates["redeemed"] / sent.mean()
        encoder = replace(encoder, rates={**encoder.rates, "redeemed": if_sent})
    chain = coupled(encoder, units, dropout)
    inputs, out = dict(chain.input), dict(chain.output)
    if idea.mailing:
        inputs["list"] = keras.Input((1,), dtype="int32", name="list")
        inputs["some_sent"] = keras.Input((1,), name="some_sent")
        own, ready = encoded(encoder)
        deep = network(joined(ready, tuple(ready), "known"), units, dropout, "mailing")
        mailing = keras.Model(own, logit_layer(0.5, "mailed_logit")(deep))
        chance = Mailed()([mailing(chain.input), inputs["list"]])
        out["redeemed"] = out["redeemed"] * (1 + inputs["some_sent"] * (chance - 1))
    if idea.delay:
        for name in out:
            inputs[f"reported_{name}"] = keras.Input((1,), name=f"reported_{name}")
            out[name] = out[name] * inputs[f"reported_{name}"]
    return keras.Model(inputs, out)


def sent_of(data: Data) -> np.ndarray:
    """The share of each offer's list that was sent."""
    sizes = np.repeat(data.list_sizes, data.list_sizes)
    return np.where(data.offers["campaign_type"] == "A", SENT / sizes, 1.0)


def in_lists(data: Data, seed: int | None = None) -> tf.data.Dataset:
    """Batches of whole lists, some `ROWS` offers each, by chance if there is a seed."""
    sizes, random = data.list_sizes, np.random.default_rng(seed)
    starts, batches = np.cumsum(sizes) - sizes, -(-len(data.offers) // ROWS)
    arrays, targets = examples(data.offers, data.encoder)
    columns = {name: data.offers[[name]].to_numpy("float32") for name in REPORTED}
    some_sent = (data.offers[["campaign_type"]] == "A").to_numpy("float32")
    arrays = {**arrays, **columns, "some_sent": some_sent}

    def batch() -> Iterator[tuple[Arrays, Arrays]]:
        order = np.arange(len(sizes)) if seed is None else random.permutation(len(sizes))
        number = (np.cumsum(sizes[order]) - 1) * batches // sizes.sum()
        for lists in np.split(order, np.flatnonzero(np.diff(number)) + 1):
            at = np.concatenate([starts[each] + np.arange(sizes[each]) for each in lists])
            x = {name: array[at] for name, array in arrays.items()}
            x["list"] = np.repeat(np.arange(len(lists), dtype="int32"), sizes[lists])[:, None]
            yield x, {name: array[at] for name, array in targets.items()}

    signature = tf.nest.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), next(batch())
    )
    made = tf.data.Dataset.from_generator(batch, output_signature=signature)
    return made.apply(tf.data.experimental.assert_cardinality(batches)).prefetch(2)


def scores_of(
    idea: Idea, days: Sequence[str], configuration: Configuration, seed: int
) -> np.ndarray:
    """The probabilities of the offers of some days after each epoch, shape (epochs, offers)."""
    train, judged = data_with(idea, days)
    settings = dict(configuration)
    direct = direct_trees(idea, train, judged, settings.pop("trees"), seed)
    keras.utils.set_random_seed(seed)
    model, inputs, scores = built(idea, train, **settings), in_lists(judged), []

    def score(epoch: int, logs: Any) -> None:
        parts = [model({name: x[name] for name in model.input}) for x, _ in inputs]
        p = np.concatenate([np.asarray(part["redeemed"])[:, 0] for part in parts])
        scores.append(sigmoid((log_odds(p) + direct) / 2) if idea.trees else p)

    fit(
        model,
        in_lists(train, seed),
        inputs.take(1),  # nothing is decided by these
        epochs=max(EPOCHS),
        patience=max(EPOCHS),
        seed=seed,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=score)],
    )
    return np.array(scores)


# The report


def kept(name: str, seed: int) -> Path:
    return FOLDER / f"{name.replace(' ', '-')}-{seed}.npy"


def predicted(name: str) -> tuple[int, np.ndarray]:
    """The best number of epochs of an idea, and its predictions after it, (offers, seeds)."""
    y = offers_of(TUNING_DAYS)["redeemed"]
    p = np.stack([np.load(kept(name, seed)) for seed in SEEDS], axis=-1).astype("float64")
    losses = [np.mean([log_loss(y, one) for one in of_epoch.T]) for of_epoch in p]
    return int(np.argmin(losses)) + 1, p[np.argmin(losses)]


def report(ideas: Sequence[str]) -> list[dict[str, Any]]:
    """Each idea's epochs and log loss, and that less the chain with trees, by slice."""
    judged = offers_of(TUNING_DAYS)
    sliced = {name: slices(judged)[name] for name in ("all", "A", "B and C")}
    _, ours = predicted(BASE)
    tables = []
    for name in ideas:
        epochs, p = predicted(name)
        gaps = compare(
            judged,
            p,
            ours,
            metrics=["log loss"],
            slices=sliced,
            clusters=CLUSTERS,
            replicates=REPLICATES,
        ).reset_index()
        tables.append(gaps.assign(idea=name, epochs=epochs).set_index("idea"))
    return rows(pd.concat(tables))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    others = [name for name in IDEAS if name != BASE]
    parser.add_argument("ideas", nargs="*", metavar="IDEA", help=f"all, or of {', '.join(others)}")
    ideas = parser.parse_args().ideas or others
    use_two_cores()
    FOLDER.mkdir(parents=True, exist_ok=True)
    configuration = found_before()[OURS]["configuration"]
    for name in (BASE, *ideas):
        for seed in SEEDS:
            if not kept(name, seed).exists():
                days = fits(TUNING_DAYS)
                scores = [scores_of(IDEAS[name], some, configuration, seed) for some in days]
                np.save(kept(name, seed), np.concatenate(scores, axis=1).astype("float32"))
                print(name, seed, flush=True)
    path = RESULTS / "tries.json"
    before = json.loads(path.read_text())["gaps"] if path.exists() else []
    result = [row for row in before if row["idea"] not in ideas] + report(ideas)
    store("tries", PACKAGES, {"tuning_days": TUNING_DAYS, "seeds": len(SEEDS), "gaps": result})
    print(pd.DataFrame(result).round(6).to_string())


if __name__ == "__main__":
    main()
