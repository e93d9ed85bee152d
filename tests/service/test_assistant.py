"""The assistant and a real service of the sample market: what it says is what the service said."""

from datetime import datetime

import pytest
from shop import Service

from coupon_rec.assistant import service


@pytest.fixture(scope="module")
def address(process: Service) -> str:
    return f"http://127.0.0.1:{process.port}"


@pytest.mark.parametrize(
    ("moment", "problem"), [(datetime(2011, 1, 1), "refused"), (None, "refused")]
)
def test_a_refusal_of_the_service_is_quoted(
    address: str, moment: datetime | None, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        service(address, moment=moment)(1)


def test_a_service_that_is_away_is_named() -> None:
    with pytest.raises(ValueError, match="coupon_rec serve BUNDLE"):
        service("http://127.0.0.1:9")(1)
