"""Checkers of chapter 16, Coupons in real time."""

import json
from collections.abc import Callable, Mapping, Sequence
from math import exp
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.book.check import RIGHT, Verdict

Event = tuple[str, int, int]
State = tuple[float, int]


def _near(answer: ArrayLike, right: ArrayLike) -> bool:
    return bool(np.allclose(answer, right, rtol=1e-6, atol=1e-9))


def exercise_1(units: Callable[[Sequence[Event]], Mapping[int, int]]) -> Verdict:
    """Check the units each user bought, from events of which some come twice."""
    events = [("a", 1, 2), ("b", 2, 5), ("a", 1, 2), ("c", 1, 2), ("b", 2, 5), ("d", 1, 1)]
    answer = dict(units(events))
    if answer == {1: 7, 2: 10}:
        return Verdict("an event that comes again is a retry, whatever came in between.")
    if answer.get(1) == 3:
        return Verdict("c is another purchase than a, though its numbers are the same.")
    if answer.get(2) != 5:
        return Verdict("user 2 bought 5 units once; the same event_id came twice.")
    if answer != {1: 5, 2: 5}:
        return Verdict("add up the units of each user, each event_id once.")
    if dict(units(events[::-1])) != answer:
        return Verdict("the order in which events arrive cannot matter.")
    return RIGHT


def exercise_2(update: Callable[[float, int, int], State]) -> Verdict:
    """Check one step of a decayed count, for an event in time and for one that is late."""
    total, day = update(2.0, 100, 109)
    if _near(total, 3.0):
        return Verdict("what was counted before has aged by nine days.")
    if _near(total, 3 * exp(-0.2)):
        return Verdict("the new event has not aged yet.")
    if not _near(total, 1 + 2 * exp(-0.2)):
        return Verdict("multiply the old total by exp(-days / 45), then count the new event.")
    if day != 109:
        return Verdict("return the day as of which the total holds as well.")
    total, day = update(2.0, 100, 91)
    if day != 100:
        return Verdict("a late event does not turn the clock back: the total stays as of day 100.")
    if total > 3:
        return Verdict("going back in time makes the old events heavier; age the late one instead.")
    if not _near(total, 2 + exp(-0.2)):
        return Verdict("a late event counts as much as if it had come in time.")
    return RIGHT


def exercise_3(read: Callable[[bytes], list[Any]]) -> Verdict:
    """Check what is read from a log whose last line may be torn."""
    events = [{"event_id": "a"}, {"event_id": "b"}]
    data = "".join(f"{json.dumps(event)}\n" for event in events).encode()
    if read(data) != events:
        return Verdict("from a log that is whole, return every event, and nothing else.")
    try:
        torn = read(data[:-4])
    except ValueError:
        return Verdict("a last line that is cut short is no error: leave it out.")
    if torn != events[:1]:
        return Verdict("of a log with a torn last line, return the lines before it.")
    if read(b'{"event_id": "a"}\n12') != events[:1]:
        return Verdict("half of 1234 is 12, which is JSON: what says that a line is whole?")
    try:
        read(b'{"event_id": "a"}\n{"event\n{"event_id": "b"}\n')
    except ValueError:
        return RIGHT
    return Verdict("a damaged line with others after it was acknowledged: raise ValueError.")


def exercise_4(seen: Callable[[pd.DataFrame, pd.DataFrame], ArrayLike]) -> Verdict:
    """Check how many of a user's purchases each request may know."""
    hours = pd.Timestamp("2017-11-20") + pd.to_timedelta([9, 8, 12, 12, 15], unit="h")
    purchases = pd.DataFrame({"user_id": [1, 2, 1, 2, 1], "time": hours})
    asked = pd.Timestamp("2017-11-20") + pd.to_timedelta([12, 7, 16, 13, 10], unit="h")
    requests = pd.DataFrame({"user_id": [1, 1, 1, 2, 3], "time": asked}, index=[7, 3, 5, 9, 1])
    answer = np.asarray(seen(purchases, requests))
    if answer.shape != (5,):
        return Verdict("return one count for each request.")
    if _near(answer, [2, 0, 3, 2, 0]):
        return Verdict("a purchase at the very moment of the request is not known before it.")
    if answer[4] != 0:
        return Verdict("user 3 has bought nothing.")
    if _near(answer, [3, 0, 3, 2, 0]):
        return Verdict("the request at noon knows nothing of the purchase at three.")
    if sorted(answer) == [0, 0, 1, 2, 3] and not _near(answer, [1, 0, 3, 2, 0]):
        return Verdict("the right counts, but not in the order of the requests.")
    if not _near(answer, [1, 0, 3, 2, 0]):
        return Verdict("count the purchases of the same user before the time of the request.")
    return RIGHT
