"""Coupons under budgets for users who lie in parts, of which one at a time is in memory.

At given prices each user chooses alone, so a part only has to say what its users' choices are worth
and what they use up. The sums go to the linear program that finds the next prices
(`coupon_rec.decisions.dual`). At the best ones the parts choose in turn, each with what the others
leave.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.arguments import require_replaceable
from coupon_rec.decisions import dual
from coupon_rec.decisions.choosing import Matrices, matrices
from coupon_rec.decisions.groups import GroupLimit, rates_of
from coupon_rec.decisions.problem import (
    AllocationProblem,
    Budget,
    Mask,
    Prices,
    Rates,
    allocation_problem,
    merged,
)
from coupon_rec.decisions.repair import EDGE, choose_at, improve, repair
from coupon_rec.decisions.stock import stock_budgets
from coupon_rec.decisions.value import LIST, SHARES, Economics, expected_discount, offer_value
from coupon_rec.kinds import MARK, mark, require_kind

if TYPE_CHECKING:
    from ibis import Table

KEY = [*LIST, "coupon_id"]
NEEDED = [*KEY, "redeemed", "spend_per_line", "discount"]
HIGHER = (1 - 1e-6, 1 + 1e-6, 1.001, 1.01, 1.1, 2.0, 1e3)
"""Multiples of the prices that are tried until those who are sure of their choice fit."""


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


@dataclass(frozen=True)
class Part:
    """Some users' offers, and the allocation to them if they had all limits to themselves."""

    offers: pd.DataFrame
    places: Matrices
    problem: AllocationProblem

    def sent(self, chosen: Mask) -> pd.DataFrame:
        """The offers of the coupons that are chosen."""
        sent = chosen[self.places.row, self.places.column]
        return self.offers.loc[sent].drop(columns="units")


class Problems:
    """The problems of parts in files, of which one at a time is in memory."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __iter__(self) -> Iterator[AllocationProblem]:
        return (_read(file).problem for file in self._files)


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
        spend_per_line and discount, and margin and shop_share if they are known: as
        `coupon_rec.serving.batch.score` writes them, or that folder opened on DuckDB or Spark.
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
        If there are no offers, they have no scores, a column is missing, an offer is a duplicate,
        a limit is negative, `groups` name users or `caps` or `stock` coupons that the scores lack,
        of `groups` and `gap` there is only one, or `out` is a folder of anything else than choices.

    Notes
    -----
    Equation `eq-dual-parts`. When the prices are found, the parts choose one after the other: each
    gets what the earlier ones left and the later ones do not ask for at these prices.
    """
    folder = Path(out)
    require_replaceable(folder, r"part-\d{5,}\.parquet|" + MARK, scores)
    table = _opened(scores)
    if parts < 1 or (budget is not None and not 0 <= budget < np.inf):
        raise ValueError(
            f"expected 1 part or more and a finite budget of 0 or more: {parts}, {budget}"
        )
    if (groups is None) != (gap is None):
        raise ValueError("a limit on groups takes both groups and gap")
    if missing := [name for name in NEEDED if name not in table.columns]:
        raise ValueError(f"the scores lack {', '.join(missing)}: write them with `score`")
    if not table["redeemed"].type().is_floating():
        raise ValueError(
            "redeemed holds labels, 0 or 1, and not probabilities: these are offers; `score` makes "
            "scores of them"
        )
    taken = "units" if stock and "units" in table.columns else "redeemed"
    known = [name for name in SHARES if name in table.columns]
    table = table.select(*NEEDED, *known, units=table[taken])
    coupons = _coupons(table)
    most = _of_coupons("caps", caps, coupons)
    named = {str(coupon): units for coupon, units in (stock or {}).items()}
    left = _of_coupons("stock", named, coupons.astype(str))
    with TemporaryDirectory(prefix=".allocating-", dir=folder.absolute().parent) as temporary:
        place = Path(temporary)
        files = []
        for number, file in enumerate(_cut(table, place / "cut", parts if groups is None else 1)):
            places, offers = _worth(pd.read_parquet(file), coupons, economics)
            cost, units = (places.fill(offers[name], 0.0) for name in ("cost", "units"))
            budgets = [] if budget is None else [Budget(budget, cost)]
            budgets += stock_budgets(left, units, range(len(coupons)))
            value = places.fill(offers["value"], -np.inf)
            problem = allocation_problem(value, budgets, most, k, None)
            if groups is not None and gap is not None:
                rates = _rates(problem, places.lists["user_id"], groups, gap)
                problem = replace(problem, rates=rates)
            files.append(place / str(number))
            files[-1].write_bytes(pickle.dumps(Part(offers, places, problem)))
        bound, prices = dual.solve(Problems(files), problem.limits)
        draft = place / "choices"
        draft.mkdir()
        told = [
            _write(sent, draft / f"part-{number:05d}.parquet")
            for number, sent in enumerate(_chosen(files, problem.limits, prices))
        ]
        mark(draft, "choices")
        if folder.exists():
            folder.rename(place / "replaced")
        draft.rename(folder)
    sent, value, cost = (sum(each) for each in zip(*told, strict=True))
    ends = np.cumsum([budget is not None, np.isfinite(left).sum()])
    of_budget, of_stock, of_caps = np.split(prices, ends)
    spent = None if budget is None else float(cost)
    return PartsAllocation(folder, int(sent), value, bound, spent, of_budget, of_caps, of_stock)


def _opened(scores: Table | str | Path) -> Table:
    if not isinstance(scores, str | Path):
        return scores
    require_kind(scores, "scores")
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
    if wrong := {coupon: limit for coupon, limit in given.items() if not limit >= 0}:
        raise ValueError(f"{name} must be 0 or more for each coupon: {wrong}")
    return np.array([given.get(coupon, np.inf) for coupon in coupons.tolist()], float)


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


def _worth(
    offers: pd.DataFrame, coupons: NDArray[Any], economics: Economics | None
) -> tuple[Matrices, pd.DataFrame]:
    """Place offers in matrices, and say what each is worth and what it costs."""
    offers = offers.sort_values(KEY, ignore_index=True)
    p = offers["redeemed"]
    value, cost = offer_value(offers, p, economics), expected_discount(offers, p)
    told = offers[KEY].assign(probability=p, value=value, cost=cost, units=offers["units"])
    return matrices(offers, coupons), told


def _rates(
    problem: AllocationProblem, users: pd.Series, groups: Mapping[Any, str], gap: float
) -> Rates:
    """Number the users' groups."""
    users = users.astype(str)
    named = {str(user): group for user, group in groups.items()}
    if named and named.keys().isdisjoint(users):
        raise ValueError(
            f"groups has none of the users of the scores but {len(named):,} others, such as "
            f"{sorted(named)[:5]}: write users as the scores do, such as {users.iloc[0]!r}"
        )
    labels = users.map(named).fillna("unknown").to_numpy(str)
    return rates_of(GroupLimit(labels, gap), problem.value)


def _chosen(files: list[Path], limits: Prices, prices: Prices) -> Iterator[pd.DataFrame]:
    """Give the offers that are sent, part by part, never above what is left of the limits."""
    part = _read(files[0])
    if len(files) == 1:
        yield part.sent(repair(part.problem, prices))
        return
    left = limits.copy()
    left[: len(part.problem.uses)] *= 1 - 1e-12  # parts are added up in another order
    for factor in HIGHER:
        near = [_near(each, factor * prices, EDGE // len(files) + 1) for each in Problems(files)]
        edge = merged([each.problem for each in near])
        later = sum(each.others for each in near)
        if (later <= left).all():
            break
    settled = repair(replace(edge, limits=np.maximum(left - later, 0)), prices)
    later = later + edge.used(settled)
    ends = np.cumsum([len(each.rows) for each in near])
    for file, each, choice in zip(files, near, np.split(settled, ends[:-1]), strict=True):
        part = _read(file)
        chosen, _, _ = choose_at(part.problem, factor * prices)
        chosen[each.rows] = choice
        used = part.problem.used(chosen)
        later = later - used
        problem = replace(part.problem, limits=np.maximum(left - later, 0))
        if (used <= problem.limits).all():
            improve(problem, prices, chosen)
        else:
            chosen = repair(problem, prices)
        left -= problem.used(chosen)
        yield part.sent(chosen)


class Near(NamedTuple):
    """The users of a part who are nearest to another choice, and what the others use."""

    rows: NDArray[np.intp]
    problem: AllocationProblem
    others: Prices


def _near(problem: AllocationProblem, prices: Prices, most: int) -> Near:
    chosen, _, doubt = choose_at(problem, prices)
    rows = np.sort(np.argsort(doubt, kind="stable")[:most])
    chosen[rows] = False
    return Near(rows, problem.sample(rows), problem.used(chosen))


def _read(file: Path) -> Part:
    part: Part = pickle.loads(file.read_bytes())
    return part


def _write(sent: pd.DataFrame, file: Path) -> tuple[int, float, float]:
    sent.to_parquet(file, index=False)
    return len(sent), float(sent["value"].sum()), float(sent["cost"].sum())
