"""Slices of the offers: parts on which a model is judged by itself."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pandas.api.types import infer_dtype

from coupon_rec.arguments import Mask, require_columns, require_one_order, require_present


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
        True for the offers of the slice, shape (n,): "all"; "B and C" campaigns, "type A" and so
        on for each type; "known users", who redeemed a coupon before the campaign, and "new
        users", who did not; "head coupons", whose items were the more popular half of the
        campaign's before it started, and "tail coupons", the other half. A slice without offers
        is left out: where all campaigns are of type C, there is no "type A".

    Raises
    ------
    ValueError
        If offers lack one of these columns, or a campaign_type is missing.

    Examples
    --------
    >>> offers = pd.DataFrame(
    ...     {
    ...         "campaign_type": ["C", "C"],
    ...         "user_redemption_rate": [0.0, 0.5],
    ...         "item_popularity_rank": [0.9, 0.8],
    ...     }
    ... )
    >>> list(usual_slices(offers))
    ['all', 'B and C', 'type C', 'known users', 'new users', 'head coupons']
    """
    require_columns(offers, ["campaign_type", "user_redemption_rate", "item_popularity_rank"])
    usual, kind = default_slices(offers), offers["campaign_type"]
    known = offers["user_redemption_rate"].to_numpy() > 0
    head = offers["item_popularity_rank"].to_numpy() > 0.5
    slices = {
        **{f"type {letter}": (kind == letter).to_numpy() for letter in sorted(kind.unique())},
        "known users": known,
        "new users": ~known,
        "head coupons": head,
        "tail coupons": ~head,
    }
    return usual | {name: rows for name, rows in slices.items() if rows.any()}


def unseen_slices(offers: pd.DataFrame, train: pd.DataFrame) -> dict[str, Mask]:
    """Name the slices by whom of an offer the training offers have: user, coupon, both or none.

    Parameters
    ----------
    offers, train
        Rows of the offers table, of which `user_id` and `coupon_id` are read. `train` is all that
        the model has learned from.

    Returns
    -------
    dict of str to numpy.ndarray
        True for the offers of the slice, shape (n,): "both seen", "unmailed users", who have no
        offer in `train`, "new coupons", which have none, and "both new", in which neither has. The
        two in the middle hold all that is in the last. A slice without offers is left out.

    Raises
    ------
    ValueError
        If one of the columns is missing, or is text in one of the two and numbers in the other.

    Examples
    --------
    >>> train = pd.DataFrame({"user_id": [1, 2], "coupon_id": [10, 11]})
    >>> offers = pd.DataFrame({"user_id": [1, 3, 3], "coupon_id": [10, 10, 12]})
    >>> {name: int(rows.sum()) for name, rows in unseen_slices(offers, train).items()}
    {'both seen': 1, 'unmailed users': 2, 'new coupons': 1, 'both new': 1}
    """
    for rows in (offers, train):
        require_columns(rows, ["user_id", "coupon_id"])
    for name in ("user_id", "coupon_id"):
        kinds = {infer_dtype(np.asarray(rows[name])) for rows in (offers, train)}
        if "string" in kinds and kinds & {"integer", "floating"}:
            raise ValueError(
                f"{name} is text in one of offers and train and numbers in the other, so that "
                "nothing is seen: take both from files, or both from features.offers_frame"
            )
    user, coupon = (~offers[name].isin(train[name]).to_numpy() for name in ("user_id", "coupon_id"))
    slices = {
        "both seen": ~user & ~coupon,
        "unmailed users": user,
        "new coupons": coupon,
        "both new": user & coupon,
    }
    return {name: rows for name, rows in slices.items() if rows.any()}


def default_slices(offers: pd.DataFrame) -> dict[str, Mask]:
    """All offers and, where there are any, those of campaign types B and C."""
    require_present(offers, ["campaign_type"])
    slices = {"all": np.full(len(offers), True)}
    both = offers["campaign_type"].isin(["B", "C"]).to_numpy()
    return {**slices, "B and C": both} if both.any() else slices


def cut(
    offers: pd.DataFrame, columns: Sequence[str], slices: Mapping[str, ArrayLike] | None
) -> Iterator[tuple[str, Mask, pd.DataFrame]]:
    """Yield each slice's name, its rows and these columns of its offers, all checked."""
    require_present(offers, columns if slices is not None else [*columns, "campaign_type"])
    for name, rows in (default_slices(offers) if slices is None else slices).items():
        require_one_order(**{"offers": offers, f"slices[{name!r}]": rows})
        mask = np.asarray(rows)
        if mask.shape != (len(offers),) or mask.dtype != np.bool_:
            raise ValueError(
                f"slices[{name!r}] must be True or False for each of {len(offers)} offers, not "
                f"{mask.dtype} of shape {mask.shape}"
            )
        yield name, mask, offers.loc[mask, list(columns)]
