"""Coupons under budgets for users who lie in parts, of which one at a time is in memory.

At given prices each user chooses alone, so a part only has to say what its users' choices are worth
and what they use up. The sums go to the linear program that finds the next prices
(`coupon_rec.decisions.dual`). At the best ones the parts choose in turn, each with what the others
leave.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.arguments import require, require_replaceable
from coupon_rec.decisions import dual
from coupon_rec.decisions.choosing import Matrices, matrices
from coupon_rec.decisions.groups import GroupLimit, uses_of
from coupon_rec.decisions.problem import (
    AllocationProblem,
    Budget,
    Floats,
    Prices,
    allocation_problem,
)
from coupon_rec.decisions.repair import repair
from coupon_rec.decisions.stock import stock_budgets
from coupon_rec.decisions.value import LIST, Economics, expected_discount, offer_value

if TYPE_CHECKING:
    from ibis import Table

KEY = [*LIST, "coupon_id"]
NEEDED = [*KEY, "redeemed", "spend_per_line", "coupon_discount"]


@dataclass(frozen=True)
class PartsAllocation:
    """What was allocated, as `Allocation` says it; the choices are in the files.

    Attributes
    ----------
    folder : pathlib.Path
        Parquet files with a row for each coupon that is sent: campaign_id, user_id, coupon_id,
        `probability`, `value` and `cost`.
    sent : int
        How many coupons.
    value, bound : float
        Of the choices, and an upper bound on that of any allocation within the limits.
    spent : float or None
        Of the budget, if there is one.
    prices, cap_prices, stock_prices : numpy.ndarray
        Of the budget, shape (0,) or (1,), of the capped coupons, and of those that have a stock,
        each in the order of their ids.
    """

    folder: Path
    sent: int
    value: float
    bound: float
    spent: float | None
    prices: Prices
    cap_prices: Prices
    stock_prices: Prices

    @property
    def gap(self) -> float:
        """What the value can be below the optimum at most, as a share of the bound."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


class Part(NamedTuple):
    """Some users' offers, where each stands, and the allocation to these users alone."""

    offers: pd.DataFrame
    places: Matrices
    problem: AllocationProblem


@dataclass(frozen=True)
class Terms:
    """What holds for all parts together.

    Attributes
    ----------
    coupons : numpy.ndarray
        The ids of the matrices' columns.
    stock, caps : numpy.ndarray
        Units and copies of each coupon; infinity for no limit. Shape (K,).
    """

    coupons: NDArray[Any]
    budget: float | None
    stock: Floats
    caps: Floats
    k: int
    economics: Economics | None
    groups: Mapping[int | str, str] | None
    gap: float | None

    def part(self, offers: pd.DataFrame) -> Part:
        """Make the matrices of some users' offers, with every coupon's column."""
        offers = offers.sort_values(KEY, ignore_index=True).rename(
            columns={"redeemed": "probability"}
        )
        places = matrices(offers, self.coupons)
        offers["value"] = offer_value(offers, offers["probability"], self.economics)
        offers["cost"] = expected_discount(offers, offers["probability"])
        cost, units = (places.fill(offers[name], 0.0) for name in ("cost", "units"))
        budgets = [] if self.budget is None else [Budget(self.budget, cost)]
        budgets += stock_budgets(self.stock, units, range(len(self.coupons)))
        value = places.fill(offers["value"], -np.inf)
        problem = allocation_problem(value, budgets, self.caps, self.k, None)
        if self.groups is not None and self.gap is not None:
            limit = GroupLimit(_labels(places.lists["user_id"], self.groups), self.gap)
            problem = replace(problem, uses=problem.uses + uses_of(limit, value))
        return Part(offers[[*KEY, "probability", "value", "cost"]], places, problem)


class Problems(Sequence[AllocationProblem]):
    """The problems of parts in files, of which one at a time is in memory."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: Any) -> Any:
        return _read(self._files[number]).problem


def allocate_scores(
    scores: Table | str | Path,
    out: str | Path,
    *,
    budget: float | None = None,
    caps: Mapping[int | str, int] | None = None,
    stock: Mapping[int | str, float] | None = None,
    k: int = 1,
    economics: Economics | None = None,
    parts: int = 8,
    groups: Mapping[int | str, str] | None = None,
    gap: float | None = None,
) -> PartsAllocation:
    """Choose coupons for any number of users together, within a budget, caps and a stock.

    Parameters
    ----------
    scores : ibis.Table, str or pathlib.Path
        A row an offer with campaign_id, user_id, coupon_id, redeemed (the probability),
        spend_per_line and coupon_discount: as `coupon_rec.serving.batch.score` writes them, or
        that folder opened on DuckDB or Spark.
    out : str or pathlib.Path
        The folder of Parquet files to write, or to replace if it holds choices. The parts lie
        beside it meanwhile, so with Spark all workers must see the folder in which it is.
    budget : float, optional
        Most face value to be redeemed in expectation, in currency.
    caps : mapping of int or str to int, optional
        Most copies of some coupons, each of which has offers.
    stock : mapping of int or str to float, optional
        Units that some coupons may take from the shelf, each of which has offers; their ids, or the
        text of these. Those who get a coupon take one unit with each redemption or, if the scores
        have a column `units`, what it says an offer is expected to add.
    k : int
        Most coupons of a user in a campaign.
    economics : Economics, optional
        As for `offer_value`.
    parts : int
        How many parts the users are cut into, 1 or more; each holds (its users) x (all coupons)
        numbers in the memory of this machine while its turn lasts.
    groups : mapping of int or str to str, optional
        The group of each user, "unknown" for those that it lacks. With `gap`; all users are then in
        one part.
    gap : float, optional
        Most that the groups' rates may differ, as for `GroupLimit`.

    Returns
    -------
    PartsAllocation
        With the gap to the bound. It does not depend on the engine.

    Raises
    ------
    ValueError
        If there are no offers, a column is missing, an offer is a duplicate, a limit is negative,
        `groups` name users or `caps` or `stock` coupons that the scores lack, of `groups` and `gap`
        there is only one, or `out` is a folder of anything else than choices.

    Notes
    -----
    Equation `eq-dual-parts`. When the prices are found, the parts choose one after the other: each
    gets what the earlier ones left and the later ones do not ask for at these prices.
    """
    folder = Path(out)
    require_replaceable(folder, r"part-\d{5,}\.parquet", scores)
    table = _opened(scores)
    if parts < 1 or (budget is not None and not 0 <= budget < np.inf):
        raise ValueError(
            f"expected 1 part or more and a finite budget of 0 or more: {parts}, {budget}"
        )
    if (groups is None) != (gap is None):
        raise ValueError("a limit on groups takes both groups and gap")
    if missing := [name for name in NEEDED if name not in table.columns]:
        raise ValueError(f"the scores lack {', '.join(missing)}: write them with `score`")
    units = "units" if stock and "units" in table.columns else "redeemed"
    table = table.select(*NEEDED, units=table[units])
    coupons = _coupons(table)
    copies = _of_coupons("caps", caps, coupons)
    named = {str(coupon): left for coupon, left in (stock or {}).items()}
    left = _of_coupons("stock", named, coupons.astype(str))
    terms = Terms(coupons, budget, left, copies, k, economics, groups, gap)
    with TemporaryDirectory(prefix=".allocating-", dir=folder.absolute().parent) as temporary:
        place = Path(temporary)
        files = []
        for number, file in enumerate(_cut(table, place / "cut", parts if groups is None else 1)):
            files.append(place / str(number))
            files[-1].write_bytes(pickle.dumps(terms.part(pd.read_parquet(file))))
        problems = Problems(files)
        bound, prices = dual.solve(problems)
        draft = place / "choices"
        draft.mkdir()
        told = []
        for number, chosen in enumerate(repair(problems, prices)):
            offers, places, _ = _read(files[number])
            sent = offers[chosen[places.row, places.column]]
            sent.to_parquet(draft / f"part-{number:05d}.parquet", index=False)
            told.append((len(sent), sent["value"].sum(), sent["cost"].sum()))
        if folder.exists():
            folder.rename(place / "replaced")
        draft.rename(folder)
    sent, value, cost = np.sum(told, axis=0).tolist()
    ends = np.cumsum([budget is not None, *(np.isfinite(each).sum() for each in (left, copies))])
    of_budget, of_stock, of_caps, _ = np.split(prices, ends)
    spent = None if budget is None else cost
    return PartsAllocation(folder, int(sent), value, bound, spent, of_budget, of_caps, of_stock)


def _opened(scores: Table | str | Path) -> Table:
    if not isinstance(scores, str | Path):
        return scores
    import duckdb
    import ibis

    from coupon_rec.market.sources import read_parquet

    try:
        return read_parquet(ibis.duckdb.connect(), Path(scores))
    except duckdb.Error as error:
        raise ValueError(
            f"{scores} cannot be read as Parquet ({error}). Make it with `score`."
        ) from error


def _coupons(table: Table) -> NDArray[Any]:
    """The ids of the coupons, sorted, where no row lacks an id."""
    ids = np.sort(table.select("coupon_id").distinct().to_pandas()["coupon_id"].to_numpy())
    if not len(ids):
        raise ValueError("there are no offers to choose from")
    without = table.aggregate(**{name: table[name].isnull().sum() for name in KEY}).to_pandas()
    if lacking := {name: int(rows) for name, rows in without.iloc[0].items() if rows > 0}:
        raise ValueError(f"the scores have rows that lack a value: leave these out, {lacking}")
    return ids


def _of_coupons(
    name: str, given: Mapping[Any, float] | None, coupons: NDArray[Any]
) -> NDArray[np.float64]:
    """The limit of each coupon, or infinity."""
    given = given or {}
    if strangers := sorted(given.keys() - {*coupons.tolist()}, key=str):
        raise ValueError(
            f"{name} has {len(strangers):,} coupons that the scores lack, such as {strangers[:5]}: "
            f"leave them out, and write coupons as the scores do, such as {coupons.tolist()[0]!r}"
        )
    limits = np.array([given.get(coupon, np.inf) for coupon in coupons.tolist()], float)
    require(name, limits, limits >= 0, "0 or more")
    return limits


def _cut(table: Table, folder: Path, parts: int) -> list[Path]:
    """Write the offers of each user into one of so many parts, by a digest that engines share."""
    import ibis

    digest = table.user_id.cast("string").hexdigest("md5")
    digits = ibis.literal("0123456789abcdef")
    number = sum(16**i * digits.find(digest.substr(i, 1)) for i in range(4))
    table = table.mutate(part=(number % parts).cast("int32"))
    backend = table.get_backend()
    by_part = {"pyspark": "partitionBy"}.get(backend.name, "partition_by")
    backend.to_parquet(table, folder, **{by_part: "part"})
    return sorted(folder.glob("part=*"))


def _labels(users: pd.Series, groups: Mapping[Any, str]) -> NDArray[np.str_]:
    """The group of each user."""
    named, users = {str(user): group for user, group in groups.items()}, users.astype(str)
    if named and named.keys().isdisjoint(users):
        raise ValueError(
            f"groups has none of the users of the scores but {len(named):,} others, such as "
            f"{sorted(named)[:5]}: write users as the scores do, such as {users.iloc[0]!r}"
        )
    return users.map(named).fillna("unknown").to_numpy(str)


def _read(file: Path) -> Part:
    part: Part = pickle.loads(file.read_bytes())
    return part
