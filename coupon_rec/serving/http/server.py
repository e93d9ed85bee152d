"""The process of the service: it answers until it is told to stop, then finishes its work."""

import gc
import logging
import socket
from pathlib import Path

import uvicorn

from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.guard import clients_of
from coupon_rec.serving.http.settings import Settings

logger = logging.getLogger("coupon_rec.serving")

GRACE = 20
"""Seconds that requests in flight may take after the signal to stop."""

HERE = ("localhost", "127.0.0.1", "::1")

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than clients and load balancers keep theirs
(5 to 60), so that none of them sends a request into a connection that closes at that moment."""


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
    clients_of(settings)
    if host not in HERE and not settings.api_key and not settings.open:
        raise ValueError(
            f"anyone who reaches {host} could ask about your users: set COUPON_REC_API_KEY, listen "
            "on 127.0.0.1, or pass --open if that is meant"
        )


class _Server(uvicorn.Server):
    """Ends the streams first, for it waits until all connections have ended."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.service.streams.stop()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def serve(bundle: str | Path, host: str, port: int, settings: Settings) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those in flight.

    Connections are not limited here: `deploy/nginx.conf` does that before an open network.

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
    config = uvicorn.Config(
        app,
        host,
        port,
        ws="none",
        access_log=False,  # its lines would hold the ids of users
        server_header=False,
        proxy_headers=bool(settings.proxy),
        forwarded_allow_ips=settings.proxy,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )
    logger.warning("before an open network, put a proxy: deploy/nginx.conf limits connections")
    _Server(config).run()
