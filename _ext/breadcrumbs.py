"""Above each title: the book, the part and the page, so that a reader who searched knows where."""

import html
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def part_of(app: Sphinx, pagename: str) -> str:
    """Give the caption of the part of the table of contents in which a page stands."""
    for part in app.env.external_site_map.root.subtrees:
        if pagename in [str(item) for item in part.items]:
            return part.caption or ""
    return ""


def breadcrumbs(home: str, part: str, title: str) -> str:
    """Write the path to a page as HTML; title is HTML already."""
    steps = [f'<a href="{html.escape(home)}">The Right Coupon</a>']
    steps += [html.escape(part)] if part else []
    items = "".join(f"<li>{step}</li>" for step in steps)
    return (
        '<nav class="breadcrumbs d-print-none" aria-label="Breadcrumbs">'
        f'<ol>{items}<li aria-current="page">{title}</li></ol></nav>\n'
    )


def add_breadcrumbs(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Put the path above the title of every page but the first."""
    if pagename == app.config.root_doc or doctree is None:
        return
    home = context["pathto"](app.config.root_doc)
    path = breadcrumbs(home, part_of(app, pagename), context["title"])
    context["body"] = path + context["body"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx."""
    app.connect("html-page-context", add_breadcrumbs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
