"""A scorer of offers: the ONNX model of a bundle, calibrated, without TensorFlow."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from coupon_rec.features.encoder import LABELS, Encoder
from coupon_rec.odds import Platt
from coupon_rec.serving.bundle.manifest import FRESH, BundleError, content, verified, version_of


@dataclass(frozen=True)
class Scorer:
    """The probabilities of offers; safe to call from several threads at once.

    Attributes
    ----------
    version : str
        Of the bundle; a part of one has that of the whole.
    session : onnxruntime.InferenceSession
        The model.
    encoder : coupon_rec.features.Encoder
        What turns offers into the arrays that the model reads.
    calibration : dict of str to Platt
        Of each output.
    shard : tuple of int, or None
        Of a part of a bundle, its place from 0 on, and how many there are.
    """

    version: str
    session: Any
    encoder: Encoder
    calibration: dict[str, Platt]
    shard: tuple[int, int] | None = None

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Load a bundle after a look at every byte of it.

        Parameters
        ----------
        folder : str or pathlib.Path
            As `coupon_rec.serving.bundle.exporting.export` wrote it.

        Raises
        ------
        BundleError
            If a file is missing, damaged or of another version.
        """
        folder = Path(folder)
        manifest = verified(folder)
        schema = json.loads(content(folder, manifest, "schema.json"))
        calibration = json.loads(content(folder, manifest, "calibration.json"))
        try:
            encoder = Encoder.from_dict(schema)
        except ValueError as error:
            raise BundleError(f"{folder / 'schema.json'}: {error}; {FRESH}") from error
        try:
            session = open_model(content(folder, manifest, "model.onnx"))
        except Exception as error:  # those of ONNX Runtime have no class of their own
            raise BundleError(
                f"{folder / 'model.onnx'}: ONNX Runtime cannot load it ({error}); {FRESH}"
            ) from error
        return cls(
            version_of(manifest),
            session,
            encoder,
            {name: Platt(**line) for name, line in calibration.items()},
            tuple(manifest["shard"]) if "shard" in manifest else None,
        )

    def predict(
        self, arrays: dict[str, NDArray[Any]], outputs: Sequence[str] = LABELS
    ) -> dict[str, NDArray[np.float64]]:
        r"""Predict the probabilities of n offers.

        Parameters
        ----------
        arrays : dict of str to numpy.ndarray
            As `encoder.encode` gives them, each of shape (n, columns); more arrays
            than the model reads do no harm.
        outputs : sequence of str
            `bought`, `redeemed`, or both.

        Returns
        -------
        dict of str to numpy.ndarray
            The outputs, float64 of shape (n,), within [0, 1], calibrated.

        Raises
        ------
        ValueError
            If an array is missing, has another shape or type, or holds a number that is not
            finite.

        Notes
        -----
        sigma(intercept + slope logit p): equation `eq-served`.
        """
        found = self.session.run(outputs, self._checked(arrays))
        return {
            name: self.calibration[name](p[:, 0]) for name, p in zip(outputs, found, strict=True)
        }

    def _checked(self, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        rows = len(next(iter(arrays.values()), ()))
        for name, width in self.encoder.arrays.items():
            dtype = np.dtype("float32" if name in self.encoder.numbers else "int32")
            if name not in arrays:
                raise ValueError(f"the model reads {name!r}; there are {sorted(arrays)}")
            array = arrays[name]
            if array.shape != (rows, width) or array.dtype != dtype:
                raise ValueError(
                    f"{name} is {array.dtype} of shape {array.shape}: expected {dtype} of shape "
                    f"({rows}, {width}), as the encoder of the bundle gives it"
                )
            if not np.isfinite(array).all():
                row, column = np.argwhere(~np.isfinite(array))[0]
                raise ValueError(
                    f"{name} has a number that is not finite: row {row}, column {column}"
                )
        return {name: arrays[name] for name in self.encoder.arrays}


def open_model(model: bytes) -> Any:
    """Open an ONNX model for small batches: one thread answers sooner than two that must meet."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
