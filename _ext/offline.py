"""Load what others wrote only where it is needed.

Jupyter Book puts every script and style under ``_static`` on every page; those in ``vendor``,
those of live figures and the script that sets equations are put there by the extensions that need
them.
"""

from sphinx.application import Sphinx
from sphinx.config import Config


def needed_everywhere(name: object) -> bool:
    """Tell whether a file under ``_static`` belongs on every page."""
    return not str(name).startswith(("vendor/", "on-demand/", "live/"))


def drop_vendored(app: Sphinx, config: Config) -> None:
    """Take the files of single pages out of the lists for all pages."""
    config.html_js_files = [name for name in config.html_js_files if needed_everywhere(name)]
    config.html_css_files = [name for name in config.html_css_files if needed_everywhere(name)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx."""
    app.connect("config-inited", drop_vendored)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
