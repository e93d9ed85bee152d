"""A market that answers back does what its mechanisms say, and nothing else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.features import offers_frame
from coupon_rec.market import validate
from coupon_rec.odds import logit, sigmoid
from coupon_rec.simulation import (
    MECHANISMS,
    State,
    open_market,
    plant,
    simulate,
    simulate_market,
)
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.nature import CONTENT
from coupon_rec.simulation.world import DEPTHS

pytestmark = pytest.mark.slow

KEY = ["campaign_id", "user_id", "coupon_id"]
SMALL = {"users": 60, "items": 90, "coupons": 24, "campaigns": 4}


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


def lifts(state: State) -> np.ndarray:
    """What each coupon adds to the logits of its items; shape (users, coupons)."""
    return np.log(rates(state, "with") / rates(state, "without"))


def shelf_logits(state: State) -> np.ndarray:
    """Equation (1) at the prices of the campaign to come; shape (users, items)."""
    world = state.world
    price = world.prices * (1 - world.sales[state.campaign.period])
    taste = people(state, "tastes")[:, 0] @ world.tastes.T
    sensitivity = people(state, "price_sensitivity")
    return people(state, "activity") + world.popularity + taste - sensitivity * np.log(price / 3.4)


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


@pytest.fixture(scope="module")
def of_each_depth() -> tuple[State, pd.DataFrame]:
    """A market whose types have all depths, and what its first campaign, of type B, sent."""
    state = open_market(users=3000, mechanisms="depths")
    terms = state.world.coupons.drop(columns="type")
    return state, table(simulate(state), "candidates").merge(terms, on="coupon_id")


@pytest.fixture(scope="module")
def calm() -> State:
    """No mechanism, before the first campaign."""
    return open_market(users=500, mechanisms="")


# A market


def test_without_mechanisms_it_follows_equations_1_to_5(calm: State) -> None:
    depth_of = calm.world.coupons["depth"].to_numpy()
    trips, sensitivity = people(calm, "trips"), people(calm, "price_sensitivity")
    mailed = 0.02 + 0.48 * sigmoid(4 * np.log(trips / 1.1))
    for kind_of_campaign in "BA":
        z, depth = shelf_logits(calm), depth_of[calm.campaign.coupon]
        tau = people(calm, "reaction") - 0.7 * sensitivity * np.log(1 - depth)
        found, p = calm.truth, {}
        for name, shift in {"buy_without": np.zeros_like(tau), "buy_with": tau}.items():
            none = [
                np.prod(1 - sigmoid(z[:, calm.nature.kind == kind] + shift[:, [c]]), axis=1)
                for c, kind in enumerate(calm.campaign.kind)
            ]
            p[name] = 1 - np.exp(-4 * trips * (1 - np.stack(none, axis=1)))
        p["redeem_given_buy"] = sigmoid(people(calm, "habit") + 4 * (depth - 0.25))
        for name, expected in p.items():
            np.testing.assert_allclose(found[name], expected.ravel(), rtol=1e-4, err_msg=name)
        calm = simulate(calm)
        within = 0.2 + 0.6 * sigmoid(3 + np.log(p["buy_without"]))
        within = np.ones_like(within) if kind_of_campaign == "B" else within
        sent = table(calm, "candidates")
        np.testing.assert_allclose(sent["coupon_propensity"], within.ravel(), rtol=1e-4)
        expected = np.repeat(mailed, len(depth))
        np.testing.assert_allclose(sent["mailing_propensity"], expected, rtol=1e-4)


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


def test_a_year_at_once_is_the_loop_under_the_retailers_own_policy() -> None:
    plants = [plant("prices", 3, 0.8), plant("season", 2)]
    year = simulate_market(**SMALL, mechanisms="all", plants=plants)
    loop = simulate(open_market(**SMALL, plants=plants), campaigns=SMALL["campaigns"]).simulation()
    for ours, theirs in ((year.market.tables(), loop.market.tables()),):
        assert ours.keys() == theirs.keys()
        for name, each in ours.items():
            columns = list(each.columns)
            frames = [
                t.select(columns).to_pandas().sort_values(columns, ignore_index=True)
                for t in (each, theirs[name])
            ]
            pd.testing.assert_frame_equal(*frames)


def test_features_of_offers_that_could_be_made_are_those_of_offers_that_were(
    everything: State,
) -> None:
    state = simulate(open_market(**SMALL))
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


def test_receipts_are_in_order_and_no_coupon_adds_what_is_on_one_already(
    outcomes: dict[float, State],
) -> None:
    key = ["basket_id", "item_id"]
    usual = table(outcomes[0.0], "purchases")[key]
    assert usual.equals(usual.sort_values(key))
    for state in outcomes.values():
        assert not table(state, "purchases").duplicated(key).any()


# What each mechanism does


def test_who_has_not_shopped_lately_answers_more_and_each_mailing_takes_what_the_age_says() -> None:
    often = rarely = open_market(users=500, mechanisms="fatigue")
    away = np.concatenate([crowd.memory.trips for crowd in often.crowds]) == 0
    discount = -0.7 * people(often, "price_sensitivity") * np.log(1 - often.campaign.depth)
    of_mail = np.median(lifts(often) - discount, axis=1)
    answers = [np.median(of_mail[who]) for who in (~away, away)]
    np.testing.assert_allclose(answers, [0.1, 0.1 + 0.6], atol=0.02)
    age = np.concatenate([crowd.traits.age for crowd in often.crowds])
    wear = np.array([0.4, 0.55, 0.7, 0.9, 1.1, 1.3])
    for mailings in (1.0, 1.5):
        often, rarely = simulate(often, at(0.25)), simulate(rarely, nobody)
        taken = np.median(lifts(rarely) - lifts(often), axis=1)
        by_age = [np.median(taken[age == group]) for group in range(6)]
        np.testing.assert_allclose(by_age, mailings * wear, rtol=0.01)


def test_a_discount_counts_from_a_threshold_on_and_more_for_those_who_shop_rarely() -> None:
    state = open_market(users=500, mechanisms="response depths")
    sensitivity, trips = people(state, "price_sensitivity"), people(state, "trips")
    depth = state.campaign.depth
    threshold = 0.25 - 0.08 * np.log(sensitivity / 1.5) / 0.4
    noticed = sigmoid((depth - threshold) / 0.06)
    worth = -0.7 * sensitivity * np.log(1 - depth) * noticed * np.clip(0.75 / trips, 0.2, 4)
    of_category = state.nature.responsiveness
    found = (lifts(state) - people(state, "reaction")) / worth / of_category[state.campaign.kind]
    low, median, high = np.quantile(found, [0.25, 0.5, 0.75], axis=0)
    np.testing.assert_allclose(median, 1, rtol=0.05)
    np.testing.assert_allclose([low, high], 1, rtol=0.15)
    assert np.log(of_category).std() == pytest.approx(0.2, rel=0.15)


def test_each_user_draws_a_depth_by_the_policy_that_is_recorded(
    of_each_depth: tuple[State, pd.DataFrame],
) -> None:
    state, c = of_each_depth
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


def test_items_have_elasticities_from_one_to_six() -> None:
    cheaper = open_market(users=2000, mechanisms="elasticity", plants=[plant("prices", 1, 0.99)])
    state = open_market(users=2000, mechanisms="elasticity")
    campaign = state.campaign
    units, price = [], []
    for each in (cheaper, state):
        truth = each.truth["units_without"].to_numpy().reshape(2000, -1)
        units.append(truth.sum(axis=0))
        price.append(each.offers["price"].to_numpy().reshape(2000, -1)[0])
    found = np.log(units[0] / units[1]) / np.log(price[0] / price[1])
    assert -6.5 < found.min() < -4 and -1.9 < found.max() < -0.9
    assert found.mean() == pytest.approx(-2.7, abs=0.4)
    sold = pd.DataFrame({"all": state.nature.sold, "more": state.nature.sold})
    sold["more"] *= state.nature.quantity
    of_type = sold.iloc[campaign.item].groupby(campaign.slot_of_row).sum()
    wanted = (of_type["more"] / of_type["all"])[campaign.slot]
    assert np.corrcoef(-found, wanted)[0, 1] > 0.8


def sold(state: State, name: str = "kind") -> np.ndarray:
    """Purchase lines of each period and type, or category; shape (periods, ...)."""
    group = getattr(state.nature, name)
    counts = [
        np.bincount(group[h["purchases"].to_pandas()["item_id"] - 1], minlength=group.max() + 1)
        for h in state.history
    ]
    return np.array(counts)


def test_categories_sell_by_their_season_and_their_drift() -> None:
    moving, still = (
        simulate(open_market(users=1000, mechanisms=names), nobody, campaigns=12)
        for names in ("season drift", "")
    )
    lines, usual = sold(moving, "category"), sold(still, "category")
    first = np.unique(still.nature.category, return_index=True)[1]
    of_each = [open_market(users=1, mechanisms=name).nature for name in ("season", "drift")]
    enough = usual.sum(axis=0) > 2000
    x = np.stack([nature.drift[:, first[enough]].ravel() for nature in of_each], axis=1)
    ratio = np.log(lines[:, enough] / usual[:, enough])
    slopes = np.linalg.lstsq(x, ratio.ravel(), rcond=None)[0]
    assert ((slopes > 0.75) & (slopes < 1)).all()  # below 1: most is bought by who buys often


def test_who_saved_on_a_type_buys_less_of_it_and_half_as_much_less_a_campaign_later() -> None:
    stocked, plain = (open_market(users=500, mechanisms=names) for names in ("stockpiling", ""))
    kind = plain.nature.kind
    pantry = np.zeros((500, kind.max() + 1))
    for _ in range(3):
        lines = table(stocked, "purchases")
        item = lines["item_id"].to_numpy() - 1
        cell = lines["user_id"].to_numpy() - 1, kind[item]
        cut, by_coupon = np.zeros_like(pantry), np.zeros_like(pantry)
        np.maximum.at(cut, cell, stocked.world.cuts[stocked.period, item])
        np.maximum.at(by_coupon, cell, np.log(2) * (lines["coupon_discount"] > 0))
        pantry = np.maximum(pantry / 2, cut + by_coupon)
        usual, expected = rates(plain, "without"), 2.5 * pantry[:, stocked.campaign.kind]
        less, rare = np.log(usual / rates(stocked, "without")), usual < 0.05
        np.testing.assert_allclose(less[rare], expected[rare], rtol=0.03, atol=1e-3)
        stocked, plain = (simulate(state, at(0.5)) for state in (stocked, plain))


def test_a_third_of_what_is_on_sale_in_a_category_is_taken_from_its_other_types() -> None:
    state, plain = (open_market(users=500, mechanisms=names) for names in ("substitution", ""))
    kinds, *columns = np.intersect1d(state.campaign.kind, plain.campaign.kind, return_indices=True)
    cut, sells = state.world.cuts[1], np.exp(state.world.popularity)
    cheaper = []
    for kind in kinds:
        own = state.nature.kind == kind
        of_category = state.nature.category == state.nature.category[own][0]
        cheaper.append((cut * sells)[of_category & ~own].sum() / sells[of_category].sum())
    others, alone = (
        rates(each, "without")[:, own] for each, own in zip((state, plain), columns, strict=True)
    )
    expected, rare = people(state, "price_sensitivity") / 3 * cheaper, alone < 0.05
    assert expected.max() > 0.3
    np.testing.assert_allclose(np.log(alone / others)[rare], expected[rare], rtol=0.03, atol=1e-3)


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


def test_types_get_coupons_one_after_the_other_with_an_appeal_that_no_table_holds() -> None:
    state = open_market(users=300, mechanisms="novelty", campaigns=12)
    first, kinds = state.nature.first, np.unique(state.nature.kind_of_coupon)
    assert (first == 1).mean() == pytest.approx(0.5, abs=0.12)
    for period in (1, 6, 12):
        there = Round(state.nature, period).kinds
        assert (first[there] <= period).all() and len(there)
    appeal, depth = state.nature.appeal[state.campaign.kind], state.campaign.depth
    lift = np.log(state.truth["buy_with"] / state.truth["buy_without"]).to_numpy()
    x = np.column_stack([np.ones(len(depth)), np.log(1 - depth), appeal])
    found = np.linalg.lstsq(x, lift.reshape(300, -1).mean(axis=0), rcond=None)[0]
    assert found[2] == pytest.approx(1, abs=0.15)
    assert 0.15 < state.nature.appeal[kinds].std() < 0.35


def test_a_redemption_is_known_days_after_it_happened() -> None:
    state = simulate(open_market(users=1500, mechanisms="delay"), at(0.5), campaigns=2)
    happened = table(state, "redemptions")
    days = (pd.to_datetime(happened["reported"]) - pd.to_datetime(happened["date"])).dt.days
    assert days.mean() == pytest.approx(14.5, abs=4 * 14 / np.sqrt(len(days)))
    campaign = state.simulation().market.redemptions.campaign_id.to_pandas()
    told, heard_later = (campaign == 2).sum(), (campaign == 1).sum()
    assert told < 0.8 * len(happened)
    assert heard_later > 0.8 * len(state.history[-2]["redemptions"])


def test_picture_and_text_have_their_effects_and_the_border_has_none() -> None:
    plain, shown = (
        open_market(users=1000, mechanisms=names, strength=1.0) for names in ("", "content")
    )
    lifts = []
    for state in (plain, shown):
        z = [np.log(p / (1 - p)) for p in (state.truth["buy_with"], state.truth["buy_without"])]
        lifts.append((z[0] - z[1]).to_numpy().reshape(1000, -1).mean(axis=0))
    traits = shown.nature.content.iloc[shown.campaign.coupon][list(CONTENT)].to_numpy(float)
    x = np.column_stack([np.ones(len(traits)), traits])
    effects = np.linalg.lstsq(x, lifts[1] - lifts[0], rcond=None)[0][1:]
    np.testing.assert_allclose(effects, list(CONTENT.values()), atol=0.03)
    coupons = shown.simulation().market.coupons.to_pandas()
    assert coupons["text"].str.contains("this month only").any()
    assert coupons["image"].nunique() == len(coupons)


def test_a_place_in_a_list_is_looked_at_by_its_power_which_is_larger_on_a_phone() -> None:
    shown, plain = (
        table(simulate(open_market(users=500, mechanisms=names), nobody), "candidates")
        for names in ("platforms", "")
    )
    effect = (c["buy_with"] - c["buy_without"] for c in (shown, plain))
    of_place = [e.groupby([shown["channel"], shown["position"]]).sum() for e in effect]
    looked = of_place[0] / of_place[1]
    for channel, power in {"phone": 0.5, "desk": 0.15}.items():
        np.testing.assert_allclose(looked[channel], np.arange(1, 17) ** -power, rtol=0.01)


def test_second_accounts_share_their_persons_tastes_and_patience() -> None:
    state = simulate(open_market(users=2000, mechanisms="accounts fatigue"), campaigns=2)
    accounts = state.simulation().market.accounts.to_pandas()
    second = accounts[accounts["user_id"] != accounts["person_id"]]
    assert 0.08 < len(second) / 2000 < 0.14
    drivers = state.simulation().truth.users.to_pandas().set_index("user_id")
    one, other = drivers.loc[second["user_id"]], drivers.loc[second["person_id"]]
    assert (one["taste_0"].to_numpy() == other["taste_0"].to_numpy()).all()
    of_person = one["trips"].to_numpy() + other["trips"].to_numpy()
    np.testing.assert_allclose(one["trips"] / of_person, 0.4)
    mailed = np.concatenate([crowd.memory.mailed for crowd in state.crowds])
    assert (mailed[second["user_id"] - 1] == mailed[second["person_id"] - 1]).all()


def test_who_waits_buys_less_the_more_mail_came_and_all_of_it_with_a_coupon() -> None:
    mailed = quiet = open_market(users=1000, mechanisms="waiting")
    waits = np.concatenate([crowd.traits.strategic for crowd in mailed.crowds])
    assert waits.mean() == pytest.approx(0.12, abs=0.03)
    for sure in (0.5, 0.75, 0.875):
        mailed, quiet = simulate(mailed, at(0.1)), simulate(quiet, nobody)
        put_off = np.median(np.log(rates(quiet, "without") / rates(mailed, "without")), axis=1)
        np.testing.assert_allclose(put_off[waits], 0.6 * sure, rtol=0.02)
        assert not put_off[~waits].any()
        np.testing.assert_allclose(mailed.truth["buy_with"], quiet.truth["buy_with"])


def test_what_collectors_redeem_their_person_would_have_bought() -> None:
    state = open_market(users=4000, mechanisms="collecting")
    collector = np.concatenate([crowd.traits.collector for crowd in state.crowds])
    redeem = logit(state.truth["redeem_given_buy"]).reshape(4000, -1)
    readier = redeem[collector] - redeem[np.flatnonzero(collector) - 1]
    np.testing.assert_allclose(np.quantile(readier, [0.1, 0.5, 0.9]), 2.5, rtol=0.01)
    of_collectors = np.repeat(collector, len(state.campaign.coupon))
    truth = state.truth[of_collectors]
    assert (truth["buy_with"] > truth["buy_without"]).mean() > 0.9
    assert (truth["profit"] <= 0).all()
    ids = np.flatnonzero(collector) + 1
    to_collectors = simulate(
        state,
        lambda offers: (offers["user_id"].isin(ids) & (offers["depth"] == 0.5)).to_numpy(float),
    )
    quiet = simulate(state, nobody)
    assert len(table(to_collectors, "redemptions")) > 10
    assert (sold(to_collectors)[-1] == sold(quiet)[-1]).all()


# The loop


def test_a_state_can_be_branched_and_two_policies_meet_the_same_chances() -> None:
    state = simulate(open_market(**SMALL))
    one, same, other = (simulate(state, policy) for policy in (at(0.5), at(0.5), nobody))
    for name in one.history[-1]:
        assert one.history[-1][name].equals(same.history[-1][name])
    assert state.period == 1 and one.period == 2
    ours, theirs = table(one, "candidates"), table(other, "candidates")
    for name in ("bought_without", "bought_with", "redeemed_with", "position"):
        assert (ours[name] == theirs[name]).all()


def test_what_is_sent_changes_what_comes() -> None:
    state = open_market(users=1000)
    sent, quiet = (simulate(state, policy, campaigns=2) for policy in (at(0.5), nobody))
    assert sent.truth["profit"].sum() < quiet.truth["profit"].sum()


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
    change: str, size: float, calm: State
) -> None:
    changed = open_market(users=500, mechanisms="", plants=[plant(change, 2)])
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


def test_a_planted_loss_of_a_feature_is_in_the_records_alone() -> None:
    plants = [plant("feature", 2)]
    before = simulate(open_market(users=500, mechanisms="fatigue", plants=plants))
    after = simulate(before)
    known = [
        (state.simulation().market.users.to_pandas()["age"] != "unknown").mean()
        for state in (before, after)
    ]
    assert known[0] > 0.2 and known[1] == 0
    calm = simulate(open_market(users=500, mechanisms="fatigue"), campaigns=2)
    assert table(after, "purchases").equals(table(calm, "purchases"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mechanisms": "seasons"}, "no mechanism 'seasons'; there are fatigue, response"),
        ({"strength": -1.0}, "strength must be 0 or more"),
        ({"users": 0}, "users must be a whole number"),
    ],
)
def test_a_market_that_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_market(**arguments)


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
        simulate(open_market(**SMALL), policy)


def test_a_plant_that_cannot_be_is_refused() -> None:
    for change, campaign, size, message in [
        ("weather", 1, None, "no change 'weather'; there are redemption"),
        ("prices", 0, None, "campaign must be 1 or more"),
        ("prices", 1, 0.0, "a factor above 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            plant(change, campaign, size)


def test_after_the_last_campaign_there_is_none() -> None:
    state = simulate(open_market(**SMALL), campaigns=4)
    with pytest.raises(ValueError, match="all 4 campaigns have been"):
        simulate(state)
    with pytest.raises(ValueError, match="campaigns must be 1 or more"):
        simulate(state, campaigns=0)


def test_what_a_market_that_answers_cannot_tell_at_once_is_refused(everything: State) -> None:
    with pytest.raises(ValueError, match=r"take truth.candidates"):
        _ = everything.simulation().truth.purchase
