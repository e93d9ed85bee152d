"""Coupons under budgets for users who lie in parts, on one machine or on Spark.

At given prices each user chooses alone, so a part only has to say what its users' choices are worth
and what they use up. The sums go to the linear program that finds the next prices
(`coupon_rec.decisions.dual`), and no part ever sees another.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.arguments import require_replaceable
from coupon_rec.decisions import dual
from coupon_rec.decisions import groups as between
from coupon_rec.decisions.problem import (
    AllocationProblem,
    Budget,
    Floats,
    Mask,
    Prices,
    allocation_problem,
)
from coupon_rec.decisions.repair import EDGE, choose_at, repair
from coupon_rec.decisions.stock import stock_budgets
from coupon_rec.decisions.value import LIST, Economics, expected_discount, offer_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ibis import Table

KEY = [*LIST, "coupon_id"]
LOWER, HIGHER = 1 - 1e-6, (1.0, 1 + 1e-6, 1.001, 1.01, 1.1, 2.0, 10.0, 1e3)
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
class At:
    """Prices at which users choose, and lower ones for the first users of each part.

    Where many are alike, all of them want a coupon at one price, and nobody at the next.
    """

    prices: Prices
    lower: Prices
    share: float = 0.0
    """Of each part's users, at the lower prices."""


@dataclass(frozen=True)
class Part:
    """Some users' offers as an allocation problem whose limits are left to all parts together."""

    index: int
    offers: pd.DataFrame
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    problem: AllocationProblem


Work = Callable[[Part], Any]
Run = Callable[[Work], list[Any]]


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
        The folder of Parquet files to write, or to replace if it holds choices; on Spark, all
        workers must see it.
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
        numbers in memory while its turn lasts, and on Spark for as long as there is room.
    groups : mapping of int or str to str, optional
        The group of each user, "unknown" for those that it lacks. With `gap`; all users are then in
        one part, and on one machine.
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
    Equation `eq-dual`, summed over parts. When the prices are found, the 2,000 users who are
    nearest to another choice are allocated among themselves, within what the others leave. Where
    more than these are alike, as new users are, the first ones of each part get the coupon.
    """
    folder = Path(out)
    require_replaceable(folder, r"part-\d{5,}\.parquet", scores)
    table = _opened(scores)
    if parts < 1 or (budget is not None and not 0 <= budget < np.inf):
        raise ValueError(
            f"expected 1 part or more and a finite budget of 0 or more: {parts}, {budget}"
        )
    spark = table.get_backend().name == "pyspark"
    if (groups is None) != (gap is None) or (spark and groups is not None):
        raise ValueError("a limit on groups takes both groups and gap, and scores on one machine")
    names = [*KEY, "redeemed", "spend_per_line", "coupon_discount"]
    if missing := [name for name in names if name not in table.columns]:
        raise ValueError(f"the scores lack {', '.join(missing)}: write them with `score`")
    units = "units" if stock and "units" in table.columns else "redeemed"
    table = table.select(*names, units=table[units])
    coupons = np.sort(table.select("coupon_id").distinct().to_pandas()["coupon_id"].to_numpy())
    if not len(coupons):
        raise ValueError("there are no offers to choose from")
    without = table.aggregate(**{name: table[name].isnull().sum() for name in KEY}).to_pandas()
    if lacking := {name: int(rows) for name, rows in without.iloc[0].items() if rows > 0}:
        raise ValueError(f"the scores have rows that lack a value: leave these out, {lacking}")
    most = _of_coupons("caps", caps, coupons)
    if not (most >= 0).all():
        raise ValueError("a cap is negative: expected 0 or more copies of a coupon")
    named = {str(coupon): each for coupon, each in (stock or {}).items()}
    left = _of_coupons("stock", named, coupons.astype(str))
    if (bad := ~(left >= 0)).any():
        raise ValueError(
            f"the stock of coupon {coupons[bad][0]} is {left[bad][0]}: expected 0 or more units"
        )
    amounts = [] if budget is None else [float(budget)]
    shelves, capped = left[np.isfinite(left)], np.flatnonzero(np.isfinite(most))
    limits = np.array([*amounts, *shelves, *np.floor(most[capped])])
    build = partial(
        _part,
        coupons=coupons,
        budgeted=budget is not None,
        left=left,
        capped=capped,
        k=k,
        economics=economics,
    )
    cut = _on_spark if spark else _on_disk
    with (
        TemporaryDirectory(prefix=".allocating-", dir=folder.absolute().parent) as temporary,
        cut(table, parts if groups is None else 1, build) as run,
    ):
        if groups is None or gap is None:
            bound, prices = _solve(run, limits)
            at, edge = _edge(run, limits, prices)
        else:
            work = partial(_in_groups, limits=limits, groups=groups, gap=gap)
            ((bound, prices, edge),) = run(work)
            at = At(prices, prices)
        draft = Path(temporary, "choices")
        draft.mkdir()
        told = run(partial(_write, folder=str(draft), at=at, edge=edge))
        if folder.exists():
            folder.rename(Path(temporary, "replaced"))
        draft.rename(folder)
    sent, value, cost = (sum(each) for each in zip(*told, strict=True))
    return PartsAllocation(
        folder=folder,
        sent=int(sent),
        value=float(value),
        bound=bound,
        spent=float(cost) if amounts else None,
        prices=prices[: len(amounts)],
        cap_prices=prices[len(amounts) + len(shelves) :],
        stock_prices=prices[len(amounts) :][: len(shelves)],
    )


def _opened(scores: Table | str | Path) -> Table:
    if not isinstance(scores, str | Path):
        return scores
    import duckdb
    import ibis

    from coupon_rec.market.sources import read_parquet

    path = Path(scores)
    try:
        return read_parquet(ibis.duckdb.connect(), path)
    except duckdb.Error as error:
        raise ValueError(
            f"{scores} cannot be read as Parquet ({error}). Make it with `score`."
        ) from error


def _of_coupons(
    name: str, given: Mapping[int | str, float] | None, coupons: NDArray[Any]
) -> NDArray[np.float64]:
    """The limit of each coupon, or infinity."""
    if strangers := sorted((given or {}).keys() - {*coupons.tolist()}, key=str):
        raise ValueError(
            f"{name} has {len(strangers):,} coupons that the scores lack, such as {strangers[:5]}: "
            f"leave them out, and write coupons as the scores do, such as {coupons.tolist()[0]!r}"
        )
    return np.array([(given or {}).get(coupon, np.inf) for coupon in coupons], float)


def _part(
    offers: pd.DataFrame,
    index: int,
    *,
    coupons: NDArray[Any],
    budgeted: bool,
    left: Prices,
    capped: NDArray[np.intp],
    k: int,
    economics: Economics | None,
) -> Part:
    """Make the matrices of some users' offers, with every coupon's column."""
    offers = offers.sort_values(KEY, ignore_index=True)
    if (twice := offers.duplicated(KEY)).any():
        raise ValueError(f"an offer is a duplicate: {offers.loc[twice, KEY].iloc[0].to_dict()}")
    row = offers.groupby(LIST).ngroup().to_numpy()
    column = np.searchsorted(coupons, offers["coupon_id"])
    value = np.full((int(row.max(initial=-1)) + 1, len(coupons)), -np.inf)
    cost, units = np.zeros_like(value), np.zeros_like(value)
    value[row, column] = offers_value = offer_value(offers, offers["redeemed"], economics)
    cost[row, column] = offers_cost = expected_discount(offers, offers["redeemed"])
    units[row, column] = offers["units"]
    budgets = [Budget(0.0, cost)] if budgeted else []
    budgets += stock_budgets(left, units, range(len(coupons)))
    problem = allocation_problem(value, budgets, None, k, None)
    problem = replace(problem, capped=capped, limits=np.zeros(len(budgets) + len(capped)))
    offers = offers[KEY].assign(
        probability=offers["redeemed"], value=offers_value, cost=offers_cost
    )
    return Part(index, offers, row, column, problem)


def _in_parts(table: Table, parts: int) -> Table:
    """Add the part of each user, by the number or, of text, by a hash that all engines have."""
    import ibis

    if not table.user_id.type().is_string():
        return table.mutate(part=((table.user_id % parts + parts) % parts).cast("int32"))
    digits = ibis.literal("0123456789abcdef")
    table = table.mutate(part=table.user_id.hexdigest("md5").left(4))
    number = sum(16**i * digits.find(table.part.substr(i, 1)) for i in range(4))
    return table.mutate(part=(number % parts).cast("int32"))


@contextmanager
def _on_disk(table: Table, parts: int, build: Callable[..., Part]) -> Iterator[Run]:
    """Keep the parts in files, of which one at a time is in memory."""
    with TemporaryDirectory() as folder:
        files = []
        table = _in_parts(table, parts)
        for index in range(parts):
            mine = table.filter(table.part == index).drop("part").to_pandas()
            if len(mine):
                files.append(Path(folder, str(index)))
                files[-1].write_bytes(pickle.dumps(build(mine, index)))
        yield lambda work: [work(pickle.loads(file.read_bytes())) for file in files]


@contextmanager
def _on_spark(table: Table, parts: int, build: Callable[..., Part]) -> Iterator[Run]:
    """Keep the parts in the memory of Spark's workers, or on their disks."""
    from pyspark import StorageLevel

    def packed(key: tuple[Any, ...], offers: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"part": [pickle.dumps(build(offers.drop(columns="part"), key[0]))]})

    backend = table.get_backend()
    table = _in_parts(table, parts)
    frame = backend.raw_sql(backend.compile(table)).groupBy("part")
    packs = frame.applyInPandas(packed, "part binary").rdd.map(lambda each: bytes(each.part))
    packs.persist(StorageLevel.MEMORY_AND_DISK)

    def run(work: Work) -> list[Any]:
        def told(pack: bytes) -> tuple[int, Any]:
            part = pickle.loads(pack)
            return part.index, work(part)

        return [answer for _, answer in sorted(packs.map(told).collect(), key=lambda each: each[0])]

    try:
        yield run
    finally:
        packs.unpersist()


def _solve(run: Run, limits: Prices) -> tuple[float, Prices]:
    """Find the prices, first on a sample if there are many users."""
    users = sum(run(lambda part: len(part.problem.value)))
    share = min(1.0, dual.SAMPLE / users)
    sample = _merged(run(partial(_sampled, share=share)), share * limits)
    scale = dual.price_scale(sample)

    def bound(prices: Prices) -> tuple[float, Prices]:
        told = run(lambda part: dual.bound(part.problem, prices))
        total = float(prices @ limits) + sum(each for each, _ in told)
        return total, limits + sum(slope for _, slope in told)

    start, radius, rounds = np.zeros(len(limits)), 1.0, 300
    if users > 2 * dual.SAMPLE:
        _, start = dual.descend(partial(dual.bound, sample), start, scale, radius, 1e-6)
        radius, rounds = 0.02, 40
    return dual.descend(bound, start, scale, radius, 1e-6, rounds)


def _in_groups(
    part: Part, limits: Prices, groups: Mapping[int | str, str], gap: float
) -> tuple[float, Prices, dict[int, tuple[NDArray[np.intp], Mask]]]:
    """Allocate to all users under a limit on their groups: bound, prices, and the choices."""
    users = part.offers.groupby(LIST).size().reset_index()["user_id"].astype(str)
    named = {str(user): group for user, group in groups.items()}
    if named and named.keys().isdisjoint(users):
        raise ValueError(
            f"groups has none of the users of the scores but {len(named):,} others, such as "
            f"{sorted(named)[:5]}: write users as the scores do, such as {users.iloc[0]!r}"
        )
    labels = users.map(named).fillna("unknown").to_numpy(str)
    rates, _ = between.rates_of(between.GroupLimit(labels, gap), part.problem.value)
    problem = replace(part.problem, limits=limits, rates=rates)
    bound, prices = dual.solve(problem) if len(limits) else between.unlimited(problem)
    chosen, _ = between.repair(problem, prices)
    return bound, prices, {part.index: (np.arange(len(chosen)), chosen)}


def _sampled(part: Part, share: float) -> AllocationProblem:
    users = len(part.problem.value)
    rows = np.random.default_rng(part.index).permutation(users)[: int(np.ceil(share * users))]
    return part.problem.sample(np.sort(rows))


def _merged(problems: list[AllocationProblem], limits: Prices) -> AllocationProblem:
    uses = [
        replace(use, cost=np.concatenate([problem.uses[i].cost for problem in problems]))
        for i, use in enumerate(problems[0].uses)
    ]
    value = np.concatenate([problem.value for problem in problems])
    return replace(problems[0], value=value, uses=uses, limits=limits)


@dataclass(frozen=True)
class Near:
    """What a part's users choose at prices, and those of them who are nearest to another choice."""

    index: int
    used: Prices
    rows: NDArray[np.intp]
    doubt: Floats
    problem: AllocationProblem
    chosen: Mask


def _chosen(part: Part, at: At) -> tuple[Mask, Floats]:
    """The choices of a part's users, and what each loses by the next best one."""
    chosen, _, doubt = choose_at(part.problem, at.prices)
    if first := int(at.share * len(chosen)):
        sooner, _, unsure = choose_at(part.problem, at.lower)
        chosen[:first], doubt[:first] = sooner[:first], unsure[:first]
    return chosen, doubt


def _near(part: Part, at: At, most: int) -> Near:
    chosen, doubt = _chosen(part, at)
    rows = np.sort(np.argsort(doubt, kind="stable")[:most])
    problem = part.problem.sample(rows)
    used = part.problem.used(chosen)
    return Near(part.index, used, rows, doubt[rows], problem, chosen[rows])


class Nearest(NamedTuple):
    """The users of all parts who are nearest to another choice, and what the others leave them."""

    problem: AllocationProblem
    room: Prices
    part: NDArray[np.intp]
    row: NDArray[np.intp]

    @property
    def fits(self) -> bool:  # noqa: D102  (an attribute of the class)
        return bool((self.room >= 0).all())


def _nearest(run: Run, limits: Prices, at: At, most: int) -> Nearest:
    near = run(partial(_near, at=at, most=most))
    doubt = np.concatenate([each.doubt for each in near])
    place = np.sort(np.argsort(doubt, kind="stable")[:EDGE])
    edge = _merged([each.problem for each in near], limits).sample(place)
    before = np.concatenate([each.chosen for each in near])[place]
    others = sum(each.used for each in near) - edge.used(before)
    room = limits - others
    room[: len(edge.uses)] -= 1e-12 * limits[: len(edge.uses)]
    owner = np.concatenate([np.full(len(each.rows), each.index) for each in near])[place]
    return Nearest(edge, room, owner, np.concatenate([each.rows for each in near])[place])


def _edge(
    run: Run, limits: Prices, prices: Prices
) -> tuple[At, dict[int, tuple[NDArray[np.intp], Mask]]]:
    """Find where those fit who are sure of their choice, and allocate the 2,000 nearest anew.

    Returns
    -------
    at : At
        What the others choose at.
    edge : dict
        The rows of the nearest in each part, and their choices.
    """
    users = dict(run(lambda part: (part.index, len(part.problem.value))))
    nearest = partial(_nearest, run, limits, most=50 + 4 * EDGE // len(users))
    at, over = At(LOWER * prices, LOWER * prices), 0.0
    found = nearest(at)
    for factor in HIGHER:
        if found.fits:
            break
        at, over = At(factor * prices, at.prices), 1.0
        found = nearest(at)
    while found.fits and (over - at.share) * sum(users.values()) > 1:
        tried = replace(at, share=(at.share + over) / 2)
        instead = nearest(tried)
        if instead.fits:
            at, found = tried, instead
        else:
            over = tried.share
    chosen = repair(replace(found.problem, limits=np.maximum(found.room, 0)), prices)
    mine = {index: found.part == index for index in users}
    return at, {index: (found.row[rows], chosen[rows]) for index, rows in mine.items()}


def _write(
    part: Part,
    folder: str,
    at: At,
    edge: dict[int, tuple[NDArray[np.intp], Mask]],
) -> tuple[int, float, float]:
    """Write a part's choices; written twice, the file is the same."""
    chosen, _ = _chosen(part, at)
    rows, instead = edge[part.index]
    chosen[rows] = instead
    sent = part.offers[chosen[part.row, part.column]]
    name = f"part-{part.index:05d}.parquet"
    with TemporaryDirectory(dir=folder) as temporary:
        sent.to_parquet(Path(temporary, name), index=False)
        Path(temporary, name).replace(Path(folder, name))
    return len(sent), float(sent["value"].sum()), float(sent["cost"].sum())
