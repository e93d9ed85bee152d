"""Answers to the exercises of chapter 15, Deployment."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def waits(due: Floats, sent: Floats, took: Floats) -> Floats:
    """Solve exercise 1."""
    return sent + took - due


def encoded(values: Floats, column: Mapping[str, Any]) -> Floats:
    """Solve exercise 2."""
    filled = np.where(np.isnan(values), column["missing"], values)
    return np.log1p(filled) if column["log1p"] else filled


def filled_last(values: Floats, column: Mapping[str, Any]) -> Floats:
    """Take the logarithm too early."""
    shaped = np.log1p(values) if column["log1p"] else values
    return np.where(np.isnan(values), column["missing"], shaped)


def always_logged(values: Floats, column: Mapping[str, Any]) -> Floats:
    """Take every logarithm."""
    return encoded(values, {**column, "log1p": True})


def rounded(w: Floats) -> Floats:
    """Solve exercise 3."""
    step = np.abs(w).max() / 127
    return w if step == 0 else step * np.round(w / step)


def rounded_by_the_largest(w: Floats) -> Floats:
    """Forget that weights have signs."""
    step = w.max() / 127
    return step * np.round(w / step)


def rounded_without_care(w: Floats) -> Floats:
    """Divide by zero."""
    step = np.abs(w).max() / 127
    return step * np.round(w / step)


def most_lists(fixed: float, each: float, limit: float) -> int:
    """Solve exercise 4."""
    return max(0, int((limit / 2 - fixed) // each))


def version(files: dict[str, bytes]) -> str:
    """Solve exercise 5."""
    hashes = [(name, hashlib.sha256(files[name]).hexdigest()) for name in sorted(files)]
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()[:12]


def digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


RIGHT: list[tuple[int, Any]] = [
    (1, waits),
    (2, encoded),
    (3, rounded),
    (4, most_lists),
    (5, version),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "these 3 s", lambda due, sent, took: took),
    (1, "took time too", lambda due, sent, took: sent - due),
    (1, "had they come", lambda due, sent, took: sent + took),
    (2, "no nan", lambda values, column: np.log1p(values)),
    (2, "raw value", filled_last),
    (2, "log1p is false", always_logged),
    (3, "fixed step", lambda w: np.round(w * 127) / 127),
    (3, "the integers", lambda w: np.round(w / (np.abs(w).max() / 127))),
    (3, "may be negative", rounded_by_the_largest),
    (3, "stay zero", rounded_without_care),
    (4, "two calls", lambda a, b, limit: (limit - a) / b),
    (4, "two calls.", lambda a, b, limit: (limit - a) // b),
    (4, "twice the fixed time", lambda a, b, limit: (limit / 2 - a / 2) // b),
    (4, "answer is 0", lambda a, b, limit: (limit / 2 - a) // b),
    (5, "12 hexadecimal", lambda files: "version 1"),
    (5, "another order", lambda files: digits(repr(files).encode())),
    (5, "another byte", lambda files: digits(repr(sorted(files)).encode())),
    (5, "moves from one", lambda files: digits(b"".join(files[name] for name in sorted(files)))),
    (5, "another", lambda files: digits(repr([files[name] for name in sorted(files)]).encode())),
]
