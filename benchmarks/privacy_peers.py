"""Epsilons by dp-accounting's numerical accountant, stored for `privacy.py` to stand beside.

It needs older packages than the book, so it runs in an environment of its own:

    python -m venv .venv-dp && .venv-dp/bin/pip install dp-accounting==0.6.0
    .venv-dp/bin/python benchmarks/privacy_peers.py
    .venv/bin/python benchmarks/privacy.py accountants
"""

import json
from importlib.metadata import version

import dp_accounting
from dp_accounting.pld.pld_privacy_accountant import PLDAccountant
from machine import RESULTS

DELTA = 1e-4
CASES = (
    *((noise, 1.0, steps) for noise, steps in ((4, 1), (10, 40), (20, 40), (30, 40), (30, 60))),
    *((noise, 0.05, 200) for noise in (1, 2, 4)),
    *((noise, 0.1, 100) for noise in (1, 2, 4)),
    (1, 0.01, 1000),
    (8, 0.2, 200),
)


def epsilon(noise: float, rate: float, steps: int) -> float:
    """Give epsilon of so many steps, by privacy loss distributions."""
    step = dp_accounting.GaussianDpEvent(noise)
    if rate < 1:
        step = dp_accounting.PoissonSampledDpEvent(rate, step)
    accountant = PLDAccountant()
    accountant.compose(step, steps)
    return float(accountant.get_epsilon(DELTA))


if __name__ == "__main__":
    names = ("noise", "rate", "steps")
    peer = {"delta": DELTA, "dp-accounting": version("dp-accounting")}
    rows = [dict(zip(names, case, strict=True)) | peer | {"peer": epsilon(*case)} for case in CASES]
    path = RESULTS / "privacy.json"
    stored = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**stored, "accountants": rows}, indent=2) + "\n")
