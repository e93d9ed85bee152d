"""What every request passes first: the API key, the rate, the size, and the count of requests."""

import asyncio
import hmac
import logging
import time
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coupon_rec.arguments import keys_of
from coupon_rec.serving.http.errors import BY_STATUS, Refused, error_response
from coupon_rec.serving.http.limits import Limits
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import Settings

logger = logging.getLogger("coupon_rec.serving")

OPERATOR = "operator"
"""What the client is called that has the operator's key."""
BODY_SECONDS = 30.0
"""How long a client may take to send the body of a request."""
UNGUARDED = ("/healthz", "/readyz")
"""What is answered to anyone, at any rate: whether the service lives."""


class Keys:
    """The keys of clients and of the operator, compared in a time that tells nothing.

    Parameters
    ----------
    clients : str
        The keys of clients, separated by commas: one for each client, or the new and the old one
        while a key is changed. Anyone is let in if it is empty.
    operator : str
        What `/v1/reload`, `/v1/reviews` and `/metrics` need; any client's key if it is empty.

    Raises
    ------
    ValueError
        If one of them is not empty and yet holds no key, such as a comma or a line break.
    """

    def __init__(self, clients: str = "", operator: str = "") -> None:
        keys = keys_of(clients, "a key")
        keys_of(operator, "a key for the operator")
        self.open = not keys
        # A name of a key does not tell it, and is the same in each replica.
        self._names = {
            f"Bearer {key}".encode(): blake2b(key.encode(), digest_size=8).hexdigest()
            for key in keys
        }
        if operator:
            self._names[f"Bearer {operator.strip()}".encode()] = OPERATOR

    def client(self, authorization: bytes, address: str) -> str | None:
        """Name who sent a request: a name of its key, or its address where it needs no key.

        None if the key is missing or wrong.
        """
        client = None
        for key, name in self._names.items():
            if hmac.compare_digest(authorization, key):
                client = name
        return client or (f"@{address}" if self.open else None)  # no header spells a key's name


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
        self._app = app
        self._body_limit = settings.body_limit
        self._metrics = metrics
        self._keys = Keys(settings.api_key, settings.operator_key)
        self._limits = Limits(settings)

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
            refusal = await self._refusal(scope)
            await (refusal or self._app)(scope, self._bounded(receive), counted)
        except ClientDisconnect:
            pass
        except Exception as error:
            logger.error("internal error: %s", _place(error))
            if not status:
                words = "internal error; the log of the service says where"
                await error_response(500, words)(scope, receive, counted)
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(route, status).inc()
        if not route.endswith("/stream"):
            self._metrics.seconds.labels(route).observe(time.perf_counter() - begin)

    async def _refusal(self, scope: Scope) -> Response | None:
        if scope["path"] in UNGUARDED:
            return None
        headers = dict(scope["headers"])
        address = network_of(scope["client"][0]) if scope["client"] else ""
        if wait := await self._limits.request(address):
            self._metrics.limited.labels("address").inc()
            return Refused(429, "too many requests: wait a little", wait=wait).response
        client = self._keys.client(headers.get(b"authorization", b""), address)
        if client is None:
            words = "the key is missing or wrong: send `Authorization: Bearer KEY`"
            return error_response(401, words, headers={"WWW-Authenticate": "Bearer"})
        scope.setdefault("state", {})["client"] = client
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._body_limit:
            return error_response(413, BY_STATUS[413])
        return None

    def _bounded(self, receive: Receive) -> Receive:
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
                raise HTTPException(408) from None
            complete = not message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > self._body_limit:
                raise HTTPException(413)
            return message

        return bounded


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "nowhere"
    return f"{type(error).__name__} at {where}"
