"""Services that recommend to the assistant whatever a test wants."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest


@pytest.fixture
def serving() -> Iterator[Callable[..., str]]:
    """Start a service that answers as a function does, and give its address."""
    with ExitStack() as stack:

        def start(answer: Callable[[dict[str, Any]], bytes], length: int | None = None) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_POST(self) -> None:
                    asked = self.rfile.read(int(self.headers["Content-Length"]))
                    body = answer(json.loads(asked))
                    self.send_response(200)
                    self.send_header("Content-Length", str(length or len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_: object) -> None:
                    """Say nothing."""

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}"

        yield start
