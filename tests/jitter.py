"""Move whatever a notebook fits by a hundred-thousandth, from its kernel's start on.

It stands for processors that nobody has at hand. `tools/processors.py` lets kernels import it.
What is fitted twice moves alike.
"""

import functools
import importlib

import numpy as np

SIZE = 1e-5


def moved(values):
    values = np.asarray(values)
    return values * (1 + SIZE * np.random.default_rng(0).standard_normal(values.shape))


def after(path, move):
    """Let a function or method move what it has fitted: its result, or the object it belongs to."""
    module, _, name = path.partition(":")
    owner = importlib.import_module(module)
    *parents, name = name.split(".")
    owner = functools.reduce(getattr, parents, owner)
    fit = getattr(owner, name)

    @functools.wraps(fit)
    def wrapped(*given, **options):
        result = fit(*given, **options)
        move(given[0] if parents else result, result)
        return result

    setattr(owner, name, wrapped)


def network(model, _):
    for variable in model.trainable_variables:
        variable.assign(moved(variable))


def trees(booster, _):
    for tree in booster.dump_model()["tree_info"]:
        for leaf in range(tree["num_leaves"]):
            value = booster.get_leaf_output(tree["tree_index"], leaf)
            booster.set_leaf_output(tree["tree_index"], leaf, float(moved(value)))


def line(model, _):
    model.coef_, model.intercept_ = moved(model.coef_), moved(model.intercept_)


def optimum(found, _):
    found.x = moved(found.x)


importlib.import_module("coupon_rec._keras")  # imports Keras, and lets it say nothing
after("keras:Model.fit", network)
after("coupon_rec.book.prelude:model", network)
after("lightgbm:train", trees)
after("scipy.optimize:minimize", optimum)
for name in ("LogisticRegression", "LinearRegression", "Ridge", "PoissonRegressor"):
    after(f"sklearn.linear_model:{name}.fit", line)
