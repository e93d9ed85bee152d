"""The checkers of chapter 2 pass right answers and meet each wrong one with its hint."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book.check import chapter_02 as check

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


def test_right_answers_pass() -> None:
    assert check.exercise_1({14, 15})
    assert check.exercise_2(0.8747)
    assert check.exercise_3(outside)
    assert check.exercise_4(0.0291)
    assert check.exercise_5(drop)


@pytest.mark.parametrize(
    "answer",
    [[14, 15], (15, 14), np.array([14, 15]), pd.Series([15, 14]), pd.Index([14.0, 15.0]), "14, 15"],
    ids=lambda answer: type(answer).__name__,
)
def test_the_campaigns_may_come_in_any_collection(answer: Any) -> None:
    assert check.exercise_1(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (set(), "third line"),
        ({13, 14, 15}, "[13]"),
        ({16}, "[16]"),
        ([14], "another"),
        (14, "another"),
        (None, "numbers"),
        ("both", "numbers"),
        ([14, np.nan], "numbers"),
        (pd.DataFrame({"start": pd.to_datetime(["2017-09-04"])}), "numbers"),
    ],
)
def test_campaigns_that_do_not_overlap_get_a_hint(answer: Any, hint: str) -> None:
    assert hint in str(check.exercise_1(answer))


def test_a_share_may_come_in_a_series_or_an_array() -> None:
    assert check.exercise_2(pd.Series([0.8747]))
    assert check.exercise_4(np.array(0.0291))


def test_a_table_may_come_in_another_order_and_with_another_index() -> None:
    assert check.exercise_3(lambda *tables: outside(*tables).set_index("user_id")[::-1])
    assert check.exercise_5(lambda *tables: [drop(*tables)[0].iloc[::-1, ::-1], np.array([3])])


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (0.0, "share"),
        (87.5, "share"),
        (0.759, "clock"),
        (0.9, "once"),
        (None, "one number"),
        (np.nan, "one number"),
        (pd.Series([0.5, 0.6]), "one number"),
    ],
)
def test_a_wrong_share_of_the_very_day_gets_a_hint(answer: Any, hint: str) -> None:
    assert hint in str(check.exercise_2(answer))


def test_a_rule_that_misses_or_accuses_gets_a_hint() -> None:
    assert "columns" in str(check.exercise_3(lambda redemptions, campaigns: None))
    assert "first and the last" in str(check.exercise_3(strictly_outside))
    assert "unnoticed" in str(check.exercise_3(lambda redemptions, _: redemptions.head(0)))
    assert "its own campaign" in str(check.exercise_3(outside_of_all))
    twice = check.exercise_3(lambda *tables: pd.concat([outside(*tables)] * 2))
    assert "twice" in str(twice)
    mask = check.exercise_3(lambda redemptions, _: redemptions["date"] > "2017-03-31")
    assert "mask" in str(mask)
    valid = check.exercise_3(
        lambda redemptions, _: redemptions[redemptions["user_id"].isin([1, 2, 4])]
    )
    assert "obey" in str(valid)
    raw = check.exercise_3(lambda redemptions, _: redemptions["redemption_date"])
    assert "KeyError" in str(raw)
    assert "campaign_id, user_id, date" in str(raw)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (0.00226, "pool"),
        (0.4656, "mailing"),
        (2.91, "percent"),
        (0.5, "coupons sent"),
        (pd.Series([0.1, 0.2]), "one number"),
        (None, "one number"),
    ],
)
def test_a_wrong_rate_of_type_a_gets_a_hint(answer: Any, hint: str) -> None:
    assert hint in str(check.exercise_4(answer))


def test_a_cleaning_step_that_loses_keeps_or_miscounts_gets_a_hint() -> None:
    assert "two things" in str(check.exercise_5(lambda *tables: drop(*tables)[0]))
    assert "first of the two" in str(check.exercise_5(lambda *tables: drop(*tables)[::-1]))
    assert "AttributeError" in str(check.exercise_5(lambda offers, *_: offers.campaign))
    assert "count" in str(check.exercise_5(lambda *tables: (drop(*tables)[0], None)))
    assert "as it was" in str(check.exercise_5(drop_in_place))
    merged = check.exercise_5(lambda offers, *_: (offers.assign(start=0), 3))
    assert "columns" in str(merged)
    assert "starts with the data" in str(check.exercise_5(drop_early_only))
    assert "every offer" in str(check.exercise_5(lambda offers, *_: (offers.tail(1), 5)))
    assert "count" in str(check.exercise_5(lambda *tables: (drop(*tables)[0], 1)))
