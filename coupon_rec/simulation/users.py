"""The users: who they are, what drives them, and what the retailer knows of them."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from coupon_rec.market.categories import USER_CATEGORIES
from coupon_rec.market.schema import UNKNOWN
from coupon_rec.simulation.model import BLOCK, TASTES, Bools, Floats, Ints
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.world import STORES, USUAL_PRICE, World

AGES = USER_CATEGORIES["age"]
COMPOSITIONS = ("1 Adult No Kids", "2 Adults No Kids", "2 Adults Kids")
PLATFORMS = ("desk", "phone")
DESCRIBED = 0.32
"""Share of users whose demographics are known."""
ANNOYED = 0.15
"""Share of users who buy less when they are sent a coupon."""
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


COVER = 2.15
"""Weeks of usual sales that an order fills the store up to. A week passes until it arrives. About
8% of items are then out of stock, the mean that Gruen, Corsten and Bharadwaj (2002) report."""


@dataclass(frozen=True)
class People:
    """What drives n users. A retailer sees none of it.

    Attributes
    ----------
    trips : numpy.ndarray
        Trips a week, shape (n,), above 0.
    activity : numpy.ndarray
        What the user adds to every purchase logit, shape (n,).
    price_sensitivity : numpy.ndarray
        Fall of the purchase logit for each unit of log price, shape (n,), above 0.
    reaction : numpy.ndarray
        What being sent a coupon adds to the purchase logit, shape (n,).
    habit : numpy.ndarray
        Logit of redeeming a coupon of 25% on a purchase, shape (n,).
    tastes : numpy.ndarray
        Weight of each taste, shape (n, TASTES).
    """

    trips: Floats
    activity: Floats
    price_sensitivity: Floats
    reaction: Floats
    habit: Floats
    tastes: Floats

    def frame(self) -> pd.DataFrame:
        """The same as a frame, with one column for each taste."""
        columns = dict(vars(self))
        return pd.DataFrame(columns | by_name(columns.pop("tastes")))

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "People":
        """Make people from the columns that `frame` gives."""
        names = [field.name for field in fields(cls) if field.name != "tastes"]
        tastes = frame[[f"taste_{number}" for number in range(TASTES)]].to_numpy("float64")
        return cls(**{name: frame[name].to_numpy("float64") for name in names}, tastes=tastes)


def by_name(tastes: Floats) -> dict[str, Floats]:
    """One column for each taste."""
    return {f"taste_{number}": column for number, column in enumerate(tastes.T)}


def draw_people(rng: np.random.Generator, n: int) -> People:
    """Draw n users."""
    annoyed = rng.random(n) < ANNOYED
    return People(
        trips=0.75 * np.exp(0.9 * rng.standard_normal(n)),
        activity=0.65 * rng.standard_normal(n),
        price_sensitivity=1.5 * np.exp(0.4 * rng.standard_normal(n)),
        reaction=np.where(annoyed, -1.2, 0.1),
        habit=-3.15 + 1.8 * rng.standard_normal(n),
        tastes=rng.standard_normal((n, TASTES)),
    )


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
    drivers = {name: values[person] for name, values in vars(people).items()}
    drivers["trips"] = shared_trips(people.trips, second & additional, collector & additional)
    people = People(**drivers)
    traits = Traits(
        age=age[person],
        eagerness=np.clip((people.trips / 0.75) ** -EAGERNESS, 0.2, 4.0),
        threshold=np.clip(THRESHOLD - THRESHOLD_SLOPE * thrift(people), 0.05, 0.45),
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


def thrift(people: People) -> Floats:
    """How many deviations the log of a price sensitivity lies above its mean; shape (n,)."""
    return np.asarray(np.log(people.price_sensitivity / 1.5) / 0.4)


def describe(rng: np.random.Generator, people: People, age: Ints) -> pd.DataFrame:
    """The demographics of the users: the price-sensitive earn less, large households buy more."""
    n = len(people.trips)
    described = rng.random(n) < DESCRIBED
    income = 4.5 - 1.5 * thrift(people) + 1.5 * rng.standard_normal(n)
    size = np.clip(np.round(1.5 + 1.5 * people.activity + rng.standard_normal(n)), 0, 4)
    told = described & (rng.random(n) < 0.7)
    rng.integers(0, len(AGES), n)  # drawn by version 1: so homes and stores are still its own
    owner = rng.random(n) - 0.1 * (income - 3)

    def column(
        values: tuple[str, ...], code: np.ndarray, described: Bools = described
    ) -> np.ndarray:
        place = np.clip(np.round(code.astype(float)), 0, len(values) - 1).astype(int)
        return np.where(described, np.array(values)[place], UNKNOWN)

    return pd.DataFrame(
        {
            "age": column(AGES, age),
            "income": column(USER_CATEGORIES["income"], income),
            "home": column(("Homeowner", "Renter"), owner, told),
            "marital_status": column(("Married", "Unmarried"), size < 1, told),
            "household_size": column(USER_CATEGORIES["household_size"], size),
            "household_comp": column(COMPOSITIONS, size),
            "kids": column(USER_CATEGORIES["kids"], size - 1),
        }
    )


def list_logits(people: People, world: World) -> Floats:
    """Purchase logits at list price without coupons: equation (1) of the simulation.

    Parameters
    ----------
    people : People
        n users.
    world : World
        Of I items.

    Returns
    -------
    numpy.ndarray
        Shape (n, I).
    """
    logits = people.tastes @ world.tastes.T
    logits += people.activity[:, None]
    logits += world.popularity
    logits -= np.outer(people.price_sensitivity, np.log(world.prices / USUAL_PRICE))
    return np.asarray(logits)


@dataclass(frozen=True)
class Memory:
    """What n users and their store keep of the past; T types, I items.

    Attributes
    ----------
    mailed : numpy.ndarray
        Campaigns that reached the person, each half of the one after it; shape (n,).
    trips : numpy.ndarray
        Trips in the period before, shape (n,).
    expecting : numpy.ndarray
        How sure a user is of the next mail, shape (n,), in [0, 1].
    pantry : numpy.ndarray
        What purchases of each type had saved on the log price; shape (n, T).
    bought : numpy.ndarray
        Purchase lines of each type so far; shape (n, T).
    on_sale : numpy.ndarray
        Purchase lines on sale so far; shape (n,).
    on_hand, on_order, weekly : numpy.ndarray
        Units in the store, units to come in a week, and units sold in a usual week; shape (I,).
    """

    mailed: Floats
    trips: Floats
    expecting: Floats
    pantry: Floats
    bought: Floats
    on_sale: Floats
    on_hand: Floats
    on_order: Floats
    weekly: Floats


@dataclass(frozen=True)
class Crowd:
    """A block of users: who they are, and what they keep of the past.

    Attributes
    ----------
    first : int
        The identifier of the first.
    people, traits : People, Traits
        What drives them.
    users : pandas.DataFrame
        What the retailer knows of them.
    usual_store : numpy.ndarray
        Where each shops, shape (n,).
    base : numpy.ndarray
        Purchase logits at list price, shape (n, I), single precision.
    memory : Memory
        What they and their store keep of the past.
    """

    first: int
    people: People
    traits: Traits
    users: pd.DataFrame
    usual_store: Ints
    base: Floats
    memory: Memory

    @property
    def user_ids(self) -> Ints:
        """Their identifiers."""
        return self.first + np.arange(len(self.people.trips))

    @property
    def channel(self) -> np.ndarray:
        """Where each looks at lists."""
        return np.where(self.traits.phone, PLATFORMS[1], PLATFORMS[0])

    def shelf_logits(
        self, slope: Floats, drift: Floats, items: Ints | slice = slice(None)
    ) -> Floats:
        """Purchase logits of items at a campaign's prices, without memory; shape (n, items)."""
        sensitivity = self.people.price_sensitivity.astype("float32")
        logits = np.outer(sensitivity, slope[items].astype("float32"))
        logits += self.base[:, items]
        logits += drift[items].astype("float32")
        return logits


def draw_crowd(nature: Nature, first: int) -> Crowd:
    """Draw the block of users that begins with `first`, with nothing behind them."""
    settings, world = nature.settings, nature.world
    n, kinds = min(BLOCK, settings.users + 1 - first), len(nature.responsiveness)
    rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(3, first)))
    people, traits = draw_traits(rng, draw_people(rng, n), nature)
    users = describe(rng, people, traits.age)
    users.insert(0, "user_id", first + np.arange(n))
    store, weekly = rng.integers(1, STORES + 1, n), np.zeros(settings.items)
    base = list_logits(people, world).astype("float32")
    if "supply" in nature.mechanisms:
        store = np.full(n, first // BLOCK + 1)
        weekly = (people.trips[:, None] * np.exp(np.minimum(base, 5.0))).sum(axis=0)
        weekly *= nature.units(nature.cuts[0])
    memory = Memory(
        mailed=np.zeros(n),
        trips=np.ones(n),
        expecting=np.zeros(n),
        pantry=np.zeros((n, kinds), "float32"),
        bought=np.zeros((n, kinds), "float32"),
        on_sale=np.zeros(n),
        on_hand=np.ceil(COVER * weekly),
        on_order=np.ceil(weekly),
        weekly=weekly,
    )
    return Crowd(first, people, traits, users, store, base, memory)
