"""A web hook: an address of the shop that takes one JSON object at a time."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote
from urllib.request import Request

from coupon_rec._web import BROKEN, opened
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
    if not address.startswith(("http://", "https://")):
        raise SourceError(f"a web hook is an address such as https://..., not {address!r}")

    def send(facts: Mapping[str, object]) -> None:
        name = quote(str(facts["id"]), safe=" :")  # a header holds no other letters
        headers = {"Content-Type": "application/json", "Idempotency-Key": name}
        try:
            request = Request(address, json.dumps(facts).encode(), headers)
            opened(request, seconds=10).close()
        except BROKEN as error:
            raise OSError(f"{address} does not answer as a web server does: {error}") from error

    return send
