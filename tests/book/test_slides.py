"""Decks of slides in a real browser, opened from disk."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from plain import chapters
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

CHAPTERS = [path.stem for path in chapters()]
WRONG = """() => [...Array(Reveal.getTotalSlides())].flatMap(() => {
    const slide = Reveal.getCurrentSlide();
    const over = slide.scrollHeight > 720 || slide.scrollWidth > 1280;
    const unset = slide.querySelector(".math:not(:has(.katex))");
    Reveal.next();
    return over || unset ? [slide.innerText] : [];
})"""


@pytest.fixture(scope="module")
def deck(decks: Path) -> Path:
    return decks / "01_first_coupon.html"


@pytest.fixture(scope="module")
def problems() -> list[str]:
    return []


@pytest.fixture(scope="module")
def shown(browser: Browser, deck: Path, problems: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    context.on("request", lambda request: problems.append(request.url)
               if re.match(r"(?!file:|data:|blob:|about:)", request.url) else None)  # fmt: skip
    context.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(deck.as_uri())
    page.wait_for_function("() => Reveal.isReady()")
    yield page
    context.close()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_slide_overflows_and_all_equations_are_set(
    browser: Browser, deck: Path, chapter: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(deck.with_name(f"{chapter}.html").as_uri())
    page.wait_for_function("() => Reveal.isReady()")
    wrong = page.evaluate(WRONG)
    assert page.evaluate("() => Reveal.isLastSlide() && Reveal.getTotalSlides() >= 15")
    assert not wrong, "\n\n".join(wrong)
    page.close()


def test_the_speaker_sees_notes_in_a_window_of_their_own(shown: Page, problems: list[str]) -> None:
    shown.evaluate("() => Reveal.slide(1)")
    note = shown.locator("section.present aside.notes p").first.text_content()
    with shown.expect_popup() as opening:
        shown.keyboard.press("s")
    speaker = opening.value
    speaker.wait_for_function("() => document.querySelector('.speaker-controls-notes .value')")
    assert note
    speaker.get_by_text(note.split("\n")[0]).first.wait_for(timeout=120_000)
    speaker.close()
    assert problems == []


def test_the_slides_show_what_the_chapter_says(deck: Path, site: Path) -> None:
    chapter = BeautifulSoup((site / "chapters" / deck.name).read_text("utf-8"), "html.parser")
    shown = BeautifulSoup(deck.read_text("utf-8"), "html.parser")
    headings = {heading.get_text() for heading in shown.select("h2")}
    for section in chapter.select("article > section > section"):
        if section["id"] not in ("exercises", "check-yourself"):
            names = section.select("h2, h3")
            assert {name.get_text().removesuffix("#") for name in names} & headings
    still = chapter.select("article figure:not(.live-figure)")
    assert len(shown.select("figure img")) == len(still)
    assert len(shown.select(".above")) >= len(chapter.select(".exercise.admonition"))
    assert not shown.select(".solution")
