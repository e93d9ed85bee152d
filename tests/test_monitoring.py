"""Monitors ring where something broke, and as often as they say where nothing did."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

import coupon_rec.monitoring.report as reports
import coupon_rec.monitoring.rollout as rollout
from coupon_rec.features import Category, Encoder, Number
from coupon_rec.monitoring import (
    Cusum,
    Maturity,
    canary_size,
    contract,
    monitor,
    null_paths,
    observed_expected,
    psi,
    shadow,
    shift,
    spread,
)


def offers_of(users: int, rows: int, seed: int, moved: float = 0.0) -> pd.DataFrame:
    """Offers of users who repeat themselves: three features, one of them rare, one a copy."""
    rng = np.random.default_rng(seed)
    mine = rng.normal(moved, 1, users)
    rare = (rng.random(users) < 0.1).astype(float)
    frame = pd.DataFrame({"user_id": np.arange(users) + 10**6 * seed, "a": mine, "rare": rare})
    frame["copy"] = frame["a"] + 0.1 * rng.normal(size=users)
    return frame.loc[frame.index.repeat(rows)].reset_index(drop=True)


def half_missing(offers: pd.DataFrame) -> pd.DataFrame:
    """The first feature is missing in every other row, and no user is without it."""
    return offers.assign(a=offers["a"].where(offers.index % 2 == 0))


# The contract


def test_a_column_that_is_gone_and_a_name_that_is_new_are_named(offers: pd.DataFrame) -> None:
    changed = offers.drop(columns="user_recency").assign(age="of steel")
    found = contract(Encoder.fit(offers), changed).set_index("column")
    assert found.loc["user_recency", "problem"] == "column is missing"
    assert found.loc["age", ["problem", "example"]].tolist() == ["unknown name", "of steel"]


def test_coordinates_of_vectors_are_looked_at_and_names_as_a_model_reads_them() -> None:
    train = pd.DataFrame({"user_v": [[0.0, 0.5], [1.0, 1.0]] * 10, "user_code": ["1", "2"] * 10})
    numbers = [Number(f"user_v[{i}]", "", False, 0.0, 0.0, 1.0, 0.5, 0.5) for i in range(2)]
    codes = Category("user_code", ("1", "2"), 1)
    encoder = Encoder(numbers={"user": tuple(numbers)}, categories={"user_category": (codes,)})
    assert contract(encoder, train).empty
    assert contract(encoder, train.assign(user_code=[1, 2] * 10)).empty
    vectors = [[0.5, 1e9], [-1e9, 0.5], [0.5], None, "sweet", [np.inf, 0.5]]
    found = contract(encoder, pd.DataFrame({"user_v": vectors, "user_code": [1, 2, 3, 1, 1, 1]}))
    assert set(zip(found["column"], found["problem"], found["rows"], strict=True)) == {
        ("user_v[0]", "below its range", 1),
        ("user_v[0]", "not finite", 2),
        ("user_v[0]", "not a number", 1),
        ("user_v[1]", "above its range", 1),
        ("user_v[1]", "not finite", 1),
        ("user_v[1]", "not a number", 2),
        ("user_code", "unknown name", 1),
    }


# Which features moved


@pytest.mark.slow
def test_where_nothing_moved_the_tests_ring_as_often_as_they_say() -> None:
    splits = 80
    each, anywhere = np.zeros((splits, 3)), np.zeros(splits)
    for seed in range(splits):
        a, b = offers_of(60, 5, 2 * seed), offers_of(60, 5, 2 * seed + 1)
        table = shift(a, b, ["a", "rare", "copy"], shuffles=200, seed=seed)
        each[seed] = table["p"].to_numpy() <= 0.05
        anywhere[seed] = (table["p_any"] <= 0.05).any()
    low, high = binom.ppf([0.001, 0.999], splits, 0.05)
    assert (each.sum(axis=0) <= high).all()
    assert low <= each[:, 0].sum()
    assert low <= anywhere.sum() <= high


def test_what_moved_is_found_and_comes_first() -> None:
    a, b = offers_of(200, 5, 1), offers_of(200, 5, 2, moved=0.6)
    table = shift(a, b, ["rare", "a", "copy"])
    assert set(table.index[:2]) == {"a", "copy"}
    assert table.loc["a", "deviations"] == pytest.approx(0.6, abs=0.25)
    assert (table.loc[["a", "copy"], "p_any"] < 0.01).all() and table.loc["rare", "p_any"] > 0.05


def test_more_rows_of_the_same_users_change_nothing() -> None:
    sides = offers_of(50, 1, 1), offers_of(50, 1, 2)
    more = offers_of(50, 30, 1), offers_of(50, 30, 2)
    pd.testing.assert_frame_equal(shift(*sides, ["a", "rare"]), shift(*more, ["a", "rare"]))


@given(st.integers(2, 20), st.integers(0, 100))
def test_psi_is_never_negative_and_zero_between_equals(bins: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=100)
    assert psi(x, x, bins) == pytest.approx(0, abs=1e-12)
    assert psi(x, x + 1, bins) > 0


# Promised and kept


def clumped(users: int, each: int, ratio: float, seed: int) -> tuple[np.ndarray, ...]:
    """Outcomes of users with habits, `ratio` times what is promised on average."""
    rng = np.random.default_rng(seed)
    habit = rng.gamma(0.5, 2.0, users).repeat(each)
    p = rng.uniform(0.005, 0.03, users * each)
    y = rng.random(p.size) < np.minimum(1, ratio * habit * p)
    return y.astype(float), p, np.arange(users).repeat(each)


@pytest.mark.parametrize("known", [1.0, 0.4])
@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_the_ratio_is_recovered_and_its_interval_holds_it(ratio: float, known: float) -> None:
    found, wide = [], []
    for seed in range(150):
        y, p, users = clumped(400, 20, ratio, seed)
        seen = np.random.default_rng(seed).random(y.size) < known
        found.append(observed_expected(y * seen, p, users, known=known))
        wide.append(found[-1]["design_effect"])
    table = pd.DataFrame(found)
    assert table["ratio"].mean() == pytest.approx(ratio, rel=0.05)
    covered = ((table["low"] <= ratio) & (ratio <= table["high"])).mean()
    assert 0.9 <= covered <= 0.99
    assert np.mean(wide) > 1 + 0.3 * known * ratio


@pytest.mark.parametrize("users", [[1, 1, 1], [1, 2]])
def test_few_users_are_never_surer_than_independent_offers(users: list[int]) -> None:
    p = np.full(len(users), 1 / len(users))
    row = observed_expected(np.ones(len(users)), p, users)
    away = 1.96 / np.sqrt(len(users))
    assert np.log(row["high"] / row["ratio"]) == pytest.approx(away, abs=0.001)
    assert row["low"] < 1


def test_maturity_is_the_share_of_the_past_and_knows_how_campaigns_differ() -> None:
    known = Maturity.of([1, 2, 3, 4, 1, 1], ["a", "a", "a", "a", "b", "b"])
    assert [known(age) for age in (0, 1, 3, 4)] == [0, 0.5, 5 / 6, 1]
    assert known.spread(4) == 0 < known.spread(3) < known.spread(1)
    assert known.curve(5).tolist() == [0, 0.5, 4 / 6, 5 / 6, 1]


# Alarms


def test_the_sum_is_what_the_formula_says() -> None:
    path = Cusum(0.5).path([4, 0, 0], [4, 4, 4])
    np.testing.assert_allclose(path, [0, 2, 4])
    assert Cusum(0.5, 4).alarm([4, 0, 0], [4, 4, 4]) == 2
    assert Cusum(0.5, 4.1).alarm([4, 0, 0], [4, 4, 4]) is None


@pytest.mark.slow
def test_quiet_years_ring_as_often_as_they_may_and_clumps_need_a_higher_threshold() -> None:
    rng = np.random.default_rng(0)
    thresholds = []
    for clump in (1, 3):
        users = np.zeros((8 * 100 // clump, 28))
        users[np.arange(len(users)), rng.integers(28, size=len(users))] = clump
        cusum = Cusum.tuned(*null_paths(users, 8, paths=1000, seed=1))
        drawn = clump * rng.poisson(100 / 28 / clump, (1000, 336))
        rang = (cusum.path(drawn, np.full(drawn.shape, 100 / 28)) >= cusum.threshold).any(axis=1)
        assert 0.02 < rang.mean() < 0.10
        thresholds.append(cusum.threshold)
    assert thresholds[1] > 1.5 * thresholds[0]


# A trial


@pytest.mark.slow
def test_a_canary_of_the_size_finds_the_change_four_times_in_five() -> None:
    rng = np.random.default_rng(0)
    rate, change, share = 0.02, -0.3, 0.2
    n = canary_size(rate, change, share=share)
    rest = round(n * (1 - share) / share)
    new = rng.binomial(n, rate * (1 + change), 20_000) / n
    old = rng.binomial(rest, rate, 20_000) / rest
    error = np.sqrt(new * (1 - new) / n + old * (1 - old) / rest)
    assert ((new - old) / error < -1.645).mean() == pytest.approx(0.8, abs=0.04)
    assert canary_size(rate, change, share=share, design_effect=3) == pytest.approx(3 * n, abs=2)


def test_an_offer_that_was_asked_about_twice_counts_as_last_answered_in_any_order() -> None:
    key = {"user_id": 1, "campaign_id": 3, "coupon_id": 7}
    times = pd.to_datetime(["2024-03-02", "2024-03-01"])
    live = pd.DataFrame({**key, "probability": [0.4, 0.1], "value": 1.0, "time": times})
    assert shadow(live, live[::-1])["promised"] == 1
    assert shadow(live, live.assign(probability=0.2))["promised"] == 0.5


def test_a_shadow_that_says_the_same_is_silent_and_one_that_does_not_is_not() -> None:
    live = pd.DataFrame(
        {
            "user_id": [1, 1, 2, 2],
            "campaign_id": 7,
            "coupon_id": [1, 2, 1, 2],
            "probability": [0.1, 0.2, 0.3, 0.4],
            "value": [1.0, 2.0, -1.0, -2.0],
        }
    )
    same = shadow(live, live)
    assert same[["apart", "other_best", "only_live"]].tolist() == [0, 0, 0]
    assert same["promised"] == 1
    other = live.assign(probability=0.5 * live["probability"], value=[3.0, 2.0, 1.0, -2.0])
    assert shadow(live, other)[["promised", "other_best"]].tolist() == [0.5, 1.0]


# Bad input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: shift(offers_of(1, 3, 1), offers_of(5, 1, 2), ["a"]), "two or more"),
        (lambda: shift(offers_of(5, 2, 1), half_missing(offers_of(5, 2, 2)), ["a"]), "finite"),
        (lambda: observed_expected([2], [0.1], [1]), "0 or 1"),
        (lambda: observed_expected([1], [0.1], [1], known=0), "in (0, 1]"),
        (lambda: observed_expected([0], [0.0], [1]), "nothing is expected"),
        (lambda: monitor("", rate=0.0), "rate in (0, 1)"),
        (lambda: monitor("", horizon=0), "1 day or more"),
        (lambda: spread([1], [1]), "two or more"),
        (lambda: null_paths(np.zeros((3, 4)), 1), "a redemption at all"),
        (lambda: canary_size(0.01, 0), "must not be 0"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)


# What is read of a log


def test_days_are_judged_when_they_are_over_and_a_coupon_from_its_first_showing_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = {"user_id": 1, "campaign_id": 3}
    times = pd.to_datetime(["2024-03-02T12", "2024-03-03T09", "2024-03-09T00", "2024-03-02T00"])
    shown = pd.DataFrame({**key, "coupon_id": [7, 7, 7, 8], "time": times, "request_id": range(4)})
    shown["chosen"] = True
    answers = pd.DataFrame({"request_id": range(5), "time": [*times, times[0]]})
    used = pd.DataFrame({**key, "coupon_id": 7, "kind": "redemption"}, index=range(4))
    used["time"] = ["2024-03-01", "2024-03-04", "2024-03-20", "2024-03-21"]
    used = pd.concat([used, used[:1].assign(kind="purchase", time="2024-03-02")])
    for name, table in (("decisions", shown), ("answers", answers), ("outcomes", used)):
        monkeypatch.setattr(reports, f"read_{name}", lambda _, table=table: table.copy())
    read, answered, last = reports._shown("", 14)
    assert last == pd.Timestamp("2024-03-20"), "the last whole day before the newest event"
    assert read[["coupon_id", "request_id"]].to_numpy().tolist() == [["8", 3], ["7", 0]]
    assert read.set_index("coupon_id")["age"].fillna(-1).to_dict() == {"8": -1, "7": 2}
    assert answered["chosen"].tolist() == [True] * 4 + [False], "one had no candidate"
    assert reports._ages(read, used, 14, pd.Timestamp("2024-03-03")).isna().all()


# A look on each day

REFERENCE, WATCHED, DAY = 35, 84, pd.Timedelta(days=1)


def coupons(seed: int, left: float = 1.0, a_day: int = 40) -> pd.DataFrame:
    """Coupons shown on each day, a tenth of them redeemed; `left` of these, once they are watched.

    As `reports._shown` reads them from a log.
    """
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(REFERENCE + WATCHED), a_day)
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")
    used = rng.random(day.size) < np.where(day < REFERENCE, 0.1, 0.1 * left)
    return pd.DataFrame(
        {
            **{name: np.arange(day.size) for name in rollout.KEY},
            **{"day": time, "time": time, "probability": 0.1, "bundle": "a"},
            **{"arm": "live", "chosen": True, "degraded": False, "cached": False},
            "age": np.where(used, rng.exponential(2, day.size).astype(int).clip(max=6), np.nan),
        }
    )


def seen_by(shown: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """What is known at the end of a day."""
    known = shown[shown["day"] <= day].copy()
    return known.assign(
        age=known["age"].where(known["day"] + pd.to_timedelta(known["age"], unit="D") <= day)
    )


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Callable[..., reports.Report]:
    """Monitor coupons without a log, scores or a trial."""
    monkeypatch.setattr(reports, "trial_of", lambda *_: {})
    monkeypatch.setattr(reports, "_scores", lambda *_: {})

    def monitored(shown: pd.DataFrame, until: str = "2024-02-05", **options: Any) -> reports.Report:
        monkeypatch.setattr(reports, "_shown", lambda *_: (shown, shown, shown["day"].max()))
        return monitor("", **{"until": until, "window": 7, "horizon": WATCHED, **options})

    return monitored


@pytest.mark.slow
def test_quiet_horizons_ring_as_often_as_they_may(look: Callable[..., reports.Report]) -> None:
    horizons, rate = 150, 0.1
    rang = sum(bool(look(coupons(seed), rate=rate).alarms) for seed in range(horizons))
    low, high = binom.ppf([0.001, 0.999], horizons, rate)
    assert low <= rang <= high


@pytest.mark.slow
def test_a_look_on_each_day_says_no_more_than_one_at_the_end(
    look: Callable[..., reports.Report], tmp_path: Path
) -> None:
    shown = coupons(0, left=0.5)
    last = look(shown)
    (alarm,) = last.alarms
    html, facts = last.write(tmp_path / "report")
    assert "Alarm: fewer than promised" in html.read_text() and "http" not in html.read_text()
    assert json.loads(facts.read_text())["alarms"] == [alarm]
    day = pd.Timestamp(alarm.split()[-1])
    for each, rings in ((day - DAY, ()), (day, (alarm,)), (day + DAY, (alarm,))):
        early = look(seen_by(shown, each))
        assert early.alarms == rings
        assert early.thresholds == last.thresholds
        assert early.kept["reference"] == last.kept["reference"]
        for name, values in early.days.items():
            assert values == last.days[name][: len(values)]


@pytest.mark.slow
def test_a_canary_that_is_no_worse_seldom_rings_however_often_one_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollout, "from_sums", lambda *_: pd.Series(dtype=float))
    trials = 100

    def rings(seed: int, left: float) -> bool:
        rng = np.random.default_rng(1000 + seed)
        shown = coupons(seed).iloc[: 20 * 60].copy()
        shown["arm"] = np.where(rng.random(len(shown)) < 0.3, "canary", "live")
        lost = (shown["arm"] == "canary") & (rng.random(len(shown)) > left)
        shown["age"] = shown["age"].mask(lost)
        found = [rollout.canary_facts(shown[: 60 * look], 0.05) for look in range(1, 21)]
        return any(each["evidence"] >= each["rings"] for each in found if "evidence" in each)

    assert sum(rings(seed, 1.0) for seed in range(trials)) <= binom.ppf(0.999, trials, 0.05)
    assert rings(0, left=0.0)
