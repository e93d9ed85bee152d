"""Files say what they hold, and none is taken for another."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from coupon_rec import Market
from coupon_rec.__main__ import app
from coupon_rec.features import write_offers
from coupon_rec.kinds import mark, require_kind


@pytest.fixture(scope="module")
def offers(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_offers(market, tmp_path_factory.mktemp("offers") / "offers.parquet")


def test_offers_say_so_and_are_not_taken_for_scores(offers: Path, tmp_path: Path) -> None:
    require_kind(offers, "offers")
    said = CliRunner().invoke(app, ["allocate", str(offers), str(tmp_path / "choices")])
    assert said.exit_code == 2
    assert "holds offers, where scores are expected: make it with `score`" in said.output


def test_files_of_ones_own_are_offers_but_not_scores(offers: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.parquet"
    pd.DataFrame(pd.read_parquet(offers).to_dict("list")).to_parquet(own)
    require_kind(own, "offers")
    said = CliRunner().invoke(app, ["allocate", str(own), str(tmp_path / "choices")])
    assert "does not say that it holds scores" in said.output


def test_choices_are_not_taken_for_offers(tmp_path: Path) -> None:
    folder = tmp_path / "choices"
    folder.mkdir()
    pd.DataFrame({"user_id": [1]}).to_parquet(folder / "part-00000.parquet")
    mark(folder, "choices")
    assert pq.read_table(folder).num_rows == 1
    said = CliRunner().invoke(app, ["train", str(folder), str(tmp_path / "m.keras")])
    assert "holds choices, where offers are expected" in said.output


def test_files_of_another_version_are_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("coupon_rec.kinds.VERSION", 1)
    mark(tmp_path, "scores")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="scores of version 1, and this is 2: make it with `score"):
        require_kind(tmp_path, "scores")
