"""Of styles, icons and letters, keep what the pages use: a fraction of their weight."""

import html
import re
from collections.abc import Iterable
from pathlib import Path

import tinycss2
from bundle import SCRIPTS
from fontTools.subset import Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from sphinx.application import Sphinx

MADE_BY_BOOTSTRAP = {"tooltip", "tooltip-arrow", "tooltip-inner", "bs-tooltip-auto", "fade", "show"}
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
FUNCTION = re.compile(r":(?:not|is|where|has)\([^()]*(?:\([^()]*\)[^()]*)*\)")
ICON = re.compile(r"[\ue000-\uf8ff]")
ASCII = "".join(map(chr, range(32, 127)))
WEIGHTS = (400, 700)


def is_used(selectors: str, used: set[str]) -> bool:
    """Tell whether one of these selectors can match an element with the classes in use."""
    plain = FUNCTION.sub("", selectors)
    return any(used.issuperset(CLASS.findall(selector)) for selector in plain.split(","))


def keep_used(rules: Iterable[tinycss2.ast.Node], used: set[str]) -> str:
    """Write those rules that the classes in use can match, without comments."""
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule" and is_used(tinycss2.serialize(rule.prelude), used):
            kept.append(rule.serialize())
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = keep_used(tinycss2.parse_rule_list(rule.content, True, True), used)
            prelude = tinycss2.serialize(rule.prelude)
            kept += [f"@{rule.lower_at_keyword}{prelude}{{{inner}}}"] if inner else []
        elif rule.type == "at-rule":
            kept.append(rule.serialize())
    return "\n".join(kept)


def classes(pages: Iterable[Path], scripts: Iterable[Path]) -> set[str]:
    """Collect the classes that pages have, and all words of scripts that might add more."""
    used = set(MADE_BY_BOOTSTRAP)
    for page in pages:
        for names in re.findall(r'class="([^"]*)"', page.read_text("utf-8")):
            used.update(names.split())
    for script in scripts:
        used.update(re.findall(r"[\w-]+", script.read_text("utf-8")))
    return used


def subset(file: Path, characters: str) -> TTFont:
    """Read a font and keep the glyphs of these characters."""
    font, chosen = TTFont(file), Subsetter()
    chosen.populate(text=characters)
    chosen.subset(font)
    return font


def letters(files: Iterable[Path]) -> str:
    """Collect the characters of pages and scripts, and all of ASCII, which readers type."""
    written = (html.unescape(file.read_text("utf-8")) for file in files)
    return "".join(set(ASCII).union(*written))


def slim(app: Sphinx, error: Exception | None) -> None:
    """Rewrite the styles and the fonts; drop the script that draws icons."""
    static = Path(app.outdir, "_static")
    theme = static / "styles" / "pydata-sphinx-theme.css"
    if error or app.builder.format != "html" or not theme.exists():
        return
    scripts = [*static.glob("*.js"), *static.glob("scripts/*-theme.js")]
    scripts = [file for file in scripts if file.name != SCRIPTS]  # left by the build before
    pages = list(Path(app.outdir).rglob("*.html"))
    used = classes(pages, scripts)
    styles = ("basic.css", "styles/*.css", "sphinx-design*.css", "mystnb*.css")
    for style in (style for pattern in styles for style in static.glob(pattern)):
        css = style.read_text("utf-8")
        style.write_text(keep_used(tinycss2.parse_stylesheet(css, True, True), used), "utf-8")
    css = re.sub(r'url\([^)]*\.woff2\) format\("woff2"\),', "", theme.read_text("utf-8"))
    theme.write_text(css, "utf-8")
    for font in static.glob("vendor/fontawesome/webfonts/*"):
        if font.suffix == ".ttf":
            subset(font, "".join(ICON.findall(css))).save(font)
        else:
            font.unlink()
    written = letters([*pages, *static.glob("live/*.js")])
    for font in Path(app.srcdir, "_static/vendor/fonts").glob("*.woff2"):
        narrowed = instantiateVariableFont(subset(font, written), {"wght": WEIGHTS})
        narrowed.save(static / "vendor" / "fonts" / font.name)
    for leftover in [static / "scripts" / "fontawesome.js", *static.rglob("*.css.map")]:
        leftover.unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler with Sphinx."""
    app.connect("build-finished", slim)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
