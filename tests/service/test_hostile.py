"""Files and messages that mean harm: a bundle, a stream, an event, a stranger at the door."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from running import DAY, Inside
from shop import purchase

from coupon_rec.monitoring import Registry
from coupon_rec.privacy import new_key
from coupon_rec.privacy.vault import VARIABLE
from coupon_rec.serving.bundle.manifest import NAME, BundleError, _version, seal, verified
from coupon_rec.serving.bundle.scorer import open_model
from coupon_rec.serving.events import feature_store
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.redis_log import STREAM, SharedLog, _event

# Bundles


def forged(folder: Path, files: Mapping[str, object] = MappingProxyType({}), **facts: Any) -> Path:
    """A bundle of one file, whose manifest says what somebody wants, and has the right version."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"model")
    seal(folder, facts)
    manifest = json.loads((folder / NAME).read_text())
    manifest["files"].update(files)
    manifest["version"] = _version(manifest)
    (folder / NAME).write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("name", ["../secret", "{folder}/secret", "snapshot/../../secret"])
def test_a_bundle_names_no_file_outside_of_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"key")
    sha = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
    files = {name.format(folder=tmp_path): {"bytes": 3, "sha256": sha}}
    with pytest.raises(BundleError, match="leads out of the bundle"):
        verified(forged(tmp_path / "bundle", files=files))


def test_the_version_of_a_bundle_is_no_path(tmp_path: Path) -> None:
    bundle = forged(tmp_path / "bundle", whole="../../elsewhere")
    with pytest.raises(BundleError, match="part of no version"):
        Registry(tmp_path / "registry" / "deep").add(bundle)
    assert not (tmp_path / "registry" / "elsewhere").exists()


def test_a_model_reads_no_file_beside_the_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    np.arange(1000, dtype=np.float32).tofile("weights")
    weights = onnx.TensorProto(
        name="w", data_type=1, dims=[1000], data_location=onnx.TensorProto.EXTERNAL
    )
    for key, value in (("location", "weights"), ("offset", "0"), ("length", "4000")):
        weights.external_data.add(key=key, value=value)
    values = [onnx.helper.make_tensor_value_info(name, 1, [1000]) for name in ("x", "y")]
    nodes = [onnx.helper.make_node("Add", ["x", "w"], ["y"])]
    graph = onnx.helper.make_graph(nodes, "g", values[:1], values[1:], [weights])
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    with pytest.raises(Exception, match="xternal data"):
        open_model(model.SerializeToString())


# Events


def test_events_that_the_snapshot_holds_do_not_fill_memory_under_ever_new_names(
    inside: Callable[..., Inside], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_store, "MAX_EVENTS", 10)
    service = inside()
    snapshot = service.app.state.service.recommender.store.snapshot
    redeemed = snapshot.redemptions
    row, user = next((row, user) for user, row in snapshot.user_row.items() if len(redeemed[row]))
    past = redeemed[row]
    day = date(1970, 1, 1) + timedelta(days=int(past["day"][0]))
    held = {
        "kind": "redemption",
        "user_id": int(user),
        "time": f"{day}T12:00:00",
        "campaign_id": int(past["campaign_id"][0]),
        "coupon_id": int(past["coupon_id"][0]),
    }
    sent = [service.send({**held, "event_id": f"again-{n}"}).status_code for n in range(12)]
    assert sent == [200] * 10 + [503] * 2
    assert service.app.state.service.recommender.store.counted == 0


def test_one_clock_that_is_wrong_does_not_tell_everybody_the_time(
    inside: Callable[..., Inside], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(DAY.year, DAY.month, DAY.day, 8)

    monkeypatch.setattr(feature_store, "datetime", Clock)
    service = inside()
    wrong = {**purchase("wrong", 1), "time": f"{DAY + timedelta(days=300)}T12:00:00"}
    assert service.send(purchase("right", 2), wrong).is_success
    assert service.client.get("/v1/coupons").json()["day"] == str(DAY)


# Other machines


def test_events_are_encrypted_in_redis_and_a_strangers_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cryptography")
    key, event = new_key(), Event("a", 424_242, datetime(2017, 6, 1, 12), "view", item_id=1001)

    def log(*keys: str) -> SharedLog:
        monkeypatch.setenv(VARIABLE, ",".join(keys))
        return SharedLog(tmp_path / uuid4().hex, "redis://localhost:1")

    sealed, plain = log(key)._sealed(event), log()._sealed(event)
    assert "424242" in plain and "424242" not in sealed
    for keys, entry, stream, taken in (
        ([key], sealed, STREAM, event),
        ([key], sealed, "other", None),
        ([key], plain, STREAM, None),
        ([], sealed, STREAM, None),
        ([], plain, STREAM, event),
    ):
        assert _event(("1-0", {"event": entry}), stream, log(*keys)._vault) == taken
