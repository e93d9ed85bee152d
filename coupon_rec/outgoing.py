"""Asking another server over HTTP: within one time and one size, and no other server."""

import asyncio
import json
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import quote, urlsplit

import httpx

MAX_BYTES: Final = 2**23
FEW_BYTES: Final = 2**17
"""For a few coupons or sentences: reading 8 MB of JSON would hold up everybody."""

# At INFO httpx logs each address, and that of a web hook may hold a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)


class NoAnswer(OSError):
    """A server whose answer is no HTTP, breaks off, or is too long; the message says which."""


class Unreachable(NoAnswer):
    """A server that nobody can connect to, or that does not answer in time."""


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes
    ----------
    status : int
    headers : mapping of str to str
        Their names in any case.
    body : bytes
        As it was sent, up to the size that was asked for.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    @property
    def beginning(self) -> str:
        """The first 500 bytes of the body as text, for a message."""
        return self.body[:500].decode(errors="replace")


def ask(
    url: str,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    seconds: float,
    max_bytes: int = MAX_BYTES,
) -> Answer:
    """Send a request and read the whole answer, whatever its status.

    A redirect is not followed, and no proxy of the environment is used: a key and a customer's
    words are for this server alone.

    Parameters
    ----------
    url : str
        As `is_address` has it.
    content : bytes, optional
        To post; without it, the request is a GET.
    headers : mapping of str to str, optional
    seconds : float
        Until the last byte of the answer; a slow look-up of the host's name comes on top.
    max_bytes : int
        Of the answer's body, as it is sent.

    Raises
    ------
    Unreachable
        If nobody takes the connection, or the time is over.
    NoAnswer
        If the answer is too long, breaks off, or is no HTTP.

    Examples
    --------
    >>> ask("http://127.0.0.1:9/", seconds=1)
    Traceback (most recent call last):
    ...
    coupon_rec.outgoing.Unreachable: All connection attempts failed
    """
    answer = _ask(url, content, headers, seconds, max_bytes)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(answer)
    with ThreadPoolExecutor(1) as thread:  # a notebook's loop already runs in this one
        return thread.submit(asyncio.run, answer).result()


async def _ask(
    url: str,
    content: bytes | None,
    headers: Mapping[str, str] | None,
    seconds: float,
    max_bytes: int,
) -> Answer:
    method = "GET" if content is None else "POST"
    # "identity", so that few bytes do not unpack to many
    headers = {"Accept-Encoding": "identity", **(headers or {})}
    # asyncio's deadline is the only one: those of httpx begin anew with each piece that arrives
    client = httpx.AsyncClient(verify=_certificates(), trust_env=False, timeout=None)
    try:
        async with (
            asyncio.timeout(seconds),
            client,
            client.stream(method, url, content=content, headers=headers) as response,
        ):
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > max_bytes:
                    raise NoAnswer(f"the answer has more than {max_bytes:,} bytes")
            return Answer(response.status_code, response.headers, bytes(body))
    except TimeoutError as error:
        raise Unreachable(f"no whole answer within {seconds:g} seconds") from error
    except httpx.ConnectError as error:
        raise Unreachable(str(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise NoAnswer(f"no answer of a web server: {error or type(error).__name__}") from error


@cache
def _certificates() -> ssl.SSLContext:
    """The system's certificates, read once."""
    return ssl.create_default_context()


def is_address(text: str) -> bool:
    """Whether a text is the address of a server of the web.

    Examples
    --------
    >>> is_address("http://127.0.0.1:8000"), is_address("localhost:8000"), is_address("http://")
    (True, False, False)
    """
    if not re.fullmatch("[!-~]+", text):  # no blanks
        return False
    try:
        parts = urlsplit(text)
        has_host = bool((parts.hostname or "").strip("."))
        has_password = "@" in parts.netloc
        web = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        return False
    return web and has_host and not has_password


def bearer(key: str) -> dict[str, str]:
    """Give the header that shows a key, without the blanks around it; none without a key.

    Raises
    ------
    ValueError
        If the key is blank, or no header can hold it. The message does not tell it.
    """
    if not key:
        return {}
    if not re.fullmatch("[ -~]+", key.strip()):
        raise ValueError("a key is set that no header can hold: letters of ASCII, in one line")
    return {"Authorization": f"Bearer {key.strip()}"}


def hook(address: str) -> Callable[[Mapping[str, object]], None]:
    """Give a function that posts to a web hook of the shop, which takes a JSON object at a time.

    The object's `id` is also the header ``Idempotency-Key``, percent-encoded. The function raises
    a `NoAnswer` if the hook does not answer with a status of success within 10 seconds; a redirect
    is none, since a login page that answers elsewhere has not taken anything.

    Raises
    ------
    ValueError
        If the address is not one of the web.

    Examples
    --------
    >>> hook("shop.example/alerts")
    Traceback (most recent call last):
    ...
    ValueError: a web hook is an address such as https://..., not 'shop.example/alerts'
    """
    if not is_address(address):
        raise ValueError(f"a web hook is an address such as https://..., not {address!r}")

    def send(facts: Mapping[str, object]) -> None:
        name = quote(str(facts["id"]), safe=":")  # a header holds no other letters
        headers = {"Content-Type": "application/json", "Idempotency-Key": name}
        content = json.dumps(facts).encode()
        answer = ask(address, content, headers, seconds=10, max_bytes=FEW_BYTES)
        if not answer.ok:
            raise NoAnswer(f"the hook answers {answer.status}, and has taken nothing")

    return send
