"""What the checkers share takes a right answer in any form, and refuses the rest with a hint."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book import check
from coupon_rec.book.check import answers


@pytest.mark.parametrize(
    "answer",
    [
        [1, 2.0],
        np.array([[1.0], [2.0]]),
        [np.float32(1), np.array([2])],
        pd.Series([1.0, 2.0], index=[7, 3]),
        pd.DataFrame({"x": [1, 2]}),
    ],
)
def test_numbers_may_come_in_any_form(answer: Any) -> None:
    assert answers.numbers(answer, (2,), "return two numbers").tolist() == [1, 2]


@pytest.mark.parametrize("answer", [3, np.int64(3), "3", [3.0], np.array([[3]]), pd.Series([3])])
def test_a_number_may_stand_alone_in_anything_but_a_text(answer: Any) -> None:
    if isinstance(answer, str):
        with pytest.raises(check.Hint, match=r"yours is '3', not a number"):
            answers.number(answer, "return one number")
    else:
        assert answers.number(answer, "return one number") == 3


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (None, "is a `return` missing"),
        ("1, 2", "'1, 2', not numbers"),
        (5, "gives 1 number"),
        ([1, 2, 3], "gives 3 numbers"),
        (np.ones((2, 2)), r"has the shape \(2, 2\)"),
        ([1, np.nan], "NaN"),
    ],
)
def test_what_are_not_two_numbers_is_told_so(answer: Any, hint: str) -> None:
    with pytest.raises(check.Hint, match=f"return two numbers; yours .*{hint}"):
        answers.numbers(answer, (2,), "return two numbers")


TABLE = pd.DataFrame({"user_id": [1, 2], "value": [0.5, 0.1]})


def test_a_function_that_fails_is_told_how_and_on_what() -> None:
    with pytest.raises(check.Hint, match=r"KeyError: 'day'. It was given a table \(user_id, value"):
        answers.called(lambda table: table["day"], TABLE)
    with pytest.raises(check.Hint, match="take one number"):
        answers.called(lambda x: max(x, 0), np.arange(3))
    with pytest.raises(check.Hint, match="the function itself"):
        answers.called(0.5)


def test_an_answer_that_nobody_thought_of_gets_a_hint_too() -> None:
    @check.checker
    def careless(answer: Any) -> None:
        if answer.wrong:
            raise check.Hint("look again.")

    assert "AttributeError" in str(careless(None))
