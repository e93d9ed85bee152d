"""Learn whose outcome a treatment changes: S, T, X, R and DR, on any scikit-learn model."""

from typing import Any, Literal, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline

from coupon_rec.arguments import Floats, require
from coupon_rec.effects.log import EffectLog
from coupon_rec.evaluation.arrays import Ints

Rows: TypeAlias = pd.DataFrame | NDArray[Any]
FINAL = ("x", "r", "dr")
"""The learners that need a second model, of the effect itself."""


class EffectModel:
    """Predicts the effect of each treatment on each row.

    Parameters
    ----------
    model : object
        Of the outcome: a classifier or regressor in scikit-learn's manner, with `fit` and `predict`
        or `predict_proba`; also a Keras model that is wrapped as one. It is cloned.
    learner : {"s", "t", "x", "r", "dr"}
        How outcomes become effects, as under Notes.
    final : object, optional
        Of the effect, a regressor; for "x", "r" and "dr", of which "r" needs one that takes
        weights. If left out, a clone of `model`, which must be a regressor then.
    folds : int
        Parts of the users, 2 or more: what one part's outcomes are compared with was learned from
        the others.
    seed : int
        Of the draw of the folds.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> x, sent = rng.normal(size=(1000, 1)), rng.integers(0, 2, 1000)
    >>> log = EffectLog(x[:, 0] * (1 + sent) + rng.normal(size=1000), sent)
    >>> model = EffectModel(LinearRegression(), learner="dr").fit(x, log)
    >>> model.predict(np.array([[-1.0], [1.0]])).round(1).tolist()
    [[-1.1], [0.9]]

    Notes
    -----
    With mu_k(x) the expected outcome under treatment k, 0 for none:

    - "s": one model of the outcome, which sees the treatment as K more columns of 0 and 1.
    - "t": one model for each treatment; mu_k - mu_0.
    - "x": regress y - mu_0 of the treated and mu_k - y of the others on x, and average the two,
      each weighted by the other group's share (Künzel, Sekhon, Bickel and Yu 2019).
    - "r": regress (y - m) / (t - e) on x with weights (t - e)^2, where m is the outcome expected
      whatever is sent (Nie and Wager 2021).
    - "dr": regress mu_k - mu_0 + [t = k] (y - mu_k) / e_k - [t = 0] (y - mu_0) / e_0 on x
      (Kennedy 2023), equation `eq-dr-score` of the book.

    In the last three, mu comes from the other folds.
    """

    def __init__(
        self,
        model: Any,
        learner: Literal["s", "t", "x", "r", "dr"] = "dr",
        final: Any = None,
        folds: int = 2,
        seed: int = 0,
    ) -> None:
        if learner not in ("s", "t", *FINAL):
            raise ValueError(f'learner must be "s", "t", "x", "r" or "dr", not {learner!r}')
        if folds < 2:
            raise ValueError(f"folds must be 2 or more, not {folds}")
        if learner in FINAL and final is None and is_classifier(model):
            raise ValueError(
                f'learner "{learner}" regresses an effect, which is no class: pass a regressor as '
                "final, such as Ridge()"
            )
        self.model, self.learner, self.folds, self.seed = model, learner, folds, seed
        self.final = model if final is None else final
        self.fitted: list[Any] = []
        self.treatments = 0

    def fit(self, x: Rows, log: EffectLog) -> Self:
        """Learn from a log.

        Parameters
        ----------
        x : pandas.DataFrame or numpy.ndarray
            What is known of each row before the treatment; n rows.
        log : EffectLog
            With propensities, unless everyone had the same chances.

        Returns
        -------
        EffectModel
            Itself.

        Raises
        ------
        ValueError
            If `x` does not have the log's rows in its order, or a classifier meets outcomes that
            are not 0 or 1.
        """
        self._check(x, log)
        self.treatments = log.treatments
        if self.learner == "s":
            self.fitted = [_fit(self.model, _with(x, log.treatment, log.treatments), log.outcome)]
        elif self.learner == "t":
            self.fitted = self._by_treatment(x, log)
        else:
            expected = self._expected(x, log)
            learn = {"x": self._x, "r": self._r, "dr": self._dr}[self.learner]
            self.fitted = [learn(x, log, expected, k) for k in range(1, log.treatments + 1)]
        return self

    def predict(self, x: Rows) -> Floats:
        """Effect of each treatment on each row, in the unit of the outcome; shape (n, K)."""
        if not self.fitted:
            raise ValueError("the model has learned nothing yet: call fit first")
        if self.learner == "s":
            (model,) = self.fitted
            ways = [np.full(len(x), k) for k in range(self.treatments + 1)]
            outcomes = [_predict(model, _with(x, way, self.treatments)) for way in ways]
        elif self.learner == "t":
            outcomes = [_predict(model, x) for model in self.fitted]
        else:
            return np.column_stack(
                [sum(part * _predict(model, x) for part, model in each) for each in self.fitted]
            )
        return np.column_stack(outcomes[1:]) - outcomes[0][:, None]

    def cross_predict(self, x: Rows, log: EffectLog) -> Floats:
        """Effects on the log's own rows, each from a model that saw none of its user's rows.

        Parameters
        ----------
        x, log
            As for `fit`, and so are the errors. The model itself stays as it is.

        Returns
        -------
        numpy.ndarray
            Shape (n, K), for `qini`, `policy_value` and the like on the same log.
        """
        self._check(x, log)
        effects = np.empty((len(log), log.treatments))
        fold = self._fold(log)
        for number in range(self.folds):
            inside = fold == number
            one = EffectModel(self.model, self.learner, self.final, self.folds, self.seed)
            one.fit(x[~inside], _part(log, ~inside))
            effects[inside] = one.predict(x[inside])
        return effects

    def _check(self, x: Rows, log: EffectLog) -> None:
        log.require_order(x=x)
        if np.ndim(x) != 2 or len(x) != len(log):
            raise ValueError(
                f"x must have {len(log)} rows, one for each of the log, and two dimensions, "
                f"not shape {np.shape(x)}"
            )
        if is_classifier(self.model):
            label = np.isin(log.outcome, [0, 1])
            require("outcome", log.outcome, label, "0 or 1 for a classifier (or pass a regressor)")

    def _fold(self, log: EffectLog) -> Ints:
        """The fold of each row; a user's rows are in one."""
        users = int(log.cluster.max()) + 1
        return np.random.default_rng(self.seed).permutation(users)[log.cluster] % self.folds

    def _by_treatment(self, x: Rows, log: EffectLog) -> list[Any]:
        """A model of the outcome for each treatment, from none on."""
        groups = [log.treatment == k for k in range(log.treatments + 1)]
        return [_fit(self.model, x[group], log.outcome[group]) for group in groups]

    def _expected(self, x: Rows, log: EffectLog) -> Floats:
        """The outcome that other folds expect of each row under each treatment; (n, K + 1)."""
        expected, fold = np.empty(log.propensity.shape), self._fold(log)
        for number in range(self.folds):
            inside = fold == number
            models = self._by_treatment(x[~inside], _part(log, ~inside))
            expected[inside] = np.column_stack([_predict(m, x[inside]) for m in models])
        return expected

    def _x(self, x: Rows, log: EffectLog, mu: Floats, k: int) -> list[tuple[float, Any]]:
        treated, others = log.treatment == k, log.treatment == 0
        of_treated = _fit(self.final, x[treated], (log.outcome - mu[:, 0])[treated])
        of_others = _fit(self.final, x[others], (mu[:, k] - log.outcome)[others])
        share = log.propensity[:, k].mean() / log.propensity[:, [0, k]].sum(axis=1).mean()
        return [(1 - share, of_treated), (share, of_others)]

    def _r(self, x: Rows, log: EffectLog, mu: Floats, k: int) -> list[tuple[float, Any]]:
        both = np.isin(log.treatment, [0, k])
        e = (log.propensity[:, k] / log.propensity[:, [0, k]].sum(axis=1))[both]
        away = (log.treatment[both] == k) - e
        usual = (1 - e) * mu[both, 0] + e * mu[both, k]
        target = (log.outcome[both] - usual) / away
        return [(1.0, _fit(self.final, x[both], target, away**2))]

    def _dr(self, x: Rows, log: EffectLog, mu: Floats, k: int) -> list[tuple[float, Any]]:
        score = mu[:, k] - mu[:, 0]
        for arm, sign in ((k, 1.0), (0, -1.0)):
            got = (log.treatment == arm) / log.propensity[:, arm]
            score = score + sign * got * (log.outcome - mu[:, arm])
        return [(1.0, _fit(self.final, x, score))]


def _part(log: EffectLog, chosen: NDArray[np.bool_]) -> EffectLog:
    """Some rows of a log, with their probabilities."""
    return EffectLog(
        log.outcome[chosen], log.treatment[chosen], log.cluster[chosen], log.propensity[chosen]
    )


def _with(x: Rows, treatment: Ints, treatments: int) -> Rows:
    """The rows with K more columns that say what they got."""
    marks = {f"treatment_{k}": (treatment == k) * 1.0 for k in range(1, treatments + 1)}
    if isinstance(x, pd.DataFrame):
        return x.assign(**marks)
    return np.column_stack([x, *marks.values()])


def _fit(model: Any, x: Rows, y: ArrayLike, weight: Floats | None = None) -> Any:
    """A clone of the model, fitted; in a pipeline the last step gets the weights."""
    fresh = clone(model)
    if weight is None:
        return fresh.fit(x, y)
    last = f"{fresh.steps[-1][0]}__" if isinstance(fresh, Pipeline) else ""
    return fresh.fit(x, y, **{f"{last}sample_weight": weight})


def _predict(model: Any, x: Rows) -> Floats:
    """Expected outcome: a probability, where the model is a classifier."""
    if is_classifier(model):
        p = model.predict_proba(x)
        return np.asarray(p[:, 1] if p.shape[1] > 1 else np.full(len(x), float(model.classes_[0])))
    return np.asarray(model.predict(x), np.float64).reshape(len(x))
