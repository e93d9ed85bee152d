"""Whom we ask has a time and a size, sends us nowhere else, and is heard piece by piece."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from time import monotonic, sleep
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from coupon_rec import _web
from coupon_rec._web import MOST_BYTES, opened
from coupon_rec.assistant import hand_to, service
from coupon_rec.listening import SourceError, read_service

Send = Callable[[bytes], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "foo",
        "ftp://shop",
        "http://",
        "http://.:8000",
        "http://[bad/",
        "http://a@b",
        "http://a b/",
    ],
)
def test_what_is_no_address_of_the_web_is_refused_before_anything_is_asked(text: str) -> None:
    for ask in (service, hand_to, lambda text: next(read_service(text, {}))):
        with pytest.raises(ValueError, match="address such as http"):
            ask(text)


def test_an_address_may_have_an_at_where_no_password_stands() -> None:
    assert _web.is_address("https://shop.example/webhookb2/1a@2b/IncomingWebhook/x")
    assert _web.is_address("https://shop.example?to=a@b.example")
    assert not _web.is_address("https://shop.example\\@other.example/")


def test_a_key_is_shown_without_the_blanks_around_it_and_told_in_no_error() -> None:
    assert _web.bearer("s3cret-key\n") == {"Authorization": "Bearer s3cret-key"}
    assert _web.bearer("") == {}
    for key in (" ", "two\nlines", "schlüssel"):
        with pytest.raises(ValueError, match="no header can hold") as problem:
            _web.bearer(key)
        assert key.strip() not in str(problem.value) or not key.strip()


@pytest.mark.parametrize(
    "body",
    [
        '{"log": "x", "reviews": [{}]}',
        '{"log": "x", "reviews": "abc"}',
        '{"log": "x", "reviews": [null]}',
        '{"log": ["x"], "reviews": []}',
        '{"log": "x", "reviews": [{"position": "1", "time": "", "rating": 1, "text": "", '
        '"item_id": 1}]}',
        "[]",
        "null",
    ],
)
def test_an_answer_with_no_reviews_is_named(body: str) -> None:
    sent = b"HTTP/1.1 200 OK\r\n\r\n" + body.encode()
    problem = pytest.raises(SourceError, match="is no service of `serve`")
    with serving(lambda send: send(sent)) as (address, _), problem:
        next(read_service(address, {}))


@contextmanager
def serving(answer: Callable[[Send], object]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads the beginning of each request, and lets `answer` send what it likes."""
    asked: list[bytes] = []

    def run() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    asked.append(connection.recv(2**16))
                    answer(connection.sendall)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(2**16):
                        pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=run, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked


def read(url: str, seconds: float) -> bytes:
    with opened(Request(url, b"{}"), seconds) as answer:
        return answer.read()


@pytest.mark.parametrize(
    ("begin", "piece"),
    [(b"", b"H"), (b"HTTP/1.1 200 OK\r\nX: ", b"a"), (OK, b" "), (b"HTTP/1.1 200 OK\r\n\r\n", b"")],
    ids=["the status", "a header", "the body", "nothing"],
)
def test_who_drips_is_left_when_the_time_is_over(begin: bytes, piece: bytes) -> None:
    left = Event()

    def drip(send: Send) -> None:
        send(begin)
        while not left.wait(0.02):
            send(piece)

    start = monotonic()
    with serving(drip) as (url, _), pytest.raises(OSError, match="time"):
        try:
            read(url, 0.2)
        finally:
            left.set()
    assert monotonic() - start < 5


def test_who_sends_without_an_end_is_left() -> None:
    def flood(send: Send) -> None:
        send(OK)
        for _ in range(2 * MOST_BYTES // 2**16):
            send(b" " * 2**16)

    with serving(flood) as (url, _), pytest.raises(OSError, match="too many bytes"):
        read(url, 20)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ],
)
def test_sizes_that_no_answer_has_are_as_if_nobody_answered(answer: bytes) -> None:
    with serving(lambda send: send(answer)) as (url, _), pytest.raises(ValueError):
        service(url)(7)


def test_all_addresses_of_a_host_have_one_time_together(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = [(0, 0, 0, "", (f"192.0.2.{last}", 80)) for last in range(5)]
    waited: list[float] = []

    def dropped(_: object, seconds: float) -> None:
        waited.append(seconds)
        sleep(min(seconds, 0.1))
        raise TimeoutError

    monkeypatch.setattr(_web, "getaddrinfo", lambda *_, **__: silent)
    monkeypatch.setattr(_web, "create_connection", dropped)
    with pytest.raises(OSError):
        read("http://shop.example", 0.25)
    assert len(waited) == 3 and waited[0] > waited[1] > waited[2]


def test_an_answer_is_read_while_it_comes() -> None:
    heard = Event()

    def two(send: Send) -> None:
        send(OK + b"one\n")
        assert heard.wait(20)
        send(b"two\n")

    with serving(two) as (url, _), opened(Request(url, b"{}"), 20) as answer:
        assert next(answer) == b"one\n"
        heard.set()
        assert list(answer) == [b"two\n"]


def test_neither_a_key_nor_words_go_where_a_server_points() -> None:
    mine = {"user_id": 7, "coupons": []}
    with serving(lambda send: send(OK + json.dumps(mine).encode())) as (other, followed):
        there = f"HTTP/1.1 302 Look there\r\nLocation: {other}\r\nContent-Length: 0\r\n\r\n"
        with serving(lambda send: send(there.encode())) as (url, asked):
            with pytest.raises(HTTPError):
                read(url, 20)
            with pytest.raises(ValueError, match="refused"):
                service(url, "s3cret")(7)
            with pytest.raises(OSError):
                hand_to(url)(7, "d1", "I am Emma")
    assert len(asked) == 3 and not followed
