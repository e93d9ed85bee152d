"""The checkers of chapter 7 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import rel_entr, xlogy

from coupon_rec.book.check import chapter_07 as check

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]


def kinds(without: float, with_coupon: float) -> dict[str, float]:
    """Solve exercise 1."""
    return {
        "always": min(without, with_coupon),
        "persuadable": max(with_coupon - without, 0),
        "dogs": max(without - with_coupon, 0),
        "never": 1 - max(without, with_coupon),
    }


def independent_kinds(without: float, with_coupon: float) -> dict[str, float]:
    """Toss a coin for each life."""
    return {
        "always": without * with_coupon,
        "persuadable": (1 - without) * with_coupon,
        "dogs": without * (1 - with_coupon),
        "never": (1 - without) * (1 - with_coupon),
    }


def kinds_of_the_pleased(without: float, with_coupon: float) -> dict[str, float]:
    """Believe that a coupon only adds."""
    shares = {"always": without, "persuadable": with_coupon - without}
    return {**shares, "dogs": 0.0, "never": 1 - with_coupon}


def surplus(t: Floats, p: Floats) -> Floats:
    """Solve exercise 2."""
    return np.asarray(xlogy(t, t / p) + xlogy(1 - t, (1 - t) / (1 - p)))


def needed(t: Floats, p: Floats, q: Floats) -> float:
    """Solve exercise 3."""
    redeemed, ignored = np.log(p / q), np.log((1 - p) / (1 - q))
    mean = (t * redeemed + (1 - t) * ignored).mean()
    square = (t * redeemed**2 + (1 - t) * ignored**2).mean()
    return float(1.96**2 * (square - mean**2) / mean**2)


def needed_without_labels(t: Floats, p: Floats, q: Floats) -> float:
    """Forget that labels vary."""
    expected = surplus(t, p) - surplus(t, q)
    return float(1.96**2 * expected.var() / expected.mean() ** 2)


def needed_by_square(t: Floats, p: Floats, q: Floats) -> float:
    """Forget to subtract the squared mean."""
    return needed(t, p, q) + 1.96**2


def effect(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Solve exercise 4."""
    gain = bought * offered / propensity - bought * ~offered / (1 - propensity)
    return float(gain.mean())


def naive_effect(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Compare the mailed with the others."""
    return float(bought[offered].mean() - bought[~offered].mean())


def wrongly_weighted(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Weigh both groups alike."""
    return float((bought * offered / propensity - bought * ~offered / propensity).mean())


def if_all_were_mailed(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Stop halfway."""
    return float((bought * offered / propensity).mean())


def divided_by_each_group(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Weigh, and then take the mean of each group."""
    mailed, others = bought / propensity, bought / (1 - propensity)
    return float(mailed[offered].mean() - others[~offered].mean())


def regret(value: Floats, score: Floats, lists: Ints) -> float:
    """Solve exercise 5."""
    table = pd.DataFrame({"value": value, "score": score}).groupby(lists)
    chosen = value[table["score"].idxmax()]
    return float((table["value"].max().clip(lower=0) - chosen).sum())


def regret_without_none(value: Floats, score: Floats, lists: Ints) -> float:
    """Always send one."""
    table = pd.DataFrame({"value": value, "score": score}).groupby(lists)
    return float((table["value"].max() - value[table["score"].idxmax()]).sum())


def test_right_answers_pass() -> None:
    assert check.exercise_1(kinds)
    assert check.exercise_2(surplus)
    assert check.exercise_2(lambda t, p: rel_entr(t, p) + rel_entr(1 - t, 1 - p))
    assert check.exercise_3(needed)
    assert check.exercise_4(effect)
    assert check.exercise_5(regret)


def test_right_answers_in_another_form_pass() -> None:
    assert check.exercise_1(lambda a, b: pd.Series(kinds(a, b)))
    assert check.exercise_1(lambda a, b: {k: np.float64(v) for k, v in kinds(a, b).items()})
    assert check.exercise_2(lambda t, p: list(surplus(t, p)))
    assert check.exercise_2(lambda t, p: pd.Series(surplus(t, p), range(5, 5 + len(t))))
    assert check.exercise_2(lambda t, p: surplus(t, p)[:, None])
    assert check.exercise_3(lambda *data: np.ceil(needed(*data)))
    assert check.exercise_4(lambda *data: np.array([effect(*data)]))
    assert check.exercise_4(normalized)
    assert check.exercise_5(lambda *data: np.float64(regret(*data)))


def normalized(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Divide by the weights in place of the number of people."""
    mailed, others = offered / propensity, ~offered / (1 - propensity)
    return float(np.average(bought, weights=mailed) - np.average(bought, weights=others))


@pytest.mark.parametrize(
    "exercise",
    [check.exercise_1, check.exercise_2, check.exercise_3, check.exercise_4, check.exercise_5],
)
@pytest.mark.parametrize(
    "answer",
    [None, float("nan"), "much", [], [None, 1.0], {}, np.ones((2, 2)), pd.DataFrame()],
    ids=lambda answer: type(answer).__name__,
)
def test_what_is_no_answer_gets_a_hint_and_no_traceback(
    exercise: Callable[[Any], check.Verdict], answer: object
) -> None:
    assert not exercise(lambda *_: answer)


@pytest.mark.parametrize(
    "exercise",
    [check.exercise_1, check.exercise_2, check.exercise_3, check.exercise_4, check.exercise_5],
)
def test_an_answer_that_fails_is_told_how(exercise: Callable[[Any], check.Verdict]) -> None:
    def fails(*_: object) -> object:
        raise KeyError("spend")

    assert "stops with KeyError: 'spend'" in str(exercise(fails))
    assert "stops with TypeError" in str(exercise(lambda: 0.0))


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, lambda a, b: {"always": a}, "'persuadable' is missing"),
        (check.exercise_1, lambda a, b: [0.2, 0.3, 0.0, 0.5], "a dictionary"),
        (check.exercise_1, lambda a, b: {**kinds(a, b), "dogs": np.nan}, "'dogs' is not a number"),
        (check.exercise_1, lambda a, b: {**kinds(a, b), "dogs": None}, "'dogs' is not a number"),
        (check.exercise_1, lambda a, b: print(kinds(a, b)), "a `return`"),
        (check.exercise_1, lambda a, b: {**kinds(a, b), "never": 0.0}, "add up to 1"),
        (check.exercise_1, independent_kinds, "do not multiply"),
        (
            check.exercise_1,
            lambda a, b: {**kinds(a, b), "always": b, "never": 0.2},
            "who buys without",
        ),
        (check.exercise_1, kinds_of_the_pleased, "persuades nobody"),
        (check.exercise_1, lambda a, b: kinds(min(a, b), max(a, b)), "who buys with"),
        (check.exercise_2, lambda t, p: surplus(t, p).mean(), "each offer"),
        (check.exercise_2, lambda t, p: 0.0 if t == 0 else surplus(t, p), "inputs are arrays"),
        (check.exercise_2, lambda t, p: np.outer(surplus(t, p), t), "yours has the shape (3, 3)"),
        (check.exercise_2, lambda t, p: -surplus(t, p), "the sign"),
        (check.exercise_2, lambda t, p: surplus(t, p) / np.log(2), "natural logarithms"),
        (check.exercise_2, lambda t, p: surplus(t, p) / len(t), "own term"),
        (check.exercise_2, lambda t, p: -xlogy(t, p) - xlogy(1 - t, 1 - p), "floor off"),
        (check.exercise_2, lambda t, p: surplus(p, t), "does the weighing"),
        (check.exercise_2, lambda t, p: xlogy(t, t / p), "not redeemed"),
        (check.exercise_2, lambda t, p: 2 * surplus(t, p), "second sum"),
        (
            check.exercise_2,
            lambda t, p: t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p)),
            "counts nothing",
        ),
        (check.exercise_3, needed_by_square, "squared mean"),
        (check.exercise_3, lambda *data: needed(*data) ** 0.5, "solve for n"),
        (check.exercise_3, lambda t, p, q: surplus(t, p) - surplus(t, q), "one number"),
        (check.exercise_3, lambda t, p, q: needed(t, p, p), "divided by zero"),
        (check.exercise_3, needed_without_labels, "vary too"),
        (check.exercise_3, lambda *data: 2 * needed(*data), "over offers and labels"),
        (
            check.exercise_3,
            lambda t, p, q: needed(t, p, q) if p[0] > q[0] else 0.0,
            "comes first",
        ),
        (check.exercise_4, naive_effect, "by 1 / propensity"),
        (check.exercise_4, lambda b, o, p: b * o / p - b * ~o / (1 - p), "one number"),
        (check.exercise_4, lambda *data: len(data[0]) * effect(*data), "number of people"),
        (check.exercise_4, divided_by_each_group, "divide by all of them"),
        (check.exercise_4, wrongly_weighted, "1 - propensity"),
        (check.exercise_4, if_all_were_mailed, "if none were"),
        (check.exercise_4, lambda *data: -effect(*data), "less without it"),
        (check.exercise_4, lambda *data: 2 * effect(*data), "over all users"),
        (check.exercise_5, lambda v, s, g: v.max() - v[s.argmax()], "one by one"),
        (check.exercise_5, regret_without_none, '"none" earns 0'),
        (check.exercise_5, lambda *data: -regret(*data), "never negative"),
        (check.exercise_5, lambda *data: regret(*data) / 3, "add the lists up"),
        (check.exercise_5, lambda v, s, g: v[s.idxmax()], "stops with AttributeError"),
        (check.exercise_5, lambda *data: 0.0, "the top score"),
    ],
)
def test_a_wrong_answer_gets_its_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in str(verdict)
