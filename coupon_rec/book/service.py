"""A service in a process of its own, for the chapters that ask one."""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx


def start(bundle: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """Serve a bundle on a free port, and give the process and its address once it listens.

    Raises
    ------
    RuntimeError
        If the process ends before that: what it said.
    """
    command = [sys.executable, "-m", "coupon_rec", "serve", str(bundle), "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder, "words")
        with words.open("wb") as sink:
            process = subprocess.Popen(command, stdout=sink, stderr=sink)
        while process.poll() is None:
            if address := re.search(r"http://127\.0\.0\.1:\d+", words.read_text()):
                return process, address[0]
            time.sleep(0.05)
        raise RuntimeError(words.read_text())


def client(address: str) -> httpx.AsyncClient:
    """A client that may hold as many connections open as it likes."""
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=address, timeout=30, limits=limits)
