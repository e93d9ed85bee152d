"""Whatever is sent, nothing is answered with 500."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from shop import Service, purchase, question

pytestmark = pytest.mark.slow

MALFORMED = 5_000
JUNK = (
    *(None, True, -1, 0, 1.5, 10**30, -(10**30), float("nan"), float("inf"), 1e308),
    *("", "1", "\ud800", "\x00", "a" * 10_000),
    *("9999-12-31T23:59:59.999999+14:00", "0001-01-01T00:00:00"),
    *([], {}, [[[[]]]], {"": {"": None}}),
)
PATHS = ("/v1/recommendations", "/v1/events", "/v1/items")


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
    place = chance.randrange(len(text))
    changes = (
        *[text] * 6,
        text[:place],
        text[:place] + chance.randbytes(3) + text[place:],
        chance.choice((b"[", b'{"a":')) * chance.choice((10, 1000, 50_000)),
        chance.randbytes(100),
    )
    return chance.choice(changes)


def test_thousands_of_malformed_requests_get_no_answer_of_500_or_more(process: Service) -> None:
    chance = random.Random(0)
    found = Counter[int]()
    for _ in range(MALFORMED):
        kind = chance.choice(
            (b"text/plain", b"multipart/form-data", b"\xff\xfe", b"a/b; charset=x")
        )
        headers = {"Content-Type": kind if chance.random() < 0.2 else b"application/json"}
        sent = {"content": body(chance), "headers": headers}
        found[process.client.post(chance.choice(PATHS), **sent).status_code] += 1
    assert max(found) < 500, found
    assert sum(number for code, number in found.items() if code >= 400) > MALFORMED / 2
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
