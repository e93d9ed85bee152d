"""A question about a user, and the reply to it: what was chosen, from what, and why."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from coupon_rec.serving.events.identifiers import Identifiers

Probability = Annotated[float, Field(ge=0, le=1)]
DESCRIBED = ConfigDict(use_attribute_docstrings=True)
"""What is said of an attribute stands in the description of the service, too."""


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


@dataclass
class Account:
    """Why a coupon is likelier than the user's others: parts of its log p, which add up.

    Each part has two terms: `bought`, of log p(a), that one of the coupon's items is bought, and
    `redeemed_if_bought`, of log p(r | a).
    """

    __pydantic_config__ = DESCRIBED

    rivals: Annotated[int, Field(ge=1)]
    """How many others it is compared with."""
    others: dict[str, float]
    """The mean over the others, by term."""
    topics: dict[str, dict[str, float]]
    """What each of six topics adds to that, by term: its exact Shapley value."""


@dataclass
class Choice:
    """A coupon to send, and why."""

    __pydantic_config__ = DESCRIBED

    campaign_id: int | str
    coupon_id: int | str
    probability: Probability
    """That it is redeemed."""
    value: float
    """Expected incremental profit, in currency, after its cost; 0 or less only where it was
    drawn."""
    reason: str
    """The topic that sets it apart from the user's other coupons."""
    propensity: Annotated[float | None, Field(gt=0, le=1)] = None
    """With which chance the answer held this coupon; given by a service that explores, and by no
    other."""
    account: Account | None = None
    """Given where it was asked for, and the user has another coupon."""
    cold: str = ""
    """Who is new, "user", "coupon" or "user and coupon", so that nobody has checked the
    probability; empty for neither."""


@dataclass
class ItemChoice:
    """An item that the user is likely to buy, and why."""

    __pydantic_config__ = DESCRIBED

    item_id: int | str
    probability: Probability
    """That the user buys it in the next 28 days."""
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


class Reply(NamedTuple):
    """The choices for a question, the best first, and what they rest on: events and bundle.

    `version` counts the user's own events, and `ranked` those of all users that the crowd knew.
    `mailed` is False where they are chosen from all coupons that are live and not withheld from
    the user, for one who was mailed none of them.
    """

    choices: tuple[Choice, ...]
    decision: Decision
    known: bool
    note: str
    version: int
    ranked: int
    bundle: str
    mailed: bool = True
