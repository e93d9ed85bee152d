"""What a teacher hands out: notebooks whose exercises are open, whole and readable, in one zip."""

import re
import zipfile
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from notebooks import read
from plain import Book, Chapter, chapters, prose
from quiz import read as read_quiz
from workshop import NAME, sheets

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "tests" / "quizzes" / "sample.yml"

each_chapter = pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def archive(workshop: Path) -> Path:
    return workshop / f"{NAME}.zip"


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(archive) as zipped:
        assert zipped.testzip() is None
        zipped.extractall(folder)
    return folder / NAME


@cache
def stored(path: Path) -> NotebookNode:
    return read(path)


def of_student(unpacked: Path, path: Path) -> NotebookNode:
    return read(unpacked / "notebooks" / path.name)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(path: Path, tag: str) -> list[NotebookNode]:
    return [cell for cell in stored(path).cells if tag in cell.metadata.get("tags", [])]


# Exercises and solutions


@each_chapter
def test_each_exercise_has_a_stub_and_a_solution(path: Path) -> None:
    text = prose(stored(path))
    count = len(re.findall(r"\{exercise\}", text))
    assert count >= 3
    assert len(tagged(path, "exercise")) == len(tagged(path, "solution")) == count
    assert text.count("{solution-start}") == text.count("{solution-end}") == count


@each_chapter
@pytest.mark.parametrize(("tag", "word"), [("exercise", "Not yet: "), ("solution", "Right.")])
def test_the_run_of_the_chapter_fails_each_stub_and_passes_each_solution(
    path: Path, tag: str, word: str
) -> None:
    for cell in tagged(path, tag):
        assert "nbval-ignore-output" not in cell.metadata.tags
        assert cell.outputs[-1].data["text/plain"].startswith(word), cell.source


# Student notebooks


@each_chapter
def test_no_solution_is_left(path: Path, unpacked: Path) -> None:
    notebook = of_student(unpacked, path)
    left = {line.strip() for cell in notebook.cells for line in cell.source.splitlines()}
    solutions = tagged(path, "solution")
    others = {
        line.strip()
        for cell in code_cells(stored(path))
        if cell not in solutions
        for line in cell.source.splitlines()
    }
    given_away = {
        line.strip()
        for cell in solutions
        for line in cell.source.splitlines()
        if line.strip() in left - others - {""}
    }
    assert given_away == set()
    explained = re.findall(r"\{solution-start\}.*\n.*\n(?::::|````)\n\n(.+)", prose(stored(path)))
    assert len(explained) >= len(solutions) / 3
    assert not left & set(explained)


@each_chapter
def test_student_notebook_is_valid_and_cleared_with_the_ids_of_the_chapter(
    path: Path, unpacked: Path
) -> None:
    notebook = of_student(unpacked, path)
    nbformat.validate(notebook)
    assert not any(cell.outputs or cell.execution_count for cell in code_cells(notebook))
    ids = [cell.id.removesuffix("-caption") for cell in notebook.cells]
    kept = [cell.id for cell in stored(path).cells if cell.id in ids]
    assert list(dict.fromkeys(ids)) == kept
    stubs = {cell.id: cell.source for cell in tagged(path, "exercise")}
    assert {cell.id: cell.source for cell in notebook.cells if cell.id in stubs} == stubs


# The quizzes on paper


def test_the_sheet_asks_and_only_the_key_answers() -> None:
    path = chapters()[0]
    quiz = (Chapter(Book(), path, stored(path)), "The first coupon", read_quiz(SAMPLE))
    asked, answered = sheets([quiz], keys=False), sheets([quiz], keys=True)
    for question in read_quiz(SAMPLE):
        for option in question["options"]:
            reason = option["reason"].split(".")[0]
            if re.fullmatch(r"[\w ,]+", reason):
                assert reason not in asked
                assert reason in answered
    assert "Right." not in asked
    assert answered.count("<strong>Right.</strong>") == 5
    assert not re.search(r"(?:src|href)=.?(?:https?:)?//", answered)
