"""Whom we ask has a time and a size, and sends us nowhere else."""

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from time import monotonic

import pytest
from receiver import Receiver

from coupon_rec.assistant import hand_to, service
from coupon_rec.listening import SourceError, read_service
from coupon_rec.outgoing import MAX_BYTES, NoAnswer, Unreachable, ask, bearer, is_address
from coupon_rec.outgoing import hook as web_hook

Send = Callable[[bytes], None]
OK = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n"


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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "ftp://shop",
        "http://",
        "http://.:8000",
        "http://[bad/",
        "http://a@b",
        "http://a b/",
        "https://shop.example\\@other.example/",
    ],
)
def test_what_is_no_address_of_the_web_is_refused_before_anything_is_asked(text: str) -> None:
    for opens in (service, web_hook, hand_to, lambda text: next(read_service(text, {}))):
        with pytest.raises(ValueError, match="address such as http"):
            opens(text)


def test_an_address_may_have_an_at_where_no_password_stands() -> None:
    assert is_address("https://shop.example/webhookb2/1a@2b/IncomingWebhook/x")
    assert is_address("https://shop.example?to=a@b.example")


def test_a_key_is_shown_without_the_blanks_around_it_and_told_in_no_error() -> None:
    assert bearer("s3cret-key\n") == {"Authorization": "Bearer s3cret-key"}
    assert bearer("") == {}
    for key in (" ", "two\nlines", "schlüssel"):
        with pytest.raises(ValueError, match="no header can hold") as problem:
            bearer(key)
        assert key.strip() not in str(problem.value) or not key.strip()


def test_an_answer_is_given_whatever_its_status_and_where_a_loop_runs_too() -> None:
    sent = b"HTTP/1.1 404 No\r\nX-Request-Id: r1\r\n\r\nnothing here"
    with serving(lambda send: send(sent)) as (url, asked):

        async def in_a_notebook() -> str:
            return ask(url, b"{}", bearer("s3cret"), seconds=20).beginning

        assert asyncio.run(in_a_notebook()) == "nothing here"
        answer = ask(url, seconds=20)
    assert (answer.status, answer.ok, answer.headers["x-request-id"]) == (404, False, "r1")
    assert asked[0].startswith(b"POST / ") and b"Authorization: Bearer s3cret" in asked[0]
    assert asked[1].startswith(b"GET / ")


@pytest.mark.parametrize("name", ["молоко 9", "Men’s wear", "a: b%c", " milk"])
def test_a_hook_gets_an_object_with_any_name_and_its_address_is_in_no_log(
    name: str, hook: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    web_hook(hook.address)({"id": name})
    assert hook.ids == [name] and "/hook" not in caplog.text
    hook.status = 503
    with pytest.raises(NoAnswer, match="answers 503"):
        web_hook(hook.address)({"id": name})


@pytest.mark.parametrize(
    ("begin", "piece"),
    [(b"", b"H"), (b"HTTP/1.1 200 OK\r\nX: ", b"a"), (OK, b" "), (OK, b"")],
    ids=["the status", "a header", "the body", "nothing"],
)
def test_who_drips_is_left_when_the_time_is_over(begin: bytes, piece: bytes) -> None:
    left = Event()

    def drip(send: Send) -> None:
        send(begin)
        while not left.wait(0.02):
            send(piece)

    start = monotonic()
    with serving(drip) as (url, _), pytest.raises(Unreachable, match=r"within 0\.2 seconds"):
        try:
            ask(url, seconds=0.2)
        finally:
            left.set()
    assert monotonic() - start < 5


def test_who_sends_without_an_end_is_left() -> None:
    def flood(send: Send) -> None:
        send(OK)
        for _ in range(2 * MAX_BYTES // 2**16):
            send(b" " * 2**16)

    with serving(flood) as (url, _), pytest.raises(NoAnswer, match="more than 8,388,608 bytes"):
        ask(url, seconds=20)


def test_few_bytes_are_not_unpacked_to_many() -> None:
    bomb = gzip.compress(b" " * 2**24)
    headers = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    with serving(lambda send: send(headers + bomb)) as (url, asked):
        assert ask(url, seconds=20).body == bomb
    assert b"Accept-Encoding: identity" in asked[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        CHUNKED + b"FFFFFFFFFFFFFFFF\r\n",
        CHUNKED + b"-5\r\n",
        b"220 mail.example\r\n",
    ],
)
def test_an_answer_that_is_none_is_named(answer: bytes) -> None:
    with serving(lambda send: send(answer)) as (url, _):
        with pytest.raises(NoAnswer):
            ask(url, seconds=20)
        with pytest.raises(ValueError, match="did not answer as `serve` does"):
            service(url)(7)


@pytest.mark.parametrize(
    "body",
    [
        '{"log": "x", "reviews": [{}]}',
        '{"log": "x", "reviews": "abc"}',
        '{"log": ["x"], "reviews": []}',
        '{"log": "x", "reviews": [{"position": "1", "time": "", "rating": 1, "text": "", '
        '"item_id": 1}]}',
        "null",
        "[" * 100_000,
    ],
)
def test_an_answer_with_no_reviews_is_named(body: str) -> None:
    problem = pytest.raises(SourceError, match="is no service of `serve`")
    with serving(lambda send: send(OK + body.encode())) as (address, _), problem:
        next(read_service(address, {}))


def test_neither_a_key_nor_words_go_where_a_server_or_the_environment_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = {"user_id": 7, "coupons": []}
    with serving(lambda send: send(OK + json.dumps(mine).encode())) as (other, followed):
        monkeypatch.setenv("http_proxy", other)
        there = f"HTTP/1.1 302 Look there\r\nLocation: {other}\r\nContent-Length: 0\r\n\r\n"
        with serving(lambda send: send(there.encode())) as (url, asked):
            assert ask(url, b"{}", seconds=20).status == 302
            with pytest.raises(ValueError, match="refused"):
                service(url, "s3cret")(7)
            with pytest.raises(NoAnswer, match="answers 302"):
                hand_to(url)(7, "d1", "I am Emma")
    assert len(asked) == 3 and not followed
