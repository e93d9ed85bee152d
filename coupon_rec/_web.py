"""Asking another server: in a time and a size that it cannot stretch, and no other server."""

import re
from functools import cache, partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from socket import SOCK_STREAM, create_connection, getaddrinfo, socket
from time import monotonic
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

MOST_BYTES: Final = 2**23
"""Of an answer, with all that the protocol puts around it."""
FEW_BYTES: Final = 2**17
"""Of one that is a few coupons or sentences: reading 8 MB of JSON holds up everybody."""
LATE: Final = "it does not come to an end in time"
ENDLESS: Final = "it does not come to an end: too many bytes"
BROKEN: Final = (
    HTTPException,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,  # from sizes that no answer has
    RecursionError,  # from JSON that is nested deeply
)
"""What is raised, beside an OSError, while an answer is read that is none."""


def opened(request: Request, seconds: float, most: int = MOST_BYTES) -> HTTPResponse:
    """Send a request, and give the answer as it comes; an HTTPError if it is no success.

    A redirect is followed nowhere: the key and the words are for this server alone, and for a proxy
    that the environment names.

    Parameters
    ----------
    request : urllib.request.Request
        For a server of the web.
    seconds : float
        From now until the whole answer has been read; looking up the host's name comes on top.
    most : int
        Bytes of the answer.

    Raises
    ------
    OSError
        Here or while the answer is read: if the server is away, or the time or `most` is over.
    """
    answer: HTTPResponse = _opener(most).open(request, timeout=seconds)
    return answer


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
        named = bool((parts.hostname or "").strip("."))
        open_host = named and "@" not in parts.netloc  # for a password
        return parts.scheme in ("http", "https") and open_host and parts.port != 0
    except ValueError:
        return False


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


def quoted(error: HTTPError, most: int = 500) -> str:
    """Give the beginning of what came with an error, if it can be read."""
    try:
        return error.read(most).decode(errors="replace")
    except (OSError, HTTPException, ValueError, OverflowError):
        return ""


def _left(end: float) -> float:
    """Give the seconds until a time."""
    if (left := end - monotonic()) <= 0:
        raise TimeoutError(LATE)
    return left


class _Pieces(RawIOBase):
    """What comes out of a socket, up to a time and a size."""

    def __init__(self, file: RawIOBase, source: socket, end: float, most: int) -> None:
        self._file, self._source, self._end, self._left = file, source, end, most

    def readable(self) -> bool:
        """As io has it."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there."""
        self._source.settimeout(_left(self._end))
        try:
            count = self._file.readinto(buffer)
        except TimeoutError:
            raise TimeoutError(LATE) from None
        self._left -= count or 0
        if self._left < 0:
            raise OSError(ENDLESS)
        return count

    def close(self) -> None:
        """Let the socket go."""
        self._file.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, end: float, most: int, **settings: Any) -> None:
        super().__init__(sock, *args, **settings)
        self.fp, self._most = BufferedReader(_Pieces(self.fp.detach(), sock, end, most)), most

    def begin(self) -> None:
        """Read the headers, and refuse what they say is too long."""
        super().begin()
        if (self.length or 0) > self._most:
            raise OSError(ENDLESS)

    def _safe_read(self, amt: int) -> bytes:
        if amt > self._most:  # a chunk
            raise OSError(ENDLESS)
        return super()._safe_read(amt)  # type: ignore[misc, no-any-return]


class _Plain(HTTPConnection):
    """A connection whose `timeout` is that of everything together."""

    def __init__(self, *args: Any, most: int, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._end = monotonic() + (self.timeout or 0)
        self._create_connection = self._dial
        self.response_class = partial(_Answer, end=self._end, most=most)  # type: ignore[assignment]

    def _dial(self, address: tuple[str, int], *_: object) -> socket:
        """Try the addresses of the host one after the other, in the time that is left."""
        failed = OSError(f"{address[0]} has no address")
        for found in getaddrinfo(address[0], address[1], type=SOCK_STREAM):
            try:
                return create_connection((str(found[4][0]), address[1]), _left(self._end))
            except OSError as error:
                failed = error
        raise failed

    def connect(self) -> None:
        """Connect, and leave the rest of the time to what comes next."""
        super().connect()
        self.sock.settimeout(_left(self._end))

    def send(self, data: Any) -> None:
        """Send, in the time that is left."""
        if self.sock:
            self.sock.settimeout(_left(self._end))
        super().send(data)


class _Secure(HTTPSConnection, _Plain):
    pass


class _Http(HTTPHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_Plain, most=self._most), req)


class _Https(HTTPSHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(_Secure, most=self._most), req)


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Refuse."""


@cache
def _opener(most: int) -> OpenerDirector:
    return build_opener(_Http(most), _Https(most), _Stays)
