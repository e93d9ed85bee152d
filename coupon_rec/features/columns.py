"""A column of the offers table: what it holds, and what training offers teach about it."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.features.catalog import CATEGORIES, EVERY_FEATURE, GROUPS, MISSING, Feature
from coupon_rec.market.categories import NOT_OWN, OWN

RARE = 10
"""A value in fewer training rows than this is no category of its own: nothing can be learned."""
VALUES_KEPT = 200
"""Most values of a category that are told apart: the most frequent ones."""
SHOWN = 5


@dataclass(frozen=True)
class Number:
    """A numeric column.

    Attributes
    ----------
    name : str
        The column; ``user_taste[3]`` is coordinate 3 of a column of vectors.
    meaning : str
        In words, with its unit.
    log1p : bool
        Whether a model reads log(1 + x).
    missing : float
        What stands for a missing value, before the logarithm.
    lowest, highest : float
        Its range in the training offers, before the logarithm.
    mean, deviation : float
        Of what a model reads, in the training offers; a deviation of 0 marks a number that never
        varied there, which models leave out.
    """

    name: str
    meaning: str
    log1p: bool
    missing: float
    lowest: float
    highest: float
    mean: float
    deviation: float


@dataclass(frozen=True)
class Category:
    """A column of names.

    Attributes
    ----------
    name : str
        The column.
    values : tuple of str
        Those that the training offers have often enough, the most frequent first.
    first : int
        The code of the first of them; the next has the next. Every other value has the code 0.
    """

    name: str
    values: tuple[str, ...]
    first: int


def values_of(offers: pd.DataFrame, numbers: Sequence[Number]) -> NDArray[np.float64]:
    """The columns of some numbers side by side, shape (n, numbers); NaN where one is missing."""
    sizes = Counter(number.name.split("[")[0] for number in numbers)
    vectors = {number.name.split("[")[0] for number in numbers if "[" in number.name}
    blocks = [
        _vectors(offers[name], size) if name in vectors else _plain(offers[name])
        for name, size in sizes.items()
    ]
    return np.hstack([np.empty((len(offers), 0)), *blocks])


def own_columns(offers: pd.DataFrame) -> list[str]:
    """The columns named as the tables `users` and `coupons` may have them beyond the schema.

    Warns
    -----
    UserWarning
        If one has no value at all, and therefore is left out.
    """
    ours = {*MISSING, *NOT_OWN, *chain.from_iterable(CATEGORIES.values())}
    own = [name for name in offers if name.startswith((*OWN.values(),)) and name not in ours]
    if without := [name for name in own if offers[name].isna().all()]:
        warnings.warn(f"not read, since no offer has a value: {', '.join(without)}", stacklevel=3)
    return [name for name in own if name not in without]


def own_feature(column: pd.Series) -> Feature:
    """A column that was asked for, numbers or vectors, as a feature."""
    name = str(column.name)
    if name in EVERY_FEATURE:
        return EVERY_FEATURE[name]
    group_of(name)
    if kind_of(column) == "vector":
        return Feature(name, "a vector of your own")
    return Feature(name, "a column of your own", float(np.nanmedian(_plain(column))))


def numbers_of(feature: Feature, column: pd.Series) -> list[Number]:
    """Describe a column of numbers, or each coordinate of a column of vectors."""
    if not _numeric(column) and kind_of(column) == "vector":
        size = len(column.dropna().iloc[0])
        values, names = _vectors(column, size), [f"{feature.name}[{i}]" for i in range(size)]
    else:
        values, names = _plain(column), [feature.name]
    values = np.where(np.isnan(values), feature.missing, values)
    with np.errstate(invalid="ignore", divide="ignore"):
        read = np.log1p(values) if feature.skewed else values
    if not np.isfinite(read).all():
        row, place = np.argwhere(~np.isfinite(read))[0]
        raise ValueError(not_finite(names[place], values[row, place], row))
    numbers = []
    for name, value, seen in zip(names, values.T, read.T, strict=True):
        lowest, highest = float(value.min()), float(value.max())
        deviation = float(seen.std()) if lowest < highest else 0.0
        numbers.append(
            Number(
                name,
                feature.meaning,
                feature.skewed,
                float(feature.missing),
                lowest,
                highest,
                float(seen.mean()),
                deviation,
            )
        )
    return numbers


def categories_of(offers: pd.DataFrame, names: Sequence[str]) -> tuple[Category, ...]:
    """Describe columns of names, whose codes do not overlap."""
    categories = []
    first = 1
    for name in names:
        counts = as_text(offers[name].dropna()).astype(str).value_counts()
        often = counts[counts >= RARE].sort_index().sort_values(ascending=False, kind="stable")
        values = tuple(often.index[:VALUES_KEPT])
        categories.append(Category(name, values, first))
        first += len(values)
    return tuple(categories)


def group_of(name: str) -> str:
    """Whom a column of the user's own describes, by the first word of its name."""
    group = name.split("_")[0]
    if group not in GROUPS:
        raise ValueError(
            f"{name!r} does not say whom it describes: begin its name with one of "
            + ", ".join(f"{each}_" for each in GROUPS)
        )
    return group


def kind_of(column: pd.Series) -> Literal["number", "text", "vector"]:
    """What a column of the user's own holds."""
    some = column.dropna()
    if some.empty:
        raise ValueError(f"{column.name} has no value in the training offers: leave it out")
    if _numeric(column) or isinstance(some.iloc[0], bool | np.bool_ | Decimal):
        return "number"
    if isinstance(some.iloc[0], str):
        return "text"
    if isinstance(some.iloc[0], list | tuple | np.ndarray):
        return "vector"
    raise ValueError(
        f"{column.name} holds values of type {type(some.iloc[0]).__name__}: expected numbers, "
        "booleans, text or lists of numbers"
    )


def _numeric(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _plain(column: pd.Series) -> NDArray[np.float64]:
    """A column of numbers, shape (n, 1); NaN where one is missing."""
    try:
        numbers = pd.to_numeric(column).to_numpy("float64", na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{column.name}: expected numbers ({error})") from error
    return np.asarray(numbers[:, np.newaxis])


def _vectors(column: pd.Series, size: int) -> NDArray[np.float64]:
    """A column of vectors, shape (n, size); NaN where there is none."""
    vectors = np.full((len(column), size), np.nan)
    values = column.to_numpy(object)
    for row in np.flatnonzero(column.notna()):
        try:
            vectors[row] = np.reshape(np.asarray(values[row], "float64"), size)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"{column.name} is {values[row]!r:.60} in row {row}, counted from 0: expected a "
                f"list of {size} numbers"
            ) from error
    return vectors


def as_text(column: Any) -> pd.Index:
    """Values of a category as text."""
    index = pd.Index(column)
    return index.astype(str) if pd.api.types.is_numeric_dtype(index) else index


def not_finite(name: str, value: float, row: int) -> str:
    """What to say of a number that no model can read."""
    return f"{name} is {value} in row {row}, counted from 0: expected a finite number" + (
        ", above -1" if value <= -1 else ""
    )
