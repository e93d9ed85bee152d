"""A new bundle takes over without a request lost; a corrupted one changes nothing."""

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import httpx
import pandas as pd
import pytest
from running import DAY, Inside
from shop import question
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.features import Encoder
from coupon_rec.features.online.snapshot_writer import write_snapshot
from coupon_rec.market import Market
from coupon_rec.serving.bundle.manifest import NAME, seal
from coupon_rec.serving.events.event import events_of
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.settings import NO_DECISIONS, Settings
from coupon_rec.serving.recommender import Recommender


@pytest.fixture
def folder(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may change."""
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


def change(folder: Path, name: str, part: str, **facts: object) -> str:
    """Turn a bundle into another one, whole and with a version of its own."""
    path = folder / name
    content = json.loads(path.read_text())
    content[part].update(facts)
    path.write_text(json.dumps(content))
    return sealed(folder)


def sealed(folder: Path) -> str:
    """Seal a bundle whose files have changed."""
    (folder / NAME).unlink()
    return seal(folder, {"created": "", "packages": {}, "differences": {}})


def recalibrate(folder: Path, intercept: float) -> str:
    return change(folder, "calibration.json", "redeemed", intercept=intercept)


def test_values_that_the_model_has_never_seen_are_counted_when_a_snapshot_is_read(
    inside: Callable[..., Inside], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = inside(folder)
    assert service.metric("coupon_rec_unseen_values") == 0
    path = folder / "snapshot" / "coupons.parquet"
    coupons = pd.read_parquet(path)
    coupons.assign(department="FLOWERS").to_parquet(path)
    sealed(folder)
    assert "FLOWERS" not in caplog.text and "never seen" not in caplog.text
    assert service.client.post("/v1/reload").is_success
    assert service.metric("coupon_rec_unseen_values") == len(coupons)
    assert f"never seen count as unknown (department of {len(coupons)} rows)" in caplog.text


def test_who_waits_during_a_reload_is_answered_by_the_bundle_that_was_asked(
    folder: Path, tmp_path: Path, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = DAY + timedelta(days=1)
    served = create_app(folder, Settings(tmp_path / "events", decisions=NO_DECISIONS))
    service = served.state.service
    old = service.recommender.scorer.version
    over = asyncio.Event()
    asked: list[date] = []
    reaching, answering = service.bundles.reaching, service.answers.model._work

    def noted(day: date, *more: object, **fields: object) -> Recommender:
        asked.append(day)
        return reaching(day, *more, **fields)

    async def held_up(questions: list[object]) -> object:
        await over.wait()
        return await answering(questions)

    monkeypatch.setattr(service.bundles, "reaching", noted)
    monkeypatch.setattr(service.answers.model, "_work", held_up)

    async def reload_while_three_wait() -> tuple[list[httpx.Response], httpx.Response]:
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            waiting = [
                asyncio.create_task(client.post("/v1/recommendations", json=question(number)))
                for number in (1, 2, 3)
            ]
            while len(asked) < 3:
                await asyncio.sleep(0.01)
            shutil.rmtree(folder / "snapshot")
            write_snapshot(market, tomorrow, folder / "snapshot")
            recalibrate(folder, 0.5)
            assert (await client.post("/v1/reload")).status_code == 200
            over.set()
            late = await client.post("/v1/recommendations", json=question(1))
            return list(await asyncio.gather(*waiting)), late

    answers, late = asyncio.run(reload_while_three_wait())
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {answer.json()["bundle"] for answer in answers} == {old}
    assert late.status_code == 409
    assert f"send {tomorrow} to" in late.text


def flip(folder: Path) -> None:
    path = folder / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(folder: Path) -> None:
    path = folder / NAME
    path.write_bytes(path.read_bytes()[:-20])


def lose(folder: Path) -> None:
    next((folder / "snapshot").rglob("*.parquet")).unlink()


def pair_with_a_snapshot_that_lacks_a_column(folder: Path) -> None:
    file = folder / "snapshot" / "coupons.parquet"
    pd.read_parquet(file).drop(columns="coupon_rivals").to_parquet(file)
    sealed(folder)


def pair_with_a_model_of_other_inputs(folder: Path) -> None:
    change(folder, "schema.json", "ids", user_id=[1, 2])


MISMATCHED = [pair_with_a_snapshot_that_lacks_a_column, pair_with_a_model_of_other_inputs]


@pytest.mark.parametrize("spoil", [flip, cut, lose, *MISMATCHED, shutil.rmtree])
def test_a_bundle_that_cannot_be_used_changes_nothing(
    inside: Callable[..., Inside],
    folder: Path,
    spoil: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = inside(folder)
    before = service.ask(1)
    spoil(folder)
    refused = service.client.post("/v1/reload")
    assert refused.status_code == 409
    assert str(folder) in refused.json()["error"]
    assert service.ask(1) == before
    assert service.metric('coupon_rec_reloads_total{result="refused"}') == 1
    assert service.client.get("/readyz").status_code == 200
    assert f"the bundle stays as it was: {folder}" in caplog.text


def test_a_bundle_that_is_refused_leaves_every_event_in_the_log(
    inside: Callable[..., Inside], market: Market, folder: Path
) -> None:
    service = inside(folder)
    service.app.state.service.recommender.store.add(events_of(market, DAY))
    log = service.app.state.service.bundles.log
    before = log.read()[0]
    assert before
    shutil.rmtree(folder / "snapshot")
    write_snapshot(market, DAY + timedelta(days=10), folder / "snapshot")
    part = {"created": "", "packages": {}, "differences": {}, "shard": [0, 2]}
    (folder / NAME).unlink()
    seal(folder, part)
    assert "only version 1 serves" in service.client.post("/v1/reload").json()["error"]
    assert log.read()[0] == before
    sealed(folder)
    assert service.client.post("/v1/reload").is_success
    assert len(log.read()[0]) < len(before)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (flip, "its content is not the one exported"),
        (MISMATCHED[0], "lacks coupon_rivals, which the model reads"),
        (MISMATCHED[1], "the model cannot score the features of the snapshot"),
    ],
)
def test_a_service_does_not_start_with_a_bundle_that_cannot_be_used(
    folder: Path, tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(folder)
    with pytest.raises(ValueError, match=words):
        create_app(folder, Settings(tmp_path / "events", decisions=NO_DECISIONS))


def test_the_command_says_why_it_does_not_start(folder: Path) -> None:
    flip(folder)
    result = CliRunner().invoke(app, ["serve", str(folder), "--port", "0"])
    assert result.exit_code == 2
    assert "its content is not the one exported" in result.output
    assert "Traceback" not in result.output


def test_a_model_is_not_paired_with_the_snapshot_of_the_next_bundle(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = create_app(
        folder, Settings(tmp_path / "events", decisions=NO_DECISIONS)
    ).state.service
    before, load = service.recommender, FeatureStore.load

    def late(snapshot: Path, encoder: Encoder, log: EventLog) -> FeatureStore:
        recalibrate(folder, 0.5)
        return load(snapshot, encoder, log)

    monkeypatch.setattr(FeatureStore, "load", late)
    with pytest.raises(Refused, match="became another bundle meanwhile"):
        asyncio.run(service.reload())
    assert service.recommender is before
