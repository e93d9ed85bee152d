"""The built book, a browser and the judges, as the tests of this folder use them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[2]


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


@pytest.fixture(scope="session")
def chromium(unavailable: Callable[[str], NoReturn]) -> str:
    """The path of a browser."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    return path or unavailable("no Chromium on the path: install it to see pages as readers do")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The browser, running."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def judge(unavailable: Callable[[str], NoReturn]) -> Callable[[str], Path]:
    """Where a file of one of the packages in tools/node lies."""

    def find(name: str) -> Path:
        path = ROOT / "tools" / "node" / "node_modules" / name
        if not path.exists():
            unavailable(f"no {name} in tools/node: install Node and npm, then `make test`")
        return path

    return find
