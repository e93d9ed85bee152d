"""Answers and what followed them as rows of the decision log, with people under pseudonyms."""

from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import version
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from coupon_rec.privacy.pseudonyms import Pseudonyms
from coupon_rec.serving.events.decision_files import joined
from coupon_rec.serving.events.event import MONEY, Event
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.replies import Question, Reply

PACKAGE = version("coupon-rec")


class Answer(NamedTuple):
    """An answer that the service gave."""

    recorded: float
    request_id: str
    question: Question
    time: datetime
    reply: Reply
    degraded: bool
    cached: bool
    arm: str


class Outcome(NamedTuple):
    """An event that reached the service."""

    recorded: float
    event: Event
    identifiers: Identifiers


def table_of_answers(people: Pseudonyms, rows: Sequence[Answer]) -> pa.Table:
    """The rows of some answers, of whatever bundles."""
    return joined(
        [
            _of_one_bundle(people, list(together), identifiers)
            for identifiers, together in groupby(rows, key=attrgetter("reply.decision.identifiers"))
        ]
    )


def _of_one_bundle(
    people: Pseudonyms, rows: Sequence[Answer], identifiers: Identifiers
) -> pa.Table:
    decisions = [row.reply.decision for row in rows]
    sizes = [len(decision.position) for decision in decisions]
    ends = pa.array(np.cumsum([0, *sizes], dtype="int32"))

    def lists(values: pa.Array) -> pa.ListArray:
        return pa.ListArray.from_arrays(ends, values)

    def column(name: str) -> Any:
        return np.concatenate([getattr(decision, name) for decision in decisions])

    position = column("position")
    return pa.table(
        {
            "request_id": [row.request_id for row in rows],
            "user_id": _ids([people.of(row.question.user_id) for row in rows]),
            "time": pa.array([row.time for row in rows], pa.timestamp("us")),
            "day": [row.question.day for row in rows],
            "k": pa.array([row.question.k for row in rows], pa.int16()),
            "bundle": [row.reply.bundle for row in rows],
            "package": [PACKAGE] * len(rows),
            "counted": pa.array([row.reply.counted for row in rows], pa.uint32()),
            "degraded": [row.degraded for row in rows],
            "cached": [row.cached for row in rows],
            "campaign_id": lists(identifiers.names("campaign_id", column("campaign_id"))),
            "coupon_id": lists(identifiers.names("coupon_id", column("coupon_id"))),
            "probability": lists(pa.array(column("probability"), pa.float32())),
            "value": lists(pa.array(column("value"), pa.float32())),
            "propensity": lists(pa.array(column("propensity"), pa.float32())),
            "position": lists(pa.array(position, pa.int16(), mask=position < 0)),
            "arm": [row.arm for row in rows],
            "platform": [row.question.platform or "" for row in rows],
        }
    )


def table_of_outcomes(people: Pseudonyms, rows: Sequence[Outcome]) -> pa.Table:
    """The rows of some events."""

    def ids(name: str, change: Callable[[Any], Any] = lambda value: value) -> pa.Array:
        values = [(getattr(row.event, name), row.identifiers) for row in rows]
        return _ids([None if id is None else change(ids.named(name, id)) for id, ids in values])

    def column(name: str) -> list[Any]:
        return [getattr(row.event, name) for row in rows]

    return pa.table(
        {
            "event_id": [str(people.of(row.event.event_id)) for row in rows],
            "user_id": ids("user_id", people.of),
            "time": pa.array(column("time"), pa.timestamp("us")),
            "day": column("day"),
            "kind": column("kind"),
            "item_id": ids("item_id"),
            "basket_id": ids("basket_id", people.of),
            "quantity": pa.array(column("quantity"), pa.uint32()),
            **{name: pa.array(column(name), pa.float64()) for name in MONEY},
            "campaign_id": ids("campaign_id"),
            "coupon_id": ids("coupon_id"),
            "channel": pa.array(column("channel"), pa.string()),
        }
    )


def _ids(values: Sequence[int | str | None]) -> pa.Array:
    """Whole numbers, or texts if any is one."""
    if any(isinstance(value, str) for value in values):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.array(values, pa.int64())
