"""Each chapter has one path that fits half an hour, and nothing on it needs a box beside it.

Its words are those that people say, and its code fits beside the columns of a small screen.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import pytest
from nbformat import NotebookNode
from notebooks import ROOT, read
from plain import chapters, prose
from workshop import bound, loaded

WORDS, LINES, NUMBERS = 2800, 220, 40
WIDTH = 76
WORDS_A_MINUTE, LINES_A_MINUTE = 150, 20
HIDDEN = {"remove-cell", "remove-input", "hide-input", "hide-cell"}
START, END, INSIDE = ":::{deeper-start} ", "\n:::{deeper-end}\n:::", "% deeper dropdown\n"
NEEDED = re.compile(r"\{(?:eq|numref|glue:text)\}`([\w-]+)")
LINK = re.compile(r"\{doc\}`(?:[^`<]*<)?(\w+)>?`")
GIVEN = re.compile(r"\(([\w-]+)\)$|^:name: ([\w-]+)$", re.MULTILINE)


@dataclass
class Part:
    """What stands on the path, or in the boxes, or is hidden."""

    text: str = ""
    code: list[str] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)

    @property
    def words(self) -> int:
        prose = re.sub(r"\{glue:text\}`[^`]*`|^:[\w-]+:.*$", "0", self.text, flags=re.MULTILINE)
        return len(re.findall(r"[A-Za-z][\w'’-]*", prose))

    @property
    def lines(self) -> int:
        return sum(bool(line.strip()) for cell in self.code for line in cell.splitlines())

    @property
    def minutes(self) -> float:
        return self.words / WORDS_A_MINUTE + self.lines / LINES_A_MINUTE

    @property
    def tree(self) -> ast.Module:
        return ast.parse("\n".join(self.code))


def parts(path: Path) -> Iterator[tuple[str, NotebookNode]]:
    """Give the cells of a chapter up to its quiz, each with the part that it belongs to."""
    boxed = False
    for cell in read(path).cells:
        if "## Check yourself" in cell.source:
            return
        boxed = boxed or cell.source.startswith(START)
        hidden = HIDDEN & set(cell.metadata.get("tags", []))
        yield ("box" if boxed else "hidden" if hidden else "path"), cell
        boxed = boxed and not cell.source.endswith(END)


def read_parts(path: Path) -> dict[str, Part]:
    found = {name: Part() for name in ("path", "box", "hidden")}
    for name, cell in parts(path):
        part = found[name]
        if cell.cell_type == "markdown":
            part.text += f"\n{cell.source}"
            part.labels |= {label for pair in GIVEN.findall(cell.source) for label in pair if label}
        else:
            part.code.append(cell.source)
            part.labels |= {glued(output) for output in cell.outputs if glued(output)}
            part.labels |= {cell.metadata.get("mystnb", {}).get("figure", {}).get("name", "")}
    return found


def glued(output: NotebookNode) -> str:
    return output.get("metadata", {}).get("scrapbook", {}).get("name", "")


each_chapter = pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)


@each_chapter
def test_the_path_keeps_its_budget(path: Path) -> None:
    way = read_parts(path)["path"]
    words = len(way.text.split())
    assert words <= WORDS, f"{words} words before the quiz"
    assert way.lines <= LINES, f"{way.lines} visible lines of code before the quiz"
    numbers = way.text.count("{glue:")
    assert numbers <= NUMBERS, f"{numbers} measured numbers in the prose before the quiz"


@each_chapter
def test_a_cell_is_wholly_box_or_wholly_path_and_says_which(path: Path) -> None:
    for name, cell in parts(path):
        if cell.cell_type == "code":
            assert ("deeper" in cell.metadata.get("tags", [])) is (name == "box"), cell.source
        elif name == "box":
            first = cell.source.startswith(START) and "\n:class: dropdown\n" in cell.source
            assert first or cell.source.startswith(INSIDE), cell.source
            marks = cell.source.count(START) - first + cell.source.count(END.strip())
            assert marks == cell.source.endswith(END), cell.source
        else:
            assert "{deeper-" not in cell.source and INSIDE not in cell.source, cell.source


@each_chapter
def test_boxes_and_hidden_cells_are_at_most_half_of_the_path(path: Path) -> None:
    found = read_parts(path)
    beside = found["box"].minutes + found["hidden"].minutes
    assert beside <= found["path"].minutes / 2, f"{beside:.0f} of {found['path'].minutes:.0f}"


@each_chapter
def test_the_stated_time_is_what_the_path_takes(path: Path) -> None:
    found = read_parts(path)["path"]
    stated = int(re.findall(r"\*\*Time\*\* (\d+) minutes to read", found.text)[0])
    assert abs(stated - found.minutes) <= 3, f"the path takes {found.minutes:.0f} minutes"


@each_chapter
def test_nothing_on_the_path_needs_a_box(path: Path) -> None:
    found = read_parts(path)
    box, others = found["box"], (found["path"], found["hidden"])
    made = bound(box.tree) - set().union(*(bound(part.tree) for part in others))
    used = set().union(*(loaded(part.tree) for part in others))
    assert not made & used, f"names of a box: {sorted(made & used)}"
    labels = box.labels - set().union(*(part.labels for part in others))
    named = set(NEEDED.findall(found["path"].text))
    assert not labels & named, f"numbers, equations or figures of a box: {sorted(labels & named)}"


def test_a_chapter_links_back_to_those_that_send_their_readers_to_it() -> None:
    links = {path.stem: set(LINK.findall(prose(read(path)))) for path in chapters()}
    sent = [(first, later) for first, later in combinations(links, 2) if later in links[first]]
    assert [(first, later) for first, later in sent if first not in links[later]] == []


UNSAID = re.compile(
    r"\b(?:mend(?:s|ed|ing)?|whoever|shall|simply|obviously|powerful|leverage\w*|delv\w*)\b", re.I
)
LOOKED_UP = [ROOT / "appendix" / f"{name}.ipynb" for name in ("simulation", "contest")]
PROSE = [
    *chapters(),
    *LOOKED_UP,
    *(path for folder in (".", "appendix") for path in (ROOT / folder).glob("*.md")),
    *(ROOT / "chapters" / "quizzes").glob("*.yml"),
]


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_prose_has_no_word_that_nobody_says(path: Path) -> None:
    text = prose(read(path)) if path.suffix == ".ipynb" else path.read_text("utf-8")
    assert UNSAID.findall(text) == []


@pytest.mark.parametrize("path", [*chapters(), *LOOKED_UP], ids=lambda path: path.stem)
def test_no_line_of_code_is_cut_off_on_a_small_screen(path: Path) -> None:
    cells = (cell for cell in read(path).cells if cell.cell_type == "code")
    wide = [line for cell in cells for line in cell.source.splitlines() if len(line) > WIDTH]
    assert wide == []
