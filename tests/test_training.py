"""A coupled model learns, keeps its best epoch, and comes back whole from a file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coupon_rec.features import FEATURES, build_offers
from coupon_rec.market import load_market
from coupon_rec.models import coupled_model, load_model, predict
from coupon_rec.training import Examples, examples, fit

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


@pytest.fixture(scope="module")
def offers() -> pd.DataFrame:
    """The sample's offers, with labels that depend on two features in a known way."""
    table = build_offers(load_market(SAMPLE)).to_pandas()
    table = pd.concat([table] * (4000 // len(table) + 1), ignore_index=True)
    random = np.random.default_rng(0)
    for name in ("match_rank", "item_popularity_rank"):
        table[name] = random.random(len(table)).astype("float32")
    table["bought"] = random.random(len(table)) < table["match_rank"]
    table["redeemed"] = table["bought"] & (random.random(len(table)) < 0.5)
    return table


@pytest.fixture(scope="module")
def parts(offers: pd.DataFrame) -> tuple[Examples, Examples]:
    return examples(offers[::2]), examples(offers[1::2])


def test_outputs_are_probabilities_and_redeeming_is_rarer_than_buying(
    offers: pd.DataFrame, parts: tuple[Examples, Examples]
) -> None:
    p = predict(coupled_model(parts[0][0]), offers)
    assert ((p >= 0) & (p <= 1)).all(axis=None)
    assert (p["redeemed"] <= p["bought"]).all()


def test_fit_learns_what_the_labels_depend_on(
    offers: pd.DataFrame, parts: tuple[Examples, Examples]
) -> None:
    model = coupled_model(parts[0][0])
    fit(model, *parts, epochs=12, batch_size=256, learning_rate=0.01)
    p = predict(model, offers)
    truth = offers["match_rank"]
    assert np.corrcoef(p["bought"], truth)[0, 1] > 0.8
    assert abs(p["redeemed"].mean() - offers["redeemed"].mean()) < 0.05


def test_fit_keeps_the_epoch_that_validates_best(parts: tuple[Examples, Examples]) -> None:
    model = coupled_model(parts[0][0], dropout=0.0)
    history = fit(model, *parts, epochs=15, batch_size=64, learning_rate=0.03, patience=2)
    kept = model.evaluate(*parts[1], batch_size=512, verbose=0, return_dict=True)
    assert len(history) < 15
    assert kept["redeemed_log_loss"] == pytest.approx(
        history["val_redeemed_log_loss"].min(), abs=1e-4
    )


def test_one_seed_gives_one_model(parts: tuple[Examples, Examples]) -> None:
    losses = []
    for seed in (3, 3, 4):
        model = coupled_model(parts[0][0], seed=seed)
        losses.append(fit(model, *parts, epochs=1, seed=seed)["val_redeemed_log_loss"].iloc[0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-5)


def test_the_purchase_model_does_not_read_the_coupon(
    offers: pd.DataFrame, parts: tuple[Examples, Examples]
) -> None:
    model = coupled_model(parts[0][0])
    coupon = [feature.name for feature in FEATURES if feature.group == "coupon"]
    other = offers.assign(campaign_type="C", department="DELI", **dict.fromkeys(coupon, 3.0))
    before, after = predict(model, offers), predict(model, other)
    pd.testing.assert_series_equal(before["bought"], after["bought"])
    assert not np.allclose(before["redeemed"], after["redeemed"])


def test_a_saved_model_predicts_the_same(
    offers: pd.DataFrame, parts: tuple[Examples, Examples], tmp_path: Path
) -> None:
    model = coupled_model(parts[0][0])
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(predict(loaded, offers), predict(model, offers))


def test_loading_says_what_is_wrong_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no model at"):
        load_model(tmp_path / "absent.keras")
