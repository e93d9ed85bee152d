"""Checkers of the exercises of chapter 2."""

from collections.abc import Callable, Collection
from math import isclose

import pandas as pd

from coupon_rec.check import verdict

STILL_RUNNING = {14, 15}
SAME_DAY, SAME_DAY_BY_UTC = 0.8747, 0.7590
SENT_AND_REDEEMED, POOL_AND_REDEEMED, REDEMPTIONS_PER_MAILING = 0.0291, 0.00226, 0.466


def _near(answer: float, value: float) -> bool:
    return isclose(answer, value, rel_tol=0.005)


def exercise_1(answer: Collection[int]) -> bool:
    """Check the validation campaigns that still run when the first test campaign starts.

    Parameters
    ----------
    answer : collection of int
        Their campaign_ids.
    """
    problem = None
    if not answer:
        problem = "follow the bars that start between the second and the third line."
    elif extra := set(answer) - STILL_RUNNING:
        problem = (
            f"{sorted(extra)} should not be there: it must start in September and end after the "
            "first test campaign has started."
        )
    elif len(set(answer)) < len(STILL_RUNNING):
        problem = "there is another one."
    return verdict(problem)


def exercise_2(answer: float) -> bool:
    """Check the share of redemptions with an eligible purchase on the very day.

    Parameters
    ----------
    answer : float
        In [0, 1].
    """
    problem = None
    if _near(answer, SAME_DAY_BY_UTC):
        problem = "which clock says when that day begins?"
    elif not 0 < answer <= 1:
        problem = "a share lies between 0 and 1."
    elif not _near(answer, SAME_DAY):
        problem = (
            "count each redemption once: user, coupon and campaign, matched with purchases by "
            "user and by the coupon's items in that campaign."
        )
    return verdict(problem)


def exercise_3(answer: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]) -> bool:
    """Check a rule that finds redemptions outside of their campaign's days.

    Parameters
    ----------
    answer : callable
        Takes redemptions (campaign_id, date) and campaigns (campaign_id, start, end), gives the
        redemptions that break the rule.
    """
    campaigns = pd.DataFrame(
        {
            "campaign_id": [1, 2],
            "start": pd.to_datetime(["2017-03-01", "2017-05-01"]),
            "end": pd.to_datetime(["2017-03-31", "2017-05-31"]),
        }
    )
    days = ["2017-02-28", "2017-03-01", "2017-03-31", "2017-04-01", "2017-05-10", "2017-03-10"]
    redemptions = pd.DataFrame(
        {"campaign_id": [1, 1, 1, 1, 2, 2], "user_id": range(6), "date": pd.to_datetime(days)}
    )
    found = answer(redemptions, campaigns)
    problem = None
    if not isinstance(found, pd.DataFrame) or "user_id" not in found:
        problem = "return the rows of `redemptions` that break the rule, with their columns."
    elif {1, 2} & set(found["user_id"]):
        problem = "the first and the last day of a campaign are valid days."
    elif not {0, 3} <= set(found["user_id"]):
        problem = "a planted redemption before the start or after the end went unnoticed."
    elif 5 not in set(found["user_id"]):
        problem = "compare each redemption with the dates of its own campaign."
    elif len(found) > 3:
        problem = "a redemption that breaks no rule was reported."
    return verdict(problem)


def exercise_4(answer: float) -> bool:
    """Check the redemption rate of the type A offers that were really sent.

    Parameters
    ----------
    answer : float
        In [0, 1].
    """
    problem = None
    if _near(answer, POOL_AND_REDEEMED):
        problem = "this divides by the whole pool; how many of these coupons did a user receive?"
    elif _near(answer, REDEMPTIONS_PER_MAILING):
        problem = "this is redemptions a mailing; a mailing holds more than one coupon."
    elif not _near(answer, SENT_AND_REDEEMED):
        problem = "divide the type A redemptions by the number of coupons that were sent."
    return verdict(problem)


def exercise_5(
    answer: Callable[[pd.DataFrame, pd.DataFrame, pd.Timestamp], tuple[pd.DataFrame, int]],
) -> bool:
    """Check a cleaning step that drops offers without a history, and counts them.

    Parameters
    ----------
    answer : callable
        Takes offers (campaign_id, ...), campaigns (campaign_id, start) and the first day of the
        data, gives the offers whose campaign starts after that day, and how many were dropped.
    """
    first_day = pd.Timestamp("2017-01-01")
    starts = pd.to_datetime(["2016-12-20", "2017-01-01", "2017-01-02"])
    campaigns = pd.DataFrame({"campaign_id": [1, 2, 3], "start": starts})
    offers = pd.DataFrame({"campaign_id": [1, 2, 2, 3, 3, 3], "user_id": range(6)})
    given = offers.copy()
    result = answer(given, campaigns, first_day)
    problem = None
    if not isinstance(result, tuple) or len(result) != 2:
        problem = "return two things: what is kept, and the count of what is dropped."
    elif not given.equals(offers):
        problem = "leave the table that you were given as it was."
    elif list(result[0].columns) != list(offers.columns):
        problem = "the table that is kept needs the same columns as before, no more."
    elif 2 in set(result[0]["campaign_id"]):
        problem = "a campaign that starts with the data has no day of history either."
    elif list(result[0]["user_id"]) != [3, 4, 5]:
        problem = "keep every offer of a campaign that starts after the first day, and no other."
    elif result[1] != 3:
        problem = "the count is the number of offers dropped, not of campaigns, not of those kept."
    return verdict(problem)
