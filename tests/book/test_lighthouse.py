"""The first page and the heaviest chapter are fast, accessible and well made, by Lighthouse."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from bs4 import BeautifulSoup
from lighthouse import faults, report, scores, serve

pytestmark = pytest.mark.slow

LEAST = 95
TRIES = 3  # what runs beside it costs a page points for its speed
SLOWEST = 1000  # Lighthouse calls a slower machine than this too slow to measure on


@pytest.mark.parametrize(
    ("name", "screen"),
    [("first page", "phone"), ("first page", "desktop"), ("heaviest chapter", "desktop")],
)
def test_lighthouse_finds_the_page_good(
    name: str,
    screen: str,
    site: Path,
    pages: dict[Path, BeautifulSoup],
    chromium: str,
    judge: Callable[[str], Path],
    unavailable: Callable[[str], NoReturn],
) -> None:
    judge("lighthouse/cli/index.js")
    if not shutil.which("node"):
        unavailable("no Node on the path: install it to let Lighthouse judge the pages")
    chapters = [file for file in pages if file.parent.name == "chapters"]
    heaviest = max(chapters, key=lambda file: file.stat().st_size)
    page = site / "intro.html" if name == "first page" else heaviest
    for _ in range(TRIES):
        with serve(site) as address:
            found = report(f"{address}/{page.relative_to(site).as_posix()}", screen)
        judged = {key: score for key, score in scores(found).items() if key != "seo"}
        if screen == "phone" or found["environment"]["benchmarkIndex"] < SLOWEST:
            judged.pop("performance")  # a phone is simulated from a machine that may be slow
        if min(judged.values()) >= LEAST:
            break
    assert min(judged.values()) >= LEAST, f"{page.name}: {judged}: {faults(found)}"
    assert found["audits"]["cumulative-layout-shift"]["numericValue"] < 0.05, "the page jumps"
