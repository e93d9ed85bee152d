"""Users are divided over replicas, each with a snapshot of its own, and answers stay the same."""

import threading
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
from running import DAY, Inside, files
from shop import Service, purchase, question
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.serving.bundle.manifest import BundleError, seal
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.bundle.shards import write_shards
from coupon_rec.serving.fleet import Fleet, FleetError
from coupon_rec.serving.hashing import shard_of

SHARDS = 3
USERS = range(1, 61)
STRANGERS = range(10**9, 10**9 + 9)
AT_NOON = {"context": {"time": f"{DAY}T12:00:00"}}


@pytest.fixture(scope="module")
def parts(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The bundle in three parts, as the command writes them."""
    folder = tmp_path_factory.mktemp("parts") / "parts"
    done = CliRunner().invoke(app, ["shard", str(bundle), str(folder), "--shards", str(SHARDS)])
    assert done.exit_code == 0, done.output
    return [folder / str(shard) for shard in range(SHARDS)]


def test_the_shard_of_a_user_is_what_every_language_computes() -> None:
    assert shard_of("ada", 7) == zlib.crc32(b"ada") % 7
    assert shard_of(5, 7) == shard_of("5", 7)
    counts = Counter(shard_of(user, 4) for user in range(40_000))
    assert max(counts.values()) < 1.05 * min(counts.values())


def test_each_replica_answers_its_users_as_the_whole_service_would(
    inside: Callable[..., Inside], parts: list[Path], tmp_path: Path
) -> None:
    whole = inside()
    wanted = {user: whole.ask(user, k=100) for user in (*USERS, *STRANGERS)}
    whole.stop()
    replicas = [inside(part, **files(tmp_path / part.name)) for part in parts]
    for user, answer in wanted.items():
        mine = shard_of(user, SHARDS)
        for shard, replica in enumerate(replicas):
            found = replica.client.post("/v1/recommendations", json=question(user, k=100))
            if shard == mine:
                assert found.json() == answer, user
            else:
                assert found.status_code == 421
                assert f"shard {mine} of {SHARDS}" in found.json()["error"]
    assert {answer["known"] for answer in wanted.values()} == {True, False}


def test_a_part_has_the_history_of_its_users_alone(bundle: Path, parts: list[Path]) -> None:
    for name in ("users", "history", "offers"):
        rows = [pd.read_parquet(part / "snapshot" / f"{name}.parquet") for part in parts]
        assert sum(map(len, rows)) == len(pd.read_parquet(bundle / "snapshot" / f"{name}.parquet"))
        for shard, mine in enumerate(rows):
            assert {shard_of(user, SHARDS) for user in mine["user_id"]} == {shard}
    assert {Scorer.load(part).version for part in parts} == {Scorer.load(bundle).version}
    others = pd.read_parquet(parts[0] / "snapshot" / "others.parquet")
    assert "user_id" not in others


def test_an_event_of_another_shard_is_refused_with_all_that_came_with_it(
    inside: Callable[..., Inside], parts: list[Path]
) -> None:
    replica = inside(parts[0])
    mine = next(user for user in STRANGERS if shard_of(user, SHARDS) == 0)
    other = next(user for user in STRANGERS if shard_of(user, SHARDS) != 0)
    refused = replica.send(purchase("mine", mine), purchase("other", other))
    assert refused.status_code == 421
    assert replica.metric("coupon_rec_events_total") == 0
    assert not replica.ask(mine)["known"]
    assert replica.send(purchase("mine", mine)).is_success
    assert replica.ask(mine)["known"]
    assert replica.client.get(f"/v1/users/{other}/stream").status_code == 421
    assert replica.client.post("/v1/items", json=question(other)).status_code == 421


def test_a_replica_takes_no_part_but_its_own(
    inside: Callable[..., Inside], bundle: Path, parts: list[Path], tmp_path: Path
) -> None:
    place = tmp_path / "live"
    place.symlink_to(parts[1])
    replica = inside(place)
    for other in (parts[2], bundle):
        place.unlink()
        place.symlink_to(other)
        refused = replica.client.post("/v1/reload")
        assert refused.status_code == 409
        assert "but this is shard 1 of 3" in refused.json()["error"]


def test_the_client_asks_the_replica_of_each_user_and_outlives_a_restart(
    serve: Callable[..., Service], parts: list[Path], tmp_path: Path
) -> None:
    def start(shard: int, *options: str) -> Service:
        paths = files(tmp_path / str(shard))
        where = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
        return serve(*where, *options, folder=parts[shard])

    running = [start(shard) for shard in range(SHARDS)]
    fleet = Fleet([[f"http://127.0.0.1:{replica.port}"] for replica in running])
    for user in USERS:
        assert fleet.recommend(user, **AT_NOON)["user_id"] == user
    batch = [purchase(f"fleet-{user}", user) for user in STRANGERS]
    assert fleet.send(batch) == len(batch)
    user = next(user for user in STRANGERS if shard_of(user, SHARDS) == 0)
    port = running[0].port
    running[0].process.kill()
    running[0].process.wait()
    again = threading.Timer(1.0, start, (0, "--port", str(port)))
    again.start()
    assert fleet.recommend(user, **AT_NOON)["known"], "what was accepted is there after a kill"
    again.join()
    assert fleet.send(batch) == len(batch)
    counted = [Service.metric(each, "coupon_rec_events_total") for each in running[1:]]
    assert sum(counted) > 0
    with pytest.raises(FleetError, match="out of reach"):
        fleet.recommend(1, context={"time": "2016-01-01T12:00:00"})


@pytest.mark.parametrize(("status", "wait"), [(503, "60"), (502, "")])
def test_the_client_asks_the_next_replica_while_one_turns_it_away(status: int, wait: str) -> None:
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.server.server_address[1])
            self.send_response(status if asked[-1] == ports[0] else 200)
            self.send_header("Retry-After", wait)
            self.end_headers()
            self.wfile.write(b"{}")

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    ports = [server.server_port for server in servers]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    full, well = (f"http://127.0.0.1:{port}" for port in ports)
    assert Fleet([[full, well]]).send([purchase("a", 1)]) == 1
    assert asked == ports
    with pytest.raises(FleetError, match="given up after"):
        Fleet([[full]], patience=0.3).send([purchase("a", 1)])
    for server in servers:
        server.shutdown()
        server.server_close()


def test_what_cannot_be_divided_is_refused(bundle: Path, parts: list[Path], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="divide a whole bundle"):
        write_shards(parts[0], tmp_path / "again", 2)
    with pytest.raises(ValueError, match="2 or more"):
        write_shards(bundle, tmp_path / "one", 1)
    with pytest.raises(ValueError, match="is there already"):
        write_shards(bundle, tmp_path, 2)
    with pytest.raises(FleetError, match="given up after"):
        Fleet([["http://127.0.0.1:9"]], patience=0.3).recommend(1)


def test_texts_are_hashed_as_the_market_spells_them(tmp_path: Path) -> None:
    snapshot = tmp_path / "bundle" / "snapshot"
    snapshot.mkdir(parents=True)
    names = ["ada", "bob", "cyd", "dee", "eve"]
    numbers = list(range(len(names)))
    tables = {
        "identifiers": {"kind": ["user_id"] * 5, "number": numbers, "text": names},
        "users": {"user_id": numbers},
        "coupons": {"campaign_id": [7, 7], "coupon_id": [1, 2]},
        "offers": {"user_id": [0, 1, 1, 2, 4], "coupon": [0, 0, 1, 0, 1]},
        "history": {"user_id": [1, 1], "amount": [5, 7], "day": [DAY, DAY - timedelta(days=9)]},
    }
    for name, columns in tables.items():
        pd.DataFrame(columns).to_parquet(snapshot / f"{name}.parquet")
    seal(tmp_path / "bundle", {})
    parts = write_shards(tmp_path / "bundle", tmp_path / "parts", 2)
    for shard, part in enumerate(parts):
        mine = [number for number in numbers if shard_of(names[number], 2) == shard]
        found = pd.read_parquet(part / "snapshot" / "users.parquet")["user_id"]
        assert found.to_list() == mine
        others = pd.read_parquet(part / "snapshot" / "others.parquet")
        assert others["offers"].sum() == sum(user not in mine for user in [0, 1, 1, 2, 4])
        if 1 not in mine:
            (bob,) = others[others["spend"] > 0].to_dict("records")
            first = (DAY - timedelta(days=9) - date(1970, 1, 1)).days
            assert bob == {"campaign_id": 7, "offers": 2, "spend": 12, "first_day": first}
