"""Responses to requests that cannot be answered: what is wrong, in which field, how to fix it."""

import json
from collections.abc import Sequence
from math import ceil
from typing import Any, get_args

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from coupon_rec.serving.events.event import Kind
from coupon_rec.serving.http.api_models import ErrorBody

MOST_FIELDS = 20
FIX_FIELDS = "the request is not as expected: fix the fields named"
BY_STATUS = {
    404: "there is nothing here: /openapi.json lists what there is",
    405: "this address takes another method: /openapi.json lists them",
    408: "the body takes too long: send it within 30 seconds",
    413: "the body is too large: send less at a time",
}


class Refused(Exception):
    """A request that is not answered, with the status and the words for the client."""

    def __init__(self, status: int, error: str, *, field: str = "", wait: float = 0.0) -> None:
        super().__init__(error)
        self.response = error_response(
            status,
            FIX_FIELDS if field else error,
            [(field, error)] if field else [],
            {"Retry-After": str(ceil(wait))} if wait else {},
        )


def error_response(
    status: int,
    error: str,
    fields: Sequence[tuple[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Write an `ErrorBody`. It holds ASCII alone, since a client may have sent half a character."""
    body = {"error": error, "fields": [{"field": name, "problem": what} for name, what in fields]}
    return Response(json.dumps(body), status, headers, "application/json")


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of an address."""
    return {status: {"model": ErrorBody} for status in statuses}


def handle(app: FastAPI) -> None:
    """Have an app answer each error with an `ErrorBody`."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return error.response

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 400:  # from FastAPI: a body that json.loads cannot take
            return error_response(
                422, FIX_FIELDS, [("body", "unreadable: send JSON in UTF-8, not nested deeply")]
            )
        words = BY_STATUS.get(error.status_code, str(error.detail))
        return error_response(error.status_code, words, headers=dict(error.headers or {}))

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
