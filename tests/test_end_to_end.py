"""Someone else's market, by the commands of the README: from tables to a served coupon."""

import re
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from click.testing import Result
from fastapi.testclient import TestClient
from strangers import write_strangers
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.settings import Settings


def run(*arguments: object) -> Result:
    """Run a command in this process, which has to succeed."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result


def test_a_strangers_market_trains_evaluates_exports_and_serves(tmp_path: Path) -> None:
    tables = write_strangers(tmp_path / "tables")
    model, bundle = tmp_path / "model.keras", tmp_path / "bundle"
    run("train", model, "--market", tables, "--extra", "user_region", "--extra", "coupon_colour")
    scores = run("evaluate", model, "--market", tables).stdout
    (auc,) = re.findall(r"^all +AUC +(\S+)", scores, re.MULTILINE)
    assert float(auc) > 0.75
    exported = run("export", model, bundle, "--market", tables)
    (day,) = re.findall(r"as of (\S+):", exported.stdout)
    mailed = pd.read_parquet(tables / "offers.parquet")["user_id"].mode()[0]
    chosen = run("recommend", model, "--market", tables, "--user", mailed)
    assert mailed in chosen.stdout and "GS-" in chosen.stdout

    noon = f"{day}T12:00:00"
    question = {"user_id": mailed, "context": {"time": noon}, "k": 100}
    settings = Settings(tmp_path / "events", decisions=tmp_path / "decisions")
    with TestClient(create_app(bundle, settings)) as client:
        before = client.post("/v1/recommendations", json=question).json()
        assert before["user_id"] == mailed and before["known"]
        assert all(re.fullmatch(r"GS-\d{3}-x", one["coupon_id"]) for one in before["coupons"])
        item = pd.read_parquet(tables / "coupon_items.parquet").iloc[-1]
        bought = {
            "event_id": "till-1",
            "kind": "purchase",
            "user_id": mailed,
            "item_id": item["item_id"],
            "basket_id": "B-new",
            "time": noon,
            "amount": 3.5,
        }
        assert client.post("/v1/events", json={"events": [bought]}).json() == {"accepted": 1}
        after = client.post("/v1/recommendations", json=question).json()
        stranger = client.post("/v1/recommendations", json={**question, "user_id": "Kundin-neu"})
        assert not stranger.json()["known"]
    assert after["coupons"] != before["coupons"]
    assert date.fromisoformat(day) - date(2024, 1, 1) > timedelta(days=300)
