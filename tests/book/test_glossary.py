"""Every term of the glossary is explained where a page first uses it."""

import re
import runpy
from pathlib import Path

from bs4 import BeautifulSoup

EXTENSION = runpy.run_path(str(Path(__file__).parents[2] / "_ext" / "glossary_links.py"))
SKIPPED = "h1, h2, h3, h4, .admonition-title, pre, code, .math, figcaption, caption, thead, dt"
SKIPPED += ", a:not([href*='glossary.html#term-']), abbr, script, style, .citation, .rubric"
SKIPPED += ", .sd-card-title, .field-list, .quiz, .cell_output table, .cell_output .output"
SKIPPED += ", nav, .live, .live-aloud"


def terms(site: Path) -> list[str]:
    """List the terms of the glossary that are looked for on every page."""
    page = BeautifulSoup((site / "appendix" / "glossary.html").read_text(), "html.parser")
    names = [name.find(string=True).strip() for name in page.select("dl.glossary > dt")]
    return [name for name in names if name not in EXTENSION["SENSES"]]


def test_the_first_use_of_a_term_leads_to_the_glossary(
    site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    unlinked = []
    names = terms(site)
    for file, parsed in pages.items():
        article = BeautifulSoup(str(parsed.select_one("article") or ""), "html.parser")
        if file.name in ("glossary.html", "genindex.html", "search.html"):
            continue
        for tag in article.select(SKIPPED):
            tag.replace_with("\x00")
        for tag in article.select("em, strong"):  # a term does not cross their edges
            tag.insert(0, "\x00")
            tag.append("\x00")
        text = ""
        linked = []
        for piece in article.find_all(string=True):
            if piece.find_parent("a"):
                linked.append((len(text), len(text) + len(piece)))
            text += piece
        for name in names:
            words = "|".join(map(EXTENSION["spelling"], EXTENSION["forms"](name)))
            first = re.search(rf"(?<![\w-])(?:{words})(?![\w-])", text)
            if first and not any(a < first.end() and first.start() < b for a, b in linked):
                unlinked.append(
                    f"{file.name}: {text[max(0, first.start() - 30) : first.end() + 20]!r}"
                )
    assert len(names) > 100
    assert unlinked == []
