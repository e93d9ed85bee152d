"""A replica is killed again and again under load: no accepted event is lost, no answer is wrong."""

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_kills_lose_no_accepted_event_and_no_answer_is_wrong(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from soak import soak

    found = soak(bundle, tmp_path, seconds=12, every=3, checked=300)
    sys.modules.pop("soak"), sys.modules.pop("load")
    assert found["kills"] >= 1
    assert found["accepted"] > 20
    assert found["lost"] == found["wrong"] == found["stale"] == 0
    assert found["checked"] > 100 > found["unrecorded"]
