"""A split goes by time: no label is used before it was known, and no part is empty."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book import SPLIT
from coupon_rec.features import Split, split


def offers_of(campaigns: list[tuple[str, int]]) -> pd.DataFrame:
    """Two offers of each campaign, given by its first day and its length in days."""
    start = pd.to_datetime([day for day, _ in campaigns])
    table = pd.DataFrame(
        {
            "campaign_id": range(1, len(campaigns) + 1),
            "start": start,
            "coupon_days": np.array([days for _, days in campaigns], "float32"),
        }
    )
    return pd.concat([table, table], ignore_index=True)


def ids(parts: Split) -> list[list[int]]:
    return [sorted(set(part["campaign_id"])) for part in parts]


def test_dates_split_offers_by_the_first_day_of_the_campaign() -> None:
    days = ["2017-01-14", "2017-01-15", "2017-08-31", "2017-09-01", "2017-09-30", "2017-10-01"]
    offers = pd.DataFrame({"start": [date.fromisoformat(day) for day in days]})
    parts = split(offers, *SPLIT)
    assert [list(part.index) for part in parts] == [[1, 2], [3, 4], [5]]
    assert list(split(offers, None, *SPLIT[1:]).train.index) == [0, 1, 2]


def test_a_split_holds_whatever_the_index_of_the_offers_is() -> None:
    offers = offers_of([(f"2024-{month:02}-01", 28) for month in range(1, 11)])
    expected = ids(split(offers))
    assert ids(split(offers.set_index(np.zeros(len(offers))))) == expected
    assert ids(split(offers.sample(frac=1, random_state=0))) == expected


def test_what_split_needs_and_does_not_have_is_named() -> None:
    offers = offers_of([("2024-01-01", 28)])
    with pytest.raises(ValueError, match=r"lack the columns \['start'\]"):
        split(offers.drop(columns="start"), *SPLIT)
    with pytest.raises(ValueError, match=r"lack the columns \['campaign_id', 'coupon_days'\]"):
        split(offers[["start"]])
    with pytest.raises(ValueError, match="give both validate_from and test_from, or neither"):
        split(offers, None, "2024-01-01")
    with pytest.raises(ValueError, match="test_from is '01/02/2024': write it as 2025-02-01"):
        split(offers, None, "2024-01-01", "01/02/2024")
    with pytest.raises(ValueError, match="there are no offers to split"):
        split(offers.head(0))


def test_without_dates_a_campaign_that_was_not_over_is_left_out() -> None:
    months = [(f"2024-{month:02}-01", 28) for month in range(1, 11)]
    long = [("2024-06-15", 60), ("2024-07-20", 30)]
    assert ids(split(offers_of(months))) == [[1, 2, 3, 4, 5, 6, 7], [8], [9, 10]]
    assert ids(split(offers_of([*months, *long]))) == [[1, 2, 3, 4, 5, 6], [8, 12], [9, 10]]
