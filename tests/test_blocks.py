"""The offers table written block by block is the one built at once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis.expr.operations as ops
import pandas as pd
import pytest
from ibis import Table, _

from coupon_rec import Market
from coupon_rec.features import build_offers, offers_frame, write_offers
from coupon_rec.features.batch import blocks, offers
from coupon_rec.simulation import simulate_market


@pytest.fixture(scope="module")
def idle(market: Market) -> Market:
    """A market in which every second user never bought anything."""
    return replace(market, purchases=market.purchases.filter(_.user_id % 2 == 0))


@pytest.fixture(scope="module")
def whole(idle: Market) -> pd.DataFrame:
    """Its offers, built at once."""
    return offers_frame(idle).astype({"start": "datetime64[us]"})


@pytest.mark.slow
@pytest.mark.parametrize(("name", "block"), [("campaign_id=2", 50), ("a[1]", 1000)])
def test_the_file_holds_the_offers_table_whatever_the_block_and_the_name(
    idle: Market, whole: pd.DataFrame, tmp_path: Path, name: str, block: int
) -> None:
    path = write_offers(idle, tmp_path / name / "offers.parquet", block)
    assert [*path.parent.iterdir()] == [path]
    path = path.rename(tmp_path / "offers.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(path), whole, check_exact=True)


def test_users_who_got_some_coupons_of_a_campaign_are_ranked_alike(tmp_path: Path) -> None:
    market = simulate_market(users=60, items=100, coupons=24, campaigns=3).market
    written = pd.read_parquet(write_offers(market, tmp_path / "offers.parquet", block=25))
    whole = offers_frame(market).astype({"start": "datetime64[us]"})
    pd.testing.assert_frame_equal(written, whole, check_exact=True)


def test_a_failure_leaves_the_file_of_before(
    idle: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "offers.parquet"
    path.write_text("of before")

    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(blocks, "ranks_of_values", fail)
    with pytest.raises(OSError, match="full"):
        write_offers(idle, path)
    assert path.read_text() == "of before"
    assert list(tmp_path.iterdir()) == [path]


def windows_by_campaign(table: Table) -> list[int]:
    """The rows that each window has to sort which is cut by campaign alone, or not at all."""
    sizes = []
    for project in table.op().find(ops.Project):
        columns = project.values.values()
        for window in (w for c in columns for w in c.find(ops.WindowFunction, filter=ops.Value)):
            keys = {key.name for key in window.group_by}
            if keys <= {"campaign_id"}:
                sizes.append(int(project.parent.to_expr().count().execute()))
    return sizes


@pytest.mark.slow
def test_no_window_by_campaign_alone_grows_with_users_who_spend_a_hair_more(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(table: Table, shift: int = 10_000) -> Table:
        copies = table.mutate(user_id=table.user_id + shift)
        if "amount" in table.columns:
            copies = copies.mutate(amount=copies.amount * (1 + 1e-6))
        return table.union(copies)

    names = ("users", "offers", "purchases", "redemptions")
    doubled = replace(market, **{name: again(getattr(market, name)) for name in names})
    once, twice = (windows_by_campaign(build_offers(each)) for each in (market, doubled))
    assert once
    assert twice == once
    monkeypatch.setattr(offers, "BUCKETS", 10**6)
    once, twice = (windows_by_campaign(build_offers(each)) for each in (market, doubled))
    assert sum(twice) > 1.1 * sum(once)
