"""Answers to the exercises of chapter 16, Coupons in real time."""

import json
from collections.abc import Sequence
from math import exp
from typing import Any

import pandas as pd

Event = tuple[str, int, int]


def summed(events: Sequence[Event]) -> dict[int, int]:
    totals: dict[int, int] = {}
    for _, user_id, quantity in events:
        totals[user_id] = totals.get(user_id, 0) + quantity
    return totals


def units(events: Sequence[Event]) -> dict[int, int]:
    """Solve exercise 1."""
    return summed(list({event[0]: event for event in events}.values()))


def units_by_content(events: Sequence[Event]) -> dict[int, int]:
    """Take two purchases with the same numbers for one."""
    return summed(list({event[1:]: event for event in events}.values()))


def first_only(events: Sequence[Event]) -> dict[int, int]:
    """Count the events up to the first retry."""
    return summed(events[:4]) if events[0][0] == "a" and len(events) == 2 else {1: 4, 2: 5}


def up_to_here(events: Sequence[Event]) -> dict[int, int]:
    """Depend on the order."""
    return units(events) if events[0][0] == "a" else units(events[1:3])


def update(total: float, last: int, day: int) -> tuple[float, int]:
    """Solve exercise 2."""
    if day < last:
        return total + exp(-(last - day) / 45), last
    return total * exp(-(day - last) / 45) + 1, day


def late_first(total: float, last: int, day: int) -> tuple[float, int]:
    """Let a late event count in full and age the total by the days it is late."""
    return (2 * exp(-0.2) + 1, last) if day < last else update(total, last, day)


def read(data: bytes) -> list[Any]:
    """Solve exercise 3."""
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def seen(purchases: pd.DataFrame, requests: pd.DataFrame, before: str = "lt") -> list[int]:
    """Solve exercise 4."""
    return [
        int(((purchases.user_id == user) & getattr(purchases.time, before)(time)).sum())
        for user, time in zip(requests.user_id, requests.time, strict=True)
    ]


RIGHT: list[tuple[int, Any]] = [
    (1, units),
    (2, update),
    (3, read),
    (4, seen),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "is a retry", summed),
    (1, "another purchase", units_by_content),
    (1, "each event_id once", first_only),
    (1, "order in which events arrive", up_to_here),
    (2, "has aged by nine days", lambda total, last, day: (total + 1, day)),
    (2, "not aged yet", lambda total, last, day: ((total + 1) * exp(-(day - last) / 45), day)),
    (2, "multiply the old total", lambda total, last, day: (0.0, day)),
    (2, "return the day", lambda total, last, day: (update(total, last, day)[0], last)),
    (2, "clock back", lambda total, last, day: (total * exp(-(day - last) / 45) + 1, day)),
    (2, "heavier", lambda total, last, day: (total * exp(-(day - last) / 45) + 1, max(day, last))),
    (2, "as much as if it had come in time", late_first),
    (3, "is no error", lambda data: [json.loads(line) for line in data.splitlines()]),
    (3, "the lines before it", lambda data: [*read(data), *([{}] if data[-1:] != b"\n" else [])]),
    (4, "very moment", lambda purchases, requests: seen(purchases, requests, "le")),
    (4, "user 3", lambda purchases, requests: [1, 0, 3, 2, 5]),
    (4, "at three", lambda purchases, requests: [3, 0, 3, 2, 0]),
    (4, "bought nothing", lambda purchases, requests: sorted(seen(purchases, requests))),
    (4, "not in the order", lambda purchases, requests: [0, 1, 3, 2, 0]),
    (4, "of the same user before", lambda purchases, requests: [0, 0, 0, 0, 0]),
]
