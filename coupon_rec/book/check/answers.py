"""What a reader answered, read in any form that is right; all else gets a `Hint`."""

import warnings
from collections.abc import Collection, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.book.check import Hint

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

ONE_NUMBER = ("value of an array", "only 0-dim", "only length-1")
WHOLE_ARRAYS = "Python's `if`, `max` and `math` take one number; if inputs are arrays, use NumPy's"


def unlike(answer: Any, wanted: str, reason: str = "") -> Hint:
    """Make the hint of an answer that is not of the kind that was wanted.

    Parameters
    ----------
    answer : object
        What came instead.
    wanted : str
        What the hint asks for, as in "return one number for each offer".
    reason : str
        What else there is to say of the answer.

    Returns
    -------
    Hint
        To be raised.

    Examples
    --------
    >>> print(unlike("two", "return two numbers"))
    return two numbers; yours is 'two'.
    """
    if answer is None:
        reason = ". A function that returns nothing returns None: is a `return` missing?"
    return Hint(f"{wanted}; yours is {_shown(answer)}{reason or '.'}")


def called(answer: Any, *inputs: Any, copied: bool = True) -> Any:
    """Call a reader's function, without its warnings.

    Parameters
    ----------
    answer : object
        What an exercise that asks for a function got.
    *inputs : object
        What it is called with.
    copied : bool
        Whether it gets copies of the inputs, which it may change as it likes.

    Returns
    -------
    object
        What the function returns; a list, if that is an iterator or comes by `yield`.

    Raises
    ------
    Hint
        If the answer is no function, or stops with an error.
    """
    if not callable(answer):
        mistake = f"yours is {_shown(answer)}, which cannot be called (TypeError)."
        raise Hint(f"give the function itself, without calling it; {mistake}")
    given = [deepcopy(each) for each in inputs] if copied else inputs
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reply = answer(*given)
            return list(reply) if isinstance(reply, Iterator) else reply
        except Exception as error:
            why = f"{type(error).__name__}: {error}".rstrip(".: ")
            if any(part in str(error) for part in ONE_NUMBER):
                why += f" ({WHOLE_ARRAYS})"
            asked = ", ".join(_shown(each) for each in inputs)
            raise Hint(f"your function stops with {why}. It was given {asked}.") from error


def numbers(
    answer: Any, shape: tuple[int, ...] | None, wanted: str, finite: bool = True
) -> NDArray[np.float64]:
    """Read an answer as an array of numbers.

    Parameters
    ----------
    answer : object
        A number, an array, a list, a Series, a column, a row or a table.
    shape : tuple of int or None
        The shape that it has to have, apart from sides of length 1; a Series whose index counts
        rows from 0 is put into their order. None leaves shape and order as they are.
    wanted : str
        What the hint asks for, as in "return one number for each offer".
    finite : bool
        Whether a number that is missing or infinite gets a hint here.

    Returns
    -------
    numpy.ndarray
        The numbers, in this shape.

    Raises
    ------
    Hint
        If there are no numbers, or not as many.

    Examples
    --------
    >>> numbers([[1], [2]], (2,), "return two numbers")
    array([1., 2.])
    >>> numbers("two", (2,), "return two numbers")
    Traceback (most recent call last):
    ...
    coupon_rec.book.check.Hint: return two numbers; yours is 'two', not numbers.
    """
    if shape and isinstance(answer, pd.Series) and set(answer.index) == set(range(len(answer))):
        answer = answer.sort_index()
    elif isinstance(answer, list | tuple):  # such as (0.0, array([1.0]))
        answer = [np.squeeze(each) if isinstance(each, np.ndarray) else each for each in answer]
    try:
        array = np.asarray(answer)
        if answer is None or array.dtype.kind not in "biufO" or _holds_text(array):
            raise TypeError
        array = array.astype(np.float64)
    except (TypeError, ValueError):
        kind = "a number" if shape == () else "numbers"
        raise unlike(answer, wanted, f", not {kind}.") from None
    if shape is not None:
        if [side for side in array.shape if side != 1] != [side for side in shape if side != 1]:
            size = f"{array.size} number{'s' * (array.size != 1)}"
            having = f"gives {size}" if array.ndim < 2 else f"has the shape {array.shape}"
            raise Hint(f"{wanted}; yours {having}.")
        array = array.reshape(shape)
    if finite and not np.isfinite(array).all():
        verb = "is" if array.size == 1 else "holds"
        if np.isnan(array).any():
            mistake = "NaN, which is no number: is something missing, or divided by zero?"
        else:
            mistake = "an infinite number: is something divided by zero?"
        raise Hint(f"{wanted}; yours {verb} {mistake}")
    return array


def number(answer: Any, wanted: str, finite: bool = True) -> float:
    """Read an answer as one number, also where it stands alone in a list, an array or a table.

    Parameters
    ----------
    answer, wanted, finite
        As for `numbers`.

    Returns
    -------
    float
        The number.

    Raises
    ------
    Hint
        If it is not one number.
    """
    return float(numbers(answer, (), wanted, finite))


def texts(answer: Any, wanted: str) -> set[str]:
    """Read an answer as a set of texts.

    Parameters
    ----------
    answer : object
        Any collection of texts, or one text with commas between them.
    wanted : str
        What the hint asks for, as in "answer with a set of letters".

    Returns
    -------
    set of str
        The texts, in lower case.

    Raises
    ------
    Hint
        If it is no collection.
    """
    return set(_words(answer, wanted)) - {""}


def choices(answer: Any, allowed: Collection[str], count: int, wanted: str) -> list[str]:
    """Read an answer as words that were chosen, in the order of the questions.

    Parameters
    ----------
    answer : object
        Any collection of texts, or one text with commas between them.
    allowed : collection of str
        The words to choose from, in lower case.
    count : int
        How many are asked for.
    wanted : str
        What the hint asks for, as in 'answer with two words, such as ["data", "world"]'.

    Returns
    -------
    list of str
        The words, in lower case.

    Raises
    ------
    Hint
        If it is no collection, or of another length, or a word is none of the allowed ones.
    """
    words = _words(answer, wanted)
    if len(words) != count or not set(words) <= set(allowed):
        raise Hint(f"{wanted}; choose from {', '.join(allowed)}")
    return words


def _words(answer: Any, wanted: str) -> list[str]:
    try:
        given = answer.replace(";", ",").split(",") if isinstance(answer, str) else list(answer)
    except TypeError:
        raise unlike(answer, wanted) from None
    return [str(text).strip().lower() for text in given]


def mapping(answer: Any, wanted: str) -> dict[Any, Any]:
    """Read an answer as a dictionary.

    Parameters
    ----------
    answer : object
        A dictionary, a Series or pairs of a key and a value.
    wanted : str
        What the hint asks for, as in "return a dictionary with the units of each user".

    Returns
    -------
    dict
        The values by their keys.

    Raises
    ------
    Hint
        If it is none.
    """
    try:
        if not isinstance(answer, pd.DataFrame):
            return dict(answer)
    except (TypeError, ValueError):
        pass
    raise unlike(answer, wanted)


def frame(answer: Any, columns: Collection[str], wanted: str) -> pd.DataFrame:
    """Read an answer as a table with these columns, whatever its index.

    Parameters
    ----------
    answer : object
        A DataFrame; its index may hold some of the columns.
    columns : collection of str
        The names that it has to have.
    wanted : str
        What the hint asks for, as in "return rows of the table".

    Returns
    -------
    pandas.DataFrame
        The table, its rows counted from 0.

    Raises
    ------
    Hint
        If it is no table, or lacks a column.
    """
    if not isinstance(answer, pd.DataFrame):
        raise unlike(answer, wanted)
    inside = [name for name in answer.index.names if name in columns and name not in answer]
    table = answer.reset_index(inside) if inside else answer
    if lacking := [name for name in columns if name not in table]:
        raise Hint(f"{wanted}; the column {lacking[0]} is missing.")
    return table.reset_index(drop=True)


def _holds_text(array: NDArray[Any]) -> bool:
    """Say whether there is a text among objects, such as "0.5", which NumPy would read."""
    return array.dtype.kind == "O" and any(isinstance(each, str) for each in array.flat)


def _shown(value: Any) -> str:
    """Show a value in a few words."""
    if isinstance(value, pd.DataFrame):
        return f"a table ({', '.join(map(str, value.columns))})"
    if isinstance(value, pd.Series | np.ndarray):
        kind = "a Series" if isinstance(value, pd.Series) else "an array"
        return f"{kind} of shape {value.shape}"
    if callable(value):
        return "a function"
    text = str(value) if isinstance(value, np.generic) else repr(value)
    return text if len(text) <= 50 else f"{text[:49]}…"
