"""What a trained network says may differ a little on another processor, and not more."""

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("settings", Path(__file__).parents[1] / "conftest.py")
settings = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(settings)

LADDER = "chain 0.9362 0.0837 0.0166"


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("chain 0.9411 0.0801 0.0169", LADDER),
        ("AUC 0.941 0.013 0.001", "AUC 0.940 0.005 -0.009"),
        ("earned 41.2 0.04", "earned 38.8 0.05"),
        ("0.016", "0.005"),
    ],
    ids=["scores", "differences", "money", "alone"],
)
def test_close_decimals_are_taken_for_equal(new: str, stored: str) -> None:
    assert settings.snap(new, stored) == stored


@pytest.mark.parametrize(
    "new",
    ["chain 0.9362 0.0837 0.044", "chain 0.9362 0.0537 0.0166", "chain 0.9 0.0837 0.0166"],
    ids=["log loss", "average precision", "AUC"],
)
def test_scores_that_moved_are_not(new: str) -> None:
    assert settings.snap(new, LADDER) != LADDER


def test_other_words_are_never_taken_for_equal() -> None:
    assert settings.snap("tree 0.9362 0.0837 0.0166", LADDER) != LADDER
