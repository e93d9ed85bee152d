"""The checkers of chapter 2 pass right answers and meet each wrong one with its hint."""

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
    ("answer", "hint"),
    [(set(), "third line"), ({13, 14, 15}, "[13]"), ({16}, "[16]"), ([14], "another")],
)
def test_campaigns_that_do_not_overlap_get_a_hint(answer: set[int], hint: str) -> None:
    assert hint in str(check.exercise_1(answer))


@pytest.mark.parametrize(
    ("answer", "hint"), [(0.0, "share"), (87.5, "share"), (0.759, "clock"), (0.9, "once")]
)
def test_a_wrong_share_of_the_very_day_gets_a_hint(answer: float, hint: str) -> None:
    assert hint in str(check.exercise_2(answer))


def test_a_rule_that_misses_or_accuses_gets_a_hint() -> None:
    assert "columns" in str(check.exercise_3(lambda redemptions, campaigns: None))
    assert "first and the last" in str(check.exercise_3(strictly_outside))
    assert "unnoticed" in str(check.exercise_3(lambda redemptions, _: redemptions.head(0)))
    assert "its own campaign" in str(check.exercise_3(outside_of_all))
    twice = check.exercise_3(lambda *tables: pd.concat([outside(*tables)] * 2))
    assert "twice" in str(twice)


@pytest.mark.parametrize(
    ("answer", "hint"), [(0.00226, "pool"), (0.4656, "mailing"), (0.5, "coupons sent")]
)
def test_a_wrong_rate_of_type_a_gets_a_hint(answer: float, hint: str) -> None:
    assert hint in str(check.exercise_4(answer))


def test_a_cleaning_step_that_loses_keeps_or_miscounts_gets_a_hint() -> None:
    assert "two things" in str(check.exercise_5(lambda *tables: drop(*tables)[0]))
    assert "as it was" in str(check.exercise_5(drop_in_place))
    merged = check.exercise_5(lambda offers, *_: (offers.assign(start=0), 3))
    assert "columns" in str(merged)
    assert "starts with the data" in str(check.exercise_5(drop_early_only))
    assert "every offer" in str(check.exercise_5(lambda offers, *_: (offers.tail(1), 5)))
    assert "count" in str(check.exercise_5(lambda *tables: (drop(*tables)[0], 1)))
