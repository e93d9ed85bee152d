"""A new bundle takes over without a request lost; one that cannot be used changes nothing."""

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pandas as pd
import pytest
from running import DAY, Inside, recalibrate, sealed
from shop import question

from coupon_rec.features import Encoder
from coupon_rec.features.online.snapshot_writer import write_snapshot
from coupon_rec.market import Market
from coupon_rec.serving.events.event import events_of
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.settings import NO_DECISIONS, Settings


def test_values_that_the_model_has_never_seen_are_counted_when_a_snapshot_is_read(
    inside: Callable[..., Inside], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = inside(folder)
    assert service.metric("coupon_rec_unseen_values") == 0
    path = folder / "snapshot" / "coupons.parquet"
    coupons = pd.read_parquet(path)
    coupons.assign(department="FLOWERS").to_parquet(path)
    sealed(folder)
    assert service.client.post("/v1/reload").is_success
    assert service.metric("coupon_rec_unseen_values") == len(coupons)
    assert f"never seen count as unknown (department of {len(coupons)} rows)" in caplog.text
    assert "FLOWERS" not in caplog.text


def test_who_waits_during_a_reload_is_answered_by_the_bundle_that_was_asked(
    folder: Path, tmp_path: Path, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomorrow = DAY + timedelta(days=1)
    served = create_app(folder, Settings(tmp_path / "events", decisions=NO_DECISIONS))
    service = served.state.service
    model, old = service.model, service.recommender.scorer.version
    over, answering, ask = asyncio.Event(), model._work, service.ask
    asked: list[object] = []

    async def noted(question: object) -> object:
        asked.append(question)
        return await ask(question)

    async def held_up(questions: list[object]) -> object:
        await over.wait()
        return await answering(questions)

    monkeypatch.setattr(model, "_work", held_up)
    monkeypatch.setattr(service, "ask", noted)

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
    assert [(each.status_code, each.json()["bundle"]) for each in answers] == [(200, old)] * 3
    assert late.status_code == 409
    assert f"send {tomorrow} to" in late.text


def without_a_column(folder: Path) -> None:
    """Pair the model with a snapshot that lacks what it reads."""
    file = folder / "snapshot" / "coupons.parquet"
    pd.read_parquet(file).drop(columns="coupon_rivals").to_parquet(file)
    sealed(folder)


def with_other_inputs(folder: Path) -> None:
    """Pair the snapshot with a model of other inputs."""
    path = folder / "schema.json"
    schema = json.loads(path.read_text())
    schema["ids"]["user_id"] = [1, 2]
    path.write_text(json.dumps(schema))
    sealed(folder)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_a_column, "lacks coupon_rivals, which the model reads"),
        (with_other_inputs, "the model cannot score the features of the snapshot"),
        (shutil.rmtree, "manifest.json"),
    ],
)
def test_a_bundle_that_cannot_be_used_is_not_served_and_keeps_what_is_in_service(
    inside: Callable[..., Inside],
    folder: Path,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    words: str,
) -> None:
    service = inside(folder)
    before = service.ask(1)
    spoil(folder)
    refused = service.client.post("/v1/reload")
    assert refused.status_code == 409
    assert str(folder) in refused.json()["error"] and words in refused.json()["error"]
    assert service.ask(1) == before
    assert service.metric('coupon_rec_reloads_total{result="refused"}') == 1
    with pytest.raises(ValueError, match=words):
        create_app(folder, Settings(tmp_path / "other", decisions=NO_DECISIONS))


def test_a_bundle_that_is_refused_leaves_every_event_in_the_log(
    inside: Callable[..., Inside], market: Market, folder: Path
) -> None:
    service = inside(folder)
    service.app.state.service.recommender.store.add(events_of(market, DAY))
    log = service.app.state.service.bundles.log
    before = log.read()[0]
    shutil.rmtree(folder / "snapshot")
    write_snapshot(market, DAY + timedelta(days=10), folder / "snapshot")
    sealed(folder, shard=[0, 2])
    assert "only version 1 serves" in service.client.post("/v1/reload").json()["error"]
    assert log.read()[0] == before
    sealed(folder)
    assert service.client.post("/v1/reload").is_success
    assert len(log.read()[0]) < len(before)


def test_a_model_is_not_paired_with_the_snapshot_of_the_next_bundle(
    inside: Callable[..., Inside], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, load = inside(folder), FeatureStore.load
    before = service.ask(1)["bundle"]

    def late(snapshot: Path, encoder: Encoder, log: EventLog) -> FeatureStore:
        recalibrate(folder, 0.5)
        return load(snapshot, encoder, log)

    monkeypatch.setattr(FeatureStore, "load", late)
    assert "became another bundle meanwhile" in service.client.post("/v1/reload").text
    assert service.ask(1)["bundle"] == before
