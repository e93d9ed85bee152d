"""The package shap on what `explain.py shap` hands over; needs shap and onnxruntime alone."""

import json
import sys
import time
from typing import Any

import numpy as np
import onnxruntime
import shap


def main() -> None:
    """Explain by topics, exactly, and by features, sampled; print the credit as JSON."""
    side = np.load(sys.argv[1])
    widths, topics = json.loads(str(side["widths"])), json.loads(str(side["topics"]))
    session = onnxruntime.InferenceSession(sys.argv[2], providers=["CPUExecutionProvider"])
    types = {each.name: each.type for each in session.get_inputs()}
    starts = dict(zip(widths, np.cumsum([0, *widths.values()]), strict=False))
    whole = side["whole"]

    def log_p(matrix: Any) -> Any:
        arrays = {
            name: matrix[:, starts[name] : starts[name] + width].astype(
                "float32" if "float" in types[name] else "int32"
            )
            for name, width in widths.items()
        }
        return np.log(session.run(["redeemed"], arrays)[0][:, 0].astype("float64"))

    columns = [
        [int(starts[array]) + place for array, places in of.items() for place in places]
        for of in topics.values()
    ]
    found: dict[str, Any] = {"version": shap.__version__, "topics": [], "features": []}
    start = time.perf_counter()
    for row, rivals in zip(side["rows"], side["rivals"], strict=True):

        def worth(masks: Any, row: int = row, rivals: Any = rivals) -> Any:
            values = []
            for mask in masks:
                mixed = whole[rivals].copy()
                for there, its in zip(mask, columns, strict=True):
                    if there:
                        mixed[:, its] = whole[row, its]
                values.append(log_p(mixed).mean())
            return np.array(values)

        explainer = shap.KernelExplainer(worth, np.zeros((1, len(columns))))
        credit = explainer.shap_values(np.ones((1, len(columns))), silent=True)
        found["topics"].append(np.ravel(credit).tolist())
    found["topics_ms"] = 1000 * (time.perf_counter() - start) / len(side["rows"])
    start = time.perf_counter()
    for row, rivals in zip(side["rows"], side["rivals"], strict=True):
        masker = shap.maskers.Independent(whole[rivals], max_samples=len(rivals))
        permuting = shap.PermutationExplainer(log_p, masker, seed=0)
        explained = permuting(whole[[row]], max_evals=4 * (2 * whole.shape[1] + 1), silent=True)
        found["features"].append(explained.values[0].tolist())
    found["features_ms"] = 1000 * (time.perf_counter() - start) / len(side["rows"])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
