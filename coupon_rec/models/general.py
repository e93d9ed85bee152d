"""A general coupling g: logit p(r) = g(logit p(a), u, i, c), fitted in a second stage.

The first stage's logits have to be *out of fold*: a purchase model's predictions of the offers it
was trained on are too good, and g would trust them too much. The folds are of users. Campaigns
overlap, so that one purchase is the label of several offers; if a user's offers were dealt to
several folds, the same purchase would be learned from and predicted.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from coupon_rec.evaluation import platt
from coupon_rec.odds import Platt


def user_folds(users: pd.Series, folds: int = 5, seed: int = 0) -> np.ndarray:
    """Deal users to folds of nearly equal size, with all their rows.

    Parameters
    ----------
    users : pandas.Series
        The user_id of each of n rows.
    folds : int
        At least 2 and at most as many as there are users.
    seed : int
        Of the dealing.

    Returns
    -------
    numpy.ndarray
        Shape (n,), numbers from 0 to folds - 1.
    """
    codes, different = pd.factorize(users)
    return np.asarray(np.random.default_rng(seed).permutation(len(different))[codes] % folds)


def out_of_fold(
    folds: np.ndarray, predict: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Predict each fold by a model that was fitted on the others.

    Parameters
    ----------
    folds : numpy.ndarray
        The fold of each of n rows.
    predict : callable
        Takes two arrays of row numbers, fits a new model on the first, and gives its logits for
        the second.

    Returns
    -------
    numpy.ndarray
        Logits, shape (n,).
    """
    predicted = np.empty(len(folds))
    for fit_on, held_out in PredefinedSplit(folds).split():
        predicted[held_out] = predict(fit_on, held_out)
    return predicted


@dataclass
class GeneralCoupling:
    """A fitted g and its calibration.

    Attributes
    ----------
    model : sklearn classifier
        Of the columns.
    calibration : Platt
        Of the probabilities that it gives.
    """

    model: ClassifierMixin
    calibration: Platt

    def predict(self, x: np.ndarray, logit: np.ndarray) -> np.ndarray:
        """Predict the probability of redemption.

        Parameters
        ----------
        x : numpy.ndarray
            What is known about n offers, shape (n, d), as `Encoder.matrix` gives it.
        logit : numpy.ndarray
            Their logits of a purchase, shape (n,), from a model fitted on all training offers.

        Returns
        -------
        numpy.ndarray
            Shape (n,), within [0, 1].
        """
        p = self.model.predict_proba(np.column_stack([logit, x]))[:, 1]
        return self.calibration(p)


def general_coupling(
    kind: str,
    x: np.ndarray,
    logit: np.ndarray,
    redeemed: np.ndarray,
    folds: np.ndarray,
    seed: int = 0,
) -> GeneralCoupling:
    r"""Fit g on the logits of a purchase and on everything known about the offer.

    Then calibrate it: fit a and b of logit p = a logit g + b on predictions out of fold.

    Parameters
    ----------
    kind : str
        `linear` (logistic regression), `tree` (gradient-boosted trees) or `network`.
    x : numpy.ndarray
        What is known about n training offers, shape (n, d), as `Encoder.matrix` gives it.
    logit : numpy.ndarray
        Their logits of a purchase, shape (n,), from `out_of_fold`.
    redeemed : numpy.ndarray
        Their labels, shape (n,), 0 or 1.
    folds : numpy.ndarray
        Shape (n,), from `user_folds`.
    seed : int
        Of the trees and of the network.

    Raises
    ------
    ValueError
        If there is no such kind.

    Notes
    -----
    Equation `eq-general` of the book.
    """
    columns = np.column_stack([logit, x])
    model = _model(kind, seed)
    p = cross_val_predict(
        model, columns, redeemed, cv=PredefinedSplit(folds), method="predict_proba"
    )
    return GeneralCoupling(model.fit(columns, redeemed), platt(redeemed, p[:, 1]))


def _model(kind: str, seed: int) -> ClassifierMixin:
    models = {
        "linear": make_pipeline(StandardScaler(), LogisticRegression()),
        "tree": HistGradientBoostingClassifier(
            learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0, random_state=seed
        ),
        "network": make_pipeline(
            StandardScaler(),
            MLPClassifier((32,), alpha=1.0, batch_size=512, n_iter_no_change=2, random_state=seed),
        ),
    }
    if kind not in models:
        raise ValueError(f"no general coupling is called {kind!r}; there are {', '.join(models)}")
    return models[kind]
