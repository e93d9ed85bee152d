"""The page that `python -m coupon_rec report` writes, in a browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from reported import amount

SLIDERS = {"margin": 0.6, "incremental": 0.9, "retailer_match": 0.4, "contact": 0.02}


@pytest.fixture
def opened(browser: Browser, reported: Path) -> Iterator[Page]:
    """The page, without a network; errors of its script and requests of any kind are refused."""
    context = browser.new_context(offline=True, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(str(error)))
    page.goto((reported / "page.html").as_uri())
    yield page
    assert asked == [page.url]
    context.close()


def test_each_slider_moves_the_sums_to_what_python_counts(opened: Page) -> None:
    sample = json.loads(opened.locator("#sample").text_content() or "")
    assumed: dict[str, float] = {}
    for slider, value in SLIDERS.items():
        before = opened.locator("#promised").inner_text()
        assert before == amount(sample, "promised", **assumed)
        assumed[slider] = value
        opened.locator(f"[name={slider}]").fill(str(value))
        for name in ("promised", "came", "sent"):
            assert opened.locator(f"#{name}").inner_text() == amount(sample, name, **assumed)
        assert opened.locator(f"output[for={slider}]").inner_text() == f"{value:g}"
    opened.locator("[name=incremental]").press("End")
    more = amount(sample, "promised", **assumed | {"incremental": 1.0})
    assert opened.locator("#promised").inner_text() == more != before


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_follows_the_theme(opened: Page, width: int, scheme: str) -> None:
    opened.emulate_media(color_scheme=scheme)
    opened.set_viewport_size({"width": width, "height": 844})
    for folded in opened.locator("details").all():
        folded.evaluate("e => e.open = true")
    assert opened.evaluate("() => document.documentElement.scrollWidth") <= width
    shown = opened.locator("svg text").first.evaluate("e => getComputedStyle(e).fill")
    ink = {"light": "rgb(31, 41, 55)", "dark": "rgb(232, 235, 240)"}
    assert shown == ink[scheme]


def test_without_scripts_all_but_the_sliders_can_be_read(browser: Browser, reported: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((reported / "page.html").as_uri())
    assert page.get_by_text("The sliders need JavaScript.").is_visible()
    assert page.get_by_role("img").count() == page.locator("figure").count() > 3
    assert page.locator("#promised").inner_text()
    context.close()


def test_nothing_is_run_that_a_column_is_called(opened: Page) -> None:
    assert opened.locator("script").count() == 2
    assert opened.get_by_text("users.user_<script>").count() == 1
