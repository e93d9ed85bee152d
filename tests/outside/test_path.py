"""README's path on tables of another trade: from six lines, or by commands, to a served coupon."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, closing
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import trades
from shop import ROOT, SAMPLE, Service, command, purchase, refusal, told

import coupon_rec as cr

KEY = ["campaign_id", "user_id", "coupon_id"]
LIST = ["campaign_id", "user_id"]
DAY = "2024-10-17"
"""The last of the trade's last campaign; purchases go on for some days."""

pytestmark = pytest.mark.filterwarnings("ignore")


def follow_readme(tables: Path, folder: Path) -> dict[str, Any]:
    """Run README's Python lines in a folder, on some tables."""
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    (lines,) = [block for block in blocks if "CoupledModel" in block]
    assert '"my_tables"' in lines
    names: dict[str, Any] = {}
    with chdir(folder):
        exec(lines.replace('"my_tables"', repr(str(tables))), names)  # of this repository
    return names


def all_files(folder: Path) -> dict[str, bytes]:
    """What a folder holds."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def check_choices(done: dict[str, Any], margin: float = 0.3) -> pd.DataFrame:
    """Choose by hand, as `Economics` documents it, and compare; return what was chosen."""
    choices, test = done["choices"], done["test"]
    p = done["model"].predict(test)["redeemed"].to_numpy()
    margin = test["margin"].fillna(margin)
    gain = 0.5 * margin * test["spend_per_line"] - 0.17 * test["discount"]
    by_hand = test[KEY].assign(probability=p, value=p * gain - 0.005)
    best = by_hand.sort_values("value", ascending=False).drop_duplicates(LIST).set_index(LIST)
    worth = best[best["value"] > 0].sort_index()
    sent = choices[choices["coupon_id"].notna()].set_index(LIST).sort_index()
    assert len(choices) == len(best) == choices.groupby(LIST).ngroups
    assert len(sent) == len(worth) > 10
    np.testing.assert_allclose(sent["value"], worth["value"], rtol=1e-6)
    np.testing.assert_allclose(sent["probability"], worth["probability"], rtol=1e-6)
    assert (sent["coupon_id"] == worth["coupon_id"]).all()
    none = choices[choices["coupon_id"].isna()]
    assert not none[["probability", "value"]].any(axis=None)
    assert sent["reason"].str.len().gt(0).all()
    return choices


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trades.write(tmp_path_factory.mktemp("trade") / "Märkte 2024")


@pytest.fixture(scope="module")
def done(tables: Path) -> dict[str, Any]:
    """What README's lines made of the other trade's tables, in the folder around them."""
    names = follow_readme(tables, tables.parent)
    names["model"].save(tables.parent / "model.keras")
    return names


@pytest.fixture(scope="module")
def offers(tables: Path) -> Path:
    """The trade's offers, as `features` writes them."""
    out = tables.parent / "offers.parquet"
    said = command("features", out, "--market", tables)
    redeemed = pd.read_parquet(out)["redeemed"]
    assert f"{len(redeemed):,}" in said and f"{redeemed.sum():,}" in said
    return out


@pytest.fixture(scope="module")
def scores(done: dict[str, Any], tables: Path, offers: Path) -> Path:
    """Their probabilities, as `score` writes them."""
    out = tables.parent / "scores"
    command("score", tables.parent / "bundle", offers, out)
    return out


@pytest.fixture(scope="module")
def choices(scores: Path) -> Path:
    """The coupons that are sent within a budget of 20, as `allocate` writes them."""
    out = scores.with_name("choices")
    command("allocate", scores, out, "--budget", 20, "--margin", 0.9)
    return out


@pytest.fixture(scope="module")
def shop(done: dict[str, Any], tables: Path) -> Iterator[Service]:
    """A service of the bundle that README's lines wrote."""
    service = Service(tables.parent / "bundle", tables.parent)
    yield service
    service.close()


def test_readmes_lines_choose_the_coupon_whose_value_is_largest(done: dict[str, Any]) -> None:
    chosen = done["market"].named(check_choices(done))
    assert chosen["coupon_id"].dropna().str.endswith("€ / Gutschein").all()
    assert set(chosen["user_id"]) <= set(trades.market()["users"]["user_id"])


@pytest.mark.slow
def test_readmes_lines_work_on_the_sample_too(tmp_path: Path) -> None:
    check_choices(follow_readme(SAMPLE, tmp_path))
    with closing(Service(tmp_path / "bundle", tmp_path)) as service:
        assert service.ask(2, "2017-06-21")["known"]


def test_what_readmes_lines_export_is_served_under_the_tables_own_names(shop: Service) -> None:
    of_campaign = trades.market()["coupon_items"].query("campaign_id == 'Aktion/7 ß'")
    mailed = trades.market()["offers"].query("campaign_id == 'Aktion/7 ß'")["user_id"].unique()
    answers = [shop.ask(user, DAY, k=3) for user in mailed[:40]]
    coupons = [coupon for answer in answers for coupon in answer["coupons"]]
    assert all(answer["known"] and len(answer["coupons"]) <= 3 for answer in answers)
    assert {coupon["coupon_id"] for coupon in coupons} <= set(of_campaign["coupon_id"])
    assert all(0 < coupon["probability"] < 1 and coupon["value"] > 0 for coupon in coupons)
    for answer in answers:
        values = [coupon["value"] for coupon in answer["coupons"]]
        assert values == sorted(values, reverse=True)
    assert not shop.ask("Kundin Ä/neu", DAY)["known"]


def test_a_purchase_under_the_tables_own_names_moves_the_next_answer(shop: Service) -> None:
    tables = trades.market()
    user = tables["offers"].query("campaign_id == 'Aktion/7 ß'")["user_id"].iloc[0]
    item = tables["coupon_items"].query("campaign_id == 'Aktion/7 ß'")["item_id"].iloc[0]
    before = shop.ask(user, DAY, k=100)["coupons"]
    bought = purchase("new", user, item) | {"time": f"{DAY}T12:00:00", "basket_id": "Bon neu"}
    assert shop.send(bought).is_success
    assert shop.ask(user, DAY, k=100)["coupons"] != before


def test_who_is_held_out_of_a_campaign_is_sent_nothing(shop: Service) -> None:
    held = trades.market()["holdouts"].query("campaign_id == 'Aktion/7 ß'")["user_id"]
    assert [shop.ask(user, DAY, k=100)["coupons"] for user in held[:40]] == [[]] * 40


def test_an_export_that_fails_leaves_the_bundle_as_it_was(
    done: dict[str, Any], tables: Path
) -> None:
    before = all_files(tables.parent / "bundle")
    beside = set(tables.parent.iterdir())
    with pytest.raises(ValueError, match="2016-01-01"):
        done["model"].export(tables.parent / "bundle", market=done["market"], day=date(2016, 1, 1))
    assert all_files(tables.parent / "bundle") == before
    assert set(tables.parent.iterdir()) == beside, "nothing is left lying around"


def test_files_of_offers_name_whom_the_tables_name(offers: Path) -> None:
    ours = pd.read_parquet(offers)[KEY].sort_values(KEY, ignore_index=True)
    theirs = trades.market()["offers"][KEY].sort_values(KEY, ignore_index=True)
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)


def test_a_model_finds_what_moves_these_users_and_evaluate_says_so(
    done: dict[str, Any], tables: Path, offers: Path
) -> None:
    """Someone who knew the truth would reach an AUC of 0.78; chance is 0.5."""
    said = command("evaluate", tables.parent / "model.keras", offers)
    (auc,) = re.findall(r"^all +AUC +(\S+)", said, re.MULTILINE)
    assert 0.74 < float(auc) < 0.83


def test_recommend_shows_a_users_coupons_and_refuses_a_user_without_offers(
    done: dict[str, Any], tables: Path, offers: Path
) -> None:
    model, table = tables.parent / "model.keras", pd.read_parquet(offers)
    user = table["user_id"].iloc[0]
    said = command("recommend", model, offers, "--user", user)
    mine = table[table["user_id"] == user]
    chosen = done["market"].named(done["model"].recommend(done["market"].named(mine)))
    assert said.count(user) == mine["campaign_id"].nunique()
    for coupon in chosen["coupon_id"].dropna():
        assert coupon in said
    assert "Kundin Ä/1000" in refusal("recommend", model, offers, "--user", "Kundin Ä/1000")


def test_scores_are_those_of_the_model(done: dict[str, Any], offers: Path, scores: Path) -> None:
    table, found = pd.read_parquet(offers), pd.read_parquet(scores)
    expected = done["model"].predict(table).assign(**table[KEY])
    both = found.merge(expected, on=KEY, suffixes=("", "_of_the_model"))
    assert len(both) == len(found) == len(table)
    for label in ("bought", "redeemed"):
        np.testing.assert_allclose(both[label], both[f"{label}_of_the_model"], rtol=0, atol=1e-6)


def test_allocate_sends_a_user_one_coupon_and_keeps_the_budget(scores: Path, choices: Path) -> None:
    sent, known = pd.read_parquet(choices), pd.read_parquet(scores)
    assert not sent.duplicated(LIST).any()
    assert 19 < sent["cost"].sum() <= 20
    p = sent[KEY].merge(known, on=KEY, how="left")
    np.testing.assert_allclose(sent["probability"], p["redeemed"], rtol=0, atol=1e-9)
    gain = 0.5 * p["margin"].fillna(0.9) * p["spend_per_line"] - 0.17 * p["discount"]
    np.testing.assert_allclose(sent["value"], p["redeemed"] * gain - 0.005, rtol=1e-6)
    assert (sent["value"] > 0).all()


def test_a_budget_counts_the_face_value_that_the_tables_state(choices: Path) -> None:
    sent = pd.read_parquet(choices).merge(trades.market()["coupons"], on="coupon_id")
    stated = (sent["probability"] * sent["face_value"]).sum()
    assert stated == pytest.approx(sent["cost"].sum(), rel=1e-6)


@pytest.mark.slow
def test_a_network_learns_from_records(offers: Path, tmp_path: Path) -> None:
    records, network = tmp_path / "records", tmp_path / "network.keras"
    said = command("records", offers, records, "--shards", 2)
    train, validation, _ = map(len, cr.split(pd.read_parquet(offers)))
    assert f"{train:,} training and {validation:,} validation" in said
    trained = command("train", records, network, "--epochs", 1)
    assert "log loss" in trained and network.is_file()


@pytest.mark.parametrize("what", ["features", "score"])
def test_a_disk_that_is_full_leaves_what_was_there_and_nothing_half_written(
    what: str, done: dict[str, Any], tables: Path, offers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = {
        "features": [out, "--market", trades.write(tmp_path / "tables", users=40)],
        "score": [tables.parent / "bundle", offers, out],
    }[what]
    if what == "features":
        out.write_text("of yesterday")
    before = all_files(tmp_path)
    limited = 'ulimit -f 4; exec "$0" -m coupon_rec "$@"'  # no file may grow beyond 4 kilobytes
    words = ["bash", "-c", limited, sys.executable, what, *map(str, given)]
    failed = subprocess.run(words, capture_output=True, text=True, check=False)
    assert failed.returncode == 2 and "too large" in failed.stderr.lower(), failed.stderr
    assert all_files(tmp_path) == before


# What is not noticed yet


@pytest.fixture(scope="module")
def few(done: dict[str, Any]) -> list[pd.DataFrame]:
    """Offers of some users to train, to validate and to test on."""
    return [done[name].query("user_id < 60") for name in ("train", "validation", "test")]


def trained(train: pd.DataFrame, validation: pd.DataFrame) -> cr.CoupledModel:
    """A model that has hardly begun to learn, with a column of the trade's own."""
    return cr.CoupledModel(extra=("user_years",), trees=0).fit(train, validation, epochs=1)


def test_no_offers_cannot_be_evaluated(done: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="offers"):
        done["model"].evaluate(done["test"].head(0))


def test_a_column_that_lost_all_its_values_is_named(few: list[pd.DataFrame]) -> None:
    model = trained(few[0], few[1])
    lost = few[2].assign(user_years=np.nan)
    assert "user_years" in told(lambda: model.evaluate(lost, replicates=2))


def test_training_on_what_came_later_than_validation_is_named(few: list[pd.DataFrame]) -> None:
    assert "validation" in told(lambda: trained(few[2], few[0]))


def test_offers_that_are_there_twice_are_named(few: list[pd.DataFrame]) -> None:
    said = told(lambda: trained(pd.concat([few[0], few[0]]), few[1]))
    assert re.search("twice|duplicate|unique", said)


def test_allocate_refuses_offers_that_have_no_scores_yet(offers: Path, tmp_path: Path) -> None:
    assert "score" in refusal("allocate", offers, tmp_path / "out")
