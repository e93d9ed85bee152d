"""A quiz in a real browser: taken with the keyboard, on a phone and a desk, without a script."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def quiz_page(pages: dict[Path, BeautifulSoup], unavailable: Callable[[str], NoReturn]) -> Path:
    for file, parsed in pages.items():
        if parsed.select_one("article .quiz"):
            return file
    unavailable("no page shows a quiz")


@pytest.fixture(params=[390, 1440])
def page(browser: Browser, request: pytest.FixtureRequest, quiz_page: Path) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": request.param, "height": 900}, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(quiz_page.as_uri())
    yield page
    context.close()


def test_every_option_opens_by_keyboard_and_says_its_verdict_and_reason(page: Page) -> None:
    options = page.locator("details.quiz-option")
    assert options.count() >= 15
    options.first.locator("summary").focus()
    for number in range(options.count()):
        option = options.nth(number)
        reason = option.locator("p")
        assert not reason.is_visible()
        page.keyboard.press("Enter" if number % 2 else "Space")
        assert reason.is_visible()
        right = "right" in str(option.get_attribute("class")).split()
        assert re.match(r"Right\. \S" if right else r"No\. \S", str(reason.text_content()))
        for _link in reason.locator("a").all():
            page.keyboard.press("Tab")
        page.keyboard.press("Tab")
