"""A monotone model keeps its promises, whatever its weights are, in every format."""

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from coupon_rec.features import Encoder
from coupon_rec.models import (
    PROMISES,
    OfferModel,
    boosted,
    load_model,
    monotone_model,
    predict,
    with_trees,
)
from coupon_rec.training import examples, fit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(encoder: Encoder, offers: pd.DataFrame) -> OfferModel:
    """Trained for a moment on the sample, with trees that keep the same promises."""
    learn = examples(offers, encoder)
    network = monotone_model(encoder, units=(16, 8), seed=3)
    fit(network, learn, learn, epochs=2, learning_rate=0.01, batch_size=256)
    arrays, labels = learn
    trees = boosted(encoder, arrays, labels["redeemed"], promises=PROMISES, evidence=1)
    return with_trees(network, trees)


def broken(model: OfferModel, offers: pd.DataFrame, name: str, sign: int) -> float:
    """The share of offers whose probabilities move against a promise, at steps of any size."""
    before, worst = predict(model, offers), 0.0
    for step in (0.01, 0.3, 2.0, 40.0):
        moved = offers[name] + step if sign > 0 else (offers[name] - step).clip(lower=0)
        after = predict(model, offers.assign(**{name: moved}))
        worst = max(worst, float((after < before * (1 - 1e-5)).to_numpy().mean()))
    return worst


@pytest.mark.parametrize(("name", "sign"), PROMISES.items())
def test_no_offer_breaks_a_promise(
    model: OfferModel, offers: pd.DataFrame, name: str, sign: int
) -> None:
    assert broken(model, offers.sample(300, random_state=0), name, sign) == 0


def test_what_is_promised_nothing_may_move_either_way(
    model: OfferModel, offers: pd.DataFrame
) -> None:
    some = offers.sample(300, random_state=0)
    before = predict(model, some)["redeemed"]
    after = predict(model, some.assign(user_trips_per_week=some["user_trips_per_week"] + 2))
    assert (after["redeemed"] < before).any()


def test_it_is_saved_loaded_and_exported_as_it_is(
    model: OfferModel, offers: pd.DataFrame, tmp_path: Path
) -> None:
    some = offers.head(100)
    p = predict(model, some)
    model.save(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(predict(load_model(tmp_path / "model.keras"), some), p)
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    found = session.run(["redeemed"], model.encoder.encode(some))[0][:, 0]
    np.testing.assert_allclose(found, p["redeemed"], atol=1e-5)


@pytest.mark.parametrize(
    ("promises", "problem"),
    [
        ({"match_luck": 1}, "'match_luck' is promised something, and is no number"),
        ({"match_recency": 2}, "the promise of match_recency is 2: expected 1 or -1"),
    ],
)
def test_a_promise_that_cannot_be_made_is_refused(
    encoder: Encoder, promises: dict[str, int], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        monotone_model(encoder, promises)
