"""Equations are set by KaTeX while the book is built: a page shows them at once, with no script.

KaTeX is a program in JavaScript, which V8 runs inside this process.
"""

import atexit
import re
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

KATEX = Path(__file__).with_name("katex.min.js")
OPTIONS = {
    "macros": {rf"\{name}": rf"\htmlClass{{{name}}}{{#1}}"
               for name in ("user", "item", "coupon", "money")},
    "strict": False,
    "trust": True,
}  # fmt: skip


@cache
def katex() -> MiniRacer:
    """Start KaTeX."""
    context = MiniRacer()
    atexit.register(context.close)  # an open one keeps Python from ending
    context.eval(KATEX.read_text("utf-8"))
    return context


@cache
def typeset(source: str, display: bool = False) -> str:
    """Turn TeX into HTML, with MathML in it for who cannot see it."""
    return str(katex().call("katex.renderToString", source, OPTIONS | {"displayMode": display}))


class StopsStay(SphinxPostTransform):
    """Keep a comma, or another mark, on the line of the symbol that it follows."""

    default_priority = 900

    def run(self, **kwargs: Any) -> None:
        """Put the symbol and the mark into one element, which no line breaks."""
        for math in list(self.document.findall(nodes.math)):
            parent, at = math.parent, math.parent.index(math)
            after = parent[at + 1] if at + 1 < len(parent) else None
            mark = re.match(r"[^\s\w]+", after) if isinstance(after, nodes.Text) else None
            if mark and typeset(math.astext()).count('class="base"') == 1:
                together = nodes.inline("", "", math, nodes.Text(mark[0]), classes=["unbroken"])
                parent[at : at + 2] = [together, nodes.Text(after[mark.end() :])]


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write an equation within a line."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate"))
    self.body.append(typeset(node.astext()) + "</span>")
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write an equation on lines of its own, with its number if it has one."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append(f'<span class="equation">{typeset(node.astext(), display=True)}</span></div>')
    raise nodes.SkipNode


def add_script(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Give a page with equations the script that lets wide ones scroll."""
    if 'class="math' in context.get("body", "") or 'class="amsmath' in context.get("body", ""):
        app.add_js_file("on-demand/equations.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer and the handler with Sphinx."""
    app.add_html_math_renderer("katex", (visit_math, None), (visit_math_block, None))
    app.add_css_file("vendor/katex/katex.min.css", priority=900)  # after those of the book
    app.add_post_transform(StopsStay)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
