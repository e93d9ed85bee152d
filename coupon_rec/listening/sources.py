"""Where opinions come from: JSON lines, or the reviews of a market or of a service."""

import json
import os
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO
from urllib.parse import urlencode

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from coupon_rec.outgoing import NoAnswer, ask, bearer, is_address

if TYPE_CHECKING:
    from ibis import Table

MAX_TEXT = 5000
MAX_TOPIC = 100  # it has to go into a header
MAX_REVIEWS = 10**9  # of a market
FIRST_TIME = datetime(1899, 1, 1)  # before any review
REVIEWS_AT_ONCE = 200  # with the longest texts, in any script, they fit into an answer
Topic = StringConstraints(strip_whitespace=True, max_length=MAX_TOPIC, pattern=r"^\P{Cc}*$")
TRY_LATER = (429, 500, 502, 503, 504)


class SourceError(ValueError):
    """A stream that cannot be read; the message says why and what to do."""


def _is_future(time: datetime) -> bool:
    """Whether a time in UTC is a day ahead or more, so that no zone explains it."""
    return time - datetime.now(UTC).replace(tzinfo=None) >= timedelta(days=1)


def _in_utc(time: object) -> datetime:
    try:
        parsed = datetime.fromisoformat(time)  # type: ignore[arg-type]
        if parsed.tzinfo is not None:
            parsed = parsed.astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("has no time such as 2026-11-02T09:30:00") from None
    if _is_future(parsed):
        raise ValueError(f"is of the future ({time}): it would end every hour until then")
    return parsed


def _shortened(text: object) -> object:
    """The first letters of a text, with halves of characters replaced."""
    return text[:MAX_TEXT].encode(errors="replace").decode() if isinstance(text, str) else text


class OpinionRow(BaseModel):
    """An opinion as a stream brings it.

    Attributes
    ----------
    time : datetime
        In UTC, where it named a zone.
    topic, text : str or None
        One of them is there.
    rating : float or None
        Stars, 1 to 5; where there are none, there is a text.
    """

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    time: Annotated[datetime, BeforeValidator(_in_utc), Field(validate_default=True)] = None  # type: ignore[assignment]
    topic: Annotated[str, Topic] | None = None
    rating: Annotated[float, Field(ge=1, le=5)] | None = None
    text: Annotated[str, BeforeValidator(_shortened)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "OpinionRow":
        if self.rating is None and not self.text:
            raise ValueError("has neither a text nor a rating")
        if not self.topic and not (self.text or "").strip():
            raise ValueError("has neither a topic nor a text")
        return self


Read = tuple[str, int, OpinionRow | str | None]
"""The name of a file or log, how far it has been read, and an opinion, or what is wrong with it;
None where what comes next may take a while."""


def opinion_of(facts: object) -> OpinionRow | str:
    """Give an opinion, or what is wrong with it."""
    if not isinstance(facts, dict):
        return f"is no JSON object but {type(facts).__name__}"
    try:
        return OpinionRow.model_validate(facts)
    except ValidationError as problem:
        first = problem.errors()[0]
        if first["type"] == "value_error":
            return str(first["ctx"]["error"])
        return f"has a wrong {first['loc'][0]}: {first['msg']}"


def read_lines(source: str | Path, place: Mapping[str, int]) -> Iterator[Read]:
    r"""Read opinions from where a place leaves off.

    Parameters
    ----------
    source : str or pathlib.Path
        A file of JSON lines; a folder, whose `*.jsonl` are read in the order of their names; or
        ``"-"`` for standard input. Of this and of a pipe with a name, what a place has counted is
        read again and skipped, and None tells that nothing more is there yet.
    place : mapping of str to int
        Bytes already read, by the name of the file.

    Yields
    ------
    tuple
        As `Read`. A last line without an end is left for later: somebody may be writing it.

    Raises
    ------
    SourceError
        If there is no such file, or it has become shorter than the place says.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> path = Path(folder.name, "said.jsonl")
    >>> _ = path.write_text('{"time": "2026-11-02T09:00:00", "text": "Sour milk."}\n{"ti')
    >>> [(where, opinion.text) for _, where, opinion in read_lines(path, {})]
    [(54, 'Sour milk.')]
    >>> folder.cleanup()
    """
    path = Path(source)
    if str(source) == "-" or (path.exists() and not (path.is_file() or path.is_dir())):
        stream = _standard_input() if str(source) == "-" else path.open("rb")
        _skip(stream, place.get("-", 0))
        yield from _lines("-", stream, place.get("-", 0))
        return
    if not path.exists():
        raise SourceError(f"there is no {path}: name a file of JSON lines, a folder, or -")
    files = sorted(filter(Path.is_file, path.glob("*.jsonl"))) if path.is_dir() else [path]
    for file in files:
        begun = place.get(file.name, 0)
        if file.stat().st_size < begun:
            raise SourceError(
                f"{file} is shorter than what was read of it before ({begun} bytes): put the file "
                "back, or name another state"
            )
        with file.open("rb") as stream:
            stream.seek(begun)
            yield from _lines(file.name, stream, begun)


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise SourceError("standard input is closed: name a file, or a pipe")
    with suppress(OSError):  # it is no file of the system
        os.set_blocking(sys.stdin.fileno(), True)  # whoever shares the pipe may have changed it
    return sys.stdin.buffer


def _skip(pipe: BinaryIO, left: int) -> None:
    """Read on to the place up to which a pipe was read before."""
    while left > 0 and (skipped := pipe.read(min(left, 1 << 20))):
        left -= len(skipped)
    if left > 0:
        raise SourceError(
            f"the pipe is {left} bytes shorter than what was read before: send the whole "
            "stream again, or name another state"
        )


def _lines(name: str, stream: Any, where: int) -> Iterator[Read]:
    """Read what is there, and only then wait for more."""
    unfinished: list[bytes] = []
    while piece := stream.read1(1 << 17):
        unfinished.append(piece)
        if b"\n" not in piece:
            continue
        *lines, rest = b"".join(unfinished).split(b"\n")
        unfinished = [rest]
        for line in lines:
            where += len(line) + 1
            if line.strip():
                yield name, where, _parsed(line)
        if name == "-":
            yield name, where, None


def _parsed(line: bytes) -> OpinionRow | str:
    try:
        return opinion_of(json.loads(line))
    except (ValueError, RecursionError) as error:
        return f"is no JSON ({error})"


def read_reviews(
    market: str, place: Mapping[str, int], topic: str = "department"
) -> Iterator[Read]:
    """Read the reviews of a market in the order of time, as opinions with stars.

    Those of the latest time are left for later, as others of it may come.

    Parameters
    ----------
    market : str
        Folder or URI of its tables.
    place : mapping of str to int
        What has been read, under ``"reviews"``: a number that says up to which time, and how many.
        Reviews that come later with no later time are not read, and one row tells how many.
    topic : str
        The column of `items` that says what a review is about.

    Yields
    ------
    tuple
        As `Read`.

    Raises
    ------
    SourceError
        If the market has no reviews, or its items no such column.
    """
    from coupon_rec.market import load_market  # opens a database; lines need none

    tables = load_market(market)
    if tables.reviews is None:
        raise SourceError(f"the market {market} has no reviews: data/SCHEMA.md has their columns")
    reviews = tables.reviews.join(_topic_of(tables.items, topic), "item_id").to_pandas()
    order = ["time", "user_id", "item_id"]
    reviews = reviews.sort_values(order, kind="stable", ignore_index=True)
    if "text" not in reviews:
        reviews["text"] = None
    rows = reviews[["time", "topic", "rating", "text"]].astype(object)
    rows = rows.where(rows.notna(), None).to_dict("records")
    # Reviews of the same time have the same place: a batch holds all of them or none.
    ticks = ((reviews["time"] - FIRST_TIME) // timedelta(microseconds=1)).tolist()
    last, count = divmod(place.get("reviews", 0), MAX_REVIEWS)
    if count and not last:  # the place of version 1.0, which was a count
        last = ticks[min(count, len(ticks)) - 1] if ticks else 0
    seen = bisect_right(ticks, last)
    where = last * MAX_REVIEWS + seen
    if seen > count:
        late = f"is one of {seen - count} that came after later ones had been counted"
        yield "reviews", where, late
    for tick, row in zip(ticks[seen:], rows[seen:], strict=True):
        if tick == ticks[-1]:
            return
        if not _is_future(row["time"]):  # after one of the future, no other would be new
            where = tick * MAX_REVIEWS + bisect_right(ticks, tick)
        yield "reviews", where, opinion_of({**row, "time": row["time"].isoformat()})


def _topic_of(items: "Table", topic: str) -> "Table":
    if topic not in items.columns:
        raise SourceError(f"items have no column {topic}; there are {', '.join(items.columns)}")
    return items.select("item_id", topic=items[topic].cast("string"))


class _Review(BaseModel):
    position: StrictInt
    item_id: StrictInt | StrictStr
    time: Any
    rating: Any
    text: Any


class _Reviews(BaseModel):
    """What is read of a service's answer."""

    log: StrictStr
    reviews: list[_Review]


def read_service(
    address: str,
    place: Mapping[str, int],
    market: str | None = None,
    topic: str = "department",
    *,
    key: str = "",
) -> Iterator[Read]:
    """Read the reviews of a service, in the order in which they came.

    Parameters
    ----------
    address : str
        Such as ``http://127.0.0.1:8000``: of one replica, since each counts for itself, and all
        know every review. Of shards, each has those of its own users.
    place : mapping of str to int
        The last position that was read, under the name of the service's log.
    market : str, optional
        Folder or URI of a market whose items say what a review is about. Without one, the words
        have to, and the stars count.
    topic : str
        The column of its `items` that says so.
    key : str
        What the service asks for: the operator's key, if it has one.

    Yields
    ------
    tuple
        As `Read`, with the name of the log and positions in it.

    Raises
    ------
    SourceError
        If the service refuses, such as when its log is another one than before, or the market's
        items have no such column.
    ConnectionError
        If nobody answers, or the service, or the market, cannot be asked now.
    """
    if not is_address(address):
        raise SourceError(f"a service has an address such as http://..., not {address!r}")
    headers = bearer(key)
    topics: Mapping[str, str | None] | None = None
    log, after = next(iter(place.items()), ("", 0))
    while True:
        question = urlencode({"log": log, "after": after, "most": REVIEWS_AT_ONCE})
        answer = _asked(f"{address.rstrip('/')}/v1/reviews", question, headers)
        if not answer.reviews:
            return
        if market and topics is None:
            topics = topics_of(market, topic)
        log = answer.log
        for review in answer.reviews:
            after = review.position
            yield log, after, _opinion(review, topics)


def _opinion(review: _Review, topics: Mapping[str, str | None] | None) -> OpinionRow | str:
    facts = review.model_dump(include={"time", "rating", "text"})
    if topics is None:
        return opinion_of(facts)
    item = str(review.item_id)
    if item not in topics:
        return f"is about item {item}, which the market does not have"
    return opinion_of({**facts, "topic": topics[item]})


def _asked(address: str, question: str, headers: Mapping[str, str]) -> _Reviews:
    """The name of the service's log, and its next reviews with their positions."""
    try:
        answer = ask(f"{address}?{question}", headers=headers, seconds=10)
        if answer.ok:
            return _Reviews.model_validate_json(answer.body)
    except NoAnswer as error:
        raise ConnectionError(f"nothing answers at {address} ({error})") from error
    except ValidationError as error:
        raise SourceError(
            f"{address} is no service of `serve` ({error.errors()[0]['msg']})"
        ) from error
    if answer.status in TRY_LATER:
        raise ConnectionError(f"{address} cannot answer now ({answer.status})")
    advice = "; name another memory to begin anew" if answer.status == 409 else ""
    raise SourceError(f"{address} refuses: {answer.beginning}{advice}")


def topics_of(market: str, topic: str) -> dict[str, str | None]:
    """What each item of a market is about, by its identifier as text; no other table is read.

    SourceError if there is no such column; ConnectionError if the market cannot be read now.
    """
    from coupon_rec.market.identifiers import stored
    from coupon_rec.market.loading import connect
    from coupon_rec.market.sources import open_tables
    from coupon_rec.market.tables import IDENTIFIERS

    try:
        tables = open_tables(market, connect()).tables
        if (items := tables.get("items")) is None:
            raise ConnectionError(f"{market} has no items: put items.parquet or items.csv there")
        topics = _topic_of(items, topic)
        names = stored(tables[IDENTIFIERS])[0].get("item_id") if IDENTIFIERS in tables else None
        if names is not None:
            topics = topics.join(names, topics.item_id == names.number)
            topics = topics.select("topic", item_id="text")
        if not topics["item_id"].type().is_string():
            topics = topics.mutate(item_id=topics["item_id"].cast("int64"))
        rows = topics.to_pandas().astype(object)
    except (SourceError, ConnectionError):
        raise
    except Exception as error:  # whatever the engine says while the files are written anew
        raise ConnectionError(f"the items of {market} cannot be read now ({error})") from error
    rows = rows.where(rows.notna(), None)
    return dict(zip(rows["item_id"].astype(str), rows["topic"], strict=True))
