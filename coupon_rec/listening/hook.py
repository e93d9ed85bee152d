"""A web hook: an address of the shop that takes one JSON object at a time."""

import json
from collections.abc import Callable, Mapping
from socket import gaierror
from urllib.parse import quote
from urllib.request import Request

from coupon_rec._web import BROKEN, FEW_BYTES, is_address, opened
from coupon_rec.listening.sources import SourceError

Send = Callable[[Mapping[str, object]], None]
"""Send an object with an `id`; OSError if nobody says within 10 seconds that they have it."""


def hook(address: str) -> Send:
    """Post to an address, the object's id in the header ``Idempotency-Key``, percent-encoded.

    A redirect is an error: a login page that answers elsewhere has not taken anything.

    Raises
    ------
    SourceError
        If the address is not one of the web.

    Examples
    --------
    >>> hook("shop.example/alerts")
    Traceback (most recent call last):
    ...
    coupon_rec.listening.sources.SourceError: a web hook is an address such as https://..., not \
'shop.example/alerts'
    """
    if not is_address(address):
        raise SourceError(f"a web hook is an address such as https://..., not {address!r}")

    def send(facts: Mapping[str, object]) -> None:
        name = quote(str(facts["id"]), safe=":")  # a header holds no other letters
        headers = {"Content-Type": "application/json", "Idempotency-Key": name}
        try:
            request = Request(address, json.dumps(facts).encode(), headers)
            opened(request, 10, FEW_BYTES).close()
        except BROKEN as error:
            raise OSError(f"{address} does not answer as a web server does: {error}") from error

    return send


def nobody_there(error: OSError) -> bool:
    """Whether a failure says that nobody takes anything at the moment."""
    reason = getattr(error, "reason", error)
    return isinstance(reason, ConnectionRefusedError | gaierror | TimeoutError)
