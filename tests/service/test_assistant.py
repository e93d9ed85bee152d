"""The assistant and a real service of the sample market: what it says is what the service said."""

from datetime import datetime

import pytest
from shop import Service

from coupon_rec.assistant import service


def test_what_a_service_says_is_quoted_and_one_that_is_away_is_named(process: Service) -> None:
    for moment in (datetime(2011, 1, 1), None):
        with pytest.raises(ValueError, match="refused"):
            service(f"http://127.0.0.1:{process.port}", moment=moment)(1)
    with pytest.raises(ValueError, match="coupon_rec serve BUNDLE"):
        service("http://127.0.0.1:9")(1)
