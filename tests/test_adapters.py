"""Adapters leave the model alone, begin as it, train little, and are served by platform."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coupon_rec._keras import keras
from coupon_rec.features import Arrays, Encoder
from coupon_rec.models import (
    OfferModel,
    adapted,
    coupled_model,
    head_only,
    load_model,
    logits,
    new_head,
    predict,
    purchase_model,
)
from coupon_rec.odds import Platt
from coupon_rec.serving.bundle import exporting
from coupon_rec.serving.bundle.exporting import export
from coupon_rec.serving.bundle.manifest import BundleError, verified
from coupon_rec.serving.bundle.scorer import Scorer

pytestmark = pytest.mark.slow

PLATFORM_LINES = {"redeemed": Platt(-0.7, 1.1)}


@pytest.fixture(scope="module")
def encoder(offers: pd.DataFrame) -> Encoder:
    return Encoder.fit(offers, ids=("user_id",))


@pytest.fixture(scope="module")
def arrays(encoder: Encoder, offers: pd.DataFrame) -> Arrays:
    return encoder.encode(offers)


@pytest.fixture(scope="module")
def model(encoder: Encoder) -> OfferModel:
    return coupled_model(encoder)


def shaken(model: keras.Model, seed: int = 0) -> keras.Model:
    """Move every weight that training would move."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(np.array(weight) + 0.1 * rng.standard_normal(weight.shape))
    return model


@pytest.mark.parametrize("copied", [adapted, head_only])
def test_a_copy_says_to_the_bit_what_the_model_says_until_it_is_trained(
    copied: Callable[..., OfferModel], model: OfferModel, offers: pd.DataFrame
) -> None:
    assert predict(copied(model), offers).equals(predict(model, offers))


@pytest.mark.parametrize("copied", [adapted, head_only])
def test_training_a_copy_moves_no_bit_of_the_model(
    copied: Callable[..., OfferModel], model: OfferModel, offers: pd.DataFrame
) -> None:
    before = predict(model, offers)
    moved = predict(shaken(copied(model)), offers)
    assert not moved.equals(before)
    assert predict(model, offers).equals(before)


def test_adapting_the_redemption_leaves_the_purchase_as_it_is(
    model: OfferModel, offers: pd.DataFrame, arrays: Arrays
) -> None:
    moved = shaken(adapted(model, factors=["redeemed_if_bought"]))
    before, after = predict(model, offers), predict(moved, offers)
    assert after["bought"].equals(before["bought"])
    assert not after["redeemed"].equals(before["redeemed"])
    moved = shaken(adapted(model, factors=["bought"]))
    assert not np.array_equal(logits(moved, arrays), logits(model, arrays))


def test_a_saved_adapter_is_loaded_as_part_of_its_model(
    model: OfferModel, offers: pd.DataFrame, tmp_path: Path
) -> None:
    phone = shaken(adapted(model))
    phone.save(tmp_path / "phone.keras")
    loaded = predict(load_model(tmp_path / "phone.keras"), offers)
    np.testing.assert_allclose(loaded, predict(phone, offers), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda model: adapted(model, rank=0), "1 or more"),
        (lambda model: adapted(model, factors=["redeemed"]), "name some of bought"),
        (lambda model: adapted(adapted(model)), "adapters already"),
        (lambda model: new_head(model, "purchase_2", "read", rate=1.0), "between 0 and 1"),
    ],
)
def test_what_cannot_be_adapted_is_refused_with_a_reason(
    make: Callable[[OfferModel], object], words: str, model: OfferModel
) -> None:
    with pytest.raises(ValueError, match=words):
        make(model)


# In a bundle


@pytest.fixture(scope="module")
def phone(model: OfferModel) -> OfferModel:
    found: OfferModel = shaken(adapted(model))
    found.calibration = PLATFORM_LINES
    return found


@pytest.fixture(scope="module")
def folders(
    model: OfferModel,
    phone: OfferModel,
    offers: pd.DataFrame,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Path]:
    """A bundle without a platform, and one of the same model with a phone."""
    folder = tmp_path_factory.mktemp("platforms")
    with pytest.MonkeyPatch.context() as only:
        only.setattr(exporting, "model_card", lambda *_: "")
        plain = export(model, folder / "plain", offers)
        return plain, export(model, folder / "both", offers, platforms={"phone": phone})


def test_the_web_gets_to_the_bit_what_it_got_before_there_was_a_phone(
    folders: tuple[Path, Path], arrays: Arrays
) -> None:
    before, after = (Scorer.load(folder).predict(arrays) for folder in folders)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_each_platform_is_served_as_keras_computes_it(
    folders: tuple[Path, Path], model: OfferModel, phone: OfferModel, offers: pd.DataFrame
) -> None:
    scorer = Scorer.load(folders[1])
    arrays = model.encoder.encode(offers)
    for platform, each in ((None, model), ("phone", phone)):
        wanted = predict(each, offers)
        line = each.calibration.get("redeemed", Platt())
        served = scorer.on(platform).predict(arrays)
        np.testing.assert_allclose(served["bought"], wanted["bought"], atol=1e-6)
        np.testing.assert_allclose(served["redeemed"], line(wanted["redeemed"]), atol=1e-6)
    assert max(verified(folders[1])["differences"].values()) <= 1e-6


def test_a_damaged_model_of_a_platform_is_never_loaded(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(folders[1], tmp_path / "bundle"))
    (copy / "platforms" / "phone.onnx").write_bytes(b"")
    with pytest.raises(BundleError, match=r"phone\.onnx"):
        Scorer.load(copy)


@pytest.mark.parametrize("name", ["Phone", "../phone", "", "a b"])
def test_a_platform_needs_a_name(
    name: str, model: OfferModel, phone: OfferModel, offers: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="a name is 1 to 40"):
        export(model, tmp_path / "bundle", offers, platforms={name: phone})


def test_a_platform_must_read_offers_as_the_bundle_does(
    model: OfferModel, offers: pd.DataFrame, tmp_path: Path
) -> None:
    other = coupled_model(Encoder.fit(offers))
    with pytest.raises(ValueError, match="in another way"):
        export(model, tmp_path / "bundle", offers, platforms={"phone": other})
    bought = purchase_model(model.encoder)
    with pytest.raises(ValueError, match="bought and redeemed"):
        export(model, tmp_path / "bundle", offers, platforms={"phone": bought})
