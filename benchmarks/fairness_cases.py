"""Users with many offers each, whose habits differ: the same draws for us and for fairlearn."""

from typing import Any

import numpy as np

DRAWS, USERS, OFFERS = 30, 200, 40


def drawn(seed: int) -> dict[str, Any]:
    """Draw offers of two groups of users, each with a mean rate of 0.2."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(USERS), OFFERS)
    habit = rng.beta(0.6, 2.4, USERS)  # of a user: most seldom redeem, some nearly always
    group = np.where(np.arange(USERS) % 4 == 0, "a", "b")
    y = (rng.random(len(user)) < habit[user]).astype(int)
    return {"y": y, "group": group[user], "user": user, "truth": 0.2}
