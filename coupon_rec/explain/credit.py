"""Who shares the credit: Shapley values over topics or features, against chosen others."""

from collections.abc import Callable, Sequence
from functools import cache
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import Floats
from coupon_rec.explain.topics import Players
from coupon_rec.features import Arrays
from coupon_rec.odds import SMALLEST

Score = Callable[[Arrays], NDArray[Any]]
"""From arrays of n offers to n numbers, or to n rows of several, such as two factors."""

MOST_PLAYERS = 12
"""An exact answer takes 2 ** players coalitions; beyond this, sample."""
RIVALS = 8
"""How many of a user's other coupons a reason compares with."""
LISTS_AT_ONCE = 200  # takes half a gigabyte at most


class Credit(NamedTuple):
    """What makes an offer's score differ from that of others, in parts that add up.

    Attributes
    ----------
    players : tuple of str
        Topics or features.
    credit : numpy.ndarray
        Of each player, shape (players,), or (players, parts) for a score of several numbers.
    score, others : numpy.ndarray
        That of the offer, and the mean of the others. Their difference is the sum of the credit.
    """

    players: tuple[str, ...]
    credit: Floats
    score: Floats
    others: Floats

    @property
    def top(self) -> str:
        """The player with the most credit, all parts together; "" if none has any."""
        total = self.credit.reshape(len(self.players), -1).sum(axis=1)
        return self.players[int(total.argmax())] if total.max(initial=0) > 0 else ""


@cache
def _weights(players: int) -> Floats:
    """Shapley's weights, shape (players, coalitions): a coalition is a number, a player a bit."""
    numbers = np.arange(2**players)
    member = (numbers >> np.arange(players)[:, None]) & 1
    size = member.sum(axis=0)
    share = np.array([1 / (players * comb(players - 1, k)) for k in range(players)])
    joined, alone = share[np.maximum(size - 1, 0)], share[np.minimum(size, players - 1)]
    return np.asarray(np.where(member == 1, joined, -alone))


def shapley(worth: ArrayLike) -> Floats:
    """Share the worth of all players among them, by Shapley's rule.

    Parameters
    ----------
    worth : array_like
        Of every coalition, shape (2 ** n,) or (2 ** n, parts). Bit k of a coalition's number says
        whether player k is in it, so the first is nobody and the last is everybody.

    Returns
    -------
    numpy.ndarray
        Shape (n,) or (n, parts). The sum over players is `worth[-1] - worth[0]`.

    Raises
    ------
    ValueError
        If the number of coalitions is no power of two.

    Notes
    -----
    Equation `eq-shapley` of the book; Shapley, *A Value for n-Person Games*, 1953.

    Examples
    --------
    Two players who earn 4 and 2 alone, and 10 together, split the bonus of 4:

    >>> shapley([0, 4, 2, 10]).tolist()
    [6.0, 4.0]
    """
    values = np.asarray(worth, "float64")
    players = len(values).bit_length() - 1
    if values.ndim == 0 or len(values) != 2**players:
        raise ValueError(
            f"worth has {len(values)} coalitions: n players have 2 ** n, nobody and everybody "
            "among them"
        )
    if not players:
        return np.zeros((0, *values.shape[1:]))
    return np.asarray(_shared(values[None])[0])


def _shared(worth: Floats) -> Floats:
    """The same of many games, (games, coalitions, ...): each as if it were alone, to the last bit.

    A product of matrices would round a game by how many others there are.
    """
    weights = _weights(worth.shape[1].bit_length() - 1)
    weights = weights.reshape(*weights.shape, *[1] * (worth.ndim - 2))
    return np.asarray((weights * worth[:, None]).sum(axis=2))


def credit(score: Score, offer: Arrays, others: Arrays, players: Players) -> Credit:
    """Share the difference between an offer and others among players, exactly.

    A coalition has its columns from the offer and all other columns from one of the others; its
    worth is the mean score over the others. A player whose columns are the same in the offer and
    in all others can change nothing: its credit is 0, and it takes no time.

    Parameters
    ----------
    score : callable
        Any function from arrays to numbers: no gradient is needed.
    offer : dict of str to numpy.ndarray
        Encoded, one row.
    others : dict of str to numpy.ndarray
        Encoded, m rows: who the offer is compared with.
    players : dict
        From `topics_of`, or any other that holds each column once.

    Returns
    -------
    Credit

    Raises
    ------
    ValueError
        If there are no others, the offer is not one row, or more than 12 players differ.

    Notes
    -----
    Equations `eq-worth` and `eq-shapley` of the book.
    """
    if any(len(array) != 1 for array in offer.values()):
        raise ValueError("the offer must be one row of each array")
    arrays = {name: np.concatenate([offer[name], array]) for name, array in others.items()}
    everybody = np.arange(1, len(next(iter(arrays.values()))))
    return contrast(score, arrays, [0], [everybody], players)[0]


def contrast(
    score: Score,
    arrays: Arrays,
    rows: Sequence[int],
    rivals: Sequence[NDArray[np.intp]],
    players: Players,
    scores: ArrayLike | None = None,
) -> list[Credit]:
    """Compare some offers with rivals among the same arrays, in two calls of the score.

    Parameters
    ----------
    score, players
        As for `credit`, and so are the errors.
    arrays : dict of str to numpy.ndarray
        Encoded, n rows.
    rows : sequence of int
        The offers to explain.
    rivals : sequence of numpy.ndarray
        For each of them, the rows of its rivals, such as the user's other coupons.
    scores : array_like, optional
        What `score` gives for `arrays`, where that is known: then it is called once.

    Returns
    -------
    list of Credit
        One for each of `rows`.
    """
    if not len(rows):
        return []
    sizes = np.array([len(its) for its in rivals])
    if not sizes.all():
        raise ValueError("there are no others to compare the offer with: pass at least one")
    game = np.arange(len(rows)).repeat(sizes)
    mine, its = np.repeat(rows, sizes), np.concatenate(rivals)
    offers, others = _rows(arrays, mine), _rows(arrays, its)
    if scores is None:
        met, place = np.unique(np.concatenate([rows, its]), return_inverse=True)
        of_rows, of_its = np.split(score(_rows(arrays, met))[place], [len(rows)])
    else:
        of_rows, of_its = np.asarray(scores)[[*rows]], np.asarray(scores)[its]
    first, last = of_rows.astype("float64"), _means(of_its, sizes)

    plays = [each.tobytes() for each in _playing(offers, others, sizes, players)]
    kinds = {each: number for number, each in enumerate(dict.fromkeys(plays))}
    of_game = np.array([kinds[each] for each in plays])
    patterns = [np.frombuffer(each, bool) for each in kinds]
    alike = [(of_game[game] == number).nonzero()[0] for number in range(len(patterns))]
    hybrids = [
        _hybrids(_rows(offers, some), _rows(others, some), _taken(players, playing, arrays))
        for some, playing in zip(alike, patterns, strict=True)
    ]
    ends = np.cumsum([len(next(iter(each.values()))) for each in hybrids])
    together = {name: np.concatenate([each[name] for each in hybrids]) for name in arrays}
    worths = np.split(score(together) if ends[-1] else np.empty(0), ends[:-1])
    credit = np.zeros((len(rows), len(players), *first.shape[1:]))
    for number, (playing, worth) in enumerate(zip(patterns, worths, strict=True)):
        own = (of_game == number).nonzero()[0]
        if not playing.any():
            last[own] = first[own]  # nobody differs in anything
            continue
        shape = sizes[own].sum(), 2 ** playing.sum() - 2, *first.shape[1:]
        means = _means(np.reshape(worth, shape), sizes[own])
        coalitions = np.concatenate([last[own][:, None], means, first[own][:, None]], axis=1)
        credit[np.ix_(own, playing)] = _shared(coalitions)
    return [
        Credit((*players,), its_credit, its_score, base)
        for its_credit, its_score, base in zip(credit, first, last, strict=True)
    ]


def rivals_of(row: int, p: ArrayLike, most: int = RIVALS) -> NDArray[np.intp]:
    """Choose the offers that one of a list is compared with, from the unlikely to the likely.

    Parameters
    ----------
    row : int
        The offer's place in the list.
    p : array_like
        Probabilities of the list's n offers, shape (n,).
    most : int
        How many are enough.

    Returns
    -------
    numpy.ndarray
        Places in the list: all others, or `most` of them, evenly spread over the order of `p`.

    Examples
    --------
    >>> rivals_of(0, [0.9, 0.1, 0.3, 0.2, 0.4], most=2)
    array([3, 4])
    """
    order = np.argsort(np.asarray(p), kind="stable")
    others = order[order != row]
    middles = (np.arange(most) + 0.5) * len(others) / most
    return np.asarray(others if len(others) <= most else others[middles.astype(int)])


def leading_topics(
    score: Score,
    arrays: Arrays,
    p: NDArray[np.float64],
    chosen: Sequence[int],
    lists: Sequence[NDArray[np.intp]],
    players: Players,
) -> list[str]:
    """Name the topic that sets each chosen offer above others of its list.

    Parameters
    ----------
    score, players
        As for `credit`; `score` gives log p.
    arrays : dict of str to numpy.ndarray
        Encoded, n rows: the offers of all lists.
    p : numpy.ndarray
        Their probabilities, shape (n,).
    chosen : sequence of int
        Rows of the chosen offers.
    lists : sequence of numpy.ndarray
        For each of them, the rows of its whole list, in increasing order.

    Returns
    -------
    list of str
        The topic with the most credit beside `rivals_of` the offer; "" if no topic has any, as in
        a list of one.
    """
    topics = [""] * len(chosen)
    log_p = np.log(np.maximum(p, SMALLEST))
    compared = [number for number, rows in enumerate(lists) if len(rows) > 1]
    for start in range(0, len(compared), LISTS_AT_ONCE):
        some = compared[start : start + LISTS_AT_ONCE]
        rivals = []
        for number in some:
            rows = lists[number]
            rivals.append(rows[rivals_of(int(rows.searchsorted(chosen[number])), p[rows])])
        credits = contrast(score, arrays, [chosen[n] for n in some], rivals, players, log_p)
        for number, its_credit in zip(some, credits, strict=True):
            topics[number] = its_credit.top
    return topics


def _means(of_pairs: NDArray[Any], sizes: NDArray[np.int64]) -> Floats:
    """The mean over the others of each offer, whose pairs follow one another."""
    sums = np.add.reduceat(np.asarray(of_pairs, "float64"), np.cumsum(sizes) - sizes, axis=0)
    return np.asarray(sums / sizes.reshape(-1, *[1] * (sums.ndim - 1)))


def _playing(
    offers: Arrays, others: Arrays, sizes: NDArray[np.int64], players: Players
) -> NDArray[np.bool_]:
    """Whether each player can change anything in each game, from all pairs of an offer and another.

    Shape (games, players).
    """
    differs = {name: others[name] != offers[name] for name in others}
    of_pairs = np.stack(
        [
            np.any(
                [differs[name][:, columns].any(axis=1) for name, columns in held.items()], axis=0
            )
            for held in players.values()
        ],
        axis=1,
    )
    playing = np.logical_or.reduceat(of_pairs, np.cumsum(sizes) - sizes, axis=0)
    if (most := playing.sum(axis=1).max()) > MOST_PLAYERS:
        raise ValueError(
            f"{most} players differ, which have 2 ** {most} coalitions: form at most "
            f"{MOST_PLAYERS} topics, or use `sampled_credit`"
        )
    return np.asarray(playing)


def _taken(players: Players, playing: NDArray[np.bool_], arrays: Arrays) -> Arrays:
    """The columns that each coalition but nobody and everybody has from the offer."""
    number = np.arange(1, max(2 ** playing.sum() - 1, 1))
    taken = {name: np.zeros((len(number), a.shape[1]), bool) for name, a in arrays.items()}
    held = [places for places, plays in zip(players.values(), playing, strict=True) if plays]
    for bit, places in enumerate(held):
        for name, columns in places.items():
            taken[name][:, columns] = ((number >> bit) & 1).astype(bool)[:, None]
    return taken


def _hybrids(offers: Arrays, others: Arrays, taken: Arrays) -> Arrays:
    """Every coalition of every pair of an offer and another, pair after pair."""
    return {
        name: np.where(mask, offers[name][:, None], others[name][:, None]).reshape(
            -1, mask.shape[1]
        )
        for name, mask in taken.items()
    }


def sampled_credit(
    score: Score,
    offer: Arrays,
    others: Arrays,
    players: Players,
    *,
    orders: int = 100,
    seed: int = 0,
) -> Credit:
    """The same for any number of players, from random orders in which they join.

    Parameters
    ----------
    score, offer, others, players
        As for `credit`.
    orders : int
        How many orders; each begins with one of the others, in turn.
    seed : int
        Of the orders.

    Returns
    -------
    Credit
        Unbiased if `orders` is a multiple of the number of others; it adds up in any case, to the
        difference from the others that were used.

    Notes
    -----
    Strumbelj and Kononenko, *Explaining Prediction Models and Individual Predictions with Feature
    Contributions*, 2014.
    """
    rng, names = np.random.default_rng(seed), [*players]
    size, steps = len(next(iter(others.values()))), len(names) + 1
    start = np.resize(rng.permutation(size), orders)
    order = rng.permuted(np.tile(np.arange(len(names)), (orders, 1)), axis=1)
    joined = order.argsort(axis=1)[:, None] < np.arange(steps)[:, None]
    hybrids = {}
    for name, array in others.items():
        taken = np.zeros((orders, steps, array.shape[1]), bool)
        for number, player in enumerate(names):
            for column in players[player].get(name, ()):
                taken[:, :, column] = joined[:, :, number]
        mixed = np.where(taken, offer[name], array[start][:, None])
        hybrids[name] = mixed.reshape(orders * steps, -1)
    scores = np.asarray(score(hybrids), "float64")
    scores = scores.reshape(orders, steps, *scores.shape[1:])
    gains = np.zeros((orders, len(names), *scores.shape[2:]))
    gains[np.arange(orders)[:, None], order] = np.diff(scores, axis=1)
    return Credit((*names,), gains.mean(axis=0), scores[0, -1], scores[:, 0].mean(axis=0))


def _rows(arrays: Arrays, rows: Any) -> Arrays:
    return {name: array[rows] for name, array in arrays.items()}
