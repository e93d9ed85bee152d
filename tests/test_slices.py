"""Every metric can be had by slice, with the interval that drawing the users again would give."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from coupon_rec.evaluation import (
    auc,
    average_precision,
    calibration_line,
    compare,
    evaluate,
    lift,
    log_loss,
    ndcg,
    threshold_metrics,
)

pytestmark = pytest.mark.filterwarnings("error")


def of_lists(metric: str) -> Callable[[pd.DataFrame], float]:
    """A metric of lists, which `tests/test_metrics.py` compares with its definition."""

    def measure(rows: pd.DataFrame) -> float:
        one = rows.assign(user_id=rows["list"], campaign_id=0)
        return float(evaluate(one, one["p"], metrics=[metric], replicates=0)["value"].iloc[0])

    return measure


PLAIN: dict[str, Callable[[pd.DataFrame], float]] = {
    "AUC": lambda rows: auc(rows["redeemed"], rows["p"]),
    "average precision": lambda rows: average_precision(rows["redeemed"], rows["p"]),
    "log loss": lambda rows: log_loss(rows["redeemed"], rows["p"]),
    "Brier": lambda rows: float(((rows["p"] - rows["redeemed"]) ** 2).mean()),
    "calibration intercept": lambda rows: calibration_line(rows["redeemed"], rows["p"]).iloc[0],
    "calibration slope": lambda rows: calibration_line(rows["redeemed"], rows["p"]).iloc[1],
    "accuracy at 0.3": lambda rows: threshold_metrics(rows["redeemed"], rows["p"], 0.3).iloc[0],
    "precision at 0.3": lambda rows: threshold_metrics(rows["redeemed"], rows["p"], 0.3).iloc[1],
    "recall at 0.3": lambda rows: threshold_metrics(rows["redeemed"], rows["p"], 0.3).iloc[2],
    "F1 at 0.3": lambda rows: threshold_metrics(rows["redeemed"], rows["p"], 0.3).iloc[3],
    "lift at 20%": lambda rows: lift(rows["redeemed"], rows["p"], 0.2),
    "NDCG@3": lambda rows: ndcg(rows["redeemed"], rows["p"], rows["list"], 3),
    "recall@2": of_lists("recall@2"),
    "hit rate@2": of_lists("hit rate@2"),
    "MRR": of_lists("MRR"),
}


def simulated_offers(users: int = 25, per_user: int = 12) -> pd.DataFrame:
    """Offers of two campaigns, with tied probabilities that know a part of the truth."""
    random = np.random.default_rng(0)
    n = users * per_user
    offers = pd.DataFrame({"user_id": np.arange(n) % users, "campaign_id": np.arange(n) % 2})
    offers["campaign_type"] = random.choice(["A", "B", "C"], n)
    offers["p"] = random.integers(1, 10, n) / 20
    chance = offers["p"] * random.uniform(0.2, 1.8, users)[offers["user_id"]]
    return offers.assign(redeemed=(random.random(n) < chance).astype(int))


def drawn_again(offers: pd.DataFrame, replicates: int) -> list[pd.DataFrame]:
    """Frames of users drawn with replacement; a user drawn twice has two sets of lists."""
    users = offers["user_id"].nunique()
    draws = np.random.default_rng(0).multinomial(users, np.full(users, 1 / users), replicates)
    frames = []
    for draw in draws:
        parts = [offers[offers["user_id"] == user] for user in np.arange(users).repeat(draw)]
        frame = pd.concat(parts, keys=range(users)).reset_index(level=0, names="draw")
        frames.append(frame.assign(list=frame.groupby(["draw", "campaign_id"]).ngroup()))
    return frames


def test_each_interval_is_that_of_the_plain_metric_on_users_drawn_again() -> None:
    offers = simulated_offers()
    again = pd.DataFrame(
        [{name: metric(rows) for name, metric in PLAIN.items()} for rows in drawn_again(offers, 30)]
    )
    whole = offers.assign(list=offers.groupby(["user_id", "campaign_id"]).ngroup())
    table = evaluate(offers, offers["p"], metrics=list(PLAIN), replicates=30).loc["all"]
    assert list(table.index) == list(PLAIN)
    np.testing.assert_allclose(table["value"], [f(whole) for f in PLAIN.values()], rtol=1e-8)
    np.testing.assert_allclose(table[["low", "high"]], again.quantile([0.025, 0.975]).T, rtol=1e-6)


def test_each_difference_is_paired() -> None:
    offers = simulated_offers()
    q = offers["p"] ** 1.5
    table = compare(offers, offers["p"], q, metrics=list(PLAIN), replicates=30).loc["all"]
    other = [frame.assign(p=frame["p"] ** 1.5) for frame in drawn_again(offers, 30)]
    gaps = pd.DataFrame(
        [
            {name: metric(a) - metric(b) for name, metric in PLAIN.items()}
            for a, b in zip(drawn_again(offers, 30), other, strict=True)
        ]
    )
    expected = gaps.quantile([0.025, 0.975]).T
    np.testing.assert_allclose(table[["low", "high"]], expected, rtol=1e-6, atol=1e-9)
