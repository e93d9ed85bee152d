"""Policies that explore say how; what they wrote down judges others, or says that it cannot."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupon_rec.policies import (
    BayesianLinear,
    BayesianLogistic,
    always_valid,
    best_share,
    compare_groups,
    draw,
    greedy,
    last_layer,
    off_policy_value,
    with_floor,
)

METHODS = ("ips", "snips", "dr", "switch", "direct")


def a_log(
    seed: int, users: int = 400, arms: int = 4, visits: int = 3, persistent: float = 0.0
) -> tuple[pd.DataFrame, float]:
    """A log of users who come back, and the value of always choosing the first arm."""
    rng = np.random.default_rng(seed)
    taste = rng.normal(0, 1, (users, arms))
    who = np.repeat(np.arange(users), visits)
    mu = np.full((len(who), arms), 0.4 / arms)
    mu[np.arange(len(who)), taste[who].argmax(axis=1)] += 0.6
    place = np.repeat(rng.random(users), visits) if persistent else rng.random(len(who))
    choice = (place[:, None] > mu.cumsum(axis=1)).sum(axis=1).clip(max=arms - 1)
    expected = 1 + 0.5 * taste[who]
    noise = rng.normal(0, 0.3, len(who)) + np.repeat(rng.normal(0, persistent, users), visits)
    reward = expected[np.arange(len(who)), choice] + noise
    log = pd.DataFrame(
        {
            "request_id": np.repeat(np.arange(len(who)), arms),
            "user_id": np.repeat(who, arms),
            "arm": np.tile(np.arange(arms), len(who)),
            "coupon_propensity": mu.ravel(),
            "chosen": (choice[:, None] == np.arange(arms)).ravel(),
            "expected": expected.ravel(),
        }
    )
    log["reward"] = np.where(log["chosen"], np.repeat(reward, arms), np.nan)
    return log, 1.0


def first_arm(log: pd.DataFrame) -> np.ndarray:
    return (log["arm"] == 0).to_numpy(float)


# What a log says of another policy


def test_ips_and_dr_are_right_on_average_and_a_wrong_model_is_not() -> None:
    found: dict[str, list[float]] = {method: [] for method in METHODS}
    for seed in range(60):
        log, truth = a_log(seed)
        table = off_policy_value(
            log,
            first_arm(log),
            predicted=log["expected"] + 0.5,
            methods=METHODS,
            switch_at=1.5,
            replicates=2,
        )
        for method in METHODS:
            found[method].append(table.loc[method, "value"] - truth)
    error = {m: np.mean(v) / (np.std(v, ddof=1) / np.sqrt(len(v))) for m, v in found.items()}
    assert max(abs(error[method]) for method in ("ips", "snips", "dr")) < 3
    assert np.mean(found["direct"]) == pytest.approx(0.5, abs=0.02)
    assert 0.2 < np.mean(found["switch"]) < 0.5


def test_dr_is_right_on_average_with_wrong_propensities_and_a_right_model() -> None:
    log, _ = a_log(0)
    wrong = np.full(len(log), 0.25)
    table = off_policy_value(
        log, first_arm(log), predicted=log["expected"], propensity=wrong, replicates=100
    )
    expected = log.loc[log["arm"] == 0, "expected"].mean()
    assert table.loc["dr", "value"] == pytest.approx(expected, abs=0.03)
    assert abs(table.loc["ips", "value"] - expected) > 0.1


def test_intervals_by_user_hold_the_truth_and_those_by_visit_do_not() -> None:
    hits = np.zeros(2)
    for seed in range(80):
        log, truth = a_log(seed, users=150, arms=2, visits=6, persistent=1.0)
        for place, clusters in enumerate(("user_id", "request_id")):
            table = off_policy_value(
                log, first_arm(log), clusters=(clusters,), replicates=200, seed=seed, methods="ips"
            )
            hits[place] += table.loc["ips", "low"] <= truth <= table.loc["ips", "high"]
    by_user, by_visit = hits / 80
    assert by_user >= 0.88
    assert by_visit < 0.75


def test_the_log_s_own_policy_is_worth_what_came_and_its_difference_to_itself_is_nothing() -> None:
    log, _ = a_log(1)
    mu = log["coupon_propensity"]
    table = off_policy_value(log, mu, predicted=log["expected"], methods=METHODS)
    mean = log["reward"].mean()
    assert table.loc[["ips", "snips"], "value"].to_numpy() == pytest.approx([mean, mean])
    assert table.loc["ips", "effective"] == pytest.approx(len(log) / 4)
    nothing = off_policy_value(log, mu, baseline=mu)
    assert np.abs(nothing[["value", "low", "high"]]).max(axis=None) == 0


def test_rows_that_were_chosen_are_enough_for_ips_and_order_does_not_matter() -> None:
    log, _ = a_log(3)
    whole = off_policy_value(log, first_arm(log), replicates=50)
    chosen = log[log["chosen"]].drop(columns="chosen")
    few = off_policy_value(chosen, first_arm(chosen), replicates=50)
    pd.testing.assert_frame_equal(whole, few)
    mixed = log.sample(frac=1, random_state=0)
    again = off_policy_value(mixed, first_arm(mixed), replicates=50)
    assert np.allclose(whole[["value", "effective"]], again[["value", "effective"]])


def test_rows_that_were_chosen_are_not_enough_for_snips_where_lists_were_sent() -> None:
    rng = np.random.default_rng(0)  # two of four coupons are sent, of which the first earns 1
    place = np.argsort(rng.random((4000, 4)), axis=1)
    coupon, user = np.tile(np.arange(4), 4000), np.repeat(np.arange(4000), 4)
    log = pd.DataFrame({"request_id": user, "user_id": user, "coupon_propensity": 0.5})
    log = log.assign(chosen=place.ravel() < 2, reward=1.0 + coupon)
    first = (coupon == 0).astype(float)
    whole = off_policy_value(log, first, replicates=50)
    assert whole["value"].tolist() == pytest.approx([1.0, 1.0], abs=0.05)
    sent, choice = log[log["chosen"]].drop(columns="chosen"), first[log["chosen"]]
    few = off_policy_value(sent, choice, replicates=50)
    pd.testing.assert_frame_equal(whole.loc[["ips"]], few)
    with pytest.raises(ValueError, match="'snips' divides by how many the new policy chooses"):
        off_policy_value(sent, choice, methods="snips")


@pytest.mark.parametrize("column", ["request_id", "user_id"])
def test_rows_of_no_decision_or_user_are_not_taken_for_those_of_one(column: str) -> None:
    log, _ = a_log(3)
    log[column] = log[column].where(log.index >= 8)
    with pytest.raises(ValueError, match=rf"log\['{column}'\] must be present, but 8 of"):
        off_policy_value(log, first_arm(log))


def test_switch_is_dr_above_all_weights_and_the_model_below_them() -> None:
    log, _ = a_log(4)

    def value(methods: str, switch_at: float = 10.0) -> pd.Series:
        return off_policy_value(
            log,
            first_arm(log),
            predicted=log["expected"] + 1,
            methods=methods,
            switch_at=switch_at,
            min_effective=0,
        ).loc[methods]

    assert value("switch", 1e9)["value"] == value("dr")["value"]
    assert value("switch", 0.01)["value"] == value("direct")["value"]
    assert value("switch", 0.01)["model_share"] == 1
    assert value("switch", 1e9)["model_share"] == 0


def test_mailing_and_coupon_propensities_are_multiplied() -> None:
    log, _ = a_log(5)
    parts = {"mailing_propensity": 0.8, "coupon_propensity": log["coupon_propensity"] / 0.8}
    one, other = (
        off_policy_value(each, first_arm(log), replicates=10) for each in (log, log.assign(**parts))
    )
    assert np.allclose(one, other)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda log: log.drop(columns="coupon_propensity"), {}, "lacks the columns"),
        (lambda log: log, {"methods": ("dr",)}, "pass predicted"),
        (lambda log: log, {"min_effective": 1e6}, "decisions count as"),
        (lambda log: log.assign(reward=np.nan), {}, "where chosen must be finite"),
        (lambda log: log.assign(coupon_propensity=0.9), {}, "its propensities add up to"),
        (lambda log: log.assign(coupon_propensity=0.0), {}, "above 0 where the row was chosen"),
        (lambda log: log.iloc[:12], {}, "holds one value only"),
    ],
)
def test_a_log_that_cannot_be_judged_is_refused_with_the_reason(
    change: Any, options: dict[str, Any], words: str
) -> None:
    log = change(a_log(6)[0])
    with pytest.raises(ValueError, match=words):
        off_policy_value(log, first_arm(log), **options)


def test_what_the_log_could_never_choose_is_left_to_the_model_or_refused() -> None:
    log, _ = a_log(7)
    sure = log["arm"].eq(1).astype(float)
    log = log.assign(coupon_propensity=sure, chosen=sure == 1, reward=1.0)
    with pytest.raises(ValueError, match="could not choose"):
        off_policy_value(log, first_arm(log))
    table = off_policy_value(log, first_arm(log), predicted=log["expected"], methods="direct")
    assert table.loc["direct", "model_share"] == 1


def test_a_matching_log_is_refused_if_nothing_matches() -> None:
    log, _ = a_log(8, users=5, visits=1)
    log = log[~log.groupby("request_id")["chosen"].transform(lambda c: c.iloc[0])]
    for least in (100, 0):
        with pytest.raises(ValueError, match=r"count as 0\.0"):
            off_policy_value(log, first_arm(log), min_effective=least)
    nobody = off_policy_value(log, np.zeros(len(log)), methods="ips", min_effective=0)
    assert nobody.loc["ips", "value"] == 0


def test_a_policy_that_chooses_two_is_not_judged_by_a_log_that_chose_one() -> None:
    log, _ = a_log(9)
    with pytest.raises(ValueError, match=r"probability adds up to 2\.00 in one"):
        off_policy_value(log, first_arm(log) + (log["arm"] == 1))


# Exploring


probabilities = st.lists(st.integers(0, 4), min_size=1, max_size=6).filter(any)


@given(st.lists(probabilities, min_size=1, max_size=5), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_floors_are_kept_and_propensities_add_up(
    weights: list[list[int]], rate: float, seed: int
) -> None:
    p = np.concatenate([np.array(w) / sum(w) for w in weights])
    decision = np.repeat(np.arange(len(weights)), [len(w) for w in weights])
    rng = np.random.default_rng(seed)
    allowed = (p > 0) | (rng.random(p.size) < 0.5)
    mu = with_floor(p, decision, rate, allowed)
    count = np.bincount(decision, allowed)[decision]
    assert (mu[allowed] >= rate / count[allowed] - 1e-12).all()
    assert (mu[~allowed] == 0).all()
    assert np.bincount(decision, mu) == pytest.approx(np.ones(len(weights)))
    chosen = draw(mu, decision, seed)
    assert (np.bincount(decision, chosen) == 1).all()
    assert not chosen[mu == 0].any()


def test_each_candidate_is_drawn_as_often_as_its_propensity_says() -> None:
    lists = 20_000
    mu = np.tile([0.1, 0.9, 0.6, 0.4, 0.3, 0.0], lists)
    part = np.tile([0, 0, 0, 0, 1, 1], lists) + 2 * np.repeat(np.arange(lists), 6)
    chosen = draw(mu, part, seed=1).reshape(lists, 6)
    assert chosen.mean(axis=0) == pytest.approx(mu[:6], abs=0.015)
    assert (chosen[:, :4].sum(axis=1) == 2).all()
    assert chosen[:, 4:].sum(axis=1).max() == 1


# Bandits


def test_the_belief_is_that_of_all_outcomes_however_late_they_come() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 4)), rng.normal(size=90)
    at_once, late = (BayesianLinear([1.0, 2.0, 0.5, 1.0], noise=0.7) for _ in range(2))
    at_once.learn(x, y)
    for part in (slice(50, 90), slice(0, 20), slice(20, 50)):
        late.learn(x[part], y[part])
    assert np.allclose(at_once.center, late.center)
    assert np.allclose(at_once.deviation(x), late.deviation(x))


def test_a_belief_is_as_sure_as_it_may_be() -> None:
    rng, hits = np.random.default_rng(1), []
    for _ in range(300):
        theta = rng.normal(size=3)
        x = rng.normal(size=(15, 3))
        model = BayesianLinear([1.0] * 3, noise=0.5)
        model.learn(x, x @ theta + rng.normal(0, 0.5, 15))
        at = rng.normal(size=(1, 3))
        away = abs(model.expected(at) - at @ theta) / model.deviation(at)
        hits.append(away[0] < 1.96)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.04)
    drawn = model.draw(x, draws=20_000, seed=0)
    assert np.allclose(drawn.mean(axis=1), model.expected(x), atol=0.02)
    assert np.allclose(drawn.std(axis=1), model.deviation(x), rtol=0.05)


def test_a_logistic_belief_finds_the_rates() -> None:
    rng = np.random.default_rng(2)
    rates, arms = np.array([0.1, 0.3, 0.6]), np.arange(6000) % 3
    model = BayesianLogistic([3.0] * 3)
    for part in np.array_split(rng.permutation(6000), 4):
        model.learn(np.eye(3)[arms[part]], rng.random(part.size) < rates[arms[part]])
    assert 1 / (1 + np.exp(-model.expected(np.eye(3)))) == pytest.approx(rates, abs=0.03)


def test_shares_of_being_best_add_up_and_split_ties() -> None:
    drawn = np.random.default_rng(0).normal(size=(7, 50))
    share = best_share(drawn, [2, 2, 2, 0, 0, 1, 1])
    assert np.bincount([2, 2, 2, 0, 0, 1, 1], share) == pytest.approx([1, 1, 1])
    assert best_share([[1.0], [1.0], [0.0]], [5, 5, 5]).tolist() == [0.5, 0.5, 0.0]
    assert greedy([0.5, 0.5], [0, 0]).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_a_network_is_linear_in_its_last_layer(activation: str) -> None:
    from sklearn.neural_network import MLPRegressor

    x = np.random.default_rng(0).normal(size=(80, 3))
    network = MLPRegressor(
        hidden_layer_sizes=(8, 5), activation=activation, max_iter=50, random_state=0
    )
    network.fit(x, np.sin(x[:, 0]))
    layer = last_layer(network, x)
    weights = np.concatenate([network.intercepts_[-1], network.coefs_[-1][:, 0]])
    assert np.allclose(layer @ weights, network.predict(x))
    with pytest.raises(ValueError, match="reads 3 columns"):
        last_layer(network, x[:, :2])


def test_the_last_layer_of_a_keras_network_is_that_of_its_output() -> None:
    keras = pytest.importorskip("keras")
    layers = [keras.layers.Dense(6, "relu"), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    network = keras.Sequential([keras.Input((3,)), *layers])
    x = np.random.default_rng(0).normal(size=(20, 3))
    kernel, bias = (np.asarray(each) for each in network.layers[-1].get_weights())
    weights = np.concatenate([bias, kernel[:, 0]])
    answers = np.asarray(network(x.astype("float32")))[:, 0]
    assert np.allclose(last_layer(network, x) @ weights, answers, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: BayesianLinear([0.0]), "deviations must be above 0"),
        (lambda: BayesianLinear([1.0], noise=0), "noise must be above 0"),
        (lambda: BayesianLinear([1.0]).learn([[1.0, 2.0]], [1.0]), r"shape (n, 1)"),
        (lambda: BayesianLogistic([1.0]).learn([[1.0]], [0.5]), "0 or 1"),
        (lambda: with_floor([0.5, 0.5], [0, 0], 1.5), "rate must be in"),
        (lambda: with_floor([1.0, 0.0], [0, 0], 0.1, [False, True]), "0 where allowed is False"),
        (lambda: with_floor([1.2, 0.0], [0, 0], 0.1), "in [0, 1]"),
        (lambda: always_valid([0.1], [0.0], scale=1.0), "variance must be above 0"),
    ],
)
def test_what_cannot_be_explored_or_compared_is_refused(make: Any, words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        make()
    assert words in str(refusal.value)


# Experiments


def looks(seed: int, days: int = 28, users: int = 60, effect: float = 0.0) -> tuple[Any, Any]:
    """The difference of two groups after each day, and its variance."""
    rng = np.random.default_rng(seed)
    y = rng.exponential(1, (2, days * users))
    y[1] += effect
    at = users * np.arange(1, days + 1)
    mean = y.cumsum(axis=1)[:, at - 1] / at
    spread = (y**2).cumsum(axis=1)[:, at - 1] / at - mean**2
    return mean[1] - mean[0], (spread / at).sum(axis=0)


def test_daily_looks_raise_false_alarms_unless_the_interval_is_always_valid() -> None:
    alarms = np.zeros((1000, 3))
    for seed in range(1000):
        d, v = looks(seed)
        once = np.abs(d) > 1.96 * np.sqrt(v)
        ends = always_valid(d, v, scale=0.2).to_numpy()
        alarms[seed] = once[-1], once.any(), ((ends[:, 0] > 0) | (ends[:, 1] < 0)).any()
    at_end, each_day, always = alarms.mean(axis=0)
    assert at_end == pytest.approx(0.05, abs=0.02)
    assert each_day > 0.15
    assert always <= 0.05


def a_test(seed: int, users: int = 1000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    before = rng.exponential(20, users)
    variant = rng.integers(2, size=users)
    spend = 0.8 * before + rng.exponential(8, users) + 2 * variant
    return pd.DataFrame(
        {"user_id": np.arange(users), "variant": variant, "spend": spend, "before": before}
    )


def test_what_was_known_before_makes_a_test_surer_and_leaves_it_right() -> None:
    plain, cuped = [], []
    for seed in range(40):
        users = a_test(seed)
        plain.append(compare_groups(users, "spend"))
        cuped.append(compare_groups(users, "spend", before="before"))
    widths = [pd.DataFrame(found).eval("high - low").mean() for found in (plain, cuped)]
    assert widths[1] < 0.6 * widths[0]
    difference = pd.DataFrame(cuped)["difference"]
    assert difference.mean() == pytest.approx(2, abs=0.25)
    assert pd.DataFrame(cuped).eval("low <= 2 <= high").mean() >= 0.87


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda u: u[(u["variant"] == 0) | (u["user_id"] % 4 > 0)], "are not split as planned"),
        (lambda u: pd.concat([u, u.iloc[:1]]), "different in each row"),
        (lambda u: u.assign(variant=0), "must hold 0 and 1"),
        (lambda u: u.assign(variant=(u["user_id"] == 0) * 1), "two users or more, but one has 1"),
    ],
)
def test_a_broken_experiment_is_refused(change: Any, words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        compare_groups(change(a_test(0, users=2000)), "spend")
    assert words in str(refusal.value)
