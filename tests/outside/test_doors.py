"""Who is let in, how often, and what becomes of clients and files that mean harm."""

import json
import shutil
import socket
import ssl
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from shop import NGINX, PATIENCE, Edge, Service, purchase, question, refusal, until

Door = tuple[str, int]


@pytest.fixture(scope="module")
def edge(
    service: Service,
    bundle: Path,
    tmp_path_factory: pytest.TempPathFactory,
    unavailable: Callable[[str], NoReturn],
) -> Iterator[Edge]:
    """The proxy of `deploy/nginx.conf`, before the service and another replica."""
    if not NGINX:
        unavailable("no nginx: on Debian, `apt-get install nginx`")
    other = Service(bundle, tmp_path_factory.mktemp("other"))
    edge = Edge(tmp_path_factory.mktemp("edge"), service, other)
    yield edge
    edge.close()
    other.close()


def test_what_a_user_does_and_asks_meets_at_one_of_two_replicas(edge: Edge) -> None:
    for user in range(10**9, 10**9 + 20):
        of_user = {"X-User": str(user)}
        sent = {"events": [purchase(user, user)]}
        assert edge.client.post("/v1/events", json=sent, headers=of_user).is_success
        for _ in range(3):
            path = "/v1/recommendations"
            answer = edge.client.post(path, json=question(user), headers=of_user)
            assert answer.json()["known"], "these replicas tell each other nothing"
        with edge.client.stream("GET", f"/v1/users/{user}/stream") as stream:
            data = next(line for line in stream.iter_lines() if line.startswith("data: "))
        assert json.loads(data[6:])["known"]
    took = [service.metric("coupon_rec_events_total") for service in edge.services]
    assert sum(took) == 20 and min(took) > 3


def test_the_edge_speaks_tls_of_today_and_shows_nobody_what_is_the_operators(edge: Edge) -> None:
    trusted = ssl.create_default_context(cafile=edge.certificate)
    url = f"https://localhost:{edge.tls_port}"
    with httpx.Client(base_url=url, verify=trusted) as client:
        assert client.post("/v1/recommendations", json=question(1)).is_success
        for method, path in (("POST", "/v1/reload"), ("GET", "/metrics"), ("GET", "/v1/reviews")):
            assert client.request(method, path).status_code == 403
            assert client.request(method, f"{path}/").status_code == 403
            assert client.request(method, f"/x/..{path}").status_code == 403
    trusted.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    trusted.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz", verify=trusted)
    said = httpx.get(f"http://127.0.0.1:{edge.tls_port}/healthz")
    assert said.status_code == 400, "nothing is answered that anybody could read"


@pytest.fixture(scope="module")
def door(edge: Edge) -> Door:
    """Where clients knock: at the proxy."""
    return "127.0.0.1", edge.port


# Keys and limits


@pytest.fixture(scope="module")
def guarded(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with keys of two clients and of the operator, and limits for each client."""
    limits = ("--users-per-client", 3, "--asks-per-user", 12)
    keys = {"COUPON_REC_API_KEY": "shop-s3cret,app-s3cret", "COUPON_REC_OPERATOR_KEY": "ops-s3cret"}
    service = Service(bundle, tmp_path_factory.mktemp("guarded"), *limits, **keys)
    yield service
    service.close()


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


def asked(service: Service, user: int | str, key: str, **more: Any) -> int:
    """Ask with a key, and say with which status it is answered."""
    body = {**question(user), **more}
    return service.client.post("/v1/recommendations", json=body, headers=bearer(key)).status_code


def test_only_who_has_a_key_is_answered_wherever_they_ask(guarded: Service) -> None:
    paths = guarded.client.get("/openapi.json", headers=bearer("shop-s3cret")).json()["paths"]
    assert len(paths) > 8
    for path in ("/healthz", "/readyz"):
        assert guarded.client.get(path).is_success
        del paths[path]
    keys = ("Bearer shop-s3cre", "Bearer shop-s3cret,app-s3cret", "Bearer", "shop-s3cret")
    wrong = [{}, *({"Authorization": key} for key in keys)]
    for path, methods in paths.items():
        for method in methods:
            for headers in wrong:
                answer = guarded.client.request(method, path, json=question(1), headers=headers)
                assert answer.status_code == 401, (method, path, headers)
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                assert "Authorization" in answer.json()["error"]


def test_only_the_operator_reloads_and_reads_counters_and_reviews(guarded: Service) -> None:
    for method, path in (("POST", "/v1/reload"), ("GET", "/metrics"), ("GET", "/v1/reviews")):
        refused = guarded.client.request(method, path, headers=bearer("app-s3cret"))
        assert refused.status_code == 403
        assert "operator" in refused.json()["error"]
        assert guarded.client.request(method, path, headers=bearer("ops-s3cret")).is_success
    odd = guarded.client.post("/v1/reload%0A", headers=bearer("app-s3cret"))
    assert odd.status_code in (403, 404)


def test_a_client_learns_of_so_many_people_an_hour_and_holds_up_no_other(guarded: Service) -> None:
    assert [asked(guarded, user, "app-s3cret") for user in (1, 2, 3, 4)] == [200, 200, 200, 429]
    assert [asked(guarded, user, "app-s3cret") for user in (3, "1")] == [200, 200], "known already"
    assert asked(guarded, 4, "shop-s3cret") == 200
    answer = guarded.client.post("/v1/items", json=question(9), headers=bearer("app-s3cret"))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    text = guarded.client.get("/metrics", headers=bearer("ops-s3cret")).text
    assert 'coupon_rec_limited_total{limit="users"} 2.0' in text


def test_a_client_asks_about_one_person_so_often_and_an_account_counts_five_times(
    guarded: Service,
) -> None:
    accounts = [asked(guarded, 5, "shop-s3cret", explain=True) for _ in range(3)]
    assert accounts == [200, 200, 429]
    others = [asked(guarded, 5, "shop-s3cret") for _ in range(3)]
    assert others == [200, 200, 429]
    stream = guarded.client.get("/v1/users/5/stream", headers=bearer("shop-s3cret"))
    assert stream.status_code == 429
    assert 0 < int(stream.headers["Retry-After"]) <= 3600
    assert asked(guarded, 6, "shop-s3cret") == 200


def test_nothing_that_is_said_or_logged_holds_a_key_or_what_a_user_sent(guarded: Service) -> None:
    event = {**purchase("Ada-Lovelace", 424_242), "amount": 31.07}
    for body in (event, {**event, "amount": "31.07", "Ada-Lovelace": 424_242}):
        guarded.client.post("/v1/events", json={"events": [body]}, headers=bearer("shop-s3cret"))
    asked(guarded, 424_242, "no-s3cret")
    guarded.client.get("/v1/users/424242/stream?emma=illness", headers=bearer("no-s3cret"))
    said = guarded.stop()
    assert "http://127.0.0.1" in said
    for secret in ("s3cret", "Ada", "424242", "31.07", "illness"):
        assert secret not in said


def test_what_the_service_writes_about_people_is_read_by_its_owner_alone(guarded: Service) -> None:
    guarded.stop()
    files = [guarded.log, *guarded.decisions.rglob("*.parquet")]
    assert len(files) > 3
    for path in files:
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


@pytest.fixture(scope="module")
def slowed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that answers an address once in a hundred seconds."""
    service = Service(bundle, tmp_path_factory.mktemp("slowed"), "--rate", 0.01)
    yield service
    service.close()


def test_beyond_the_rate_an_address_is_told_to_wait_before_its_key_is_looked_at(
    slowed: Service,
) -> None:
    answers = [slowed.client.post("/v1/recommendations", json=question(1)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 100
    assert slowed.client.get("/healthz").is_success


def test_a_client_cannot_lift_its_rate_by_naming_other_addresses(slowed: Service) -> None:
    answers = [
        slowed.client.get("/v1/coupons", headers={"X-Forwarded-For": f"192.0.2.{number}"})
        for number in range(1, 5)
    ]
    assert [answer.status_code for answer in answers][1:] == [429, 429, 429]


def test_an_open_service_is_not_reached_from_elsewhere_by_accident(bundle: Path) -> None:
    said = refusal("serve", bundle, "--host", "0.0.0.0", "--port", 0)
    assert "COUPON_REC_API_KEY" in said and "--open" in said
    with socket.create_server(("0.0.0.0", 0)) as taken:
        place = ("--host", "0.0.0.0", "--port", taken.getsockname()[1])
        said = refusal("serve", bundle, *place, "--open")
        assert "COUPON_REC_API_KEY" not in said and "port" in said


@pytest.mark.parametrize("name", ["COUPON_REC_API_KEY", "COUPON_REC_OPERATOR_KEY"])
def test_a_key_without_letters_opens_nothing(bundle: Path, name: str) -> None:
    keys = {"COUPON_REC_API_KEY": "s3cret", name: " , "}
    assert "key" in refusal("serve", bundle, "--port", 0, **keys)


# Clients that mean harm


HEAD = b"GET /healthz HTTP/1.1\r\nHost: shop\r\n"
POST = b"POST /v1/events HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
LAST = b"Connection: close\r\n\r\n"
OTHER = b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n"
"""A request that a server may find within another one."""


def reply(door: Door, sent: bytes) -> bytes:
    """Send bytes, and read all that comes until the line is closed."""
    with socket.create_connection(door, PATIENCE) as line:
        received = b""
        try:
            line.sendall(sent)
            while part := line.recv(2**16):
                received += part
        except ConnectionError:
            pass
        return received


def is_refused(received: bytes) -> bool:
    """Whether the line was closed without an answer, or after one refusal."""
    return not received or (
        received.split()[1][:1] in (b"4", b"5") and received.count(b"HTTP/1.1 ") == 1
    )


def both(*framings: bytes) -> bytes:
    """A request whose body two servers may find to end at different places."""
    return POST + b"".join(framing + b"\r\n" for framing in framings) + b"\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        both(b"Content-Length: 6", b"Transfer-Encoding: chunked") + b"0\r\n\r\nG",
        both(b"Transfer-Encoding: chunked", b"Content-Length: 6") + b"0\r\n\r\nG",
        both(b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"0\r\n\r\n" + OTHER,
        both(b"Content-Length: 1", b"Content-Length: 2") + b"xx",
        both(b"Content-Length: 0", b"Content-Length: %d" % len(OTHER)) + OTHER,
        both(b"Content-Length: +2") + b"{}",
        both(b"Content-Length: -1") + b"{}",
        both(b"Content-Length: 2, 3") + b"{} ",
        both(b"Transfer-Encoding: xchunked", b"Content-Length: 1") + b"x",
        both(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
        both(b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
        both(b"Transfer-Encoding: chunked") + b"zz\r\n",
        both(b"Transfer-Encoding: chunked") + b"fffffffffffffffff\r\n",
        HEAD + b"X: a\r\n Content-Length: 3\r\n" + LAST,
        HEAD + b"X: a\r\n\tb\r\n" + LAST,
        HEAD + b"X y: a\r\n" + LAST,
        HEAD + b"X: a\0b\r\n" + LAST,
        b"CONNECT elsewhere.example:80 HTTP/1.1\r\nHost: elsewhere.example:80\r\n" + LAST,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
        b"GET /" + b"a" * 2**17 + b" HTTP/1.1\r\nHost: shop\r\n" + LAST,
        HEAD + b"X: " + b"a" * 2**20,
    ],
    ids=range(22),
)
def test_a_request_that_two_servers_may_read_differently_is_refused(
    door: Door, sent: bytes
) -> None:
    assert is_refused(reply(door, sent))


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Host: elsewhere.example\r\n" + LAST,
        b"GET /healthz HTTP/1.1\r\n" + LAST,
        b"GET /healthz HTTP/1.1\r\nHost: a b/c\r\n" + LAST,
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\nHost: shop\r\n" + LAST,
        HEAD + b"".join(b"X-%d: 1\r\n" % number for number in range(10_000)) + LAST,
        HEAD + b"X: " + b"a" * 70_000 + b"\r\n" + LAST,
    ],
    ids=[
        *("two hosts", "no host", "a host with a space", "HTTP/0.9", "HTTP/2.0"),
        *("ten thousand headers", "a header of 70 kB"),
    ],
)
def test_a_head_that_is_no_sound_http_or_endless_is_refused(door: Door, sent: bytes) -> None:
    assert is_refused(reply(door, sent))


def test_thousands_of_requests_in_one_piece_are_not_answered_one_by_one(door: Door) -> None:
    assert reply(door, OTHER * 20_000).count(b'"status":"ok"') < 1000


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/v1/../../../etc/passwd",
        "/v1/..%2f..%2f..%2fetc%2fpasswd",
        "/v1/users/..%2f..%2fsecret/../../manifest.json",
        "/%2e%2e/manifest.json",
        "//etc/passwd",
        "/manifest.json",
    ],
)
def test_no_path_leads_to_a_file(door: Door, path: str) -> None:
    received = reply(door, f"GET {path} HTTP/1.1\r\nHost: shop\r\n".encode() + LAST)
    assert is_refused(received) and b"root:" not in received


def test_a_page_of_another_site_sends_no_events_and_reads_nothing(service: Service) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    body = json.dumps({"events": [purchase("x", 1)]}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {**origin, "Content-Type": kind}
        assert service.client.post("/v1/events", content=body, headers=headers).status_code == 422
    preflight = {**origin, "Access-Control-Request-Method": "POST"}
    assert service.client.options("/v1/events", headers=preflight).status_code == 405
    answer = service.client.post("/v1/recommendations", json=question(1), headers=origin)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "server" not in answer.headers


def test_half_requests_by_the_hundred_hold_up_nobody(door: Door, service: Service) -> None:
    with ExitStack() as lines:
        for number in range(300):
            line = lines.enter_context(socket.create_connection(door, PATIENCE))
            half = (HEAD, POST + b"Content-Length: 100\r\n\r\n{", b"")[number % 3]
            line.sendall(half)
        for user in range(1, 11):
            assert service.ask(user)["bundle"]
        assert service.send(purchase("meanwhile", 1)).is_success


SLOW = {
    "sends nothing": (b"", b""),
    "sends a head byte by byte": (HEAD + b"X: ", b"a"),
    "sends empty lines": (b"", b"\r\n"),
    "stops within a body": (POST + b"Content-Length: 100000\r\n\r\n{", b""),
    "sends a body byte by byte": (POST + b"Content-Length: 100000\r\n\r\n{", b" "),
    "never reads": (b"", b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n"),
}


@pytest.mark.slow
def test_slow_clients_are_cut_off_while_others_are_answered(door: Door, service: Service) -> None:
    with ExitStack() as opened:
        lines = {}
        for name, (begin, _) in SLOW.items():
            for number in range(10):
                line = opened.enter_context(socket.socket())
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                line.connect(door)
                line.sendall(begin)
                line.setblocking(False)
                lines[name, number] = line

        def all_cut_off() -> bool:
            for (name, number), line in [*lines.items()]:
                if is_cut_off(line, SLOW[name][1], reads=name != "never reads"):
                    del lines[name, number]
            assert service.ask(1)["bundle"]
            return not lines

        until(all_cut_off)


def is_cut_off(line: socket.socket, piece: bytes, reads: bool) -> bool:
    """Send another piece, and say whether nobody is there any more."""
    try:
        line.send(piece)
        return reads and not line.recv(1000)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


# Files that mean harm


def flipped(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_bundle_that_was_tampered_with_is_not_loaded_and_the_one_in_service_answers_on(
    bundle: Path, serve: Callable[..., Service], tmp_path: Path
) -> None:
    mine = Path(shutil.copytree(bundle, tmp_path / "mine"))
    service = serve(folder=mine)
    before = service.ask(1)
    for path in [path for path in mine.rglob("*") if path.is_file() and path.stat().st_size]:
        sound = path.read_bytes()
        flipped(path)
        refused = service.client.post("/v1/reload")
        assert refused.status_code == 409, path
        assert path.name in refused.json()["error"]
        assert service.ask(1) == before
        path.write_bytes(sound)
    assert service.client.post("/v1/reload").json() == {"bundle": before["bundle"]}
    flipped(mine / "snapshot" / "history.parquet")
    assert "history.parquet" in refusal("serve", mine, "--port", 0)
    flipped(mine / "snapshot" / "history.parquet")  # back

    (tmp_path / "secret").write_bytes(b"key")
    (mine / "extra").symlink_to(tmp_path / "secret")
    assert service.client.post("/v1/reload").status_code == 409, "it leads out of the bundle"
    (mine / "extra").unlink()
    manifest = json.loads((mine / "manifest.json").read_text())
    sha = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
    manifest["files"]["../secret"] = {"bytes": 3, "sha256": sha}
    (mine / "manifest.json").write_text(json.dumps(manifest))
    assert service.client.post("/v1/reload").status_code == 409, "so does this"
    assert service.ask(1) == before
