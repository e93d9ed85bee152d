"""The contest of chapter 9: its two cheap rows, measured again, are what the book shows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from coupon_rec import load_complete_journey
from coupon_rec.evaluation import evaluate
from coupon_rec.features import COUPON_CATEGORIES, encode, offers_frame, split
from coupon_rec.features import tokens as count_tokens
from coupon_rec.market.categories import USER_CATEGORIES

PEERS = json.loads((Path(__file__).parents[1] / "benchmarks/results/peers.json").read_text())
RANKING = ["AUC", "average precision", "NDCG@10"]
TOLERANCE = 0.005


@pytest.fixture(scope="module")
def parts() -> dict[str, pd.DataFrame]:
    return split(offers_frame(load_complete_journey()))


def columns(offers: pd.DataFrame) -> np.ndarray:
    arrays = encode(offers)
    sizes = {
        "user_category": count_tokens(USER_CATEGORIES),
        "coupon_category": count_tokens(COUPON_CATEGORIES),
    }
    ones = [np.zeros((len(offers), size), "float32") for size in sizes.values()]
    for name, there in zip(sizes, ones, strict=True):
        np.put_along_axis(there, arrays[name], 1, axis=1)
    return np.hstack([*(arrays[name] for name in ("user", "item", "match", "coupon")), *ones])


def assert_measured(name: str, table: pd.DataFrame) -> None:
    for part, metrics in table["value"].groupby(level="slice"):
        for (_, metric), value in metrics.items():
            assert value == pytest.approx(PEERS["rows"][name]["mean"][part][metric], abs=TOLERANCE)


def test_the_count_scores_as_the_contest_says(parts: dict[str, pd.DataFrame]) -> None:
    score = parts["test"]["match_decayed_45"]
    table = evaluate(parts["test"], score, metrics=RANKING, probability=False, replicates=1)
    assert_measured("count of past purchases", table)


def test_logistic_regression_scores_as_the_contest_says(parts: dict[str, pd.DataFrame]) -> None:
    settings: dict[str, Any] = PEERS["rows"]["logistic regression"]["configuration"]
    logistic = LogisticRegression(**settings, solver="newton-cholesky")
    model = make_pipeline(StandardScaler(), logistic)
    model.fit(columns(parts["train"]), parts["train"]["redeemed"])
    p = model.predict_proba(columns(parts["test"]))[:, 1]
    metrics = [*RANKING, "log loss"]
    assert_measured(
        "logistic regression", evaluate(parts["test"], p, metrics=metrics, replicates=1)
    )
