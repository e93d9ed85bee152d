"""Prices at which the users of all parts choose, and a choice of those nearest to another one."""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.decisions.cutting import Part, Run
from coupon_rec.decisions.problem import AllocationProblem, Floats, Mask, Prices
from coupon_rec.decisions.repair import EDGE, choose_at, repair

LOWER, HIGHER = 1 - 1e-6, (1.0, 1 + 1e-6, 1.001, 1.01, 1.1, 2.0, 10.0, 1e3)
"""Multiples of the prices that are tried until those who are sure of their choice fit."""


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
class Near:
    """What a part's users choose at prices, and those of them who are nearest to another choice."""

    index: int
    used: Prices
    rows: NDArray[np.intp]
    doubt: Floats
    problem: AllocationProblem
    chosen: Mask


class Nearest(NamedTuple):
    """The users of all parts who are nearest to another choice, and what the others leave them."""

    problem: AllocationProblem
    room: Prices
    part: NDArray[np.intp]
    row: NDArray[np.intp]

    @property
    def fits(self) -> bool:  # noqa: D102  (an attribute of the class)
        return bool((self.room >= 0).all())


def merged(problems: list[AllocationProblem], limits: Prices) -> AllocationProblem:
    """The problems of several parts as one, with its limits."""
    uses = [
        replace(use, cost=np.concatenate([problem.uses[i].cost for problem in problems]))
        for i, use in enumerate(problems[0].uses)
    ]
    value = np.concatenate([problem.value for problem in problems])
    return replace(problems[0], value=value, uses=uses, limits=limits)


def chosen_at(part: Part, at: At) -> tuple[Mask, Floats]:
    """The choices of a part's users, and what each loses by the next best one."""
    chosen, _, doubt = choose_at(part.problem, at.prices)
    if first := int(at.share * len(chosen)):
        sooner, _, unsure = choose_at(part.problem, at.lower)
        chosen[:first], doubt[:first] = sooner[:first], unsure[:first]
    return chosen, doubt


def _near(part: Part, at: At, most: int) -> Near:
    chosen, doubt = chosen_at(part, at)
    rows = np.sort(np.argsort(doubt, kind="stable")[:most])
    problem = part.problem.sample(rows)
    used = part.problem.used(chosen)
    return Near(part.index, used, rows, doubt[rows], problem, chosen[rows])


def _nearest(run: Run, limits: Prices, at: At, most: int) -> Nearest:
    near = run(partial(_near, at=at, most=most))
    doubt = np.concatenate([each.doubt for each in near])
    place = np.sort(np.argsort(doubt, kind="stable")[:EDGE])
    edge = merged([each.problem for each in near], limits).sample(place)
    before = np.concatenate([each.chosen for each in near])[place]
    others = sum(each.used for each in near) - edge.used(before)
    room = limits - others
    room[: len(edge.uses)] -= 1e-12 * limits[: len(edge.uses)]
    owner = np.concatenate([np.full(len(each.rows), each.index) for each in near])[place]
    return Nearest(edge, room, owner, np.concatenate([each.rows for each in near])[place])


def edge_of(
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
