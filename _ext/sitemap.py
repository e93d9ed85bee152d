"""List every page of the book in sitemap.xml, for search engines, if the site has an address.

sphinx-sitemap warns if it has none, and after a second build lists only the pages that changed.
"""

from pathlib import Path
from xml.sax.saxutils import escape

from sphinx.application import Sphinx


def sitemap(site: str, pages: list[str]) -> str:
    """Write the list, whose addresses have to be whole."""
    urls = "".join(f"  <url><loc>{escape(site + page)}</loc></url>\n" for page in pages)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{space}">\n{urls}</urlset>\n'


def write_sitemap(app: Sphinx, error: Exception | None) -> None:
    """Write sitemap.xml beside the pages."""
    if error or app.builder.name != "html" or not app.config.html_baseurl:
        return
    pages = [app.builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
    Path(app.outdir, "sitemap.xml").write_text(sitemap(app.config.html_baseurl, pages), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx."""
    app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
