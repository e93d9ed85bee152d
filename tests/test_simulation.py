"""A simulated market is a market, does what its truth says, and is the same again."""

import json
import math
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ibis import _
from joblib import parallel_config

from coupon_rec import load_market
from coupon_rec.market import validate
from coupon_rec.market.schema import SCHEMAS, types
from coupon_rec.simulation import (
    MECHANISMS,
    Simulation,
    Truth,
    price_marginals,
    shelf_lines,
    simulate_market,
)
from coupon_rec.simulation import market as market_module
from coupon_rec.simulation import truth as truth_module

KEY = ["campaign_id", "user_id", "coupon_id"]
SMALL = {"users": 250, "items": 45, "coupons": 9, "campaigns": 3}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_market(users=1500)


@pytest.fixture(scope="module")
def candidates(simulation: Simulation) -> pd.DataFrame:
    return simulation.truth.candidates.order_by(KEY).to_pandas()


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Blocks of 50 users, which only this process knows of."""
    for name in ("mechanisms", "users"):
        monkeypatch.setattr(f"coupon_rec.simulation.{name}.BLOCK", 50)
    with parallel_config("threading"):
        yield


def tables_of(simulation: Simulation) -> dict[str, pd.DataFrame]:
    """Each table of a simulation, in an order of its own."""
    truth, market = simulation.truth, simulation.market
    tables = {**market.tables(), "drivers": truth.users, "candidates": truth.candidates}
    frames = {name: table.to_pandas() for name, table in tables.items()}
    return {name: each.sort_values(list(each), ignore_index=True) for name, each in frames.items()}


def assert_mean(happened: pd.Series, p: pd.Series, users: pd.Series) -> None:
    """What happened is as likely as the truth says: within four errors, and not for lack of data.

    The error of the mean is that of the sums of each user, whose rows share the user's trips.
    """
    surprise = (happened.astype(float) - p).groupby(users).sum()
    error = surprise.std() * math.sqrt(len(surprise))
    assert error < 0.15 * p.sum()
    assert abs(surprise.sum()) < 4 * error


# A market


def test_it_has_the_tables_columns_and_types_of_any_market(simulation: Simulation) -> None:
    validate(simulation.market)
    tables = simulation.market.tables()
    assert tables.keys() == {*SCHEMAS} - {"holdouts", "stock", "accounts"}
    for name, table in tables.items():
        expected = types(name, table.columns)
        assert dict(table.cast(expected).schema().items()) == expected, name
        assert list(table.columns) == list(expected), name
        assert table.count().execute() > 0, name


def test_each_redemption_stands_on_a_receipt_of_its_day(simulation: Simulation) -> None:
    market = simulation.market
    paid = market.purchases.filter(_.coupon_discount > 0).mutate(date=_.time.date())
    pairs = market.redemptions.join(market.coupon_items, ["campaign_id", "coupon_id"])
    found = pairs.join(paid, ["user_id", "item_id", "date"]).to_pandas()
    redeemed = int(market.redemptions.count().execute())
    assert len(found) == len(found.drop_duplicates(KEY)) == redeemed
    assert int(paid.count().execute()) == redeemed


def test_what_is_paid_adds_up_to_the_list_price(simulation: Simulation) -> None:
    lines = simulation.market.purchases.to_pandas()
    price = simulation.truth.items.set_index("item_id")["price"]
    full = lines["amount"] + lines["retail_discount"] + lines["coupon_match"]
    assert np.allclose(full, price[lines["item_id"]].to_numpy() * lines["quantity"])
    assert (lines["coupon_discount"] <= full).all()


# The same again


@pytest.mark.usefixtures("small_blocks")
def test_a_larger_market_has_the_same_first_users() -> None:
    small, large = (tables_of(simulate_market(**{**SMALL, "users": n})) for n in (100, 130))
    for name in ("purchases", "candidates", "drivers"):
        first = large[name][large[name]["user_id"] <= 100].reset_index(drop=True)
        pd.testing.assert_frame_equal(small[name], first)


@pytest.mark.parametrize("mechanisms", ["", "all"])
def test_files_of_several_processes_hold_the_same_market_as_memory(
    mechanisms: str, tmp_path: Path
) -> None:
    size = {"users": 2600, "items": 6, "coupons": 3, "campaigns": 1, "mechanisms": mechanisms}
    folder = tmp_path / "new" / "market"
    written = tables_of(simulate_market(**size, folder=folder))
    assert len(list((folder / "users.parquet").iterdir())) == 2
    for name, table in load_market(folder).tables().items():
        assert table.count().execute() == len(written[name])
    for name, frame in tables_of(simulate_market(**size)).items():
        pd.testing.assert_frame_equal(frame, written.pop(name))
    assert not written


@pytest.mark.usefixtures("small_blocks")
def test_writing_holds_no_more_in_memory_for_more_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_module, "PART", 1)

    def peak(users: int) -> int:
        tracemalloc.start()
        simulate_market(**{**SMALL, "users": users}, folder=tmp_path / str(users))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    first, few, many = (peak(users) for users in (100, 500, 4000))
    print(f"{first / 1e6:.1f} MB with what is made once; then {few / 1e6:.1f}, {many / 1e6:.1f} MB")
    assert many < 2 * few


def test_writing_that_fails_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(market_module, "_write_part", full)
    with pytest.raises(OSError, match="no space"):
        simulate_market(**SMALL, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


# The truth


def test_the_chain_rule_holds_in_the_truth(
    simulation: Simulation, candidates: pd.DataFrame
) -> None:
    assert (candidates["redeem"] == candidates["buy_with"] * candidates["redeem_given_buy"]).all()
    assert (simulation.truth.redeem <= simulation.truth.buy_with).all(axis=None)


def slow_chance(truth: Truth, user_id: int, item_ids: list[int], coupon_id: int = 0) -> float:
    """Equations (1) to (3) of the simulation, one user at a time; coupon 0 is none."""
    user = truth.users.filter(_.user_id == user_id).to_pandas().iloc[0]
    items = truth.items.set_index("item_id").loc[item_ids]
    tastes = [f"taste_{number}" for number in range(8)]
    z = user["activity"] + items["popularity"] + items[tastes] @ user[tastes].astype(float)
    z -= user["price_sensitivity"] * np.log(items["price"] / 3.4)
    if coupon_id:
        depth = truth.coupons.set_index("coupon_id").loc[coupon_id, "depth"]
        z += user["reaction"] - 0.7 * user["price_sensitivity"] * math.log(1 - depth)
    none = np.prod(1 - 1 / (1 + np.exp(-z)))
    return 1 - math.exp(-4 * user["trips"] * (1 - none))


def test_the_matrices_are_the_equations(simulation: Simulation) -> None:
    truth, world = simulation.truth, simulation.truth.world.items
    for user, item, coupon in [(1, 1, 5), (7, 500, 40), (1500, 1000, 96)]:
        kind = truth.coupons.set_index("coupon_id").loc[coupon, "type"]
        items = world["item_id"][world["type"] == kind].tolist()
        with_coupon, alone = truth.purchase_with(coupon), slow_chance(truth, user, [item])
        without, offered = (slow_chance(truth, user, items, c) for c in (0, coupon))
        for found, expected in [
            (truth.purchase.loc[user, item], alone),
            (with_coupon.loc[user, item], alone),
            (with_coupon.loc[user, items[0]], slow_chance(truth, user, items[:1], coupon)),
            (truth.buy_without.loc[user, coupon], without),
            (truth.buy_with.loc[user, coupon], offered),
            (truth.effect.loc[user, coupon], offered - without),
        ]:
            assert found == pytest.approx(expected)


def test_purchases_are_as_likely_as_the_truth_says(simulation: Simulation) -> None:
    truth, first = simulation.truth, simulation.market.campaigns.start.min()
    early = simulation.market.purchases.filter(_.time.date() < first.as_scalar())
    bought = early.select("user_id", "item_id").distinct().to_pandas()
    p = truth.purchase.loc[:, truth.world.sales[0] == 0]
    happened = pd.crosstab(bought["user_id"], bought["item_id"])
    happened = happened.reindex(index=p.index, columns=p.columns, fill_value=0)
    long = pd.DataFrame({"p": p.stack(), "happened": happened.stack()}).reset_index()
    for _group, part in long.groupby(pd.qcut(long["p"], [0, 0.5, 0.9, 0.99, 1])):
        assert_mean(part["happened"], part["p"], part["user_id"])


# How closely it resembles real markets


def test_marginals_of_prices_are_those_that_the_benchmark_stored() -> None:
    file = Path(__file__).parents[1] / "benchmarks/results/prices.json"
    stored = pd.DataFrame(json.loads(file.read_text())["marginals"]).T
    market = simulate_market(1000, seed=20, mechanisms=MECHANISMS).market
    found = price_marginals(shelf_lines(market))
    assert list(found.index) == list(stored.index)
    assert ((found - stored["simulated"]).abs() < 4 * stored["between worlds"]).all()


# Errors


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"users": 0}, "users must be a whole number, 1 or more, not 0"),
        ({"users": 10.5}, "users must be a whole number"),
        ({"items": 2}, "items must be a whole number, 3 or more"),
        ({"items": 15, "coupons": 10}, "coupons must be 9 or less for 15 items"),
        ({"seed": -1}, "seed must be a whole number, 0 or more"),
    ],
)
def test_an_argument_out_of_range_is_named(wrong: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        simulate_market(**{**SMALL, **wrong})


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="folder must be new or empty"):
        simulate_market(**SMALL, folder=tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_matrix_too_large_for_memory_is_refused_but_not_for_some_users(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = simulation.truth.purchase
    monkeypatch.setattr(truth_module, "CELLS", 100_000)
    truth = Truth(simulation.truth.users, simulation.truth.candidates, simulation.truth.world)
    with pytest.raises(ValueError, match=r"1,500 users x 1,000 items .*of_users"):
        _ = truth.purchase
    some = truth.of_users([3, 9])
    pd.testing.assert_frame_equal(some.purchase, whole.loc[[3, 9]])
    assert set(some.offers["user_id"]) <= {3, 9}


@pytest.mark.parametrize(
    "size",
    [{"users": 1}, {"items": 3, "coupons": 3}, {"coupons": 1, "campaigns": 1}, {"items": 2000}],
)
def test_any_size_is_a_valid_market(size: dict[str, int]) -> None:
    simulation = simulate_market(**{**SMALL, **size})
    assert len(simulation.truth.purchase) == size.get("users", SMALL["users"])
