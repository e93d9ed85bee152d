"""What the mechanisms add to the users."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from coupon_rec.market.categories import USER_CATEGORIES
from coupon_rec.simulation.model import Bools, Floats, Ints
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.people import People

AGES = USER_CATEGORIES["age"]
PLATFORMS = ("desk", "phone")
SECOND_ACCOUNTS = 0.12
"""Share of accounts that belong to the person of the account before."""
SECOND_TRIPS = 0.4
"""Share of a person's trips that the second account makes."""
STRATEGIC = 0.12
"""Share of users who wait; Li, Granados and Netessine (2014) find 5 to 19% of travellers."""
COLLECTORS = 0.04
"""Share of accounts that were opened to collect."""
EAGERNESS = 1.0
"""How much more who shops rarely answers to a discount: deep ones gain new customers and cost with
established ones in Anderson and Simester (2004)."""
THRESHOLD, THRESHOLD_SLOPE = 0.25, 0.08
"""Depth that a user of median price sensitivity answers to by half, and how far it falls with each
standard deviation of the log of that sensitivity. Gupta and Cooper (1992) find thresholds near 15%
and saturation at 20 to 30%: ours lies outside of that range."""


@dataclass(frozen=True)
class Traits:
    """What the mechanisms add to n users. A retailer sees the age of some, and the platform.

    Attributes
    ----------
    age : numpy.ndarray
        Place among the age groups, shape (n,).
    eagerness : numpy.ndarray
        Factor of the answer to a discount, shape (n,): those who shop rarely answer more.
    threshold : numpy.ndarray
        Depth at which half of that answer is there, shape (n,), in (0, 1).
    phone, strategic, collector : numpy.ndarray
        Whether the user looks at lists on a phone, waits for coupons, only collects them.
    person : numpy.ndarray
        The first account of the person behind each, as a place in the block.
    """

    age: Ints
    eagerness: Floats
    threshold: Floats
    phone: Bools
    strategic: Bools
    collector: Bools
    person: Ints

    def frame(self) -> pd.DataFrame:
        """The same as a frame, but the person."""
        names = [field.name for field in fields(self) if field.name != "person"]
        return pd.DataFrame({name: getattr(self, name) for name in names})


def draw_traits(rng: np.random.Generator, people: People, nature: Nature) -> tuple[People, Traits]:
    """Draw the traits, and give second accounts the drivers of the person's first."""
    n, on = len(people.trips), nature.mechanisms
    age, phone = rng.integers(0, len(AGES), n), rng.random(n) < 0.5
    strategic, kind = rng.random(n) < STRATEGIC, rng.random(n)
    collector = (kind < COLLECTORS) & ("collecting" in on)
    second = (kind > 1 - SECOND_ACCOUNTS) & ("accounts" in on)
    additional = collector | second
    additional[0] = False
    additional[1:] &= ~additional[:-1]  # of three in a row the first is not drawn twice
    person = np.where(additional, np.arange(n) - 1, np.arange(n))
    people = replace(
        people,
        trips=shared_trips(people.trips, second & additional, collector & additional),
        **{
            name: getattr(people, name)[person]
            for name in ("activity", "price_sensitivity", "reaction", "habit", "tastes")
        },
    )
    thrift = np.log(people.price_sensitivity / 1.5) / 0.4
    traits = Traits(
        age=age[person],
        eagerness=np.clip((people.trips / 0.75) ** -EAGERNESS, 0.2, 4.0),
        threshold=np.clip(THRESHOLD - THRESHOLD_SLOPE * thrift, 0.05, 0.45),
        phone=np.where(additional, ~phone[person], phone) & ("platforms" in on),
        strategic=strategic[person] & ("waiting" in on),
        collector=collector & additional,
        person=person,
    )
    return people, traits


def shared_trips(trips: Floats, second: Bools, collector: Bools) -> Floats:
    """Split the trips of a person over two accounts; a collector's are the person's own."""
    shared = trips.copy()
    shared[collector] = trips[np.flatnonzero(collector) - 1]
    of_second = np.flatnonzero(second)
    shared[of_second] = SECOND_TRIPS * trips[of_second - 1]
    shared[of_second - 1] *= 1 - SECOND_TRIPS
    return shared
