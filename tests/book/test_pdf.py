"""The book on paper: bookmarks, numbered pages, references that lead somewhere, nothing cut off."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from pdf import bind, in_order, print_pdf
from playwright.sync_api import Browser
from pypdf import PdfReader


@pytest.fixture(scope="module")
def printed(
    browser: Browser, site: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PdfReader, list[str]]:
    """A chapter with wide equations, tables and code, printed, and what was cut of it."""
    target = tmp_path_factory.mktemp("pdf") / "chapter.pdf"
    cut = print_pdf(browser, site / "chapters" / "04_likelihood.html", target)
    return PdfReader(target), cut


def test_nothing_reaches_beyond_the_right_edge(printed: tuple[PdfReader, list[str]]) -> None:
    assert not printed[1], "\n".join(printed[1])


def test_every_page_is_numbered(printed: tuple[PdfReader, list[str]]) -> None:
    pages = printed[0].pages
    for number, page in enumerate(pages, 1):
        assert f"{number} / {len(pages)}" in page.extract_text()


def test_every_section_has_a_bookmark(
    printed: tuple[PdfReader, list[str]], site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    def titles(outline: list) -> list[str]:
        return [t for o in outline for t in (titles(o) if isinstance(o, list) else [o.title])]

    article = pages[site / "chapters" / "04_likelihood.html"].select_one("article")
    headings = [h.text.removesuffix("#").strip() for h in article.select("h1, h2")]
    assert [
        title.strip() for title in titles(printed[0].outline) if title.strip() in headings
    ] == headings


def test_every_line_of_code_is_printed(
    printed: tuple[PdfReader, list[str]], site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    paper = "".join("".join(page.extract_text().split()) for page in printed[0].pages)
    article = pages[site / "chapters" / "04_likelihood.html"].select_one("article")
    for line in "\n".join(pre.text for pre in article.select("pre")).splitlines():
        assert "".join(line.split())[:40] in paper, line


def test_every_reference_of_the_whole_book_leads_into_it(site: Path) -> None:
    whole = BeautifulSoup(bind(site), "html.parser").select_one("article")
    names = [str(tag["id"]) for tag in whole.select("[id]")]
    assert len(names) == len(set(names))
    links = [str(tag["href"])[1:] for tag in whole.select("a[href^='#']")]
    assert [link for link in links if link not in set(names)] == []
    assert len(whole.select(".printed-page")) == len(list(in_order(site)))


def test_a_book_whose_pages_name_their_address_can_be_bound(tmp_path: Path) -> None:
    canonical = '<link rel="canonical" href="https://b.org/a/intro.html">'
    page = f'<head><title>A</title>{canonical}</head><article class="bd-article">Text.</article>'
    (tmp_path / "appendix").mkdir()
    for name in ("intro.html", "appendix/notation.html"):
        (tmp_path / name).write_text(page, "utf-8")
    assert "Text." in bind(tmp_path)
