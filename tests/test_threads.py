"""What a chapter trains does not depend on how many cores its machine has, and is what ships."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from coupon_rec.book import SPLIT, prelude
from coupon_rec.evaluation import log_loss
from coupon_rec.features import split

CHAPTER = """
import os, sys
if cores := os.environ.get("CORES"):
    os.sched_setaffinity(0, {int(cores)})
from pathlib import Path
import numpy as np
from coupon_rec.book import SPLIT, prelude
prelude.SHIPPED = Path("none")  # a model that ships would not be trained
from coupon_rec.decisions import offer_value
from coupon_rec.features import split

test = split(prelude.offers(), *SPLIT).test.reset_index(drop=True)
p = prelude.model().predict(test)["redeemed"].to_numpy()
offers = test.assign(value=offer_value(test, p))
best = offers.loc[offers.groupby(["campaign_id", "user_id"])["value"].idxmax()]
np.savez(sys.argv[1], p=p, coupon=best["coupon_id"], value=best["value"])
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no way to leave cores unused")
def test_one_core_trains_the_model_that_all_cores_train_and_that_ships(tmp_path: Path) -> None:
    """As chapter 10 begins, with an empty cache but for the offers: training, best coupons.

    It stands for all chapters with a trained network: they have the same layers, `fit` and threads.
    """
    core = min(os.sched_getaffinity(0))
    offers = prelude.offers()
    processes = []
    for name, cores in (("one", str(core)), ("all", "")):
        kept = tmp_path / name / prelude.key()
        kept.mkdir(parents=True)
        offers.to_feather(kept / "offers.feather")
        arguments = [sys.executable, "-c", CHAPTER, tmp_path / f"{name}.npz"]
        environment = {**os.environ, "CORES": cores, "TQDM_DISABLE": "1"}
        environment["COUPON_REC_CACHE"] = str(tmp_path / name)
        processes.append(subprocess.Popen(arguments, env=environment))
    assert [process.wait() for process in processes] == [0, 0]
    one, every = (np.load(tmp_path / f"{name}.npz") for name in ("one", "all"))
    for name in one:
        np.testing.assert_array_equal(one[name], every[name], name)

    test = split(offers, *SPLIT).test
    shipped = prelude.model().predict(test)["redeemed"].to_numpy()
    anew, y = every["p"], test["redeemed"]
    assert abs(log_loss(y, anew) - log_loss(y, shipped)) < 1e-4, "seeds differ by three times that"
    assert np.abs(anew - shipped).mean() < 0.05 * shipped.mean()
