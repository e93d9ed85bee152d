"""Responses to requests that cannot be answered: what is wrong, in which field, how to fix it."""

import json
from collections.abc import Sequence
from math import ceil
from typing import Any, get_args

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from coupon_rec.serving.events.event import Kind
from coupon_rec.serving.http.api_models import ErrorBody

MOST_FIELDS = 20
FIX_FIELDS = "the request is not as expected: fix the fields named"
BY_STATUS = {
    404: "there is nothing here: /openapi.json lists what there is",
    405: "this address takes another method: /openapi.json lists them",
}


class Refused(HTTPException):
    """A request that is not answered, with the words for the client; `queue` is what is full."""

    def __init__(
        self, status: int, error: str, *, field: str = "", wait: float = 0.0, queue: str = ""
    ) -> None:
        headers = {"Retry-After": str(ceil(wait))} if wait else {}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(status, error, headers)
        self.field, self.queue = field, queue

    @property
    def response(self) -> Response:
        """What the client gets."""
        fields = [(self.field, self.detail)] if self.field else []
        error = FIX_FIELDS if fields else self.detail
        return error_response(self.status_code, error, fields, self.headers)


def error_response(
    status: int,
    error: str,
    fields: Sequence[tuple[str, str]] = (),
    headers: Any = None,
) -> Response:
    """Write an `ErrorBody`. It holds ASCII alone, since a client may have sent half a character."""
    body = {"error": error, "fields": [{"field": name, "problem": what} for name, what in fields]}
    return Response(json.dumps(body), status, headers, "application/json")


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of an address."""
    return {status: {"model": ErrorBody} for status in statuses}


def handle(app: FastAPI, turned_away: Counter | None = None) -> None:
    """Have an app answer each error with an `ErrorBody`, and count whom a full queue turns away."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if isinstance(error, Refused):
            if error.queue and turned_away:
                turned_away.labels(error.queue).inc()
            return error.response
        if error.status_code == 400:  # from FastAPI: a body that json.loads cannot take
            unreadable = "unreadable: send JSON in UTF-8, not nested deeply"
            return error_response(422, FIX_FIELDS, [("body", unreadable)])
        words = BY_STATUS.get(error.status_code, error.detail)
        return error_response(error.status_code, words, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        fields = [_field(problem) for problem in error.errors()[:MOST_FIELDS]]
        return error_response(422, FIX_FIELDS, fields)


def _field(error: dict[str, Any]) -> tuple[str, str]:
    place, *path = error["loc"]
    if error["type"] == "json_invalid":
        return place, f"not JSON at character {path[0]}: {error['ctx']['error']}"
    # Pydantic names the kind of an event after its number, where the sender wrote none.
    names = [
        str(part)[:100]
        for before, part in zip([place, *path], path, strict=False)
        if not (isinstance(before, int) and part in get_args(Kind))
    ]
    return ".".join(names) or place, error["msg"][:200]
