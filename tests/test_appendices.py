"""What the appendices say of the chapters and of the package holds."""

import re
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from plain import chapters, number

ROOT = Path(__file__).parent.parent
CHAPTERS = {number(path): path for path in chapters()}
COLORED = r"\\(?:user|item|coupon|money)\{((?:[^{}]|\{[^{}]*\})*)\}"
MATH = re.compile(r"\$\$(.+?)\$\$|(?<!\\)\$([^$\n]+?)(?<!\\)\$", re.DOTALL)


def math(text: str) -> list[str]:
    """List the formulas of a text, without the code in it."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    return [display or inline for display, inline in MATH.findall(text)]


def plain(formula: str) -> str:
    """Take the colors and the fine spacing out of a formula."""
    while formula != (formula := re.sub(COLORED, r"\1", formula)):
        pass
    return re.sub(r"(?:\\[,;:!]|\s)+", " ", formula)


def formulas(path: Path) -> list[str]:
    """List the formulas of a chapter."""
    cells = nbformat.read(path, as_version=4).cells
    return [
        formula for cell in cells if cell.cell_type == "markdown" for formula in math(cell.source)
    ]


NOTATION = (ROOT / "appendix" / "notation.md").read_text()
SYMBOLS = [
    (plain(symbol), chapter)
    for symbols, chapter in re.findall(r"^\| (\$.+?\$) \| .+ \| (\w+) \|$", NOTATION, re.MULTILINE)
    for symbol in math(symbols)
]


def test_each_symbol_is_used_in_the_chapter_that_the_notation_names() -> None:
    used = {chapter: "  ".join(map(plain, formulas(path))) for chapter, path in CHAPTERS.items()}
    assert [
        (symbol, chapter)
        for symbol, chapter in SYMBOLS
        if not re.search(rf"(?<![A-Za-z\\]){re.escape(symbol)}(?![A-Za-z])", used[chapter])
    ] == []


def test_each_colored_symbol_stands_in_the_notation() -> None:
    letters = {letter for symbol, _ in SYMBOLS for letter in re.findall(r"\\?[A-Za-z]+", symbol)}
    colored = {
        plain(symbol)
        for path in CHAPTERS.values()
        for formula in formulas(path)
        for symbol in re.findall(COLORED, formula)
    }
    assert {s for s in colored if not set(re.findall(r"\\?[A-Za-z]+", s)) <= letters} == set()


MARKET = nbformat.read(ROOT / "appendix" / "simulation.ipynb", as_version=4)
MARKET_TEXT = "\n".join(cell.source for cell in MARKET.cells if cell.cell_type == "markdown")


def test_the_page_on_the_market_has_a_section_for_each_mechanism() -> None:
    named = re.findall(r"^### .+: `(\w+)`$", MARKET_TEXT, re.MULTILINE)
    assert named == list(import_module("coupon_rec.simulation").MECHANISMS)


def public(room: str) -> set[str]:
    """Give the names that a room shows."""
    return set(import_module(f"coupon_rec.{room}").__all__)


@pytest.mark.parametrize(
    "room",
    [
        *("market", "simulation", "features", "models", "training", "evaluation"),
        *("effects", "policies", "explain", "privacy", "decisions", "monitoring"),
    ],
)
def test_the_reference_has_every_public_name_of_a_room(room: str) -> None:
    pages = (ROOT / "appendix" / f"{name}.md" for name in ("api", "api_decisions", "api_serving"))
    page = "".join(page.read_text() for page in pages) + "## "
    (part,) = re.findall(rf"^## `coupon_rec\.{room}`$(.+?)(?=^## )", page, re.DOTALL | re.MULTILINE)
    listed = re.findall(r"^\.\. auto\w+:: (\w+)$", part, re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", part)) | set(listed)
    assert len(listed) == len(set(listed))
    assert set(listed) <= public(room)
    assert public(room) <= named
