"""Chapter 21: who is in the training data and who is not, their columns, and what a model earns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book import SPLIT, prelude
from coupon_rec.decisions import Economics, offer_value
from coupon_rec.evaluation import total
from coupon_rec.features import Encoder, split
from coupon_rec.market import load_complete_journey
from coupon_rec.odds import best_of_each

GROUPS = ("user", "item", "match", "coupon")
EVERYBODY = (
    *("user_spend_rank", "item_popularity", "item_popularity_rank", "item_trend", "item_price"),
    *("item_price_ratio", "item_discount_share", "match_price_ratio", "match_wallet_rank"),
    *("coupon_discount", "coupon_discount_share", "coupon_success", "coupon_category_success"),
)
"""Columns left out: what one user does changes them on the rows of others."""
KEPT = 0.1
"""The share of offers without a redemption that is kept, each with ten times the weight."""
MEMBERS = 0.7
LENGTH = 5.0
"""What the scaled columns are divided by, so that a row is about 1 long."""


@dataclass(frozen=True)
class Households:
    """The training offers of members and of others, the test offers, and their columns.

    Attributes
    ----------
    members, others, test : pandas.DataFrame
        Offers. Members are 70% of the users of the training campaigns, drawn by chance; of their
        offers, all with a redemption are kept and a tenth of the rest. Column `weight`: 1 or 10.
    """

    members: pd.DataFrame
    others: pd.DataFrame
    test: pd.DataFrame
    _encoder: Encoder
    _center: NDArray[Any]
    _scale: NDArray[Any]

    @property
    def redeemed(self) -> pd.DataFrame:
        """The redeemed offers of both, with `member`: 1 where a model may have learned from it."""
        both = pd.concat([self.members.assign(member=1), self.others.assign(member=0)])
        return both[both["redeemed"] == 1]

    def columns(self, offers: pd.DataFrame) -> NDArray[np.float32]:
        """The numbers of each offer but those that count everybody, on one scale: shape (n, d)."""
        x = _numbers(self._encoder, offers)
        scaled = np.clip((x - self._center) / self._scale, -3, 3) / LENGTH
        return np.asarray(scaled, "float32")


def households(seed: int = 0) -> Households:
    """Draw the members, and fit the scales on the others, which says nothing of the members."""
    train, _, test = split(prelude.offers(), *SPLIT)
    rng = np.random.default_rng(seed)
    users = rng.permutation(train["user_id"].unique())
    inside = train["user_id"].isin(users[: int(MEMBERS * len(users))])
    thin = inside & ((train["redeemed"] == 1) | (rng.random(len(train)) < KEPT))
    members = train[thin].assign(weight=lambda rows: np.where(rows["redeemed"] == 1, 1, 1 / KEPT))
    others = train[~inside]
    encoder = Encoder(numbers=Encoder.fit(others).numbers)
    x = _numbers(encoder, others)
    return Households(members, others, test, encoder, x.mean(0), x.std(0) + 1e-6)


def _numbers(encoder: Encoder, offers: pd.DataFrame) -> NDArray[Any]:
    arrays = encoder.encode(offers)
    kept = {
        group: [number.name not in EVERYBODY for number in encoder.numbers[group]]
        for group in GROUPS
    }
    return np.hstack([arrays[group][:, kept[group]] for group in GROUPS])


def boosted(x: ArrayLike, y: ArrayLike, weight: ArrayLike, seed: int = 0) -> Any:
    """Three hundred trees of 31 leaves, as somebody fits them who looks at training data only."""
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_estimators=300, num_leaves=31, random_state=seed, verbose=-1, n_jobs=1)
    return model.fit(np.asarray(x), np.asarray(y), sample_weight=np.asarray(weight))


def cents_a_list(offers: pd.DataFrame, dollars: ArrayLike) -> pd.Series:
    """Mean cents for a user in a campaign, with the interval over users and coupons."""
    money = np.asarray(dollars)
    lists = offers.groupby(["campaign_id", "user_id"]).ngroups
    some = (money != 0) | ~offers["user_id"].duplicated().to_numpy()  # zeros add nothing
    rows = offers[some]
    return 100 / lists * total(money[some], rows["user_id"], rows["coupon_id"])


def earned(offers: pd.DataFrame, p: ArrayLike, economics: Economics | None = None) -> pd.Series:
    """Dollars that came in for each offer, where each user of a campaign gets the best coupon.

    What was redeemed is counted, not what was promised; 0 where nothing is sent.
    """
    economics = economics or Economics()
    value = offer_value(offers, np.asarray(p), economics)
    lists = offers.groupby(["campaign_id", "user_id"]).ngroup().to_numpy()
    rows = best_of_each(lists, value, offers["coupon_id"].to_numpy())
    sent = np.zeros(len(offers), bool)
    sent[rows[value[rows] > 0]] = True
    return pd.Series(np.where(sent, came_in(offers, economics), 0.0), offers.index)


def came_in(offers: pd.DataFrame, economics: Economics | None = None) -> NDArray[np.float64]:
    """Dollars that each offer brought in, if it was sent: by what was redeemed, less the cost."""
    return offer_value(offers, offers["redeemed"].astype(float), economics)


def singled_out(
    purchases: pd.DataFrame, known: Sequence[str], pieces: int, seed: int = 0
) -> pd.Series:
    """Whether each household is the only one with some of its own purchases, drawn by chance.

    Parameters
    ----------
    purchases : pandas.DataFrame
        With `user_id` and the columns of `known`.
    known : sequence of str
        What somebody knows of a purchase, such as item and day.
    pieces : int
        Of how many different purchases they know it.
    """
    facts = purchases.groupby(list(known), sort=False).ngroup().to_numpy()
    pairs = pd.DataFrame({"user": purchases["user_id"].to_numpy(), "fact": facts}).drop_duplicates()
    drawn = pairs.sample(frac=1, random_state=seed).groupby("user").head(pieces)
    having = pairs[pairs["fact"].isin(drawn["fact"])].groupby("fact")["user"].agg(frozenset)
    common = drawn.groupby("user")["fact"].agg(
        lambda own: len(frozenset.intersection(*(having[fact] for fact in own)))
    )
    return common == 1


def receipts() -> pd.DataFrame:
    """Every purchase of Complete Journey: user_id, item_id, day, and its category and month."""
    market = load_complete_journey()
    bought = market.purchases.select("user_id", "item_id", "time").to_pandas()
    items = market.items.select("item_id", "category").to_pandas()
    time = bought.pop("time").dt
    return bought.assign(day=time.date, month=time.month).merge(items, on="item_id")
