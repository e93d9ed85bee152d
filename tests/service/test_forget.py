"""A service with encrypted files answers as one without, through a rotation and a forgetting."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Inside
from shop import purchase
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.privacy import new_key
from coupon_rec.privacy.vault import VARIABLE
from coupon_rec.serving.events.decision_reader import read_answers

pytest.importorskip("cryptography")


def test_keys_rotate_and_a_person_is_forgotten_while_the_others_are_answered_as_before(
    inside: Callable[..., Inside],
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    plain = inside(log=tmp_path / "plain.events", decisions=Path("none"))
    assert plain.send(purchase("a", 1), purchase("b", 2)).is_success
    wanted = {user: plain.ask(user)["coupons"] for user in (1, 2)}
    plain.stop()

    old, new = new_key(), new_key()
    monkeypatch.setenv(VARIABLE, old)
    service = inside(served, pseudonym_key="winter")
    assert service.send(purchase("a", 1), purchase("b", 2)).is_success
    assert {user: service.ask(user)["coupons"] for user in (1, 2)} == wanted
    service.stop()

    monkeypatch.setenv(VARIABLE, f"{new},{old}")
    service = inside(served, pseudonym_key="spring,winter")
    assert {user: service.ask(user)["coupons"] for user in (1, 2)} == wanted
    version = service.ask(1)["bundle"]
    service.stop()

    monkeypatch.setenv(VARIABLE, new)  # the old key is destroyed
    assert len(read_answers(tmp_path / "decisions")["user_id"].unique()) == 4
    places = ["--log", str(tmp_path / "events"), "--decisions", str(tmp_path / "decisions")]
    keys = ["--pseudonym-key", "spring,winter"]
    result = CliRunner().invoke(app, ["forget", "1", "--bundle", str(served), *places, *keys])
    assert result.exit_code == 0, result.output
    assert "removed 1 events, 4 answers and outcomes, and " in result.stdout
    assert len(read_answers(tmp_path / "decisions")["user_id"].unique()) == 2
    service = inside(served, pseudonym_key="spring,winter")
    assert service.ask(1)["known"] is False
    assert service.ask(2)["known"] is True
    assert service.ask(2)["bundle"] == version
