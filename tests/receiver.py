"""The shop's end of a web hook, on a free port."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote


class Receiver:
    """Keeps what it is posted, and answers with `status`; `first` runs before it answers."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        self.first: Callable[[], None] = lambda: None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                facts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert facts["id"] == unquote(self.headers["Idempotency-Key"])
                receiver.received.append(facts)
                receiver.first()
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook"
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def ids(self) -> list[str]:
        """The ids of what was posted, in order."""
        return [facts["id"] for facts in self.received]

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()
