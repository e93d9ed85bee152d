"""A new bundle takes over without a request lost; a corrupted one changes nothing."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from running import Running, purchase, question

from coupon_rec.serving.manifest import NAME, seal


@pytest.fixture
def folder(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may change."""
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


def recalibrate(folder: Path, intercept: float) -> str:
    """Turn a bundle into another one, whole and with a version of its own."""
    path = folder / "calibration.json"
    lines = json.loads(path.read_text())
    lines["redeemed"]["intercept"] = intercept
    path.write_text(json.dumps(lines))
    (folder / NAME).unlink()
    return seal(folder, {"created": "", "packages": {}, "differences": {}})


def test_a_new_bundle_takes_over_and_no_request_is_lost(
    serve: Callable[..., Running], folder: Path
) -> None:
    service = serve(folder=folder)
    over = threading.Event()
    statuses: list[int] = []
    versions: list[str] = []

    def ask(number: int) -> None:
        with httpx.Client(base_url=service.client.base_url) as client:
            while not over.is_set():
                answer = client.post("/v1/recommendations", json=question(number))
                statuses.append(answer.status_code)
                versions.append(answer.json()["bundle"])
                event = purchase(f"{number}-{len(statuses)}", number)
                statuses.append(client.post("/v1/events", json={"events": [event]}).status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for intercept in (-0.5, 0.5, -0.25):
        new = recalibrate(folder, intercept)
        assert service.client.post("/v1/reload").json() == {"bundle": new}
        assert service.ask(4)["bundle"] == new
    over.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert len(set(versions)) > 1
    accepted = service.metric("coupon_rec_events_total")
    counted = service.ask(1, k=100), service.ask(2, k=100)
    assert accepted == len(statuses) / 2
    service.stop()
    restarted = serve(folder=folder)
    assert (restarted.ask(1, k=100), restarted.ask(2, k=100)) == counted


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


@pytest.mark.parametrize("spoil", [flip, cut, lose, shutil.rmtree])
def test_a_bundle_that_cannot_be_used_changes_nothing(
    serve: Callable[..., Running], folder: Path, spoil: Callable[[Path], None]
) -> None:
    service = serve(folder=folder)
    before = service.ask(1)
    spoil(folder)
    refused = service.client.post("/v1/reload")
    assert refused.status_code == 409
    assert str(folder) in refused.json()["error"]
    assert service.ask(1) == before
    assert service.metric('coupon_rec_reloads_total{result="refused"}') == 1
    assert service.client.get("/readyz").status_code == 200


def test_a_service_does_not_start_with_a_bundle_that_cannot_be_used(folder: Path) -> None:
    flip(folder)
    with pytest.raises(AssertionError, match="its content is not the one exported"):
        Running(folder, folder.with_name("words"))
