"""Split offers by time: what a model learns from, what stops it, what judges it."""

from typing import NamedTuple

import pandas as pd

from coupon_rec.arguments import require_columns

SHARE = 5
"""One in so many campaigns is for the test, and one in so many of the rest for validation."""


class Split(NamedTuple):
    """Offers by the time of their campaigns.

    Attributes
    ----------
    train, validation, test : pandas.DataFrame
        Rows of the offers table; none of them is empty.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def split(
    offers: pd.DataFrame,
    train_from: str | None = None,
    validate_from: str | None = None,
    test_from: str | None = None,
) -> Split:
    """Split offers by the start of their campaign into train, validation and test.

    Parameters
    ----------
    offers : pandas.DataFrame
        With columns `start` and, if no dates are given, `campaign_id` and `coupon_days`.
    train_from, validate_from, test_from : str, optional
        First day of each part; campaigns before `train_from` are left out. Give the last two or
        none. Without them, the last fifth of the campaigns is the test; of the campaigns that had
        ended when it began, the last fifth is for validation; and the training campaigns are
        those that had ended when that began. So every label was known on the day on which it is
        used, and campaigns that were still running are left out.

    Returns
    -------
    Split
        `train, validation, test = split(offers)`.

    Raises
    ------
    ValueError
        If a part has no campaign; it names the dates between which there are some. If there are
        no offers, a column is missing, or a date is not written as 2025-02-01.

    Examples
    --------
    >>> import pandas as pd
    >>> start = pd.to_datetime(["2024-01-01", "2024-03-01", "2024-05-01"])
    >>> offers = pd.DataFrame({"campaign_id": [1, 2, 3], "start": start, "coupon_days": 28})
    >>> [part["campaign_id"].tolist() for part in split(offers)]
    [[1], [2], [3]]
    """
    require_columns(offers, ["start"])
    if offers.empty:
        raise ValueError("there are no offers to split")
    start = pd.to_datetime(offers["start"])
    if validate_from is None and test_from is None:
        require_columns(offers, ["campaign_id", "coupon_days"])
        last_day = start + pd.to_timedelta(offers["coupon_days"].astype("int64") - 1, "D")
        test_day = _last_fifth(offers, start, pd.Series(True, offers.index))
        over = last_day < test_day
        validation_day = _last_fifth(offers, start, over)
        train = last_day < validation_day
        validation = over & (start >= validation_day)
    elif validate_from is None or test_from is None:
        raise ValueError("give both validate_from and test_from, or neither")
    else:
        test_day = _day("test_from", test_from)
        validation_day = _day("validate_from", validate_from)
        train = start < validation_day
        validation = (start >= validation_day) & (start < test_day)
    if train_from is not None:
        train &= start >= _day("train_from", train_from)
    parts = Split(offers[train], offers[validation], offers[start >= test_day])
    for name, part in zip(Split._fields, parts, strict=True):
        if part.empty:
            raise ValueError(
                f"no {name} campaign: the campaigns start from {start.min():%Y-%m-%d} to "
                f"{start.max():%Y-%m-%d}. Choose train_from, validate_from and test_from so that "
                "each part has one; without dates, there must be three campaigns of which each "
                "ends before the next begins"
            )
    return parts


def _day(name: str, given: str) -> pd.Timestamp:
    """The day that is given; 01/02/2025 would be in January to some, in February to others."""
    try:
        return pd.to_datetime(given, format="ISO8601")
    except ValueError:
        raise ValueError(f"{name} is {given!r}: write it as 2025-02-01, year first") from None


def _last_fifth(offers: pd.DataFrame, start: pd.Series, among: pd.Series) -> pd.Timestamp:
    """The first day of the last fifth of some campaigns; the end of time if there is none."""
    days = start[among].groupby(offers.loc[among, "campaign_id"]).min().sort_values()
    return pd.Timestamp.max if days.empty else days.iloc[-max(1, len(days) // SHARE)]
