"""A new bundle takes over where it is shown to be no worse, and is refused where it is not."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from coupon_rec import monitoring, recommender, training
from coupon_rec.__main__ import app
from coupon_rec.monitoring import Registry, compare_bundles, matured
from coupon_rec.recommender import CoupledModel
from coupon_rec.serving.bundle.manifest import NAME, seal
from coupon_rec.serving.bundle.scorer import Scorer

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
DAY = timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Train once, for one epoch, and write the one format that is served."""
    fit, fitted = CoupledModel.fit, {}

    def short(*arguments: Any, **options: Any) -> pd.DataFrame:
        return training.fit(*arguments, **{**options, "epochs": 1})

    def once(model: CoupledModel, *parts: pd.DataFrame) -> CoupledModel:
        if not fitted:
            fitted.update(vars(fit(model, *parts)))
        vars(model).update(fitted)
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recommender, "fit", short)
        patch.setattr(CoupledModel, "fit", once)
        yield


@pytest.fixture(scope="module")
def table(offers: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's offers, as `features` writes them."""
    path = tmp_path_factory.mktemp("offers") / "offers.parquet"
    offers.to_parquet(path)
    return path


def retrain(registry: Path, table: Path) -> Result:
    words = ["retrain", registry, table, "--market", SAMPLE, "--day", "2017-06-01"]
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture(scope="module")
def first(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry in which a bundle is in service."""
    registry = tmp_path_factory.mktemp("retraining") / "registry"
    done = retrain(registry, table)
    assert done.exit_code == 0, done.output
    assert "is in service: the first bundle" in done.stdout
    return registry


@pytest.fixture
def registry(first: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(first, tmp_path / "registry", symlinks=True))


def recalibrated(registry: Path, **line: float) -> str:
    """Put another bundle in service: of the same model, with other promises."""
    bundles = Registry(registry)
    folder = Path(shutil.copytree(bundles.live, registry.parent / f"changed{len(line)}"))
    path = folder / "calibration.json"
    lines = json.loads(path.read_text())
    lines["redeemed"] = {
        name: lines["redeemed"][name] + line.get(name, 0) for name in lines["redeemed"]
    }
    path.write_text(json.dumps(lines))
    (folder / NAME).unlink()
    seal(folder, {"created": "", "packages": {}, "differences": {}})
    version = bundles.add(folder)
    bundles.promote(version)
    return version


def refuse(words: str) -> NoReturn:
    raise ValueError(words)


@pytest.mark.parametrize(
    ("newest", "known"),
    [("2017-06-30T00:10", "2017-06-29"), ("2099-01-01T09:00", str(date.today() - DAY))],
)
def test_what_is_known_ends_with_the_last_whole_day_and_one_wrong_clock_moves_it_not(
    newest: str, known: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = Path(shutil.copytree(SAMPLE, tmp_path / "market"))
    purchases = pd.read_parquet(market / "purchases.parquet")
    purchases = purchases[purchases["time"] < "2017-06-30"].reset_index(drop=True)
    purchases.loc[0, "time"] = pd.Timestamp(newest)
    purchases.to_parquet(market / "purchases.parquet")
    monkeypatch.setattr(monitoring, "matured", lambda _, last: refuse(f"up to {last:%Y-%m-%d}"))
    words = ["retrain", str(tmp_path / "registry"), str(table), "--market", str(market)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2 and f"up to {known}" in done.stderr
    assert ("of the future (2099-01-01)" in done.stderr) == newest.startswith("2099")


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"COUPON_REC_OPERATOR_KEY": "ours", "COUPON_REC_API_KEY": "shop-key,app-key"}, "ours"),
        ({"COUPON_REC_API_KEY": "shop-key,app-key"}, "shop-key"),
    ],
)
def test_services_are_asked_with_the_operators_key_or_with_one_of_the_clients(
    environment: dict[str, str],
    key: str,
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COUPON_REC_OPERATOR_KEY", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(monitoring, "Registry", lambda *given: refuse(f"with {given[-1]}"))
    done = retrain(tmp_path, table)
    assert done.exit_code == 2 and f"with {key}" in done.stderr


# The registry


@pytest.fixture
def versions(tmp_path: Path) -> Registry:
    """A registry that holds two versions, and asks nobody."""
    registry = Registry(tmp_path / "registry")
    for version in ("first", "second"):
        (registry.folder / "versions" / version).mkdir()
    return registry


@pytest.mark.parametrize("fails", ["_note", "_link"])
def test_after_a_kill_on_the_way_the_way_back_is_right(fails: str, versions: Registry) -> None:
    versions.promote("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, fails, lambda *_: refuse("no space left"))
        with pytest.raises(ValueError, match="no space"):
            versions.promote("second")
    assert versions.version == "first"
    assert [each["version"] for each in versions.history] == ["first"]
    versions.promote("second")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, fails, lambda *_: refuse("no space left"))
        with pytest.raises(ValueError, match="no space"):
            versions.roll_back()
    assert versions.version == "second" and versions.roll_back() == "first"


# The comparison


def test_a_bundle_without_a_platform_that_is_in_service_is_refused(
    registry: Path, offers: pd.DataFrame
) -> None:
    plain = Scorer.load(Registry(registry).live)
    with_phones = replace(plain, platforms={"phone": plain})
    assert "no model for phone" in compare_bundles(with_phones, plain, offers).reason
    assert "no model" not in compare_bundles(plain, with_phones, offers).reason


def test_what_differs_by_chance_alone_is_refused_where_outcomes_are_few(
    registry: Path, offers: pd.DataFrame
) -> None:
    running = Scorer.load(Registry(registry).live)
    recalibrated(registry, slope=-0.3)
    other = Scorer.load(Registry(registry).live)
    few = offers[offers["user_id"].isin(offers["user_id"].unique()[:15])]
    assert few["redeemed"].any()
    verdict = compare_bundles(running, other, few, tolerance=0.0)
    assert "its log loss differs by" in verdict.reason
    with pytest.raises(ValueError, match="nothing was redeemed"):
        compare_bundles(running, other, offers[offers["redeemed"] == 0])


def test_promises_further_from_what_was_kept_are_refused_though_the_log_loss_is_better() -> None:
    def reads(column: str) -> SimpleNamespace:
        """A bundle whose promises stand in a column."""
        encoder = SimpleNamespace(encode=lambda offers: offers)
        predict = lambda it: {"redeemed": it[column]}  # noqa: E731
        return SimpleNamespace(encoder=encoder, predict=predict, platforms={})

    random = np.random.default_rng(0)
    truth = random.choice([0.01, 0.5], 20_000)
    offers = pd.DataFrame(
        {
            "user_id": np.arange(len(truth)),
            "campaign_id": 1,
            "redeemed": (random.random(len(truth)) < truth).astype(int),
            "mean": truth.mean(),
            "sharp": 1.4 * truth,
        }
    )
    verdict = compare_bundles(reads("mean"), reads("sharp"), offers)
    assert verdict.table.loc["log loss", "high"] < 0
    assert verdict.reason.startswith("the new bundle is worse: its promises are off by 37%")
    assert compare_bundles(reads("sharp"), reads("sharp"), offers).reason == ""


def test_only_campaigns_that_are_over_have_outcomes() -> None:
    offers = pd.DataFrame(
        {"start": pd.to_datetime(["2024-01-01", "2024-01-02"]), "coupon_days": 10}
    )
    assert matured(offers, pd.Timestamp("2024-01-10")).index.to_list() == [0]
    assert len(matured(offers, pd.Timestamp("2024-01-11"))) == 2
    with pytest.raises(ValueError, match="no campaign was over"):
        matured(offers, pd.Timestamp("2024-01-05"))
