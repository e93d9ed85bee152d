"""The process of the service: it answers until it is told to stop, then finishes its work."""

import gc
import socket
import sys
from asyncio import TimerHandle, Transport
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.security import Keys
from coupon_rec.serving.http.service import Service
from coupon_rec.serving.http.settings import Settings

GRACE = 20
"""Seconds that requests in flight may take after the signal to stop."""

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than clients and load balancers keep theirs
(5 to 60), so that none of them sends a request into a connection that closes at that moment."""


REQUEST_SECONDS = 30.0
"""How long a client may take to send a request, or to begin one."""

MOST_BESIDE = 2**16
"""Bytes of a request that are not of its body: before, between and after its pieces."""

MOST_PIPELINED = 16
"""Requests of a connection that wait for those before them."""

MOST_FILES, OWN_FILES = 65_536, 200
"""Files that are open at a time, and those that are kept for what is no connection."""


class Impatient(HttpToolsProtocol):
    """Uvicorn's HTTP, that closes a connection whose request does not come in time.

    So nobody holds a thousand connections with a byte a minute in each, nor with answers that
    nobody reads; and no head without an end, or thousands of requests in one piece, fill memory.
    """

    _late: TimerHandle | None = None
    _unread: TimerHandle | None = None
    _beside = 0  # bytes of a request that are not of its body

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait for a request, if there is room."""
        super().connection_made(transport)
        self._late = self.loop.call_later(REQUEST_SECONDS, transport.abort)
        if len(self.connections) > most_connections():
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a request that has begun."""
        if self._late is None:
            self._late = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)
        self._beside += len(data)
        super().data_received(data)
        if self._beside > MOST_BESIDE and not self.transport.is_closing():
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Refuse one of too many; uvicorn then closes the connection."""
        if len(self.pipeline) >= MOST_PIPELINED:
            raise ValueError("too many requests at once")
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Answer, or refuse who asks for another protocol: the parser leaves out their body."""
        names = {name for name, _ in self.headers}
        if b"upgrade" in names and names & {b"content-length", b"transfer-encoding"}:
            self.send_400_response("only HTTP/1.1 is spoken here: leave out the header Upgrade")
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._beside = max(self._beside - len(body), 0)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All is there."""
        self._beside = 0
        self._wait_no_more()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the client to read."""
        super().on_response_complete()
        if self._unread is None and self.transport.get_write_buffer_size():
            self._unread = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def pause_writing(self) -> None:
        """Wait for the client to read, in the middle of an answer."""
        self._read_on()
        self._unread = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Some of it has been read."""
        self._read_on()
        super().resume_writing()

    def _give_up(self, looks: int = 3) -> None:
        """Close the connection of who does not read; what was just written is still on its way."""
        self._unread = None
        if self.transport.get_write_buffer_size():
            if looks == 0:
                self.transport.abort()
            else:
                self._unread = self.loop.call_later(REQUEST_SECONDS / 10, self._give_up, looks - 1)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._wait_no_more()
        self._read_on()
        super().connection_lost(exc)

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


@cache
def most_connections() -> int:
    """Open as many files as the system allows, and say how many of them may be connections.

    The others are for logs, for Redis, and for whom the program asks.
    """
    if sys.platform == "win32":
        return 10_000
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = min(hard, MOST_FILES) if hard != resource.RLIM_INFINITY else MOST_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(files - OWN_FILES, files // 2)


class Server(uvicorn.Server):
    """Uvicorn, that ends the open streams before it waits for the connections to close."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is in flight."""
        self._service.stop()
        await super().shutdown(sockets)


def check_free(host: str, port: int) -> None:
    """See that we can listen before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reason = str(error).partition(" (while")[0]
        raise ValueError(
            f"nothing can listen on {host}, port {port} ({reason}): choose another --host or --port"
        ) from error


def check_closed(host: str, settings: Settings) -> None:
    """See that nobody can ask from elsewhere who has no key, unless that is meant."""
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    if Keys(settings.api_key, settings.operator_key).open and not (here or settings.open):
        raise ValueError(
            f"anyone who reaches {host} could ask about your users: set COUPON_REC_API_KEY, listen "
            "on 127.0.0.1, or pass --open if that is meant"
        )


def serve(bundle: str | Path, host: str, port: int, settings: Settings) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those in flight.

    Parameters
    ----------
    bundle : str or pathlib.Path
        As `python -m coupon_rec export` writes it.
    host, port : str, int
        Where to listen; port 0 for any free one, which the log names.
    settings : Settings
        Limits and secrets.

    Raises
    ------
    ValueError
        If the bundle cannot be used (a BundleError), the port is taken, or other machines reach
        the address and no key is asked for.
    """
    check_closed(host, settings)
    check_free(host, port)
    app = create_app(bundle, settings)
    # What is loaded stays: a collector that looks through it again and again makes requests wait.
    gc.collect()
    gc.freeze()
    # The lines of its access log would hold the ids of users.
    config = uvicorn.Config(
        app,
        host,
        port,
        http=Impatient,
        ws="none",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
    Server(config, app.state.service).run()
