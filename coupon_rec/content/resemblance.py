"""How much of what a user has bought resembles what a coupon is for."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from coupon_rec.arguments import Floats, require, require_columns, require_present

Vectors: TypeAlias = pd.DataFrame | Callable[[pd.Timestamp], pd.DataFrame]


def cosines(rows: ArrayLike, columns: ArrayLike) -> Floats:
    """The cosine of each row of one array with each row of another; 0 for a row of zeros.

    Examples
    --------
    >>> cosines([[3.0, 4.0], [0.0, 0.0]], [[1.0, 0.0]]).tolist()
    [[0.6], [0.0]]
    """
    return np.asarray(_unit(np.asarray(rows, "float64")) @ _unit(np.asarray(columns, "float64")).T)


def resembling(
    offers: pd.DataFrame,
    purchases: pd.DataFrame,
    coupon_items: pd.DataFrame,
    kinds: pd.Series,
    vectors: Vectors,
    *,
    power: float = 8,
    own_items: bool = False,
) -> Floats:
    r"""Count the user's past purchases, each by how much it resembles the coupon's items.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows with `campaign_id`, `user_id`, `coupon_id` and `start`, one in each campaign.
    purchases : pandas.DataFrame
        `user_id`, `item_id`, `time`; only those before the start of a campaign count.
    coupon_items : pandas.DataFrame
        `campaign_id`, `coupon_id`, `item_id`.
    kinds : pandas.Series
        The kind of each item, such as its text, indexed by item_id.
    vectors : pandas.DataFrame or callable
        A vector for each kind, indexed by kind. If they are learned from purchases, a function
        from the first day of a campaign to those that could be known then. A kind without a
        vector resembles nothing.
    power : float
        What a cosine is raised to, above 0: at 8, one of 0.7 counts 0.06, and 1 counts 1.
    own_items : bool
        Whether purchases of the coupon's own items count. By default they do not, as if the
        coupon's items were new.

    Returns
    -------
    numpy.ndarray
        log(1 + count) of each offer, shape (n,).

    Raises
    ------
    ValueError
        If a column or a kind is missing, a campaign has two starts, or `power` is not above 0.

    Notes
    -----
    Equation `eq-resembling`.

    Examples
    --------
    >>> offers = pd.DataFrame({"campaign_id": [1], "user_id": [7], "coupon_id": [3]})
    >>> offers["start"] = pd.Timestamp("2017-05-01")
    >>> bought = pd.DataFrame({"user_id": [7, 7], "item_id": [10, 11]})
    >>> bought["time"] = pd.Timestamp("2017-04-01")
    >>> covers = pd.DataFrame({"campaign_id": [1], "coupon_id": [3], "item_id": [12]})
    >>> kinds = pd.Series({10: "oats", 11: "ink", 12: "bran"})
    >>> vectors = pd.DataFrame([[1.0, 0.1], [0.0, 1.0], [1.0, 0.0]], ["oats", "ink", "bran"])
    >>> resembling(offers, bought, covers, kinds, vectors).round(2)
    array([0.67])
    """
    require_present(offers, ["campaign_id", "user_id", "coupon_id", "start"])
    require_columns(purchases, ["user_id", "item_id", "time"], "purchases")
    require_columns(coupon_items, ["campaign_id", "coupon_id", "item_id"], "coupon_items")
    if not power > 0:
        raise ValueError(f"power must be above 0, not {power}")
    require("kinds", kinds, kinds.notna().to_numpy(), "present")
    first = offers.groupby("campaign_id")["start"].transform("first")
    alike = (offers["start"] == first).to_numpy()
    require("offers['start']", offers["start"], alike, "the same for all offers of a campaign")
    ids = pd.Index(kinds.index)
    kind, names = pd.factorize(kinds)
    of_kind = sparse.csr_matrix((np.ones(len(kind)), (np.arange(len(kind)), kind)))
    resemblance = np.zeros(len(offers))
    for campaign, rows in offers.reset_index(drop=True).groupby("campaign_id"):
        start = rows["start"].iloc[0]
        table = vectors if isinstance(vectors, pd.DataFrame) else vectors(start)
        unit = _unit(table.reindex(names).fillna(0.0).to_numpy("float64"))
        users, coupons = pd.Index(rows["user_id"].unique()), pd.Index(rows["coupon_id"].unique())
        past = purchases[(purchases["time"] < start) & purchases["user_id"].isin(users)]
        covers = coupon_items[coupon_items["campaign_id"] == campaign]
        held = _counts(users, past["user_id"], ids, past["item_id"]).tocsc()
        lists = _counts(coupons, covers["coupon_id"], ids, covers["item_id"]).tocsc()
        bought = np.flatnonzero(np.diff(held.indptr))
        of_coupons = _unit(np.asarray((lists @ of_kind) @ unit))
        like = (np.maximum(unit @ of_coupons.T, 0) ** power)[kind[bought]]
        if not own_items:
            like[(lists[:, bought] > 0).toarray().T] = 0
        count = np.asarray(held[:, bought] @ like)
        places = users.get_indexer(rows["user_id"]), coupons.get_indexer(rows["coupon_id"])
        resemblance[rows.index] = np.log1p(count[places])
    return resemblance


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12))


def _counts(
    rows: pd.Index, row: pd.Series, columns: pd.Index, column: pd.Series
) -> sparse.csr_matrix:
    """How often each row meets each column; pairs with an unknown id are left out."""
    i, j = rows.get_indexer(row), columns.get_indexer(column)
    both = (i >= 0) & (j >= 0)
    ones = np.ones(both.sum(), "float32")
    return sparse.csr_matrix((ones, (i[both], j[both])), shape=(len(rows), len(columns)))
