"""The contest of chapter 9: its cheap rows are measured again, and its result hangs together."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from coupon_rec import load_complete_journey
from coupon_rec.book import SPLIT
from coupon_rec.evaluation import evaluate
from coupon_rec.features import Encoder, Split, offers_frame, split

PEERS = json.loads((Path(__file__).parents[1] / "benchmarks/results/peers.json").read_text())
RANKING = ["AUC", "average precision", "NDCG@10"]
TOLERANCE = 0.005


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(offers_frame(load_complete_journey()), *SPLIT)


def assert_measured(name: str, table: pd.DataFrame) -> None:
    for part, metrics in table["value"].groupby(level="slice"):
        for (_, metric), value in metrics.items():
            assert value == pytest.approx(PEERS["rows"][name]["mean"][part][metric], abs=TOLERANCE)


def test_the_count_scores_as_the_contest_says(parts: Split) -> None:
    score = parts.test["match_decayed_45"]
    table = evaluate(parts.test, score, metrics=RANKING, probability=False, replicates=1)
    assert_measured("count of past purchases", table)


def test_logistic_regression_scores_as_the_contest_says(parts: Split) -> None:
    settings: dict[str, Any] = PEERS["rows"]["logistic regression"]["configuration"]
    logistic = LogisticRegression(**settings, solver="newton-cholesky")
    model = make_pipeline(StandardScaler(), logistic)
    encoder = Encoder.fit(parts.train)
    known, new = (encoder.matrix(encoder.encode(part)) for part in (parts.train, parts.test))
    model.fit(known, parts.train["redeemed"])
    p = model.predict_proba(new)[:, 1]
    metrics = [*RANKING, "log loss"]
    assert_measured("logistic regression", evaluate(parts.test, p, metrics=metrics, replicates=1))


def test_the_rival_in_each_measure_is_the_best_peer() -> None:
    peers = {n: row for n, row in PEERS["averages"].items() if not n.startswith("coupled model")}
    assert len(peers) == 11
    for row in PEERS["differences"]:
        sign = -1 if row["metric"] == "log loss" else 1
        scores = {n: sign * of[row["slice"]][row["metric"]]["value"] for n, of in peers.items()}
        assert max(scores, key=scores.__getitem__) == row["rival"]
        assert row["low"] <= row["difference"] <= row["high"]
