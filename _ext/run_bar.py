"""Above each chapter: how to run it here, and in the cloud once the book has an address."""

import html
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def launch_links(repository: str, branch: str, notebook: str) -> dict[str, str]:
    """Give the addresses that open a notebook in Binder and Colab.

    Both know repositories on GitHub; for another address, or none, there are no links.
    """
    found = re.match(r"https://github\.com/([^/]+/[^/]+?)(?:\.git)?/?$", repository)
    if not found:
        return {}
    return {
        "Binder": f"https://mybinder.org/v2/gh/{found[1]}/{branch}?urlpath=lab/tree/{notebook}",
        "Colab": f"https://colab.research.google.com/github/{found[1]}/blob/{branch}/{notebook}",
    }


def colab_cell(repository: str) -> str:
    """Write the first cell of a chapter in Colab, which opens a notebook without its repository.

    The lock is left out, because it would replace the packages of the kernel that runs.
    """
    clone = f"git clone -q --depth 1 {repository} /book"
    return f"!{clone} && pip install -q '/book[book]'\n%cd /book/chapters"


def run_bar(notebook: str, source: str, links: dict[str, str], cell: str = "") -> str:
    """Write the bar as HTML.

    Parameters
    ----------
    notebook
        The path of the notebook in the repository.
    source
        Where the page finds the notebook to download.
    links
        The name and the address of each service that runs it.
    cell
        What to run first in Colab, or nothing.

    """
    name = notebook.rsplit("/", 1)[-1]
    launch = "".join(
        f'<li><a href="{html.escape(address)}">Open in {service}</a></li>'
        for service, address in links.items()
    )
    first = (
        "<details><summary>What Colab needs first</summary>"
        "<p>Run this in a new cell at the top. "
        "If Colab then asks for a restart, restart and run the second line again.</p>"
        f'<div class="highlight"><pre>{html.escape(cell)}</pre></div></details>'
    )
    return (
        '<aside class="run-bar d-print-none" aria-label="Run this chapter">'
        "<p>Run this chapter</p><ul>"
        f'<li><a href="{html.escape(source)}" download="{name}">Download the notebook</a></li>'
        f"{launch}<li>Or run <code>make lab</code> in the repository "
        f"and open <code>{name}</code></li></ul>"
        f"{first if cell else ''}</aside>"
    )


def add_run_bar(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Put the bar below the title of a chapter."""
    if not pagename.startswith("chapters/"):
        return
    options = app.config.html_theme_options
    notebook = f"{pagename}.ipynb"
    repository = options.get("repository_url", "")
    links = launch_links(repository, options.get("repository_branch", "main"), notebook)
    source = context["pathto"](f"_sources/{notebook}", resource=True)
    bar = run_bar(notebook, source, links, colab_cell(repository) if "Colab" in links else "")
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{bar}", 1)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx."""
    app.connect("html-page-context", add_run_bar)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
