"""What a chapter trains does not depend on how many cores its machine has."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TRAIN = """
import os, sys
if cores := os.environ.get("CORES"):
    os.sched_setaffinity(0, {int(cores)})
import numpy as np
import pandas as pd
import coupon_rec.book
from coupon_rec import CoupledModel, load_market
from coupon_rec.features import offers_frame, split

train, validation, test = split(offers_frame(load_market(sys.argv[1])))
train = pd.concat([train] * 30, ignore_index=True)
model = CoupledModel().fit(train, validation, epochs=4, learning_rate=0.01)
p = model.predict(test)
chosen = model.recommend(test)
np.savez(sys.argv[2], p=p.to_numpy(), coupon=chosen["coupon_id"].fillna(0), value=chosen["value"])
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no way to leave cores unused")
def test_one_core_trains_the_model_that_all_cores_train(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    processes = []
    for name, cores in (("one", str(core)), ("all", "")):
        arguments = [sys.executable, "-c", TRAIN, SAMPLE, tmp_path / f"{name}.npz"]
        environment = {**os.environ, "CORES": cores, "TQDM_DISABLE": "1"}
        processes.append(subprocess.Popen(arguments, env=environment))
    assert [process.wait() for process in processes] == [0, 0]
    one, every = (np.load(tmp_path / f"{name}.npz") for name in ("one", "all"))
    for name in one:
        np.testing.assert_array_equal(one[name], every[name], name)
