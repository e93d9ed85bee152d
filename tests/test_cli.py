"""The path from tables to a coupon, from a shell."""

import re
import shutil
import socket
from pathlib import Path

import pandas as pd
import pytest
import typer
from shell import refusal, run, words

from coupon_rec.commands.shared import ends_well
from coupon_rec.features.online.snapshot_writer import last_day
from coupon_rec.market import load_complete_journey

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"
DATES = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22")
DAY = "2017-06-01"


@pytest.mark.slow
def test_from_tables_to_a_coupon(tmp_path: Path) -> None:
    offers, model = tmp_path / "offers.parquet", tmp_path / "model.keras"
    built = run("features", offers, "--market", SAMPLE)
    assert "redeemed" in built.stdout, built.stderr
    table = pd.read_parquet(offers)
    files = [tmp_path / "early.parquet", tmp_path / "late.parquet"]
    early = table["start"] < "2017-05-01"
    for path, rows in zip(files, (early, ~early), strict=True):
        table[rows].to_parquet(path)
    starts = sorted(table["start"].dt.strftime("%Y-%m-%d").unique())
    dates = ("--validate-from", starts[-2], "--test-from", starts[-1])
    trained = run("train", *files, model, *dates, "--epochs", 1)
    assert "validation log loss" in trained.stdout, trained.stderr
    assert "average precision" in run("evaluate", model, offers, *dates).stdout
    chosen = run("recommend", model, offers, "--user", table["user_id"].iloc[0])
    assert "probability" in chosen.stdout


@pytest.mark.slow
def test_without_offers_and_dates_the_market_is_read_and_split_by_its_own_campaigns(
    tmp_path: Path,
) -> None:
    model = tmp_path / "model.keras"
    extra = refusal("train", model, "--market", SAMPLE, "--extra", "coupon_rank")
    assert "offers lack the columns ['coupon_rank']" in extra
    assert not model.exists()
    trained = run("train", model, "--market", SAMPLE, "--seed", 1, "--epochs", 2)
    assert "validation log loss" in trained.stdout, trained.stderr
    assert "never varied in training, so nothing is learned from: " in words(trained)
    scores = run("evaluate", model, "--market", SAMPLE)
    assert "NDCG@10" in scores.stdout, scores.stderr
    chosen = run("recommend", model, "--market", SAMPLE, "--user", 7)
    assert "probability" in chosen.stdout, chosen.stderr
    stranger = refusal("recommend", model, "--market", SAMPLE, "--user", 999)
    assert "user 999 has no offers" in stranger
    half = refusal("evaluate", model, "--market", SAMPLE, "--test-from", "2017-05-01")
    assert "give both --validate-from and --test-from, or neither" in half
    assert "building" not in half


@pytest.mark.slow
def test_the_question_of_the_readme_is_of_the_day_that_its_bundle_serves() -> None:
    (moment,) = {*re.findall(r'"time": "(\S+?)T', (ROOT / "README.md").read_text(encoding="utf-8"))}
    assert moment == str(last_day(load_complete_journey()))


def test_a_port_that_is_taken_is_named_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"port {port}" in refusal("serve", "nowhere", "--port", port)


def test_a_bundle_that_is_missing_leaves_no_log_behind(tmp_path: Path) -> None:
    refusal("serve", tmp_path / "nowhere", "--port", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_split_without_campaigns_says_which_there_are(tmp_path: Path) -> None:
    offers = tmp_path / "offers.parquet"
    start = pd.to_datetime(["2020-02-01", "2020-05-01"])
    pd.DataFrame({"start": start, "campaign_id": [1, 2], "coupon_days": 28.0}).to_parquet(offers)
    dates = ("--validate-from", "2017-09-01", "--test-from", "2017-10-01")
    said = refusal("train", offers, tmp_path / "model.keras", *dates)
    assert "2020-02-01" in said
    assert "--validate-from" in said


MISTAKES: list[tuple[str, str]] = [
    ("adapt {file} {file} phone.keras", "cannot be read as Parquet"),
    ("allocate {file} out", "does not say that it holds scores: make it with `score`"),
    ("allocate nowhere out", "there are no files nowhere"),
    ("assistant --user 1 --market nowhere", "nowhere"),
    ("evaluate {file} {file} --market {spoiled}", "not both"),
    ("evaluate {file} {numbers} {text}", "user_id is text in some of {numbers}, {text}"),
    ("recommend {numbers} {numbers} --user 1", "{numbers} is no model"),
    ("export nowhere.keras bundle", "does not exist"),
    ("features out.parquet --market nowhere", "nowhere"),
    ("features out.parquet --market {spoiled}", "user_trend"),
    ("features /nowhere/out.parquet --market {sample}", "there is no folder /nowhere for out"),
    ("forget 1 --bundle {file}", "is no bundle"),
    ("listen nowhere.jsonl --memory {folder}/memory", "nowhere.jsonl"),
    ("listen {file} --memory {folder}", "{folder}"),
    ("monitor nowhere", "nowhere"),
    ("records {file} out", "Parquet file"),
    ("report {file} page.pdf", "name a .html file"),
    ("report {file} /nowhere/page.html", "in a folder that exists"),
    ("retrain {file} --market {sample}", "{file}"),
    ("retrain {folder}/registry --market {spoiled}", "user_trend"),
    ("score nowhere {file} out", "is no bundle"),
    ("serve nowhere --port 0", "is no bundle"),
    ("train model.h5", "name a .keras file"),
    ("value nowhere", "nowhere"),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A market with a column that is called as a feature, and other places that are wrong."""
    folder = tmp_path_factory.mktemp("wrong")
    spoiled = Path(shutil.copytree(SAMPLE, folder / "spoiled"))
    users = pd.read_parquet(spoiled / "users.parquet").assign(user_trend=1.0)
    users.to_parquet(spoiled / "users.parquet")
    file = folder / "file.txt"
    file.write_text("no table")
    places = {"folder": folder, "spoiled": spoiled, "file": file, "sample": SAMPLE}
    for name, dtype in (("numbers", "int64"), ("text", "str")):
        places[name] = folder / f"{name}.parquet"
        pd.DataFrame({"user_id": [1, 2]}).astype(dtype).to_parquet(places[name])
    return places


@pytest.mark.parametrize(("command", "message"), MISTAKES)
def test_a_mistake_is_one_clear_error(command: str, message: str, places: dict[str, Path]) -> None:
    assert message.format(**places) in refusal(*command.format(**places).split())


@pytest.mark.parametrize("module", ["duckdb", "redis"])
def test_what_an_engine_or_redis_says_is_one_line_with_the_traceback_in_the_log(
    module: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = pytest.importorskip(module)
    raised = (engine.IOException if module == "duckdb" else engine.ConnectionError)("no file here")

    @ends_well
    def command() -> None:
        raise raised

    with caplog.at_level("DEBUG", "coupon_rec"), pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 2
    assert "Traceback" in caplog.text and "no file here" in caplog.text


# Identifiers that are text


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The offers of the sample, with names for its users and coupons."""
    folder = tmp_path_factory.mktemp("named")
    patterns = {"user_id": "Kundin-{}", "coupon_id": "GS-{}", "campaign_id": "Aktion {}"}
    for path in SAMPLE.glob("*.parquet"):
        table = pd.read_parquet(path)
        for column in patterns.keys() & {*table.columns}:
            table[column] = table[column].map(patterns[column].format)
        table.to_parquet(folder / path.name)
    built = run("features", folder / "offers", "--market", folder)
    assert built.exit_code == 0, built.stderr
    return folder / "offers"


@pytest.mark.slow
def test_scores_and_choices_name_users_and_groups_are_matched_by_name(
    released: Path, named: Path, tmp_path: Path
) -> None:
    scores, sent, file = (tmp_path / name for name in ("scores", "sent", "groups.csv"))
    assert run("score", released, named, scores).exit_code == 0
    users = pd.read_parquet(scores)["user_id"].unique()
    groups = pd.DataFrame({"user_id": users, "group": [*"ab" * 30][: len(users)]})
    limit = ("--groups", file, "--gap", "0.02", "--budget", "1")
    groups.to_csv(file, index=False)
    chosen = run("allocate", scores, sent, *limit)
    assert chosen.exit_code == 0, chosen.stderr
    lists = pd.read_parquet(scores)[["campaign_id", "user_id"]].drop_duplicates()
    sizes = [each.merge(groups)["group"].value_counts() for each in (pd.read_parquet(sent), lists)]
    rates = sizes[0] / sizes[1]
    assert rates["a"] == pytest.approx(rates["b"], abs=0.02)
    groups.assign(user_id=range(len(users))).to_csv(file, index=False)
    refused = refusal("allocate", scores, sent, *limit)
    assert f"none of the users of the scores but {len(users)} others, such as ['0', '1'," in refused
    assert "such as 'Kundin-" in refused
