"""Checkers of chapter 12, The effect a coupon causes."""

from collections.abc import Callable, Sequence

import numpy as np

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, number, numbers
from coupon_rec.effects import EffectLog


@checker
def exercise_1(differences: Sequence[float]) -> None:
    """Check the naive and the weighted difference of a small table."""
    wanted = "answer with two numbers, the naive difference and the weighted one"
    naive, weighted = numbers(differences, (2,), wanted)
    if not near(naive, 52 / 140 - 32 / 260, 0.01):
        hint_if(near(weighted, 52 / 140 - 32 / 260, 0.01), "the naive difference comes first.")
        raise Hint("naive: the share of buyers among all with a coupon, less that without.")
    if not near(weighted, 0.1, 0.01):
        raise Hint("weighted: both sides must stand for 100 regulars and 300 others.")


@checker
def exercise_2(signal: Callable[[Floats, Floats, Floats], Floats]) -> None:
    """Check each row's own estimate of its effect."""
    rng = np.random.default_rng(0)
    for n in (40, 60):
        y, sent = rng.normal(1, 1, n), rng.integers(0, 2, n).astype(float)
        e = rng.uniform(0.1, 0.7, n)
        right = EffectLog(y, sent, propensity=e).signal(1)
        reply = numbers(called(signal, y, sent, e), (n,), "return one number for each row")
        apart, got, not_got = y - y.mean(), sent / e, (1 - sent) / (1 - e)
        by_e = (2 * sent - 1) / e * apart
        hints = {
            "subtract the mean outcome first: its weight would only add noise.": (got - not_got)
            * y,
            "divide by the probability of what the row got.": (2 * sent - 1) * apart,
            "a row without the coupon got none with the probability 1 - e.": by_e,
            "rows without the coupon count negatively.": (got + not_got) * apart,
            f"for a row with e = {e[0]:.2f}, sent = {sent[0]:g}: not {reply[0]:.3f}.": OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_3(gain: Callable[[Floats, Floats, float], float]) -> None:
    """Check the height of a Qini curve."""
    rng = np.random.default_rng(1)
    for n, q in ((50, 0.2), (40, 0.75), (30, 1.0)):
        signal, score = rng.normal(0.3, 1, n), rng.normal(size=n)
        order = np.argsort(-score)
        count = round(q * n)
        first, last = order[:count], order[n - count :]
        best = np.sort(signal)[n - count :].sum() / n
        reply = number(called(gain, signal, score, q), "return one number, the height of the curve")
        hints = {
            "that is the mean of those who get it; divide by all rows.": signal[first].mean(),
            "the highest scores get the coupon first.": signal[last].sum() / n,
            "order the rows by their score; nobody knows the best signals.": best,
            "divide the sum by the number of rows.": signal[first].sum(),
            f"for q = {q:g} of {n} rows: {reply:.3f} is not right.": OTHERWISE,
        }
        compare(reply, signal[first].sum() / n, hints)


@checker
def exercise_4(
    depth: Callable[[Floats, Floats, Floats, Floats, float], Sequence[int]],
) -> None:
    """Check the choice of a depth for each user."""
    rng = np.random.default_rng(2)
    for n, k in ((60, 3), (40, 2)):
        effect, p = rng.normal(0.02, 0.1, (n, k)), rng.uniform(0, 0.1, (n, k))
        margin, face = rng.uniform(0.5, 2, n), rng.uniform(0.2, 2, (n, k))
        value = effect * margin[:, None] - p * face - 0.005
        right = np.where(value.max(axis=1) > 0, value.argmax(axis=1) + 1, 0)
        wanted = f"return a whole number from 0 to {k} for each user"
        reply = numbers(called(depth, effect, p, margin, face, 0.005), (n,), wanted)
        if not np.isin(reply, np.arange(k + 1)).all():
            raise Hint(f"{wanted}: 0 for none, else the number of the coupon.")
        if (reply == right).all():
            continue
        if (reply == value.argmax(axis=1) + 1).all():
            raise Hint("where even the best coupon is worth nothing, send none.")
        if (reply == np.where(value.max(axis=1) > 0, value.argmax(axis=1), -1) + 0).all():
            raise Hint("columns count from 0, coupons from 1.")
        if (reply == np.where(effect.max(axis=1) > 0, effect.argmax(axis=1) + 1, 0)).all():
            raise Hint("that is the largest effect; what does it earn, and what does it cost?")
        wrong = int(np.flatnonzero(reply != right)[0])
        raise Hint(f"user {wrong}, counted from 0: coupon {reply[wrong]:g} is not the best.")


@checker
def exercise_5(users: Callable[[float, float, float], float]) -> None:
    """Check the size of an experiment."""
    for effect, sigma, share in ((0.1, 1.0, 0.5), (0.02, 0.3, 0.2), (1.5, 4.0, 0.9)):
        right = (2.8 * sigma / effect) ** 2 / (share * (1 - share))
        reply = number(called(users, effect, sigma, share), "return one number of users")
        if abs(reply - right) <= 1:
            continue
        errors, groups = sigma / effect, share * (1 - share)
        shown = f"effect {effect:g}, deviation {sigma:g}, share {share:g}"
        by_width = (1.96 * errors) ** 2 / groups
        hints = {
            "both groups add to the error: where is the share?": (2.8 * errors) ** 2,
            "with 1.96 errors the effect is found every second time only.": by_width,
            "the error falls with the root of n: square.": (right**0.5, 2.8 * errors / groups),
            f"{shown}: not {reply:,.0f}.": OTHERWISE,
        }
        compare(reply, right, hints, rtol=0.01)
