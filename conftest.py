"""Settings of the notebook tests: what of a stored output has to come out again, and how exactly.

Everything but standard error does, to the letter. A cell tagged `trained` shows what a trained
network says, which differs in the last digits from one processor to the next: its decimals have
to come out within a tolerance, and everything else of it to the letter.
"""

import math
import os
import re
from typing import Any

import pytest
from nbval.plugin import IPyNbCell

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TQDM_DISABLE", "1")

DECIMAL = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")


def pytest_collectstart(collector: Any) -> None:
    """Let nbval compare everything a notebook shows except its standard error."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Compare the decimals of cells tagged `trained` within the tolerance."""
    for item in items:
        if isinstance(item, IPyNbCell) and "trained" in item.cell.metadata.get("tags", ()):
            item.compare_outputs = within_tolerance(item.compare_outputs)


def within_tolerance(compare: Any) -> Any:
    """Wrap nbval's comparison: close decimals are replaced by the stored ones first."""

    def compare_outputs(test: list[Any], stored: list[Any], **options: Any) -> Any:
        for new, old in zip(test, stored, strict=False):
            if "text" in new and "text" in old:
                new["text"] = snap(new["text"], old["text"])
            for kind, text in new.get("data", {}).items():
                reference = old.get("data", {}).get(kind)
                if isinstance(text, str) and isinstance(reference, str):
                    new["data"][kind] = snap(text, reference)
        return compare(test, stored, **options)

    return compare_outputs


def tolerance(stored: str, scores: bool) -> dict[str, float]:
    """Say how far from a stored decimal a new one may be.

    A score may move with its size, and by a digit in its last place. A difference of scores may
    not be held to its own size, which is often that of the noise.
    """
    size = abs(float(stored))
    if not scores or size >= 1:
        return {"rel_tol": 0.2, "abs_tol": 0.03}
    if size >= 0.1:
        return {"rel_tol": 0.0, "abs_tol": 0.03}
    last_place = 10.0 ** -len(stored.partition(".")[2])
    return {"rel_tol": 0.3, "abs_tol": max(0.005, 1.01 * last_place)}


def snap(text: str, reference: str) -> str:
    """Replace each decimal of a text by the reference's, where the two are close.

    Several decimals without a negative one among them are taken for scores. Spaces are the
    reference's as well if nothing else differs: a minus sign moves a column.
    """
    decimals = DECIMAL.findall(reference)
    scores = len(decimals) > 1 and not any(stored.startswith("-") for stored in decimals)
    wanted = iter(decimals)

    def closest(found: re.Match[str]) -> str:
        stored = next(wanted, found[0])
        close = math.isclose(float(found[0]), float(stored), **tolerance(stored, scores))
        return stored if close else found[0]

    snapped = DECIMAL.sub(closest, text)
    return reference if snapped.split() == reference.split() else snapped
