"""Print the built book as one PDF with bookmarks, page numbers and working references."""

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Page, sync_playwright
from pypdf import PdfReader

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
FRAME = "intro.html"  # the first page; it stands at the root, as the page for print does
BOOK = ROOT / "_build" / "the-right-coupon.pdf"
MOST_SECONDS = 300
PAPER = 650  # the width between the margins, in CSS pixels
MARGIN = {"top": "20mm", "bottom": "20mm", "left": "19mm", "right": "19mm"}
FOOTER = """<div style="width: 100%; text-align: center; font: 8pt sans-serif; color: #5a616b">
The Right Coupon &nbsp; <span class="pageNumber"></span> / <span class="totalPages"></span></div>"""
UNFOLD = """() => {
    document.querySelectorAll('details').forEach(d => d.open = true);
    document.querySelectorAll('.toggle-button-hidden').forEach(b => b.click());
    document.querySelectorAll('img').forEach(i => i.loading = 'eager');
}"""
READY = "() => document.fonts.status === 'loaded' && typeof Documentation !== 'undefined'"
PICTURES = "() => [...document.images].every(image => image.complete)"
CUT = """() => {
    const edge = document.querySelector('article').getBoundingClientRect().right + 1;
    const parts = 'article :is(pre, table, p:not(.live-aloud), li, img, .katex-html)';
    return [...document.querySelectorAll(parts)].filter(e => {
        const range = document.createRange();
        range.selectNodeContents(e);
        return Math.max(range.getBoundingClientRect().right,
                        e.tagName === 'IMG' ? e.getBoundingClientRect().right : 0) > edge;
    }).map(e => `<${e.tagName.toLowerCase()}> ${e.innerText.slice(0, 60)}`);
}"""


def in_order(site: Path) -> Iterator[tuple[str, BeautifulSoup]]:
    """Walk through the pages of the book as its links to the next page do."""
    name = FRAME
    while name:
        page = BeautifulSoup((site / name).read_text("utf-8"), "html.parser")
        yield name, page
        onward = page.select_one(".prev-next-area a.right-next")
        name = resolve(site, name, str(onward["href"])) if onward else ""


def resolve(site: Path, page: str, link: str) -> str:
    """Say what a link of a page names, from the root of the site."""
    target = (site / page).parent.joinpath(urlsplit(link).path).resolve()
    return target.relative_to(site.resolve()).as_posix()


def anchor(page: str, name: str = "") -> str:
    """Name a place of a page within the one that holds them all."""
    return f"{page.removesuffix('.html').replace('/', '-')}--{name}"


def settle(article: Tag, site: Path, page: str, pages: set[str]) -> None:
    """Make what a page names and refers to unique and right in the whole book."""
    for tag in article.select("[id]"):
        tag["id"] = anchor(page, str(tag["id"]))
    article["id"] = anchor(page)
    for tag in article.select("img[src]"):
        tag["src"] = resolve(site, page, str(tag["src"]))
    for tag in article.select("a[href]"):
        link = urlsplit(str(tag["href"]))
        if link.scheme:
            continue
        target = resolve(site, page, link.path) if link.path else page
        if target in pages:
            tag["href"] = f"#{anchor(target, link.fragment)}"
        else:
            del tag["href"]


def bind(site: Path) -> str:
    """Put the articles of all pages into the frame of one, for a file beside that one."""
    pages = dict(in_order(site))
    frame = BeautifulSoup((site / FRAME).read_text("utf-8"), "html.parser")
    for contents in frame.select(".bd-sidebar-secondary"):  # its sections get other names
        contents.decompose()
    whole = frame.new_tag("article", attrs={"class": "bd-article"})
    for name, page in pages.items():
        article = page.select_one("article.bd-article")
        settle(article, site, name, set(pages))
        article.name = "div"
        article["class"] = "printed-page"
        whole.append(article)
    frame.select_one("article.bd-article").replace_with(whole)
    frame.title.string = "The Right Coupon"
    return str(frame)


def open_for_print(page: Page, address: str) -> list[str]:
    """Open a page as paper shows it; say what it lacks or what reaches beyond the right edge."""
    faults: list[str] = []
    page.on("requestfailed", lambda request: faults.append(f"missing: {request.url}"))
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.set_viewport_size({"width": PAPER, "height": 900})
    page.emulate_media(media="print", color_scheme="light")
    page.goto(address, timeout=MOST_SECONDS * 1000)
    deadline = time.monotonic() + MOST_SECONDS
    while not faults and not page.evaluate(READY):
        if time.monotonic() > deadline:
            return [f"not ready to print after {MOST_SECONDS} seconds"]
        page.wait_for_timeout(100)
    page.evaluate(UNFOLD)
    page.wait_for_function(PICTURES, timeout=MOST_SECONDS * 1000)
    return faults + [f"cut at the right edge: {part}" for part in page.evaluate(CUT)]


def print_pdf(browser: Browser, source: Path, target: Path) -> list[str]:
    """Print a page with bookmarks and numbers; say what is wrong with it."""
    page = browser.new_page()
    page.set_default_timeout(MOST_SECONDS * 1000)
    faults = open_for_print(page, source.as_uri())
    page.pdf(
        path=target,
        format="A4",
        margin=MARGIN,
        outline=True,
        tagged=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOTER,
    )
    page.close()
    return faults


def main() -> None:
    """Print the book and say where it is, or what is wrong with it."""
    start = time.perf_counter()
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if not chromium:
        sys.exit("No Chromium on the path: install it to print the book.")
    whole = SITE / "print.html"
    whole.write_text(bind(SITE), "utf-8")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            faults = print_pdf(browser, whole, BOOK)
            browser.close()
    finally:
        whole.unlink()
    if faults:
        sys.exit("\n".join(faults))
    minutes = (time.perf_counter() - start) / 60
    print(f"{BOOK}: {len(PdfReader(BOOK).pages)} pages in {minutes:.1f} minutes")


if __name__ == "__main__":
    main()
