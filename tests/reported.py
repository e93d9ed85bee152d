"""The sample, with text for identifiers and a column that is named as a script, and its page."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from shell import run

from coupon_rec.decisions import Economics
from coupon_rec.features import offers_frame
from coupon_rec.market import load_market
from coupon_rec.monitoring.market_page import best_of

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
DATES = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22")
BAD = "user_<script>alert(1)</script>"
PATTERNS = {"user_id": "Kundin-{}", "coupon_id": "GS-{}", "campaign_id": "Aktion {}"}


def written(folder: Path, model: Path) -> None:
    """Write `market`, `offers.parquet` and `page.html` into a new folder."""
    market = folder / "market"
    market.mkdir(parents=True)
    for path in SAMPLE.glob("*.parquet"):
        table = pd.read_parquet(path)
        for column in PATTERNS.keys() & {*table.columns}:
            known = table[column].notna()
            table[column] = table[column].map(PATTERNS[column].format).where(known, None)
        if path.stem == "users":
            table[BAD] = np.arange(len(table)) % 3
        table.to_parquet(market / path.name)
    page = run("report", model, folder / "page.html", "--market", market, *DATES)
    assert page.exit_code == 0, page.output
    tables = load_market(market)
    tables.named(offers_frame(tables)).to_parquet(folder / "offers.parquet")


def amount(sample: dict, name: str, **assumed: float) -> str:
    """A sum of the best coupons, as the page writes it, under other assumptions."""
    economics = vars(replace(Economics(**sample["economics"]), **assumed))
    value = best_of({**sample, "economics": economics})[name]
    return f"{value:,.0f}" if name == "sent" or abs(value) >= 1000 else f"{value:,.2f}"
