"""Effects by econml and scikit-uplift, for `uplift.py`, in an environment that has them.

`python uplift_peers.py FOLDER` reads FOLDER/data.npz and writes effects.npz and told.json. The
models are those of the chapter, and the folds of the users are ours.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from econml.dml import NonParamDML
from econml.dr import DRLearner
from econml.metalearners import SLearner, TLearner, XLearner
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklift.models import TwoModels


def counts() -> Any:
    return make_pipeline(StandardScaler(), PoissonRegressor(alpha=1e-3, solver="newton-cholesky"))


class Curved(RegressorMixin, BaseEstimator):
    """A curved surface, which takes weights as econml gives them."""

    def fit(self, x: Any, y: Any, sample_weight: Any = None) -> Any:
        pairs = PolynomialFeatures(2, include_bias=False, order="F")
        line = make_pipeline(StandardScaler(), pairs, StandardScaler(), Ridge(1000.0))
        self.line_ = line.fit(x, y, ridge__sample_weight=sample_weight)
        return self

    def predict(self, x: Any) -> Any:
        return self.line_.predict(x)


def main() -> None:
    folder = Path(sys.argv[1])
    with np.load(folder / "data.npz") as found:
        data = dict(found)
    x, y, t, asked = data["x"], data["y"], data["t"], data["asked"]
    fold = data["fold"]
    folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in (0, 1)]
    prior = DummyClassifier(strategy="prior")
    r = {"model_y": counts(), "model_t": prior, "model_final": Curved(), "cv": folds}
    dr = {"model_regression": counts(), "model_propensity": prior, "model_final": Curved()}
    learners = {
        "s": SLearner(overall_model=counts()),
        "t": TLearner(models=counts()),
        "x": XLearner(models=counts(), cate_models=Curved(), propensity_model=prior),
        "r": NonParamDML(discrete_treatment=True, **r),
        "dr": DRLearner(cv=folds, **dr),
    }
    effects, seconds = {}, {}

    def timed(name: str, work: Callable[[], Any]) -> None:
        start = time.perf_counter()
        effects[name] = np.asarray(work()).ravel()
        seconds[name] = time.perf_counter() - start

    for name, learner in learners.items():
        timed(f"econml {name}", lambda each=learner: each.fit(y, t, X=x).effect(asked))
    timed("scikit-uplift t", lambda: TwoModels(counts(), counts()).fit(x, y, t).predict(asked))
    np.savez(folder / "effects.npz", **effects)
    versions = {name: version(name) for name in ("econml", "scikit-uplift", "scikit-learn")}
    (folder / "told.json").write_text(json.dumps({"seconds": seconds, "versions": versions}))


if __name__ == "__main__":
    main()
