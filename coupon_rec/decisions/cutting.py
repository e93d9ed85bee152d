"""Users' offers cut into parts, which lie on one machine's disk or with Spark's workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.decisions.problem import AllocationProblem, Budget, Prices, allocation_problem
from coupon_rec.decisions.stock import stock_budgets
from coupon_rec.decisions.value import LIST, Economics, expected_discount, offer_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ibis import Table

KEY = [*LIST, "coupon_id"]


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


def part_of(
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
def on_disk(table: Table, parts: int, build: Callable[..., Part]) -> Iterator[Run]:
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
def on_spark(table: Table, parts: int, build: Callable[..., Part]) -> Iterator[Run]:
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
