"""What the appendices say of the chapters and of the package holds."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def public(room: str) -> set[str]:
    """Give the names that a room shows."""
    return set(import_module(f"coupon_rec.{room}").__all__)


@pytest.mark.parametrize(
    "room",
    [
        *("market", "simulation", "features", "models", "training", "evaluation"),
        *("effects", "policies", "explain", "privacy", "decisions", "monitoring"),
    ],
)
def test_the_reference_has_every_public_name_of_a_room(room: str) -> None:
    pages = (ROOT / "appendix" / f"{name}.md" for name in ("api", "api_decisions", "api_serving"))
    page = "".join(page.read_text() for page in pages) + "## "
    (part,) = re.findall(rf"^## `coupon_rec\.{room}`$(.+?)(?=^## )", page, re.DOTALL | re.MULTILINE)
    listed = re.findall(r"^\.\. auto\w+:: (\w+)$", part, re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", part)) | set(listed)
    assert len(listed) == len(set(listed))
    assert set(listed) <= public(room)
    assert public(room) <= named
