"""Asking another server: in a time and a size that it cannot stretch, and no other server."""

from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from socket import socket
from time import monotonic
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

MOST_BYTES: Final = 2**20
"""Of an answer, with all that the protocol puts around it."""
LATE: Final = "it does not come to an end in time"


def opened(request: Request, seconds: float) -> HTTPResponse:
    """Send a request, and give the answer as it comes; an HTTPError if it is no success.

    A redirect is followed nowhere: the key and the words are for this server alone.

    Parameters
    ----------
    request : urllib.request.Request
        For a server of the web.
    seconds : float
        From now until the whole answer has been read.

    Raises
    ------
    OSError
        Here or while the answer is read: if the server is away, or the time or `MOST_BYTES` is
        over.
    """
    answer: HTTPResponse = _OPENER.open(request, timeout=seconds)
    return answer


def quoted(error: HTTPError, most: int = 500) -> str:
    """Give the beginning of what came with an error, if it can be read."""
    try:
        return error.read(most).decode(errors="replace")
    except (OSError, HTTPException):
        return ""


def _left(end: float) -> float:
    """Give the seconds until a time."""
    if (left := end - monotonic()) <= 0:
        raise TimeoutError(LATE)
    return left


class _Pieces(RawIOBase):
    """What comes out of a socket, up to a time and a size."""

    def __init__(self, file: RawIOBase, source: socket, end: float) -> None:
        self._file, self._source, self._end, self._read = file, source, end, 0

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
        self._read += count or 0
        if self._read > MOST_BYTES:
            raise OSError("it does not come to an end: too many bytes")
        return count

    def close(self) -> None:
        """Let the socket go."""
        self._file.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, end: float, **settings: Any) -> None:
        super().__init__(sock, *args, **settings)
        self.fp = BufferedReader(_Pieces(self.fp.detach(), sock, end))


class _Plain(HTTPConnection):
    """A connection whose `timeout` is that of everything together."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._end = monotonic() + (self.timeout or 0)
        self.response_class = partial(_Answer, end=self._end)  # type: ignore[assignment]

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
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Plain, req)


class _Https(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Secure, req)


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Refuse."""


_OPENER: OpenerDirector = build_opener(_Http, _Https, _Stays)
