"""Chapter 22: the lists of the test campaigns, their income bands, and what a model sends."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import QuantileTransformer

from coupon_rec.book import SPLIT, prelude
from coupon_rec.book.privately import came_in
from coupon_rec.decisions import matrices, offer_value
from coupon_rec.decisions.choosing import Matrices
from coupon_rec.evaluation import evaluate, group_means
from coupon_rec.features import split

BANDS = ["under 50K", "50 to 99K", "100K and over", "unknown"]
FAR = ("50 to 99K", "unknown")
"""The two bands that are furthest apart in the book's model, found by looking."""
UP_TO = {
    **dict.fromkeys(["Under 15K", "15-24K", "25-34K", "35-49K"], BANDS[0]),
    **dict.fromkeys(["50-74K", "75-99K"], BANDS[1]),
    "unknown": "unknown",
}


def band_of(income: pd.Series) -> pd.Series:
    """Put the twelve classes of income into three bands, and `unknown`."""
    return income.map(lambda each: UP_TO.get(each, BANDS[2]))


@cache
def test() -> pd.DataFrame:
    """The offers of the test campaigns."""
    return split(prelude.offers(), *SPLIT).test.reset_index(drop=True)


@dataclass(frozen=True)
class Lists:
    """The lists of the test campaigns, a user in a campaign each.

    Attributes
    ----------
    places : Matrices
        Where each offer stands.
    users, band : numpy.ndarray
        Of each list.
    """

    places: Matrices
    users: NDArray[np.int64]
    band: NDArray[np.object_]

    def choice(self, p: ArrayLike) -> NDArray[np.intp]:
        """The column of the coupon that each list is sent, -1 for none."""
        value = self.places.fill(offer_value(test(), np.asarray(p)), -np.inf)
        return np.where(value.max(axis=1) > 0, value.argmax(axis=1), -1)

    def earned(self, sent: NDArray[np.bool_]) -> pd.Series:
        """Dollars that came in for each offer that is sent, by what was redeemed."""
        mailed = sent[self.places.row, self.places.column]
        return pd.Series(np.where(mailed, came_in(test()), 0.0))


@cache
def lists() -> Lists:
    """Put the test campaigns' lists in rows, with the band of each."""
    places = matrices(test())
    users = places.lists["user_id"]
    income = test().drop_duplicates("user_id").set_index("user_id")["income"]
    band = band_of(users.map(income))
    return Lists(places, users.to_numpy(), band.to_numpy(object))


def by_band(values: ArrayLike) -> dict[str, dict[str, float]]:
    """Mean of a value of each list by band, with intervals over users."""
    some = lists()
    table = group_means(values, some.band, some.users)
    return {str(name): row for name, row in table.loc[BANDS].to_dict("index").items()}


def guessed(secret: pd.Series, people: pd.DataFrame) -> pd.Series:
    """AUC of a guess at a secret of people from how they shop, with its interval over them."""
    shopping = people.filter(regex="^user_(?!id|mailed|redemption)")
    ranks = QuantileTransformer(n_quantiles=100).fit_transform(shopping)
    guess = cross_val_predict(LogisticRegression(), ranks, secret, method="predict_proba", cv=5)
    rows = people.assign(redeemed=secret.astype(int))
    return evaluate(rows, guess[:, 1], metrics=["AUC"]).loc[
        ("all", "AUC"), ["value", "low", "high"]
    ]
