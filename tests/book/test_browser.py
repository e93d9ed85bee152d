"""A reader at work, with mouse, finger and keyboard, on a phone and a desk."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup
from not_found import root_links
from playwright.sync_api import Browser, Page, Route
from reader import open_page
from subjects import SUBJECTS

MOST_STOPS = 600

pytestmark = pytest.mark.slow


@pytest.fixture(params=[390, 1440], ids=["phone", "desk"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    size = {"width": request.param, "height": 900}
    page = browser.new_page(viewport=size, color_scheme="light", reduced_motion="reduce")
    yield page
    page.close()


@pytest.fixture(scope="module")
def solved(pages: dict[Path, BeautifulSoup]) -> Path:
    """A page with a solution that folds."""
    found = [file for file, parsed in pages.items() if parsed.select_one(".solution.dropdown")]
    assert found, "no page has a solution"
    return found[0]


def test_a_search_for_its_subject_shows_the_chapter_among_the_first(
    browser: Browser, site: Path
) -> None:
    page = browser.new_page()
    assert SUBJECTS.keys() == {path.stem for path in (site / "chapters").glob("*.html")}
    hidden = {}
    for chapter, (subject, *_) in SUBJECTS.items():
        page.goto(f"{(site / 'search.html').as_uri()}?{urlencode({'q': subject})}")
        page.wait_for_selector("#search-results p.search-summary:has-text('found')")
        links = page.locator("#search-results li > a").all()[:5]
        found = [Path(urlsplit(link.get_attribute("href")).path).stem for link in links]
        if chapter not in found:
            hidden[chapter, subject] = found
    assert not hidden


FOCUSED = """() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return {
        what: e.outerHTML.slice(0, 120),
        seen: ring && style.opacity === "1" && box.width > 0 && box.height > 0
            && box.bottom > 0 && box.top < innerHeight,
        is: ["#pst-skip-link a", ".search-button__button", ".theme-switch-button",
             "nav.bd-links a", ".run-bar a", "h2 > a.headerlink", "button.copybtn",
             ".solution button.toggle-button", ".prev-next-area a", ".bd-footer-content a"]
            .filter(s => e.matches(s)),
    };
}"""
ON_THE_WAY = {
    "#pst-skip-link a",
    ".search-button__button",
    ".theme-switch-button",
    ".run-bar a",
    "h2 > a.headerlink",
    "button.copybtn",
    ".solution button.toggle-button",
    ".prev-next-area a",
    ".bd-footer-content a",
}


def test_the_keyboard_walks_through_a_chapter(page: Page, solved: Path) -> None:
    open_page(page, solved)
    stops = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None:
            break
        stops.append(stop)
    else:
        pytest.fail(f"the focus does not leave the page; it is on {stops[-1]['what']}")
    assert stops[0]["is"] == ["#pst-skip-link a"]
    reached = {name for stop in stops for name in stop["is"]}
    assert reached >= ON_THE_WAY
    unseen = [stop["what"] for stop in stops if not stop["seen"]]
    assert not unseen, "\n".join(unseen)


def test_a_wrong_address_deep_in_the_site_shows_a_whole_page(browser: Browser, site: Path) -> None:
    address = "http://book.test/coupons/"
    missing = root_links((site / "404.html").read_text("utf-8"), address)
    answers: dict[str, int] = {}

    def answer(route: Route) -> None:
        url = route.request.url.split("?")[0]
        file = site / url.removeprefix(address)
        answers[url] = 200 if url.startswith(address) and file.is_file() else 404
        if answers[url] == 200:
            route.fulfill(path=file)
        else:
            route.fulfill(status=404, body=missing, content_type="text/html")

    page = browser.new_page()
    page.route("**/*", answer)
    page.goto(f"{address}chapters/old/name.html")
    page.wait_for_function("typeof Documentation !== 'undefined'")
    page.get_by_role("heading", name="This page is not in the book").wait_for()
    assert page.evaluate("() => DOCUMENTATION_OPTIONS && document.fonts.ready.then(() => true)")
    assert [url for url in answers if answers[url] == 404] == [f"{address}chapters/old/name.html"]
    assert any(url.endswith(".woff2") for url in answers)
    page.get_by_role("link", name="the first page").click()
    page.wait_for_url(f"{address}intro.html")
    page.close()
