"""Slices of the offers: parts on which a model is judged by itself."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.evaluation.arrays import Mask, require


def usual_slices(offers: pd.DataFrame) -> dict[str, Mask]:
    """Name the slices that a model of offers is usually judged on.

    Parameters
    ----------
    offers
        Rows of the offers table, shape (n, columns), with campaign_type, user_redemption_rate and
        item_popularity_rank.

    Returns
    -------
    dict of str to numpy.ndarray
        True for the offers of the slice, shape (n,): "all"; "B and C", "type A", "type B" and
        "type C" campaigns; "known users", who redeemed a coupon before the campaign, and "new
        users", who did not; "head coupons", whose items were the more popular half of the
        campaign's before it started, and "tail coupons", the other half.
    """
    kind = offers["campaign_type"].to_numpy()
    known = offers["user_redemption_rate"].to_numpy() > 0
    head = offers["item_popularity_rank"].to_numpy() > 0.5
    return {
        **default_slices(offers),
        **{f"type {letter}": kind == letter for letter in "ABC"},
        "known users": known,
        "new users": ~known,
        "head coupons": head,
        "tail coupons": ~head,
    }


def default_slices(offers: pd.DataFrame) -> dict[str, Mask]:
    """All offers, and those of campaign types B and C."""
    return {
        "all": np.full(len(offers), True),
        "B and C": offers["campaign_type"].isin(["B", "C"]).to_numpy(),
    }


def cut(
    offers: pd.DataFrame, columns: Sequence[str], slices: Mapping[str, ArrayLike] | None
) -> Iterator[tuple[str, Mask, pd.DataFrame]]:
    """Yield each slice's name, its rows and these columns of its offers, all checked."""
    if absent := [column for column in columns if column not in offers.columns]:
        raise ValueError(f"offers must have columns {list(columns)}, but it lacks {absent}")
    for column in columns:
        present = offers[column].notna().to_numpy()
        require(f"offers[{column!r}]", offers[column], present, "present")
    for name, rows in (default_slices(offers) if slices is None else slices).items():
        same_index(f"slices[{name!r}]", rows, offers)
        mask = np.asarray(rows)
        if mask.shape != (len(offers),) or mask.dtype != np.bool_:
            raise ValueError(
                f"slices[{name!r}] must be True or False for each of {len(offers)} offers, not "
                f"{mask.dtype} of shape {mask.shape}"
            )
        yield name, mask, offers.loc[mask, list(columns)]


def same_index(name: str, values: ArrayLike, offers: pd.DataFrame) -> None:
    """Raise a ValueError if values are a Series in another order than the offers."""
    if isinstance(values, pd.Series) and not values.index.equals(offers.index):
        raise ValueError(
            f"{name} and offers have different indexes: put {name} in the order of offers and "
            f"pass {name}.to_numpy()"
        )
