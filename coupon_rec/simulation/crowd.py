"""A block of users: who they are, and what they keep of the past."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from coupon_rec.simulation.campaign import cuts, units_at
from coupon_rec.simulation.memory import COVER, Memory
from coupon_rec.simulation.model import BLOCK, Floats, Ints
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.people import People, describe, draw_people
from coupon_rec.simulation.shopping import list_logits
from coupon_rec.simulation.traits import AGES, PLATFORMS, Traits, draw_traits
from coupon_rec.simulation.world import STORES, World


@dataclass(frozen=True)
class Crowd:
    """A block of users, who they are and what they keep of the past."""

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


def draw_crowd(world: World, nature: Nature, seed: int, first: int, n: int) -> Crowd:
    """Draw a block of users, with nothing behind them."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3, first)))
    drawn = draw_people(rng, n)
    people, traits = draw_traits(rng, drawn, nature)
    users = describe(rng, people)
    users["age"] = np.where(users["age"] == "unknown", "unknown", np.array(AGES)[traits.age])
    users.insert(0, "user_id", first + np.arange(n))
    store = first // BLOCK + 1 if "supply" in nature.mechanisms else rng.integers(1, STORES + 1, n)
    base = list_logits(people, world).astype("float32")
    weekly = (people.trips[:, None] * np.exp(np.minimum(base, 5.0))).sum(axis=0)
    weekly *= units_at(nature, cuts(world, nature, 0))
    kinds = len(nature.responsiveness)
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
    return Crowd(first, people, traits, users, np.broadcast_to(store, n), base, memory)
