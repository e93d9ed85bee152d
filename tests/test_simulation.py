"""A simulated market is a market, does what its truth says, and answers what it is sent."""

import json
import math
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ibis import _
from joblib import parallel_config

from coupon_rec import load_market
from coupon_rec.features import offers_frame
from coupon_rec.market import validate
from coupon_rec.market.schema import SCHEMAS, types
from coupon_rec.odds import logit
from coupon_rec.simulation import (
    MECHANISMS,
    Simulation,
    State,
    Truth,
    open_market,
    plant,
    price_marginals,
    shelf_lines,
    simulate,
    simulate_market,
)
from coupon_rec.simulation import market as market_module
from coupon_rec.simulation import truth as truth_module
from coupon_rec.simulation.world import DEPTHS

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

    _first, few, many = (peak(users) for users in (100, 500, 4000))
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
        likely_sum(part["happened"], part["p"], part["user_id"])


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
        ({"mechanisms": "seasons"}, "no mechanism 'seasons'; there are fatigue, response"),
        ({"strength": -1.0}, "strength must be 0 or more"),
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


# A market that answers back

FEW = {"users": 60, "items": 90, "coupons": 24, "campaigns": 4}


def table(state: State, name: str) -> pd.DataFrame:
    """What happened in the last period."""
    return state.history[-1][name].to_pandas()


def nobody(offers: pd.DataFrame) -> np.ndarray:
    return np.zeros(len(offers))


def at(depth: float) -> Callable[[pd.DataFrame], np.ndarray]:
    """The policy that sends everybody every type at one depth."""
    return lambda offers: (offers["depth"] == depth).to_numpy(float)


def likely_sum(
    happened: pd.Series, expected: pd.Series, users: pd.Series, most: float = 0.2
) -> None:
    """A sum is within four errors of what was expected, and they are small; users are whole."""
    surprise = (happened.astype(float) - expected).groupby(users).sum()
    error = surprise.std() * len(surprise) ** 0.5
    assert error < most * abs(expected.sum())
    assert abs(surprise.sum()) < 4 * error


def gross(state: State) -> pd.Series:
    """Gross profit of each user in the last period."""
    lines = table(state, "purchases")
    cost = state.nature.unit_cost[state.period, lines["item_id"] - 1] * lines["quantity"]
    users = np.arange(1, state.settings.users + 1)
    return (lines["amount"] - cost).groupby(lines["user_id"]).sum().reindex(users).fillna(0.0)


def people(state: State, name: str) -> np.ndarray:
    """A driver of each user, shape (users, 1)."""
    return np.concatenate([getattr(crowd.people, name) for crowd in state.crowds])[:, None]


def rates(state: State, which: str) -> np.ndarray:
    """Purchases a trip, "with" each coupon or "without" it; shape (users, coupons).

    Where they are rare, and they are here, a shift of the logit shifts their logarithm as far.
    """
    chance = state.truth[f"buy_{which}"].to_numpy().reshape(state.settings.users, -1)
    return -np.log1p(np.log1p(-chance) / (4 * people(state, "trips")))


@pytest.fixture(scope="module")
def everything() -> State:
    """All mechanisms, after two campaigns of the retailer's own."""
    return simulate(open_market(users=3000), campaigns=2)


@pytest.fixture(scope="module")
def full_shelves() -> State:
    """All that moves demand, and enough of it on the shelves."""
    demand = [name for name in MECHANISMS if name != "supply"]
    return simulate(open_market(users=3000, mechanisms=demand), campaigns=2)


@pytest.fixture(scope="module")
def outcomes(full_shelves: State) -> dict[float, State]:
    """One campaign later: under each depth sent to everybody, and 0 if nothing is."""
    policies = {0.0: nobody} | {depth: at(depth) for depth in DEPTHS}
    return {depth: simulate(full_shelves, policy) for depth, policy in policies.items()}


def test_it_is_a_market_with_a_truth(everything: State) -> None:
    simulation = everything.simulation()
    validate(simulation.market)
    truth = simulation.truth.offers
    offers = simulation.market.offers.order_by(KEY).to_pandas()
    assert (offers[KEY] == truth[KEY]).all(axis=None)
    product = offers["mailing_propensity"] * offers["coupon_propensity"]
    np.testing.assert_allclose(product, truth["propensity"], rtol=1e-5)


def test_its_labels_are_what_happened_where_shelves_are_full_and_reports_are_quick() -> None:
    names = [name for name in MECHANISMS if name not in ("supply", "delay", "collecting")]
    state = simulate(open_market(users=500, mechanisms=names), campaigns=2)
    simulation = state.simulation()
    offers, truth = offers_frame(simulation.market), simulation.truth.offers
    for name in [*KEY, "bought", "redeemed"]:
        assert (offers[name] == truth[name]).all(), name


def test_features_of_offers_that_could_be_made_are_those_of_offers_that_were(
    everything: State,
) -> None:
    state = simulate(open_market(**FEW))
    asked = offers_frame(state.simulation(to_come=True).market)
    made = offers_frame(simulate(state, at(0.25)).simulation().market)
    both = made[made["campaign_id"] == 2].merge(asked, on=KEY, suffixes=("", "_asked"))
    assert len(both) == (made["campaign_id"] == 2).sum() > 0
    assert (both["match_decayed_45"] == both["match_decayed_45_asked"]).all()


# Chances


def test_what_happens_is_as_likely_as_the_truth_says(full_shelves: State) -> None:
    c = table(full_shelves, "candidates")
    for happened, p in {
        "offered": c["mailing_propensity"] * c["coupon_propensity"],
        "bought_without": c["buy_without"],
        "bought_with": c["buy_with"],
        "redeemed_with": c["buy_with"] * c["redeem_given_buy"],
    }.items():
        likely_sum(c[happened], p, c["user_id"])


def test_units_and_spend_are_as_the_truth_says_at_every_depth(
    full_shelves: State, outcomes: dict[float, State]
) -> None:
    depth_of = full_shelves.world.coupons.set_index("coupon_id")["depth"]
    users = np.arange(1, 3001)
    for depth, state in outcomes.items():
        c, lines = table(state, "candidates"), table(state, "purchases")
        c = c[c["coupon_id"].map(depth_of) == (depth or 0.25)]
        lines = lines[full_shelves.campaign.slot_of_item[lines["item_id"] - 1] >= 0]
        shelf = lines["amount"] + lines["coupon_match"]
        for name, happened in {"units": lines["quantity"], "spend": shelf}.items():
            by_user = happened.groupby(lines["user_id"]).sum().reindex(users).fillna(0.0)
            expected = c.groupby("user_id")[f"{name}_{'with' if depth else 'without'}"].sum()
            likely_sum(by_user, expected, pd.Series(users, index=users))


def test_coupons_take_off_what_the_truth_says(outcomes: dict[float, State]) -> None:
    taken, expected = pd.Series(dtype=float), pd.Series(dtype=float)
    for state in outcomes.values():
        c, lines = table(state, "candidates"), table(state, "purchases")
        off = lines.groupby("user_id")["coupon_discount"].sum()
        taken = taken.add(off, fill_value=0)
        discount = c["discount"].where(c["offered"], 0.0).groupby(c["user_id"]).sum()
        expected = expected.add(discount, fill_value=0)
    users = expected.index
    likely_sum(taken.reindex(users).fillna(0.0), expected, users.to_series(), most=0.1)


def test_what_sending_adds_to_profit_is_as_the_truth_says(outcomes: dict[float, State]) -> None:
    sent, quiet = outcomes[0.5], outcomes[0.0]
    c = table(sent, "candidates")
    expected = c["profit"].where(c["offered"], 0.0).groupby(c["user_id"]).sum()
    gained = gross(sent) - gross(quiet)
    error = (gained - expected).std() * len(gained) ** 0.5
    assert abs((gained - expected).sum()) < 4 * error < 2 * abs(expected.sum())


# What each mechanism does

STATED = ["mailing_propensity", "coupon_propensity", "buy_without", "buy_with", "redeem_given_buy"]
STATED += ["units_with", "profit"]
MEANS = {
    "fatigue": [0.20699, 0.30833, 0.030036, 0.032905, 0.11051, 0.087096, -0.0019151],
    "response": [0.20699, 0.30833, 0.030036, 0.047268, 0.11051, 0.11782, 0.010813],
    "depths": [0.20699, 0.10278, 0.030036, 0.043442, 0.12459, 0.11543, 0.013384],
    "elasticity": [0.20699, 0.30833, 0.030036, 0.049328, 0.11051, 0.15182, 0.021174],
    "season": [0.20699, 0.30159, 0.027555, 0.046194, 0.11051, 0.14228, 0.020061],
    "stockpiling": [0.20699, 0.30733, 0.028712, 0.047594, 0.11051, 0.14462, 0.020101],
    "substitution": [0.20699, 0.30667, 0.028991, 0.047948, 0.11051, 0.14464, 0.010793],
    "novelty": [0.20699, 0.27219, 0.014773, 0.023019, 0.11212, 0.038516, 0.0039411],
    "drift": [0.20699, 0.30591, 0.029544, 0.04883, 0.11051, 0.15231, 0.021491],
    "content": [0.20699, 0.30833, 0.030036, 0.055117, 0.11051, 0.17143, 0.030174],
    "platforms": [0.20699, 0.30833, 0.030036, 0.045301, 0.090312, 0.13394, 0.016871],
    "accounts": [0.1926, 0.30451, 0.029045, 0.047696, 0.1085, 0.14878, 0.020717],
    "waiting": [0.20699, 0.30611, 0.029414, 0.049328, 0.11051, 0.15182, 0.021753],
    "collecting": [0.20825, 0.30049, 0.027602, 0.047067, 0.13224, 0.14342, 0.018055],
}
"""What is true of the second campaign with each mechanism, on average over its candidates.

`appendix/simulation` shows why each is as large as it is.
"""


def every_type(offers: pd.DataFrame) -> np.ndarray:
    """The policy that sends a coupon of each type to everybody."""
    return 1 / offers.groupby(["user_id", "type"])["depth"].transform("size").to_numpy()


@pytest.mark.parametrize("name", MEANS)
def test_each_mechanism_moves_the_truth_as_far_as_it_ever_did(name: str) -> None:
    sizes = {"users": 200, "items": 200, "coupons": 24}
    state = simulate(open_market(**sizes, mechanisms=f"elasticity {name}"), every_type)
    found = table(simulate(state), "candidates")[STATED].mean()
    assert found.tolist() == pytest.approx(MEANS[name], rel=1e-3)


def test_each_user_draws_a_depth_by_the_policy_that_is_recorded() -> None:
    state = open_market(users=3000, mechanisms="depths")
    terms = state.world.coupons.drop(columns="type")
    c = table(simulate(state), "candidates").merge(terms, on="coupon_id")
    some = c[c["offered"]]
    assert some["depth"].nunique() == 3
    assert not some.assign(kind=(some["coupon_id"] - 1) // 3).duplicated(["user_id", "kind"]).any()
    for _depth, part in c.groupby("depth"):
        likely_sum(
            part["offered"], part["mailing_propensity"] * part["coupon_propensity"], part["user_id"]
        )
    trips = np.concatenate([crowd.memory.trips for crowd in state.crowds])
    slope = np.where(trips[c["user_id"] - 1] == 0, 3, -3)
    weight = np.exp(slope * c["depth"])
    of_type = weight.groupby([c["user_id"], (c["coupon_id"] - 1) // 3]).transform("sum")
    np.testing.assert_allclose(c["coupon_propensity"], weight / of_type, rtol=1e-5)


def sold(state: State, name: str = "kind") -> np.ndarray:
    """Purchase lines of each period and type, or category; shape (periods, ...)."""
    group = getattr(state.nature, name)
    counts = [
        np.bincount(group[h["purchases"].to_pandas()["item_id"] - 1], minlength=group.max() + 1)
        for h in state.history
    ]
    return np.array(counts)


def test_no_store_sells_what_it_has_not_and_some_shelves_are_empty() -> None:
    state = simulate(open_market(users=1000, mechanisms="supply elasticity"), campaigns=4)
    market = state.simulation().market
    stock = market.stock.order_by(["store_id", "item_id", "date"]).to_pandas()
    lines = market.purchases.to_pandas()
    lines["date"] = stock["date"].min() + pd.to_timedelta(
        (lines["time"] - pd.Timestamp(stock["date"].min())).dt.days // 7 * 7, unit="D"
    )
    week = lines.groupby(["store_id", "item_id", "date"])["quantity"].sum()
    units = stock.set_index(["store_id", "item_id", "date"])["units"]
    left = units - week.reindex(units.index).fillna(0)
    assert (left >= 0).all()
    assert 0.05 < (left == 0).mean() < 0.12
    for store in (crowd.memory for crowd in state.crowds):
        orders = (store.on_order > 0) & (store.weekly > 20)
        weeks = (store.on_hand + store.on_order)[orders] / store.weekly[orders]
        assert orders.sum() > 20 and weeks.min() >= 2.15 and weeks.max() < 2.15 + 1 / 20
    full = simulate(open_market(users=1000, mechanisms="elasticity"), campaigns=4)
    lost = 1 - len(table(state, "purchases")) / len(table(full, "purchases"))
    assert 0.01 < lost < 0.15


def test_orders_of_ones_own_arrive_a_week_later() -> None:
    state, stock = open_market(users=500, mechanisms="supply"), {}
    items = state.settings.items
    for ordered in (0, 50):
        after = simulate(state, nobody, orders=lambda _, n=ordered: np.full((1, items), float(n)))
        rows = table(after, "stock").sort_values(["date", "item_id"])
        stock[ordered] = rows["units"].to_numpy().reshape(4, items)
    assert (stock[0][0] == stock[50][0]).all()
    lines = table(after, "purchases")
    first_week = lines["time"] < pd.Timestamp(rows["date"].min()) + pd.Timedelta(days=7)
    sold_then = np.bincount(
        lines["item_id"][first_week] - 1, lines["quantity"][first_week], minlength=items
    )
    assert sold_then.any()
    for ordered in (0, 50):
        left = stock[ordered][0] - sold_then
        assert (stock[ordered][1] == left + ordered).all()


def test_a_redemption_is_known_days_after_it_happened() -> None:
    state = simulate(open_market(users=1500, mechanisms="delay"), at(0.5), campaigns=2)
    happened = table(state, "redemptions")
    days = (pd.to_datetime(happened["reported"]) - pd.to_datetime(happened["date"])).dt.days
    assert days.mean() == pytest.approx(14.5, abs=4 * 14 / np.sqrt(len(days)))
    campaign = state.simulation().market.redemptions.campaign_id.to_pandas()
    told, heard_later = (campaign == 2).sum(), (campaign == 1).sum()
    assert told < 0.8 * len(happened)
    assert heard_later > 0.8 * len(state.history[-2]["redemptions"])


# The loop


def test_a_state_can_be_branched_and_two_policies_meet_the_same_chances() -> None:
    state = simulate(open_market(**FEW))
    one, same, other = (simulate(state, policy) for policy in (at(0.5), at(0.5), nobody))
    for name in one.history[-1]:
        assert one.history[-1][name].equals(same.history[-1][name])
    assert state.period == 1 and one.period == 2
    ours, theirs = table(one, "candidates"), table(other, "candidates")
    for name in ("bought_without", "bought_with", "redeemed_with", "position"):
        assert (ours[name] == theirs[name]).all()


def test_the_oracle_sends_each_user_the_best_coupon_of_each_type_if_it_pays(
    everything: State,
) -> None:
    profit = everything.truth["profit"] - 0.005
    best = everything.oracle()
    most = profit.groupby([everything.offers["user_id"], everything.offers["type"]]).transform(
        "max"
    )
    np.testing.assert_array_equal(best, (profit == most) & (profit > 0))
    assert best.any()
    assert simulate(everything, lambda _: best).period == everything.period + 1


def test_in_a_null_world_nothing_that_is_sent_changes_what_is_bought() -> None:
    state = simulate(open_market(users=1500, strength=0.0), campaigns=2)
    truth = state.truth
    buyers = ~np.repeat(
        np.concatenate([crowd.traits.collector for crowd in state.crowds]),
        len(state.campaign.coupon),
    )
    np.testing.assert_allclose(truth["buy_with"][buyers], truth["buy_without"][buyers])
    np.testing.assert_allclose(truth["profit"], -truth["discount"], atol=1e-12)
    assert not state.oracle().any()
    sent, quiet = (sold(simulate(state, policy, campaigns=3)) for policy in (at(0.5), nobody))
    assert (sent == quiet).all()


@pytest.mark.parametrize(
    ("change", "size"),
    [("redemption", -0.7), ("mailing", 1.0), ("prices", np.log(1.15)), ("season", 0.3)],
)
def test_a_planted_change_begins_with_its_campaign_and_has_its_size(
    change: str, size: float
) -> None:
    changed = open_market(users=500, mechanisms="", plants=[plant(change, 2)])
    calm = open_market(users=500, mechanisms="")
    assert changed.truth.equals(calm.truth)
    states = changed, calm = simulate(changed), simulate(calm)
    assert table(changed, "candidates").equals(table(calm, "candidates"))
    found = {
        "redemption": lambda s: logit(s.truth["redeem_given_buy"]),
        "mailing": lambda s: logit(
            (table(simulate(s), "candidates")["mailing_propensity"] - 0.02) / 0.48
        ),
        "prices": lambda s: np.log(s.offers["price"]),
        "season": lambda s: np.log(rates(s, "without")),
    }[change]
    now, usual = map(found, states)
    np.testing.assert_allclose(np.quantile(now - usual, [0.1, 0.5, 0.9]), size, rtol=0.05)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (lambda offers: np.ones(3), r"gives \(3,\) numbers for .* offers"),
        (lambda offers: np.full(len(offers), 1.5), "policy's coupon"),
        (lambda offers: 0.1 * offers["depth"][::-1], "policy and offers have different indexes"),
        (lambda offers: np.ones(len(offers)), "add up to 3.000: at most one of them is sent"),
        (
            lambda offers: pd.DataFrame({"mailing": offers["depth"], "coupon": 0.0}),
            "one number for all offers of a user",
        ),
    ],
)
def test_a_policy_that_gives_no_probabilities_is_refused(
    policy: Callable[[pd.DataFrame], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(open_market(**FEW), policy)
