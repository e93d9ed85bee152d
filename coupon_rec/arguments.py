"""Checks of arguments that several rooms share: what is wrong, where, and how to fix it."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
MAX_ID = 2**53 - 1
"""The largest number that every reader of JSON keeps exact."""
MOST_NAMES = 10
"""That a message lists."""


def numbers(name: str, values: ArrayLike, size: int | None = None) -> Floats:
    """Finite numbers, as an array of one dimension."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers: {error}") from None
    if array.ndim != 1 or size not in (None, array.size):
        wanted = "(n,)" if size is None else f"({size},)"
        raise ValueError(f"{name} must have shape {wanted}, not {array.shape}")
    require(name, array, np.isfinite(array), "finite")
    return array


def probabilities(name: str, values: ArrayLike, size: int | None = None) -> Floats:
    """Numbers in [0, 1], as an array of one dimension."""
    p = numbers(name, values, size)
    require(name, p, (p >= 0) & (p <= 1), "in [0, 1]")
    return p


def require(name: str, values: ArrayLike, good: Mask, wanted: str) -> None:
    """Raise a ValueError that counts the values that are not good and shows the first of them."""
    bad = np.flatnonzero(~good)
    if bad.size:
        shown = ", ".join(f"{np.ravel(values)[row]} at position {row}" for row in bad[:5])
        count = f"{bad.size:,} of {good.size:,}"
        raise ValueError(f"{name} must be {wanted}, but {count} values are not: {shown}")


def keys_of(given: str, what: str) -> list[str]:
    """Split keys that are separated by commas, without the blanks around them.

    Parameters
    ----------
    given : str
        As a setting has them; empty if there are none.
    what : str
        Begins the message, such as "a pseudonym key".

    Raises
    ------
    ValueError
        If it is not empty and yet holds no key: that would leave open what was to be closed.

    Examples
    --------
    >>> keys_of("new, old", "a key"), keys_of("", "a key")
    (['new', 'old'], [])
    """
    keys = [key for key in map(str.strip, given.split(",")) if key]
    if given and not keys:
        raise ValueError(f"{what} is set that has no letters: set one that has, or none")
    return keys


def require_columns(offers: pd.DataFrame, columns: Iterable[str], called: str = "offers") -> None:
    """Raise a ValueError that names the columns that offers, or others, lack.

    Examples
    --------
    >>> require_columns(pd.DataFrame({"user_id": [1]}), ["user_id", "redeemed"])
    Traceback (most recent call last):
    ...
    ValueError: offers lack the columns ['redeemed']; they have ['user_id']. Add them, or take \
offers from features.offers_frame, whose market has those of your own
    """
    lacking = [column for column in dict.fromkeys(columns) if column not in offers.columns]
    if lacking:
        own = ", or take offers from features.offers_frame, whose market has those of your own"
        raise ValueError(
            f"{called} lack the columns {_first(lacking)}; they have "
            f"{_first(offers.columns.tolist())}. Add them{own if called == 'offers' else ''}"
        )


def _first(names: Sequence[str]) -> str:
    """List names, the first ten of many."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{list(names[:MOST_NAMES])}{more}"


def require_present(offers: pd.DataFrame, columns: Iterable[str], called: str = "offers") -> None:
    """Raise a ValueError unless offers have these columns, without a missing value."""
    columns = list(columns)
    require_columns(offers, columns, called)
    for column in columns:
        name = f"{called}[{column!r}]"
        require(name, offers[column], offers[column].notna().to_numpy(), "present")


def require_same_kind(name: str, keys: Iterable[Any], ids: Sequence[Any]) -> None:
    """Raise a ValueError if keys are text where ids are numbers, or numbers where ids are text.

    Examples
    --------
    >>> require_same_kind("caps", {"10": 0}, [10, 11])
    Traceback (most recent call last):
    ...
    ValueError: caps has keys such as '10', and ids are such as 10: write one as the other
    """
    kinds = {isinstance(each, str) for each in ids}
    strange = [key for key in keys if isinstance(key, str) not in kinds]
    if kinds and strange:
        raise ValueError(
            f"{name} has keys such as {strange[0]!r}, and ids are such as {ids[0]!r}: write one as "
            "the other"
        )


def require_replaceable(folder: Path, ours: str, source: object) -> None:
    """Raise a ValueError if a folder that is to be written has what must not be lost.

    Parameters
    ----------
    folder : pathlib.Path
        What stands there is deleted.
    ours : str
        Pattern of the names of files that may go.
    source : object
        What is read meanwhile: not looked at unless it is a path.
    """
    for kept in (Path.cwd(), Path(source) if isinstance(source, str | Path) else Path.cwd()):
        if kept.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{folder} would be replaced, with {kept}: name another folder")
    there = [path.name for path in folder.iterdir()] if folder.is_dir() else [folder.name]
    others = sorted(name for name in there if not re.fullmatch(ours, name))
    if folder.exists() and others:
        raise ValueError(
            f"{folder} would be replaced, but holds other things than were written there, such as "
            f"{others[0]}: name another folder, or delete it"
        )


def require_one_order(**arguments: Any) -> None:
    """Raise a ValueError if two of the arguments are pandas objects in different orders.

    Examples
    --------
    >>> offers = pd.DataFrame({"user_id": [1, 2]})
    >>> require_one_order(offers=offers, p=pd.Series([0.1, 0.2], index=[1, 0]))
    Traceback (most recent call last):
    ...
    ValueError: p and offers have different indexes: put p in the order of offers and pass \
p.to_numpy()
    """
    indexed = {
        name: values
        for name, values in arguments.items()
        if isinstance(values, pd.Series | pd.DataFrame)
    }
    first = next(iter(indexed), "")
    for name, values in indexed.items():
        if not values.index.equals(indexed[first].index):
            raise ValueError(
                f"{name} and {first} have different indexes: put {name} in the order of {first} "
                f"and pass {name}.to_numpy()"
            )
