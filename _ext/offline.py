"""Keep the HTML off the network: MathJax is loaded once, from this folder, where math is."""

from sphinx.application import Sphinx
from sphinx.config import Config


def drop_second_mathjax(app: Sphinx, config: Config) -> None:
    """Jupyter Book adds every script under ``_static`` to every page; Sphinx adds MathJax."""
    config.html_js_files = [name for name in config.html_js_files if "mathjax" not in str(name)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx."""
    app.connect("config-inited", drop_second_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
