"""The styles of all pages come as one file, and their scripts as another, after the first paint.

A browser asks for two dozen small files in several rounds, and shows nothing before the last.
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

THEME_STYLES = ["_static/basic.css", "_static/styles/pydata-sphinx-theme.css"]
THEME_SCRIPTS = ["_static/scripts/bootstrap.js", "_static/scripts/pydata-sphinx-theme.js"]
STYLES, SCRIPTS = "_static/book.css", "book.js"
OPTIONS = "documentation_options.js"  # scripts in the head of the page set its fields
OF_SOME_PAGES = ("live/", "on-demand/")


def name_of(script: Any) -> str:
    """Name the file of a script under ``_static``; nothing for one that stands in the page."""
    return str(script.filename or "").removeprefix("_static/")


def shared(scripts: list[Any]) -> list[str]:
    """Name the scripts that every page has, but for the options, in their order."""
    others = (*OF_SOME_PAGES, OPTIONS, SCRIPTS)
    return [name for name in map(name_of, scripts) if name and not name.startswith(others)]


def lighten(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Take styles and scripts out of a page; its template loads the bundles, the scripts late."""
    context["css_files"] = []
    context["options"] = Path(app.outdir, "_static", OPTIONS).read_text("utf-8")
    bundled = {OPTIONS, *shared(context["script_files"])}
    scripts = [script for script in context["script_files"] if name_of(script) not in bundled]
    # the page of the search has a script of its own that wants the others at once
    late = [] if pagename == "search" else list(filter(name_of, scripts))
    context["late"] = sorted(late, key=lambda script: script.priority)
    context["script_files"] = [script for script in scripts if script not in late]


def rebase(css: str, folder: str) -> str:
    """Make the addresses in a style of a folder under ``_static`` start there."""
    return re.sub(r'url\((["\']?)(?!["\']|data:|#|/|\w+:)', rf"url(\1{folder}", css)


def write_bundles(app: Sphinx, error: Exception | None) -> None:
    """Write the styles, in their order, as one file, and the scripts as another."""
    if error or app.builder.format != "html":
        return
    styles = sorted(app.builder._css_files, key=lambda style: style.priority)
    names = [str(style.filename) for style in styles]
    parts = []
    for name in THEME_STYLES + [name for name in names if "://" not in name]:
        file = Path(app.outdir, name.split("?")[0])
        folder = file.parent.relative_to(Path(app.outdir, "_static")).as_posix()
        css = file.read_text("utf-8").replace('@charset "UTF-8";', "")
        parts.append(css if folder == "." else rebase(css, f"{folder}/"))
    Path(app.outdir, STYLES).write_text("\n".join(parts), "utf-8")
    scripts = sorted(app.builder._js_files, key=lambda script: script.priority)
    names = [f"_static/{name}" for name in shared(scripts)] + THEME_SCRIPTS
    code = [Path(app.outdir, name).read_text("utf-8") for name in names]
    # a semicolon ends what a file leaves open, and keeps its "use strict" from the others
    Path(app.outdir, "_static", SCRIPTS).write_text(";\n" + "\n;\n".join(code), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the bundle and the handlers, after those that add files or rewrite them."""
    app.add_js_file(SCRIPTS, priority=600)  # after the settings in the head
    app.connect("html-page-context", lighten, priority=900)
    app.connect("build-finished", write_bundles, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
