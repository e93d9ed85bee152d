"""Boosted trees beside the network: the same leaves everywhere, and one model of both."""

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from coupon_rec._keras import keras
from coupon_rec.features import Arrays, Encoder
from coupon_rec.models import (
    Trees,
    boosted,
    coupled_model,
    load_model,
    network_of,
    predict,
    with_trees,
)
from coupon_rec.models.trees import layer_of
from coupon_rec.odds import logit


@pytest.fixture(scope="module")
def trees(encoder: Encoder, arrays: Arrays, offers: pd.DataFrame) -> Trees:
    return boosted(encoder, arrays, offers["bought"], trees=30, leaves=5)


def test_a_tree_without_a_split_counts_for_every_row() -> None:
    leaf = {"tree_structure": {"leaf_value": -2.0}, "num_leaves": 1}
    two = {
        "num_leaves": 2,
        "tree_structure": {
            "split_index": 0,
            "split_feature": 0,
            "threshold": 0.0,
            "left_child": {"leaf_value": 0.0},
            "right_child": {"leaf_value": 1.0},
        },
    }
    layer = layer_of({"tree_info": [leaf, two]})
    assert np.asarray(layer(np.array([[-1.0], [1.0]], "float32")))[:, 0].tolist() == [-2.0, -1.0]


def beside_thresholds(trees: Trees, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A row with each threshold in place of its number, and the next float32 above."""
    edge = np.repeat(row, trees.columns.size, axis=0)
    edge[np.arange(len(edge)), trees.columns.ravel()] = trees.thresholds.ravel()
    return edge, np.nextafter(edge, np.float32(np.inf))


def test_no_row_goes_another_way_than_in_training(
    encoder: Encoder, arrays: Arrays, offers: pd.DataFrame, trees: Trees
) -> None:
    """At the thresholds themselves, and one float32 beside them, where rounding would tell."""
    import lightgbm

    x = encoder.matrix(arrays)
    settings = {
        "objective": "binary",
        "num_leaves": 5,
        "min_data_in_leaf": 20,
        "deterministic": True,
        "verbose": -1,
    }
    booster = lightgbm.train(settings, lightgbm.Dataset(x, offers["bought"].to_numpy()), 30)
    layer = layer_of(booster.dump_model())
    for rows in (x, *beside_thresholds(layer, x[:1])):
        theirs = booster.predict(rows, raw_score=True)
        flipped = np.abs(np.asarray(layer(rows))[:, 0] - theirs) > 1e-4
        assert flipped.sum() == 0


def test_a_leaf_needs_evidence_and_without_it_the_trees_say_the_usual_rate(
    encoder: Encoder, arrays: Arrays
) -> None:
    rare = np.arange(len(arrays["user"])) % 40 == 0
    (usual,) = np.unique(np.asarray(boosted(encoder, arrays, rare)(encoder.matrix(arrays))))
    assert usual == pytest.approx(logit(rare.mean()), abs=1e-3)
    split = boosted(encoder, arrays, rare, evidence=1)(encoder.matrix(arrays))
    assert len(np.unique(np.asarray(split))) > 1


def test_a_model_with_trees_is_the_mean_of_both_in_log_odds(
    encoder: Encoder, arrays: Arrays, offers: pd.DataFrame, trees: Trees
) -> None:
    network = coupled_model(encoder)
    both, alone = (predict(model, offers) for model in (with_trees(network, trees), network))
    direct = np.asarray(trees(encoder.matrix(arrays)))[:, 0]
    np.testing.assert_allclose(
        logit(both["redeemed"]), (logit(alone["redeemed"]) + direct) / 2, atol=1e-4
    )
    pd.testing.assert_series_equal(both["bought"], alone["bought"])


def test_a_model_with_trees_is_saved_with_its_network(
    encoder: Encoder, offers: pd.DataFrame, trees: Trees, tmp_path: Path
) -> None:
    network = coupled_model(encoder)
    model = with_trees(network, trees)
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(predict(again, offers), predict(model, offers))
    pd.testing.assert_frame_equal(predict(network_of(again), offers), predict(network, offers))
    assert network_of(network) is network


def test_onnx_runs_the_trees_to_the_last_leaf(
    encoder: Encoder, arrays: Arrays, trees: Trees, tmp_path: Path
) -> None:
    x = encoder.matrix(arrays)
    x = np.concatenate([x, *beside_thresholds(trees, x[:1])])
    inputs = keras.Input((x.shape[1],), name="x")
    model = keras.Model({"x": inputs}, {"logit": trees(inputs)})
    expected = model.predict({"x": x}, verbose=0)["logit"]
    model.export(tmp_path / "trees.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(str(tmp_path / "trees.onnx"))
    (found,) = session.run(None, {"x": x})
    np.testing.assert_allclose(found, expected, atol=1e-5)
