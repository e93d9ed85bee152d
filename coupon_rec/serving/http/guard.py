"""What every request passes first: the rate, the API key, the size, and the count of requests."""

import asyncio
import hmac
import logging
import time
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from traceback import extract_tb

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coupon_rec.arguments import keys_of
from coupon_rec.serving.http.errors import Refused, error_response
from coupon_rec.serving.http.limits import Limits
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import Settings

logger = logging.getLogger("coupon_rec.serving")

OPERATOR = "operator"
"""What the client is called that has the operator's key."""
BODY_BYTES = 2**20
TOO_LARGE = "the body is too large: send less at a time"
BODY_SECONDS = 30.0
"""How long a client may take to send the body of a request."""
UNGUARDED = ("/healthz", "/readyz")
"""What is answered to anyone, at any rate: whether the service lives."""


def clients_of(settings: Settings) -> dict[bytes, str]:
    """Name the client, or the operator, of each header that lets somebody in.

    Raises
    ------
    ValueError
        If a setting is not empty and yet holds no key, such as a comma or a line break.
    """
    # A name of a key does not tell it, and is the same in each replica.
    clients = {
        f"Bearer {key}".encode(): blake2b(key.encode(), digest_size=8).hexdigest()
        for key in keys_of(settings.api_key, "a key")
    }
    if keys_of(settings.operator_key, "a key for the operator"):
        clients[f"Bearer {settings.operator_key.strip()}".encode()] = OPERATOR
    return clients


def network_of(address: str) -> str:
    """Give an address, or of one in IPv6 its first half: whoever has one has 2^64 of them.

    Examples
    --------
    >>> network_of("192.0.2.7"), network_of("2001:db8:1:2:3:4:5:6"), network_of("testclient")
    ('192.0.2.7', '2001:db8:1:2::', 'testclient')
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))


class RequestGuard:
    """Checks and counts requests, and answers an internal error with its place in the log.

    The message of an exception can hold what a user sent, so it is never logged.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._clients, self._open = clients_of(settings), not settings.api_key
        self._limits = Limits(settings, metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begin, status = time.perf_counter(), 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if scope["path"] not in UNGUARDED:
                await self._let_in(scope)
            _check_length(scope)
            await self._app(scope, _bounded(receive), counted)
        except Refused as refused:
            await refused.response(scope, receive, counted)
        except ClientDisconnect:
            pass
        except Exception as error:
            place = extract_tb(error.__traceback__)[-1]
            named = type(error).__name__
            logger.error("internal error: %s at %s:%s", named, place.filename, place.lineno)
            if not status:
                words = "internal error; the log of the service says where"
                await error_response(500, words)(scope, receive, counted)
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.count["requests"].labels(route, status).inc()
        if not route.endswith("/stream"):
            seconds = time.perf_counter() - begin
            self._metrics.histogram["request_seconds"].labels(route).observe(seconds)

    async def _let_in(self, scope: Scope) -> None:
        """Name the client; Refused if it asks too often, or has no key."""
        address = network_of(scope["client"][0]) if scope["client"] else ""
        await self._limits.request(address)
        given = dict(scope["headers"]).get(b"authorization", b"")
        client = f"@{address}" if self._open else ""  # no header spells a key's name
        for key, name in self._clients.items():
            if hmac.compare_digest(given, key):  # in a time that tells nothing
                client = name
        if not client:
            raise Refused(401, "the key is missing or wrong: send `Authorization: Bearer KEY`")
        scope.setdefault("state", {})["client"] = client


def _check_length(scope: Scope) -> None:
    """Refuse a body that says of itself that it is too large, before any of it is read."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    # Python reads no number of thousands of digits.
    if length.isdigit() and int(length[:20]) > BODY_BYTES:
        raise Refused(413, TOO_LARGE)


def _bounded(receive: Receive) -> Receive:
    """Refuse a body that is too large, or that comes too slowly."""
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS
    size, complete = 0, False

    async def bounded() -> Message:
        nonlocal size, complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise Refused(408, "the body takes too long: send it within 30 seconds") from None
        complete = not message.get("more_body", False)
        size += len(message.get("body", b""))
        if size > BODY_BYTES:
            raise Refused(413, TOO_LARGE)
        return message

    return bounded
