"""What several files test with, made once in a worker."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pytest
from receiver import Receiver

from coupon_rec.features import offers_frame
from coupon_rec.market import Market, load_market

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


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


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """Where alerts and customers' words are posted."""
    receiver = Receiver()
    yield receiver
    receiver.close()
