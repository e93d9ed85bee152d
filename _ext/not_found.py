"""The page of a wrong address, which a web server shows at any depth of the site.

sphinx-notfound-page has one too, but its links always start at a root: from disk nothing loads.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx

BODY = """
<section>
<h1>This page is not in the book</h1>
<p>The address may be old or mistyped.
Start from <a href="intro.html">the first page</a>
or <a href="search.html">search the book</a>.</p>
</section>
"""


def root_links(page: str, site: str) -> str:
    """Make the links of a page start at the root of the site, wherever it is shown."""
    root = urlsplit(site).path
    link = r"""((?:\b(?:href|src|action|data-content_root)=")|href = `)(?!#|/|[a-z]+:)"""
    return re.sub(link, rf"\1{root}", page)


def add_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Give Sphinx the page to write."""
    yield "404", {"title": "Page not found", "body": BODY}, "page.html"


def settle_links(app: Sphinx, error: Exception | None) -> None:
    """Settle the links of the written page if the address of the site is known."""
    page = Path(app.outdir, "404.html")
    if not error and app.config.html_baseurl and page.exists():
        page.write_text(root_links(page.read_text("utf-8"), app.config.html_baseurl), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handlers with Sphinx."""
    app.connect("html-collect-pages", add_page)
    app.connect("build-finished", settle_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
