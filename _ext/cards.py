"""What a search engine or a chat shows of a page: its description and a card with a picture.

sphinxext-opengraph writes relative addresses if the site has none, and skips pages without source.
"""

import html
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config


def published_at(repository: str) -> str:
    """Give the address of the pages of a repository on GitHub, or nothing for another."""
    found = re.match(r"https://github\.com/([^/]+)/([^/]+?)(?:\.git)?/?$", repository)
    return f"https://{found[1].lower()}.github.io/{found[2]}/" if found else ""


def find_address(app: Sphinx, config: Config) -> None:
    """Derive the address of the site from the repository's, unless it is set."""
    repository = config.html_theme_options.get("repository_url") or ""
    config.html_baseurl = config.html_baseurl or published_at(repository)


def description(doctree: nodes.document | None, length: int = 160) -> str:
    """Take the first paragraph of a page, cut after a word."""
    paragraphs = doctree.findall(nodes.paragraph) if doctree else ()
    text = next((" ".join(p.astext().split()) for p in paragraphs if len(p.astext()) > 40), "")
    return text if len(text) <= length else text[:length].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def card(title: str, text: str, site: str, page: str) -> str:
    """Write the tags of a page; those that need an address only if the site has one."""
    tags = [("name", "description", text)] if text else []
    tags += [
        ("property", "og:type", "article"),
        ("property", "og:site_name", "The Right Coupon"),
        ("property", "og:title", title),
        ("property", "og:description", text),
        ("name", "twitter:card", "summary_large_image" if site else "summary"),
    ]
    if site:
        tags += [
            ("property", "og:url", site + page),
            ("property", "og:image", f"{site}_static/card.png"),
            ("property", "og:image:width", "1200"),
            ("property", "og:image:height", "630"),
            ("property", "og:image:alt", "The Right Coupon: one user, one item, three coupons"),
        ]
    return "".join(f'<meta {kind}="{n}" content="{html.escape(v)}" />\n' for kind, n, v in tags)


def add_card(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Put the tags in the head of a page."""
    title = html.unescape(re.sub(r"<[^>]+>", "", context.get("title") or "The Right Coupon"))
    page = context["file_suffix"] and f"{pagename}{context['file_suffix']}"
    tags = card(title, description(doctree), app.config.html_baseurl, page)
    context["metatags"] = context.get("metatags", "") + tags


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handlers with Sphinx."""
    app.connect("config-inited", find_address)
    app.connect("html-page-context", add_card)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
