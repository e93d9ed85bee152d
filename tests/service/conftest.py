"""A real bundle of the sample market, and services of it in this process or in their own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pandas as pd
import pytest
from fastapi import FastAPI
from running import Inside, exported, files, recalibrate
from shop import Redis, Service

from coupon_rec.features import Encoder
from coupon_rec.market import Market
from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.settings import NO_DECISIONS, Settings


@pytest.fixture(scope="session")
def model(offers: pd.DataFrame, encoder: Encoder) -> Any:
    """An untrained network, with trees that have learned."""
    from coupon_rec.models import boosted, coupled_model, with_trees

    trees = boosted(encoder, encoder.encode(offers), offers["redeemed"], trees=20)
    return with_trees(coupled_model(encoder), trees)


@pytest.fixture(scope="session")
def bundle(
    request: pytest.FixtureRequest,
    market: Market,
    offers: pd.DataFrame,
    once: Callable[[str, Callable[[Path], object]], Path],
) -> Path:
    """A bundle of the sample market, in the one format served; not to be changed."""

    def export(path: Path) -> None:
        exported(request.getfixturevalue("model"), path, offers, market)

    return once("served", export)


@pytest.fixture
def folder(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may change."""
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


@pytest.fixture
def trial(bundle: Path, tmp_path: Path) -> Path:
    """Another bundle: its promises are lower."""
    return recalibrate(Path(shutil.copytree(bundle, tmp_path / "trial")), -1.0)


@pytest.fixture(scope="module")
def service(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """A service in this process, that the tests of a module share."""
    service = Inside(bundle, Settings(**files(tmp_path_factory.mktemp("service"))))
    yield service
    service.stop()


@pytest.fixture
def inside(bundle: Path, tmp_path: Path) -> Iterator[Callable[..., Inside]]:
    """Start a service in this process; it ends with the test, or when it is told to."""
    with ExitStack() as stack:

        def start(folder: Path = bundle, **settings: Any) -> Inside:
            service = Inside(folder, Settings(**{**files(tmp_path), **settings}))
            stack.callback(service.stop)
            return service

        yield start


@pytest.fixture
def app(bundle: Path, tmp_path: Path) -> Callable[..., FastAPI]:
    """Make a service that records nothing, and is not started."""

    def made(folder: Path = bundle, **settings: Any) -> FastAPI:
        log = tmp_path / uuid4().hex
        return create_app(folder, Settings(log, decisions=NO_DECISIONS, **settings))

    return made


@pytest.fixture(scope="module")
def process(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A process that the tests of a module share."""
    folder = tmp_path_factory.mktemp("process")
    with closing(Service(bundle, folder)) as service:
        yield service


@pytest.fixture
def serve(bundle: Path, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start a process; it ends with the test."""
    with ExitStack() as stack:

        def start(*options: str, folder: Path = bundle, **environment: str) -> Service:
            service = Service(folder, tmp_path, *options, **environment)
            stack.callback(service.close)
            return service

        yield start


@pytest.fixture
def redis(tmp_path: Path, unavailable: Callable[[str], NoReturn]) -> Iterator[Redis]:
    """A Redis server of a test."""
    if not shutil.which("redis-server"):
        unavailable("no redis-server: on Debian, `apt-get install redis-server`")
    server = Redis(tmp_path / "redis")
    yield server
    server.kill()
