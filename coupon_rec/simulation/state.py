"""A market between two campaigns: what the retailer could do, what is true, and how it is kept."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from coupon_rec.market.tables import OFFER
from coupon_rec.odds import best_of_each
from coupon_rec.simulation.assembling import joined, market_rows, user_rows, world_rows
from coupon_rec.simulation.campaign import Round, draw_round
from coupon_rec.simulation.crowd import Crowd, draw_crowd
from coupon_rec.simulation.drawing import Chance
from coupon_rec.simulation.likely import likely
from coupon_rec.simulation.mechanisms import MECHANISMS, Plant
from coupon_rec.simulation.memory import Memory
from coupon_rec.simulation.model import BLOCK, Floats
from coupon_rec.simulation.nature import CONTENT, Nature, make_nature
from coupon_rec.simulation.opening import Simulation, check_sizes, in_duckdb, opened
from coupon_rec.simulation.tables import market_table
from coupon_rec.simulation.world import World, make_world


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


def settings_of(
    sizes: tuple[int, int, int, int, int],
    mechanisms: Iterable[str] | str,
    strength: float,
    plants: Sequence[Plant],
) -> Settings:
    """Check the arguments of `open_market`; `sizes` are its first five."""
    check_sizes(*sizes)
    if isinstance(mechanisms, str):
        mechanisms = MECHANISMS if mechanisms == "all" else mechanisms.split()
    names = tuple(mechanisms)
    if unknown := [name for name in names if name not in MECHANISMS]:
        raise ValueError(f"no mechanism {unknown[0]!r}; there are {', '.join(MECHANISMS)}")
    if not 0 <= strength < np.inf:
        raise ValueError(f"strength must be 0 or more, not {strength}")
    users, items, coupons, campaigns, seed = map(int, sizes)  # of NumPy, JSON does not keep them
    return Settings(users, items, coupons, campaigns, seed, names, float(strength), tuple(plants))


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
        `lines` and `on_sale` (purchase lines so far, and of these on sale), `bought` (those of
        the type), `price` and `cut` (mean of its items: currency at the
        shelf, share below list price), `cost` (mean unit cost, where supply is on), `photo`,
        `deadline` and `border` (of the coupon, where content is on), `age_of_type`
        (campaigns since its first coupon).
        """
        c, n, pairs = self.campaign, self.settings.users, len(self.campaign.coupon)
        known = pd.DataFrame({"price": c.price, "cut": c.sale, "cost": c.cost})
        mean = known.iloc[c.item].groupby(c.slot_of_row).mean()
        of_users = {
            "age": np.concatenate([crowd.users["age"] for crowd in self.crowds]),
            "channel": np.concatenate([crowd.channel for crowd in self.crowds]),
            "mailings": np.concatenate([crowd.memory.mailed for crowd in self.crowds]),
            "trips": np.concatenate([crowd.memory.trips for crowd in self.crowds]),
            "lines": np.concatenate([crowd.memory.bought.sum(axis=1) for crowd in self.crowds]),
            "on_sale": np.concatenate([crowd.memory.on_sale for crowd in self.crowds]),
        }
        bought = np.concatenate([crowd.memory.bought[:, c.kind] for crowd in self.crowds])
        of_coupons = {
            "coupon_id": c.coupon_id,
            "type": self.world.coupons["type"].to_numpy()[c.coupon],
            "depth": c.depth,
            "price": mean["price"].to_numpy()[c.slot],
            "cut": mean["cut"].to_numpy()[c.slot],
            "age_of_type": c.period - self.nature.first[c.kind],
        }
        if "content" in self.nature.mechanisms:
            of_coupons |= self.nature.content.iloc[c.coupon][list(CONTENT)].to_dict("series")
        if "supply" in self.nature.mechanisms:
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
            found = likely(chance.place, self.nature, self.campaign, crowd)
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
        seed, last = self.settings.seed, self.period
        rounds = [
            draw_round(self.world, self.nature, period, seed)
            for period in range(1, last + 1 + to_come)
        ]
        tables = {
            **world_rows(self.world, self.nature, rounds),
            **joined(user_rows(crowd, self.nature, last, seed) for crowd in self.crowds),
            **market_rows(joined(self.history), self.nature, last),
        }
        if to_come:
            asked = market_table("offers", self.offers[[*OFFER]])
            tables["offers"] = pa.concat_tables(
                [tables["offers"], asked], promote_options="default"
            )
        return opened(in_duckdb(tables), self.world, self.nature.mechanisms)

    @property
    def blocks(self) -> range:
        """The first user of each block."""
        return range(1, self.settings.users + 1, BLOCK)

    def newcomers(self, first: int) -> Crowd:
        """The users of a block, with nothing behind them."""
        n = min(BLOCK, self.settings.users + 1 - first)
        return draw_crowd(self.world, self.nature, self.settings.seed, first, n)

    def save(self, folder: str | Path) -> None:
        """Keep the state in a new or empty folder; `load_state` brings it back."""
        save_state(self, Path(folder))


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
            kept: dict[str, Any] = crowd.memory.arrays()
            np.savez(draft / f"memory-{crowd.first}.npz", **kept)
        for period, tables in enumerate(state.history):
            for table, rows in tables.items():
                pq.write_table(rows, draft / f"{table}-{period}.parquet")
        folder.mkdir(exist_ok=True)
        for path in sorted(draft.iterdir(), key=lambda path: path.name == "settings.json"):
            path.rename(folder / path.name)  # the settings last: with them, it is a state


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
    for first in state.blocks:
        with np.load(folder / f"memory-{first}.npz", allow_pickle=False) as memory:
            crowds.append(replace(state.newcomers(first), memory=Memory(**memory)))
    return replace(state, crowds=tuple(crowds))
