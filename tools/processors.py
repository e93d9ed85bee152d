"""Run every notebook as other processors would: under other kernels of OpenBLAS, then jittered.

A kernel that this machine cannot run is named and left out. The last run moves whatever is fitted
by a hundred-thousandth (`tests/jitter.py`), as a processor may for which no kernel is at hand.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
KERNELS = {
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "Prescott": {  # the oldest one, and neither NumPy nor TensorFlow uses what came after it
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    },
}
BLAS = "import numpy as np; x = np.ones((400, 400)); assert (x @ x == 400).all()"
PYTEST = (*("-m", "pytest", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "-q"),)


def run(name: str, notebooks: list[str], environment: dict[str, str]) -> bool:
    """Run the notebooks in an environment, and tell whether all of them passed."""
    print(f"== {name}", flush=True)
    command = [sys.executable, *PYTEST, *notebooks]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}).returncode == 0


def can_run(environment: dict[str, str]) -> bool:
    """Tell whether this machine can run a kernel."""
    command = [sys.executable, "-W", "ignore", "-c", BLAS]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True)
    return done.returncode == 0


def main(*notebooks: str) -> None:
    """Run the notebooks that are named, or all of them, under each kernel and jittered."""
    chosen = list(notebooks) or ["chapters", "appendix"]
    failed, left_out = [], []
    for name, environment in KERNELS.items():
        if not can_run(environment):
            left_out.append(name)
        elif not run(name, chosen, environment):
            failed.append(name)
    with tempfile.TemporaryDirectory() as folder:
        startup = Path(folder, "profile_default", "startup")
        startup.mkdir(parents=True)
        (startup / "start.py").write_text("import jitter\ndel jitter\n")
        path = os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
        if not run("jittered", chosen, {"IPYTHONDIR": folder, "PYTHONPATH": path}):
            failed.append("jittered")
    if left_out:
        print(f"This processor cannot run {', '.join(left_out)}.")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
