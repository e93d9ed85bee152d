"""A market that answers back, campaign by campaign, under any policy."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from coupon_rec.arguments import require
from coupon_rec.odds import best_of_each
from coupon_rec.simulation import receipts
from coupon_rec.simulation.assembling import assemble
from coupon_rec.simulation.happening import Chance, happen, remember
from coupon_rec.simulation.likely import Memory, cuts, likely, units_a_line
from coupon_rec.simulation.market import BLOCK, Simulation, _check_sizes
from coupon_rec.simulation.mechanisms import MECHANISMS, Plant
from coupon_rec.simulation.model import Floats, Ints
from coupon_rec.simulation.nature import Nature, Round, draw_round, make_nature
from coupon_rec.simulation.people import People, describe, draw_people
from coupon_rec.simulation.shopping import list_logits
from coupon_rec.simulation.supply import COVER, sell
from coupon_rec.simulation.traits import AGES, PLATFORMS, Traits, draw_traits
from coupon_rec.simulation.world import STORES, World, make_world

Policy = Callable[[pd.DataFrame], object]
"""From `State.offers` to the probability of each offer: an array of its length, or a frame with
the columns `mailing` and `coupon`, whose product is that probability."""


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
        return np.array(PLATFORMS)[self.traits.phone.astype(int)]


@dataclass(frozen=True)
class State:
    """A market between two campaigns. It does not change: go on from it as often as you like.

    Attributes
    ----------
    settings : Settings
        The arguments of `open_market`.
    period : int
        How many campaigns have been.
    crowds : tuple of Crowd
        The users, in blocks.
    history : tuple of dict of str to pyarrow.Table
        What happened in each period.
    """

    settings: Settings
    period: int
    crowds: tuple[Crowd, ...]
    history: tuple[dict[str, pa.Table], ...]

    @cached_property
    def world(self) -> World:
        """The items, coupons and campaigns."""
        s = self.settings
        return make_world(
            s.items, s.coupons, s.campaigns, np.random.SeedSequence(s.seed, spawn_key=(0,))
        )

    @cached_property
    def nature(self) -> Nature:
        """What the mechanisms add to the world."""
        s = self.settings
        return make_nature(self.world, frozenset(s.mechanisms), s.strength, s.plants, s.seed)

    @cached_property
    def campaign(self) -> Round:
        """The campaign to come."""
        if self.period == self.settings.campaigns:
            raise ValueError(
                f"all {self.period} campaigns have been: open the market with more campaigns"
            )
        return draw_round(self.world, self.nature, self.period + 1, self.settings.seed)

    @cached_property
    def offers(self) -> pd.DataFrame:
        """The offers that the retailer could make in the campaign to come, and what it knows.

        One row for each user and coupon, in this order: `campaign_id`, `user_id`, `coupon_id`,
        `type`, `depth`, `age` ("unknown" for most), `channel`, `mailings` (campaigns that
        reached the person, each half of the one after it), `trips` in the last four weeks,
        `bought` (lines of the type so far), `price` and `cut` (mean of its items: currency at the
        shelf, share below list price), `cost` (mean unit cost, where supply is on), `age_of_type`
        (campaigns since its first coupon).
        """
        c, nature, world = self.campaign, self.nature, self.world
        n, pairs = self.settings.users, len(c.coupon)
        sale = world.sales[c.period]
        shelf = nature.prices[c.period] * (1 - sale)
        mean = pd.DataFrame({"slot": c.slot_of_row, "price": shelf[c.item], "cut": sale[c.item]})
        mean["cost"] = nature.unit_cost[c.item]
        mean = mean.groupby("slot").mean()
        of_users = {
            "age": np.concatenate([crowd.users["age"] for crowd in self.crowds]),
            "channel": np.concatenate([crowd.channel for crowd in self.crowds]),
            "mailings": np.concatenate([crowd.memory.mailed for crowd in self.crowds]),
            "trips": np.concatenate([crowd.memory.trips for crowd in self.crowds]),
        }
        bought = np.concatenate([crowd.memory.bought[:, c.kind] for crowd in self.crowds])
        of_coupons = {
            "coupon_id": world.coupons["coupon_id"].to_numpy()[c.coupon],
            "type": world.coupons["type"].to_numpy()[c.coupon],
            "depth": c.depth,
            "price": mean["price"].to_numpy()[c.slot],
            "cut": mean["cut"].to_numpy()[c.slot],
            "age_of_type": c.period - nature.first[c.kind],
        }
        if "supply" in nature.mechanisms:
            of_coupons["cost"] = mean["cost"].to_numpy()[c.slot]
        return pd.DataFrame(
            {
                "campaign_id": c.period,
                "user_id": np.repeat(np.arange(1, n + 1), pairs),
                **{name: np.tile(column, n) for name, column in of_coupons.items()},
                **{name: np.repeat(column, pairs) for name, column in of_users.items()},
                "bought": bought.ravel(),
            }
        )

    @cached_property
    def truth(self) -> pd.DataFrame:
        """What is true of `offers`, row by row: the columns of `truth.candidates`."""
        s, parts = self.settings, []
        for crowd in self.crowds:
            chance = Chance.of(s.seed, self.campaign.period, crowd.first)
            found = likely(
                chance.place,
                self.world,
                self.nature,
                self.campaign,
                crowd.people,
                crowd.traits,
                crowd.memory,
                crowd.base,
            )
            parts.append(
                pd.DataFrame({name: column.ravel() for name, column in found.truth.items()})
            )
        return pd.concat(parts, ignore_index=True)

    def oracle(self, contact: float = 0.005) -> Floats:
        """The policy that knows the truth: 1 for the best coupon of each type that pays.

        Parameters
        ----------
        contact : float
            Cost of sending one coupon, in currency.

        Returns
        -------
        numpy.ndarray
            0 or 1 for each row of `offers`. It looks no further than the campaign to come.
        """
        profit = self.truth["profit"].to_numpy() - contact
        c, n = self.campaign, self.settings.users
        of_type = np.arange(n)[:, None] * len(c.kinds) + c.slot
        best = best_of_each(of_type.ravel(), profit, np.tile(c.coupon, n))
        sent = np.zeros(len(profit))
        sent[best[profit[best] > 0]] = 1
        return sent

    def simulation(self, to_come: bool = False) -> Simulation:
        """The market that the retailer sees now, and the truth about it.

        Parameters
        ----------
        to_come : bool
            Put `offers`, which nobody has been sent yet, among the market's offers, so that
            `coupon_rec.features.offers_frame` gives their features.
        """
        return assemble(self, to_come)

    def save(self, folder: str | Path) -> None:
        """Keep the state in a new or empty folder; `load_state` brings it back."""
        save_state(self, Path(folder))


def open_market(
    users: int = 1000,
    items: int = 1000,
    coupons: int = 96,
    campaigns: int = 12,
    seed: int = 0,
    mechanisms: Iterable[str] | str = "all",
    strength: float = 1.0,
    plants: Sequence[Plant] = (),
) -> State:
    """Open a market that answers back, after four weeks without a campaign.

    Parameters
    ----------
    users, items, coupons, campaigns, seed
        As for `simulate_market`; `campaigns` is how many there can be.
    mechanisms : iterable of str or str
        Which are on, from `MECHANISMS`; "all" for each of them, "" for none.
    strength : float
        Factor of everything that mail and coupons do to demand, 0 or more. With 0 nothing that is
        sent changes what is bought: a null world.
    plants : sequence of Plant
        Changes from `plant`.

    Returns
    -------
    State
        With no campaign yet.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> state = open_market(users=20, items=30, coupons=6, campaigns=2)
    >>> state = simulate(state, lambda offers: offers["bought"] > 0)
    >>> state.period
    1
    """
    settings = settings_of(
        users=users,
        items=items,
        coupons=coupons,
        campaigns=campaigns,
        seed=seed,
        mechanisms=mechanisms,
        strength=strength,
        plants=plants,
    )
    state = State(settings, -1, (), ())
    blocks = range(1, users + 1, BLOCK)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        crowds = tuple(pool.map(lambda first: draw_crowd(state, first), blocks))
    return _advance(replace(state, crowds=crowds), None, None)


def settings_of(
    *, mechanisms: Iterable[str] | str, strength: float, plants: Sequence[Plant], **sizes: int
) -> Settings:
    """Check the arguments of `open_market`."""
    _check_sizes(**sizes)
    if isinstance(mechanisms, str):
        mechanisms = MECHANISMS if mechanisms == "all" else mechanisms.split()
    names = tuple(mechanisms)
    if unknown := [name for name in names if name not in MECHANISMS]:
        raise ValueError(f"no mechanism {unknown[0]!r}; there are {', '.join(MECHANISMS)}")
    if not 0 <= strength < np.inf:
        raise ValueError(f"strength must be 0 or more, not {strength}")
    return Settings(**sizes, mechanisms=names, strength=float(strength), plants=tuple(plants))


def draw_crowd(state: State, first: int) -> Crowd:
    """Draw a block of users, with nothing behind them."""
    s, world, nature = state.settings, state.world, state.nature
    n = min(BLOCK, s.users + 1 - first)
    rng = np.random.default_rng(np.random.SeedSequence(s.seed, spawn_key=(3, first)))
    drawn = draw_people(rng, n)
    people, traits = draw_traits(rng, drawn, nature)
    users = describe(rng, people)
    users["age"] = np.where(users["age"] == "unknown", "unknown", np.array(AGES)[traits.age])
    users.insert(0, "user_id", first + np.arange(n))
    store = first // BLOCK + 1 if "supply" in nature.mechanisms else rng.integers(1, STORES + 1, n)
    base = list_logits(people, world).astype("float32")
    weekly = (people.trips[:, None] * np.exp(np.minimum(base, 5.0))).sum(axis=0)
    weekly *= units_a_line(nature, cuts(world, nature, 0))
    kinds = len(nature.impulse)
    memory = Memory(
        mailed=np.zeros(n),
        trips=np.ones(n),
        expecting=np.zeros(n),
        pantry=np.zeros((n, kinds), "float32"),
        bought=np.zeros((n, kinds), "float32"),
        on_hand=np.ceil(COVER * weekly),
        on_order=np.ceil(weekly),
        weekly=weekly,
    )
    return Crowd(first, people, traits, users, np.broadcast_to(store, n), base, memory)


def simulate(
    state: State,
    policy: Policy | None = None,
    campaigns: int = 1,
    orders: Callable[[State], Floats] | None = None,
) -> State:
    """Let campaigns happen under a policy.

    Parameters
    ----------
    state : State
        From `open_market` or from here; it stays as it is.
    policy : callable, optional
        From the offers that could be made, `State.offers`, to their probabilities: one number a
        row in [0, 1], or a frame with the columns `mailing` (one number a user) and `coupon`
        (given the mailing). Of the coupons of one type a user gets at most one, so theirs may add
        up to 1. If left out, the retailer's own: equation (5) of `coupon_rec.simulation`.
    campaigns : int
        How many, 1 or more.
    orders : callable, optional
        From a state to the units of each item that each store orders a week, shape (stores,
        items), where supply is on. If left out, stores fill up to two weeks of usual sales.

    Returns
    -------
    State
        After the campaigns. The same state and policy give the same; two policies meet the same
        chances.

    Raises
    ------
    ValueError
        If the policy gives no probabilities, or all campaigns have been.
    """
    for _ in range(campaigns):
        state = _advance(state, policy, orders)
    return state


def _advance(
    state: State, policy: Policy | None, orders: Callable[[State], Floats] | None
) -> State:
    """Let one period pass; the first has no campaign."""
    period, s = state.period + 1, state.settings
    campaign = draw_round(state.world, state.nature, 0, s.seed) if period == 0 else state.campaign
    sending = None if policy is None else _probabilities(policy, state)
    ordered = None if orders is None else np.asarray(orders(state), "float64")

    def one(number: int) -> tuple[Crowd, dict[str, pa.Table]]:
        crowd = state.crowds[number]
        rows = crowd.user_ids - 1
        own = None if sending is None else (sending[0][rows], sending[1][rows])
        return pass_period(
            state.world,
            state.nature,
            campaign,
            s.seed,
            crowd,
            own,
            None if ordered is None else ordered[number],
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = list(pool.map(one, range(len(state.crowds))))
    tables = {
        name: pa.concat_tables([tables[name] for _, tables in passed]) for name in passed[0][1]
    }
    crowds = tuple(crowd for crowd, _ in passed)
    return replace(state, period=period, crowds=crowds, history=(*state.history, tables))


def _probabilities(policy: Policy, state: State) -> tuple[Floats, Floats]:
    """What a policy says, checked: of each user, and of each user and coupon given the mailing."""
    offers, campaign = state.offers, state.campaign
    said = policy(offers)
    n, shape = state.settings.users, (state.settings.users, len(campaign.coupon))
    if isinstance(said, pd.DataFrame):
        columns = [np.asarray(said[name], "float64") for name in ("mailing", "coupon")]
    else:
        columns = [np.ones(len(offers)), np.asarray(said, "float64")]
    for name, column in zip(("mailing", "coupon"), columns, strict=True):
        if column.shape != (len(offers),):
            raise ValueError(
                f"the policy gives {column.shape} numbers for {len(offers):,} offers ({name})"
            )
        require(f"the policy's {name}", column, (column >= 0) & (column <= 1), "in [0, 1]")
    mailing, coupon = (column.reshape(shape) for column in columns)
    if (mailing != mailing[:, :1]).any():
        raise ValueError("the policy's mailing must be one number for all offers of a user")
    of_type = np.add.reduceat(
        coupon[:, np.argsort(campaign.slot, kind="stable")],
        np.searchsorted(np.sort(campaign.slot), np.arange(len(campaign.kinds))),
        axis=1,
    )
    if (of_type > 1 + 1e-9).any():
        raise ValueError(
            f"the policy's probabilities of one user's coupons of one type add up to "
            f"{of_type.max():.3f}: at most one of them is sent, so at most 1"
        )
    return mailing[:, 0].reshape(n), coupon


def pass_period(
    world: World,
    nature: Nature,
    campaign: Round,
    seed: int,
    crowd: Crowd,
    sending: tuple[Floats, Floats] | None,
    orders: Floats | None,
) -> tuple[Crowd, dict[str, pa.Table]]:
    """Let a period pass for one block: the block after it, and what happened as tables."""
    chance = Chance.of(seed, campaign.period, crowd.first)
    people, traits, memory = crowd.people, crowd.traits, crowd.memory
    found = likely(chance.place, world, nature, campaign, people, traits, memory, crowd.base)
    mailing, within = sending or (found.mailed[:, 0], found.offered)
    if not campaign.period:
        mailing = np.zeros_like(mailing)
    happened = happen(
        chance, world, nature, campaign, people, traits, found, mailing, within, crowd.usual_store
    )
    stock = None
    if "supply" in nature.mechanisms:
        happened, memory, stock = sell(happened, memory, orders)
    used = receipts.redeeming(happened.lines, campaign, happened)
    ids = crowd.user_ids
    columns = {
        "purchases": receipts.purchases(world, nature, campaign, happened, used, ids),
        "redemptions": receipts.redemptions(chance, world, campaign, happened, used, ids),
        **receipts.looks(chance, world, campaign, people, traits, found, happened, ids),
    }
    if campaign.period:
        columns["candidates"] = receipts.candidates(
            world, campaign, traits, found, happened, mailing, within, ids
        )
    if stock is not None:
        columns["stock"] = receipts.stock(campaign, stock, int(crowd.usual_store[0]))
    memory = remember(
        nature, campaign, traits, memory, happened, cuts(world, nature, campaign.period)
    )
    tables = {name: pa.table(table) for name, table in columns.items()}
    return replace(crowd, memory=memory), tables


def save_state(state: State, folder: Path) -> None:
    """Write the settings, what users keep of the past, and what happened."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"folder must be new or empty, but {folder} is not")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".draft-") as name:
        draft = Path(name)
        settings = {**asdict(state.settings), "period": state.period}
        (draft / "settings.json").write_text(json.dumps(settings), "utf-8")
        for crowd in state.crowds:
            np.savez(draft / f"memory-{crowd.first}.npz", **crowd.memory.arrays())
        for period, tables in enumerate(state.history):
            for table, rows in tables.items():
                pq.write_table(rows, draft / f"{table}-{period}.parquet")
        folder.mkdir(exist_ok=True)
        for path in draft.iterdir():
            path.rename(folder / path.name)


def load_state(folder: str | Path) -> State:
    """Bring back a state that `State.save` kept.

    Raises
    ------
    ValueError
        If there is none in the folder.
    """
    folder = Path(folder)
    if not (folder / "settings.json").exists():
        raise ValueError(f"there is no state in {folder}: `state.save(folder)` keeps one")
    kept = json.loads((folder / "settings.json").read_text("utf-8"))
    period = kept.pop("period")
    plants = tuple(Plant(**each) for each in kept.pop("plants"))
    settings = Settings(**{**kept, "mechanisms": tuple(kept["mechanisms"])}, plants=plants)
    history: list[dict[str, pa.Table]] = [{} for _ in range(period + 1)]
    for path in folder.glob("*.parquet"):
        name, _, number = path.stem.rpartition("-")
        history[int(number)][name] = pq.read_table(path)
    state = State(settings, period, (), tuple(history))
    crowds = []
    for first in range(1, settings.users + 1, BLOCK):
        with np.load(folder / f"memory-{first}.npz", allow_pickle=False) as memory:
            crowds.append(replace(draw_crowd(state, first), memory=Memory(**memory)))
    return replace(state, crowds=tuple(crowds))
