"""What a release promises: names that stay, and a version that is said alike everywhere."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import yaml
from names import names

import coupon_rec

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_names_commands_and_paths_are_those_that_were_promised() -> None:
    promised = (ROOT / "tests" / "names.txt").read_text("utf-8").splitlines()
    assert names() == promised, "If that is meant: tests/names.py says how, and CHANGELOG.md what."


def test_changelog_citation_and_installed_package_have_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.findall(r"^## (\d\S+) \((.+)\)$", changelog, re.MULTILINE)[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert newest == (VERSION, citation["date-released"])
    assert (citation["version"], version("coupon-rec")) == (VERSION, VERSION)


def test_dir_of_the_package_lists_what_it_gives() -> None:
    assert dir(coupon_rec) == sorted(
        [
            *("CoupledModel", "Economics", "Encoder", "Market", "MarketError"),
            *("load_complete_journey", "load_market", "offers_frame", "recommend_items", "split"),
        ]
    )
    assert all(hasattr(coupon_rec, name) for name in dir(coupon_rec))
