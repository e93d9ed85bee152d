"""The mechanisms of a market that answers back: their names, sizes, and where real ones show them.

Each constant is one number of an equation in the docstring of `coupon_rec.simulation`. They were
set from the sources beside them, from fits where that is said, or are guesses where nothing is; and
some of them only after the first experiments had been run on the market.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from coupon_rec.simulation.model import BLOCK
from coupon_rec.simulation.world import coupons_for

MECHANISMS = {
    "fatigue": "mail moves a user less, then the wrong way, the more came before",
    "response": "who answers to a discount, and to which depth, is not who buys most",
    "depths": "each user draws a depth of a coupon's type by a known policy",
    "elasticity": "each item has an elasticity of its own, and prices move quantities too",
    "season": "categories sell with the time of the year",
    "stockpiling": "what was bought cheaply is not bought soon after",
    "substitution": "what is cheap or has a coupon takes sales from the rest of its category",
    "supply": "units cost money, stock ends, orders take a week, and lost sales are lost",
    "novelty": "types get their first coupons one after the other, with an appeal nobody knows",
    "drift": "what people like changes from campaign to campaign",
    "delay": "redemptions are reported days after they happen",
    "content": "a coupon's picture and text move demand, and one of their traits does nothing",
    "platforms": "a phone and a desk show the same list and are looked at in different ways",
    "accounts": "some persons have two accounts, and share their tastes and their patience",
    "waiting": "some users put purchases off when coupons come to those who wait",
    "collecting": "some accounts are opened to collect coupons, and buy nothing else",
}
"""What `mechanisms` of `open_market` may name."""


@dataclass(frozen=True)
class Plant:
    """A change of the world from a campaign on, for whoever watches it to find.

    Attributes
    ----------
    change : str
        One of `CHANGES`.
    campaign : int
        The first campaign of the change, 1 or more.
    size : float
        How large, in the unit of the change.
    """

    change: str
    campaign: int
    size: float


CHANGES = {"redemption": -0.7, "mailing": 1.0, "prices": 1.15, "feature": 1.0, "season": 0.3}
"""What `plant` can change, and by how much where no size is given."""


def plant(change: str, campaign: int, size: float | None = None) -> Plant:
    """Plant a change for whoever watches the market to find.

    Parameters
    ----------
    change : str
        One of `CHANGES`: "redemption" moves the logit of redeeming (by -0.7 if no size is given),
        "mailing" that of being mailed under the retailer's own policy (1), "prices" multiplies all
        list prices (1.15), "feature" is the share of users whose age the records lose (1),
        "season" moves all purchase logits (0.3).
    campaign : int
        The first campaign of the change, 1 or more.
    size : float, optional
        How large, in the unit of the change.

    Returns
    -------
    Plant
        For `open_market(plants=[...])`.

    Raises
    ------
    ValueError
        If there is no such change, or the campaign or the size is out of its range.

    Examples
    --------
    >>> plant("prices", campaign=7)
    Plant(change='prices', campaign=7, size=1.15)
    """
    if change not in CHANGES:
        raise ValueError(f"no change {change!r}; there are {', '.join(CHANGES)}")
    if campaign < 1:
        raise ValueError(f"campaign must be 1 or more, not {campaign}")
    size = CHANGES[change] if size is None else float(size)
    if (change == "prices" and size <= 0) or (change == "feature" and not 0 <= size <= 1):
        raise ValueError(f"size is {size}: prices take a factor above 0, feature a share in [0, 1]")
    return Plant(change, campaign, size)


@dataclass(frozen=True)
class Settings:
    """The arguments of `open_market`."""

    users: int
    items: int
    coupons: int
    campaigns: int
    seed: int
    mechanisms: tuple[str, ...]
    strength: float
    plants: tuple[Plant, ...]

    @property
    def blocks(self) -> range:
        """The first user of each block."""
        return range(1, self.users + 1, BLOCK)


LEAST = {"users": 1, "items": 3, "coupons": 1, "campaigns": 1, "seed": 0}
"""The least number of each size of a market."""


def settings_of(
    mechanisms: Iterable[str] | str, strength: float, plants: Sequence[Plant], **sizes: int
) -> Settings:
    """Check the arguments of `open_market`; `sizes` are those of `LEAST`."""
    for name, number in sizes.items():
        if not isinstance(number, int | np.integer) or number < LEAST[name]:
            raise ValueError(f"{name} must be a whole number, {LEAST[name]} or more, not {number}")
    most = coupons_for(sizes["items"])
    if sizes["coupons"] > most:
        raise ValueError(f"coupons must be {most} or less for {sizes['items']} items")
    if isinstance(mechanisms, str):
        mechanisms = MECHANISMS if mechanisms == "all" else mechanisms.split()
    names = tuple(mechanisms)
    if unknown := [name for name in names if name not in MECHANISMS]:
        raise ValueError(f"no mechanism {unknown[0]!r}; there are {', '.join(MECHANISMS)}")
    if not 0 <= strength < np.inf:
        raise ValueError(f"strength must be 0 or more, not {strength}")
    return Settings(**sizes, mechanisms=names, strength=float(strength), plants=tuple(plants))
