"""Whatever is sent, nothing is answered with 500."""

import json
import random
import re
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from shop import PATIENCE, Service, purchase, question

pytestmark = pytest.mark.slow

MALFORMED = 10_000
ANSWERED = re.compile(rb"HTTP/1\.1 ([2-9]\d\d) ")
"""The line that begins an answer: status 100 only asks for the body."""
JUNK = (
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    -(10**30),
    float("nan"),
    float("inf"),
    1e308,
    "",
    "1",
    "\ud800",
    "\x00",
    "9999-12-31T23:59:59.999999+14:00",
    "0001-01-01T00:00:00",
    "a" * 10_000,
    [],
    {},
    [[[[]]]],
    {"": {"": None}},
)
PATHS = (
    "/v1/recommendations",
    "/v1/events",
    "/v1/items",
    "/v1/coupons",
    "/v1/reviews",
    "/v1/users/1/stream",
    "/v1/reload",
    "/metrics",
    "/",
)
HEADERS = (
    b"Content-Type: application/json",
    b"Content-Type: text/plain",
    b"Content-Type: application/json; charset=utf-99",
    b"Content-Type: \xff\xfe",
    b"Content-Type: multipart/form-data",
    b"Authorization: Bearer \xff",
    b"X-Forwarded-For: \xff, nobody",
    b"Content-Encoding: gzip",
    b"Expect: 100-continue",
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Host:",
    b"No colon",
    b"A: " + b"b" * 9000,
)


def spoiled(value: Any, chance: random.Random) -> Any:
    """Replace something, somewhere in a JSON value, by junk."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        action = chance.random()
        if action < 0.15:
            return {each: what for each, what in value.items() if each != name}
        if action < 0.3:
            return {**value, chance.choice(("x", "", "\ud800", "__proto__")): chance.choice(JUNK)}
        return {**value, name: spoiled(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        return [*value[:-1], spoiled(value[-1], chance)]
    return chance.choice(JUNK)


def body(chance: random.Random) -> bytes:
    """A request's body with something wrong: in its values, its JSON, or its bytes."""
    whole = chance.choice((question(1), {"events": [purchase(1, 1), purchase(2, 1)]}))
    text = json.dumps(spoiled(whole, chance)).encode()
    action = chance.random()
    if action < 0.1:
        return text[: chance.randrange(len(text))]
    if action < 0.2:
        place = chance.randrange(len(text))
        return text[:place] + chance.randbytes(3) + text[place:]
    if action < 0.25:
        return chance.choice((b"[", b'{"a":')) * chance.choice((10, 1000, 50_000))
    if action < 0.3:
        return chance.randbytes(100)
    return text


def message(chance: random.Random) -> bytes:
    """An HTTP request with something wrong: mostly in the body, sometimes in HTTP itself."""
    content = body(chance)
    path = chance.choice(PATHS[:3]) if chance.random() < 0.7 else chance.choice(PATHS)
    if chance.random() < 0.1:
        path = chance.choice(
            (
                "/v1/users/-1/stream",
                "/v1/users/" + "9" * 5000 + "/stream",
                "/v1/users/%ff/stream",
                "/v1/coupons?day=%00",
                "/v1/coupons?day=9999-99-99&day=",
                "/%2e%2e/" + "a" * 3000,
            )
        )
    method = "POST" if chance.random() < 0.8 else chance.choice(("GET", "PUT", "HEAD", "X", "get"))
    headers = [HEADERS[0]] if chance.random() < 0.8 else chance.sample(HEADERS, 3)
    framing = chance.random()
    if framing < 0.85:
        headers.append(b"Content-Length: %d" % len(content))
    elif framing < 0.9:
        headers.append(chance.choice((b"Content-Length: -5", b"Content-Length: " + b"9" * 30)))
    else:
        headers.append(b"Transfer-Encoding: chunked")
        size = chance.choice((b"%x" % len(content), b"zz", b"-1", b"f" * 20))
        content = size + b"\r\n" + content + b"\r\n0\r\n\r\n"
    version = "1.1" if chance.random() < 0.97 else chance.choice(("1.0", "0.9", "3.0", "x"))
    head = f"{method} {path} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n".encode()
    return head + b"\r\n".join(headers) + b"\r\n\r\n" + content


def status(port: int, sent: bytes) -> int:
    """Send a message and read the status of the answer; 0 if the connection ends without one.

    The body of an answer is not waited for: that of a stream never ends.
    """
    received = b""
    with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), PATIENCE) as line:
        line.sendall(sent)
        while not (found := ANSWERED.findall(received)):
            if not (part := line.recv(10_000)):
                break
            received += part
    return int(found[-1]) if found else 0


def test_ten_thousand_malformed_requests_get_no_answer_of_500_or_more(process: Service) -> None:
    chance = random.Random(0)
    messages = [message(chance) for _ in range(MALFORMED)]
    with ThreadPoolExecutor(8) as threads:
        found = Counter(threads.map(lambda sent: status(process.port, sent), messages))
    assert sum(number for code, number in found.items() if code >= 500) == 0, found
    assert sum(number for code, number in found.items() if 400 <= code < 500) > MALFORMED / 2
    assert found[0] < MALFORMED / 100, "a request without an answer may hide one of 500"
    assert process.ask(1)["coupons"]
    assert "internal error" not in process.words.read_text()


def test_schemathesis_finds_nothing(process: Service, tmp_path: Path) -> None:
    # A stream never ends; test_stream.py reads it.
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", "--no-color", "--seed", "1"),
        *("--max-examples", "60", "--exclude-path-regex", "/stream$"),
        *("--generation-database", "none", "--suppress-health-check", "all"),
        f"http://127.0.0.1:{process.port}/openapi.json",
    ]
    report = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert report.returncode == 0, report.stdout
    assert "9 selected" in report.stdout, report.stdout
    assert "internal error" not in process.words.read_text()
