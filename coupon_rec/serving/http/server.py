"""The process of the service: it answers until it is told to stop, then finishes its work."""

import gc
import socket
from pathlib import Path

import uvicorn

from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.service import Service
from coupon_rec.serving.http.settings import Settings

GRACE = 20
"""Seconds that requests in flight may take after the signal to stop."""

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than clients and load balancers keep theirs
(5 to 60), so that none of them sends a request into a connection that closes at that moment."""


class Server(uvicorn.Server):
    """Uvicorn, that ends the open streams before it waits for the connections to close."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is in flight."""
        self._service.stop()
        await super().shutdown(sockets)


def _check_free(host: str, port: int) -> None:
    """See that we can listen before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reason = str(error).partition(" (while")[0]
        raise ValueError(
            f"nothing can listen on {host}, port {port} ({reason}): choose another --host or --port"
        ) from error


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
        If the bundle cannot be used (a BundleError), or the port is taken.
    """
    _check_free(host, port)
    app = create_app(bundle, settings)
    # What is loaded stays: a collector that looks through it again and again makes requests wait.
    gc.collect()
    gc.freeze()
    # The lines of its access log would hold the ids of users.
    config = uvicorn.Config(
        app,
        host,
        port,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
    Server(config, app.state.service).run()
