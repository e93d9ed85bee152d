"""Two replicas share what happens through a real Redis, and serve on without it."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import Running, purchase


class Server:
    """A Redis server that a test can kill and start again, its memory lost."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--dir", "/nonexistent"]
        self.process = subprocess.Popen(command[:-2], stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
