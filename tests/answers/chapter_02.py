"""Answers to the exercises of chapter 2, The data."""

from typing import Any

import numpy as np
import pandas as pd

Offers, Campaigns = pd.DataFrame, pd.DataFrame


def outside(redemptions: pd.DataFrame, campaigns: pd.DataFrame) -> pd.DataFrame:
    """Solve exercise 3."""
    dated = redemptions.merge(campaigns, on="campaign_id")
    valid = dated["date"].between(dated["start"], dated["end"])
    return dated.loc[~valid, redemptions.columns]


def strictly_outside(redemptions: pd.DataFrame, campaigns: pd.DataFrame) -> pd.DataFrame:
    """Refuse the first and the last day too."""
    dated = redemptions.merge(campaigns, on="campaign_id")
    valid = dated["date"].between(dated["start"], dated["end"], inclusive="neither")
    return dated[~valid]


def outside_of_all(redemptions: pd.DataFrame, campaigns: pd.DataFrame) -> pd.DataFrame:
    """Forget which campaign a redemption belongs to."""
    dated = redemptions.merge(campaigns, how="cross")
    dated["valid"] = dated["date"].between(dated["start"], dated["end"])
    return redemptions[~dated.groupby("user_id")["valid"].any()]


def drop(offers: Offers, campaigns: Campaigns, first_day: pd.Timestamp) -> tuple[pd.DataFrame, int]:
    """Solve exercise 5."""
    late = campaigns.loc[campaigns["start"] > first_day, "campaign_id"]
    kept = offers[offers["campaign_id"].isin(late)]
    return kept, len(offers) - len(kept)


def drop_early_only(
    offers: Offers, campaigns: Campaigns, first_day: pd.Timestamp
) -> tuple[pd.DataFrame, int]:
    """Keep a campaign that starts on the first day."""
    return drop(offers, campaigns, first_day - pd.Timedelta(days=1))


RIGHT: list[tuple[int, Any]] = [
    (1, {14, 15}),
    (2, 0.8747),
    (3, outside),
    (4, 0.0291),
    (5, drop),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "another", [14]),
    (1, "is another", 14),
    (1, "numbers,", "both"),
    (1, "campaigns' numbers,", [14, np.nan]),
    (1, "the campaigns' numbers,", pd.DataFrame({"start": pd.to_datetime(["2017-09-04"])})),
    (2, "clock", 0.759),
    (2, "once", 0.9),
    (3, "first and the last", strictly_outside),
    (3, "unnoticed", lambda redemptions, _: redemptions.head(0)),
    (3, "its own campaign", outside_of_all),
    (3, "twice", lambda *tables: pd.concat([outside(*tables)] * 2)),
    (3, "mask", lambda redemptions, _: redemptions["date"] > "2017-03-31"),
    (3, "obey", lambda redemptions, _: redemptions[redemptions["user_id"].isin([1, 2, 4])]),
    (4, "pool", 0.00226),
    (4, "mailing", 0.4656),
    (4, "percent", 2.91),
    (5, "columns", lambda offers, *_: (offers.assign(start=0), 3)),
    (5, "starts with the data", drop_early_only),
    (5, "every offer", lambda offers, *_: (offers.tail(1), 5)),
    (5, "count", lambda *tables: (drop(*tables)[0], 1)),
]
