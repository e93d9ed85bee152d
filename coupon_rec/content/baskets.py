"""Vectors of kinds of items, from what lies in one basket."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from coupon_rec.arguments import Floats, require_present


def basket_vectors(purchases: pd.DataFrame, size: int = 64, *, seed: int = 0) -> pd.DataFrame:
    r"""Learn a vector for each kind of item from which kinds are bought together.

    Parameters
    ----------
    purchases : pandas.DataFrame
        Purchase lines: `basket_id` and `kind`, such as an item's text. Nothing in them may be
        later than what the vectors will be used for.
    size : int
        Coordinates of a vector, at least 1; fewer if there are fewer kinds.
    seed : int
        Of the first guess of the directions.

    Returns
    -------
    pandas.DataFrame
        Indexed by kind, one column a coordinate. The coordinates of two calls cannot be compared;
        cosines can.

    Raises
    ------
    ValueError
        If a column is missing or lacks a value, or no basket holds two kinds.

    Notes
    -----
    Equation `eq-ppmi`, then the largest eigenvalues of that matrix, as Levy and Goldberg (2014)
    do for words.

    Examples
    --------
    >>> kinds = ["milk", "oats", "milk", "oats", "ink", "pen"]
    >>> lines = pd.DataFrame({"basket_id": [1, 1, 2, 2, 3, 3], "kind": kinds})
    >>> basket_vectors(lines, size=2).shape
    (4, 2)
    """
    require_present(purchases, ["basket_id", "kind"], "purchases")
    if size < 1:
        raise ValueError(f"size must be 1 or more, not {size}")
    kind, kinds = pd.factorize(purchases["kind"], sort=True)
    together = _together(pd.factorize(purchases["basket_id"])[0], kind, len(kinds))
    if not together.any():
        raise ValueError("no basket holds two kinds: nothing is bought together")
    vectors, _ = largest(ppmi(together), min(size, len(kinds)), seed)
    return pd.DataFrame(vectors, pd.Index(kinds, name="kind"))


def _together(basket: NDArray[np.intp], kind: NDArray[np.intp], kinds: int) -> Floats:
    """How many baskets hold both of two kinds; 0 on the diagonal."""
    held = sparse.csr_matrix(
        (np.ones(len(kind), "float32"), (basket, kind)), shape=(basket.max(initial=0) + 1, kinds)
    )
    held.data[:] = 1
    both = np.asarray((held.T @ held).todense(), "float64")
    np.fill_diagonal(both, 0)
    return both


def ppmi(together: Floats, margin: Floats | None = None) -> Floats:
    """How much more often than by chance, as logarithms, and 0 where it is not more often.

    Parameters
    ----------
    together : numpy.ndarray
        Counts of pairs, shape (k, n) or (n, n).
    margin : numpy.ndarray, optional
        The counts of each column in all rows, shape (n,), if `together` has some rows only.
    """
    columns = together.sum(axis=0) if margin is None else margin
    rows = together.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = np.log(together * columns.sum() / (rows * columns))
    return np.asarray(np.where(together > 0, np.maximum(lift, 0), 0))


def largest(matrix: Floats, size: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Vectors whose dot products come near a symmetric matrix, and its largest eigenvalues."""
    random = np.random.default_rng(seed)
    small = matrix.astype("float32")
    guess = random.normal(size=(len(small), min(size + 16, len(small)))).astype("float32")
    for _ in range(3):
        guess, _ = np.linalg.qr(small @ guess)
    values, turned = np.linalg.eigh(guess.T @ small @ guess)
    best = np.argsort(-values)[:size]
    values = np.maximum(values[best], 0).astype("float64")
    return np.asarray((guess @ turned[:, best]) * np.sqrt(values)), values
