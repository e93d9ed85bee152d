"""From the offers table to the arrays that a model reads, as learned from training offers."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.arguments import require_columns
from coupon_rec.features.catalog import CATEGORIES, FEATURES, GROUPS, MISSING, OPTIONAL_FEATURES
from coupon_rec.features.columns import (
    RARE,
    SHOWN,
    Category,
    Number,
    as_text,
    categories_of,
    group_of,
    kind_of,
    not_finite,
    numbers_of,
    own_columns,
    own_feature,
    values_of,
)

Arrays = dict[str, NDArray[Any]]

LABELS = ("bought", "redeemed")


class UnseenWarning(UserWarning):
    """Some offers have values that the training offers did not have."""


@dataclass(frozen=True)
class Encoder:
    """What a model must know of its training offers to read others: ranges, names, ids.

    `Encoder.fit` learns it; models keep it, save it with their weights, and a bundle holds it, so
    that training, files of records, batch predictions and the service read offers alike.

    Attributes
    ----------
    numbers : dict of str to tuple of Number
        By array, the columns of "user", "item", "match" and "coupon".
    categories : dict of str to tuple of Category
        By array, the columns of "user_category" and "coupon_category" (and of the other groups,
        if columns of your own are categories of them).
    ids : dict of str to tuple
        The known ids of the arrays "user_id", "item_id" and "coupon_id", if asked for.
    rates : dict of str to float
        The share of training offers with each label, "bought" and "redeemed", where they have it:
        a model starts its training from there.

    Examples
    --------
    `Encoder.fit(train)` gives an encoder of all features. One of a single column, by hand:

    >>> import pandas as pd
    >>> encoder = Encoder(categories={"user_category": (Category("age", ("old", "young"), 1),)})
    >>> encoder.encode(pd.DataFrame({"age": ["young", "old"]}))["user_category"].tolist()
    [[2], [1]]
    """

    numbers: dict[str, tuple[Number, ...]] = field(default_factory=dict)
    categories: dict[str, tuple[Category, ...]] = field(default_factory=dict)
    ids: dict[str, tuple[int, ...]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    @classmethod
    def fit(
        cls, offers: pd.DataFrame, *, extra: Sequence[str] | None = None, ids: Sequence[str] = ()
    ) -> "Encoder":
        """Learn from training offers.

        Parameters
        ----------
        offers : pandas.DataFrame
            n rows of the offers table. Nothing of them may be later than what the model may know.
        extra : sequence of str, optional
            Columns of your own. The first word of a name says whom it describes: user, item, match
            or coupon. Numbers and booleans are read as they are, text as categories, lists of
            numbers as vectors, one number a coordinate. If left out, every column named `user_...`
            or `coupon_...` that is not the schema's, as the tables `users` and `coupons` may bring
            them: name the ones to read if a label of your own is among them.
        ids : sequence of str
            Some of user_id, item_id and coupon_id, for models that learn a vector for each.

        Returns
        -------
        Encoder

        Raises
        ------
        ValueError
            If there are no offers, a column is missing, has no value at all or a number that is
            not finite, or an extra column is read already, holds anything else, or does not say
            by its name whom it describes.

        Notes
        -----
        A category keeps the values of at least 10 rows, 200 at most. A missing number of your own
        is replaced by the median of the training offers, a missing vector by zeros.
        """
        if offers.empty:
            raise ValueError("there are no offers to learn from: pass the training offers")
        if isinstance(extra, str):
            raise ValueError(f"extra is the text {extra!r}: pass a list, such as [{extra!r}]")
        extra = own_columns(offers) if extra is None else extra
        features = [*FEATURES, *(each for each in OPTIONAL_FEATURES if each.name in offers)]
        names = {array: list(columns) for array, columns in CATEGORIES.items()}
        columns = [feature.name for feature in features] + sum(names.values(), [*extra, *ids])
        require_columns(offers, columns)
        if twice := [name for name, count in Counter(columns).items() if count > 1]:
            raise ValueError(f"{twice[0]} is read already: leave it out of extra")
        read = list(features)
        for name in extra:
            if kind_of(offers[name]) == "text":
                names.setdefault(f"{group_of(name)}_category", []).append(name)
            else:
                read.append(own_feature(offers[name]))
        numbers: dict[str, tuple[Number, ...]] = dict.fromkeys(GROUPS, ())
        for feature in read:
            numbers[feature.group] += tuple(numbers_of(feature, offers[feature.name]))
        categories = {array: categories_of(offers, columns) for array, columns in names.items()}
        learned = {name: tuple(np.unique(offers[name].dropna()).tolist()) for name in ids}
        rates = {label: float(offers[label].mean()) for label in LABELS if label in offers}
        return cls(numbers, categories, learned, rates)

    def only(self, *arrays: str) -> "Encoder":
        """The same encoder with some of its arrays, in the order in which they are named.

        Raises
        ------
        ValueError
            If there is no such array.
        """
        if unknown := [name for name in arrays if name not in self.arrays]:
            raise ValueError(f"there is no array {unknown[0]!r}; there are {list(self.arrays)}")

        every: list[dict[str, Any]] = [self.numbers, self.categories, self.ids]
        numbers, categories, ids = (
            {name: part[name] for name in arrays if name in part} for part in every
        )
        return Encoder(numbers, categories, ids, self.rates)

    @property
    def arrays(self) -> dict[str, int]:
        """How many columns each array has."""
        parts = {**self.numbers, **self.categories}
        return {name: len(part) for name, part in parts.items()} | dict.fromkeys(self.ids, 1)

    @cached_property
    def _logs(self) -> dict[str, NDArray[np.bool_]]:
        """Which columns of each group are read as log(1 + x)."""
        return {
            group: np.array([number.log1p for number in numbers], bool)
            for group, numbers in self.numbers.items()
        }

    @property
    def columns(self) -> list[str]:
        """The columns of the offers table that are read."""
        numbers = [number.name.split("[")[0] for part in self.numbers.values() for number in part]
        names = [category.name for part in self.categories.values() for category in part]
        return list(dict.fromkeys([*numbers, *names, *self.ids]))

    @property
    def own(self) -> dict[str, str]:
        """How columns of your own are read, by name.

        Examples
        --------
        >>> tier = Category("user_tier", ("gold", "silver"), 1)
        >>> Encoder(categories={"user_category": (tier,)}).own
        {'user_tier': 'text, 2 values'}
        """
        names = [number.name.split("[")[0] for part in self.numbers.values() for number in part]
        sizes = Counter(name for name in names if name not in MISSING)
        given = {name for columns in CATEGORIES.values() for name in columns}
        texts = {
            category.name: f"text, {len(category.values)} values"
            for part in self.categories.values()
            for category in part
            if category.name not in given
        }
        return {name: "a number" if n == 1 else f"{n} numbers" for name, n in sizes.items()} | texts

    @property
    def constant(self) -> list[str]:
        """The numbers that never varied in the training offers: no model learns from them."""
        parts = self.numbers.values()
        return [number.name for part in parts for number in part if not number.deviation]

    def encode(self, offers: pd.DataFrame) -> Arrays:
        """Encode offers as the named arrays of a model.

        Parameters
        ----------
        offers : pandas.DataFrame
            n rows of the offers table.

        Returns
        -------
        dict of str to numpy.ndarray
            `user`, `item`, `match`, `coupon`: float32 of shape (n, features of the group), skewed
            features as log(1 + x). `user_category`, `coupon_category`: int32 of shape
            (n, columns); the codes of different columns do not overlap, and 0 stands for a value
            that the training offers do not have. `user_id` and so on, if asked for: int32 of
            shape (n, 1), from 1 on; 0 for an unknown one.

        Raises
        ------
        ValueError
            If a column is missing or holds a number that is not finite.

        Warns
        -----
        UnseenWarning
            If values of a category are not among those that the encoder tells apart; it names
            and counts them. If a column of your own has no value in any of many rows.
        """
        require_columns(offers, self.columns)
        arrays: Arrays = {
            group: self.scaled(group, values_of(offers, numbers))
            for group, numbers in self.numbers.items()
        }
        arrays |= {name: self.codes(name, offers) for name in self.categories}
        for name, ids in self.ids.items():
            arrays[name] = pd.Index(ids).get_indexer(offers[name]).astype("int32")[:, None] + 1
        unseen = self.unseen(offers, arrays)
        lines = [
            f"{row.column}: {row.rows:,} of {len(offers):,} rows, such as {row.values}"
            for row in unseen.itertuples(index=False)
        ]
        lost = [name for name in self.own if len(offers) >= RARE and offers[name].isna().all()]
        if lost:
            warnings.warn(
                f"{', '.join(lost)}: no value in any of {len(offers):,} rows; what was usual in "
                "training, or an unknown value, stands for each. Join the column again",
                UnseenWarning,
                stacklevel=2,
            )
        if lines:
            warnings.warn(
                f"values that fewer than {RARE} training offers have count as unknown. "
                + "; ".join(lines),
                UnseenWarning,
                stacklevel=2,
            )
        return arrays

    def scaled(
        self, group: str, values: NDArray[Any], columns: Sequence[int] | slice = slice(None)
    ) -> NDArray[np.float32]:
        """The numbers of a group as a model reads them: skewed ones as log(1 + x).

        Parameters
        ----------
        group : str
            "user", "item", "match" or "coupon".
        values : numpy.ndarray
            Shape (n, columns of the group).
        columns : sequence of int, optional
            Which columns of the group these are; all if left out.

        Returns
        -------
        numpy.ndarray
            float32 of the same shape.
        """
        block = np.array(values, "float64")
        log = self._logs[group][columns]
        missing = np.isnan(block)
        if missing.any():
            instead = np.array([number.missing for number in self.numbers[group]])[columns]
            block = np.where(missing, instead, block)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            block[:, log] = np.log1p(block[:, log])
            scaled: NDArray[np.float32] = block.astype("float32")
        if not np.isfinite(scaled).all():
            row, column = np.argwhere(~np.isfinite(scaled))[0]
            names = np.array([number.name for number in self.numbers[group]])[columns]
            raise ValueError(not_finite(names[column], values[row, column], row))
        return scaled

    def codes(self, array: str, rows: Mapping[str, Any]) -> NDArray[np.int32]:
        """The codes of the columns of a category array.

        Parameters
        ----------
        array : str
            Such as "user_category".
        rows : mapping of str to array_like
            n values by column, or n rows of a frame.

        Returns
        -------
        numpy.ndarray
            int32 of shape (n, columns).
        """
        columns = []
        for category in self.categories[array]:
            place = pd.Index(category.values).get_indexer(as_text(rows[category.name]))
            columns.append(np.where(place < 0, 0, place + category.first).astype("int32"))
        return np.stack(columns, axis=1)

    def matrix(self, arrays: Arrays) -> NDArray[np.float32]:
        """All that is known about offers side by side, categories as ones and zeros.

        Parameters
        ----------
        arrays : dict of str to numpy.ndarray
            n offers, as `encode` gives them, or some of these arrays.

        Returns
        -------
        numpy.ndarray
            float32 of shape (n, d), for models that take one table, such as scikit-learn's.
        """
        blocks = [arrays[group] for group in self.numbers if group in arrays]
        for name in (name for name in self.categories if name in arrays):
            size = sum(len(category.values) for category in self.categories[name])
            blocks.append(np.eye(size + 1, dtype="float32")[arrays[name]].sum(axis=1)[:, 1:])
        return np.hstack(blocks)

    def unseen(self, offers: pd.DataFrame, arrays: Arrays | None = None) -> pd.DataFrame:
        """Count the values that the encoder does not tell apart; a missing one is none.

        Parameters
        ----------
        offers : pandas.DataFrame
            n rows of the offers table.
        arrays : dict of str to numpy.ndarray, optional
            The offers encoded, if they are already.

        Returns
        -------
        pandas.DataFrame
            One row a column with such values: `column`, `rows` and up to five of the `values`.
        """
        require_columns(offers, [each.name for some in self.categories.values() for each in some])
        counted = []
        for array, categories in self.categories.items():
            codes = self.codes(array, offers) if arrays is None else arrays[array]
            for column, category in enumerate(categories):
                lost = (codes[:, column] == 0) & offers[category.name].notna().to_numpy()
                if lost.any():
                    values = offers[category.name][lost].astype(str).unique()[:SHOWN].tolist()
                    counted.append((category.name, int(lost.sum()), values))
        return pd.DataFrame(counted, columns=["column", "rows", "values"])

    def to_dict(self) -> dict[str, Any]:
        """The encoder as JSON knows it; `from_dict` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> "Encoder":
        """Read what `to_dict` gave.

        Raises
        ------
        ValueError
            If it is something else.
        """
        try:
            numbers = {
                array: tuple(Number(**each) for each in some)
                for array, some in described["numbers"].items()
            }
            categories = {
                array: tuple(Category(**each | {"values": (*each["values"],)}) for each in some)
                for array, some in described["categories"].items()
            }
            ids = {array: tuple(some) for array, some in described["ids"].items()}
            return cls(numbers, categories, ids, dict(described["rates"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this describes no encoder ({error!r})") from error
