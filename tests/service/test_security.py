"""Who is let in, how often, and what of it is written down."""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import DAY, Inside
from shop import Service, purchase

from coupon_rec.privacy import Pseudonyms, Vault, new_key
from coupon_rec.serving.http import server
from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.guard import OPERATOR, RequestGuard, clients_of, network_of
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import NO_DECISIONS, Settings

ASKED = {"user_id": 424_242, "context": {"time": f"{DAY}T12:00:00"}}
PERSONAL = ("424242", "Ada-Lovelace", "31.07")


def test_each_of_several_keys_lets_a_client_in_under_a_name_of_its_own() -> None:
    names = clients_of(Settings(api_key="shop, ключ,", operator_key=" chief\n"))
    headers = {f"Bearer {key}".encode() for key in ("shop", "ключ", "chief")}
    assert names.keys() == headers and len({*names.values()}) == 3
    assert names[b"Bearer chief"] == OPERATOR
    assert not {"shop", "ключ"} & {*names.values()}, "a name goes to other replicas"


@pytest.mark.parametrize(
    ("sent", "status"),
    [("Bearer ключ".encode(), 200), ("Bearer ключ".encode("cp1251"), 401), (b"", 401)],
)
def test_a_key_is_compared_byte_by_byte(
    inside: Callable[..., Inside], sent: bytes, status: int
) -> None:
    client = inside(api_key="ключ").client
    assert client.get("/v1/coupons", headers={b"Authorization": sent}).status_code == status


def test_who_has_a_network_of_addresses_has_one_bucket() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::7")
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("::ffff:192.0.2.7") == network_of("192.0.2.7") != network_of("192.0.2.8")


def test_no_address_that_a_header_may_spell_is_the_operator() -> None:
    async def reached(scope: Any, *_: object) -> None:
        clients.append(scope["state"]["client"])

    clients: list[str] = []
    guard = RequestGuard(reached, Settings(operator_key="chief"), Metrics())
    scope = {"type": "http", "path": "/metrics", "headers": [], "client": (OPERATOR, 1)}
    asyncio.run(guard(scope, reached, reached))
    assert clients and clients != [OPERATOR]


def test_an_open_service_is_not_reached_from_elsewhere_by_accident(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "10.0.0.1", "shop.example"):
        with pytest.raises(ValueError, match="COUPON_REC_API_KEY"):
            server.serve(tmp_path, host, 0, Settings())
    for host, settings in (
        ("127.0.0.1", Settings()),
        ("::1", Settings()),
        ("localhost", Settings()),
        ("0.0.0.0", Settings(api_key="s3cret")),
        ("0.0.0.0", Settings(open=True)),
    ):
        server.check_closed(host, settings)


@pytest.mark.parametrize("blank", [",", " ", "\n", " , "])
def test_a_key_of_people_or_files_without_letters_is_refused(
    blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="no letters"):
        Pseudonyms(blank)
    monkeypatch.setenv("COUPON_REC_STORAGE_KEYS", blank)
    with pytest.raises(ValueError, match="COUPON_REC_STORAGE_KEYS is set that has no letters"):
        Vault.from_environment()


def test_who_asks_for_a_web_socket_is_asked_for_the_key_and_named_in_no_line(
    serve: Callable[..., Service],
) -> None:
    service = serve(COUPON_REC_API_KEY="s3cret")
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(
            b"GET /emma-7?words=illness HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b" 401 " in connection.recv(100)
    assert "emma" not in service.words.read_text()


def test_settings_do_not_show_their_secrets() -> None:
    key = "s3cret"
    settings = Settings(
        api_key=key, operator_key=key, pseudonym_key=key, redis=f"redis://:{key}@redis:6379"
    )
    assert key not in repr(settings)


def test_no_line_of_the_log_holds_a_secret_though_redis_is_away(
    serve: Callable[..., Service],
) -> None:
    secrets = {
        "COUPON_REC_API_KEY": "client-s3cret",
        "COUPON_REC_OPERATOR_KEY": "operator-s3cret",
        "COUPON_REC_PSEUDONYM_KEY": "pseudonym-s3cret",
        "COUPON_REC_STORAGE_KEYS": new_key(),
    }
    redis = {"COUPON_REC_REDIS": "redis://:" + "redis-s3cret@127.0.0.1:9/0"}
    service = serve(**secrets, **redis)
    for key in ("client-s3cret", "operator-s3cret", "another-s3cret"):
        headers = {"Authorization": f"Bearer {key}"}
        service.client.post("/v1/recommendations", json=ASKED, headers=headers)
        service.client.post("/v1/events", json={"events": [purchase("a", 1)]}, headers=headers)
        service.client.post("/v1/reload", headers=headers)
    words = service.stop()
    assert "no exchange with other replicas" in words
    assert "s3cret" not in words and secrets["COUPON_REC_STORAGE_KEYS"] not in words


def test_an_internal_error_is_answered_and_logged_by_its_place_alone(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(bundle, Settings(tmp_path / "events", decisions=NO_DECISIONS))

    def broken(*_: object) -> object:
        raise KeyError("user 424242 is Ada-Lovelace")

    monkeypatch.setattr(app.state.service.recommender.store, "offers_of", broken)
    caplog.set_level(logging.DEBUG)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/v1/recommendations", json=ASKED)

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert answer.json()["error"]
    assert "KeyError at" in caplog.text
    assert [word for word in PERSONAL if word in caplog.text + answer.text] == []


@pytest.mark.parametrize("length", [b"1048577", b"9" * 5000])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(length: bytes) -> None:
    async def never(*_: object) -> Any:
        raise AssertionError("read")

    async def sent(message: Any) -> None:
        answer.append(message)

    answer: list[Any] = []
    scope = {"type": "http", "path": "/v1/events", "headers": [(b"content-length", length)]}
    guard = RequestGuard(never, Settings(), Metrics())
    asyncio.run(guard({**scope, "client": ("192.0.2.7", 1)}, never, sent))
    assert answer[0]["status"] == 413
