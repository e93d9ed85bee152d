"""A question about a user, and the reply to it: what was chosen, from what, and why."""

from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.serving.events.identifiers import Identifiers


class Question(NamedTuple):
    """At most k coupons for a user on a day.

    Attributes
    ----------
    explore : bool or None
        Whether the coupons are drawn, where chance has a say; None where it has none.
    explain : bool
        Whether the whole account of each coupon is wanted.
    platform : str or None
        Where the coupons are shown, if the bundle has a model of that platform's own.
    """

    user_id: int | str
    day: date
    k: int
    explore: bool | None = None
    explain: bool = False
    platform: str | None = None


class Account(NamedTuple):
    """Why a coupon is likelier than the user's others: parts of log p, which add up.

    Attributes
    ----------
    rivals : int
        How many other coupons it is compared with.
    others : dict of str to float
        The mean over these of log p, by factor: `bought` and `redeemed_if_bought`.
    topics : dict of str to dict of str to float
        What each topic adds to that, by factor. All together make the coupon's log p.
    """

    rivals: int
    others: dict[str, float]
    topics: dict[str, dict[str, float]]


class Choice(NamedTuple):
    """A coupon to send: worth it, or drawn. Its propensity is None where nothing is drawn.

    The reason names the topic that sets it apart from the user's other coupons. `cold` says who is
    new, as `coupon_rec.features.cold` does: a probability that nobody has checked.
    """

    campaign_id: int | str
    coupon_id: int | str
    probability: float
    value: float
    reason: str
    propensity: float | None = None
    account: Account | None = None
    cold: str = ""


class ItemChoice(NamedTuple):
    """An item that the user is likely to buy within four weeks."""

    item_id: int | str
    probability: float
    reason: str


class Decision(NamedTuple):
    """All candidates of a user, and what the policy did with each: n rows.

    Attributes
    ----------
    campaign_id, coupon_id : numpy.ndarray
        int64 of shape (n,): numbers, whose names `identifiers` has.
    probability, value : numpy.ndarray
        Of shape (n,): that it is redeemed, and the expected profit in currency.
    propensity : numpy.ndarray
        Of shape (n,): with which probability the policy chooses it, given all it knows.
    position : numpy.ndarray
        int16 of shape (n,): its place among the choices, from 0 on; -1 if it is not one.
    identifiers : Identifiers
        Of the bundle.
    """

    campaign_id: NDArray[np.int64]
    coupon_id: NDArray[np.int64]
    probability: NDArray[np.float64]
    value: NDArray[np.float64]
    propensity: NDArray[np.float64]
    position: NDArray[np.int16]
    identifiers: Identifiers

    def chosen(self) -> list[int]:
        """The rows of the choices, the best first."""
        rows = np.flatnonzero(self.position >= 0)
        return [int(row) for row in rows[np.argsort(self.position[rows])]]


class Reply(NamedTuple):
    """The choices for a question, the best first, and what they rest on: events and bundle.

    `mailed` is False where they are chosen from all coupons that are live and not withheld from
    the user, for one who was mailed none of them.
    """

    choices: tuple[Choice, ...]
    decision: Decision
    known: bool
    note: str
    counted: int
    bundle: str
    mailed: bool = True
