"""Items for one coupon: what is bought together beyond chance, and which pairs the stock allows."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import milp
from scipy.sparse import coo_array, csr_array, diags_array, eye_array, hstack, triu

from coupon_rec.arguments import require_present, require_same_kind
from coupon_rec.decisions.exact import _without_solver_lines

PRIOR = 5.0
"""Baskets by chance that are added to both sides of a lift: it pulls what is rare toward 1."""
BLOCK = 2_000
"""Pairs whose baskets by chance are computed at a time."""


def item_pairs(
    purchases: pd.DataFrame, *, min_baskets: int = 20, min_users: int = 5
) -> pd.DataFrame:
    """List pairs of items with the number of their common baskets, and how many chance would make.

    Chance means: each user brings home what they did, in baskets as large as they were, and only
    which item lies in which of the user's own baskets is drawn anew. So two items that one user
    buys every week do not belong together because of that.

    Parameters
    ----------
    purchases : pandas.DataFrame
        Lines of receipts, with user_id, basket_id and item_id.
    min_baskets, min_users : int
        Pairs with fewer common baskets, or of fewer users who have one, are left out.

    Returns
    -------
    pandas.DataFrame
        One row a pair, the largest lift first: item_a, item_b, `users` and `baskets` (with both),
        `by_chance` (baskets expected), and `lift`, (baskets + 5) / (by_chance + 5).

    Raises
    ------
    ValueError
        If a column is missing or lacks a value.

    Examples
    --------
    Ada always takes tea and jam together, though she might take them apart:

    >>> lines = [(1, "tea"), (1, "jam"), (2, "milk"), (2, "egg"), (3, "tea"), (3, "jam")]
    >>> purchases = pd.DataFrame(lines, columns=["basket_id", "item_id"]).assign(user_id="ada")
    >>> item_pairs(purchases, min_baskets=2, min_users=1).round(2)
      item_a item_b  users  baskets  by_chance  lift
    0    jam    tea      1        2        0.8  1.21

    Notes
    -----
    Of a user with n_i and n_j lines of two items, and baskets of s lines, chance makes
    n_i n_j sum(s (s - 1)) / (S (S - 1)) common ones, S = sum(s): equation `eq-by-chance`.
    """
    require_present(purchases, ["user_id", "basket_id", "item_id"], "purchases")
    lines = purchases[["user_id", "basket_id", "item_id"]].drop_duplicates()
    user = pd.factorize(lines["user_id"])[0]
    item, items = pd.factorize(lines["item_id"], sort=True)
    basket = lines.groupby(["user_id", "basket_id"], sort=False).ngroup().to_numpy()
    often = np.bincount(item) >= min_baskets
    kept = often[item]
    column, names = np.cumsum(often)[item[kept]] - 1, items[often]

    def matrix(row: NDArray[np.intp]) -> csr_array:
        """Lines of each item by basket, or by user."""
        shape = (row.max(initial=-1) + 1, len(names))
        return csr_array((np.ones(len(column)), (row[kept], column)), shape)

    in_basket = matrix(basket)
    common = triu(in_basket.T @ in_basket, 1).tocoo()
    enough = common.data >= min_baskets
    a, b = (place[enough] for place in common.coords)
    size, owner = np.bincount(basket), np.zeros(basket.max(initial=-1) + 1, int)
    owner[basket] = user
    total = np.bincount(user)
    meet = np.bincount(owner, size * (size - 1)) / np.maximum(total * (total - 1), 1)
    mine = csr_array((np.ones(len(size)), (owner, np.arange(len(size)))), (len(total), len(size)))
    in_basket, counts = in_basket.tocsc(), matrix(user).tocsc()
    weighted = (diags_array(meet) @ counts).tocsc()
    by_chance, users = np.empty(len(a)), np.empty(len(a), int)
    for first in range(0, len(a), BLOCK):
        some = slice(first, first + BLOCK)
        by_chance[some] = counts[:, a[some]].multiply(weighted[:, b[some]]).sum(axis=0)
        both = in_basket[:, a[some]].multiply(in_basket[:, b[some]])
        users[some] = (mine @ both > 0).sum(axis=0)
    baskets = common.data[enough]
    pairs = pd.DataFrame(
        {
            "item_a": names.take(a),
            "item_b": names.take(b),
            "users": users,
            "baskets": baskets.astype(int),
            "by_chance": by_chance,
            "lift": (baskets + PRIOR) / (by_chance + PRIOR),
        }
    )
    return pairs[users >= min_users].sort_values(
        ["lift", "item_a", "item_b"], ascending=[False, True, True], ignore_index=True
    )


def choose_bundles(
    bundles: pd.DataFrame, stock: Mapping[int | str, float], *, most: int | None = None
) -> pd.DataFrame:
    """Choose how many copies of each bundle to hand out, so that they are worth most together.

    Parameters
    ----------
    bundles : pandas.DataFrame
        One row a bundle of two items: item_a, item_b, `value` (in currency, of one copy that is
        redeemed) and `demand` (most copies that will be).
    stock : mapping of int or str to float
        Units of each item that bundles may take; infinity for an item without an entry.
    most : int, optional
        Most different bundles; by default, as many as there are.

    Returns
    -------
    pandas.DataFrame
        `bundles` with a column `copies`, in their order: 0 for those that are left out. No item
        is promised more often than it is in stock.

    Raises
    ------
    ValueError
        If a column is missing or lacks a value, a stock is negative, or `stock` names items as text
        that are numbers, or the other way around.

    Examples
    --------
    With one of each left, the dearest bundle first would earn 0.5:

    >>> pairs = [("bun", "sausage", 0.3), ("sausage", "mustard", 0.5), ("mustard", "pretzel", 0.3)]
    >>> bundles = pd.DataFrame(pairs, columns=["item_a", "item_b", "value"]).assign(demand=10)
    >>> left = dict.fromkeys(["bun", "sausage", "mustard", "pretzel"], 1)
    >>> choose_bundles(bundles, left)["copies"].tolist()
    [1, 0, 1]

    Notes
    -----
    max sum(v y) with, for each item, sum(y) over its bundles <= stock, y <= demand z, sum(z) <=
    most, y whole and z 0 or 1: equation `eq-bundles`, solved by HiGHS.
    """
    require_present(bundles, ["item_a", "item_b", "value", "demand"], "bundles")
    negative = [item for item, units in stock.items() if units < 0]
    if negative:
        raise ValueError(f"the stock of {negative[:5]} is negative; 0 is the least")
    item, names = pd.factorize(bundles[["item_a", "item_b"]].to_numpy().ravel())
    require_same_kind("stock", stock, names.tolist())
    item, units = item.reshape(-1, 2), np.floor([stock.get(name, np.inf) for name in names])
    value, demand = (bundles[name].to_numpy("float64") for name in ("value", "demand"))
    highest = np.minimum(np.floor(demand), units[item].min(axis=1))
    worth = np.flatnonzero((value > 0) & (highest > 0))
    copies, n = np.zeros(len(bundles), int), len(worth)
    if n:
        places = item[worth].ravel(), np.arange(2 * n) // 2
        uses = coo_array((np.ones(2 * n), places), (len(names), n))
        limits = [
            (hstack([uses, coo_array(uses.shape)]), units),
            (hstack([eye_array(n), diags_array(-highest[worth])]), np.zeros(n)),
            (coo_array(np.repeat([[0.0, 1.0]], n, axis=1)), [n if most is None else most]),
        ]
        with _without_solver_lines():
            solution = milp(
                -np.append(value[worth], np.zeros(n)),
                integrality=np.ones(2 * n),
                bounds=(0, np.append(highest[worth], np.ones(n))),
                constraints=[(matrix, -np.inf, ends) for matrix, ends in limits],
                options={"mip_rel_gap": 0},
            )
        copies[worth] = solution.x[:n].round()
    return bundles.assign(copies=copies)
