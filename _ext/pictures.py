"""Pictures weigh little and hold their place: WebP without loss, with their sizes, lazy below."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx

IMAGE = re.compile(r'<img\b[^>]*?\bsrc="(?P<folder>[^"]*_images/)(?P<name>[^"/]+)"[^>]*?/?>')
VIEW_BOX = re.compile(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"')


def size(file: Path) -> tuple[int, int] | None:
    """Give the width and height of a picture in its own units, or None if it has none."""
    if file.suffix == ".svg":
        box = VIEW_BOX.search(file.read_text("utf-8"))
        return (round(float(box[1])), round(float(box[2]))) if box else None
    with Image.open(file) as picture:
        return picture.size


def place(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Name the WebP of each picture of a page and give its size; load those in sections late."""
    sources = {name: Path(app.srcdir, source) for source, name in app.builder.images.items()}
    first = len(context.get("body", "").partition("<h2")[0])

    def rewrite(found: re.Match[str]) -> str:
        tag = found[0].replace(".png", ".webp")
        if (source := sources.get(found["name"])) and (pixels := size(source)):
            tag = tag.replace("<img", f'<img width="{pixels[0]}" height="{pixels[1]}"')
        return tag if found.start() < first else tag.replace("<img", '<img loading="lazy"')

    if app.builder.format == "html" and "body" in context:
        context["body"] = IMAGE.sub(rewrite, context["body"])


def shrink(app: Sphinx, error: Exception | None) -> None:
    """Turn the copied PNG files into WebP."""
    if error or app.builder.format != "html":
        return
    for png in Path(app.outdir, "_images").glob("*.png"):
        webp = png.with_suffix(".webp")
        if not webp.exists() or webp.stat().st_mtime < png.stat().st_mtime:
            with Image.open(png) as picture:
                picture.save(webp, lossless=True, method=2, quality=50)
        png.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handlers with Sphinx."""
    app.connect("html-page-context", place)
    app.connect("build-finished", shrink)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
