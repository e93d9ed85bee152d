"""The book on paper: bookmarks, numbered pages, references that lead somewhere, nothing cut off."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from pdf import bind, in_order, open_for_print, print_pdf
from playwright.sync_api import Browser
from pypdf import PdfReader

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def printed(
    browser: Browser, site: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PdfReader, list[str]]:
    """A chapter with wide equations, tables and code, printed, and what is wrong with it."""
    target = tmp_path_factory.mktemp("pdf") / "chapter.pdf"
    faults = print_pdf(browser, site / "chapters" / "04_likelihood.html", target)
    return PdfReader(target), faults


@pytest.fixture(scope="module")
def bound(site: Path) -> str:
    """The page that holds the whole book."""
    return bind(site)


def beside(site: Path, folder: Path, without: str = "") -> Path:
    """Make a folder with the files of the site, but for one."""
    for file in site.rglob("*"):
        if file.is_file() and file != site / without:
            link = folder / file.relative_to(site)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
    return folder


def test_the_whole_book_opens_with_all_its_files_and_nothing_is_cut_off(
    browser: Browser, site: Path, bound: str, tmp_path: Path
) -> None:
    whole = beside(site, tmp_path) / "print.html"
    whole.write_text(bound, "utf-8")
    page = browser.new_page()
    assert open_for_print(page, whole.as_uri()) == []
    assert page.evaluate("() => [...document.images].every(image => image.naturalWidth)")
    page.close()


def test_nothing_reaches_beyond_the_right_edge(printed: tuple[PdfReader, list[str]]) -> None:
    assert printed[1] == []


def test_every_line_of_code_is_printed(
    printed: tuple[PdfReader, list[str]], site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    paper = "".join("".join(page.extract_text().split()) for page in printed[0].pages)
    article = pages[site / "chapters" / "04_likelihood.html"].select_one("article")
    for line in "\n".join(pre.text for pre in article.select("pre")).splitlines():
        assert "".join(line.split())[:40] in paper, line


def test_every_reference_of_the_whole_book_leads_into_it(site: Path, bound: str) -> None:
    whole = BeautifulSoup(bound, "html.parser").select_one("article")
    names = [str(tag["id"]) for tag in whole.select("[id]")]
    assert len(names) == len(set(names))
    links = [str(tag["href"])[1:] for tag in whole.select("a[href^='#']")]
    assert [link for link in links if link not in set(names)] == []
    assert len(whole.select(".printed-page")) == len(list(in_order(site)))
