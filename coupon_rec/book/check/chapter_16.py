"""Checkers of chapter 16, Coupons in real time."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import exp
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import called, mapping, number, numbers, unlike

Event = tuple[str, int, int]
State = tuple[float, int]

_near = partial(near, rtol=1e-6)


@checker
def exercise_1(units: Callable[[Sequence[Event]], Mapping[int, int]]) -> None:
    """Check the units each user bought, from events of which some come twice."""

    def bought(events: Sequence[Event]) -> dict[Any, float]:
        wanted = "return a dictionary, with the units of each user_id"
        reply = mapping(called(units, events), wanted)
        return {user: number(value, wanted) for user, value in reply.items()}

    events = [("a", 1, 2), ("b", 2, 5), ("a", 1, 2), ("c", 1, 2), ("b", 2, 5), ("d", 1, 1)]
    answer = bought(events)
    if answer == {1: 7, 2: 10}:
        raise Hint("an event that comes again is a retry, whatever came in between.")
    hint_if(answer.get(1) == 3, "c is another purchase than a, though its numbers are the same.")
    hint_if(answer.get(2) != 5, "user 2 bought 5 units once; the same event_id came twice.")
    hint_if(answer != {1: 5, 2: 5}, "add up the units of each user, each event_id once.")
    hint_if(bought(events[::-1]) != answer, "the order in which events arrive cannot matter.")


@checker
def exercise_2(update: Callable[[float, int, int], State]) -> None:
    """Check one step of a decayed count, for an event in time and for one that is late."""
    wanted = "return two numbers, the new total and the day as of which it holds"
    total, day = numbers(called(update, 2.0, 100, 109), (2,), wanted)
    hints = {
        "what was counted before has aged by nine days.": 3.0,
        "the new event has not aged yet.": 3 * exp(-0.2),
        "multiply the old total by exp(-days / 45), then count the new event.": OTHERWISE,
    }
    compare(total, 1 + 2 * exp(-0.2), hints, rtol=1e-6)
    hint_if(day != 109, "return the day as of which the total holds as well.")
    total, day = numbers(called(update, 2.0, 100, 91), (2,), wanted)
    hint_if(day != 100, "a late event does not turn the clock back: the total stays as of day 100.")
    hint_if(total > 3, "going back in time makes the old events heavier; age the late one instead.")
    if not _near(total, 2 + exp(-0.2)):
        raise Hint("a late event counts as much as if it had come in time.")


@checker
def exercise_3(read: Callable[[bytes], list[Any]]) -> None:
    """Check what is read from a log whose last line may be torn."""
    wanted = "from a log that is whole, return every event, and nothing else"

    def events_of(data: bytes) -> list[Any]:
        reply = called(read, data)
        if not isinstance(reply, list | tuple):
            raise unlike(reply, f"{wanted}, in a list")
        return list(reply)

    events = [{"event_id": "a"}, {"event_id": "b"}]
    data = "".join(f"{json.dumps(event)}\n" for event in events).encode()
    whole = events_of(data)
    if not all(isinstance(event, dict) for event in whole) or whole != events:
        raise Hint(f"{wanted}.")
    try:
        torn = events_of(data[:-4])
    except Hint as hint:
        if isinstance(hint.__cause__, ValueError):
            raise Hint("a last line that is cut short is no error: leave it out.") from None
        raise
    hint_if(torn != events[:1], "of a log with a torn last line, return the lines before it.")
    if events_of(b'{"event_id": "a"}\n12') != events[:1]:
        raise Hint("half of 1234 is 12, which is JSON: what says that a line is whole?")
    try:
        events_of(b'{"event_id": "a"}\n{"event\n{"event_id": "b"}\n')
    except Hint as hint:
        if isinstance(hint.__cause__, ValueError):
            return
        raise
    raise Hint("a damaged line with others after it was acknowledged: raise ValueError.")


@checker
def exercise_4(seen: Callable[[pd.DataFrame, pd.DataFrame], ArrayLike]) -> None:
    """Check how many of a user's purchases each request may know."""
    hours = pd.Timestamp("2017-11-20") + pd.to_timedelta([9, 8, 12, 12, 15], unit="h")
    purchases = pd.DataFrame({"user_id": [1, 2, 1, 2, 1], "time": hours})
    asked = pd.Timestamp("2017-11-20") + pd.to_timedelta([12, 7, 16, 13, 10], unit="h")
    requests = pd.DataFrame({"user_id": [1, 1, 1, 2, 3], "time": asked}, index=[7, 3, 5, 9, 1])
    given = called(seen, purchases, requests)
    answer = numbers(given, (5,), "return one count for each request", finite=False)
    if _near(answer, [2, 0, 3, 2, 0]):
        raise Hint("a purchase at the very moment of the request is not known before it.")
    hint_if(answer[4] != 0, "user 3 has bought nothing.")
    if _near(answer, [3, 0, 3, 2, 0]):
        raise Hint("the request at noon knows nothing of the purchase at three.")
    if sorted(answer) == [0, 0, 1, 2, 3] and not _near(answer, [1, 0, 3, 2, 0]):
        raise Hint("the right counts, but not in the order of the requests.")
    if not _near(answer, [1, 0, 3, 2, 0]):
        raise Hint("count the purchases of the same user before the time of the request.")
