"""Groups of users: what they get, with intervals that hold, and limits that are kept at a price."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from tables import write_scores
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.commands.bundles import _groups
from coupon_rec.decisions import Allocation, Budget, GroupLimit, allocate
from coupon_rec.evaluation import agreement, group_calibration, group_gap, group_means

Floats = NDArray[np.float64]


def lists(users: int = 600, seed: int = 0) -> tuple[Floats, Floats, NDArray[Any]]:
    """Values, costs and groups, of which the first is worth more."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["rich", "poor", "unknown"], users, p=[0.5, 0.3, 0.2])
    value = rng.normal(-1.0, 1.0, (users, 5)) + np.where(group == "rich", 0.5, -0.3)[:, None]
    value[rng.random(value.shape) < 0.2] = -np.inf
    return value, rng.uniform(0.1, 1.0, (users, 5)), group


def widest(limit: GroupLimit, found: Allocation) -> float:
    rates = limit.rates(found.chosen).values()
    return max(rates) - min(rates)


# Limits


@pytest.mark.parametrize("gap", [0.2, 0.05, 0.01])
def test_without_budgets_the_choice_is_the_best_that_the_gap_allows(gap: float) -> None:
    value, _, group = lists()
    limit = GroupLimit(group, gap)
    found = allocate(value, group_limit=limit)
    assert widest(limit, found) <= gap + 1e-9
    assert found.gap <= 1e-9
    assert found.value < allocate(value).value


@pytest.mark.parametrize(
    ("gap", "budget", "caps", "k", "near"),
    [
        (0.2, 60.0, np.full(5, np.inf), 1, 0.99),
        (0.03, 60.0, np.full(5, np.inf), 1, 0.99),
        (0.1, 150.0, np.array([40, 40, np.inf, 200, 10]), 2, 0.97),
    ],
)
def test_budgets_caps_and_several_coupons_a_user_are_kept_together(
    gap: float, budget: float, caps: Floats, k: int, near: float
) -> None:
    value, cost, group = lists(seed=k - 1)
    limit = GroupLimit(group, gap)
    found = allocate(
        value, Budget(budget, cost), caps=caps, k=k, groups=[*"aabbc"], group_limit=limit
    )
    assert found.method == "dual"
    assert widest(limit, found) <= gap + 1e-9
    assert found.spent[0] <= budget
    assert (found.chosen.sum(axis=0) <= caps).all()
    assert found.chosen[:, :2].sum(axis=1).max() <= 1
    assert found.chosen.sum(axis=1).max() == k
    assert near * found.bound <= found.value <= found.bound * (1 + 1e-9)


def test_a_limit_that_is_met_anyway_changes_nothing() -> None:
    value, cost, group = lists()
    for limits in ([], [Budget(60.0, cost)]):
        free = allocate(value, limits, method="dual")
        limited = allocate(value, limits, group_limit=GroupLimit(group, 1.0))
        assert limited.value == pytest.approx(free.value, rel=2e-3)
        assert not any(limited.fees.values())


def test_fees_rise_in_the_group_that_is_held_back_and_pay_the_one_that_is_sent_more() -> None:
    value, _, group = lists()
    fees = allocate(value, group_limit=GroupLimit(group, 0.02)).fees
    assert fees["rich"] > 0 > min(fees["poor"], fees["unknown"])
    a, b = np.array([9, 5, 3, 1]), np.array([6, 2, -0.5, -2])
    toy = allocate(np.append(a, b)[:, None], group_limit=GroupLimit([*"aaaabbbb"], 0.0))
    assert toy.value == 24.5
    assert toy.chosen.ravel().tolist() == [True] * 3 + [False] + [True] * 3 + [False]


@pytest.mark.parametrize(
    ("group", "gap", "words"),
    [
        ([*"aab"], -0.1, "0 or more"),
        ([*"aab"], np.nan, "0 or more"),
        ([*"aa"], 0.1, r"shape \(3,\)"),
        (["a", None, "b"], 0.1, "at position 1"),
        (["a", np.nan, "b"], 0.1, "at position 1"),
        (pd.Series(["a", None, "b"], dtype="string"), 0.1, "at position 1"),
        (["a", "a", "empty"], 0.1, "'empty' may get a coupon"),
    ],
)
def test_a_limit_that_cannot_be_met_says_why(group: Any, gap: float, words: str) -> None:
    value = np.array([[1.0], [2.0], [-np.inf]])
    with pytest.raises(ValueError, match=words):
        allocate(value, group_limit=GroupLimit(group, gap))


# Measures


def test_means_and_gaps_are_those_of_the_groups() -> None:
    rng = np.random.default_rng(0)
    users = rng.integers(0, 200, 2000)
    group, sent = np.where(users % 3 == 0, "a", "b"), rng.random(2000) < 0.4
    table = group_means(sent, group, users)
    by_hand = pd.Series(sent).groupby(group).mean()
    assert table["value"].tolist() == pytest.approx(by_hand.tolist())
    assert table["users"].sum() == len(np.unique(users))
    gap = group_gap(sent, group, users, between=("a", "b"))
    assert gap["value"] == pytest.approx(by_hand["a"] - by_hand["b"])
    assert gap["low"] < gap["value"] < gap["high"]
    some = sent & (rng.random(2000) < 0.5)
    assert (group_means(sent, group, users, among=some)["value"] == 1).all()


def test_an_interval_over_users_knows_that_the_offers_of_one_user_resemble_each_other() -> None:
    rng = np.random.default_rng(1)
    user = np.repeat(np.arange(100), 50)
    y = np.repeat((np.arange(100) % 2).astype(float), 50)
    group = np.full(len(y), "all")
    by_user = group_means(y, group, user).loc["all"]
    by_row = group_means(y, group, np.arange(len(y))).loc["all"]
    shuffled = group_means(y, group, user, coupons=rng.permutation(len(y)) // 50).loc["all"]
    wide = by_user["high"] - by_user["low"]
    assert wide > 5 * (by_row["high"] - by_row["low"])
    assert shuffled["high"] - shuffled["low"] > 0.9 * wide


def test_the_interval_of_a_rate_holds_the_truth_nineteen_times_in_twenty() -> None:
    held = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        habit, user = rng.beta(0.6, 2.4, 100), np.repeat(np.arange(100), 20)
        y = (rng.random(len(user)) < habit[user]).astype(float)
        rate = group_means(y, np.full(len(y), "all"), user, replicates=200).loc["all"]
        held.append(rate["low"] <= 0.2 <= rate["high"])
    assert np.mean(held) >= 0.87


def test_calibration_divides_what_came_by_what_was_promised_in_each_group() -> None:
    rng = np.random.default_rng(2)
    users, coupons = rng.integers(0, 300, 5000), rng.integers(0, 40, 5000)
    group, p = np.where(users % 2 == 0, "even", "odd"), rng.beta(1, 9, 5000)
    y = rng.random(5000) < np.where(users % 2 == 0, p, 2 * p).clip(max=1)
    kept = group_calibration(y, p, group, users, coupons, replicates=200)
    assert kept.loc["even", "low"] < 1 < kept.loc["even", "high"]
    assert kept.loc["odd", "low"] > 1.3


def test_models_agree_as_often_as_two_of_them_choose_the_same() -> None:
    choices = np.array([[7, 7, 8, -1], [7, 9, 8, -1], [7, 9, -1, -1]])
    assert agreement(choices, users=range(4))["value"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda: group_means([1, 0], np.array(["a", None]), [1, 2]), "group"),
        (lambda: group_means([1, 0], ["a"], [1, 2]), "group"),
        (lambda: group_means([1, np.nan], ["a", "a"], [1, 2]), "finite"),
        (lambda: group_means([1, 0], ["a", "a"], [1, 2], among=[2, 0]), "among"),
        (lambda: group_gap([1, 0], ["a", "a"], [1, 2], between=("a", "b")), "no row counts of"),
        (lambda: group_calibration([1, 0], [0.5, 2], ["a", "a"], [1, 2]), "in \\[0, 1\\]"),
        (lambda: group_means([1, 0], ["a", "b"], [1, 2], among=[0, 0]), "no row counts"),
        (lambda: agreement([[1, 2]], [1, 2]), "two or more"),
        (lambda: agreement([[7, 8], [np.nan, 7]], [1, 2]), "choices.1. must be present .-1 for"),
    ],
)
def test_bad_input_is_told_what_is_wrong(work: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        work()


# From files


def scores(folder: Path, users: int = 400) -> Path:
    """Scores of five coupons for each user, the odd ones promised less."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(users), 5)
    frame = pd.DataFrame(
        {
            "campaign_id": 1,
            "user_id": user,
            "coupon_id": np.tile(np.arange(100, 105), users),
            "redeemed": rng.beta(0.5, 60, len(user)) / (1 + user % 2),
            "spend_per_line": 5.0,
            "discount": 1.0,
        }
    )
    return write_scores(frame, folder / "scores.parquet")


@pytest.mark.parametrize("budget", [[], ["--budget", "1.5"]])
def test_the_command_keeps_the_gap_between_the_groups_of_a_file(
    budget: list[str], tmp_path: Path
) -> None:
    odd = pd.DataFrame({"user_id": np.arange(1, 400, 2), "group": "odd"})
    odd.to_csv(tmp_path / "groups.csv", index=False)
    given = ["allocate", str(scores(tmp_path)), str(tmp_path / "sent"), *budget]
    limited = ["--groups", str(tmp_path / "groups.csv"), "--gap", "0.02"]

    def gap(options: list[str]) -> float:
        told = CliRunner().invoke(app, [*given, *options])
        assert told.exit_code == 0, told.output
        sent = pd.read_parquet(tmp_path / "sent")
        if budget:
            assert sent["cost"].sum() <= 1.5
        odd = int((sent["user_id"] % 2).sum())
        return abs(2 * odd - len(sent)) / 200

    assert gap(limited) <= 0.02 + 1e-9 < 0.1 < gap([])


@pytest.mark.parametrize(
    ("column", "more", "words"),
    [("group", [], "both groups and gap"), ("band", ["--gap", "0.1"], "lack the columns")],
)
def test_the_command_says_what_a_limit_on_groups_lacks(
    column: str, more: list[str], words: str, tmp_path: Path
) -> None:
    file = tmp_path / "groups.csv"
    file.write_text(f"user_id,{column}\n1,a\n")
    given = [str(scores(tmp_path)), str(tmp_path / "sent"), "--groups", str(file)]
    told = CliRunner().invoke(app, ["allocate", *given, *more])
    assert told.exit_code == 2
    assert words in told.output


def test_the_group_of_a_user_called_na_is_read_and_a_user_named_twice_is_refused(
    tmp_path: Path,
) -> None:
    file = tmp_path / "groups.csv"
    file.write_text("user_id,group\nNA,a\nnull,\n007,b\n")
    assert _groups(file) == {"NA": "a", "null": "unknown", "007": "b"}
    file.write_text("user_id,group\n1,a\n2,b\n1,b\n")
    with pytest.raises(ValueError, match="names user '1' twice"):
        _groups(file)
