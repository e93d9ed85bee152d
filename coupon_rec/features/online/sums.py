"""Sums over the purchases of users, from which their features follow in a few steps.

What fades, by exp(-age / days), loses the same share of all its parts from one day to the next.
So what was added up as of one day says what it is on any later one.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from coupon_rec.features.online.snapshot import (
    Coupons,
    Floats,
    Ints,
    Items,
    Lines,
    Snapshot,
)

BLOCK = 64
"""Users whose purchases are added up together when a snapshot is read."""


class Sums(NamedTuple):
    """Sums over the purchases of n users: money in whole millionths, ages in days.

    Attributes
    ----------
    start : numpy.ndarray
        The day as of which the sums of each user are, since 1970, shape (n,).
    habits : numpy.ndarray
        Of each user, shape (n, 11): lines, spend, retail discount, spend on private label, lines
        with a coupon, visits, visits faded over 14 and over 120 days, categories brought home from
        them all, ages of the first and of the last one.
    pairs : numpy.ndarray
        How many coupons each user has bought an item of, shape (n,).
    coupon : numpy.ndarray
        These coupons, in order, user by user, shape (m,).
    bought : numpy.ndarray
        Of each of them, shape (m, 10): lines, quantity, spend, lines with a coupon, lines faded
        over 14, 45 and 120 days, ages of the first and of the last one, different items.
    near : numpy.ndarray
        Of each user and each of K coupons, shape (n, K, 4): spend in its categories, lines there
        faded over 45 days, the age of the last one, spend on its makers; 0 where there is none.
    """

    start: Ints
    habits: Floats
    pairs: Ints
    coupon: Ints
    bought: Floats
    near: Floats

    @classmethod
    def joined(cls, parts: Sequence["Sums"]) -> "Sums":
        """The sums of several users, or groups of users, one after another."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    def apart(self) -> list["Sums"]:
        """The sums of each user alone."""
        edges = [0, *self.pairs.cumsum().tolist()]
        return [
            Sums(
                self.start[user : user + 1],
                self.habits[user : user + 1],
                self.pairs[user : user + 1],
                self.coupon[first:end],
                self.bought[first:end],
                self.near[user : user + 1],
            )
            for user, (first, end) in enumerate(pairwise(edges))
        ]


def add_up(pasts: Sequence[Lines], items: Items, coupons: Coupons, start: int) -> Sums:
    """Add up the purchases of n users.

    Parameters
    ----------
    pasts : sequence of Lines
        Of each user, all before `start`.
    items, coupons : Items, Coupons
        What is sold, and the K coupons.
    start : int
        Day, since 1970.
    """
    lines, n = Lines(*map(np.concatenate, zip(*pasts, strict=True))), len(pasts)
    user = np.arange(n).repeat([len(past.item) for past in pasts])
    age = start - lines.day
    return Sums(
        np.full(n, start),
        _habits(lines, age, user, n, items),
        *_bought(lines, age, user, n, coupons),
        _near(lines, age, user, n, items, coupons),
    )


def _habits(lines: Lines, age: Ints, user: Ints, n: int, items: Items) -> Floats:
    basket = lines.basket_id
    opens = np.ones(len(user), "bool")
    opens[1:] = (user[1:] != user[:-1]) | (age[1:] != age[:-1]) | (basket[1:] != basket[:-1])
    visitor, visit_age = user[opens], age[opens]
    kinds = int(items.category.max()) + 1
    brought = distinct(opens.cumsum() * kinds + items.category[lines.item]) // kinds - 1
    first, last = _first_and_last(visitor, visit_age, n)
    columns = [
        np.bincount(user, minlength=n),
        np.bincount(user, lines.amount, n),
        np.bincount(user, lines.retail_discount, n),
        np.bincount(user, lines.amount * items.private[lines.item], n),
        np.bincount(user, lines.coupon_discount != 0, n),
        np.bincount(visitor, minlength=n),
        np.bincount(visitor, decayed(visit_age, 14), n),
        np.bincount(visitor, decayed(visit_age, 120), n),
        np.bincount(visitor[brought], minlength=n),
        first,
        last,
    ]
    return np.stack(columns, axis=1, dtype="float64")


def _bought(
    lines: Lines, age: Ints, user: Ints, n: int, coupons: Coupons
) -> tuple[Ints, Ints, Floats]:
    """What `Sums` has of the pairs of a user and a coupon, and how many there are of each user."""
    size, links = n * len(coupons.covered), coupons.items
    line, pair = links.of(lines.item)
    place, age = user[line] * len(coupons.covered) + links.coupon[pair], age[line]
    different = distinct(user[line] * len(links.coupon) + pair)
    owner, pair = np.divmod(different, len(links.coupon))
    columns = [
        np.bincount(place, minlength=size),
        np.bincount(place, lines.quantity[line], size),
        np.bincount(place, lines.amount[line], size),
        np.bincount(place, lines.coupon_discount[line] > 0, size),
        np.bincount(place, decayed(age, 14), size),
        np.bincount(place, decayed(age, 45), size),
        np.bincount(place, decayed(age, 120), size),
        *_first_and_last(place, age, size),
        np.bincount(owner * len(coupons.covered) + links.coupon[pair], minlength=size),
    ]
    there = columns[0].nonzero()[0]
    owner, coupon = np.divmod(there, len(coupons.covered))
    of_pairs = np.stack([column[there] for column in columns], axis=1, dtype="float64")
    return np.bincount(owner, minlength=n), coupon, of_pairs


def _near(lines: Lines, age: Ints, user: Ints, n: int, items: Items, coupons: Coupons) -> Floats:
    each, size = len(coupons.covered), n * len(coupons.covered)
    kinds, makers = len(coupons.categories), len(coupons.makers)
    key = user * kinds + items.category[lines.item]
    spent = np.bincount(key, lines.amount, n * kinds)
    faded = np.bincount(key, decayed(age, 45), n * kinds)
    last = _first_and_last(key, age, n * kinds)[1]
    there = last.nonzero()[0]
    there = there[(-last[there]).argsort()]
    which, pair = coupons.categories.of(there % kinds)
    key, times = there[which], coupons.categories.times[pair]
    place = key // kinds * each + coupons.categories.coupon[pair]
    latest = np.zeros(size)
    latest[place] = last[key]  # the last of several is kept, and the most recent comes last
    made = np.bincount(user * makers + items.maker[lines.item], lines.amount, n * makers)
    there = made.nonzero()[0]
    which, pair = coupons.makers.of(there % makers)
    by_maker = there[which] // makers * each + coupons.makers.coupon[pair]
    columns = [
        np.bincount(place, spent[key] * times, size),
        np.bincount(place, faded[key] * times, size),
        latest,
        np.bincount(by_maker, made[there[which]], size),
    ]
    return np.stack(columns, axis=1, dtype="float64").reshape(n, each, 4)


def _first_and_last(place: Ints, age: Ints, size: int) -> tuple[Floats, Floats]:
    """The largest and the smallest age of each place, 0 where there is none.

    Lines come in the order of their days, and of several values for one place NumPy keeps the
    last.
    """
    first, last = np.zeros(size), np.zeros(size)
    last[place] = age
    first[place[::-1]] = age[::-1]
    return first, last


def distinct(values: Ints) -> Ints:
    """The values without repetitions, sorted; sooner than `numpy.unique` for some hundred."""
    values = np.sort(values)
    first = np.ones(len(values), "bool")
    first[1:] = values[1:] != values[:-1]
    return values[first]


def decayed(age: Ints, days: int) -> Floats:
    """The weight exp(-age / days) of an event that is `age` days old."""
    return _weights(days).take(age, mode="clip")


@cache
def _weights(days: int) -> Floats:
    """The weights of all ages up to one whose weight is 0 as a number of 64 bits."""
    return np.exp(-np.arange(750.0 * days) / days)


def sums_of_mailed(snapshot: Snapshot) -> dict[int | None, Sums]:
    """Add up the purchases of everyone who was mailed a live coupon, as the snapshot has them.

    Returns
    -------
    dict of int to Sums
        By the user's row; None stands for someone without purchases.
    """
    mailed = (row for row in range(len(snapshot.user_row)) if len(snapshot.offers[row]))
    users = [*mailed, None]
    sums: dict[int | None, Sums] = {}
    for first in range(0, len(users), BLOCK):
        block = users[first : first + BLOCK]
        pasts = [snapshot.lines.where(snapshot.history.slice(row)) for row in block]
        found = add_up(pasts, snapshot.items, snapshot.coupons, snapshot.start)
        sums |= zip(block, found.apart(), strict=True)
    return sums
