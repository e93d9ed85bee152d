"""Coupons under budgets for users who lie in parts, on one machine or on Spark.

At given prices each user chooses alone, so a part only has to say what its users' choices are worth
and what they use up. The sums go to the linear program that finds the next prices
(`coupon_rec.decisions.dual`), and no part ever sees another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from coupon_rec.arguments import require_replaceable
from coupon_rec.decisions import dual
from coupon_rec.decisions import groups as between
from coupon_rec.decisions.cutting import KEY, Part, Run, on_disk, on_spark, part_of
from coupon_rec.decisions.nearest import At, chosen_at, edge_of, merged
from coupon_rec.decisions.problem import (
    AllocationProblem,
    Mask,
    Prices,
)
from coupon_rec.decisions.value import LIST, Economics

if TYPE_CHECKING:
    from ibis import Table


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
    named: dict[int | str, float] = {str(name): units for name, units in (stock or {}).items()}
    left = _of_coupons("stock", named, coupons.astype(str))
    if (bad := ~(left >= 0)).any():
        raise ValueError(
            f"the stock of coupon {coupons[bad][0]} is {left[bad][0]}: expected 0 or more units"
        )
    amounts = [] if budget is None else [float(budget)]
    shelves, capped = left[np.isfinite(left)], np.flatnonzero(np.isfinite(most))
    limits = np.array([*amounts, *shelves, *np.floor(most[capped])])
    build = partial(
        part_of,
        coupons=coupons,
        budgeted=budget is not None,
        left=left,
        capped=capped,
        k=k,
        economics=economics,
    )
    cut = on_spark if spark else on_disk
    with (
        TemporaryDirectory(prefix=".allocating-", dir=folder.absolute().parent) as temporary,
        cut(table, parts if groups is None else 1, build) as run,
    ):
        if groups is None or gap is None:
            bound, prices = _solve(run, limits)
            at, edge = edge_of(run, limits, prices)
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


def _solve(run: Run, limits: Prices) -> tuple[float, Prices]:
    """Find the prices, first on a sample if there are many users."""
    users = sum(run(lambda part: len(part.problem.value)))
    share = min(1.0, dual.SAMPLE / users)
    sample = merged(run(partial(_sampled, share=share)), share * limits)
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


def _write(
    part: Part,
    folder: str,
    at: At,
    edge: dict[int, tuple[NDArray[np.intp], Mask]],
) -> tuple[int, float, float]:
    """Write a part's choices; written twice, the file is the same."""
    chosen, _ = chosen_at(part, at)
    rows, instead = edge[part.index]
    chosen[rows] = instead
    sent = part.offers[chosen[part.row, part.column]]
    name = f"part-{part.index:05d}.parquet"
    with TemporaryDirectory(dir=folder) as temporary:
        sent.to_parquet(Path(temporary, name), index=False)
        Path(temporary, name).replace(Path(folder, name))
    return len(sent), float(sent["value"].sum()), float(sent["cost"].sum())
