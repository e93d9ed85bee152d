"""Where opinions come from: JSON lines of a file, a folder or a pipe, or reviews of a market."""

import json
import os
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from unicodedata import category

if TYPE_CHECKING:
    from ibis import Table

Read = tuple[str, int, dict[str, Any] | str | None]
"""A file's name, the bytes of it that have been read, and an opinion, or what is wrong with it;
None where what comes next may take a while."""

MOST_READ = 5000
"""Letters of an opinion's text that are read."""
MOST_TOPIC = 100
"""Letters of a topic: it has to go into a header."""
COUNTED, ALIKE = 10**9, 10**6
"""Above the number of reviews of a market, and of those with the same time."""
FIRST = datetime(1899, 1, 1)
"""Before the time of any review."""


class SourceError(ValueError):
    """A stream that cannot be read; the message says why and what to do."""


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
    >>> [(where, opinion["text"]) for _, where, opinion in read_lines(path, {})]
    [(54, 'Sour milk.')]
    >>> folder.cleanup()
    """
    path = Path(source)
    if str(source) == "-" or (path.exists() and not (path.is_file() or path.is_dir())):
        stream = _standard_input() if str(source) == "-" else path.open("rb")
        left = place.get("-", 0)
        while left > 0 and (skipped := stream.read(min(left, 1 << 20))):
            left -= len(skipped)
        if left > 0:
            raise SourceError(
                f"the pipe is {left} bytes shorter than what was read before: send the whole "
                "stream again, or name another state"
            )
        yield from _piped(stream, place.get("-", 0))
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


def _lines(name: str, stream: BinaryIO, where: int) -> Iterator[Read]:
    for line in stream:
        if not line.endswith(b"\n"):
            return
        where += len(line)
        if line.strip():
            yield name, where, _parsed(line)


def _standard_input() -> Any:
    """The bytes of standard input, for whose next ones a reader waits."""
    if sys.stdin is None:
        raise SourceError("standard input is closed: name a file, or a pipe")
    with suppress(OSError):  # it is no file of the system
        os.set_blocking(sys.stdin.fileno(), True)
    return sys.stdin.buffer


def _piped(stream: Any, where: int) -> Iterator[Read]:
    """Read what is there, and only then wait for more."""
    begun: list[bytes] = []
    while piece := stream.read1(1 << 16):
        begun.append(piece)
        if b"\n" not in piece:
            continue
        *lines, rest = b"".join(begun).split(b"\n")
        begun = [rest]
        for line in lines:
            where += len(line) + 1
            if line.strip():
                yield "-", where, _parsed(line)
        yield "-", where, None


def _parsed(line: bytes) -> dict[str, Any] | str:
    try:
        opinion = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"is no JSON ({error})"
    if not isinstance(opinion, dict):
        return f"is no JSON object but {type(opinion).__name__}"
    return opinion_of(opinion)


def _of_the_future(time: datetime) -> bool:
    """Whether a time in UTC is a day ahead or more, so that no zone explains it."""
    return time - datetime.now(UTC).replace(tzinfo=None) >= timedelta(days=1)


def opinion_of(opinion: dict[str, Any]) -> dict[str, Any] | str:
    """Give an opinion with its time parsed, in UTC where it names a zone; or what is wrong.

    Its topic comes without blanks around it; of its text, the first letters, with halves of
    characters replaced.
    """
    try:
        time = datetime.fromisoformat(opinion["time"])
        if time.tzinfo is not None:
            time = time.astimezone(UTC).replace(tzinfo=None)
    except (KeyError, TypeError, ValueError, OverflowError):
        return "has no time such as 2026-11-02T09:30:00"
    if _of_the_future(time):
        return f"is of the future ({time.isoformat()}): it would end every hour until then"
    text, topic, stars = (opinion.get(name) for name in ("text", "topic", "rating"))
    if not isinstance(text, str | None) or not isinstance(topic, str | None):
        return "has a text or a topic that is no text"
    if any(category(letter) in ("Cc", "Cs") for letter in topic or ""):
        return "has a topic with a letter that nobody can read"
    number = isinstance(stars, int | float | None) and not isinstance(stars, bool)
    if not number or (isinstance(stars, float) and not isfinite(stars)):
        return "has a rating that is no number"
    if stars is not None and not 1 <= stars <= 5:
        return f"has a rating of {stars}: stars are 1 to 5, and up to 2 are negative"
    if stars is None and not text:
        return "has neither a text nor a rating"
    if not (topic or "").strip() and not (text or "").strip():
        return "has neither a topic nor a text"
    if len(topic or "") > MOST_TOPIC:
        return f"has a topic of more than {MOST_TOPIC} letters"
    opinion = {**opinion, "time": time}
    if topic:
        opinion["topic"] = topic.strip()
    if text:
        opinion["text"] = text[:MOST_READ].encode(errors="replace").decode()
    return opinion


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
    # Of each review, a number that orders it by time, and among those of the same time; the last of
    # these has the highest that there is, so that none comes after it.
    ticks = ((reviews["time"] - FIRST) // timedelta(microseconds=1)).tolist()
    same = reviews.groupby("time").cumcount().where(reviews["time"].duplicated(keep="last"), ALIKE)
    keys = [tick * (ALIKE + 1) + number for tick, number in zip(ticks, same.tolist(), strict=True)]
    last, count = divmod(place.get("reviews", 0), COUNTED)
    if count and not last:  # the place of version 1.0, which was a count
        last = ticks[min(count, len(ticks)) - 1] * (ALIKE + 1) + ALIKE if ticks else 0
    known = bisect_right(keys, last) if count else 0
    where = last * COUNTED + known
    if known > count:
        told = f"is one of {known - count} that came after later ones had been counted"
        yield "reviews", where, told
    texts = reviews["text"] if "text" in reviews else [None] * len(reviews)
    rows = zip(reviews["time"], reviews["topic"], reviews["rating"], texts, strict=True)
    for number, (time, about, stars, text) in enumerate(rows, start=1):
        if number > known and ticks[number - 1] < ticks[-1]:
            opinion = {
                "time": time.isoformat(),
                "topic": about if isinstance(about, str) else None,
                "rating": int(stars),
                "text": text if isinstance(text, str) else None,
            }
            if not _of_the_future(time.to_pydatetime()):  # no other would be new until then
                where = keys[number - 1] * COUNTED + number
            yield "reviews", where, opinion_of(opinion)


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
        names = stored(tables[IDENTIFIERS])[0].get("item_id") if IDENTIFIERS in tables else None
        found = _topic_of(items, topic)
        if names is not None:
            found = found.join(names, found.item_id == names.number)
            found = found.select("topic", item_id="text")
        if not found["item_id"].type().is_string():
            found = found.mutate(item_id=found["item_id"].cast("int64"))
        rows = found.to_pandas()
    except (SourceError, ConnectionError):
        raise
    except Exception as error:  # whatever the engine says while the files are written anew
        raise ConnectionError(f"the items of {market} cannot be read now ({error})") from error
    return dict(zip(rows["item_id"].astype(str), rows["topic"], strict=True))


def _topic_of(items: "Table", topic: str) -> "Table":
    if topic not in items.columns:
        raise SourceError(f"items have no column {topic}; there are {', '.join(items.columns)}")
    return items.select("item_id", topic=items[topic].cast("string"))
