"""Figures that move: ``{live} NAME`` leaves a place that the script ``_static/live/NAME.js`` fills.

    ```{live} ladder
    :name: fig-06-live
    :alt: What the figure shows, for who cannot see it.

    The caption.
    ```

A page loads the scripts of its own live figures and no others.
"""

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

BEFORE = {
    "try-it": ["people", "network", "coupled", "choice", "what-if", "words"],
    "lambda": ["people", "choice"],
    "because": ["people", "network", "coupled", "choice", "what-if", "words", "credit"],
    "nearest": ["near-to"],
}
"""The scripts that a figure needs besides its own."""


class live(nodes.General, nodes.Element):
    """The place of a live figure."""


class Live(SphinxDirective):
    """A live figure, with its caption as content and its description as ``alt``; both required."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {
        "name": directives.unchanged_required,
        "alt": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Make a figure that is numbered and referred to like every other."""
        name = self.arguments[0]
        if not self.content or not self.options.get("alt"):
            raise self.error(f"the live figure {name} needs a caption and :alt:, a description")
        figure = nodes.figure("", live(live=name, alt=self.options["alt"]), classes=["live-figure"])
        text, messages = self.state.inline_text(" ".join(self.content), self.lineno)
        caption = nodes.caption("", "", *text)
        self.set_source_info(figure)
        self.set_source_info(caption)
        figure += caption
        self.add_name(figure)
        return [figure, *messages]


def visit_html(self: Any, node: live) -> None:
    """Write the place, the description, and what stands there without JavaScript."""
    name, alt = node["live"], self.encode(node["alt"])
    self.body.append(
        f'<div class="live" data-live="{name}" role="group" aria-label="Live figure"'
        f' aria-describedby="live-{name}-alt">\n'
        f"<p>This figure moves with JavaScript, which is off here. {alt}</p></div>\n"
        f'<p class="live-aloud" id="live-{name}-alt">{alt}</p>\n'
    )
    raise nodes.SkipNode


def visit_other(self: Any, node: live) -> None:
    """Leave the caption alone where nothing can move."""
    raise nodes.SkipNode


def add_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the scripts that the live figures of a page need to this page."""
    names = [node["live"] for node in doctree.findall(live)] if doctree else []
    needed = ["live", *(script for name in names for script in [*BEFORE.get(name, ()), name])]
    for script in dict.fromkeys(needed if names else ()):
        app.add_js_file(f"live/{script}.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    others = {name: (visit_other, None) for name in ("latex", "text", "man", "texinfo")}
    app.add_node(live, html=(visit_html, None), **others)
    app.add_directive("live", Live)
    app.add_css_file("live/live.css", priority=900)  # after those of the book
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
