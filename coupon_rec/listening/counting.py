"""Counts of opinions by hour, and what an hour of the week usually brings."""

import pandas as pd

from coupon_rec.arguments import require_present

HOURS = 168
"""Of a week; hour 0 begins when Monday does."""


def by_hour(opinions: pd.DataFrame) -> pd.DataFrame:
    """Count opinions, and the negative ones among them, in every hour from the first to the last.

    Parameters
    ----------
    opinions : pandas.DataFrame
        `time` (timestamps) and `negative` (0 or 1); one row an opinion.

    Returns
    -------
    pandas.DataFrame
        `opinions` and `negatives`, a row for each hour, indexed by its beginning.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-11-02 09:10", "2026-11-02 09:50", "2026-11-02 11:05"])
    >>> by_hour(pd.DataFrame({"time": times, "negative": [1, 0, 0]}))["opinions"].tolist()
    [2, 0, 1]
    """
    require_present(opinions, ["time", "negative"], "opinions")
    if opinions.empty:
        raise ValueError("there are no opinions to count")
    hours = opinions["negative"].groupby(opinions["time"].dt.floor("h")).agg(["size", "sum"])
    every = pd.date_range(hours.index[0], hours.index[-1], freq="h")
    counted = hours.reindex(every, fill_value=0).astype(int)
    return counted.set_axis(["opinions", "negatives"], axis=1)


def hour_of_week(hours: pd.DatetimeIndex) -> pd.Index:
    """Number the hours of a week, from 0 (Monday, 0:00) to 167: shape (n,).

    Examples
    --------
    >>> hour_of_week(pd.DatetimeIndex(["2026-11-02 09:00", "2026-11-08 23:00"])).tolist()
    [9, 167]
    """
    return hours.day_of_week * 24 + hours.hour


def usual_week(counts: pd.Series) -> pd.Series:
    """Average counts over the weeks, for each hour of the week.

    Parameters
    ----------
    counts : pandas.Series
        One number an hour, indexed by its beginning; a week or more.

    Returns
    -------
    pandas.Series
        Shape (168,), indexed by `hour_of_week`.

    Raises
    ------
    ValueError
        If an hour of the week never occurs.

    Examples
    --------
    >>> hours = pd.date_range("2026-11-02", periods=2 * 168, freq="h")
    >>> float(usual_week(pd.Series(range(336), hours)).loc[0])
    84.0
    """
    hours = pd.DatetimeIndex(counts.index)
    usual = counts.groupby(hour_of_week(hours)).mean()
    if len(usual) < HOURS:
        raise ValueError(
            f"the counts cover {len(usual)} of the {HOURS} hours of a week: take a week or more"
        )
    return usual
