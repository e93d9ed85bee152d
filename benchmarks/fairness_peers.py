"""Intervals of a group's rate by fairlearn, stored beside ours.

It is in no environment of the book's, so it runs in its own:

    python -m venv .venv-fairlearn && .venv-fairlearn/bin/pip install fairlearn==0.15.0
    .venv/bin/python benchmarks/fairness.py coverage
    .venv-fairlearn/bin/python benchmarks/fairness_peers.py
"""

import json
from importlib.metadata import version

import numpy as np
from fairlearn.metrics import MetricFrame, mean_prediction
from fairness_cases import DRAWS, drawn
from machine import RESULTS

ENDS = [0.025, 0.975]

if __name__ == "__main__":
    path = RESULTS / "fairness.json"
    stored = json.loads(path.read_text())
    held, widths, far = [], [], 0.0
    for seed in range(DRAWS):
        data = drawn(seed)
        frame = MetricFrame(
            metrics=mean_prediction,
            y_true=data["y"],
            y_pred=data["y"],
            sensitive_features=data["group"],
            n_boot=50,
            ci_quantiles=ENDS,
            random_state=seed,
        )
        far = max(far, abs(frame.by_group["a"] - stored["coverage"]["values"][seed]))
        low, high = (each["a"] for each in frame.by_group_ci)
        held.append(low <= data["truth"] <= high)
        widths.append(high - low)
    stored["coverage"] |= {
        "fairlearn": float(np.mean(held)),
        "fairlearn width": float(np.mean(widths)),
        "fairlearn version": version("fairlearn"),
        "fairlearn rate differs by": far,
    }
    path.write_text(json.dumps(stored, indent=2) + "\n")
    print(stored["coverage"])
