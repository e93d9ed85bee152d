"""What words and pictures add to the forecast of coupons without a past, in chapter 23.

`python benchmarks/text_and_images.py [PART ...]` measures some of these parts, or all, and keeps
the others as they were:

- text: Complete Journey, every test coupon treated as new; what vectors of words, of baskets, and
  the taxonomy add, with intervals over users, and over users and coupons; and their money;
- picture: simulated markets in which a photo moves demand and a border does not, seen by a network
  that learned to look at cards;
- printed: offers that are printed, photographed out of focus, read, and refused;
- spoken: the requests of `data/speech`, heard with any words and with the shop's sentences.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from machine import run_parts
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import coupon_rec.book.cards as cards
import coupon_rec.book.prelude as prelude
from coupon_rec.book import SPLIT
from coupon_rec.content import Reader, WordVectors, basket_vectors, resembling, tfidf, tidy
from coupon_rec.content.baskets import ppmi
from coupon_rec.decisions import offer_value
from coupon_rec.evaluation import compare, evaluate, total
from coupon_rec.features import FEATURES, split
from coupon_rec.market import load_complete_journey

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "wordllama", "onnxruntime")
KEPT = 0.15  # of the training offers without a redemption; they count for the others
MATURED = (16, 17, 18, 19)  # they ended before the data do; the later ones had not
POWER = 8
MARKETS = 6
USER_COUPON = ("user_id", "coupon_id")
ON_THE_LABEL = ["coupon_items", "coupon_days", "coupon_rivals", "item_private_share"]


def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Purchases, covered items, and the text and category of each item."""
    market = load_complete_journey()
    items = market.items.select("item_id", "category", "type").to_pandas().set_index("item_id")
    bought = market.purchases.select("basket_id", "user_id", "item_id", "time").to_pandas()
    bought = bought[bought["item_id"].isin(items.index)]
    text = items["category"] + " " + items["type"]
    return bought, market.coupon_items.to_pandas(), text, items["category"]


def new_items(
    offers: pd.DataFrame,
    bought: pd.DataFrame,
    covers: pd.DataFrame,
    kinds: pd.Series,
    vectors: Callable[[pd.Timestamp], pd.DataFrame],
) -> np.ndarray:
    """`resembling` as if the items of the coupon had never been in a basket either.

    A kind that a coupon covers gets its vector from the baskets of its other items. The vectors of
    the kinds around it still come from all baskets: what is left of the coupon's items in them
    makes the number a little too good.
    """
    found = np.zeros(len(offers))
    for campaign, rows in offers.reset_index(drop=True).groupby("campaign_id"):
        start = rows["start"].iloc[0]
        known = vectors(start)
        names, v = known.index, known.to_numpy()
        values = (v**2).sum(axis=0)
        past = bought[bought["time"] < start]
        kind = names.get_indexer(kinds.reindex(past["item_id"]))
        basket = pd.factorize(past["basket_id"])[0]
        ones = np.ones(len(past), "float32")
        shape = (basket.max() + 1, len(names))
        held = sparse.csr_matrix((ones, (basket, kind)), shape=shape)
        held.data[:] = 1
        size = np.asarray(held.sum(axis=1)).ravel()
        margin = np.asarray(held.T @ (size - 1)).ravel()
        users = pd.Index(rows["user_id"].unique())
        theirs = past["user_id"].isin(users).to_numpy()
        user, item = users.get_indexer(past["user_id"][theirs]), past["item_id"].to_numpy()[theirs]
        place = pd.Series(np.arange(len(names)), names)
        unit = v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12)
        count = sparse.csr_matrix(
            (np.ones(len(user)), (user, kind[theirs])), shape=(len(users), len(names))
        )
        order = np.argsort(kind, kind="stable")
        edges = np.searchsorted(kind[order], np.arange(len(names) + 1))
        listed = covers[covers["campaign_id"] == campaign]
        own_of = {name: part["item_id"].to_numpy() for name, part in listed.groupby("coupon_id")}
        for coupon, some in rows.groupby("coupon_id"):
            own = own_of[coupon]
            of_item = kinds.reindex(own)
            mine, weight = np.unique(
                place.reindex(of_item).dropna().to_numpy("int64"), return_counts=True
            )
            if not len(mine):
                continue
            lines = np.concatenate([order[edges[k] : edges[k + 1]] for k in mine])
            lines = lines[~np.isin(past["item_id"].to_numpy()[lines], own)]
            column = np.searchsorted(mine, kind[lines])
            other = sparse.csr_matrix(
                (np.ones(len(lines), "float32"), (basket[lines], column)),
                shape=(held.shape[0], len(mine)),
            )
            other.data[:] = 1
            together = np.asarray((other.T @ held).todense(), "float64")
            together[np.arange(len(mine)), mine] = 0
            new = ppmi(together, margin) @ v / np.maximum(values, 1e-12)
            new /= np.maximum(np.linalg.norm(new, axis=1, keepdims=True), 1e-12)
            target = weight @ new
            target /= max(np.linalg.norm(target), 1e-12)
            like = np.maximum(unit @ target, 0) ** POWER
            counted = count @ like
            is_own = np.isin(item, own)
            np.subtract.at(counted, user[is_own], like[kind[theirs][is_own]])
            found[some.index] = np.log1p(np.maximum(counted[users.get_indexer(some["user_id"])], 0))
    return found


def one_hot(names: pd.Series) -> pd.DataFrame:
    """A vector for each kind that is the same for kinds of one name, and crosses all others."""
    return pd.get_dummies(names).astype("float32")


def resemblances(offers: pd.DataFrame) -> pd.DataFrame:
    """Each offer's count of past purchases that resemble the coupon, by kind of vector."""
    bought, covers, text, category = tables()
    names = pd.Index(sorted(text.unique()))
    lines = bought.assign(kind=text.reindex(bought["item_id"]).to_numpy())

    @cache
    def own(start: pd.Timestamp) -> pd.DataFrame:
        return basket_vectors(lines[lines["time"] < start])

    @cache
    def late(start: pd.Timestamp) -> pd.DataFrame:
        return basket_vectors(lines)

    vectors: dict[str, Any] = {
        "words": pd.DataFrame(tfidf(names), names),
        "others' vectors": pd.DataFrame(WordVectors().of(list(names)), names),
        "own vectors": own,
        "own vectors of the whole year": late,
    }
    found = {
        name: resembling(offers, bought, covers, text, each, power=POWER)
        for name, each in vectors.items()
    }
    found["own vectors, items new"] = new_items(offers, bought, covers, text, own)
    of_text = category.groupby(text).first()
    same = {"category": one_hot(of_text), "type": pd.DataFrame(np.eye(len(names)), names)}
    for name, each in same.items():
        # Any item of the category counts 1: the coupon's vector is a mean of unit vectors.
        found[name] = resembling(offers, bought, covers, text, each, power=1e-6)
    return pd.DataFrame(found, offers.index)


def text_part() -> dict[str, Any]:
    """Train on all campaigns up to August, judge on those of the autumn that were over."""
    offers = prelude.offers()
    train, _, test = split(offers, *SPLIT)
    test = test[test["campaign_id"].isin(MATURED)]
    random = np.random.default_rng(0)
    keep = (train["redeemed"] == 1) | (random.random(len(train)) < KEPT)
    train = train[keep]
    weight = np.where(train["redeemed"] == 1, 1, 1 / KEPT)
    rows = pd.concat([train, test])
    rows = rows.assign(**resemblances(rows))
    for feature in FEATURES:
        if feature.skewed:
            rows[feature.name] = np.log1p(rows[feature.name])
    for kind in "AB":
        rows[f"type {kind}"] = (rows["campaign_type"] == kind) * 1.0
    numbers = [feature.name for feature in FEATURES]
    base = [*(n for n in numbers if n.startswith("user_")), *ON_THE_LABEL, "type A", "type B"]
    full = [*numbers, "type A", "type B"]
    taxonomy = ["category", "type"]
    sets = {
        "no past": base,
        **{f"no past + {name}": [*base, name] for name in rows.columns[-9:-2]},
        "no past + taxonomy": [*base, *taxonomy],
        "no past + taxonomy + others' vectors": [*base, *taxonomy, "others' vectors"],
        "no past + taxonomy + own vectors": [*base, *taxonomy, "own vectors"],
        "no past + taxonomy + own vectors, items new": [*base, *taxonomy, "own vectors, items new"],
        "full": full,
        "full + others' vectors": [*full, "others' vectors"],
        "full + own vectors": [*full, "own vectors"],
    }
    p = {}
    for name, columns in sets.items():
        x = rows[columns].to_numpy("float64")
        x = (x - x[: len(train)].mean(axis=0)) / (x[: len(train)].std(axis=0) + 1e-9)
        model = LogisticRegression(solver="newton-cholesky").fit(
            x[: len(train)], train["redeemed"], weight
        )
        p[name] = model.predict_proba(x[len(train) :])[:, 1]
    everything = {"all": np.ones(len(test), bool)}
    common: dict[str, Any] = {"metrics": ["AUC"], "slices": everything, "replicates": 300}
    level = {
        name: evaluate(test, each, **common).iloc[0][["value", "low", "high"]].tolist()
        for name, each in p.items()
    }
    pairs = [
        *((name, "no past") for name in sets if name.startswith("no past + ")),
        ("no past + own vectors", "no past + others' vectors"),
        ("no past + own vectors, items new", "no past + others' vectors"),
        ("no past + others' vectors", "no past + words"),
        ("no past + others' vectors", "no past + taxonomy"),
        ("no past + own vectors", "no past + taxonomy"),
        *(
            (f"no past + taxonomy + {name}", "no past + taxonomy")
            for name in ("others' vectors", "own vectors", "own vectors, items new")
        ),
        ("no past + own vectors of the whole year", "no past + own vectors"),
        ("no past", "full"),
        ("full + others' vectors", "full"),
        ("full + own vectors", "full"),
    ]
    gaps = []
    for a, b in pairs:
        gap: dict[str, Any] = {"a": a, "b": b}
        for over, clusters in (("users", ("user_id",)), ("users and coupons", USER_COUPON)):
            its = compare(test, p[a], p[b], clusters=clusters, **common).iloc[0]
            gap["difference"] = its["difference"]
            gap[f"low over {over}"], gap[f"high over {over}"] = its["low"], its["high"]
        gaps.append(gap)
    kinds = test["campaign_type"].to_numpy()
    slices = {kind: kinds == kind for kind in "AB"}
    by_type = []
    for name in ("words", "others' vectors", "own vectors", "own vectors, items new", "taxonomy"):
        its = compare(
            test,
            p[f"no past + {name}"],
            p["no past"],
            clusters=USER_COUPON,
            **{**common, "slices": slices},
        )
        for kind in slices:
            gap = its.loc[kind].iloc[0]
            by_type.append({"input": name, "campaigns": kind, **gap[["difference", "low", "high"]]})
    campaigns = test.groupby(["campaign_id", "campaign_type"])["redeemed"].agg(["size", "sum"])
    campaigns.columns = ["offers", "redeemed"]
    return {
        "offers": len(test),
        "redeemed": int(test["redeemed"].sum()),
        "campaigns": campaigns.reset_index().to_dict("records"),
        "by type": by_type,
        "texts": len(tables()[2].unique()),
        "levels": level,
        "gaps": gaps,
        "money": money(test, train, p),
    }


def money(
    test: pd.DataFrame, train: pd.DataFrame, p: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """What the best-looking new coupon of each list brought, in cents a list.

    One is sent for each list, even where it promises a loss.
    """
    new = ~test["coupon_id"].isin(train["coupon_id"]).to_numpy()
    rows = test[new]
    kept = 100 * offer_value(rows, rows["redeemed"].astype(float))
    lists = rows.groupby(["campaign_id", "user_id"]).ngroup()
    count = lists.nunique()

    def earned(name: str) -> pd.Series:
        return pd.Series(np.where(chosen(name), kept, 0.0), rows.index)

    def chosen(name: str) -> np.ndarray:
        promised = pd.Series(np.asarray(offer_value(rows, p[name][new])), rows.index)
        return np.asarray(rows.index.isin(promised.groupby(lists).idxmax()))

    base = earned("no past")
    found = []
    for name in p:
        mine = earned(name)
        level = total(mine, rows["user_id"], rows["coupon_id"]) / count
        more = total(mine - base, rows["user_id"], rows["coupon_id"]) / count
        found.append(
            {
                "features": name,
                "lists": count,
                "redeemed": int(rows["redeemed"][chosen(name)].sum()),
                "cents": level["value"],
                "low": level["low"],
                "high": level["high"],
                "more": more["value"],
                "more_low": more["low"],
                "more_high": more["high"],
            }
        )
    return found


def picture_part() -> dict[str, Any]:
    """Let a network look at the cards of some markets, and ask what photos and borders do."""
    from coupon_rec.book.eye import Eye

    eye = Eye(seed=0)
    test = cards.some_traits(500, seed=5)
    right = (eye.traits(cards.cards(test, seed=5)).round() == test).mean()
    rows, missing = [], []
    for seed in range(MARKETS):
        table = cards.market(seed)
        pictures = cards.cards(table, seed=1000 + seed)
        seen = table.assign(**eye.traits(pictures))
        for name, inputs in {
            "picture": ["photo", "border"],
            "picture and depth": ["photo", "border", "depth"],
            "badge": ["badge"],
            "badge and depth": ["badge", "depth"],
        }.items():
            for each, its in cards.effects(seen, inputs).iterrows():
                rows.append({"market": seed, "inputs": name, "input": each, **its})
        missing.append({"market": seed, **cards.without_pictures(seen)})
    return {"right": right.to_dict(), "effects": rows, "missing": missing}


def printed_part() -> list[dict[str, Any]]:
    """Print offers, lose focus, read, and count; on none of these cards was a rule chosen."""
    reader = Reader("data/models/ocr-recognizer.onnx")
    found = []
    for blur in (0.0, 1.0, 2.0, 3.0):
        count = {"blur": blur, "cards": 100, "as read": 0, "right": 0, "refused": 0, "wrong": 0}
        for number, text in enumerate(cards.some_offers(100, seed=int(10 * blur) + 501)):
            line = cards.printed(text, seed=10_000 * int(blur) + number + 5000, blur=blur)
            read = reader.offer(line, cards.THINGS)
            count["as read"] += reader.read(line)[0] == text
            fate = (
                "refused"
                if read is None
                else "right"
                if read == tidy(text, cards.THINGS)
                else "wrong"
            )
            count[fate] += 1
        found.append(count)
    return found


def spoken_part() -> list[dict[str, Any]]:
    """Hear each request twice."""
    from coupon_rec.book.hearing import SPOKEN, THINGS
    from coupon_rec.content import Ear

    ears = {"any words": Ear(), "our sentences": Ear(THINGS)}
    return [
        {
            "said": said,
            **{name: ear.hear(f"data/speech/{file}.wav") for name, ear in ears.items()},
        }
        for file, said in SPOKEN.items()
    ]


PARTS = {"text": text_part, "picture": picture_part, "printed": printed_part, "spoken": spoken_part}


def bars(result: dict[str, Any]) -> dict[str, bool]:
    """What chapter 23 rests on, and whether the parts that were measured hold it."""
    found: dict[str, bool] = {}
    if "text" in result:
        gaps = pd.DataFrame(result["text"]["gaps"]).set_index(["a", "b"])
        low, high = (gaps[f"{end} over users and coupons"] for end in ("low", "high"))
        for texts in ("words", "others' vectors"):
            gain = low[f"no past + {texts}", "no past"]
            found[f"{texts} tell something about a coupon without a past"] = gain > 0
        for own in ("own vectors", "own vectors, items new"):
            gain = high[f"no past + {own}", "no past + others' vectors"]
            found[f"{own} are not seen to do worse than the web's"] = gain > 0
    if "picture" in result:
        effects = pd.DataFrame(result["picture"]["effects"])
        photo = effects.query("inputs == 'picture and depth' and input == 'photo'")["value"]
        found["six markets or more have a picture"] = len(photo) >= 6
        found["the effect of a photo is found within a fifth"] = abs(photo.mean() - 0.25) <= 0.05
    if "printed" in result:
        cards_read = pd.DataFrame(result["printed"]).set_index("blur")
        right = cards_read["right"]
        found["95 of 100 cards in focus are read, and fewer at one pixel"] = (
            right[0] >= 95 > right[1] and (cards_read["cards"] == 100).all()
        )
        found["no card is read wrong"] = (cards_read["wrong"] == 0).all()
    return found


if __name__ == "__main__":
    run_parts("text_and_images", PACKAGES, PARTS, bars=bars)
