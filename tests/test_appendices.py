"""What the appendices say of the chapters and of the package holds."""

import json
import re
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from plain import chapters, number, prose

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


def test_the_status_page_says_what_was_measured() -> None:
    measured = json.loads((ROOT / "appendix" / "status.json").read_text())
    page = (ROOT / "appendix" / "status.md").read_text()
    rows = re.findall(r"chapters/(\w+)` \| (\d+) \| ([\d.]+) \| (\S+) \|", page)
    assert [name for name, *_ in rows] == [path.stem for path in chapters()]
    assert rows == [
        (name, f"{cost['seconds']:.0f}", f"{cost['MiB'] / 1024:.1f}", cost["date"])
        for name in (path.stem for path in chapters())
        for cost in [measured[name]]
    ]


TEACHING = (ROOT / "appendix" / "teaching.md").read_text()
ROWS = re.findall(r"^\|.*chapters/0?(\d+)_\w+`(.*)\|$", TEACHING, re.MULTILINE)


def test_a_plan_names_sections_that_its_chapter_has() -> None:
    for chapter, rest in ROWS:
        text = prose(nbformat.read(CHAPTERS[chapter], as_version=4))
        sections = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
        assert set(re.findall(r'"(.+?)"', rest)) <= set(sections), chapter


@pytest.mark.parametrize(
    ("plan", "minutes"),
    [("Half a day", 210), ("One day", 420), ("Six weeks", 6 * 360), ("A semester", 14 * 330)],
)
def test_the_minutes_of_a_plan_add_up(plan: str, minutes: int) -> None:
    (part,) = re.findall(rf"^## {plan}: (.+?)(?=^## )", TEACHING, re.DOTALL | re.MULTILINE)
    rows = [row.split("|") for row in part.splitlines() if row.startswith("|")]
    column = rows[0].index(" minutes ")
    assert sum(int(row[column]) for row in rows[2:]) == minutes


def minutes(chapter: str) -> int:
    """The minutes to read that the card of a chapter says."""
    (found,) = re.findall(r"\*\*Time\*\* (\d+) minutes", CHAPTERS[chapter].read_text())
    return int(found)


def test_the_minutes_of_the_ways_through_the_book_are_those_of_the_cards() -> None:
    intro = (ROOT / "intro.md").read_text()
    ways = re.findall(r"^\| .+? \| (1, .+?) \| (\d+) \|", intro, re.MULTILINE)
    assert len(ways) == 4
    for way, total in ways:
        parts = [part.replace("primer", "P").split(" to ") for part in way.split(", ")]
        read = [str(n) for first, *last in parts for n in between(first, *last)]
        assert sum(map(minutes, read)) == int(total), way
    assert f"the whole book takes {sum(map(minutes, CHAPTERS))}," in intro


def between(first: str, last: str = "") -> list[str] | range:
    return range(int(first), int(last) + 1) if last else [first]


MARKET = nbformat.read(ROOT / "appendix" / "simulation.ipynb", as_version=4)
MARKET_TEXT = "\n".join(cell.source for cell in MARKET.cells if cell.cell_type == "markdown")


def test_the_page_on_the_market_has_a_section_for_each_mechanism() -> None:
    named = re.findall(r"^### .+: `(\w+)`$", MARKET_TEXT, re.MULTILINE)
    assert named == list(import_module("coupon_rec.simulation").MECHANISMS)


def test_the_equations_of_the_market_have_the_numbers_of_the_docstring() -> None:
    labels = re.findall(r"^\$\$ \((eq-sim-\w+)\)$", MARKET_TEXT, re.MULTILINE)
    docstring = import_module("coupon_rec.simulation").__doc__ or ""
    parts = re.findall(r"^- \*(\w+)\*:(.+?)(?=^- \*|^\*\*)", docstring, re.DOTALL | re.MULTILINE)
    numbers = {name: re.findall(r" \((\d+)\)$", part, re.MULTILINE) for name, part in parts}
    expected = {f"eq-sim-{name}": int(found[0]) for name, found in numbers.items() if found}
    assert {name: labels.index(name) + 1 for name in labels[5:]} == expected


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
