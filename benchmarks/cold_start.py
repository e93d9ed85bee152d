"""What helps a forecast for new users, new coupons and many ids, in chapter 20.

`python benchmarks/cold_start.py [PART ...]` measures some of these parts, or all, and keeps the
others as they were:

- users: simulated markets in which two users of five were never mailed; the fixes for a history
  that is not there, where newcomers are like members, and where they redeem more;
- coupons: the same markets, each type of coupon forecast by a model that never saw it; how far the
  forecast of its redemptions is off after some of its offers have been seen;
- augmentation: fewer members to learn from, with copies of their offers that are not there;
- ids: vectors of items in tables of fewer rows than items, where the true taste is known;
- real: the same fixes for users on Complete Journey.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from machine import for_seeds, run_parts
from sklearn.metrics import roc_auc_score

import coupon_rec.book.prelude as prelude
from coupon_rec.book import SPLIT
from coupon_rec.book.newcomers import (
    FIRST,
    HABIT,
    SHOPPING,
    Trees,
    habits,
    market_with_newcomers,
    past_of,
    user_prior,
)
from coupon_rec.decisions import Economics
from coupon_rec.evaluation import Prior, from_sums
from coupon_rec.features import GROUPS, feature_names, split

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "keras")
SEEN = (0, 50, 150, 500, 1000)
FOLDS = 4
SEEDS = range(6)


def excess(true: pd.Series, p: np.ndarray) -> float:
    """Log loss in excess of that of the true probabilities, for 10,000 offers."""
    t = true.to_numpy()
    return float(1e4 * np.mean(t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p))))


def redeem_ways(past: pd.DataFrame) -> dict[str, Any]:
    """Ways to forecast a redemption given a purchase, by name: from offers to probabilities."""
    bought = past[past["bought"] == 1]
    y, prior = bought["redeemed"], user_prior(past)

    def shrunk(offers: pd.DataFrame) -> pd.DataFrame:
        return offers[SHOPPING].assign(rate=prior.rate(offers["redemptions"], offers["purchases"]))

    def unknown(offers: pd.DataFrame) -> pd.DataFrame:
        x = habits(offers)
        x.loc[offers["mailed"] == 0, HABIT] = np.nan
        return x

    forgetful = pd.concat([habits(bought), habits(bought).assign(rate=np.nan, mailed=np.nan)])
    history = Trees(habits(bought), y)
    without, by_shrunk = Trees(bought[SHOPPING], y), Trees(shrunk(bought), y)
    forgets = Trees(forgetful, np.tile(y, 2))
    return {
        "zero": lambda offers: history(habits(offers)),
        "missing": lambda offers: history(unknown(offers)),
        "without": lambda offers: without(offers),
        "forget": lambda offers: forgets(unknown(offers)),
        "shrunk": lambda offers: by_shrunk(shrunk(offers)),
    }


def judged(offers: pd.DataFrame, p: np.ndarray, buys: np.ndarray) -> dict[str, float]:
    """Scores of one group's forecasts against the truth, and money promised and kept."""
    true, given = offers["true"], p / buys
    money = offers["price"], offers["depth"] * offers["price"]
    promised, kept = Economics().profit(p, *money), Economics().profit(true.to_numpy(), *money)
    sent = promised > 0
    return {
        "ratio": float(true.sum() / p.sum()),
        "ratio_buy": float(offers["p_buy"].sum() / buys.sum()),
        "ratio_redeem_if": float(true.sum() / (offers["p_buy"] * given).sum()),
        "excess": excess(true, p),
        "auc": float(roc_auc_score(offers["redeemed"], p)),
        "promised": float(promised[sent].sum()),
        "kept": float(kept[sent].sum()),
        "users": int(offers["user_id"].nunique()),
    }


def users(seed: int) -> list[dict[str, Any]]:
    """One market of each kind: each way, for newcomers and for members."""
    rows = []
    for kind, chosen in (("alike", 0.0), ("other", 1.0)):
        offers = market_with_newcomers(seed, chosen=chosen)
        past = past_of(offers)
        buys = Trees(past[SHOPPING], past["bought"])
        ways = redeem_ways(past)
        for number in (FIRST, FIRST + 1):
            now = offers[offers["campaign_id"] == number]
            for who, some in (("newcomers", now[now["new"]]), ("members", now[~now["new"]])):
                b = buys(some)
                for way, redeems in ways.items():
                    row = {"market": kind, "seed": seed, "campaign": number, "who": who}
                    rows.append({**row, "way": way, **judged(some, b * redeems(some), b)})
        first = offers[(offers["campaign_id"] == FIRST) & offers["new"]]
        promised = (buys(first) * ways["shrunk"](first)).sum()
        level = Prior(1, 20).rate([first["redeemed"].sum()], [promised])[0]
        late = offers[(offers["campaign_id"] == FIRST + 1) & offers["new"]]
        b = buys(late)
        row = {"market": kind, "seed": seed, "campaign": FIRST + 1, "who": "newcomers"}
        p = np.minimum(b * ways["shrunk"](late) * level, 0.99)
        rows.append({**row, "way": "shrunk, with a level", **judged(late, p, b)})
    return rows


def augmented(bought: pd.DataFrame, way: str, rng: np.random.Generator) -> pd.DataFrame:
    """Offers with a purchase, and as many made-up ones."""
    if way == "none":
        return bought
    copies = bought.sample(len(bought), replace=True, random_state=rng.integers(2**31))
    if way == "copies":
        return pd.concat([bought, copies])
    numbers = [name for name in SHOPPING if name != "depth"]
    if way == "noise":
        spread = 0.1 * bought[numbers].std().to_numpy()
        made = copies[numbers] + spread * rng.standard_normal((len(copies), len(numbers)))
        return pd.concat([bought, copies.assign(**made)])
    redeemed = bought[bought["redeemed"] == 1]  # SMOTE: between two that were redeemed
    size = int((bought["redeemed"] == 0).sum() - len(redeemed))
    a, b = (redeemed.sample(size, replace=True, random_state=rng.integers(2**31)) for _ in "ab")
    share = rng.random((size, 1))
    read = [*SHOPPING, "redemptions", "purchases", "mailed"]
    made = a[read].to_numpy() * share + b[read].to_numpy() * (1 - share)
    return pd.concat([bought, a.assign(**dict(zip(read, made.T, strict=True)))])


def augmentation(seed: int) -> list[dict[str, Any]]:
    """An eighth of the members to learn from, with and without made-up offers."""
    offers = market_with_newcomers(seed)
    past = past_of(offers)
    some = past[past["user_id"] % 8 == 0]
    bought, prior = some[some["bought"] == 1], user_prior(past)
    now = offers[(offers["campaign_id"] == FIRST) & (offers["user_id"] % 8 != 0)]
    b = Trees(past[SHOPPING], past["bought"])(now)

    def read(x: pd.DataFrame) -> pd.DataFrame:
        rate = prior.rate(x["redemptions"].round(), x["purchases"].round().clip(lower=0))
        return x[SHOPPING].assign(rate=rate)

    rows = []
    for way in ("none", "copies", "noise", "SMOTE"):
        made = augmented(bought, way, np.random.default_rng(seed))
        made["redemptions"] = np.minimum(made["redemptions"].round(), made["purchases"].round())
        p = b * Trees(read(made), made["redeemed"])(read(now))
        rows.append({"seed": seed, "way": way, **judged(now, p, b)})
    return rows


def coupons(seed: int) -> list[dict[str, Any]]:
    """Each type forecast by a model that never saw it, then corrected by what was seen."""
    offers = market_with_newcomers(seed, campaigns=FIRST)
    offers = offers[(offers["campaign_id"] >= 2) & ~offers["new"]]
    types = np.random.default_rng(seed).permutation(np.unique(offers["type"]))
    fold = pd.Series(np.arange(len(types)) % FOLDS, types)[offers["type"]].to_numpy()
    past = (offers["campaign_id"] < FIRST).to_numpy()
    prior = user_prior(offers[past])

    def habit(x: pd.DataFrame) -> pd.DataFrame:
        return x[SHOPPING].assign(rate=prior.rate(x["redemptions"], x["purchases"]))

    offers = offers.assign(pb=0.0, p=0.0)
    for number in range(FOLDS):
        learn, hold = offers[past & (fold != number)], fold == number
        buys = Trees(learn[SHOPPING], learn["bought"])
        bought = learn[learn["bought"] == 1]
        redeems = Trees(habit(bought), bought["redeemed"])
        offers.loc[hold, "pb"] = buys(offers[hold])
        offers.loc[hold, "p"] = offers.loc[hold, "pb"] * redeems(habit(offers[hold]))
    before = (
        offers[past].groupby(["campaign_id", "coupon_id"])[["bought", "pb", "redeemed", "p"]].sum()
    )
    of_buys = Prior.fit(before["bought"], before["pb"])
    of_redemptions = Prior.fit(before["redeemed"], before["p"])
    sizes = offers[past].groupby(["campaign_id", "coupon_id"])["redeemed"].agg(["sum", "size"])
    of_rates = Prior.fit(sizes["sum"], sizes["size"], trials=True)
    rows = []
    now = offers[offers["campaign_id"] == FIRST]
    for coupon, rows_of in now.groupby("coupon_id"):
        mixed = rows_of.sample(frac=1, random_state=seed)
        rest = mixed.iloc[max(SEEN) :]
        for n in SEEN:
            s = mixed.iloc[:n][["bought", "pb", "redeemed", "p"]].sum()
            raw = s["redeemed"] / s["p"] if n else 1.0
            raw_buys = s["bought"] / s["pb"] if n else 1.0
            rate = s["redeemed"] / n if n else before["redeemed"].sum() / sizes["size"].sum()
            say = {
                "model": rest["p"].sum(),
                "raw rate": rate * len(rest),
                "shrunk rate": of_rates.rate([s["redeemed"]], [n])[0] * len(rest),
                "raw, redemptions": raw * rest["p"].sum(),
                "shrunk, redemptions": of_redemptions.rate([s["redeemed"]], [s["p"]])[0]
                * rest["p"].sum(),
                "raw, purchases": raw_buys * rest["p"].sum(),
                "shrunk, purchases": of_buys.rate([s["bought"]], [s["pb"]])[0] * rest["p"].sum(),
            }
            row = {
                "seed": seed,
                "coupon": int(coupon),
                "seen": n,
                "true": float(rest["true"].sum()),
            }
            told = {name: float(count) for name, count in say.items()}
            rows.append({**row, "strength": of_buys.strength, **told})
    return rows


def ids() -> list[dict[str, Any]]:
    """Purchases of 1,000 items by factorization, with item vectors in smaller tables."""
    from coupon_rec._keras import keras
    from coupon_rec.models import ComposedVector, hashed, quotient_remainder, shared
    from coupon_rec.simulation import simulate_market

    made = simulate_market(users=800, seed=0)
    truth = made.truth.purchase.to_numpy()
    lines = made.market.purchases.to_pandas()
    first = lines["time"].min()
    period = (lines["time"] - first).dt.days // 28
    periods, (n, m) = 12, truth.shape
    count = np.zeros((n, m), "float32")
    once = lines.assign(period=period)[period < periods]
    once = once.drop_duplicates(["user_id", "item_id", "period"])
    np.add.at(count, (once["user_id"] - 1, once["item_id"] - 1), 1.0)
    u, i = (each.ravel() for each in np.meshgrid(np.arange(n), np.arange(m), indexing="ij"))
    y = count.ravel() / periods
    all_ids, rows = np.arange(m), []
    tables = {
        "a row each": (all_ids[:, None].astype("int32"), [m]),
        "quotient-remainder": (quotient_remainder(all_ids, 100), [10, 100]),
        "one hash": (hashed(all_ids, 110), [110]),
        "two hashes": (hashed(all_ids, 55, 2), [55, 55]),
    }
    for way, (codes, sizes) in tables.items():
        keras.utils.set_random_seed(0)
        who, what = keras.Input((1,), dtype="int32"), keras.Input((len(sizes),), dtype="int32")
        user = keras.layers.Embedding(n, 9, keras.initializers.RandomNormal(stddev=0.3))(who)
        user = keras.layers.Flatten()(user)
        item = ComposedVector(sizes, 9)(what)
        match = keras.layers.Dot(1)([user, item])
        own = keras.layers.Flatten()(keras.layers.Embedding(n, 1)(who))
        popular = ComposedVector(sizes, 1)(what)
        logit = keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(-4.0))(
            keras.layers.Concatenate()([match, own, popular])
        )
        model = keras.Model([who, what], keras.layers.Activation("sigmoid")(logit))
        model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
        model.fit([u[:, None], codes[i]], y, batch_size=16384, epochs=6, verbose=0)
        p = model.predict([u[:, None], codes[i]], batch_size=65536, verbose=0).reshape(n, m)
        p = np.clip(p, 1e-7, 1 - 1e-7)
        loss = -(truth * np.log(p) + (1 - truth) * np.log(1 - p))
        best = -(truth * np.log(truth) + (1 - truth) * np.log(1 - truth))
        by_item = 1e4 * (loss - best).mean(axis=0)
        rows.append(
            {"way": way, "rows": sum(sizes), "shared": shared(codes), "by_item": by_item.tolist()}
        )
    base = np.array(rows[0]["by_item"])
    for row in rows:
        own = np.array(row.pop("by_item"))
        more = from_sums(
            pd.DataFrame({"more": own - base, "one": 1.0}), all_ids, lambda s: s["more"] / s["one"]
        )
        row |= {"excess": float(own.mean()), **{f"more_{k}": v for k, v in more.items()}}
    return rows


def histories(offers: pd.DataFrame) -> pd.DataFrame:
    """Redemptions, purchases and campaigns of each user that had ended before each campaign."""
    last = offers["start"] + pd.to_timedelta(offers["coupon_days"].astype(int) - 1, "D")
    of = offers.assign(end=last).groupby(["campaign_id", "user_id"])
    done = of.agg(end=("end", "first"), r=("redeemed", "sum"), b=("bought", "sum")).reset_index()
    parts = []
    for _, rows in offers.groupby("campaign_id", sort=False):
        known = done[done["end"] < rows["start"].iloc[0]].groupby("user_id")
        known = known.agg(redemptions=("r", "sum"), purchases=("b", "sum"), mailed=("r", "size"))
        found = known.reindex(rows["user_id"]).fillna(0.0).set_index(rows.index)
        parts.append(rows.join(found))
    return pd.concat(parts)


def real() -> dict[str, Any]:
    """The second factor of Complete Journey's offers with a purchase, in each way."""
    offers = histories(prelude.offers())
    train, validation, test = split(offers, *SPLIT)
    past = pd.concat([train, validation])
    ended = test["start"] + pd.to_timedelta(test["coupon_days"].astype(int), "D") <= "2018-01-01"
    test = test[ended & (test["bought"] == 1)]
    new = ~test["user_id"].isin(past["user_id"]).to_numpy()
    bought = past[past["bought"] == 1]
    y, prior = bought["redeemed"], user_prior(past)
    names = [name for group in GROUPS for name in feature_names(group)]
    habit = ["user_mailed_90", "user_redemption_rate", "user_redemption_recency"]
    habit += ["user_redemptions_decayed", "coupon_redeemed_before", "coupon_offered_before"]
    rest = [name for name in names if name not in habit]
    gone = bought[names].assign(**dict.fromkeys(habit, np.nan))

    def shrunk(x: pd.DataFrame) -> pd.DataFrame:
        return x[rest].assign(rate=prior.rate(x["redemptions"], x["purchases"]))

    unknown = test[names].astype(float)
    unknown.loc[new, habit] = np.nan
    forgets = Trees(pd.concat([bought[names], gone]), np.tile(y, 2))
    p = {
        "zero": Trees(bought[names], y)(test[names]),
        "without": Trees(bought[rest], y)(test[rest]),
        "forget": forgets(unknown),
        "shrunk": Trees(shrunk(bought), y)(shrunk(test)),
    }
    rows = []
    for way, given in p.items():
        for who, mask in (("newcomers", new), ("members", ~new)):
            some = pd.DataFrame({"redeemed": test["redeemed"][mask], "p": given[mask]})
            ratio = from_sums(
                some,
                test["user_id"][mask],
                lambda s: s["redeemed"] / s["p"],
                test["coupon_id"][mask],
            )
            rows.append({"way": way, "who": who, **ratio})
    first = bought["mailed"] == 0
    rates = {
        "first campaigns of the past": bought[first],
        "later campaigns of the past": bought[~first],
        "newcomers of the test": test[new],
        "members of the test": test[~new],
    }
    told = {}
    for name, some in rates.items():
        s = some[["redeemed"]].assign(one=1.0)
        found = from_sums(s, some["user_id"], lambda s: s["redeemed"] / s["one"])
        told[name] = {**found, "users": int(some["user_id"].nunique()), "offers": len(some)}
    return {"ways": rows, "rates": told}


PARTS = {
    "users": partial(for_seeds, users, SEEDS),
    "coupons": partial(for_seeds, coupons, SEEDS),
    "augmentation": partial(for_seeds, augmentation, SEEDS),
    "ids": ids,
    "real": real,
}

if __name__ == "__main__":
    run_parts("cold_start", PACKAGES, PARTS)
