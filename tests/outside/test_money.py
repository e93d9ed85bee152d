"""README's commands on another trade's tables: what is promised is what comes, within a tenth.

The truth is known of each redemption; what else a rule assumes, it is told.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import trades
from shop import command

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("seed", range(5))
def test_the_path_from_tables_to_choices_promises_what_comes(seed: int, tmp_path: Path) -> None:
    tables = trades.write(tmp_path / "tables", users=3000, seed=seed)
    places = {name: tmp_path / name for name in ("offers", "scores", "all", "some", "bundle")}
    model = tmp_path / "model.keras"
    command("features", places["offers"], "--market", tables)
    command("train", places["offers"], model)
    command("export", model, places["bundle"], "--market", tables)
    command("score", places["bundle"], places["offers"], places["scores"])
    money = ("--retailer-match", 1, "--incremental", 0.9)
    command("allocate", places["scores"], places["all"], *money)
    command("allocate", places["scores"], places["some"], "--budget", 500, *money)
    offers = pd.read_parquet(places["offers"])
    for name in ("all", "some"):
        sent = pd.read_parquet(places[name]).merge(
            offers, on=["campaign_id", "user_id", "coupon_id"]
        )
        user, coupon = (sent[f"{kind}_id"].str.extract(r"(\d+)")[0] for kind in ("user", "coupon"))
        true = trades.chance_to_redeem(user.to_numpy(int), coupon.to_numpy(int))
        face = trades.FACE_VALUES[coupon.to_numpy(int) % 4]
        gain = 0.9 * sent["margin"] * sent["spend_per_line"] - face
        comes = (true * gain - 0.005).sum()
        assert sent["value"].sum() == pytest.approx(comes, rel=0.1)
        assert sent["cost"].sum() == pytest.approx((true * face).sum(), rel=0.1)
        assert np.allclose(sent["margin"], 1 - 0.7, atol=0.2)
    assert 450 < pd.read_parquet(places["some"])["cost"].sum() <= 500
