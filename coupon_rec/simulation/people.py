"""The users: what drives them, and what the retailer knows of them."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from coupon_rec.market.categories import USER_CATEGORIES
from coupon_rec.market.schema import UNKNOWN
from coupon_rec.simulation.model import TASTES, Bools, Floats

COMPOSITIONS = ("1 Adult No Kids", "2 Adults No Kids", "2 Adults Kids")
DESCRIBED = 0.32
"""Share of users whose demographics are known."""
ANNOYED = 0.15
"""Share of users who buy less when they are sent a coupon."""


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
        columns = {name: getattr(self, name) for name in NUMBERS}
        tastes = {f"taste_{number}": self.tastes[:, number] for number in range(TASTES)}
        return pd.DataFrame({**columns, **tastes})

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "People":
        """Make people from the columns that `frame` gives."""
        columns = {name: frame[name].to_numpy("float64") for name in NUMBERS}
        tastes = [f"taste_{number}" for number in range(TASTES)]
        return cls(**columns, tastes=frame[tastes].to_numpy("float64"))


NUMBERS = tuple(field.name for field in fields(People) if field.name != "tastes")


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


def describe(rng: np.random.Generator, people: People) -> pd.DataFrame:
    """The demographics of the users: the price-sensitive earn less, large households buy more."""
    n = len(people.trips)
    ages, known = USER_CATEGORIES["age"], rng.random(n) < DESCRIBED

    def column(values: tuple[str, ...], code: np.ndarray, known: Bools = known) -> np.ndarray:
        place = np.clip(np.round(code.astype(float)), 0, len(values) - 1).astype(int)
        return np.where(known, np.array(values)[place], UNKNOWN)

    thrift = np.log(people.price_sensitivity / 1.5) / 0.4
    income = 4.5 - 1.5 * thrift + 1.5 * rng.standard_normal(n)
    size = np.clip(np.round(1.5 + 1.5 * people.activity + rng.standard_normal(n)), 0, 4)
    told = known & (rng.random(n) < 0.7)
    return pd.DataFrame(
        {
            "age": column(ages, rng.integers(0, len(ages), n)),
            "income": column(USER_CATEGORIES["income"], income),
            "home": column(("Homeowner", "Renter"), rng.random(n) - 0.1 * (income - 3), told),
            "marital_status": column(("Married", "Unmarried"), size < 1, told),
            "household_size": column(USER_CATEGORIES["household_size"], size),
            "household_comp": column(COMPOSITIONS, size),
            "kids": column(USER_CATEGORIES["kids"], size - 1),
        }
    )
