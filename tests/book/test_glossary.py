"""Every term of the glossary is explained where a page first uses it."""

import re
import runpy
from collections import defaultdict
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

EXTENSION = runpy.run_path(str(Path(__file__).parents[2] / "_ext" / "glossary_links.py"))
SKIPPED = "h1, h2, h3, h4, .admonition-title, pre, code, .math, figcaption, caption, thead, dt"
SKIPPED += ", a:not([href*='glossary.html#term-']), abbr, script, style, .citation, .rubric"
SKIPPED += ", .sd-card-title, .field-list, .quiz, .cell_output table, .cell_output .output"
SKIPPED += ", nav, .live, .live-aloud"


def terms(site: Path) -> dict[str, set[str]]:
    """Give the anchors of each term of the glossary: its own and those of its other names."""
    page = BeautifulSoup((site / "appendix" / "glossary.html").read_text(), "html.parser")
    entries: dict[int, set[str]] = defaultdict(set)
    names = {}
    for name in page.select("dl.glossary > dt"):
        anchors = entries[id(name.find_next("dd"))]
        anchors.add(str(name["id"]))
        names[str(name.find(string=True)).strip()] = anchors
    return names


def looked_for(names: dict[str, set[str]], page: str) -> dict[str, set[str]]:
    """Give the words that are terms on a page, and where each of them may lead."""
    senses = EXTENSION["SENSES"]
    words = {name: anchors for name, anchors in names.items() if name not in senses}
    return words | {word: names[term] for term, (word, where) in senses.items() if page in where}


@pytest.mark.slow
def test_the_first_use_of_a_term_leads_to_the_glossary(
    site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    wrong = []
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
            if link := piece.find_parent("a"):
                anchor = str(link["href"]).partition("#")[2]
                linked.append((len(text), len(text) + len(piece), anchor))
            text += piece
        page = file.relative_to(site).with_suffix("").as_posix()
        for name, anchors in looked_for(names, page).items():
            words = "|".join(map(EXTENSION["spelling"], EXTENSION["forms"](name)))
            first = re.search(rf"(?<![\w-])(?:{words})(?![\w-])", text)
            if first and not any(
                a < first.end() and first.start() < b and (to in anchors or b - a > len(first[0]))
                for a, b, to in linked
            ):
                wrong.append(f"{page}: {text[max(0, first.start() - 30) : first.end() + 20]!r}")
    assert len(names) > 100
    assert wrong == []


def test_a_word_with_two_senses_is_linked_on_every_page_named_for_it(
    site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    names = terms(site)
    linked = {
        (file.relative_to(site).with_suffix("").as_posix(), str(link["href"]).partition("#")[2])
        for file, parsed in pages.items()
        for link in parsed.select("article a[href*='glossary.html#term-']")
    }
    assert [
        (page, term)
        for term, (_, where) in EXTENSION["SENSES"].items()
        for page in sorted(where)
        if not linked & {(page, anchor) for anchor in names[term]}
    ] == []
