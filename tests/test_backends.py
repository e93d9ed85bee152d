"""One definition of the models gives the same numbers on each backend that is installed."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
MODELS = json.loads((HERE / "backends.json").read_text())["models"]


@pytest.fixture(scope="module", params=filter(find_spec, ("tensorflow", "jax", "torch")))
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the models give on a backend, from `backends.py`."""
    backend = request.param
    run = subprocess.run(
        [sys.executable, HERE / "backends.py"],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    printed = json.loads(run.stdout.splitlines()[-1])
    assert printed["backend"] == backend
    return printed["models"]


def test_outputs_are_those_of_tensorflow(found: dict[str, Any]) -> None:
    assert found.keys() == MODELS.keys()
    for name, stored in MODELS.items():
        for output in stored.keys() - {"losses"}:
            np.testing.assert_allclose(
                found[name][output], stored[output], atol=1e-5, err_msg=f"{name}: {output}"
            )


def test_a_few_steps_lower_the_loss(found: dict[str, Any]) -> None:
    trained = {name: result["losses"] for name, result in found.items() if "losses" in result}
    assert len(trained) == 3
    for name, losses in trained.items():
        assert np.isfinite(losses).all(), name
        assert losses[-1] < losses[0], name
