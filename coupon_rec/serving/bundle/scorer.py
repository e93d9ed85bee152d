"""A scorer of offers: the ONNX model of a bundle, calibrated, without TensorFlow."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from coupon_rec.features.encoder import LABELS, Encoder
from coupon_rec.odds import Platt
from coupon_rec.serving.bundle.manifest import (
    FRESH,
    PLATFORMS,
    BundleError,
    content,
    platform_file,
    verified,
    version_of,
)


class UnknownPlatform(ValueError):
    """A platform that has no model in the bundle."""


BLOCK = 12
"""Offers that a processor multiplies together, or 3, 4 or 6 of them. What is left over at the end
is rounded another way, so a run is filled up: no offer's score depends on who else is scored."""
AT_ONCE = 21 * BLOCK
"""So many offers go through the model in one run: more of them leave the processor's cache, and
each takes twice as long."""
WEIGHTS = "session.model_external_initializers_file_folder_path"


@dataclass(frozen=True)
class Scorer:
    """The probabilities of offers; safe to call from several threads at once.

    Attributes
    ----------
    version : str
        Of the bundle.
    session : onnxruntime.InferenceSession
        The model.
    encoder : coupon_rec.features.Encoder
        What turns offers into the arrays that the model reads.
    calibration : dict of str to Platt
        Of each output.
    platforms : dict of str to Scorer
        Of the platforms that have a model of their own, by name.
    """

    version: str
    session: Any
    encoder: Encoder
    calibration: dict[str, Platt]
    platforms: dict[str, "Scorer"] = field(default_factory=dict)

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
        if "shard" in manifest:
            raise BundleError(f"{folder}: a part of a bundle, which only version 1 serves; {FRESH}")

        def read(name: str) -> Any:
            return json.loads(content(folder, manifest, name))

        def opened(name: str) -> Any:
            model = content(folder, manifest, name)
            try:
                return open_model(model)
            except Exception as error:  # those of ONNX Runtime have no class of their own
                raise BundleError(
                    f"{folder / name}: ONNX Runtime cannot load it ({error}); {FRESH}"
                ) from error

        encoder, lines = Encoder.from_dict(read("schema.json")), _lines(read("calibration.json"))
        base = cls(version_of(manifest), opened("model.onnx"), encoder, lines)
        given = read(PLATFORMS) if PLATFORMS in manifest["files"] else {}
        platforms: dict[str, Scorer] = {
            name: replace(base, session=opened(platform_file(name)), calibration=_lines(its_lines))
            for name, its_lines in given.items()
        }
        return replace(base, platforms=platforms)

    def on(self, platform: str | None) -> "Scorer":
        """Give the scorer of a platform; this one, if none is named.

        Raises
        ------
        UnknownPlatform
            If the bundle has no model of that name. It is not answered by another platform's:
            that would promise what nobody has checked.
        """
        if platform is None:
            return self
        if platform not in self.platforms:
            there = ", ".join(self.platforms) or "none"
            raise UnknownPlatform(
                f"no model for platform {platform!r}; there is one for: {there}. Leave the "
                "platform out to be answered by the model of all others"
            )
        return self.platforms[platform]

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
        checked = self._checked(arrays)
        rows = len(next(iter(checked.values())))

        def run(at: int) -> list[NDArray[Any]]:
            some = {name: _filled(array[at : at + AT_ONCE]) for name, array in checked.items()}
            return [part[: rows - at] for part in self.session.run(outputs, some)]

        starts = range(0, max(rows, 1), AT_ONCE)
        scored = [*(map(run, starts) if len(starts) == 1 else _threads().map(run, starts))]
        return {
            name: self.calibration[name](np.concatenate(parts)[:, 0])
            for name, *parts in zip(outputs, *scored, strict=True)
        }

    def _checked(self, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        rows = len(next(iter(arrays.values()), ()))
        for name, width in self.encoder.arrays.items():
            if name not in arrays:
                raise ValueError(f"the model reads {name!r}; there are {sorted(arrays)}")
            array = arrays[name]
            dtype = np.dtype("float32" if name in self.encoder.numbers else "int32")
            if array.shape != (rows, width) or array.dtype != dtype or not np.isfinite(array).all():
                raise ValueError(
                    f"{name} is {array.dtype} of shape {array.shape}: expected finite {dtype} of "
                    f"shape ({rows}, {width}), as the encoder of the bundle gives it"
                )
        return {name: arrays[name] for name in self.encoder.arrays}


def _filled(array: NDArray[Any]) -> NDArray[Any]:
    """Repeat the last row until all blocks are full."""
    return np.concatenate([array, array[-1:].repeat(-len(array) % BLOCK, axis=0)])


@cache
def _threads() -> ThreadPoolExecutor:
    """One for each core that this process may use: the model runs outside Python's lock."""
    return ThreadPoolExecutor(joblib.cpu_count())


def _lines(calibration: dict[str, Any]) -> dict[str, Platt]:
    return {name: Platt(**line) for name, line in calibration.items()}


def open_model(model: bytes) -> Any:
    """Open an ONNX model for small batches: one thread answers sooner than two that must meet."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    # A model may name files that hold its weights; the manifest seals none but its own, so it gets
    # none: it would find them from the folder in which the process was started.
    options.add_session_config_entry(WEIGHTS, os.path.join(os.devnull, "none"))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
