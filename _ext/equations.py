"""Equations are set by KaTeX, which is loaded only on the pages that have any."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.mathjax import html_visit_displaymath, html_visit_math


def load_katex(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Add the scripts and the style to a page with equations."""
    if 'class="math' in context.get("body", "") or 'class="amsmath' in context.get("body", ""):
        app.add_css_file("vendor/katex/katex.min.css")
        app.add_js_file("vendor/katex/katex.min.js", loading_method="defer")
        app.add_js_file("on-demand/equations.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer and the handler with Sphinx."""
    app.add_html_math_renderer("katex", (html_visit_math, None), (html_visit_displaymath, None))
    app.connect("html-page-context", load_katex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
