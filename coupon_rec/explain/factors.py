"""The two factors of a coupled model, as terms that add up."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import probabilities, require, require_one_order


def factors(bought: ArrayLike, redeemed: ArrayLike) -> pd.DataFrame:
    r"""Split the logarithm of p(a, r) into that of p(a) and that of p(r | a).

    Parameters
    ----------
    bought, redeemed : array_like
        p(a) and p(a, r), in (0, 1], shape (n,).

    Returns
    -------
    pandas.DataFrame
        `bought`, `redeemed_if_bought` and their sum `redeemed`, all logarithms. The second may
        exceed 0 where a model that is no pure chain says p(a, r) > p(a).

    Raises
    ------
    ValueError
        If they differ in length or in their index, or a probability is 0 or outside [0, 1].

    Notes
    -----
    Equation `eq-log-factors` of the book.

    Examples
    --------
    >>> factors([0.5], [0.1]).round(2)
       bought  redeemed_if_bought  redeemed
    0   -0.69               -1.61      -2.3
    """
    require_one_order(bought=bought, redeemed=redeemed)
    a = probabilities("bought", bought)
    both = probabilities("redeemed", redeemed, len(a))
    for name, p in (("bought", a), ("redeemed", both)):
        require(name, p, p > 0, "above 0: its logarithm is taken")
    terms = {"bought": np.log(a), "redeemed_if_bought": np.log(both) - np.log(a)}
    return pd.DataFrame({**terms, "redeemed": np.log(both)})
