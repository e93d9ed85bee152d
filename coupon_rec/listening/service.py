"""The reviews that a service has taken in, as a stream of opinions."""

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request

from coupon_rec._web import BROKEN, bearer, is_address, opened, quoted
from coupon_rec.listening.sources import Read, SourceError, opinion_of, topics_of

COME_AGAIN = (429, 500, 502, 503, 504)
"""What a service, or a proxy before it, says while it has too much to do, starts or stumbles."""
OPINION = ("time", "rating", "text")
AT_ONCE = 200
"""Reviews in an answer: with the longest words, in any script, they are no more than is read."""


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
        question = {"log": log, "after": after, "most": AT_ONCE}
        log, reviews = _asked(f"{address.rstrip('/')}/v1/reviews", question, headers)
        if not reviews:
            return
        if market and topics is None:
            topics = topics_of(market, topic)
        for after, review in reviews:
            yield log, after, _opinion(review, topics)


def _opinion(
    review: dict[str, Any], topics: Mapping[str, str | None] | None
) -> dict[str, Any] | str:
    opinion = {name: review[name] for name in OPINION}
    if topics is None:
        return opinion_of(opinion)
    item = str(review["item_id"])
    if item not in topics:
        return f"is about item {item}, which the market does not have"
    return opinion_of({**opinion, "topic": topics[item]})


def _asked(
    address: str, question: Mapping[str, object], headers: dict[str, str]
) -> tuple[str, list[tuple[int, dict[str, Any]]]]:
    """The name of the service's log, and its next reviews with their positions."""
    try:
        request = Request(f"{address}?{urlencode(question)}", headers=headers)
        with opened(request, seconds=10) as answer:
            found = json.load(answer)
        log, reviews = (
            found["log"],
            [
                (review["position"], {name: review[name] for name in (*OPINION, "item_id")})
                for review in found["reviews"]
            ],
        )
        if not all(isinstance(position, int) for position, _ in reviews) or type(log) is not str:
            raise ValueError("no reviews in the answer")
        return log, reviews
    except HTTPError as error:
        if error.code in COME_AGAIN:
            raise ConnectionError(f"{address} cannot answer now ({error.code})") from error
        said = quoted(error)
        if error.code == 409:
            said += "; name another memory to begin anew"
        raise SourceError(f"{address} refuses: {said}") from error
    except (URLError, HTTPException, OSError) as error:
        raise ConnectionError(f"nothing answers at {address} ({error})") from error
    except BROKEN as error:
        said = f"{type(error).__name__}: {error}"
        raise SourceError(f"{address} is no service of `serve` ({said})") from error
