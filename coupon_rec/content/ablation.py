"""What each input of a model adds: fit it with all, fit it without one, and compare."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from coupon_rec.arguments import Floats
from coupon_rec.evaluation import compare
from coupon_rec.features import GROUPS, Encoder

Kind = Literal["logistic", "trees"]


def ablate(
    training: pd.DataFrame,
    test: pd.DataFrame,
    inputs: Sequence[str] = GROUPS,
    *,
    extra: Sequence[str] = (),
    model: Kind = "trees",
    label: str = "redeemed",
    metric: str = "AUC",
    clusters: Sequence[str] = ("user_id",),
    seed: int = 0,
) -> pd.DataFrame:
    """Measure what each input adds to all the others, on offers that no model has seen.

    Parameters
    ----------
    training, test : pandas.DataFrame
        Rows of the offers table; the test rows later than the training rows.
    inputs : sequence of str
        What to leave out, one at a time: a group ("user", "item", "match", "coupon"), a feature,
        or one of `extra`.
    extra : sequence of str
        Columns of your own that the model reads too, as in `coupon_rec.features.Encoder.fit`:
        numbers, names, or vectors such as those of texts and pictures.
    model : {"trees", "logistic"}
        Boosted trees, or a logistic regression. The inputs of the second add up; what works only
        together with another input shows up in the first.
    label : str
        What is predicted: "redeemed" or "bought".
    metric : str
        One of the metrics of `coupon_rec.evaluation.compare`.
    clusters : sequence of str
        Over what the interval is: ("user_id",) or ("user_id", "coupon_id").
    seed : int
        Of the trees and of the resamples.

    Returns
    -------
    pandas.DataFrame
        Indexed by input: `columns` that it has, the metric `with` it and `without` it, the
        `difference`, and its 95% interval, `low` and `high`.

    Raises
    ------
    ValueError
        If an input is not one of the columns that the model reads, or an argument is not one of
        its values.

    Examples
    --------
    `ablate(train, test, ["match", "coupon_picture"], extra=["coupon_picture"])` says what the
    history of a user with the coupon's items adds, and what its picture does.
    """
    if model not in ("logistic", "trees"):
        raise ValueError(f"model must be 'trees' or 'logistic', not {model!r}")
    encoder = Encoder.fit(training, extra=extra)
    groups, names = columns_of(encoder)
    parts = {name: (groups == name) | (names == name) for name in inputs}
    if unknown := [name for name, part in parts.items() if not part.any()]:
        raise ValueError(
            f"the model reads no {unknown[0]!r}: name a group ({', '.join(GROUPS)}), a feature, "
            "or a column of your own that is among the extra ones"
        )
    x, x_test = (encoder.matrix(encoder.encode(rows)) for rows in (training, test))
    y = training[label].to_numpy()

    def scores(kept: Any) -> Floats:
        fitted = _model(model, seed).fit(x[:, kept], y)
        return np.asarray(fitted.predict_proba(x_test[:, kept])[:, 1])

    full = scores(np.ones(len(names), bool))
    everything = {"all": np.ones(len(test), bool)}
    rows = {}
    for name, part in parts.items():
        gap = compare(
            test,
            full,
            scores(~part),
            label=label,
            metrics=[metric],
            slices=everything,
            clusters=clusters,
            seed=seed,
        ).iloc[0]
        rows[name] = [int(part.sum()), *gap]
    columns = ["columns", "with", "without", "difference", "low", "high"]
    return pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis("input")


def columns_of(encoder: Encoder) -> tuple[Any, Any]:
    """The group and the name of each column of `Encoder.matrix`, as two arrays of text."""
    groups, names = [], []
    for group, numbers in encoder.numbers.items():
        groups += [group] * len(numbers)
        names += [number.name.split("[")[0] for number in numbers]
    for array, categories in encoder.categories.items():
        for category in categories:
            groups += [array.removesuffix("_category")] * len(category.values)
            names += [category.name] * len(category.values)
    return np.array(groups), np.array(names)


def _model(kind: Kind, seed: int) -> Any:
    if kind == "trees":
        return HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=15, random_state=seed)
    return make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cholesky"))
