"""Users and coupons that a model has never met: how to hold them out, and how to know them."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.arguments import Mask, require_columns, require_present
from coupon_rec.features.catalog import DIGITS, PRIOR_OFFERS, PRIOR_REDEMPTIONS

Numbers = NDArray[np.floating]
COLD = ("", "user", "coupon", "user and coupon")
"""What `cold` may say of an offer."""
TOLD_BY = ("user_mailed_90", "user_redemption_rate", "coupon_success")
"""The features that it reads."""


class Holdout(NamedTuple):
    """Offers by who of them is held out.

    Attributes
    ----------
    train : pandas.DataFrame
        Offers of neither held-out users nor held-out coupons; the only ones to learn from.
    users, coupons, both : pandas.DataFrame
        Offers of held-out users alone, of held-out coupons alone, and of a held-out user and a
        held-out coupon.
    """

    train: pd.DataFrame
    users: pd.DataFrame
    coupons: pd.DataFrame
    both: pd.DataFrame


def holdout(
    offers: pd.DataFrame, *, users: float = 0.2, coupons: float = 0.2, seed: int = 0
) -> Holdout:
    """Hold out a share of the users, of the coupons, or of both, with all of their offers.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows with columns `user_id` and `coupon_id`.
    users, coupons : float
        Shares of the ids to hold out, in [0, 1), rounded to whole ids.
    seed : int
        Of the draw. It depends on the ids alone, not on the order or the number of their offers.

    Returns
    -------
    Holdout
        `train, users, coupons, both = holdout(offers)`; together they are all offers.

    Raises
    ------
    ValueError
        If a share is outside [0, 1), a column is missing, or an id is.

    Notes
    -----
    The features of a held-out user's later offers count the earlier ones. Someone who was never
    mailed is a held-out user's *first* campaign only.

    Examples
    --------
    >>> import pandas as pd
    >>> offers = pd.DataFrame([(u, c) for u in range(4) for c in range(2)])
    >>> offers.columns = ["user_id", "coupon_id"]
    >>> parts = holdout(offers, users=0.25, coupons=0.5)
    >>> [len(part) for part in parts]
    [3, 1, 3, 1]
    """
    require_present(offers, ["user_id", "coupon_id"])
    rng = np.random.default_rng(seed)
    user = _drawn(offers["user_id"], "users", users, rng)
    coupon = _drawn(offers["coupon_id"], "coupons", coupons, rng)
    masks = (~user & ~coupon, user & ~coupon, ~user & coupon, user & coupon)
    return Holdout(*(offers[mask] for mask in masks))


def cold(offers: pd.DataFrame) -> NDArray[np.str_]:
    """Say of which side of each offer nothing is known about coupons: its forecast is unchecked.

    A user is cold who was not mailed in the 90 days before and has never redeemed; a coupon is
    cold that was never sent. What they bought, and who bought its items, may be known well.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows of the offers table.

    Returns
    -------
    numpy.ndarray
        "", "user", "coupon" or "user and coupon", shape (n,).

    Raises
    ------
    ValueError
        If one of the three columns that say so is missing.

    Notes
    -----
    A coupon that was sent and did exactly as well as the prior of `coupon_success`, such as 3
    redemptions of 1,000 offers, is taken for cold.

    Examples
    --------
    >>> import pandas as pd
    >>> offers = pd.DataFrame({"user_mailed_90": [0, 3], "user_redemption_rate": [0.0, 0.2]})
    >>> cold(offers.assign(coupon_success=[0.004, 0.003])).tolist()
    ['user', 'coupon']
    """
    require_columns(offers, TOLD_BY)
    return cold_by(*(offers[name].to_numpy() for name in TOLD_BY))


def cold_by(mailed: Numbers, rate: Numbers, success: Numbers) -> NDArray[np.str_]:
    """As `cold`, from the features of `TOLD_BY`, each of shape (n,)."""
    user = (mailed == 0) & (rate == 0)
    coupon = np.abs(success - PRIOR_REDEMPTIONS / PRIOR_OFFERS) < 10.0**-DIGITS
    return np.asarray(np.array(COLD)[user + 2 * coupon])


def _drawn(ids: pd.Series, name: str, share: float, rng: np.random.Generator) -> Mask:
    """Whether each row's id is among those that are held out."""
    if not 0 <= share < 1:
        raise ValueError(f"{name} must be a share in [0, 1), such as 0.2, not {share}")
    different = np.unique(ids)
    chosen = rng.permutation(different)[: round(share * len(different))]
    return np.asarray(ids.isin(chosen))
