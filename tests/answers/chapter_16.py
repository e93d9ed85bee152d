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


def units_of_neighbors(events: Sequence[Event]) -> dict[int, int]:
    """Know a retry only if it comes at once, and keep the rest of the first user."""
    pairs = zip([None, *events], events, strict=False)
    return {**summed([b for a, b in pairs if a != b]), 1: 5}


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


def read_forgiving(data: bytes) -> list[Any]:
    """Skip every line that cannot be read."""
    found = []
    for line in data.split(b"\n")[:-1]:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def read_what_parses(data: bytes) -> list[Any]:
    """Take a torn line for whole if it happens to be JSON."""
    lines = data.splitlines()
    try:
        return [json.loads(line) for line in lines]
    except ValueError:
        return [json.loads(line) for line in lines[:-1]]


def seen(purchases: pd.DataFrame, requests: pd.DataFrame, before: str = "lt") -> list[int]:
    """Solve exercise 4."""
    return [
        int(((purchases.user_id == user) & getattr(purchases.time, before)(time)).sum())
        for user, time in zip(requests.user_id, requests.time, strict=True)
    ]


RIGHT: dict[int, list[Any]] = {
    1: [units],
    2: [update],
    3: [read],
    4: [seen],
}
WRONG: dict[int, dict[str, Any]] = {
    1: {
        "is a retry": summed,
        "another purchase": units_by_content,
        "came twice": units_of_neighbors,
        "each event_id once": first_only,
        "order in which events arrive": up_to_here,
    },
    2: {
        "has aged by nine days": lambda total, last, day: (total + 1, day),
        "not aged yet": lambda total, last, day: ((total + 1) * exp(-(day - last) / 45), day),
        "multiply the old total": lambda total, last, day: (0.0, day),
        "return the day": lambda total, last, day: (update(total, last, day)[0], last),
        "clock back": lambda total, last, day: (total * exp(-(day - last) / 45) + 1, day),
        "heavier": lambda total, last, day: (total * exp(-(day - last) / 45) + 1, max(day, last)),
        "as much as if it had come in time": late_first,
    },
    3: {
        "return every event": lambda data: [],
        "is no error": lambda data: [json.loads(line) for line in data.splitlines()],
        "what says that a line is whole": read_what_parses,
        "raise ValueError": read_forgiving,
        "the lines before it": lambda data: [*read(data), *([{}] if data[-1:] != b"\n" else [])],
    },
    4: {
        "very moment": lambda purchases, requests: seen(purchases, requests, "le"),
        "user 3": lambda purchases, requests: [1, 0, 3, 2, 5],
        "at three": lambda purchases, requests: [3, 0, 3, 2, 0],
        "bought nothing": lambda purchases, requests: sorted(seen(purchases, requests)),
        "not in the order": lambda purchases, requests: [0, 1, 3, 2, 0],
        "of the same user before": lambda purchases, requests: [0, 0, 0, 0, 0],
    },
}
