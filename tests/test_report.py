"""The page of one's own market and model, as `python -m coupon_rec report` writes it."""

import json
import re
from dataclasses import asdict, replace
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reported import BAD, DATES
from shell import refusal

from coupon_rec import _extras
from coupon_rec.decisions import Economics
from coupon_rec.decisions.best import best_offers
from coupon_rec.features import split
from coupon_rec.market.schema import SCHEMAS, may_be_missing
from coupon_rec.monitoring.market_page import TEMPLATE, Judged, best_of, market_page, sample_of

COMMITTED = Path(__file__).parent.parent / "_static" / "report" / "sample.html"
SAMPLE = re.compile(r'<script type="application/json" id="sample">(.*?)</script>', re.DOTALL)
SECTIONS = 6


@pytest.fixture(scope="module")
def page(reported: Path) -> str:
    return (reported / "page.html").read_text("utf-8")


def test_the_page_loads_nothing_and_is_small(page: str) -> None:
    assert re.findall(r"\b(?:src|href)=\"(?!#)[^\"]*|@import|url\((?!#)[^)]*", page) == []
    assert len(page.encode()) < 1_000_000


def test_names_of_columns_are_escaped_and_nobody_is_named(page: str) -> None:
    assert BAD not in page and "alert(1)</script>" not in page
    assert f"users.{escape(BAD)}" in page
    assert not re.search(r"Kundin-|GS-\d|Aktion \d", page)


def test_each_optional_table_and_column_is_there_or_missing(page: str) -> None:
    there, missing = (
        {*re.findall(r"<code>(.*?)</code>", re.search(rf"<summary>{name}.*?</details>", page)[0])}
        for name in ("There", "Missing")
    )
    assert {"users.age", f"users.{escape(BAD)}"} <= there and "coupons.stackable" in there | missing
    optional = {
        f"{table}.{name}"
        for table, schema in SCHEMAS.items()
        for name, column in schema.columns.items()
        if may_be_missing(column)
    }
    assert optional <= there | missing and not there & missing


def test_without_a_market_the_tables_are_left_out_and_names_are_escaped(reported: Path) -> None:
    offers = pd.read_parquet(reported / "offers.parquet")
    test = split(offers, None, *DATES[1::2]).test
    p = np.random.default_rng(0).uniform(0, 0.1, len(test))
    text = market_page(Judged(offers, test, p, Economics(), {BAD: 1.0}), "<b>$model")
    assert "What is optional" not in text
    assert BAD not in text and escape(BAD) in text
    assert "<b>$" not in text and "&lt;b&gt;$model" in text


@pytest.mark.parametrize("name", ["fresh", "committed"])
def test_each_page_is_what_the_code_writes(name: str, page: str) -> None:
    text = page if name == "fresh" else COMMITTED.read_text("utf-8")
    place = 0
    for piece in re.split(r"\$\w+", TEMPLATE.read_text("utf-8")):
        found = text.find(piece, place)
        assert found >= 0, f"run `make report-page`: this is not in the page:\n{piece}"
        place = found + len(piece)
    assert text.count("<h2>") == SECTIONS and text.count("<figure") == text.count("<svg")
    assert text.count('<svg role="img" aria-label="') == text.count("<svg")
    names = re.findall(r'\bid="([^"]+)"', text)
    assert len(names) == len({*names})
    match = SAMPLE.search(text)
    assert match and set(json.loads(match[1])) == set(json.loads(SAMPLE.findall(page)[0]))


def test_the_test_campaigns_must_have_redemptions(
    reported: Path, fitted: Path, tmp_path: Path
) -> None:
    offers, out = pd.read_parquet(reported / "offers.parquet"), tmp_path / "page.html"
    test = split(offers, None, *DATES[1::2]).test
    offers.loc[test.index, "redeemed"] = 0
    offers.to_parquet(tmp_path / "offers.parquet")
    said = refusal("report", fitted, tmp_path / "offers.parquet", out, *DATES)
    assert f"none of the {len(test):,} test offers were redeemed" in said
    assert "--test-from" in said and not out.exists()


def test_a_file_of_offers_is_not_taken_for_the_page(reported: Path, fitted: Path) -> None:
    offers = reported / "offers.parquet"
    before = offers.read_bytes()
    assert "name a .html file" in refusal("report", fitted, offers)
    assert offers.read_bytes() == before


def test_matplotlib_is_asked_for_by_its_extra(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_extras, "find_spec", lambda module: None)
    said = refusal("report", fitted, tmp_path / "page.html")
    assert "pip install 'coupon-rec[book]'" in said


@pytest.mark.parametrize("seed", range(5))
def test_the_lists_of_the_page_have_the_best_coupon_under_any_assumption(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 400
    some = lambda: np.where(rng.random(size) < 0.5, np.nan, rng.random(size).round(2))  # noqa: E731
    offers = pd.DataFrame(
        {
            "campaign_id": rng.integers(0, 4, size),
            "user_id": [f"user {number}" for number in rng.integers(0, 20, size)],
            "coupon_id": rng.permutation(size),
            "spend_per_line": rng.uniform(1, 20, size).round(2),
            "discount": rng.uniform(0.1, 3, size).round(2),
            "margin": some(),
            "shop_share": some(),
            "redeemed": rng.integers(0, 2, size),
        }
    )
    p = np.array([float(f"{each:.3g}") for each in rng.uniform(0.001, 0.2, size)])
    sample = sample_of(offers, p, Economics())
    assert sample["scale"] == 1 and len(sample["p"]) < size
    for incremental, margin, match, contact in rng.random((20, 4)):
        economics = Economics(margin, incremental, match, contact / 10)
        best = best_offers(offers, p, economics)
        sums = best_of({**sample, "economics": asdict(economics)})
        assert sums["promised"] == pytest.approx(best["value"].sum())
        assert sums["sent"] == (best["row"] >= 0).sum()
        rows = offers.iloc[best["row"][best["row"] >= 0]]
        came = best_offers(rows, rows["redeemed"], replace(economics, contact=0))["value"]
        assert sums["came"] <= came.sum() + 1e-9
