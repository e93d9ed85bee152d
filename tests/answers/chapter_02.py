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


def drop_in_place(
    offers: Offers, campaigns: Campaigns, first_day: pd.Timestamp
) -> tuple[pd.DataFrame, int]:
    """Change the table that was given."""
    kept, dropped = drop(offers, campaigns, first_day)
    offers["kept"] = offers.index.isin(kept.index)
    return kept, dropped


RIGHT: dict[int, list[Any]] = {
    1: [{14, 15}, [14, 15], (15, 14)],
    2: [0.8747, pd.Series([0.8747])],
    3: [outside],
    4: [0.0291, np.array(0.0291)],
    5: [drop],
}
WRONG: dict[int, dict[str, Any]] = {
    1: {
        "third line": set(),
        "[13]": {13, 14, 15},
        "[16]": {16},
        "another": [14],
        "is another": 14,
        "numbers": None,
        "numbers,": "both",
        "campaigns' numbers,": [14, np.nan],
        "the campaigns' numbers,": pd.DataFrame({"start": pd.to_datetime(["2017-09-04"])}),
    },
    2: {
        "share": 0.0,
        "a share": 87.5,
        "clock": 0.759,
        "once": 0.9,
    },
    3: {
        "first and the last": strictly_outside,
        "unnoticed": lambda redemptions, _: redemptions.head(0),
        "its own campaign": outside_of_all,
        "twice": lambda *tables: pd.concat([outside(*tables)] * 2),
        "mask": lambda redemptions, _: redemptions["date"] > "2017-03-31",
        "obey": lambda redemptions, _: redemptions[redemptions["user_id"].isin([1, 2, 4])],
    },
    4: {
        "pool": 0.00226,
        "mailing": 0.4656,
        "percent": 2.91,
        "coupons sent": 0.5,
    },
    5: {
        "two things": lambda *tables: drop(*tables)[0],
        "as it was": drop_in_place,
        "columns": lambda offers, *_: (offers.assign(start=0), 3),
        "starts with the data": drop_early_only,
        "every offer": lambda offers, *_: (offers.tail(1), 5),
        "count": lambda *tables: (drop(*tables)[0], 1),
    },
}
