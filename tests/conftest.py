"""What several files test with, made once in a worker."""

from pathlib import Path

import pandas as pd
import pytest

from coupon_rec.features import offers_frame
from coupon_rec.market import Market, load_market

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


@pytest.fixture(scope="session")
def market() -> Market:
    """The sample market."""
    return load_market(SAMPLE)


@pytest.fixture(scope="session")
def offers(market: Market) -> pd.DataFrame:
    """The offers of the sample market; not to be changed."""
    return offers_frame(market)
