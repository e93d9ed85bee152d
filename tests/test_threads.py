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
from coupon_rec.models import predict

CHAPTER = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from pathlib import Path
import numpy as np
from coupon_rec.book import SPLIT, prelude
prelude.SHIPPED = Path("none")  # a model that ships would not be trained
from coupon_rec.features import split
from coupon_rec.models import predict

test = split(prelude.offers(), *SPLIT).test
np.save(sys.argv[1], predict(prelude.model(), test)["redeemed"])
"""


@pytest.mark.slow
def test_one_core_trains_the_default_that_ships(tmp_path: Path) -> None:
    """It stands for all chapters with a trained network: they have the same layers and `fit`."""
    offers = prelude.offers()
    kept = tmp_path / prelude.key()
    kept.mkdir()
    offers.to_feather(kept / "offers.feather")
    environment = {**os.environ, "TQDM_DISABLE": "1", "COUPON_REC_CACHE": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", CHAPTER, tmp_path / "anew.npy"], env=environment, check=True
    )
    test = split(offers, *SPLIT).test
    shipped = predict(prelude.model(), test)["redeemed"].to_numpy()
    anew, y = np.load(tmp_path / "anew.npy"), test["redeemed"]
    assert abs(log_loss(y, anew) - log_loss(y, shipped)) < 1e-4, "seeds differ by three times that"
    assert np.abs(anew - shipped).mean() < 0.05 * shipped.mean()
