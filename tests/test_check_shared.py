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
        (True, 2),
        np.array([1, 2], np.int8),
        np.array([[1.0], [2.0]]),
        [[1, 2]],
        [np.float32(1), np.array([2])],
        range(1, 3),
        pd.Series([1.0, 2.0], index=[7, 3]),
        pd.Series([2.0, 1.0], index=[1, 0]),
        pd.Series([1, 2], dtype="Int64"),
        pd.DataFrame({"x": [1, 2]}),
        pd.Index([1, 2]),
    ],
)
def test_numbers_may_come_in_any_form(answer: Any) -> None:
    assert answers.numbers(answer, (2,), "return two numbers").tolist() == [1, 2]


def test_a_series_keeps_its_order_where_nobody_says_how_many_rows_there_are() -> None:
    assert answers.numbers(pd.Series([2, 1], [1, 0]), None, "return ids").tolist() == [2, 1]


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
        (["1", "2"], "not numbers"),
        ({1, 2}, "not numbers"),
        (pd.to_datetime(["2017-01-01", "2017-01-02"]), "not numbers"),
        ([[1], [2, 3]], "not numbers"),
        (5, "gives 1 number"),
        ([1, 2, 3], "gives 3 numbers"),
        (np.ones((2, 2)), r"has the shape \(2, 2\)"),
        ([1, np.nan], "NaN"),
        (pd.Series([1, None]), "NaN"),
        ([np.inf, 1], "infinite"),
    ],
)
def test_what_are_not_two_numbers_is_told_so(answer: Any, hint: str) -> None:
    with pytest.raises(check.Hint, match=f"return two numbers; yours .*{hint}"):
        answers.numbers(answer, (2,), "return two numbers")


@pytest.mark.parametrize(
    "answer", [{"a", "B"}, ["b", "a", "a"], "a, b", "B;A", pd.Series(["a", "b"]), {"a": 1, "b": 2}]
)
def test_texts_may_come_in_any_collection(answer: Any) -> None:
    assert answers.texts(answer, "answer with letters") == {"a", "b"}


@pytest.mark.parametrize("answer", [{1: 5}, pd.Series({1: 5}), [(1, 5)], {1: 5}.items()])
def test_a_dictionary_may_come_in_any_form(answer: Any) -> None:
    assert answers.mapping(answer, "return a dictionary") == {1: 5}


TABLE = pd.DataFrame({"user_id": [1, 2], "value": [0.5, 0.1]})


@pytest.mark.parametrize(
    "answer",
    [
        TABLE,
        TABLE[["value", "user_id"]],
        TABLE.set_index(pd.Index([7, 3])),
        TABLE.set_index("user_id"),
        TABLE.set_index("user_id", drop=False),
    ],
)
def test_a_table_may_have_any_index(answer: pd.DataFrame) -> None:
    found = answers.frame(answer, TABLE.columns, "return the rows")
    pd.testing.assert_frame_equal(found[TABLE.columns], TABLE)


def test_a_table_without_a_column_is_told_which() -> None:
    with pytest.raises(check.Hint, match="the column value is missing"):
        answers.frame(TABLE[["user_id"]], TABLE.columns, "return the rows")


def test_a_function_that_fails_is_told_how_and_on_what() -> None:
    with pytest.raises(check.Hint, match=r"KeyError: 'day'. It was given a table \(user_id, value"):
        answers.called(lambda table: table["day"], TABLE)
    with pytest.raises(check.Hint, match="take one number"):
        answers.called(lambda x: max(x, 0), np.arange(3))
    with pytest.raises(check.Hint, match="the function itself"):
        answers.called(0.5)


@pytest.mark.filterwarnings("error")
def test_a_function_is_called_without_its_warnings() -> None:
    assert answers.called(lambda x: np.log(x), np.zeros(1)) == -np.inf


def test_what_is_yielded_is_a_list() -> None:
    assert answers.called(lambda *values: (2 * value for value in values), 1, 2) == [2, 4]


def test_an_answer_that_nobody_thought_of_gets_a_hint_too() -> None:
    @check.checker
    def careless(answer: Any) -> None:
        if answer.wrong:
            raise check.Hint("look again.")

    assert "AttributeError" in str(careless(None))
