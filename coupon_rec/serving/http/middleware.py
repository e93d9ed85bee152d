"""What every request passes first: the API key, the rate, the size, and the count of requests."""

import asyncio
import logging
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coupon_rec.serving.http.errors import BY_STATUS, Refused, error_response
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.security import Keys, RateLimit, network_of
from coupon_rec.serving.http.settings import Settings

logger = logging.getLogger("coupon_rec.serving")

REQUEST_SECONDS = 30.0
"""How long a client may take to send the body of a request."""
UNGUARDED = ("/healthz", "/readyz")
"""What is answered to anyone, at any rate: whether the service lives."""


class RequestGuard:
    """Checks and counts requests, and answers an internal error with its place in the log.

    The message of an exception can hold what a user sent, so it is never logged.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._keys = Keys(settings.api_key, settings.operator_key)
        self._limit = RateLimit(settings.rate) if settings.rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        begin = time.perf_counter()
        deadline = asyncio.get_running_loop().time() + REQUEST_SECONDS
        status, size, complete = 0, 0, False

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        async def limited() -> Message:
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
            if size > self._settings.body_limit:
                raise HTTPException(413)
            return message

        try:
            await (self._refusal(scope) or self._app)(scope, limited, counted)
        except ClientDisconnect:
            pass
        except Exception as error:
            logger.error("internal error: %s", _place(error))
            if not status:
                words = "internal error; the log of the service says where"
                await error_response(500, words)(scope, receive, counted)
        route = _route(scope)
        self._metrics.requests.labels(route, status).inc()
        if not route.endswith("/stream"):
            self._metrics.seconds.labels(route).observe(time.perf_counter() - begin)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["path"] in UNGUARDED:
            return None
        address = network_of(scope["client"][0]) if scope["client"] else ""
        if self._limit and (wait := self._limit.wait(address)):
            self._metrics.limited.labels("address").inc()
            return Refused(429, "too many requests: wait a little", wait=wait).response
        client = self._keys.client(_header(scope, b"authorization"), address)
        if client is None:
            words = "the key is missing or wrong: send `Authorization: Bearer KEY`"
            return error_response(401, words, headers={"WWW-Authenticate": "Bearer"})
        scope.setdefault("state", {})["client"] = client
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > self._settings.body_limit:
            return error_response(413, BY_STATUS[413])
        return None


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _route(scope: MutableMapping[str, Any]) -> str:
    return getattr(scope.get("route"), "path", "none")


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "nowhere"
    return f"{type(error).__name__} at {where}"
