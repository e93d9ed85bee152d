"""Prices: elasticities within items, drawn together, and what they say about the best price."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import nbinom, poisson
from sklearn.linear_model import PoissonRegressor

from coupon_rec.book.shelves import expected_units, store_demand, weekly_sales
from coupon_rec.decisions import (
    Demand,
    best_prices,
    demand_behind,
    depth_value,
    elasticity,
    fit_demand,
    fit_forecast,
    sales_rows,
    shrink,
)
from coupon_rec.simulation import State, open_market, simulate

Floats = NDArray[np.float64]


class World(NamedTuple):
    """A market in which only prices move sales, after two years of them.

    Attributes
    ----------
    state : State
        Now.
    sales : pandas.DataFrame
        What each item sold in each week, and `expected`, the truth about it.
    """

    state: State
    sales: pd.DataFrame

    def profit(self, prices: Floats) -> float:
        """What the items that are sold earn in the next campaign at these prices."""
        ids = self.sales["item_id"].unique() - 1
        left = prices - self.state.nature.unit_cost[self.state.campaign.period]
        return float((expected_units(self.state, prices) * left)[ids].sum())


@pytest.fixture(scope="module")
def world() -> World:
    state = open_market(users=600, items=300, coupons=3, campaigns=27, mechanisms="elasticity")
    state, sales = weekly_sales(state, 26)
    return World(state, sales[sales.groupby("item_id")["units"].transform("sum") >= 100])


@pytest.fixture(scope="module")
def demand(world: World) -> Demand:
    return fit_demand(world.sales)


def test_elasticity_is_that_of_a_poisson_regression_with_a_level_for_each_item() -> None:
    rng = np.random.default_rng(0)
    item, price = np.repeat(np.arange(30), 20), rng.uniform(1, 3, 600)
    shown = rng.integers(0, 2, 600)
    mean = np.exp(rng.normal(1, 1, 30)[item] - 2 * np.log(price) + 0.5 * shown)
    sales = pd.DataFrame({"item_id": item, "price": price, "units": rng.poisson(mean)})
    found = elasticity(sales.assign(shown=shown), ["shown"])
    x = np.column_stack([np.log(price), shown, pd.get_dummies(item).to_numpy(float)])
    peer = PoissonRegressor(alpha=0, fit_intercept=False, max_iter=5000, tol=1e-10)
    keep = sales.groupby("item_id")["units"].transform("sum") > 0
    peer.fit(x[keep], sales["units"][keep])
    assert found["value"].to_numpy() == pytest.approx(peer.coef_[:2], abs=1e-3)
    assert (found["low"] < [-2, 0.5]).all() and (found["high"] > [-2, 0.5]).all()


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_the_unit_of_a_control_does_not_matter(unit: float) -> None:
    rng = np.random.default_rng(0)
    item, price = np.repeat(np.arange(30), 20), rng.uniform(1, 3, 600)
    visitors = rng.uniform(0.3, 0.7, 600)
    units = rng.poisson(np.exp(2 - 2 * np.log(price) + visitors))
    sales = pd.DataFrame({"item_id": item, "price": price, "units": units})
    usual = elasticity(sales.assign(visitors=visitors), ["visitors"])
    found = elasticity(sales.assign(visitors=unit * visitors), ["visitors"])
    np.testing.assert_allclose(found.loc["price"], usual.loc["price"], rtol=1e-6)
    np.testing.assert_allclose(found.loc["visitors"] * unit, usual.loc["visitors"], rtol=1e-6)
    with pytest.raises(ValueError, match="no item's price or visitors varies by itself"):
        elasticity(sales.assign(visitors=unit * (0.1 + item)), ["visitors"])


@pytest.mark.parametrize(("items", "least"), [(60, 0.90), (4, 0.88)])
def test_intervals_over_items_hold_the_truth_as_often_as_they_say(items: int, least: float) -> None:
    rng, hits = np.random.default_rng(0), 0
    for _ in range(200):
        item = np.repeat(np.arange(items), 12)
        price = rng.choice([1.0, 0.8, 0.6], len(item), p=[0.6, 0.2, 0.2])
        mean = np.exp(rng.normal(1, 1, items)[item]) * price ** (-2.0)
        units = nbinom.rvs(mean / 2, 1 / 3, random_state=rng)
        table = elasticity(pd.DataFrame({"item_id": item, "price": price, "units": units}))
        hits += table.loc["price", "low"] < -2 < table.loc["price", "high"]
    assert least <= hits / 200 <= 0.99


def test_shrinkage_finds_mean_and_spread_and_says_how_sure_it_is() -> None:
    rng = np.random.default_rng(0)
    truth, error = rng.normal(-2, 1, 4000), rng.uniform(0.2, 3, 4000)
    found = shrink(truth + error * rng.standard_normal(4000), error)
    assert (found.mean, found.spread) == pytest.approx((-2, 1), abs=0.06)
    assert np.mean(np.abs(found.value - truth) < 1.96 * found.error) == pytest.approx(
        0.95, abs=0.02
    )


def test_what_is_unknown_gets_the_mean_and_equal_estimates_stay() -> None:
    found = shrink([-1.0, -3.0, 99.0], [0.1, 0.1, np.inf])
    assert found.value[2] == found.mean == pytest.approx(-2, abs=0.01)
    mean_error = np.sqrt((found.spread**2 + 0.1**2) / 2)
    assert found.error[2] == pytest.approx(np.hypot(found.spread, mean_error))
    assert shrink([-2.0, -2.0], [0.5, 1.0]).value.tolist() == [-2, -2]


def test_estimates_that_do_not_differ_are_as_sure_as_their_mean() -> None:
    found = shrink([-2.1, -2.0, -1.9], [0.3, 0.3, 0.3])
    assert found.error == pytest.approx(0.3 / 3**0.5, rel=0.01)


def test_prices_keep_nine_tenths_of_what_the_truth_would_earn(world: World, demand: Demand) -> None:
    state = world.state
    now, cost = state.world.prices, state.nature.unit_cost[state.campaign.period]
    slope = demand.items["elasticity"].reindex(range(1, 301)).fillna(demand.mean).to_numpy()
    low, high = 0.8 * now, 1.25 * now
    ours = world.profit(best_prices(cost, np.minimum(slope, -0.1), low, high))
    grid = np.linspace(0.8, 1.25, 46)
    ids = world.sales["item_id"].unique() - 1
    each = [(expected_units(state, f * now) * (f * now - cost))[ids] for f in grid]
    oracle = float(np.max(each, axis=0).sum())
    gain = (ours - world.profit(now)) / (oracle - world.profit(now))
    print(f"{ours / oracle:.3f} of the oracle's profit, {gain:.3f} of its gain")
    assert ours >= 0.95 * oracle
    assert gain >= 0.9


def test_the_best_price_is_the_best_of_all_prices() -> None:
    grid = np.linspace(0.5, 6, 5501)
    for slope in (-1.4, -2.0, -5.0):
        earned = (grid - 1.2) * grid**slope
        assert best_prices(1.2, slope, 0.5, 6.0) == pytest.approx(grid[earned.argmax()], abs=0.002)


def test_the_value_of_a_depth_is_the_market_s_profit() -> None:
    state = simulate(open_market(users=50, items=150, coupons=60, mechanisms="depths response"))
    truth, kinds = state.truth, state.world.items["type"].value_counts()
    single = state.offers["type"].map(kinds).to_numpy() == 1
    offers, truth = state.offers[single], truth[single]
    price = (truth["spend_with"] / truth["units_with"]).to_numpy()
    costs = pd.Series(state.campaign.cost, state.world.items["type"])
    cost = costs[offers["type"]].to_numpy()
    redeem = truth["buy_with"] * truth["redeem_given_buy"]
    value = depth_value(
        truth["units_without"], truth["units_with"], redeem, offers["depth"], price, cost, 0.0
    )
    assert len(value) > 0
    assert value == pytest.approx(truth["profit"].to_numpy(), abs=1e-9)


@pytest.mark.parametrize("dispersion", [1.0, 1.7, 5.0])
def test_demand_behind_is_the_mean_of_the_tail(dispersion: float) -> None:
    k = np.arange(2000)
    for mean, sold in ((0.4, 0), (8.0, 3), (8.0, 20), (120.0, 100)):
        p = poisson.pmf(k, mean)
        if dispersion > 1:
            p = nbinom.pmf(k, mean / (dispersion - 1), 1 / dispersion)
        tail = k >= sold
        right = (k * p)[tail].sum() / p[tail].sum()
        assert demand_behind(sold, mean, dispersion) == pytest.approx(right, rel=1e-4)


def test_demand_is_found_although_the_shelf_was_empty(world: World, demand: Demand) -> None:
    rng = np.random.default_rng(0)
    usual = world.sales.groupby("item_id")["units"].transform("mean")
    stock = np.ceil(usual * rng.uniform(0.8, 1.8, len(usual)))
    sold = world.sales.assign(units=np.minimum(world.sales["units"], stock))
    sold["sold_out"] = sold["units"] >= stock
    taken, found = fit_demand(sold.drop(columns="sold_out")), fit_demand(sold)
    true = world.sales["expected"].sum()
    said = {
        name: each.expected(sold["item_id"], sold["price"]).sum() / true
        for name, each in {"sales": taken, "demand": found, "full": demand}.items()
    }
    print({name: round(share, 3) for name, share in said.items()})
    assert said["sales"] < 0.93
    assert said["demand"] == pytest.approx(1, abs=0.03)
    assert abs(taken.mean) < 0.9 * abs(demand.mean)
    assert found.mean == pytest.approx(demand.mean, abs=0.25)


def test_the_demand_of_stores_is_close_to_what_they_will_sell(world: World) -> None:
    state, shelf = world.state, world.state.campaign.slot_of_item
    true = np.bincount(shelf[shelf >= 0], expected_units(state)[shelf >= 0])
    found = store_demand(state, 3)
    assert found.shape == (3, len(true))
    assert found.sum() == pytest.approx(true.sum(), rel=0.1)
    assert np.abs(found.sum(axis=0) - true).sum() < 0.2 * true.sum()
    sold = world.sales.groupby("week")["units"].sum()
    assert found.sum() < 4 * sold.max()


def test_dispersion_is_found_with_and_without_empty_shelves() -> None:
    rng = np.random.default_rng(0)
    item = np.repeat(np.arange(80), 60)
    price = rng.choice([1.0, 0.7], len(item))
    mean = 10 * price ** (-2.0)
    units = nbinom.rvs(mean / 2, 1 / 3, random_state=rng)
    stock = rng.integers(8, 40, len(item))
    sales = pd.DataFrame({"item_id": item, "price": price, "units": np.minimum(units, stock)})
    assert fit_demand(sales.assign(units=units)).dispersion == pytest.approx(3, abs=0.2)
    found = fit_demand(sales.assign(sold_out=units >= stock))
    assert found.dispersion == pytest.approx(3, abs=0.25)
    assert found.items["units"].mean() == pytest.approx(10 * 0.7 ** (-1.0), rel=0.03)


@pytest.mark.parametrize(("weeks", "moving"), [(2, 100), (2, 10), (3, 100), (4, 10)])
def test_dispersion_is_found_from_few_weeks_too(weeks: int, moving: int) -> None:
    rng = np.random.default_rng(0)
    item = np.repeat(np.arange(100), weeks)
    price = np.where(item < moving, np.exp(rng.normal(0, 0.2, len(item))), 1.0)
    units = rng.poisson(20 * price ** (-2.0))
    sales = pd.DataFrame({"item_id": item, "price": price, "units": units})
    assert fit_demand(sales).dispersion == pytest.approx(1, abs=0.3)


def weekly(weeks: int = 40) -> pd.DataFrame:
    """Sales of twenty items, of which one in four is on display each week."""
    rng = np.random.default_rng(0)
    item, week = np.divmod(np.arange(20 * weeks), weeks)
    shown = rng.integers(0, 4, len(item)) == 0
    units = rng.poisson(rng.gamma(3, 5, 20)[item] * np.where(shown, 2.5, 1.0))
    return pd.DataFrame({"item_id": item, "week": week, "units": units, "shown": shown * 1.0})


def test_a_forecast_finds_the_lift_and_knows_the_week_to_come() -> None:
    sales = weekly()
    last = sales["week"] == 39
    rows = sales_rows(sales.assign(units=sales["units"].where(~last)), ["shown"])
    forecast = fit_forecast(rows)
    assert forecast.lift["shown"] == pytest.approx(2.5, rel=0.1)
    assert rows[rows["week"] == 39]["units"].isna().all()
    said = forecast.expected(rows[rows["week"] == 39])
    naive = sales.loc[sales["week"] == 38, "units"].to_numpy()
    real = sales.loc[last, "units"].to_numpy()
    assert np.abs(said - real).sum() < 0.7 * np.abs(naive - real).sum()


def test_a_row_of_a_forecast_knows_nothing_of_its_own_week_but_the_plan() -> None:
    sales = weekly()
    later = sales["week"] >= 30
    changed = sales.assign(units=sales["units"].where(~later, 7 * sales["units"] + 1))
    one, other = (sales_rows(each, ["shown"]).query("week <= 30") for each in (sales, changed))
    pd.testing.assert_frame_equal(one.drop(columns="units"), other.drop(columns="units"))


STILL = pd.DataFrame({"item_id": [1, 1], "units": [1, 2], "price": [1.0, 1.0]})
SHORT = pd.DataFrame({"item_id": [1, 1, 2, 2], "units": [10, 90, 90, 10], "price": [1, 2, 1, 2]})
DEAR_OR_CHEAP = pd.DataFrame(
    {
        "item_id": np.repeat([1, 2], 6),
        "units": [0, 0, 0, 4, 3, 5] * 2,
        "price": [2, 2, 2, 1, 1, 1] * 2,
    }
)
ONE = pd.DataFrame({"item_id": 1, "price": [1.0, 0.7, 0.8], "units": [10, 21, 15]})
WEEKS = weekly().assign(week=lambda sales: sales["week"].astype(float))


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: elasticity(ONE.drop(columns="price")), r"lack the columns \['price'\]"),
        (lambda: elasticity(-ONE), "0 or more"),
        (lambda: elasticity(ONE.assign(price=0.0)), "above 0"),
        (lambda: elasticity(ONE.assign(item_id=None)), "present"),
        (lambda: elasticity(ONE.head(0)), "no row"),
        (lambda: elasticity(STILL), "varies"),
        (lambda: elasticity(ONE.assign(units=0)), "nothing was"),
        (lambda: elasticity(ONE), "only one item varies"),
        (lambda: elasticity(DEAR_OR_CHEAP), "no finite slope"),
        (lambda: fit_demand(STILL), "fewer than two items move"),
        (lambda: fit_demand(STILL.assign(sold_out="maybe")), "True or False"),
        (lambda: fit_demand(STILL.assign(units=1.5, sold_out=True)), "whole numbers in sold-out"),
        (lambda: fit_demand(SHORT), "4 rows of 2 items are too few"),
        (
            lambda: fit_demand(weekly().assign(price=weekly()["shown"] + 1)).expected([99], [1.0]),
            "must be known",
        ),
        (lambda: shrink([1.0], [1.0]), "two estimates"),
        (lambda: shrink([1.0, 2.0], [0.0, 1.0]), "error must be above 0"),
        (lambda: best_prices(1.0, 0.5, 1.0, 2.0), "elasticity must be below 0"),
        (lambda: best_prices(1.0, -2.0, 3.0, 2.0), "high must be at least low"),
        (lambda: depth_value(1.0, 1.0, 1.5, 0.1, 2.0, 1.0), "redeem must be at most units_with"),
        (lambda: depth_value(1.0, 1.0, 0.5, 0.1, -1.0, 1.0), "^price must be"),
        (lambda: depth_value(1.0, 1.0, 0.5, 0.1, 2.0, -1.0), "^cost must be"),
        (lambda: depth_value(1.0, 1.0, 0.5, 0.1, 2.0, 1.0, -1.0), "^contact must be"),
        (lambda: demand_behind(3.5, 1.0), "sold must be whole numbers"),
        (lambda: demand_behind(1, 1.0, 0.5), "dispersion must be 1 or more"),
        (lambda: sales_rows(pd.concat([WEEKS, WEEKS])), "repeat an item's week"),
        (lambda: sales_rows(WEEKS.assign(week=WEEKS["week"] + 0.5)), "must be whole numbers"),
        (lambda: sales_rows(WEEKS.assign(units=WEEKS["units"] - 1000)), "must be 0 or more"),
        (
            lambda: sales_rows(WEEKS.assign(units=WEEKS["units"].where(WEEKS.index != 5))),
            "must be present in the weeks of the past, but 1 of 800",
        ),
        (lambda: sales_rows(weekly(10)), "looks back 13"),
    ],
)
def test_what_cannot_be_priced_or_forecast_is_refused(
    work: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        work()
