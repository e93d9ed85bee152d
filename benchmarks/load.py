"""A load generator on raw sockets: as many requests as are answered, or so many a second.

A request of a fixed rate is timed from when it was due, not from when a connection was free for
it: a service that stalls cannot hide the requests that it kept waiting.
"""

import asyncio
import json
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import uvloop


def post(path: str, body: Any) -> bytes:
    """Write a POST request with a JSON body."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


class Connection(asyncio.Protocol):
    """One kept-alive connection, one request at a time."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[int] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if found:
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(body) >= length:
                self._buffer = body[length:]
                assert self.answered is not None
                self.answered.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(0)

    async def ask(self, request: bytes) -> int:
        """Send a request and wait for the status of its answer; 0 if the connection broke."""
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answered


async def load(
    port: int, requests: Sequence[bytes], seconds: float, connections: int, rate: float = 0.0
) -> dict[str, Any]:
    """Send requests in turn for some seconds, at a rate or as fast as connections allow.

    Returns
    -------
    dict
        `per_second`, `failed` (requests not answered with 200), and `p50`, `p95`, `p99`, `max`
        in milliseconds.
    """
    loop = asyncio.get_running_loop()
    free = deque(
        [
            (await loop.create_connection(Connection, "127.0.0.1", port))[1]
            for _ in range(connections)
        ]
    )
    waits: list[float] = []
    statuses: list[int] = []
    begin = time.perf_counter()
    number = 0

    def due(at: int) -> float:
        return begin + at / rate if rate else time.perf_counter()

    async def worker(connection: Connection) -> None:
        nonlocal number
        while True:
            mine, number = number, number + 1
            wanted = due(mine)
            if wanted > begin + seconds:
                return
            ahead = wanted - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)
            statuses.append(await connection.ask(requests[mine % len(requests)]))
            waits.append(time.perf_counter() - wanted)

    await asyncio.gather(*map(worker, free))
    spent = time.perf_counter() - begin
    for connection in free:
        connection.transport.close()
    p50, p95, p99, most = np.percentile(waits, [50, 95, 99, 100]) * 1000
    return {
        "per_second": round(len(waits) / spent, 1),
        "failed": sum(status != 200 for status in statuses),
        "p50_ms": round(p50, 2),
        "p95_ms": round(p95, 2),
        "p99_ms": round(p99, 2),
        "max_ms": round(most, 2),
    }


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    task = json.load(sys.stdin)
    requests = [post(path, body) for path, body in task.pop("requests")]
    print(json.dumps(uvloop.run(load(requests=requests, **task))))
