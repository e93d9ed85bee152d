"""The examples of the docstrings give what they show."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import coupon_rec

ROOT = Path(__file__).parent.parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SHOWN = [f for f in sorted((ROOT / "coupon_rec").rglob("*.py")) if ">>> " in f.read_text("utf-8")]


@pytest.mark.slow
@pytest.mark.parametrize("file", SHOWN, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_the_examples_of_the_module_are_right(file: Path) -> None:
    name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    result = doctest.testmod(import_module(name), optionflags=FLAGS)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", coupon_rec.__all__)
def test_each_name_of_the_package_has_an_example(name: str) -> None:
    assert ">>> " in (getattr(coupon_rec, name).__doc__ or "")
