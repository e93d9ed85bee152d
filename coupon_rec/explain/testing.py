"""Do we believe an explanation? Take away what it names, and see whether the score falls."""

from collections.abc import Sequence

import numpy as np

from coupon_rec.arguments import Floats
from coupon_rec.explain.credit import Score
from coupon_rec.explain.topics import Players
from coupon_rec.features import Arrays


def deletion(
    score: Score, offer: Arrays, others: Arrays, players: Players, order: Sequence[str]
) -> Floats:
    """Give the mean score as an offer's columns are replaced by the others', player by player.

    Parameters
    ----------
    score, offer, others, players
        As for `coupon_rec.explain.credit`.
    order : sequence of str
        Players, the most important first, as an explanation ranks them.

    Returns
    -------
    numpy.ndarray
        Shape (1 + len(order),): with nothing replaced, with the first, with the first two and so
        on. Of two orders, the one whose curve is lower names what the score rests on.

    Notes
    -----
    Petsiuk et al., *RISE*, BMVC 2018; with draws from others in place of a single baseline.
    """
    if unknown := [name for name in order if name not in players]:
        raise ValueError(f"{unknown[0]!r} is no player; there are {[*players]}")
    size = max(len(next(iter(side.values()))) for side in (others, offer))
    steps = 1 + len(order)
    mixed = {}
    for name in offer:
        taken = np.zeros((steps, 1, offer[name].shape[1]), bool)
        for step, player in enumerate(order, start=1):
            taken[step:, :, players[player].get(name, [])] = True
        mixed[name] = np.where(
            taken, others[name], np.broadcast_to(offer[name], (size, taken.shape[2]))
        )
    stacked = {name: array.reshape(steps * size, -1) for name, array in mixed.items()}
    scores = np.asarray(score(stacked), "float64")
    return np.asarray(scores.reshape(steps, size, *scores.shape[1:]).mean(axis=1))
