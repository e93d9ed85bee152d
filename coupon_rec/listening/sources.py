"""Where opinions come from: JSON lines, or the reviews of a market or of a service."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from coupon_rec.outgoing import NoAnswer, ask, bearer, is_address

if TYPE_CHECKING:
    from ibis import Table

MAX_TEXT = 5000  # letters: a lexicon takes a time that grows with their square
MAX_REVIEWS = 10**9  # of a market
FIRST_TIME = datetime(1899, 1, 1)  # before any review
REVIEWS_AT_ONCE = 200  # with the longest texts, in any script, they fit into an answer
Topic = Annotated[str, Field(max_length=100, pattern=r"^\P{Cc}*$")]  # it goes into a header


class SourceError(ValueError):
    """A stream that cannot be read; the message says why and what to do."""


def _is_future(time: Any) -> Any:
    """Whether times in UTC are a day ahead or more, so that no zone explains it."""
    return time >= datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)


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

    model_config = ConfigDict(strict=True, allow_inf_nan=False, str_strip_whitespace=True)

    time: datetime
    topic: Topic | None = None
    rating: Annotated[float, Field(ge=1, le=5)] | None = None
    text: str | None = None

    @field_validator("time", mode="before")
    @classmethod
    def _in_utc(cls, time: Any) -> datetime:
        try:
            parsed = datetime.fromisoformat(time)
            naive = parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed
        except (TypeError, ValueError, OverflowError):
            raise ValueError("write it as 2026-11-02T09:30:00") from None
        if naive.year < 1900:
            raise ValueError("it is before 1900")
        if _is_future(naive):
            raise ValueError("it is of the future, and would end every hour until then")
        return naive

    @field_validator("text", mode="before")
    @classmethod
    def _shortened(cls, text: Any) -> Any:
        """Keep the first letters, with halves of characters replaced."""
        return text[:MAX_TEXT].encode(errors="replace").decode() if isinstance(text, str) else text

    @model_validator(mode="after")
    def _says_something(self) -> "OpinionRow":
        if not self.text and (self.rating is None or not self.topic):
            raise ValueError("there is no text, and so it needs a topic and a rating")
        return self

    @property
    def needs_labels(self) -> bool:
        """Whether it does not say itself what it is about, or whether it is negative."""
        return not self.topic or self.rating is None


Read = tuple[str, int, OpinionRow | str]
"""The name of a file or log, how far it has been read, and an opinion, or what is wrong with it."""


def opinion_of(line: str | bytes) -> OpinionRow | str:
    """Give the opinion that a JSON object holds, or what is wrong with it."""
    try:
        return OpinionRow.model_validate(json.loads(line))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as problem:
        return f"is no JSON: {problem}"
    except ValidationError as problem:
        first = problem.errors()[0]
        name = f"has a wrong {first['loc'][0]}" if first["loc"] else "is no opinion"
        return f"{name}: {first['msg']}"


def read_lines(source: str | Path, place: Mapping[str, int]) -> Iterator[list[Read]]:
    r"""Read opinions from where a place leaves off.

    Parameters
    ----------
    source : str or pathlib.Path
        A file of JSON lines; a folder, whose `*.jsonl` are read in the order of their names; or
        ``"-"`` for standard input. Of this and of a pipe with a name, what a place has counted is
        read again and skipped.
    place : mapping of str to int
        Bytes already read, by the name of the file.

    Yields
    ------
    list of tuple
        As `Read`: as many as could be read without waiting, 128 kB at most. A last line without
        an end is left for later: somebody may be writing it.

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
    >>> [(where, row.text) for batch in read_lines(path, {}) for _, where, row in batch]
    [(54, 'Sour milk.')]
    >>> folder.cleanup()
    """
    path = Path(source)
    piped = str(source) == "-"
    if piped and sys.stdin is None:
        raise SourceError("standard input is closed: name a file, or a pipe")
    if piped:
        with suppress(OSError):  # whoever shares the pipe may have changed it
            os.set_blocking(sys.stdin.fileno(), True)
    elif not path.exists():
        raise SourceError(f"there is no {path}: name a file of JSON lines, a folder, or -")
    files = sorted(filter(Path.is_file, path.glob("*.jsonl"))) if path.is_dir() else [path]
    for file in files:
        begun = place.get(file.name, 0)
        with nullcontext(sys.stdin.buffer) if piped else file.open("rb") as stream:
            if left := begun - _skipped(stream, begun, may_seek=not piped):
                raise SourceError(
                    f"{file} is {left} bytes shorter than what was read of it before: give all of "
                    "it again, or name another memory"
                )
            yield from _batches(file.name, stream, begun)


def _skipped(stream: Any, wanted: int, *, may_seek: bool) -> int:
    """Move on by so many bytes, and say how many there were."""
    if may_seek and stream.seekable():
        return int(stream.seek(min(wanted, stream.seek(0, os.SEEK_END))))
    done = 0
    while done < wanted and (piece := stream.read(min(wanted - done, 1 << 20))):
        done += len(piece)
    return done


def _batches(name: str, stream: Any, where: int) -> Iterator[list[Read]]:
    """Read what is there, and only then wait for more."""
    unfinished: list[bytes] = []
    while piece := stream.read1(1 << 17):
        unfinished.append(piece)
        if b"\n" not in piece:
            continue
        *lines, rest = b"".join(unfinished).split(b"\n")
        unfinished = [rest]
        batch: list[Read] = []
        for line in lines:
            where += len(line) + 1
            if line.strip():
                batch.append((name, where, opinion_of(line)))
        if batch:
            yield batch


def read_reviews(
    market: str, place: Mapping[str, int], topic: str = "department"
) -> Iterator[list[Read]]:
    """Read the reviews of a market in the order of time, as opinions with stars.

    Those of the latest time are left for later, as others of it may come, and so are those of the
    future.

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
    list of tuple
        As `Read`, a day at a time.

    Raises
    ------
    SourceError
        If the market has no reviews, or its items no such column.
    """
    from coupon_rec.market import load_market  # opens a database; lines need none

    tables = load_market(market)
    if tables.reviews is None:
        raise SourceError(f"the market {market} has no reviews: data/SCHEMA.md has their columns")
    reviews = tables.reviews.to_pandas()
    reviews["topic"] = reviews["item_id"].astype(str).map(_topics(tables.items, topic))
    order = ["time", "user_id", "item_id"]
    reviews = reviews[~_is_future(reviews["time"])].sort_values(order, ignore_index=True)
    # Reviews of the same time have the same place: a batch holds all of them or none.
    reviews["tick"] = (reviews["time"] - FIRST_TIME) // timedelta(microseconds=1)
    last, count = divmod(place.get("reviews", 0), MAX_REVIEWS)
    seen = int((reviews["tick"] <= last).sum())
    if seen > count:
        late = f"is one of {seen - count} that came after later ones had been counted"
        yield [("reviews", last * MAX_REVIEWS + seen, late)]
    new = reviews[(reviews["tick"] > last) & (reviews["tick"] < reviews["tick"].max())]
    columns = new.columns.intersection(["time", "topic", "rating", "text"])
    for _, day in new.groupby(new["time"].dt.date):
        where = int(day["tick"].iloc[-1]) * MAX_REVIEWS + int(day.index[-1]) + 1
        lines = day[columns].to_json(orient="records", lines=True, date_format="iso").splitlines()
        yield [("reviews", where, opinion_of(line)) for line in lines]


class _Review(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")

    position: int
    item_id: int | str


class _Reviews(BaseModel):
    """What is read of a service's answer: the name of its log, and reviews with positions in it."""

    log: str
    reviews: list[_Review]


def read_service(
    address: str,
    place: Mapping[str, int],
    market: str | None = None,
    topic: str = "department",
    *,
    key: str = "",
) -> Iterator[list[Read]]:
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
    list of tuple
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
    topics: dict[str, str | None] = {}
    log, after = next(iter(place.items()), ("", 0))
    while True:
        question = urlencode({"log": log, "after": after, "most": REVIEWS_AT_ONCE})
        answer = _asked(f"{address.rstrip('/')}/v1/reviews", question, headers)
        if not answer.reviews:
            return
        if market and not topics:
            topics = topics_of(market, topic)
        log, after = answer.log, answer.reviews[-1].position
        yield [(log, each.position, _opinion(each, topics)) for each in answer.reviews]


def _opinion(review: _Review, topics: Mapping[str, str | None]) -> OpinionRow | str:
    item = str(review.item_id)
    if topics and item not in topics:
        return f"is about item {item}, which the market does not have"
    return opinion_of(json.dumps({**review.model_dump(), "topic": topics.get(item)}))


def _asked(address: str, question: str, headers: Mapping[str, str]) -> _Reviews:
    try:
        answer = ask(f"{address}?{question}", headers=headers, seconds=10)
    except NoAnswer as error:
        raise ConnectionError(f"nothing answers at {address} ({error})") from error
    if answer.status == 429 or answer.status >= 500:
        raise ConnectionError(f"{address} cannot answer now ({answer.status})")
    if not answer.ok:
        advice = "; name another memory to begin anew" if answer.status == 409 else ""
        raise SourceError(f"{address} refuses: {answer.beginning}{advice}")
    try:
        return _Reviews.model_validate_json(answer.body)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise SourceError(f"{address} is no service of `serve` ({reason})") from error


def topics_of(market: str, topic: str) -> dict[str, str | None]:
    """What each item of a market is about, by its identifier as text; no other table is read.

    SourceError if there is no such column; ConnectionError if the market cannot be read now.
    """
    from coupon_rec.market.identifiers import exchanged, stored
    from coupon_rec.market.loading import connect
    from coupon_rec.market.sources import open_tables
    from coupon_rec.market.tables import IDENTIFIERS

    try:
        tables = open_tables(market, connect()).tables
        if "items" not in tables:
            raise SourceError(f"{market} has no items: put items.parquet or items.csv there")
        names = stored(tables[IDENTIFIERS])[0] if IDENTIFIERS in tables else {}
        return _topics(exchanged(tables["items"], names, put="text", instead="number"), topic)
    except SourceError:
        raise
    except Exception as error:  # whatever the engine says while the files are written anew
        raise ConnectionError(f"the items of {market} cannot be read now ({error})") from error


def _topics(items: "Table", topic: str) -> dict[str, str | None]:
    if topic not in items.columns:
        raise SourceError(f"items have no column {topic}; there are {', '.join(items.columns)}")
    rows = items.select("item_id", topic=items[topic].cast("string")).to_pandas()
    rows = rows.convert_dtypes()  # identifiers that are floats, too
    names = rows["topic"].astype(object)
    return dict(zip(rows["item_id"].astype(str), names.where(names.notna(), None), strict=True))
