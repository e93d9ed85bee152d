"""The styles of all pages come as one file, and scripts wait until the page is read.

A browser asks for a dozen small files in several rounds, and shows nothing before the last.
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

THEME = ["_static/basic.css", "_static/styles/pydata-sphinx-theme.css"]
BUNDLE = "_static/book.css"
AT_ONCE = "documentation_options.js"  # scripts in the head of the page set its fields


def lighten(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Take the styles out of a page, whose template names the bundle; defer its scripts."""
    context["css_files"] = []
    for script in context["script_files"]:
        if script.filename and not str(script.filename).endswith(AT_ONCE):
            # the page of the search has a script of its own that wants these at once
            if pagename == "search":
                script.attributes.pop("defer", None)
            else:
                script.attributes["defer"] = "defer"


def rebase(css: str, folder: str) -> str:
    """Make the addresses in a style of a folder under ``_static`` start there."""
    return re.sub(r'url\((["\']?)(?!["\']|data:|#|/|\w+:)', rf"url(\1{folder}", css)


def write_bundle(app: Sphinx, error: Exception | None) -> None:
    """Write the styles, in their order, as one file."""
    if error or app.builder.format != "html":
        return
    styles = sorted(app.builder._css_files, key=lambda style: style.priority)
    names = [str(style.filename) for style in styles]
    parts = []
    for name in THEME + [name for name in names if "://" not in name]:
        file = Path(app.outdir, name.split("?")[0])
        folder = file.parent.relative_to(Path(app.outdir, "_static")).as_posix()
        css = file.read_text("utf-8").replace('@charset "UTF-8";', "")
        parts.append(css if folder == "." else rebase(css, f"{folder}/"))
    Path(app.outdir, BUNDLE).write_text("\n".join(parts), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handlers with Sphinx, after those that add files or rewrite them."""
    app.connect("html-page-context", lighten, priority=900)
    app.connect("build-finished", write_bundle, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
