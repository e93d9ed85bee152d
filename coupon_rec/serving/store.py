"""The features of every user, in memory, as of now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coupon_rec.serving.events import Event
from coupon_rec.serving.log import EventLog


@dataclass(frozen=True)
class Candidates:
    """The coupons that a user may get, with what is known of each: n rows.

    Attributes
    ----------
    campaign_id, coupon_id : numpy.ndarray
        int64 of shape (n,), sorted by both.
    arrays : dict of str to numpy.ndarray
        What a model takes, as `coupon_rec.features.encode` gives it.
    spend_per_line, coupon_discount : numpy.ndarray
        In currency, shape (n,): what one purchase of the coupon's items brings, what it takes off.
    match_recency, match_distinct_items, match_category_recency, user_redemption_recency
        Features, each of shape (n,), that `coupon_rec.decisions.reason` puts in words.
    known : bool
        False where nothing is known of the user: a cold start.
    version : int
        The user's version, as of which all this holds.
    """

    campaign_id: NDArray[np.int64]
    coupon_id: NDArray[np.int64]
    arrays: dict[str, NDArray[np.float32] | NDArray[np.int32]]
    spend_per_line: NDArray[np.float64]
    coupon_discount: NDArray[np.float32]
    match_recency: NDArray[np.float32]
    match_distinct_items: NDArray[np.float32]
    match_category_recency: NDArray[np.float32]
    user_redemption_recency: NDArray[np.float32]
    known: bool
    version: int


class FeatureStore:
    """Features that move with every event. All methods may be called from several threads.

    Attributes
    ----------
    day : datetime.date
        The snapshot holds what happened before this day.
    degraded : bool
        Whether events of other replicas may be missing, because Redis cannot be reached.
    """

    day: date
    degraded: bool

    @classmethod
    def load(cls, folder: str | Path, log: EventLog | None = None) -> "FeatureStore":
        """Load what `write_snapshot` wrote, and apply the events of the log."""
        raise NotImplementedError

    def version(self, user_id: int) -> int:
        """How many events of a user this store has counted."""
        raise NotImplementedError

    def offers(self, user_id: int, day: date) -> Candidates:
        """Every live coupon for this user, as if its campaign started on the day after `day`."""
        raise NotImplementedError

    def add(self, events: Sequence[Event]) -> int:
        """Take events in: durable when it returns, each event_id once. Return how many were new."""
        raise NotImplementedError

    def catch_up(self) -> int:
        """Apply what others appended to the log: replicas, or the store this one replaces."""
        raise NotImplementedError
