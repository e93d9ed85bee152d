"""Checkers of chapter 14, Prices and stock."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, number, numbers
from coupon_rec.decisions import demand_behind


@checker
def exercise_1(factor: Callable[[float, float], float]) -> None:
    """Check by what factor units must grow for a cut to break even."""
    for margin, cut in ((0.25, 0.1), (0.4, 0.2), (0.3, 0.15)):
        right = margin / (margin - cut)
        reply = number(called(factor, margin, cut), "return one number, a factor")
        where = f"margin {margin:.0%}, cut {cut:.0%}"
        hints = {
            f"{where}: that is how many more; the factor counts the old ones too.": right - 1,
            f"{where}: that keeps the revenue; what must be kept is the profit.": 1 / (1 - cut),
            f"{where}: upside down; a cut needs more units, not fewer.": 1 / right,
            f"{where}: {reply:.3f} is not right; what does a unit leave afterwards?": OTHERWISE,
        }
        compare(reply, right, hints, rtol=0.005)


@checker
def exercise_2(order: Callable[[Floats, float, float], float]) -> None:
    """Check an order that is taken from a list of weeks, by its cost over these weeks."""
    rng = np.random.default_rng(0)
    weeks = rng.negative_binomial(4, 0.2, 401).astype(float)
    for under, over in ((3.0, 1.0), (1.0, 1.0), (1.0, 4.0)):
        reply = number(called(order, weeks, under, over), "return one number, the order")
        tried = np.append(np.unique(weeks), reply)[:, None]
        cost = under * np.maximum(weeks - tried, 0) + over * np.maximum(tried - weeks, 0)
        mean = cost.mean(axis=1)
        if mean[-1] <= 1.002 * mean[:-1].min():
            continue
        costs = f"a unit too few costs {under:g}, one too many {over:g}"
        if near(reply, weeks.mean(), 0.02):
            raise Hint(
                f"{costs}: the mean ignores the two costs; in which share of the weeks should the "
                "order suffice?"
            )
        swapped = np.quantile(weeks, over / (under + over))
        if abs(reply - swapped) <= 1:
            raise Hint(f"{costs}: you order {reply:.0f}; which of the two costs is on top?")
        raise Hint(f"{costs}: {reply:.0f} is not the cheapest order for these weeks.")


@checker
def exercise_3(answer: Sequence[float]) -> None:
    """Check a best price, and the margin at which it stands."""
    price, margin = numbers(answer, (2,), "answer with two numbers, a price and a margin")
    hints = {
        "the price is that of an elasticity of −2; check the sign of the fraction.": 2.0,
        "at that price each pack loses money; check the fraction and its signs.": (0.75, 2 / 3),
        "the price: the margin is a share of the price, not of the cost.": 4 / 3,
        "the price: put cost and elasticity into the formula of the best price.": OTHERWISE,
    }
    compare(price, 1.5, hints, rtol=0.005)
    hint_if(near(margin, 0.5, 0.005), "the margin is a share of the price, not of the cost.")
    hints = {
        "the margin: give it as a share, such as 0.2 for 20%.": 33.3,
        "the margin: what is left of the price after the cost, over the price?": OTHERWISE,
    }
    compare(margin, 1 / 3, hints, rtol=0.01)


@checker
def exercise_4(usual: Callable[[Floats, NDArray[np.bool_]], float]) -> None:
    """Check an estimate of the mean demand from weeks of which some were sold out."""
    rng = np.random.default_rng(1)
    for mean, shelf in ((12.0, 14), (30.0, 28), (6.0, 20)):
        wanted = rng.poisson(mean, 4000)
        sold, out = np.minimum(wanted, shelf).astype(float), wanted >= shelf
        reply = number(called(usual, sold, out), "return one number, the mean demand")
        right = _fixed_point(sold, out)
        if near(reply, right, 0.01):
            continue
        where = f"{out.mean():.0%} of the weeks sold out, {sold.mean():.1f} sold on average"
        if near(reply, sold.mean(), 0.003):
            raise Hint(
                f"{where}: that is the mean of the sales; what does `demand_behind` expect in the "
                "place of the weeks that sold out?"
            )
        if out.any() and near(reply, sold[~out].mean(), 0.003):
            raise Hint(f"{where}: you leave out the very weeks in which most was wanted.")
        once = np.where(out, demand_behind(sold, sold.mean()), sold).mean()
        if near(reply, once, 0.003):
            raise Hint(f"{where}: a good step; now take your new mean, and repeat.")
        raise Hint(f"{where}: {reply:.1f} is not right.")


@checker
def exercise_5(deviation: Callable[[float, float, Floats], float]) -> None:
    """Check the deviation of what is wanted while an order is under way."""
    for mean, spread, weeks in (
        (20.0, 5.0, np.array([1.0, 3.0])),
        (50.0, 10.0, np.array([2.0, 2.0, 5.0])),
        (8.0, 6.0, np.array([4.0])),
    ):
        reply = number(called(deviation, mean, spread, weeks), "return one number, in units")
        steady, late = spread**2 * weeks.mean(), mean**2 * weeks.var()
        where = f"{mean:g} a week, deviation {spread:g}, lead times {weeks.astype(int).tolist()}"
        hints = {
            f"{where}: that is the variance; take its root.": steady + late,
            f"{where}: deviations do not add up over weeks, variances do.": spread * weeks.mean(),
            f"{where}: that is right if the truck always took its mean time.": steady**0.5,
            f"{where}: that is the truck's part only; weeks differ, too.": late**0.5,
            f"{where}: {reply:.2f} is not right; which two variances add up?": OTHERWISE,
        }
        compare(reply, (steady + late) ** 0.5, hints, rtol=0.005)


def _fixed_point(sold: Floats, out: NDArray[np.bool_]) -> float:
    """The mean at which the demand behind sold-out weeks is what it says."""
    mean, before = float(sold.mean()), 0.0
    while mean - before > 1e-9:
        reached = poisson.sf(sold[out] - 1, mean)
        behind = mean * poisson.sf(sold[out] - 2, mean) / reached
        before, mean = mean, float((sold[~out].sum() + behind.sum()) / len(sold))
    return mean
