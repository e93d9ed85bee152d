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
    """Give the first cell that a chapter needs in Colab, which opens the notebook alone.

    The package is not installed as editable: a kernel that runs already would not find it.
    """
    return (
        f"!git clone -q --depth 1 {repository} /book && cd /book && "
        "pip install -q -c requirements.txt '.[book]'\n"
        "%cd /book/chapters"
    )


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
        What to run first in Colab, if Colab is among the services.

    """
    name = notebook.rsplit("/", 1)[-1]
    launch = "".join(
        f'<li><a href="{html.escape(address)}">Open in {service}</a></li>'
        for service, address in links.items()
    )
    first = ""
    if "Colab" in links:
        first = (
            "<p>In Colab, run this in a new first cell. If it asks for a restart, "
            "restart, and run the second line again:</p>"
            f'<pre tabindex="0">{html.escape(cell)}</pre>'
        )
    return (
        '<aside class="run-bar d-print-none" aria-label="Run this chapter">'
        "<p>Run this chapter</p><ul>"
        f'<li><a href="{html.escape(source)}" download="{name}">Download the notebook</a></li>'
        f"{launch}<li>Or run <code>make lab</code> in the repository "
        f"and open <code>{name}</code></li></ul>{first}</aside>"
    )


def add_run_bar(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Put the bar below the title of a chapter."""
    if not pagename.startswith("chapters/"):
        return
    options = app.config.html_theme_options
    notebook = f"{pagename}.ipynb"
    links = launch_links(
        options.get("repository_url", ""), options.get("repository_branch", "main"), notebook
    )
    source = context["pathto"](f"_sources/{notebook}", resource=True)
    bar = run_bar(notebook, source, links)
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{bar}", 1)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx."""
    app.connect("html-page-context", add_run_bar)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
