"""What the tests from outside share: a model and a bundle of the sample, made once by commands."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest
from shop import DATES, DAY, SAMPLE, Redis, Service, command

Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def model(once: Once) -> Path:
    """A model of the sample market, as `train` writes it; not to be changed."""
    return once("model.keras", lambda path: command("train", path, "--market", SAMPLE, *DATES))


@pytest.fixture(scope="session")
def bundle(model: Path, once: Once) -> Path:
    """A bundle of this model as of `DAY`, as `export` writes it; not to be changed."""
    return once(
        "bundle",
        lambda path: command("export", model, path, "--market", SAMPLE, *DATES, "--day", DAY),
    )


@pytest.fixture
def serve(bundle: Path, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start a service; it ends with the test. Two of one test have the same logs unless told."""
    with ExitStack() as stack:

        def start(
            *options: object, folder: Path = bundle, logs: Path = tmp_path, **environment: str
        ) -> Service:
            logs.mkdir(exist_ok=True)
            service = Service(folder, logs, *options, **environment)
            stack.callback(service.close)
            return service

        yield start


@pytest.fixture(scope="module")
def service(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that the tests of a file share."""
    service = Service(bundle, tmp_path_factory.mktemp("service"))
    yield service
    service.close()


@pytest.fixture
def redis(tmp_path: Path, unavailable: Callable[[str], NoReturn]) -> Iterator[Redis]:
    """A Redis server, for replicas that share their events."""
    if not shutil.which("redis-server"):
        unavailable("no redis-server: on Debian, `apt-get install redis-server`")
    server = Redis(tmp_path / "redis")
    yield server
    server.kill()
