"""What a notebook shows may differ as much as processors do, and not more."""

import pytest
from tolerance import fitted_cells, last_place, snap, wide

LADDER = "chain 0.9362 0.0837 0.0166"


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("chain 0.9411 0.0801 0.0169", LADDER),
        ("AUC 0.941 0.013 0.001", "AUC 0.940 0.005 -0.009"),
        ("earned 41.2 0.04", "earned 38.8 0.05"),
        ("0.016", "0.005"),
    ],
    ids=["scores", "differences", "money", "alone"],
)
def test_what_was_fitted_may_move_a_little(new: str, stored: str) -> None:
    assert snap(new, stored, wide) == stored


@pytest.mark.parametrize(
    "new",
    ["chain 0.9362 0.0837 0.044", "chain 0.9362 0.0537 0.0166", "tree 0.9362 0.0837 0.0166"],
    ids=["log loss", "average precision", "words"],
)
def test_scores_that_moved_and_other_words_are_not_taken_for_equal(new: str) -> None:
    assert snap(new, LADDER, wide) != LADDER
    assert snap("12 offers, 0.5", "11 offers, 0.5", last_place) != "11 offers, 0.5"


@pytest.mark.parametrize(
    ("cells", "fitted"),
    [
        (["import pandas as pd\nx = pd.Series([1])", "x.mean()"], [False, False]),
        (["from sklearn.linear_model import Ridge\nm = Ridge()", "1 + 1"], [True, False]),
        (["import keras as k", "m = k.Model()", "p = m(x)\nq = 1", "p", "q"], [0, 1, 1, 1, 0]),
        (["slope = x @ w", "slope"], [True, True]),
        (["from coupon_rec import CoupledModel as M", "t = {}", "t['p'] = M()", "t"], [0, 0, 1, 1]),
        (["import keras", "def f():\n    return keras.ops.ones(1)", "y = f()"], [0, 1, 1]),
        (["%matplotlib inline\n!ls\nimport keras", "keras.config.floatx()"], [False, True]),
    ],
    ids=str,
)
def test_a_cell_is_fitted_if_something_it_reads_is(cells: list[str], fitted: list[bool]) -> None:
    assert fitted_cells(cells) == [bool(each) for each in fitted]
