"""The book in a real browser, opened from disk, on a phone and a desk, in light and dark."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Route,
)


@pytest.fixture(params=[(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")], ids=str)
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield context
    context.close()


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
    yield page
    page.close()


def open_page(page: Page, file: Path, query: str = "") -> None:
    """Open a page from disk and wait until its equations are set."""
    page.goto(file.as_uri() + query)
    page.evaluate("() => window.MathJax?.startup?.promise")


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb`` by WCAG 2, between 0 and 1."""
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_every_page_is_whole_and_asks_the_network_for_nothing(
    context: BrowserContext, pages: dict[Path, BeautifulSoup]
) -> None:
    problems: list[str] = []

    def refuse(route: Route) -> None:
        problems.append(f"request: {route.request.url}")
        route.abort()

    def missed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what leaving a page does to its icon
            problems.append(f"failed: {request.url}")

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"{page.url}: {message.text}")

    page = context.new_page()
    context.route(re.compile(r"^(?!file:|data:|blob:)"), refuse)
    page.on("requestfailed", missed)
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    page.on("console", listen)
    for file in (file for file, parsed in pages.items() if parsed.select_one("article")):
        open_page(page, file)
        unset = page.locator(".math:not(:has(mjx-container)), [data-mjx-error]").count()
        if unset:
            problems.append(f"{file.name}: {unset} equations are not set")
        page.evaluate(
            "() => { document.querySelectorAll('details').forEach(d => d.open = true);"
            "document.querySelectorAll('.toggle-button-hidden').forEach(b => b.click()) }"
        )
        wide = page.evaluate(
            "() => document.documentElement.scrollWidth > innerWidth + 1 || [...document"
            ".querySelectorAll('article')].some(a => a.scrollWidth > a.clientWidth + 1)"
        )
        if wide:
            problems.append(f"{file.name}: wider than the screen")
    assert problems == []


def test_the_symbols_wear_readable_colors(context: BrowserContext, site: Path) -> None:
    page = context.new_page()
    open_page(page, site / "appendix" / "notation.html")
    for name in ("user", "item", "coupon", "money"):
        color, paper, drawn, declared = page.evaluate(
            """name => {
                const root = getComputedStyle(document.documentElement);
                const symbol = document.querySelector(`mjx-container .${name}`);
                const probe = document.body.appendChild(document.createElement("i"));
                probe.style.color = `var(--${name})`;
                return [root.getPropertyValue(`--${name}`), root.getPropertyValue("--page"),
                        getComputedStyle(symbol).fill, getComputedStyle(probe).color];
            }""",
            name,
        )
        assert drawn == declared
        dark, light = sorted((luminance(color), luminance(paper)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{name}: {color} on {paper}"


def test_the_first_page_leads_into_the_book(desk: Page, site: Path) -> None:
    desk.goto((site / "index.html").as_uri())
    desk.wait_for_url("**/intro.html")


def test_the_theme_button_changes_the_theme(desk: Page, site: Path) -> None:
    open_page(desk, site / "intro.html")
    before = desk.locator("html").get_attribute("data-theme")
    desk.locator(".theme-switch-button:visible").first.click()
    assert desk.locator("html").get_attribute("data-theme") != before


def test_search_works_from_disk(desk: Page, site: Path) -> None:
    open_page(desk, site / "search.html", "?q=redemption")
    desk.wait_for_selector("#search-results li a", timeout=10_000)


def test_a_solution_opens(desk: Page, pages: dict[Path, BeautifulSoup]) -> None:
    solved = [file for file, parsed in pages.items() if parsed.select_one(".solution.dropdown")]
    if not solved:
        pytest.skip("no page has a solution yet")
    open_page(desk, solved[0])
    solution = desk.locator(".solution.dropdown").first
    answer = solution.locator(":scope > :not(.admonition-title)").first
    assert not answer.is_visible()
    solution.locator("button.toggle-button").click()
    assert answer.is_visible()
