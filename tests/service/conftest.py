"""A real bundle of the sample market, and real processes that serve it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from running import DAY, Running

from coupon_rec.features import offers_frame
from coupon_rec.market import Market, load_market

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="session")
def market() -> Market:
    """The sample market."""
    return load_market(SAMPLE)


@pytest.fixture(scope="session")
def bundle(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the sample market, with an untrained model, in the one format served."""
    from coupon_rec.features.online.snapshot_writer import write_snapshot
    from coupon_rec.models import coupled_model
    from coupon_rec.serving.bundle import exporting
    from coupon_rec.training import examples

    offers = offers_frame(market)
    with pytest.MonkeyPatch.context() as only:
        only.setattr(exporting, "FORMATS", {"onnx": exporting.FORMATS["onnx"]})
        only.setattr(exporting, "model_card", lambda *_: "")
        return exporting.export(
            coupled_model(examples(offers)[0]),
            tmp_path_factory.mktemp("served") / "bundle",
            offers,
            snapshot=lambda folder: write_snapshot(market, DAY, folder),
        )


@pytest.fixture
def serve(bundle: Path, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start a service; it ends with the test."""
    with ExitStack() as stack:

        def start(*options: str, folder: Path = bundle, **environment: str) -> Running:
            log = () if "--log" in options else ("--log", str(tmp_path / "events"))
            words = tmp_path / f"words{time.monotonic_ns()}"
            running = Running(folder, words, *options, *log, **environment)
            stack.callback(lambda: running.process.poll() is None and running.process.kill())
            return running

        yield start
