"""The built book, as the tests of this folder read it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[2]


def skip_or_fail(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def unavailable() -> Callable[[str], NoReturn]:
    """What to call with the reason when something is missing: a skip here, a failure in CI."""
    return skip_or_fail


@pytest.fixture(scope="session")
def site(unavailable: Callable[[str], NoReturn]) -> Path:
    """The folder of the built HTML."""
    folder = ROOT / "_build" / "html"
    if not (folder / "index.html").exists():
        unavailable("the book is not built: run `make book` first")
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    """Every page that a reader can open, parsed."""
    files = [f for f in sorted(site.rglob("*.html")) if "_static" not in f.parts]
    return {f: BeautifulSoup(f.read_text("utf-8"), "html.parser") for f in files}


@pytest.fixture(scope="module")
def browser(unavailable: Callable[[str], NoReturn]) -> Iterator[Browser]:
    """A browser without a window."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        unavailable("no Chromium on the path: install one to look at the pages as a reader does")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
