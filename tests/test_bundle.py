"""Bundles: the file says what Keras says, and nothing damaged or foreign is ever served."""

import shutil
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coupon_rec._keras import keras
from coupon_rec.features import Arrays, Encoder
from coupon_rec.models import (
    COUPLINGS,
    OfferModel,
    boosted,
    coupled_model,
    load_model,
    predict,
    with_trees,
)
from coupon_rec.models.inputs import offer_model
from coupon_rec.odds import Platt
from coupon_rec.serving.bundle import exporting
from coupon_rec.serving.bundle.exporting import export
from coupon_rec.serving.bundle.manifest import BundleError, content, seal, verified
from coupon_rec.serving.bundle.scorer import Scorer

COUPLED = [name for name in COUPLINGS if name != "sum"]
KINDS = [
    ("linear", "features"),
    ("network", "features"),
    ("two_tower", "features"),
    ("two_tower", "both"),
    ("matrix_factorization", "features"),
    ("matrix_factorization", "ids"),
]
LINES = {"redeemed": Platt(-0.4, 0.9), "bought": Platt(0.1, 1.2)}


@pytest.fixture(scope="module")
def model(encoder: Encoder, arrays: Arrays, offers: pd.DataFrame) -> OfferModel:
    """An untrained network, with trees that have learned."""
    trees = boosted(encoder, arrays, offers["redeemed"], trees=20)
    return with_trees(coupled_model(encoder), trees)


def snapshot_of(folder: Path) -> None:
    folder.mkdir()
    (folder / "users.parquet").write_bytes(b"users")


@pytest.fixture(scope="module")
def exported(
    model: OfferModel, offers: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle with a calibration and a snapshot; not to be changed."""
    folder = tmp_path_factory.mktemp("exported") / "bundle"
    return export(model, folder, offers, calibration=LINES, snapshot=snapshot_of)


@pytest.fixture
def without_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures of the model card, which take a second; `exported` has them."""
    monkeypatch.setattr(exporting, "model_card", lambda *_: "")


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    """A copy of the bundle, to be damaged."""
    return Path(shutil.copytree(exported, tmp_path / "bundle"))


# What is exported


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "reads"),
    [(name, *kind) for name, kind in zip(cycle(COUPLED), KINDS, strict=False)],
)
def test_every_coupling_and_every_kind_is_served_as_keras_says(
    name: str, kind: str, reads: str, offers: pd.DataFrame, without_card: None, tmp_path: Path
) -> None:
    ids = ("user_id", "item_id")
    everything = Encoder.fit(offers, ids=ids)
    features = [array for array in everything.arrays if array not in ids]
    arrays = {"features": features, "ids": ids, "both": [*features, *ids]}
    encoder = everything.only(*arrays[reads])
    coupled_model(encoder, name, kind).save(tmp_path / "model.keras")
    model = load_model(tmp_path / "model.keras")
    folder = export(model, tmp_path / "bundle", offers)
    assert verified(folder)["differences"]["onnx"] <= 1e-5
    served = Scorer.load(folder).predict(encoder.encode(offers))["redeemed"]
    np.testing.assert_allclose(served, predict(model, offers)["redeemed"], atol=1e-5)


def test_a_version_changes_with_a_single_byte_and_not_with_the_clock(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    first = seal(tmp_path, {"created": "today"})
    (tmp_path / "manifest.json").unlink()
    assert seal(tmp_path, {"created": "tomorrow"}) == first
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "a").write_bytes(b"2")
    assert seal(tmp_path, {"created": "today"}) != first


# What is refused, with nothing left behind


@keras.saving.register_keras_serializable("tests")
class Sorted(keras.layers.Layer):
    """An operation of TensorFlow that ONNX has not, and that does nothing."""

    def call(self, x):
        import tensorflow as tf

        return x + 0 * tf.cast(tf.searchsorted(tf.sort(x[:, 0]), x[:, 0]), "float32")[:, None]


def changed(model: OfferModel, layer: keras.Layer) -> OfferModel:
    """Put a layer after the model's probability of redemption."""
    outputs = {**model.output, "redeemed": layer(model.output["redeemed"])}
    return offer_model(model.encoder, model.input, outputs, "changed")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda m: changed(m, Sorted()), BundleError, "cannot be exported as onnx"),
        (lambda m: changed(m, keras.layers.Rescaling(3.0, 0.5)), ValueError, "lies in \\[0, 1\\]"),
        (lambda m: keras.Model(m.input, m.output["redeemed"]), ValueError, "bought and redeemed"),
        (lambda m: keras.Model(m.input, m.output), ValueError, "how offers are encoded for it"),
    ],
    ids=["operation", "no probability", "one output", "no encoder"],
)
def test_a_model_that_cannot_be_served_is_refused_before_anything_is_written(
    make: Callable[[OfferModel], keras.Model],
    error: type[Exception],
    message: str,
    model: OfferModel,
    offers: pd.DataFrame,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=message):
        export(make(model), tmp_path / "bundle", offers)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_differs_from_keras_is_refused(
    model: OfferModel, offers: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = exporting._keras

    def off(model: keras.Model, arrays: Arrays) -> Arrays:
        return {name: np.maximum(p - 2e-5, 0) for name, p in right(model, arrays).items()}

    monkeypatch.setattr(exporting, "_keras", off)
    with pytest.raises(BundleError, match=r"model\.onnx: differs from Keras by up to 2e-05"):
        export(model, tmp_path / "bundle", offers)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_bundle_is_left_alone(
    model: OfferModel, offers: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    for place in (tmp_path / "letters", tmp_path / "letters" / "a.txt"):
        with pytest.raises(ValueError, match="is no bundle"):
            export(model, place, offers)
    assert (tmp_path / "letters" / "a.txt").read_text() == "dear"


# What a scorer says


def test_a_scorer_calibrates_and_keeps_the_order(
    exported: Path, model: OfferModel, offers: pd.DataFrame, arrays: Arrays
) -> None:
    scorer = Scorer.load(exported)
    assert scorer.encoder == model.encoder
    served, raw = scorer.predict(arrays), predict(model, offers)
    for name, line in LINES.items():
        assert served[name].dtype == "float64"
        np.testing.assert_allclose(served[name], line(raw[name]), atol=1e-5)


def test_scores_do_not_depend_on_who_else_is_scored(exported: Path, arrays: Arrays) -> None:
    scorer = Scorer.load(exported)
    together = scorer.predict(arrays)["redeemed"]
    for first, last in ((0, 1), (7, 8), (200, 201), (3, 5), (10, 17), (0, 131)):
        some = scorer.predict({name: array[first:last] for name, array in arrays.items()})
        assert (some["redeemed"] == together[first:last]).all()
    none = scorer.predict({name: array[:0] for name, array in arrays.items()})
    assert none["redeemed"].shape == (0,)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda arrays: {"user": arrays["user"]}, "reads 'item'"),
        (lambda arrays: arrays | {"match": arrays["match"][:, 1:]}, r"match is .* \(1440, 22\)"),
        (lambda arrays: arrays | {"item": arrays["item"] * np.nan}, "item is .* expected finite"),
    ],
)
def test_arrays_that_the_model_does_not_take_are_an_error_that_names_them(
    spoil: Callable[[Arrays], Arrays], message: str, exported: Path, arrays: Arrays
) -> None:
    with pytest.raises(ValueError, match=message):
        Scorer.load(exported).predict(spoil(arrays))


# Bundles that are not what was exported


@pytest.mark.parametrize("name", ["model.onnx", "snapshot/users.parquet", "MODEL_CARD.md"])
@pytest.mark.parametrize(
    "damage",
    [None, lambda whole: whole[:-1], lambda whole: whole[:-1] + bytes([whole[-1] ^ 1])],
    ids=["missing", "cut short", "changed"],
)
def test_a_damaged_file_is_named(
    name: str, damage: Callable[[bytes], bytes] | None, bundle: Path
) -> None:
    path = bundle / name
    whole = path.read_bytes()
    path.unlink()
    if damage is not None:
        path.write_bytes(damage(whole))
    with pytest.raises(BundleError, match=f"{name}: .*export it anew"):
        Scorer.load(bundle)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:20], "cut short or damaged"),
        (lambda _: "[]", "not the manifest of a bundle"),
        (lambda text: text.replace('"format": 1', '"format": 99'), "format 99.*update coupon_rec"),
        (lambda text: text.replace('"onnx":', '"onyx":'), "the version it names"),
    ],
)
def test_a_manifest_that_is_damaged_foreign_or_edited_is_refused(
    change: Callable[[str], str], message: str, bundle: Path
) -> None:
    path = bundle / "manifest.json"
    path.write_text(change(path.read_text()))
    with pytest.raises(BundleError, match=f"manifest.json: .*{message}"):
        Scorer.load(bundle)


def test_a_model_that_onnx_runtime_cannot_load_is_named(bundle: Path) -> None:
    (bundle / "model.onnx").write_text("no model")
    (bundle / "manifest.json").unlink()
    seal(bundle, {})
    with pytest.raises(BundleError, match=r"model\.onnx: ONNX Runtime cannot load it"):
        Scorer.load(bundle)


def test_a_file_of_another_bundle_is_seen_after_the_first_look(bundle: Path) -> None:
    manifest = verified(bundle)
    (bundle / "model.onnx").write_bytes(b"of the next bundle")
    with pytest.raises(BundleError, match="its content is not the one exported"):
        content(bundle, manifest, "model.onnx")


def test_a_snapshot_that_fails_leaves_the_old_bundle(
    model: OfferModel, offers: pd.DataFrame, bundle: Path, without_card: None
) -> None:
    before = verified(bundle)

    def fails(folder: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        export(model, bundle, offers, snapshot=fails)
    assert verified(bundle) == before
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_a_newer_bundle_takes_the_place_of_the_older(
    model: OfferModel, offers: pd.DataFrame, bundle: Path, without_card: None
) -> None:
    before = Scorer.load(bundle)
    export(model, bundle, offers)
    after = Scorer.load(bundle)
    assert after.version != before.version
    assert not (bundle / "snapshot").exists()
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]
