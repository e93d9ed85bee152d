"""Compare what two checkouts answer to the same 2,000 requests, before and after a change of code.

python tools/replay.py checkout ../other        this checkout and another, both now
python tools/replay.py record after.jsonl.gz    the answers of this one
python tools/replay.py compare tests/data/replay/answers.jsonl.gz after.jsonl.gz

The stored requests go to a new service, one after the other: who is asked about which coupons, on
which day, with which events between. Both checkouts serve one bundle, so their answers have to be
the same: each difference is counted, and the first five of each kind are shown.

Numbers that differ by less than a millionth are ties, and so is the order of coupons whose values
do: a sum taken in another order may do that. Ties are counted, and are no difference.

Where a later version refuses the bundle, `--market tests/data/one/market` exports one anew from the
stored model. `requests` wrote tests/data/replay/requests.jsonl.gz.
"""

import argparse
import gzip
import itertools
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

SEED = 1
COUNT = 2000
CONTACT = 0.03
"""What a letter costs in the service that is asked: a fifth of the coupons are not worth it."""
TIE = 1e-6
SHOWN = 5
KINDS = ("same", "ties", "coupons", "values", "reasons", "others")
PATIENCE = 120

ROOT = Path(__file__).parent.parent
ONE = ROOT / "tests" / "data" / "one"
BUNDLE, MODEL, MARKET = ONE / "bundle", ONE / "model.keras", ONE / "market"
DATES = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22", "--day", "2017-06-01")
STORED = ROOT / "tests" / "data" / "replay"
REQUESTS, ANSWERS = STORED / "requests.jsonl.gz", STORED / "answers.jsonl.gz"

Json = dict[str, Any]


# The requests


def made_requests(seed: int = SEED, count: int = COUNT) -> Iterator[Json]:
    """Make requests about the sample market, whose fourth campaign runs until June 21."""
    chance = random.Random(seed)
    opening = datetime(2017, 6, 1, 7)
    sent: list[Json] = []
    for number in range(count):
        now = opening + number * timedelta(days=15) / count
        now = now.replace(minute=chance.randrange(60), second=chance.randrange(60), microsecond=0)
        kind = chance.choices(("coupons", "items", "events", "wrong"), (55, 12, 30, 3))[0]
        if kind == "events":
            events = [
                event(chance, f"{number}:{each}", now) for each in range(chance.choice((1, 3)))
            ]
            if sent and chance.random() < 0.05:
                events.append(chance.choice(sent))  # a till that sends it again
            sent += events
            yield {"path": "/v1/events", "body": {"events": events}}
        else:
            ahead = timedelta(days=chance.choice((*[0] * 6, 1, 3, 7, 40)))
            body: Json = {"user_id": someone(chance), "context": {"time": said(now + ahead)}}
            body["k"] = chance.choice((1, 2, 3, 5, 5, 8, 20))
            if kind == "items":
                yield {"path": "/v1/items", "body": body}
                continue
            if kind == "wrong":
                body |= chance.choice(
                    [{"k": 0}, {"context": {"time": "soon"}}, {"platform": "phone"}, {"kk": 3}]
                )
            elif chance.random() < 0.1:
                body["explain"] = True
            yield {"path": "/v1/recommendations", "body": body}


def said(moment: datetime) -> str:
    """Write a time."""
    return moment.isoformat(timespec="seconds")


def someone(chance: random.Random) -> int | str:
    """Draw a user; one in twelve is unknown to the market, and some of these come again."""
    if chance.random() < 1 / 12:
        return chance.choice((chance.randint(61, 90), f"guest-{chance.randint(1, 20)}"))
    return chance.randint(1, 60)


def event(chance: random.Random, name: str, now: datetime) -> Json:
    """Make an event of any kind; some come a day late."""
    kind = chance.choices(("purchase", "view", "click", "redemption", "review"), (9, 4, 3, 3, 1))[0]
    moment = now - timedelta(days=chance.random() < 0.1)
    body: Json = {"event_id": name, "kind": kind, "user_id": someone(chance), "time": said(moment)}
    if kind == "redemption":
        return body | {"campaign_id": 4, "coupon_id": chance.randint(501, 508)}
    body["item_id"] = chance.randint(1001, 1205)  # the last five are new
    if kind == "purchase":
        body |= {"basket_id": 10**6 + int(name.partition(":")[0])}
        body |= {"quantity": chance.randint(1, 3), "amount": round(chance.uniform(0.5, 20), 2)}
    elif kind == "review":
        body["rating"] = chance.randint(1, 5)
    return body


# The answers


@contextmanager
def service(checkout: Path, python: Path, bundle: Path, folder: Path) -> Iterator[httpx.Client]:
    """Start a service of a checkout on a free port, and give a client of it."""
    logs = ("--log", folder / "events", "--decisions", "none", "--contact", CONTACT)
    words = folder / "words"
    with words.open("w") as sink:
        process = subprocess.Popen(
            command(python, "serve", bundle, "--port", 0, *logs),
            cwd=folder,
            env=environment(checkout),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", words.read_text("utf-8"))):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{checkout}: no service of {bundle}\n{words.read_text('utf-8')}")
            time.sleep(0.05)
        with httpx.Client(base_url=found[0], timeout=PATIENCE) as client:
            yield client
    finally:
        process.kill()
        process.wait()


def command(python: Path, *words: object) -> list[str]:
    """Write out a command of the package."""
    return [str(python), "-m", "coupon_rec", *map(str, words)]


def environment(checkout: Path) -> dict[str, str]:
    """Let the package of a checkout come first, whichever one the Python has installed."""
    return {**os.environ, "PYTHONPATH": str(checkout.resolve())}


def python_of(checkout: Path) -> Path:
    """Take the Python of a checkout, or this one where it has none."""
    own = checkout.resolve() / ".venv" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


def record(
    checkout: Path, python: Path | None = None, bundle: Path = BUNDLE, market: Path | None = None
) -> Iterator[Json]:
    """Put the stored requests to a service of a checkout, and give its answers."""
    python = python or python_of(checkout)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if market:
            export = ("export", MODEL, folder / "bundle", "--market", market.resolve(), *DATES)
            subprocess.run(
                command(python, *export),
                check=True,
                cwd=folder,
                env=environment(checkout),
                stdout=subprocess.DEVNULL,
            )
            bundle = folder / "bundle"
        with service(checkout, python, bundle.resolve(), folder) as client:
            for request in read(REQUESTS):
                reply = client.post(request["path"], json=request["body"])
                yield {"status": reply.status_code, **shortened(reply.json())}


def shortened(value: Any) -> Any:
    """Round the numbers, to a thousandth of a tie."""
    if isinstance(value, dict):
        return {name: shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shortened(each) for each in value]
    return round(value, 9) if isinstance(value, float) else value


# The comparison


def differences(a: Json, b: Json) -> set[str]:
    """Say in what two answers differ: nothing, ties alone, or some of `KINDS`."""
    found = {"others"} if about(a) != about(b) else set()
    left, right = chosen(a), chosen(b)
    ours, theirs = list(left), list(right)
    for mine, other in itertools.zip_longest(ours, theirs):
        if mine != other:
            swapped = (
                mine in right and other in left and tied(worth(left[mine]), worth(right[other]))
            )
            found.add("ties" if swapped else "coupons")
    for name in left.keys() & right.keys():
        numbers = (dict(numbers_of(each[name])) for each in (left, right))
        found |= apart(*numbers)
        if reasons(left[name]) != reasons(right[name]):
            found.add("reasons")
    return found - {"ties"} or found


def about(answer: Json) -> Json:
    """Take what an answer says beside its choices; of a refusal, its status and the fields."""
    left_out = ("coupons", "items", "bundle", "error", "fields")
    rest = {name: value for name, value in answer.items() if name not in left_out}
    return rest | {"fields": [field["field"] for field in answer.get("fields", [])]}


def chosen(answer: Json) -> dict[Any, Json]:
    """Give the coupons or items of an answer by their names, in their order."""
    coupons = {(each["campaign_id"], each["coupon_id"]): each for each in answer.get("coupons", [])}
    return coupons | {each["item_id"]: each for each in answer.get("items", [])}


def worth(choice: Json) -> float:
    """Say by what a choice has its place: a coupon's value, an item's probability."""
    return float(choice.get("value", choice["probability"]))


def reasons(choice: Json) -> list[str]:
    """Give what a choice says in words."""
    return [choice["reason"], *filter(None, [choice.get("cold")])]


def numbers_of(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """List all numbers of a choice, and of the account that it gives."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from numbers_of(each, f"{name}/{key}")
    elif isinstance(value, (int, float)):
        yield name, value


def apart(a: dict[str, float], b: dict[str, float]) -> set[str]:
    """Compare the numbers of two choices."""
    if a == b:
        return set()
    close = a.keys() == b.keys() and all(tied(a[name], b[name]) for name in a)
    return {"ties" if close else "values"}


def tied(a: float, b: float) -> bool:
    """Say whether two numbers are as good as one."""
    return math.isclose(a, b, rel_tol=0, abs_tol=TIE)


def compare(a: list[Json], b: list[Json]) -> tuple[Counter[str], str]:
    """Count the answers by what differs in them, and show the first of each kind."""
    counts: Counter[str] = Counter()
    shown = []
    for number, pair in enumerate(zip(a, b, strict=True)):
        found = differences(*pair) or {"same"}
        for kind in found:
            counts[kind] += 1
            if kind not in ("same", "ties") and counts[kind] <= SHOWN:
                shown.append((KINDS.index(kind), number, pair))
    lines = [f"{name:8}{counts[name]:6}" for name in KINDS]
    for kind, number, pair in sorted(shown, key=lambda each: each[:2]):
        lines += ["", f"{KINDS[kind]} differ in answer {number + 1}:", *map(brief, pair)]
    return counts, "\n".join(lines)


def brief(answer: Json) -> str:
    """Write an answer in a few lines, without its accounts."""
    rest = {name: value for name, value in about(answer).items() if value != []}
    lines = [
        f"    {name}: {worth(each):.9f} {each['probability']:.9f} {', '.join(reasons(each))}"
        for name, each in chosen(answer).items()
    ]
    return "\n".join([f"  {rest}", *lines])


# Files and commands


def read(path: Path) -> list[Json]:
    """Read JSON lines, packed or not."""
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    return [json.loads(line) for line in text.splitlines()]


def write(path: Path, lines: Iterator[Json]) -> None:
    """Write JSON lines, packed where the name says so; the same lines give the same bytes."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def say(a: list[Json], b: list[Json]) -> int:
    """Print a comparison, and give the exit code: 1 if there is a difference."""
    counts, table = compare(a, b)
    print(table)
    return int(bool(counts.keys() - {"same", "ties"}))


def main() -> None:
    """Record answers, or compare them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)

    def add(name: str, run: Callable[[argparse.Namespace], object], *paths: str) -> Any:
        added = commands.add_parser(name, help=str(run.__doc__))
        for path in paths:
            added.add_argument(path, type=Path)
        added.set_defaults(run=run)
        return added

    def requests_(given: argparse.Namespace) -> None:
        """Make the requests anew."""
        write(REQUESTS, made_requests())

    def record_(given: argparse.Namespace) -> None:
        """Write the answers of a checkout."""
        write(given.out, record(given.checkout, given.python, given.bundle, given.market))

    def compare_(given: argparse.Namespace) -> int:
        """Compare two files of answers."""
        return say(read(given.a), read(given.b))

    def checkout_(given: argparse.Namespace) -> int:
        """Compare the answers of this checkout with those of another."""
        more = {"bundle": given.bundle, "market": given.market}
        return say([*record(ROOT, **more)], [*record(given.other, given.python, **more)])

    add("requests", requests_)
    recording = add("record", record_, "out")
    recording.add_argument("--checkout", type=Path, default=ROOT, help="whose package serves")
    add("compare", compare_, "a", "b")
    for each in (recording, add("checkout", checkout_, "other")):
        each.add_argument("--python", type=Path, help="that runs it; by default its own, or this")
        each.add_argument("--bundle", type=Path, default=BUNDLE, help="that is served")
        each.add_argument(
            "--market", type=Path, help="to export a bundle of, from the stored model"
        )
    given = parser.parse_args()
    sys.exit(given.run(given))


if __name__ == "__main__":
    main()
