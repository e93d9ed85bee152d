"""Chapter 24: offers whose labels are bought, a model of them, and what the labels cost."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from coupon_rec.book import SPLIT, prelude
from coupon_rec.book.privately import came_in, earned
from coupon_rec.evaluation import auc, average_precision, calibration_line, from_sums
from coupon_rec.features import Encoder, split

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

BUDGET, ROUNDS = 6000, 3
"""How many labels are bought, and in how many rounds."""
CUT = 3.0
PENALTY = 0.01
"""scikit-learn's C: few labels, so a strong prior. Chosen while figures of the test were seen."""
NEGATIVES = 0.05
"""The share of the many zeros that is read where labels are free, with weights."""


@dataclass(frozen=True)
class Shop:
    """The training offers, whose labels are for sale, and the test offers.

    Attributes
    ----------
    pool, test : pandas.DataFrame
        Offers.
    x, x_test : numpy.ndarray
        Their 54 numbers, standardized and cut at ±3, float32.
    """

    pool: pd.DataFrame
    test: pd.DataFrame
    x: NDArray[np.float32]
    x_test: NDArray[np.float32]

    @property
    def y(self) -> NDArray[np.float64]:
        """Whether each offer of the pool was redeemed: nobody may look before paying."""
        return np.asarray(self.pool["redeemed"], "float64")

    @property
    def y_test(self) -> NDArray[np.float64]:
        """Whether each test offer was redeemed."""
        return np.asarray(self.test["redeemed"], "float64")

    @cached_property
    def interest(self) -> Floats:
        """p(bought) of each offer of the pool, by a model that bought no label: tills know it."""
        bought = self.pool["bought"].to_numpy(float)
        rng = np.random.default_rng(0)
        some = np.flatnonzero((bought == 1) | (rng.random(len(bought)) < NEGATIVES))
        weight = np.where(bought[some] == 1, 1, 1 / NEGATIVES)
        return Line.fit(self.x[some], bought[some], weight)(self.x)


def open_shop() -> Shop:
    """The book's training and test campaigns, with scales learned from the training offers."""
    pool, _, test = split(prelude.offers(), *SPLIT)
    encoder = Encoder(numbers=Encoder.fit(pool).numbers)
    return Shop(pool, test, _columns(encoder, pool), _columns(encoder, test))


def _columns(encoder: Encoder, offers: pd.DataFrame) -> NDArray[np.float32]:
    arrays = encoder.encode(offers)
    parts = []
    for group, numbers in encoder.numbers.items():
        mean = np.array([number.mean for number in numbers], "float32")
        scale = np.array([number.deviation or np.inf for number in numbers], "float32")
        parts.append(np.clip((arrays[group] - mean) / scale, -CUT, CUT))
    return np.hstack(parts)


@dataclass(frozen=True)
class Line:
    """A logistic regression: a weight for each column, and an intercept."""

    weights: NDArray[np.float32]
    intercept: float

    @classmethod
    def fit(
        cls, x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, c: float = PENALTY
    ) -> "Line":
        """Fit to labels, 0 or 1, with scikit-learn; a smaller c shrinks the weights more."""
        from sklearn.linear_model import LogisticRegression

        fitted = LogisticRegression(C=c, solver="newton-cholesky").fit(x, y, weight)
        return cls(fitted.coef_[0].astype("float32"), float(fitted.intercept_[0]))

    def logit(self, x: NDArray[np.float32]) -> Floats:
        """The log odds of each row."""
        return np.asarray(x @ self.weights + self.intercept, "float64")

    def __call__(self, x: NDArray[np.float32]) -> Floats:
        """The probability of each row."""
        return np.asarray(expit(self.logit(x)), "float64")


def chances(promise: ArrayLike, n: int) -> Floats:
    """Chances in proportion to a promise, at most 1: about n offers are drawn, by `eq-asked`."""
    promise = np.asarray(promise, "float64")
    return np.asarray(np.minimum(1, n * promise / promise.sum()), "float64")


def drawn(
    shop: Shop, seed: int, budget: int = BUDGET, rounds: int = ROUNDS
) -> tuple[Rows, Floats, Line]:
    """Buy labels in rounds, in proportion to what is promised at the time.

    Returns
    -------
    asked, weight, model
        The rows of the pool; how many offers each stands for, above 0; the model fitted to their
        labels, all of the same weight.

    Notes
    -----
    What a round draws depends on the answers of earlier ones, so there is no chance of being drawn
    in any of them that is known beforehand. But given these answers each round is a fair sample of
    the pool, where an offer drawn stands for one over its chance in this round. The weight is the
    mean over the rounds, so that ``weight @ y[asked]`` is right on average. An offer drawn again
    counts again, and its label is paid for once.
    """
    rng, y = np.random.default_rng(seed), shop.y
    promise, weight = shop.interest, np.zeros(len(y))
    asked = np.zeros(len(y), bool)
    for _ in range(rounds):
        chance = chances(promise, budget // rounds)
        hit = rng.random(len(y)) < chance
        weight += hit / chance / rounds
        asked |= hit
        model = Line.fit(shop.x[asked], y[asked])
        promise = model(shop.x)
    rows = np.flatnonzero(asked)
    return rows, weight[rows], model


def top(shop: Shop, budget: int = BUDGET, rounds: int = ROUNDS) -> tuple[Rows, Line]:
    """Buy labels in rounds, those of the highest promise at the time."""
    promise, asked = shop.interest, np.zeros(len(shop.y), bool)
    for _ in range(rounds):
        asked[np.argsort(-np.where(asked, -1, promise), kind="stable")[: budget // rounds]] = True
        model = Line.fit(shop.x[asked], shop.y[asked])
        promise = model(shop.x)
    return np.flatnonzero(asked), model


def at_random(shop: Shop, seed: int, budget: int = BUDGET) -> tuple[Rows, Line]:
    """Buy labels of offers that a lottery picks."""
    rows = np.random.default_rng(seed).choice(len(shop.y), budget, replace=False)
    return rows, Line.fit(shop.x[rows], shop.y[rows])


def recalibrated(model: Line, x: NDArray[np.float32], y: ArrayLike, weight: ArrayLike) -> Line:
    """The same model with its log odds stretched and moved as the weighted labels ask for it.

    Equation `eq-asked-line`: afterwards weighted promises and weighted labels have one sum.
    """
    line = calibration_line(y, model(x), weight)
    slope, level = np.float32(line["slope"]), float(line["intercept"])
    return Line(slope * model.weights, float(slope) * model.intercept + level)


def judged(shop: Shop, model: Line, asked: Rows) -> dict[str, float]:
    """How a model ranks the test offers, and what it promises over what came.

    `pool` is of the offers of the pool that were not asked about, and `test` of the test offers.
    """
    rest = np.ones(len(shop.pool), bool)
    rest[asked] = False
    p, came = model(shop.x_test), shop.y_test
    return {
        "AUC": auc(came, p),
        "AP": average_precision(came, p),
        "pool": float(model(shop.x)[rest].sum() / shop.y[rest].sum()),
        "test": float(p.sum() / came.sum()),
    }


def repeated(shop: Shop, draws: int) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Ask in each way, several times.

    Returns
    -------
    rows, dollars
        A row for each draw and way, and one for `top`: what `judged` says, what the labels cost
        and the test offers brought in, and the estimate of the pool's redemptions by the weights
        of the draw, over the truth. For each way, the dollars that each test offer brings, with a
        column for each draw.
    """
    rows: list[dict[str, Any]] = []
    dollars: dict[str, dict[int, pd.Series]] = {}
    for seed in range(draws):
        asked, weight, line = drawn(shop, seed)
        x, y = shop.x[asked], shop.y[asked]
        ways = {
            "lottery": at_random(shop, seed),
            "drawn": (asked, line),
            "drawn, weighted fit": (asked, Line.fit(x, y, weight / weight.mean())),
            "drawn, recalibrated": (asked, recalibrated(line, x, y, weight)),
        }
        if not seed:  # nothing is drawn
            ways["top"] = top(shop)
        for way, (some, model) in ways.items():
            brought = earned(shop.test, model(shop.x_test))
            dollars.setdefault(way, {})[seed] = brought
            row = {"seed": seed, "way": way, "labels": len(some), **judged(shop, model, some)}
            row |= {"spent": spent(shop.pool.iloc[some]), "came": float(brought.sum())}
            rows.append(row | {"estimate": float(weight @ y / shop.y.sum())})
    return pd.DataFrame(rows), {way: pd.DataFrame(each) for way, each in dollars.items()}


def more_dollars(offers: pd.DataFrame, mine: pd.DataFrame, base: pd.DataFrame) -> pd.Series:
    """How many dollars more one way earns, in the mean over its draws.

    The interval is over draws, users and coupons: each resample of users or coupons also draws
    the draws with replacement.
    """
    rng, n = np.random.default_rng(0), max(mine.shape[1], base.shape[1])

    def some_draws(sums: pd.DataFrame) -> pd.Series:
        times = rng.multinomial(n, np.full(n, 1 / n), len(sums)) / n
        return pd.Series((sums * times).sum(axis=1))

    gaps = [mine[k % mine.shape[1]] - base[k % base.shape[1]] for k in range(n)]
    gap = pd.concat(gaps, axis=1, keys=range(n))
    gains = from_sums(gap, offers["user_id"], some_draws, offers["coupon_id"], replicates=200)
    gains["value"] = float(gap.sum().mean())
    return gains


def first_round(shop: Shop) -> tuple[int, int]:
    """Redemptions among the 2,000 offers of most interest.

    The second number is that of a purchase model that does not see the purchases with a coupon.
    """
    bought = shop.pool["bought"] - shop.pool["redeemed"]
    without = replace(shop, pool=shop.pool.assign(bought=bought))
    best = [np.argsort(-each.interest, kind="stable")[:2000] for each in (shop, without)]
    return int(shop.y[best[0]].sum()), int(shop.y[best[1]].sum())


def after_hiding(shop: Shop, chance: ArrayLike, seed: int) -> dict[str, float]:
    """Hide redemptions, learn from half of the users, divide by the mean chance to be seen.

    Returns
    -------
    dict
        Promised over true redemptions of the other users, among the offers that are unlikely to
        be bought (`interest` up to one half) and likely.
    """
    rng, likely = np.random.default_rng(seed), shop.interest > 0.5
    users, user = np.unique(shop.pool["user_id"], return_inverse=True)
    mine = (rng.random(len(users)) < 0.5)[user]
    chance = np.broadcast_to(np.asarray(chance, "float64"), shop.y.shape)
    seen = shop.y * (rng.random(len(shop.y)) < chance)
    some = mine & ((seen == 1) | (rng.random(len(seen)) < NEGATIVES))
    weight = np.where(seen[some] == 1, 1, 1 / NEGATIVES)
    p = Line.fit(shop.x[some], seen[some], weight, c=0.1)(shop.x) / chance.mean()
    groups = {"unlikely": ~mine & ~likely, "likely": ~mine & likely}
    return {name: float(p[each].sum() / shop.y[each].sum()) for name, each in groups.items()}


def rounds_of_self_training(
    x: NDArray[np.float32],
    y: ArrayLike,
    others: NDArray[np.float32],
    rounds: int,
    sure: tuple[float, float] = (0.001, 0.1),
    look: Callable[[Line], Any] = lambda model: model,
) -> list[Any]:
    """Fit, label others where the model is sure, fit again: what `look` sees in each round."""
    model = Line.fit(x, y)
    seen = [look(model)]
    for _ in range(rounds):
        p = model(others)
        certain = (p < sure[0]) | (p > sure[1])
        labels = np.r_[np.asarray(y), p[certain] > sure[1]]
        model = Line.fit(np.vstack([x, others[certain]]), labels)
        seen.append(look(model))
    return seen


def spent(offers: pd.DataFrame) -> float:
    """Dollars that it costs to mail these offers for their labels, less what they bring in."""
    return -float(came_in(offers).sum())
