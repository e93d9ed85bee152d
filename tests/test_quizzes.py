"""The quizzes: five questions a chapter, one right option each, and a reason for every option."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from notebooks import read as read_notebook
from quiz import problem_of, read

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "chapters").glob("*.ipynb"))
QUIZZES = sorted((ROOT / "chapters" / "quizzes").glob("*.yml"))
SAMPLE = ROOT / "tests" / "quizzes" / "sample.yml"

each_quiz = pytest.mark.parametrize("path", [SAMPLE, *QUIZZES], ids=lambda path: path.stem)


@each_quiz
def test_quiz_has_five_questions_with_one_right_option_and_reasons(path: Path) -> None:
    assert len(read(path)) == 5


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_chapter_asks_its_quiz_once_and_before_the_exercises(path: Path) -> None:
    text = "\n".join(cell.source for cell in read_notebook(path).cells)
    assert text.count(f"{{quiz}} quizzes/{path.stem}.yml") == 1
    assert text.index("## Check yourself") < text.index("{quiz}") < text.index("## Exercises")
    assert (ROOT / "chapters" / "quizzes" / f"{path.stem}.yml").exists()


def edited(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Give a good question with one thing changed."""
    question = copy.deepcopy(read(SAMPLE)[0])
    change(question)
    return question


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda q: q["options"].pop(), "three or four"),
        (lambda q: q["options"][1].pop("reason"), "option B needs"),
        (lambda q: q["options"][1].update(right=False), "no other"),
        (lambda q: q["options"][2].update(answer=q["options"][1]["answer"]), "the same"),
    ],
)
def test_a_faulty_question_is_refused_with_the_reason(
    change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    assert problem in str(problem_of(edited(change)))
    assert problem_of(edited(lambda question: None)) is None
