"""From the offers table to the arrays that a model takes, and the split that all compare on."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from coupon_rec.features.catalog import COUPON_CATEGORIES, FEATURES
from coupon_rec.market.categories import USER_CATEGORIES

Arrays = dict[str, np.ndarray]

LABELS = ("bought", "redeemed")
GROUPS = tuple(dict.fromkeys(feature.group for feature in FEATURES))
SKEWED = {
    group: np.array([feature.skewed for feature in FEATURES if feature.group == group])
    for group in GROUPS
}
TRAIN_FROM, VALIDATE_FROM, TEST_FROM = "2017-01-15", "2017-09-01", "2017-10-01"


def feature_names(group: str) -> list[str]:
    """The numeric features of a group, in the order of the columns of its array."""
    return [feature.name for feature in FEATURES if feature.group == group]


def tokens(categories: Mapping[str, Sequence[str]]) -> int:
    """How many category codes there are: each column's values, and one for "something else"."""
    return sum(len(values) + 1 for values in categories.values())


def encode(offers: pd.DataFrame) -> Arrays:
    """Encode offers as the named inputs of a model.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows of the offers table.

    Returns
    -------
    dict of str to numpy.ndarray
        `user`, `item`, `match`, `coupon`: float32 of shape (n, features of the group), skewed
        features as log(1 + x). `user_category`, `coupon_category`: int32 of shape (n, columns);
        the codes of different columns do not overlap, so that one table can embed them all.
    """
    arrays: Arrays = {}
    for group in GROUPS:
        arrays[group] = scaled(group, offers[feature_names(group)].to_numpy())
    arrays["user_category"] = codes(offers, USER_CATEGORIES)
    arrays["coupon_category"] = codes(offers, COUPON_CATEGORIES)
    return arrays


def scaled(group: str, values: np.ndarray) -> np.ndarray:
    """The features of a group as a model sees them: skewed ones as log(1 + x).

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    values : numpy.ndarray
        Shape (n, features of the group), in the order of `feature_names`.

    Returns
    -------
    numpy.ndarray
        float32 of the same shape.
    """
    block = values.astype("float64")
    block[:, SKEWED[group]] = np.log1p(block[:, SKEWED[group]])
    return block.astype("float32")


def codes(rows: pd.DataFrame, categories: Mapping[str, Sequence[str]]) -> np.ndarray:
    """The category codes of some columns: int32 of shape (n, columns), no two columns alike."""
    columns = []
    first = 0
    for name, values in categories.items():
        found = pd.Index(values).get_indexer(rows[name]) + 1
        columns.append(found.astype("int32") + first)
        first += len(values) + 1
    return np.stack(columns, axis=1)


def split(
    offers: pd.DataFrame,
    train_from: str = TRAIN_FROM,
    validate_from: str = VALIDATE_FROM,
    test_from: str = TEST_FROM,
) -> dict[str, pd.DataFrame]:
    """Split offers by the start of their campaign into train, validation and test.

    Parameters
    ----------
    offers : pandas.DataFrame
        With column `start`.
    train_from, validate_from, test_from : str
        First day of each part. Campaigns before `train_from` have too little history and are left
        out; the defaults are the split of the book.
    """
    start = pd.to_datetime(offers["start"])
    train = (start >= train_from) & (start < validate_from)
    validation = (start >= validate_from) & (start < test_from)
    return {
        "train": offers[train],
        "validation": offers[validation],
        "test": offers[start >= test_from],
    }
