"""The contract at the door: whether offers are within what the training offers were."""

from collections.abc import Iterator
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
        the contract is kept. A missing number is not finite, unless the whole model can do without
        it: the features of this package say "nothing known" by a number of their own.

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
    found = pd.DataFrame(_broken(encoder, offers), columns=["column", "problem", "rows", "example"])
    found["share"] = found["rows"] / len(offers)
    return found[COLUMNS].sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def _broken(encoder: Encoder, offers: pd.DataFrame) -> Iterator[tuple[str, str, int, Any]]:
    for name in encoder.columns:
        if name not in offers:
            yield name, "column is missing", len(offers), None
    for number in (number for part in encoder.numbers.values() for number in part):
        if number.name not in offers:  # missing, or a coordinate of a vector
            continue
        values = pd.to_numeric(offers[number.name], errors="coerce").to_numpy(np.float64)
        finite = np.isfinite(values)
        clauses = {
            "not a number": np.isnan(values) & offers[number.name].notna().to_numpy(),
            "not finite": ~finite,
            "below its range": finite & (values < number.lowest),
            "above its range": finite & (values > number.highest),
        }
        clauses["not finite"] &= ~clauses["not a number"]
        for problem, rows in clauses.items():
            if rows.any():
                first = offers[number.name].iloc[int(rows.argmax())]
                yield number.name, problem, int(rows.sum()), first
    for category in (category for part in encoder.categories.values() for category in part):
        if category.name in offers:
            rows = ~offers[category.name].isin(category.values).to_numpy()
            if rows.any():
                first = offers[category.name].iloc[int(rows.argmax())]
                yield category.name, "unknown name", int(rows.sum()), first
