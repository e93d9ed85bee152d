"""Fix the HTML that others' code writes, so that it is valid and a screen reader can follow it."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

REPAIRS = [
    # pandas repeats its style beside each table, in an element that HTML allows only in the head
    (re.compile(r"<style scoped>.*?</style>", re.DOTALL), ""),
    # a header cell without a name is no header
    (re.compile(r"<th\b([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>"), r"<td\1></td>"),
    # sphinx-exercise gives every exercise of a page the same id
    (re.compile(r' id="(?:exercise|solution)-content"'), ""),
    # MyST-NB labels what unfolds a cell with other words than it shows
    # and puts paragraphs where HTML allows only phrases
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    (
        re.compile(r'<p class="((?:collapsed|expanded)\b[^"]*)">(.*?)</p>'),
        r'<span class="\1">\2</span>',
    ),
    # pandas aligns the header of a group by an attribute that HTML has dropped
    (re.compile(r'(<th\b[^>]*?) halign="\w+"'), r"\1"),
    # napoleon puts the list of what a function returns into a paragraph
    (re.compile(r'<p>(<ul class="simple">(?:(?!</?ul).)*</ul>)\s*</p>', re.DOTALL), r"\1"),
    # a role that ARIA gave up, which docutils gives to each entry of the bibliography
    (re.compile(r' role="doc-biblioentry"'), ' role="listitem"'),
    # a permalink is read as its purpose, not as its sign
    (
        re.compile(r'(<a class="headerlink"[^>]*?) title="([^"]*)">#'),
        r'\1 title="\2" aria-label="\2">#',
    ),
]


def fix(html: str) -> str:
    """Apply every repair to a piece of HTML."""
    for fault, repair in REPAIRS:
        html = fault.sub(repair, html)
    return html


def fix_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Fix what stands between the header and the footer of a page."""
    if "body" in context:
        context["body"] = fix(context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx."""
    app.connect("html-page-context", fix_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
