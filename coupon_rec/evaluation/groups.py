"""What groups of users get and are promised, side by side, with intervals over users and coupons.

The values decide which fairness is meant: who is sent a coupon (demographic parity), who is sent
one among those who redeem (equal opportunity), or what came for each promise (calibration within
groups).
"""

from collections.abc import Hashable, Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import numbers, require, require_one_order
from coupon_rec.evaluation.arrays import checked_p, numbered
from coupon_rec.evaluation.bootstrap import Resampling, from_sums


def group_means(
    values: ArrayLike,
    group: ArrayLike,
    users: ArrayLike,
    coupons: ArrayLike | None = None,
    *,
    among: ArrayLike | None = None,
    **options: Unpack[Resampling],
) -> pd.DataFrame:
    """Mean of a value in each group, such as the share that is sent a coupon.

    Parameters
    ----------
    values
        One number a row, shape (n,): 0 or 1 for a rate, currency for money.
    group
        Group of each row, shape (n,), none of them missing: name those of whom nothing is known.
    users
        Whose row it is, shape (n,).
    coupons
        A second cluster, such as the coupon of the row, shape (n,); for money and redemptions,
        since users of several groups are sent the same coupons.
    among
        True for the rows that count, shape (n,); all if left out. With the rows that redeem, the
        mean of `sent` is the rate of equal opportunity.
    **options
        `confidence`, `replicates` and `seed`, as for `evaluate`.

    Returns
    -------
    pandas.DataFrame
        One row a group, in order: `rows`, `users` (how many), value, low, high.

    Raises
    ------
    ValueError
        If the arguments differ in shape or in their index, something is missing, or no row
        counts.

    Examples
    --------
    >>> group_means([1, 0, 1, 1], ["a", "a", "b", "b"], users=[1, 2, 3, 3])[["users", "value"]]
           users  value
    group
    a          2    0.5
    b          1    1.0
    """
    rows = _rows({"values": values}, group, users, coupons, among)
    return _each(rows.assign(one=1.0), ["values", "one"], options)


def group_gap(
    values: ArrayLike,
    group: ArrayLike,
    users: ArrayLike,
    coupons: ArrayLike | None = None,
    *,
    between: tuple[Hashable, Hashable],
    among: ArrayLike | None = None,
    **options: Unpack[Resampling],
) -> pd.Series:
    """Mean of a value in one group less that in another, with the interval of the difference.

    Parameters
    ----------
    between
        The two groups, chosen before one looks. The largest of many differences is large by chance
        too, and its interval does not know that.
    values, group, users, coupons, among, **options
        As for `group_means`, and so are the errors.

    Returns
    -------
    pandas.Series
        value, low and high.

    Examples
    --------
    >>> sent, group, users = [1, 0, 1, 1], ["a", "a", "b", "b"], [1, 2, 3, 4]
    >>> group_gap(sent, group, users, between=("b", "a"))["value"].item()
    0.5
    """
    rows = _rows({"values": values}, group, users, coupons, among)
    for name in between:
        if not (rows["group"] == name).any():
            groups = sorted(rows["group"].unique(), key=str)
            raise ValueError(f"no row counts of group {name!r}; there are {groups}")
    sums = pd.DataFrame()
    for side, name in zip("ab", between, strict=True):
        mine = (rows["group"] == name).astype(float)
        sums[side], sums[f"{side} rows"] = rows["values"] * mine, mine
    return from_sums(
        sums,
        rows["users"],
        lambda sums: sums["a"] / sums["a rows"] - sums["b"] / sums["b rows"],
        rows.get("coupons"),
        **options,
    )


def group_calibration(
    y: ArrayLike,
    p: ArrayLike,
    group: ArrayLike,
    users: ArrayLike,
    coupons: ArrayLike | None = None,
    **options: Unpack[Resampling],
) -> pd.DataFrame:
    """What came for each thing promised, in each group: 1 where promises are kept.

    Parameters
    ----------
    y
        Labels, 0 or 1, shape (n,).
    p
        Probabilities, shape (n,), in [0, 1].
    group, users, coupons, **options
        As for `group_means`, and so are the errors.

    Returns
    -------
    pandas.DataFrame
        One row a group: `rows`, `users`, value (sum of y over sum of p), low, high.

    Examples
    --------
    >>> group_calibration([1, 0, 1, 0], [0.5, 0.5, 0.2, 0.2], [*"aabb"], [1, 2, 3, 4])["value"]
    group
    a    1.0
    b    2.5
    Name: value, dtype: float64
    """
    checked_p(y, p)
    rows = _rows({"y": y, "p": p}, group, users, coupons, None)
    return _each(rows, ["y", "p"], options)


def agreement(
    choices: Sequence[ArrayLike] | NDArray[Any],
    users: ArrayLike,
    **options: Unpack[Resampling],
) -> pd.Series:
    """How often two of several models make the same choice for a list, over all pairs of them.

    Parameters
    ----------
    choices
        What each model chooses for each list, such as a coupon, or -1 for none: two models or
        more, each of shape (n,). Models that differ only in their seed show what is arbitrary.
    users
        Whose list it is, shape (n,).
    **options
        `confidence`, `replicates` and `seed`, as for `evaluate`. The interval is over users; the
        models are taken as they are.

    Returns
    -------
    pandas.Series
        value, low and high, in [0, 1].

    Raises
    ------
    ValueError
        If there are fewer than two models, the shapes or indexes differ, or a choice is missing.

    Examples
    --------
    >>> agreement([[7, 8, -1], [7, 9, -1]], users=[1, 2, 3]).round(2)["value"].item()
    0.67
    """
    require_one_order(**{f"choices[{i}]": each for i, each in enumerate(choices)}, users=users)
    table = np.array([np.asarray(each) for each in choices])
    if table.ndim != 2 or len(table) < 2:
        raise ValueError(
            f"choices must be one list a model, two or more of one length, not {table.shape}"
        )
    for i, each in enumerate(table):
        require(f"choices[{i}]", each, pd.notna(each), "present (-1 for none)")
    first, second = np.triu_indices(len(table), 1)
    same = (table[first] == table[second]).mean(axis=0)
    return from_sums(
        pd.DataFrame({"same": same, "lists": 1.0}),
        users,
        lambda sums: sums["same"] / sums["lists"],
        **options,
    )


def _rows(
    columns: dict[str, ArrayLike],
    group: ArrayLike,
    users: ArrayLike,
    coupons: ArrayLike | None,
    among: ArrayLike | None,
) -> pd.DataFrame:
    """Put the arguments beside each other, checked, and keep the rows that count."""
    require_one_order(**columns, group=group, users=users, coupons=coupons, among=among)
    checked = {name: numbers(name, values) for name, values in columns.items()}
    size = len(next(iter(checked.values())))
    labels = np.asarray(group)
    numbered("group", labels, size)
    kept = np.full(size, True) if among is None else np.asarray(among)
    if kept.shape != (size,) or not np.isin(kept, [0, 1]).all():
        raise ValueError(f"among must be True or False for each of {size} rows, not {kept.shape}")
    if not kept.any():
        raise ValueError("no row counts: pass one or more, of which among, if given, is True")
    rows = pd.DataFrame({**checked, "group": labels, "users": np.asarray(users)})
    if coupons is not None:
        rows["coupons"] = np.asarray(coupons)
    return rows[kept.astype(bool)]


def _each(rows: pd.DataFrame, ratio: list[str], options: Resampling) -> pd.DataFrame:
    """The ratio of two sums in each group, with its interval."""
    require("users", rows["users"], rows["users"].notna().to_numpy(), "present")
    top, bottom = ratio
    means = {
        name: {
            "rows": len(mine),
            "users": mine["users"].nunique(),
            **from_sums(
                mine[ratio],
                mine["users"],
                lambda sums: sums[top] / sums[bottom],
                mine.get("coupons"),
                **options,
            ),
        }
        for name, mine in rows.groupby("group")
    }
    table = pd.DataFrame(means).T.rename_axis("group")
    return table.astype({"rows": int, "users": int})
