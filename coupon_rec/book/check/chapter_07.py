"""Checkers of chapter 7, A market whose truth is known."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import RIGHT, Verdict

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

KINDS = ("always", "persuadable", "dogs", "never")
PAIR = "a dictionary with the four names and their numbers"


class OffError(Exception):
    """What is off with an answer before its numbers can be judged."""


def _answer(function: Callable[..., Any], *inputs: Any) -> Any:
    """Call the reader's function on copies, with a hint instead of a traceback."""
    copies = [each.copy() if isinstance(each, np.ndarray) else each for each in inputs]
    try:
        with np.errstate(all="ignore"):
            answer = function(*copies)
    except Exception as error:
        hint = ""
        if "ambiguous" in str(error) or "only length-1" in str(error) or "0-dim" in str(error):
            hint = "; the inputs are arrays, so use NumPy's functions on all places at once"
        raise OffError(
            f"your function stopped with {type(error).__name__}: {error}{hint}."
        ) from error
    if answer is None:
        raise OffError("your function returns nothing: is there a `return`?")
    return answer


def _floats(answer: Any, shape: tuple[int, ...], wanted: str) -> Floats:
    try:
        found = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        raise OffError(f"return {wanted}, not {type(answer).__name__}.") from None
    if not shape and found.size == 1:
        found = found.reshape(())
    if found.shape != shape:
        raise OffError(f"return {wanted}; yours has the shape {found.shape}.")
    return found


def _number(function: Callable[..., Any], *inputs: Any) -> float:
    found = float(_floats(_answer(function, *inputs), (), "one number"))
    if not np.isfinite(found):
        raise OffError(f"the result is {found}: what was divided by zero, or is missing?")
    return found


def _near(answer: ArrayLike, right: ArrayLike) -> bool:
    return bool(np.allclose(answer, right, rtol=0.005, atol=1e-9))


def exercise_1(kinds: Callable[[float, float], Mapping[str, float]]) -> Verdict:
    """Check the shares of the four kinds, if a coupon only adds purchases or only takes some."""
    try:
        pleased, annoyed = _shares(kinds, 0.2, 0.5), _shares(kinds, 0.3, 0.1)
    except OffError as off:
        return Verdict(str(off))
    if not _near(sum(pleased.values()), 1):
        return Verdict("each person is of one kind, so the four shares add up to 1.")
    if _near(pleased["always"], 0.1):
        return Verdict("the two lives share a person: do not multiply their probabilities.")
    if not _near([pleased[name] for name in KINDS], [0.2, 0.3, 0, 0.5]):
        return Verdict("from 0.2 to 0.5: who buys without the coupon also buys with it.")
    if min(annoyed.values()) < -1e-9:
        return Verdict("no share is negative: from 0.3 to 0.1 the coupon persuades nobody.")
    if not _near([annoyed[name] for name in KINDS], [0.1, 0, 0.2, 0.7]):
        return Verdict("from 0.3 to 0.1: who buys with the coupon also buys without it.")
    return RIGHT


def _shares(kinds: Callable[..., Any], without: float, with_coupon: float) -> dict[str, float]:
    answer = _answer(kinds, without, with_coupon)
    try:
        found = dict(answer)
    except (TypeError, ValueError):
        raise OffError(f"return {PAIR}, not {type(answer).__name__}.") from None
    for name in KINDS:
        if name not in found:
            raise OffError(f"the share of {name!r} is missing.")
    shares = {name: float(_floats(found[name], (), "one number for each kind")) for name in KINDS}
    if missing := [name for name in KINDS if not np.isfinite(shares[name])]:
        raise OffError(f"the share of {missing[0]!r} is not a number.")
    return shares


def exercise_2(surplus: Callable[[Floats, Floats], ArrayLike]) -> Verdict:
    """Check the excess log loss of each offer, at the ends as well."""
    t, p = np.array([0.1, 0.5, 0.02]), np.array([0.2, 0.4, 0.02])
    right = t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p))
    wanted = "one number for each offer"
    sure, guess = np.array([0.0, 1.0]), np.array([0.5, 0.25])
    try:
        answer = _floats(_answer(surplus, t, p), t.shape, wanted)
        ends = _floats(_answer(surplus, sure, guess), sure.shape, wanted)
    except OffError as off:
        return Verdict(str(off))
    if _near(answer, -right):
        return Verdict("the sign: no forecast is better than the truth, so none is negative.")
    if _near(answer, -t * np.log(p) - (1 - t) * np.log(1 - p)):
        return Verdict("that is the expected log loss; take the floor off.")
    if _near(answer, p * np.log(p / t) + (1 - p) * np.log((1 - p) / (1 - t))):
        return Verdict("the coins fall as t says, so t does the weighing, not p.")
    if _near(answer, t * np.log(t / p)):
        return Verdict("an offer that is not redeemed counts as well.")
    if _near(answer, right / np.log(2)) or _near(answer, right / np.log(10)):
        return Verdict("log loss is in natural logarithms: numpy.log.")
    if _near(answer, right / t.size):
        return Verdict("each offer's own term, before it is divided by their number.")
    if not _near(answer, right):
        return Verdict("compare it with the second sum of the chapter's equation.")
    if not _near(ends, [np.log(2), np.log(4)]):
        return Verdict("where t is 0 or 1, a zero times a logarithm of zero counts nothing.")
    return RIGHT


def exercise_3(needed: Callable[[Floats, Floats, Floats], float]) -> Verdict:
    """Check how many offers must be labeled before two models can be told apart."""
    t, p, q = np.array([0.02, 0.1, 0.3]), np.array([0.5, 0.6, 0.1]), np.array([0.01, 0.2, 0.3])
    lost, kept = np.log((1 - p) / (1 - q)), np.log(p / q)
    expected = t * kept + (1 - t) * lost
    mean = expected.mean()
    square = (t * kept**2 + (1 - t) * lost**2).mean()
    right = 1.96**2 * (square - mean**2) / mean**2
    try:
        answer, swapped = _number(needed, t, p, q), _number(needed, t, q, p)
    except OffError as off:
        return Verdict(str(off))
    if _near(answer, 1.96**2 * square / mean**2):
        return Verdict("a variance is the mean square less the squared mean.")
    if _near(answer, np.sqrt(right)) or _near(answer, right / 1.96):
        return Verdict("the half-width is 1.96 s / sqrt(n); set it to the mean and solve for n.")
    if any(_near(answer, 1.96**2 * expected.var(ddof=k) / mean**2) for k in (0, 1)):
        return Verdict("the labels themselves vary too: square each outcome, then weigh by t.")
    if not (_near(answer, right) or answer == np.ceil(right)):
        return Verdict("take the mean and the variance of the difference over offers and labels.")
    if not (_near(swapped, right) or swapped == np.ceil(right)):
        return Verdict("which of the two comes first cannot matter.")
    return RIGHT


def exercise_4(effect: Callable[[Bools, Bools, Floats], float]) -> Verdict:
    """Check the effect of a coupon, weighted by the logging policy."""
    rng = np.random.default_rng(0)
    propensity = rng.choice(np.array([0.1, 0.4]), 4000)
    offered = rng.random(4000) < propensity
    bought = rng.random(4000) < np.where(propensity > 0.2, 0.3, 0.05) + 0.1 * offered
    mailed, others = bought * offered / propensity, bought * ~offered / (1 - propensity)
    with_it, without = mailed.mean(), others.mean()
    try:
        answer = _number(effect, bought, offered, propensity)
    except OffError as off:
        return Verdict(str(off))
    if _near(answer, bought[offered].mean() - bought[~offered].mean()):
        return Verdict(
            "those who were mailed buy more anyway: weigh each of them by 1 / propensity."
        )
    if _near(answer, with_it - (bought * ~offered / propensity).mean()):
        return Verdict("who was not mailed had the probability 1 - propensity of that.")
    if _near(answer, with_it):
        return Verdict("that is the purchase rate if all were mailed; take off that if none were.")
    if _near(answer, without - with_it):
        return Verdict("with the coupon less without it.")
    if _near(answer, (mailed - others).sum()):
        return Verdict("those are purchases; a share is divided by the number of people.")
    if _near(answer, mailed[offered].mean() - others[~offered].mean()):
        return Verdict("the weights make each group stand for everyone: divide by all of them.")
    ratio = mailed.sum() / (offered / propensity).sum()
    ratio -= others.sum() / (~offered / (1 - propensity)).sum()
    if not (_near(answer, with_it - without) or _near(answer, ratio)):
        return Verdict("each purchase of the mailed counts 1 / propensity, over all users.")
    return RIGHT


def exercise_5(regret: Callable[[Floats, Floats, Ints], float]) -> Verdict:
    """Check what choosing by a score loses against the best choice, which may be none."""
    value = np.array([0.5, 0.2, -0.1, -0.3, 0.4, 0.1])
    score = np.array([0.1, 0.9, 0.2, 0.8, 0.7, 0.3])
    lists = np.array([7, 7, 2, 2, 5, 5])
    try:
        answer = _number(regret, value, score, lists)
    except OffError as off:
        return Verdict(str(off))
    if _near(answer, 0.5 - 0.2):
        return Verdict("each list gets its own choice: go through them one by one.")
    if _near(answer, 0.3 + 0.2):
        return Verdict('in the second list every coupon loses money, and "none" earns 0.')
    if _near(answer, -0.6):
        return Verdict("the regret is what the best earns more, so it is never negative.")
    if _near(answer, 0.2):
        return Verdict("add the lists up; that is their mean.")
    if not _near(answer, 0.3 + 0.3):
        return Verdict("for each list: the best value, or 0, less the value of the top score.")
    return RIGHT
