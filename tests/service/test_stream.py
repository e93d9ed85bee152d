"""A new best coupon is pushed when what a user does changes it; the end is orderly."""

import json
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection

import httpx
import pytest
from running import Inside
from shop import PATIENCE, Service, purchase, stream, until

from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.http.streams import OF_A_USER, Streams


def test_a_stream_that_is_left_is_forgotten(process: Service) -> None:
    for _ in range(3):
        with stream(process, 3) as messages:
            next(messages)
    until(lambda: process.metric("coupon_rec_streams") == 0)


def test_an_idle_connection_outlives_the_five_seconds_of_common_clients(process: Service) -> None:
    line = HTTPConnection("127.0.0.1", process.port, timeout=PATIENCE)
    for pause in (0, 6):
        time.sleep(pause)
        line.request("GET", "/readyz")
        assert line.getresponse().read()
    line.close()


@pytest.mark.parametrize(("limit", "user", "many"), [(2, 1, 2), (10 * OF_A_USER, 1, OF_A_USER)])
def test_only_so_many_streams_are_open_of_all_and_of_a_user(
    limit: int, user: int, many: int
) -> None:
    streams = Streams(Settings(stream_limit=limit))
    with ExitStack() as opened:
        for _ in range(many):
            opened.enter_context(streams.open(user))
        with pytest.raises(Refused, match="too many streams"), streams.open(user):
            pass
    with streams.open(user):
        assert len(streams) == 1
    streams.stop()
    with pytest.raises(Refused, match="the service stops"), streams.open(user):
        pass


def test_a_stop_ends_the_streams_and_finishes_what_is_in_flight(
    serve: Callable[..., Service], inside: Callable[..., Inside]
) -> None:
    service = serve()
    body = json.dumps({"events": [purchase("late", 5)]}).encode()
    head = (
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with (
        stream(service, 3) as messages,
        socket.create_connection(("127.0.0.1", service.port), PATIENCE) as begun,
    ):
        next(messages)
        begun.sendall(head.encode())
        assert begun.recv(10_000).startswith(b"HTTP/1.1 100 Continue")
        begun.sendall(body[:20])
        service.process.send_signal(signal.SIGTERM)
        assert list(messages) == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{service.port}/healthz")
        begun.sendall(body[20:])
        assert begun.recv(10_000).startswith(b"HTTP/1.1 200 OK")
    service.process.wait(PATIENCE)
    words = service.words.read_text()
    assert "Finished server process" in words
    assert "Traceback" not in words
    assert inside().ask(1)["bundle"], "another process may have its files"
