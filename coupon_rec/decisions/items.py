"""Which items a user is likely to buy next: what was bought again and again, by whom and at all."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import require_present
from coupon_rec.odds import logit, sigmoid

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

WINDOW = 28
"""Days ahead that a probability is about, and days of the past that it is learned from."""
MEMORY = 180
"""Days over which a purchase fades, as a sum of exp(-age / MEMORY)."""
PRIOR = 20.0
"""Buyers that the mean of all items stands for, in the share of an item's buyers who come back."""


class LikelyItems(NamedTuple):
    """The items that a user is most likely to buy, the likeliest first, each by its number.

    Attributes
    ----------
    item, probability : numpy.ndarray
        Shape (k,).
    times : numpy.ndarray
        How often the user has bought each, 0 if never, shape (k,).
    """

    item: Ints
    probability: Floats
    times: Ints


@dataclass(frozen=True)
class ItemModel:
    """How likely users buy each of m items within `WINDOW` days: equation `eq-next-item`.

    Attributes
    ----------
    again : numpy.ndarray
        Share of those who had bought the item that bought it in the last window, shape (m,),
        shrunk toward the mean of all items.
    first, often : numpy.ndarray
        Shape (m,): share of the users who had not bought it before that did so in the last
        window, and share of all who shopped then. They speak for items that a user has not
        bought, and for a user of whom nothing is known.
    weights : numpy.ndarray
        Shape (3,): constant, weight of log habit, weight of the log odds of `again`.
    """

    again: Floats
    first: Floats
    often: Floats
    weights: Floats

    @classmethod
    def fit(cls, user: Ints, item: Ints, day: Ints, today: int, items: int) -> Self:
        """Learn from what was bought before a day.

        Parameters
        ----------
        user, item, day : numpy.ndarray
            Of n purchase lines, shape (n,): numbers of users and items from 0 on, and the day.
        today : int
            Lines of this day or later are left out.
        items : int
            How many items there are.

        Returns
        -------
        ItemModel
            Its weights fit the last window, as of the day before it began. With little to learn
            from they stay near (0, 1, 1): an item bought once comes back with its own rate.
        """
        earlier_lines = day < today
        user, item, day = user[earlier_lines], item[earlier_lines], day[earlier_lines]
        pair, of_line = np.unique(user * items + item, return_inverse=True)
        whose, what = np.divmod(pair, items)
        then = today - WINDOW

        def bought(first: float, end: int) -> NDArray[np.bool_]:
            return np.bincount(of_line, (day >= first) & (day < end), len(pair)) > 0

        def share(some: NDArray[np.bool_], of: ArrayLike) -> Floats:
            return np.asarray(np.bincount(what, some, items) / np.maximum(of, 1))

        before, now = bought(-np.inf, then), bought(then, today)
        habit = np.bincount(of_line, (day < then) * faded(np.maximum(then - day, 0)), len(pair))
        earlier = _again(what, bought(-np.inf, then - WINDOW), bought(then - WINDOW, then), items)
        facts = _facts(habit[before], earlier[what[before]])
        owners = np.bincount(what, before, items)
        return cls(
            again=_again(what, before, now, items),
            first=share(now & ~before, len(np.unique(whose)) - owners),
            often=share(now, len(np.unique(whose[now]))),
            weights=_weights(facts, now[before]),
        )

    @cached_property
    def _orders(self) -> tuple[Ints, Ints]:
        """The items from the largest share on: by `often`, and by `first`."""
        often, first = (np.argsort(-share, kind="stable") for share in (self.often, self.first))
        return often, first

    def of_user(self, item: Ints, day: Ints, today: int, k: int) -> LikelyItems:
        """Give the k items that one user is most likely to buy, the likeliest first.

        Parameters
        ----------
        item, day : numpy.ndarray
            Of the user's purchase lines, all before `today`; none of an unknown user.
        today : int
            First day of the window that the probabilities are about.
        k : int
            How many items at most; fewer where fewer have any chance.
        """
        own, of_line, times = np.unique(item, return_inverse=True, return_counts=True)
        habit = np.bincount(of_line, faded(today - day), len(own))
        p = sigmoid(_facts(habit, self.again[own]) @ self.weights)
        shares = self.first if len(own) else self.often
        others = np.setdiff1d(self._orders[len(own) > 0][: k + len(own)], own)
        candidates = np.concatenate([own, others])
        p, times = np.append(p, shares[others]), np.append(times, np.zeros_like(others))
        best = np.lexsort((candidates, -p))[: min(k, np.count_nonzero(p))]
        return LikelyItems(candidates[best], p[best], times[best])


def recommend_items(
    purchases: pd.DataFrame,
    k: int = 10,
    *,
    day: date | None = None,
    users: ArrayLike | None = None,
) -> pd.DataFrame:
    """Recommend to each user the items that they are most likely to buy in the next four weeks.

    Parameters
    ----------
    purchases : pandas.DataFrame
        One row a line of a receipt, with user_id, item_id and time, such as
        `market.purchases.to_pandas()`.
    k : int
        Items for each user, 1 or more.
    day : datetime.date, optional
        First day of the four weeks: what was bought before is known, and nothing else is looked
        at. By default, the day after the last purchase.
    users : array_like, optional
        Whom to recommend to: by default, everyone with a purchase before `day`. Of the others
        nothing is known, and they get what most users buy.

    Returns
    -------
    pandas.DataFrame
        One row a user and item, the likeliest first: user_id, item_id, `probability` (that the
        user buys it within 28 days, in [0, 1]) and `times` (how often they have so far).

    Raises
    ------
    ValueError
        If a column is missing or lacks a value, times have a time zone, k is below 1, or nothing
        was bought before `day`.

    Examples
    --------
    >>> purchases = pd.DataFrame({"user_id": [1, 1, 1, 2], "item_id": ["tea", "tea", "jam", "jam"]})
    >>> purchases["time"] = pd.to_datetime(["2024-01-02", "2024-02-20", "2024-02-20", "2024-03-04"])
    >>> recommend_items(purchases, k=1, users=[1, 3])[["user_id", "item_id", "times"]]
       user_id item_id  times
    0        1     tea      2
    1        3     jam      0

    Notes
    -----
    log odds = w0 + w1 log(habit) + w2 logit(again): equation `eq-next-item`. The habit of a user
    with an item is the sum of exp(-age / 180) over past purchases; `again` is the share of the
    item's buyers who came back for it.
    """
    require_present(purchases, ["user_id", "item_id", "time"], "purchases")
    if k < 1:
        raise ValueError(f"k must be 1 or more, but it is {k}")
    time = pd.to_datetime(purchases["time"])
    if time.dt.tz is not None:
        raise ValueError(
            f"purchases['time'] has the time zone {time.dt.tz}: give the wall-clock time at the "
            "store, without a zone, as .dt.tz_localize(None) does"
        )
    days = time.to_numpy("datetime64[D]").astype("int64")
    today = (pd.Timestamp(day) - pd.Timestamp(0)).days if day else int(days.max(initial=0)) + 1
    is_before = days < today
    if not is_before.any():
        raise ValueError(f"nothing was bought before {day}: choose a later day")
    whose, names = pd.factorize(purchases["user_id"][is_before], sort=True)
    item, items = pd.factorize(purchases["item_id"][is_before], sort=True)
    order = np.argsort(whose, kind="stable")
    whose, item, days = whose[order], item[order], days[is_before][order]
    model = ItemModel.fit(whose, item, days, today, len(items))
    wanted = names if users is None else pd.Index(np.asarray(users)).unique()
    numbers = names.get_indexer(wanted)
    first, end = (whose.searchsorted(numbers, side) for side in ("left", "right"))
    end = np.where(numbers < 0, first, end)
    lists = [
        model.of_user(item[one:after], days[one:after], today, k)
        for one, after in zip(first, end, strict=True)
    ]
    nothing = LikelyItems(np.zeros(0, int), np.zeros(0), np.zeros(0, int))
    likeliest, p, times = map(np.concatenate, zip(nothing, *lists, strict=True))
    columns = {"item_id": items.take(likeliest), "probability": p, "times": times}
    sizes = np.array([len(each.item) for each in lists], int)
    return pd.DataFrame({"user_id": wanted.repeat(sizes), **columns})


def faded(age: Any) -> Floats:
    """The weight of a purchase that is `age` days old."""
    return np.asarray(np.exp(-age / MEMORY))


def _again(what: Ints, before: NDArray[np.bool_], now: NDArray[np.bool_], items: int) -> Floats:
    """Share of each item's buyers who bought it again, shrunk toward the mean of all items."""
    buyers, back = np.bincount(what, before, items), np.bincount(what, before & now, items)
    mean = (back.sum() + 1) / (buyers.sum() + 2)
    return np.asarray((back + PRIOR * mean) / (buyers + PRIOR))


def _facts(habit: NDArray[Any], again: Floats) -> Floats:
    return np.stack([np.ones(len(habit)), np.log(habit), logit(again)], axis=1)


def _weights(facts: Floats, bought: NDArray[np.bool_]) -> Floats:
    """Logistic regression by Newton's steps, with a pull of one observation toward (0, 1, 1)."""
    start = np.array([0.0, 1.0, 1.0])
    weights = start
    for _ in range(25):
        p = sigmoid(facts @ weights)
        slope = facts.T @ (bought - p) - (weights - start)
        curvature = (facts.T * (p * (1 - p))) @ facts + np.eye(3)
        step = np.linalg.solve(curvature, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return weights
