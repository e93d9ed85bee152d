"""Import Keras without the start-up lines of TensorFlow's C++ code on stderr.

Keras computes on TensorFlow, or on what the environment variable `KERAS_BACKEND` names: `jax` or
`torch`. TensorFlow is imported only with its own backend, or for a module that asks for `tf`.
"""

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

from coupon_rec._extras import need

__all__ = ["keras", "quiet", "seeded", "tf"]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def quiet() -> Iterator[None]:
    """Lose what is written to stderr meanwhile, by C++ code as well."""
    stderr = os.dup(2)
    with open(os.devnull, "w") as silence:
        os.dup2(silence.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _quietly(name: str) -> Any:
    if name in sys.modules:
        return sys.modules[name]
    with quiet():
        module = import_module(name)
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.get_logger().setLevel("ERROR")  # or it takes each export and model for news
    return module


need("keras", "train")
_quietly("keras")
import keras  # noqa: E402


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Keras, and leave the global generators of Python and NumPy as they were.

    Keras draws the seeds of layers from Python's generator, so that one has to be seeded meanwhile.
    """
    before, before_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(before_numpy)  # noqa: NPY002


def __getattr__(name: str) -> Any:
    if name == "tf":
        return _quietly("tensorflow")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
