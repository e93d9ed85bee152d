"""The contract at the door: whether offers are within what the training offers were."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec.features.encoder import Encoder

COLUMNS = ["column", "problem", "rows", "share", "example"]


def contract(encoder: Encoder, offers: pd.DataFrame) -> pd.DataFrame:
    """Compare offers, column by column, with the schema of a bundle.

    Parameters
    ----------
    encoder : coupon_rec.features.Encoder
        What a bundle's `schema.json` holds: `Scorer.load(bundle).encoder`.
    offers : pandas.DataFrame
        n rows, one an offer.

    Returns
    -------
    pandas.DataFrame
        One row for each broken clause, the most frequent first: `column`; `problem` ("column is
        missing", "not a number", "not finite", "below its range", "above its range", "unknown
        name"); `rows` and `share` of the offers that have it; and an `example`. It is empty where
        the contract is kept. A missing number is not finite, also where a model reads another one
        in its place. A coordinate of a vector is a column, such as `user_taste[3]`.

    Raises
    ------
    ValueError
        If there are no offers.

    Notes
    -----
    A range is the training offers' lowest and highest value, so a few offers outside of it are
    usual. What lies within it is not seen: that takes `shift`.

    Examples
    --------
    >>> from coupon_rec.features import Category
    >>> encoder = Encoder(categories={"user_category": (Category("age", ("old", "young"), 1),)})
    >>> contract(encoder, pd.DataFrame({"age": ["old", "OLD", "OLD"]})).iloc[0].to_dict()
    {'column': 'age', 'problem': 'unknown name', 'rows': 2, 'share': 0.6666666666666666, \
'example': 'OLD'}
    """
    if offers.empty:
        raise ValueError("there are no offers to look at: pass those of a day or a campaign")
    table = pd.DataFrame(_broken(encoder, offers), columns=["column", "problem", "rows", "example"])
    table["share"] = table["rows"] / len(offers)
    return table[COLUMNS].sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def _broken(encoder: Encoder, offers: pd.DataFrame) -> Iterator[tuple[str, str, int, Any]]:
    for name in encoder.columns:
        if name not in offers:
            yield name, "column is missing", len(offers), None
    for number in (number for part in encoder.numbers.values() for number in part):
        name, _, place = number.name.partition("[")  # of a vector
        if name not in offers:
            continue
        column = offers[name]
        if place:
            column = column.map(partial(_coordinate, int(place[:-1])), na_action="ignore")
        values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        finite = np.isfinite(values)
        odd = np.isnan(values) & column.notna().to_numpy()
        clauses = {
            "not a number": odd,
            "not finite": ~finite & ~odd,
            "below its range": finite & (values < number.lowest),
            "above its range": finite & (values > number.highest),
        }
        for problem, rows in clauses.items():
            if rows.any():
                yield number.name, problem, int(rows.sum()), column.iloc[int(rows.argmax())]
    for array, part in encoder.categories.items():
        for category in part:
            if category.name not in offers:
                continue
            codes = Encoder(categories={array: (category,)}).codes(array, offers)
            rows = codes[:, 0] == 0
            if rows.any():
                first = offers[category.name].iloc[int(rows.argmax())]
                yield category.name, "unknown name", int(rows.sum()), first


def _coordinate(place: int, vector: Any) -> Any:
    """Give a coordinate of a vector; what has none, as text."""
    try:
        return vector[place]
    except (TypeError, LookupError):
        return str(vector)
