"""The address of the site leads to the first page."""

from pathlib import Path

from sphinx.application import Sphinx

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={first}">
<title>The Right Coupon</title>
</head>
<body>
<main><h1>The Right Coupon</h1><p><a href="{first}">Open the first page</a></p></main>
</body>
</html>
"""


def write_index(app: Sphinx, error: Exception | None) -> None:
    """Write index.html, in place of a redirect without a title."""
    if not error and app.builder.name == "html":
        first = app.builder.get_target_uri(app.config.root_doc)
        Path(app.outdir, "index.html").write_text(PAGE.format(first=first), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx, after that of the table of contents."""
    app.connect("build-finished", write_index, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
