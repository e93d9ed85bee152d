"""Which features moved? By user, because the rows of one user are not independent."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from coupon_rec.arguments import Floats, numbers, require_columns

BLOCK = 2**23
"""Most labels that are shuffled at a time."""


def psi(reference: ArrayLike, current: ArrayLike, bins: int = 10) -> float:
    r"""Compute the population stability index of one number.

    Parameters
    ----------
    reference, current : array_like
        Its values then and now, shapes (n,) and (m,).
    bins : int
        How many parts of equal size the reference is cut into, 2 or more; values that are equal
        stay together, so there may be fewer.

    Returns
    -------
    float
        0 or more. It has no level that is large by itself: with nothing moved it is about
        (bins - 1) (1 / n + 1 / m), for independent values.

    Raises
    ------
    ValueError
        If a value is not finite, there is none, or `bins` is below 2.

    Notes
    -----
    Equation `eq-psi`. Half a value is added to each bin, so that an empty one has a logarithm.

    Examples
    --------
    >>> print(f"{psi([1, 2, 3, 4], [1, 2, 3, 4], bins=2):.2f}")
    0.00
    >>> print(f"{psi([1, 2, 3, 4], [4, 4, 4, 4], bins=2):.2f}")
    0.88
    """
    then, now = numbers("reference", reference), numbers("current", current)
    if not then.size or not now.size:
        raise ValueError("reference and current must have a value each")
    if bins < 2:
        raise ValueError(f"bins must be 2 or more, not {bins}")
    cuts = np.unique(np.quantile(then, np.arange(1, bins) / bins))

    def shares(values: Floats) -> Floats:
        place = np.searchsorted(cuts, values, side="right")
        counts = np.bincount(place, minlength=len(cuts) + 1) + 0.5
        return np.asarray(counts / counts.sum())

    before, after = shares(then), shares(now)
    return float(((after - before) * np.log(after / before)).sum())


def shift(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    features: Sequence[str],
    *,
    user: str = "user_id",
    shuffles: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Test which features of users moved between two times.

    Parameters
    ----------
    reference, current : pandas.DataFrame
        Offers then and now, with the features and the column `user`.
    features : sequence of str
        Numbers that differ between users. What a campaign's coupons are is the same for all its
        users, and no number of users says whether it moved.
    shuffles, seed
        How often users change places to see what chance does, and the seed.

    Returns
    -------
    pandas.DataFrame
        One row a feature, the furthest moved first: `reference` and `current` (mean of users'
        means), `deviations` (their difference in standard deviations between users), `psi` (of
        users' means), `p` (chance of such a difference in ranks if nothing moved), `p_any`
        (chance that any of the features shows one as large).

    Raises
    ------
    ValueError
        If a column is missing, a value is not finite, or a side has fewer than two users.

    Notes
    -----
    A user's offers become one mean, and the means their ranks. Then it is shuffled which user
    belongs to which time. So 5% of features have p up to .05 where nothing moved, whatever their
    distribution; and `p_any` holds for features that depend on each other, in any way (Westfall
    and Young's max-T in a single step). A user of both times counts once in each: the test is then
    careful, and fires more rarely.

    Memory and time grow with `shuffles` times the users. Above 100,000 of them, take a sample.
    """
    then, now = (_means(side, features, user) for side in (reference, current))
    both = np.vstack([then, now])
    n, m = len(then), len(now)
    if min(n, m) < 2:
        raise ValueError(f"there are {n} and {m} users: two or more of each are needed")
    ranks = rankdata(both, axis=0)
    ranks -= ranks.mean(axis=0)
    first = (np.arange(n + m) < n).astype(np.float64)
    away = np.abs(_apart(first[None], ranks))[0]
    chance = _shuffled(first, ranks, shuffles, seed)
    scale = np.where(ranks.any(axis=0), ranks.std(axis=0), 1.0)
    largest = (chance / scale).max(axis=1)
    tolerance = 1 - 1e-9
    deviation = both.std(axis=0)
    moved = now.mean(axis=0) - then.mean(axis=0)
    table = pd.DataFrame(
        {
            "reference": then.mean(axis=0),
            "current": now.mean(axis=0),
            "deviations": np.divide(
                moved, deviation, out=np.zeros_like(moved), where=deviation > 0
            ),
            "psi": [psi(then[:, j], now[:, j]) for j in range(len(features))],
            "p": (1 + (chance >= tolerance * away).sum(axis=0)) / (1 + shuffles),
            "p_any": (1 + (largest[:, None] >= tolerance * away / scale).sum(axis=0))
            / (1 + shuffles),
        },
        index=pd.Index(features, name="feature"),
    )
    return table.sort_values("deviations", key=np.abs, ascending=False, kind="stable")


def _means(offers: pd.DataFrame, features: Sequence[str], user: str) -> Floats:
    """The mean of each feature for each user, in the order of users."""
    require_columns(offers, [user, *features])
    for name in features:
        numbers(f"offers[{name!r}]", offers[name])
    return np.asarray(offers.groupby(user, sort=True)[list(features)].mean(), np.float64)


def _apart(labels: Floats, ranks: Floats) -> Floats:
    """How far apart the mean ranks are, for each row of labels: shape (labels, features)."""
    first = labels.sum(axis=1, keepdims=True)
    return np.asarray(labels @ ranks / first - (1 - labels) @ ranks / (labels.shape[1] - first))


def _shuffled(first: Floats, ranks: Floats, shuffles: int, seed: int) -> Floats:
    """How far apart they are by chance: shape (shuffles, features)."""
    rng, parts = np.random.default_rng(seed), []
    step = max(1, BLOCK // len(first))
    for start in range(0, shuffles, step):
        labels = np.tile(first, (min(step, shuffles - start), 1))
        parts.append(np.abs(_apart(rng.permuted(labels, axis=1), ranks)))
    return np.concatenate(parts)
