"""Checkers of chapter 12, The effect a coupon causes."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from coupon_rec.book.check import RIGHT, Verdict, called, checker, near, number, numbers
from coupon_rec.effects import EffectLog

Floats = NDArray[np.float64]


@checker
def exercise_1(differences: Sequence[float]) -> Verdict:
    """Check the naive and the weighted difference of a small table."""
    wanted = "answer with two numbers, the naive difference and the weighted one"
    naive, weighted = numbers(differences, (2,), wanted)
    if not near(naive, 52 / 140 - 32 / 260, 0.01):
        if near(weighted, 52 / 140 - 32 / 260, 0.01):
            return Verdict("the naive difference comes first.")
        return Verdict("naive: the share of buyers among all with a coupon, less that without.")
    if not near(weighted, 0.1, 0.01):
        return Verdict("weighted: both sides must stand for 100 regulars and 300 others.")
    return RIGHT


@checker
def exercise_2(signal: Callable[[Floats, Floats, Floats], Floats]) -> Verdict:
    """Check each row's own estimate of its effect."""
    rng = np.random.default_rng(0)
    for n in (40, 60):
        y, sent = rng.normal(1, 1, n), rng.integers(0, 2, n).astype(float)
        e = rng.uniform(0.1, 0.7, n)
        right = EffectLog(y, sent, propensity=e).signal(1)
        found = numbers(called(signal, y, sent, e), (n,), "return one number for each row")
        if near(found, right):
            continue
        if near(found, (sent / e - (1 - sent) / (1 - e)) * y):
            return Verdict("subtract the mean outcome first: its weight would only add noise.")
        if near(found, (sent - (1 - sent)) * (y - y.mean())):
            return Verdict("divide by the probability of what the row got.")
        if near(found, (sent / e - (1 - sent) / e) * (y - y.mean())):
            return Verdict("a row without the coupon got none with the probability 1 - e.")
        if near(found, (sent / e + (1 - sent) / (1 - e)) * (y - y.mean())):
            return Verdict("rows without the coupon count negatively.")
        return Verdict(f"for a row with e = {e[0]:.2f}, sent = {sent[0]:g}: not {found[0]:.3f}.")
    return RIGHT


@checker
def exercise_3(gain: Callable[[Floats, Floats, float], float]) -> Verdict:
    """Check the height of a Qini curve."""
    rng = np.random.default_rng(1)
    for n, q in ((50, 0.2), (40, 0.75), (30, 1.0)):
        signal, score = rng.normal(0.3, 1, n), rng.normal(size=n)
        order = np.argsort(-score)
        first, last = order[: round(q * n)], order[n - round(q * n) :]
        found = number(called(gain, signal, score, q), "return one number, the height of the curve")
        if near(found, signal[first].sum() / n):
            continue
        if near(found, signal[first].mean()):
            return Verdict("that is the mean of those who get it; divide by all rows.")
        if near(found, signal[last].sum() / n):
            return Verdict("the highest scores get the coupon first.")
        if near(found, np.sort(signal)[::-1][: round(q * n)].sum() / n):
            return Verdict("order the rows by their score; nobody knows the best signals.")
        if near(found, signal[first].sum()):
            return Verdict("divide the sum by the number of rows.")
        return Verdict(f"for q = {q:g} of {n} rows: {found:.3f} is not right.")
    return RIGHT


@checker
def exercise_4(
    depth: Callable[[Floats, Floats, Floats, Floats, float], Sequence[int]],
) -> Verdict:
    """Check the choice of a depth for each user."""
    rng = np.random.default_rng(2)
    for n, k in ((60, 3), (40, 2)):
        effect, p = rng.normal(0.02, 0.1, (n, k)), rng.uniform(0, 0.1, (n, k))
        margin, face = rng.uniform(0.5, 2, n), rng.uniform(0.2, 2, (n, k))
        value = effect * margin[:, None] - p * face - 0.005
        right = np.where(value.max(axis=1) > 0, value.argmax(axis=1) + 1, 0)
        wanted = f"return a whole number from 0 to {k} for each user"
        found = numbers(called(depth, effect, p, margin, face, 0.005), (n,), wanted)
        if not np.isin(found, np.arange(k + 1)).all():
            return Verdict(f"{wanted}: 0 for none, else the number of the coupon.")
        if (found == right).all():
            continue
        if (found == value.argmax(axis=1) + 1).all():
            return Verdict("where even the best coupon is worth nothing, send none.")
        if (found == np.where(value.max(axis=1) > 0, value.argmax(axis=1), -1) + 0).all():
            return Verdict("columns count from 0, coupons from 1.")
        if (found == np.where(effect.max(axis=1) > 0, effect.argmax(axis=1) + 1, 0)).all():
            return Verdict("that is the largest effect; what does it earn, and what does it cost?")
        wrong = int(np.flatnonzero(found != right)[0])
        return Verdict(f"user {wrong}, counted from 0: coupon {found[wrong]:g} is not the best.")
    return RIGHT


@checker
def exercise_5(users: Callable[[float, float, float], float]) -> Verdict:
    """Check the size of an experiment."""
    for effect, sigma, share in ((0.1, 1.0, 0.5), (0.02, 0.3, 0.2), (1.5, 4.0, 0.9)):
        right = (2.8 * sigma / effect) ** 2 / (share * (1 - share))
        found = number(called(users, effect, sigma, share), "return one number of users")
        if near(found, right, 0.01) or abs(found - right) <= 1:
            continue
        if near(found, (2.8 * sigma / effect) ** 2, 0.01):
            return Verdict("both groups add to the error: where is the share?")
        if near(found, (1.96 * sigma / effect) ** 2 / (share * (1 - share)), 0.01):
            return Verdict("with 1.96 errors the effect is found every second time only.")
        if near(found, np.sqrt(right), 0.01) or near(
            found, 2.8 * sigma / effect / (share * (1 - share)), 0.01
        ):
            return Verdict("the error falls with the root of n: square.")
        return Verdict(
            f"effect {effect:g}, deviation {sigma:g}, share {share:g}: not {found:,.0f}."
        )
    return RIGHT
