"""Every page in a real browser, opened from disk, on a phone and a desk, in light and dark.

Each page is visited once in each of the settings, with everything that folds unfolded; the tests
below judge what these visits found. The first two settings are fast. In the others axe judges: each
page on a phone in the light, each fourth at a desk in the dark, which has the same elements.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import ConsoleMessage, Page, Request, Route, sync_playwright
from reader import open_page

MOST_BYTES = 1_500_000

UNFOLD = """() => {
    document.querySelectorAll('details').forEach(d => d.open = true);
    document.querySelectorAll('.toggle-button-hidden').forEach(b => b.click());
}"""
TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll('article')]
    .filter(e => e.scrollWidth > Math.min(e.clientWidth, innerWidth) + 1).map(e => e.tagName)"""
CUT = """() => [...document.querySelectorAll('article :is(pre, :has(> table))')]
    .filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => `${e.scrollWidth} pixels in ${e.clientWidth}: ${e.innerText.slice(0, 60)}`)"""
SET = """() => document.fonts.status === 'loaded'
    && (!document.querySelector('.math') || document.documentElement.dataset.equations)"""
UNSET = ".math:not(:has(.katex)), .katex-error"
AXE = """() => axe.run({preload: false, resultTypes: ['violations']}).then(
    result => result.violations.flatMap(rule => rule.nodes.map(node =>
        `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`)))"""
SETTINGS = {
    "phone": (390, "light", 0),
    "desk": (1440, "light", 0),
    "phone, judged": (390, "light", 1),
    "small desk, dark, judged": (1200, "dark", 4),
}
"""By name: the width, the scheme, and whether axe judges: each page, each fourth or none."""


@dataclass
class Visits:
    """What was found on the pages in one setting, and the files that each page loaded."""

    page: str = ""
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    unset: list[str] = field(default_factory=list)
    wide: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    violations: list[str] | None = None
    loaded: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def listen(page: Page, visits: Visits) -> None:
    """Record what goes wrong on a page and every file that it asks for."""

    def refuse(route: Route) -> None:
        visits.requests.append(f"{visits.page} asks for {route.request.url}")
        route.abort()

    def missed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what leaving a page does to its icon
            visits.errors.append(f"{visits.page} fails to load {request.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            visits.errors.append(f"{visits.page}: {message.text}")

    page.route(re.compile(r"^(?!file:|data:|blob:)"), refuse)
    page.on("requestfailed", missed)
    page.on("pageerror", lambda error: visits.errors.append(f"{visits.page}: {error}"))
    page.on("console", said)
    page.on("request", lambda request: visits.loaded[visits.page].add(request.url))


def visit(chromium: str, site: Path, files: list[Path], setting: str) -> Visits:
    """Open every page in one setting."""
    width, scheme, judged = SETTINGS[setting]
    axe = site.parents[1] / "tools/node/node_modules/axe-core/axe.min.js"
    visits = Visits(violations=[] if axe.exists() else None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        listen(page, visits)
        for number, file in enumerate(files):
            name = visits.page = file.relative_to(site).as_posix()
            open_page(page, file)
            page.evaluate(UNFOLD)
            page.wait_for_function(SET)
            if unset := page.locator(UNSET).count():
                visits.unset.append(f"{name}: {unset} equations")
            visits.wide += [f"{name}: <{tag.lower()}>" for tag in page.evaluate(TOO_WIDE)]
            visits.cut += [f"{name}: {part}" for part in page.evaluate(CUT)]
            if visits.violations is not None and judged and number % judged == 0:
                page.evaluate(axe.read_text("utf-8"))
                visits.violations += [f"{name}: {violation}" for violation in page.evaluate(AXE)]
        browser.close()
    return visits


@pytest.fixture(scope="module")
def visited(chromium: str, site: Path, pages: dict[Path, BeautifulSoup]) -> Callable[[str], Visits]:
    """Open every page but redirects, once in each setting that is asked for."""
    files = [f for f, parsed in pages.items() if not parsed.select("meta[http-equiv=refresh]")]
    return cache(partial(visit, chromium, site, files))


FAST, SLOW = ["phone", "desk"], ["phone, judged", "small desk, dark, judged"]


@pytest.fixture(params=[*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def visits(request: pytest.FixtureRequest, visited: Callable[[str], Visits]) -> Visits:
    """The visits in one setting."""
    return visited(request.param)


def test_no_page_asks_the_network_for_anything(visits: Visits) -> None:
    assert not visits.requests, "\n".join(visits.requests)


def test_no_page_fails_to_load_or_run_anything(visits: Visits) -> None:
    assert not visits.errors, "\n".join(visits.errors)


def test_every_equation_is_set(visits: Visits) -> None:
    assert not visits.unset, "\n".join(visits.unset)


def test_no_page_is_wider_than_the_screen(visits: Visits) -> None:
    assert not visits.wide, "\n".join(visits.wide)


@pytest.mark.parametrize(
    "setting", ["desk", pytest.param("small desk, dark, judged", marks=pytest.mark.slow)]
)
def test_no_code_or_table_is_cut_off_between_two_columns(
    setting: str, visited: Callable[[str], Visits]
) -> None:
    assert not visited(setting).cut, "\n".join(visited(setting).cut)


@pytest.mark.slow
@pytest.mark.parametrize("setting", SLOW)
def test_no_page_violates_a_rule_of_axe(
    setting: str, visited: Callable[[str], Visits], judge: Callable[[str], Path]
) -> None:
    judge("axe-core/axe.min.js")
    assert visited(setting).violations == []


def test_no_page_weighs_too_much(
    visits: Visits, site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    heavy = []
    for file, parsed in pages.items():
        pictures = {(file.parent / str(tag["src"])).resolve() for tag in parsed.select("img[src]")}
        urls = visits.loaded[file.relative_to(site).as_posix()]
        loaded = {Path(unquote(urlsplit(url).path)) for url in urls}
        files = loaded | pictures | {file}
        if (weight := sum(f.stat().st_size for f in files if f.exists())) > MOST_BYTES:
            most = sorted(files, key=lambda f: f.stat().st_size)[-3:]
            names = ", ".join(f"{f.name} {f.stat().st_size}" for f in most)
            heavy.append(f"{file.relative_to(site)}: {weight} bytes, most of them in {names}")
    assert not heavy, "\n".join(heavy)
