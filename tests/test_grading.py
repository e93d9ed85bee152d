"""A teacher reads from saved notebooks which exercises are solved."""

from pathlib import Path

import nbformat
import pytest
from grading import report, verdicts
from nbformat.v4 import new_code_cell, new_notebook, new_output


def said(number: int, *words: str) -> nbformat.NotebookNode:
    outputs = [new_output("execute_result", {"text/plain": word}) for word in words]
    return new_code_cell(f"answer = 1\ncheck.exercise_{number}(answer)", outputs=outputs)


@pytest.fixture
def learner(tmp_path: Path) -> Path:
    folder = tmp_path / "ada"
    folder.mkdir()
    cells = [
        said(1, "Right."),
        said(2, "Not yet: the sign is turned."),
        said(3),
        said(4, "Right."),
        said(4, "Not yet: one more try."),
        new_code_cell("check = 2"),
    ]
    nbformat.write(new_notebook(cells=cells), folder / "01_first_coupon.ipynb")
    return folder


def test_each_exercise_is_right_not_yet_or_never_run(learner: Path) -> None:
    marks = verdicts(learner / "01_first_coupon.ipynb")
    assert marks == {"1": "+", "2": "-", "3": "?", "4": "+"}


def test_the_report_has_a_line_for_each_notebook(learner: Path) -> None:
    (line,) = report([learner]).splitlines()
    assert line.split() == ["ada", "01_first_coupon", "2", "of", "4", "1+", "2-", "3?", "4+"]
