"""Export a fitted model as a bundle: one folder with everything that a service needs."""

import json
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec._keras import keras, quiet
from coupon_rec.features import LABELS, Arrays
from coupon_rec.models import OfferModel, Trees, inputs_of
from coupon_rec.odds import Platt
from coupon_rec.serving.bundle.cards import data_card, model_card
from coupon_rec.serving.bundle.manifest import NAME, PLATFORMS, BundleError, platform_file, seal
from coupon_rec.serving.bundle.scorer import Scorer, open_model

NAMES = re.compile("[a-z0-9_-]{1,40}")
ROWS = 10_000
TOLERANCE = 1e-5
PACKAGES = ("keras", "tensorflow", "onnx", "onnxruntime", "tf2onnx", "numpy")
OUTPUTS = {
    "bought": "p(a): the user buys one of the coupon's items while it is valid",
    "redeemed": "p(a, r): the user redeems the coupon",
}


def export(
    model: OfferModel,
    folder: str | Path,
    offers: pd.DataFrame,
    *,
    calibration: Mapping[str, Platt] | None = None,
    snapshot: Callable[[Path], object] | None = None,
    platforms: Mapping[str, OfferModel] | None = None,
) -> Path:
    """Write a bundle: the model as ONNX, and all that is known about it.

    The file is compared with Keras on 10,000 rows of the offers (which are repeated if there are
    fewer). The folder gets its name when all is complete; a bundle that has that name already is
    replaced then.

    Parameters
    ----------
    model : OfferModel
        As `coupon_rec.models.coupled_model` builds it, fitted, or as `with_trees` gives it.
    folder : str or pathlib.Path
        The bundle to write.
    offers : pandas.DataFrame
        Offers with their labels on which the model is checked and measured, such as those of the
        validation campaigns.
    calibration : dict of str to Platt, optional
        A recalibration of `redeemed`, of `bought`, or of both, from
        `coupon_rec.evaluation.platt` on offers that the model was not trained on.
    snapshot : callable, optional
        Writes the features' snapshot as the folder that it is given, which is not there yet.
    platforms : dict of str to OfferModel, optional
        Models of single platforms, such as `coupon_rec.models.adapted` makes them of `model`, by
        the name that a request gives: "phone". Each brings its own `calibration`. A request that
        names none is answered by `model`.

    Returns
    -------
    pathlib.Path
        The folder: `manifest.json`, `model.onnx`, `schema.json`, `calibration.json`,
        `MODEL_CARD.md`, `DATA_CARD.md` and, if asked for, `snapshot/`, `platforms.json` and a
        `platforms/NAME.onnx` for each.

    Raises
    ------
    BundleError
        If a model cannot be written, or its file differs from Keras by more than 1e-5; nothing is
        left then.
    ValueError
        If the model does not give probabilities of `bought` and `redeemed`, a column that it
        reads is missing, the folder holds something else than a bundle, or a platform has a name
        that is no name or a model that reads other arrays.
    """
    folder, platforms = Path(folder), platforms or {}
    arrays = _checked(model, folder, offers)
    _check_platforms(model, platforms)
    rows = np.resize(np.random.default_rng(0).permutation(len(offers)), ROWS)
    sample = {name: array[rows] for name, array in arrays.items()}
    lines = _lines(calibration or {})
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        draft = Path(temporary, "bundle")
        draft.mkdir()
        differences = {"onnx": _write_model(model, draft / "model.onnx", sample)}
        if platforms:
            (draft / "platforms").mkdir()
            described = {name: _lines(each.calibration) for name, each in platforms.items()}
            _write_json(draft / PLATFORMS, described)
        for name, each in platforms.items():
            path = draft / platform_file(name)
            differences[f"onnx, {name}"] = _write_model(each, path, sample)
        _write_json(draft / "schema.json", {**model.encoder.to_dict(), "outputs": OUTPUTS})
        _write_json(draft / "calibration.json", lines)
        p = Platt(**lines["redeemed"])(_keras(model, arrays)["redeemed"])
        facts = _facts(model) | {"difference of the file from Keras": f"{differences['onnx']:.1e}"}
        (draft / "MODEL_CARD.md").write_text(model_card(offers, p, facts), encoding="utf-8")
        (draft / "DATA_CARD.md").write_text(data_card(offers), encoding="utf-8")
        if snapshot:
            snapshot(draft / "snapshot")
        packages = {name: version(name) for name in ("coupon-rec", *PACKAGES)}
        created = datetime.now(UTC).isoformat(timespec="seconds")
        seal(draft, {"created": created, "packages": packages, "differences": differences})
        Scorer.load(draft)
        if folder.exists():
            folder.rename(Path(temporary, "replaced"))
        draft.rename(folder)
    return folder


def _checked(model: OfferModel, folder: Path, offers: pd.DataFrame) -> Arrays:
    """Give the arrays of the offers, if the model, the folder and the offers are as they must."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError("export needs Keras on TensorFlow: set KERAS_BACKEND=tensorflow")
    outputs = getattr(model, "output", None)
    if not isinstance(outputs, dict) or set(outputs) != set(LABELS):
        raise ValueError(
            f"the model gives {outputs}: expected a dict with the outputs bought and redeemed, as "
            "`coupon_rec.models.coupled_model` builds it"
        )
    there = [path.name for path in folder.iterdir()] if folder.is_dir() else [folder.name]
    if folder.exists() and there and NAME not in there:
        raise ValueError(f"{folder} is there and is no bundle: name another folder, or delete it")
    if offers.empty:
        raise ValueError("there are no offers to check the model on: pass some, with labels")
    return inputs_of(model, offers)


def _check_platforms(model: OfferModel, platforms: Mapping[str, OfferModel]) -> None:
    for name, each in platforms.items():
        if not NAMES.fullmatch(name):
            raise ValueError(
                f"platform {name!r}: a name is 1 to 40 of the characters a-z, 0-9, _ and -"
            )
        if not isinstance(each, OfferModel) or set(each.output) != set(LABELS):
            raise ValueError(f"platform {name}: not a model of {' and '.join(LABELS)}")
        if each.encoder != model.encoder:
            raise ValueError(
                f"platform {name}: its model encodes offers in another way than the bundle's; "
                "make it of that one, by `coupon_rec.models.adapted` or the command `adapt`"
            )


def _lines(calibration: Mapping[str, Platt]) -> dict[str, dict[str, float]]:
    """The recalibration of each output, as JSON knows it."""
    return {label: asdict(calibration.get(label, Platt())) for label in LABELS}


def _write_model(model: keras.Model, path: Path, sample: Arrays) -> float:
    """Write a model as ONNX, and give the largest difference from Keras."""
    expected = _keras(model, sample)
    for name, p in expected.items():
        if not ((p >= 0) & (p <= 1)).all():
            raise ValueError(
                f"the model's {name} ranges from {p.min():.3g} to {p.max():.3g}: a probability "
                "lies in [0, 1]; choose another coupling"
            )
    try:
        with quiet(), warnings.catch_warnings(action="ignore"):
            model.export(path, format="onnx", verbose=False)
        predicted = open_model(path.read_bytes()).run(list(LABELS), sample)
    except Exception as error:  # the converter raises many
        raise BundleError(
            f"{path.name}: the model cannot be exported as onnx ({type(error).__name__}: "
            f"{error}); build it from layers and operations that onnx has"
        ) from error
    apart = [
        np.abs(p[:, 0] - expected[name]).max() for name, p in zip(LABELS, predicted, strict=True)
    ]
    largest = float(np.max(apart))
    if not largest <= TOLERANCE:
        raise BundleError(
            f"{path.name}: differs from Keras by up to {largest:.2g} on {ROWS:,} offers, more than "
            f"{TOLERANCE:g}; the converter does not compute what the model does"
        )
    return largest


def _keras(model: keras.Model, arrays: Arrays) -> Arrays:
    predicted = model.predict(arrays, batch_size=ROWS, verbose=0)
    return {name: np.asarray(predicted[name], "float64")[:, 0] for name in LABELS}


def _facts(model: keras.Model) -> dict[str, object]:
    """Describe the model in lines of a table."""
    trees = [layer for layer in model.layers if isinstance(layer, Trees)]
    return {
        "model": model.name,
        "coupling": type(model.get_layer("redeemed")).__name__,
        "reads": ", ".join(model.input),
        "parameters": f"{model.count_params():,}",
        "trees": ", ".join("{} of at most {} leaves".format(*t.values.shape) for t in trees),
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
