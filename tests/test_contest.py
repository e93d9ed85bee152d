"""The contest of chapter 9: its two cheap rows, measured again, are what the book shows."""

import json
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from coupon_rec.book import SPLIT, prelude
from coupon_rec.evaluation import evaluate
from coupon_rec.features import Encoder, Split, split

PEERS = json.loads((Path(__file__).parents[1] / "benchmarks/results/peers.json").read_text())
RANKING = ["AUC", "average precision", "NDCG@10"]
TOLERANCE = 0.005


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(prelude.offers(), *SPLIT)


def assert_measured(name: str, table: pd.DataFrame) -> None:
    for part, metrics in table["value"].groupby(level="slice"):
        for (_, metric), value in metrics.items():
            assert value == pytest.approx(PEERS["rows"][name]["mean"][part][metric], abs=TOLERANCE)


def test_the_count_scores_as_the_contest_says(parts: Split) -> None:
    score = parts.test["match_decayed_45"]
    table = evaluate(parts.test, score, metrics=RANKING, probability=False, replicates=1)
    assert_measured("count of past purchases", table)


def test_logistic_regression_scores_as_the_contest_says(parts: Split) -> None:
    encoder = Encoder.fit(parts.train)
    train, test = (encoder.matrix(encoder.encode(offers)) for offers in (parts.train, parts.test))
    settings = PEERS["rows"]["logistic regression"]["configuration"]
    logistic = LogisticRegression(**settings, solver="newton-cholesky")
    model = make_pipeline(StandardScaler(), logistic).fit(train, parts.train["redeemed"])
    p = model.predict_proba(test)[:, 1]
    metrics = [*RANKING, "log loss"]
    assert_measured("logistic regression", evaluate(parts.test, p, metrics=metrics, replicates=1))
