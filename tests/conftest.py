"""What several files test with, made once in a worker, or once for all of them."""

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import NoReturn

import cloned
import pandas as pd
import pytest
from filelock import FileLock
from receiver import Receiver

from coupon_rec.book import hearing
from coupon_rec.features import Arrays, Encoder, offers_frame, split
from coupon_rec.market import Market, load_market

Once = Callable[[str, Callable[[Path], object]], Path]
SAMPLE = Path(__file__).parent.parent / "data" / "sample"


def pytest_configure(config: pytest.Config) -> None:
    """Name the tests that listen to recordings."""
    config.addinivalue_line("markers", "speech: needs pocketsphinx, which Python 3.12 cannot have")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this Python cannot run; all else that is missing in CI is a failure."""
    if not hearing.installed():
        config.hook.pytest_deselected(items=[i for i in items if i.get_closest_marker("speech")])
        items[:] = [item for item in items if not item.get_closest_marker("speech")]


def skip_or_fail(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def unavailable() -> Callable[[str], NoReturn]:
    """What to call with the reason when something is missing: a skip here, a failure in CI."""
    return skip_or_fail


@pytest.fixture(scope="session")
def market() -> Market:
    """The sample market."""
    return load_market(SAMPLE)


@pytest.fixture(scope="session")
def offers(market: Market) -> pd.DataFrame:
    """The offers of the sample market; not to be changed."""
    return offers_frame(market)


@pytest.fixture(scope="session")
def encoder(offers: pd.DataFrame) -> Encoder:
    """What makes arrays of these offers."""
    return Encoder.fit(offers)


@pytest.fixture(scope="session")
def arrays(encoder: Encoder, offers: pd.DataFrame) -> Arrays:
    """These arrays; not to be changed."""
    return encoder.encode(offers)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Make a file or folder once for all workers: `once("name", make)` gives its path."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "made-once"

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder.mkdir(exist_ok=True)
        with FileLock(folder / f"{name}.lock"):
            if not (folder / f"{name}.done").exists():
                make(folder / name)
                (folder / f"{name}.done").touch()
        return folder / name

    return made


@pytest.fixture(scope="session")
def fitted(offers: pd.DataFrame, once: Once) -> Path:
    """A model that has learned a little from the sample; not to be changed."""

    def fit(path: Path) -> None:
        from coupon_rec.recommender import CoupledModel

        train, validation, _ = split(offers, None, "2017-04-05", "2017-05-22")
        others = train.assign(user_id=train["user_id"] + 1000)
        twice = pd.concat([train, others], ignore_index=True)  # once is too little for its trees
        CoupledModel(trees=20).fit(twice, validation, epochs=3).save(path)

    return once("fitted.keras", fit)


@pytest.fixture(scope="session")
def released(fitted: Path, offers: pd.DataFrame, market: Market, once: Once) -> Path:
    """A bundle of this model in the one format that is served; not to be changed."""

    def export(path: Path) -> None:
        from coupon_rec.recommender import CoupledModel

        CoupledModel.load(fitted).export(path, offers, market=market, day=date(2017, 6, 1))

    return once("released", export)


@pytest.fixture(scope="session")
def reported(fitted: Path, once: Once) -> Path:
    """The sample with text for identifiers and a bad name, its offers, and its page."""
    from reported import written

    return once("reported", lambda folder: written(folder, fitted))


@pytest.fixture(scope="session")
def clone(once: Once) -> Path:
    """What a clone of this tree would have, with the packages and pages of this one."""
    return once("clone", cloned.into)


@pytest.fixture(scope="session")
def workshop(clone: Path, once: Once) -> Path:
    """What `make workshop` writes in a clone."""
    once("workshop", lambda path: path.write_text(cloned.make(clone, "workshop")))
    return clone / "_build" / "workshop"


@pytest.fixture(scope="session")
def decks(clone: Path, once: Once) -> Path:
    """What `make slides` writes in a clone."""
    for needed in ("_build/html/index.html", "tools/node/node_modules/reveal.js"):
        if not (clone / needed).exists():
            skip_or_fail(f"no {needed}: `make test` makes it, with npm")
    once("slides", lambda path: path.write_text(cloned.make(clone, "slides", "book")))
    return clone / "_build" / "slides"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """Where alerts and customers' words are posted."""
    receiver = Receiver()
    yield receiver
    receiver.close()
