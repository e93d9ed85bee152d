"""Nothing on the path of a chapter needs a box beside it, and chapters link back."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import pytest
from nbformat import NotebookNode
from notebooks import read
from plain import chapters, prose
from workshop import bound, loaded

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
