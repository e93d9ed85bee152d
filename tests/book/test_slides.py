"""Decks of slides in a real browser, opened from disk."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from plain import chapters
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

OTHERS = [path.stem for path in chapters()[1:]]
OVERFLOWING = """() => [...Array(Reveal.getTotalSlides())].flatMap(() => {
    const slide = Reveal.getCurrentSlide();
    const over = slide.scrollHeight > 720 || slide.scrollWidth > 1280;
    Reveal.next();
    return over ? [slide.innerText] : [];
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


def test_the_space_bar_goes_through_all_slides_and_none_overflows(
    shown: Page, problems: list[str]
) -> None:
    total = shown.evaluate("() => Reveal.getTotalSlides()")
    assert total >= 15
    for number in range(1, total + 1):
        height, width, unset = shown.evaluate(
            """() => {
                const slide = Reveal.getCurrentSlide();
                return [slide.scrollHeight, slide.scrollWidth,
                        slide.querySelectorAll(".math:not(:has(.katex))").length];
            }"""
        )
        words = shown.locator("section.present").inner_text()
        assert shown.evaluate("() => Reveal.getSlidePastCount()") == number - 1
        assert height <= 720, words
        assert width <= 1280, words
        assert unset == 0, words
        shown.keyboard.press("Space")
    assert problems == []


@pytest.mark.parametrize("chapter", OTHERS)
def test_no_slide_of_another_chapter_overflows(browser: Browser, deck: Path, chapter: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(deck.with_name(f"{chapter}.html").as_uri())
    page.wait_for_function("() => Reveal.isReady()")
    overflowing = page.evaluate(OVERFLOWING)
    assert page.evaluate("() => Reveal.isLastSlide() && Reveal.getTotalSlides() >= 15")
    assert not overflowing, "\n\n".join(overflowing)
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
