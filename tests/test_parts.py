"""Users who lie in parts get the coupons that they would get together."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tables import write_scores
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.decisions import (
    Budget,
    Economics,
    allocate,
    allocate_scores,
    expected_discount,
    matrices,
    offer_value,
    stock_budgets,
)
from coupon_rec.decisions.parts import KEY
from coupon_rec.serving.batch import score

Put = Callable[[pd.DataFrame], Path]


def scored(users: int = 3000, coupons: int = 8, seed: int = 0) -> pd.DataFrame:
    """Scores of each coupon for each user."""
    rng = np.random.default_rng(seed)
    rows = users * coupons
    return pd.DataFrame(
        {
            "campaign_id": 1,
            "user_id": np.repeat(rng.permutation(10 * users)[:users], coupons),
            "coupon_id": np.tile(np.arange(100, 100 + coupons), users),
            "redeemed": rng.beta(0.5, 8, rows),
            "spend_per_line": rng.lognormal(2, 0.5, rows),
            "discount": rng.choice([0.5, 1.0, 2.0], rows),
        }
    )


@pytest.fixture
def put(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    """Write scores to a file."""

    def written(offers: pd.DataFrame) -> Path:
        return write_scores(offers, tmp_path / "scores.parquet")

    return written


def chosen(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder).sort_values(KEY, ignore_index=True)


def test_parts_find_the_bound_of_the_whole_and_come_near_it_within_the_limits(
    tmp_path: Path, put: Put
) -> None:
    offers, caps = scored(), {100: 60, 103: 10, 105: 10**6}
    p = offers["redeemed"]
    places = matrices(offers)
    whole = allocate(
        places.fill(offer_value(offers, p), -np.inf),
        Budget(120.0, places.fill(expected_discount(offers, p), 0.0)),
        caps=[caps.get(coupon, np.inf) for coupon in places.coupons],
        method="dual",
    )
    found = allocate_scores(put(offers), tmp_path / "choices", budget=120, caps=caps, parts=5)
    assert found.bound == pytest.approx(whole.bound, rel=1e-9)
    assert found.gap <= 1e-5
    choices = chosen(found.folder)
    counts = choices["coupon_id"].value_counts()
    assert counts[100] <= 60
    assert counts[103] <= 10
    assert choices["cost"].sum() == pytest.approx(found.spent)
    assert found.spent is not None and found.spent <= 120.0
    assert choices["value"].sum() == pytest.approx(found.value)
    assert found.sent == len(choices)
    assert not choices.duplicated(["campaign_id", "user_id"]).any()


@pytest.mark.parametrize("column", ["redeemed", "units"])
def test_coupons_stay_within_their_stock_as_if_all_users_were_together(
    column: str, tmp_path: Path, put: Put
) -> None:
    offers, left = scored(), {100: 6.5, 103: 0.0, 105: 1e6}
    if column == "units":
        offers = offers.assign(units=0.4 * offers["redeemed"] + 0.01)
    p, places = offers["redeemed"], matrices(offers)
    stock = [left.get(coupon, np.inf) for coupon in places.coupons]
    fund = Budget(120.0, places.fill(expected_discount(offers, p), 0.0))
    shelves = stock_budgets(stock, places.fill(offers[column], 0.0), range(len(stock)))
    value = places.fill(offer_value(offers, p), -np.inf)
    whole = allocate(value, [fund, *shelves], method="dual")
    found = allocate_scores(put(offers), tmp_path / "choices", budget=120.0, stock=left, parts=5)
    assert found.bound == pytest.approx(whole.bound, rel=1e-9)
    assert found.gap <= 5e-4
    taken = chosen(found.folder).merge(offers, on=KEY).groupby("coupon_id")[column].sum()
    assert 6 < taken[100] <= 6.5
    assert 103 not in taken
    assert found.spent is not None and found.spent <= 120.0
    assert found.stock_prices.shape == (3,)
    assert found.stock_prices[0] > found.stock_prices[2] == 0


def test_choices_hold_only_offers_and_say_what_each_is_worth(tmp_path: Path, put: Put) -> None:
    offers = scored(50).iloc[::3]
    economics = Economics(margin=0.4)
    found = allocate_scores(
        put(offers), tmp_path / "c", budget=1.0, k=2, economics=economics, parts=3
    )
    both = chosen(found.folder).merge(offers, on=KEY, validate="one_to_one")
    assert len(both) == found.sent > 0
    assert both.groupby("user_id").size().max() == 2
    np.testing.assert_allclose(both["value"], offer_value(both, both["redeemed"], economics))


@pytest.mark.parametrize("apart", [0.0, 1e-5, 1e-4])
def test_more_alike_users_than_are_allocated_anew_share_what_there_is(
    tmp_path: Path, put: Put, apart: float
) -> None:
    offers = scored(20_000, 1).assign(redeemed=0.5, spend_per_line=10.0, discount=1.0)
    offers["spend_per_line"] += apart * np.random.default_rng(0).random(len(offers))
    found = allocate_scores(put(offers), tmp_path / "choices", budget=4000.0)
    assert found.sent in (7999, 8000)
    assert found.spent is not None and found.spent <= 4000.0
    capped = allocate_scores(put(offers), tmp_path / "choices", caps={100: 8000})
    assert capped.sent == 8000


def test_users_whose_ids_are_below_zero_get_theirs_and_missing_ones_are_refused(
    tmp_path: Path, put: Put
) -> None:
    offers = scored(100, 1).assign(user_id=range(-50, 50), redeemed=0.5)
    assert allocate_scores(put(offers), tmp_path / "choices").sent == 100
    for name in KEY:
        gaps = offers.assign(**{name: offers[name].where(offers.index >= 7)})
        with pytest.raises(ValueError, match=f"lack a value: leave these out, {{'{name}': 7}}"):
            allocate_scores(put(gaps), tmp_path / "choices")


@pytest.mark.parametrize("name", ["user_id=7", "scores[1]"])
def test_the_name_of_a_folder_says_nothing_of_the_scores_in_it(name: str, tmp_path: Path) -> None:
    for folder in (tmp_path / name, tmp_path / "scores1"):
        folder.mkdir()
        scored(20 if folder.name == name else 5).to_parquet(folder / "part-0.parquet")
    allocate_scores(tmp_path / name, tmp_path / "choices")
    assert chosen(tmp_path / "choices")["user_id"].nunique() == 20


def test_a_folder_of_anything_else_than_choices_is_left_alone(
    tmp_path: Path, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = put(scored(20))
    folders = [tmp_path / "mine", tmp_path / "part-0", tmp_path, tmp_path / "empty"]
    for folder in (tmp_path / "mine" / "2024", tmp_path / "part-0", tmp_path / "empty"):
        folder.mkdir(parents=True)
    (tmp_path / "part-0" / "part-0.parquet").write_bytes(scores.read_bytes())
    monkeypatch.chdir(tmp_path / "empty")
    before = sorted(tmp_path.rglob("*"))
    for folder in folders:
        with pytest.raises(ValueError, match=r"would be replaced.*name another folder"):
            allocate_scores(scores, folder)
    with pytest.raises(ValueError, match="would be replaced"):
        allocate_scores("../scores.parquet", ".")
    with pytest.raises(ValueError, match=r"would be replaced, with .*part-0: name another"):
        allocate_scores(tmp_path / "part-0", tmp_path / "part-0")
    with pytest.raises(
        ValueError, match="holds other things than were written there, such as 2024"
    ):
        score("bundle", scores, tmp_path / "mine")
    with pytest.raises(ValueError, match="would be replaced"):
        score("bundle", tmp_path / "part-0", tmp_path / "part-0")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_solved(
    tmp_path: Path, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coupon_rec.decisions.dual.solve", None)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        allocate_scores(put(scored(20)), tmp_path / "nowhere" / "choices")


def test_many_users_begin_with_the_prices_of_a_sample(
    tmp_path: Path, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coupon_rec.decisions.dual.SAMPLE", 500)
    offers = scored()
    found = allocate_scores(put(offers), tmp_path / "choices", budget=120.0, parts=5)
    assert found.gap <= 1e-5


def test_what_cannot_be_allocated_is_refused_and_leaves_the_choices_of_before(
    tmp_path: Path, put: Put
) -> None:
    offers = scored(20)
    folder = allocate_scores(put(offers), tmp_path / "choices", budget=1.0).folder
    before = chosen(folder)
    twice = pd.concat([offers, offers.head(1)])
    for bad, options, message in (
        (twice, {}, "offers are duplicates, .*'coupon_id': 100"),
        (offers.drop(columns="redeemed"), {}, "the scores lack redeemed"),
        (offers, {"caps": {100: -1}}, "caps must be 0 or more for each coupon: {100: -1}"),
        (offers, {"caps": {100: 3, 99: 3}}, r"coupons that the scores lack, such as \[99\]"),
        (offers, {"caps": {"100": 3}}, "write coupons as the scores do, such as 100"),
        (offers, {"stock": {100: -1}}, "stock must be 0 or more for each coupon: {'100': -1}"),
        (offers, {"stock": {100: np.nan}}, "stock must be 0 or more.*nan"),
        (offers, {"stock": {"99": 3}}, r"stock has 1 coupons that the scores lack, such as .'99'"),
        (offers.assign(units=np.nan), {"stock": {100: 1}}, "units must be finite"),
        (offers, {"parts": 0}, "1 part or more"),
        (offers, {"budget": -1.0}, "budget of 0 or more"),
        (offers, {"budget": np.inf}, "a finite budget of 0 or more"),
        (offers.head(0), {}, "no offers"),
    ):
        with pytest.raises(ValueError, match=message):
            allocate_scores(put(bad), folder, **options)
    pd.testing.assert_frame_equal(chosen(folder), before)


def test_the_command_allocates_and_says_how_near_the_best_it_came(tmp_path: Path, put: Put) -> None:
    scores = put(scored(300))
    told = CliRunner().invoke(
        app, ["allocate", str(scores), str(tmp_path / "choices"), "--budget", "9", "--parts", "2"]
    )
    assert told.exit_code == 0, told.output
    assert f"{len(chosen(tmp_path / 'choices')):,} coupons worth" in told.output
    told = CliRunner().invoke(app, ["allocate", str(tmp_path / "nothing"), str(tmp_path / "c")])
    assert told.exit_code == 2
    assert "there are no files" in told.output


def test_the_command_reads_a_stock_or_says_what_its_file_lacks(tmp_path: Path, put: Put) -> None:
    scores, sent, file = put(scored(300)), tmp_path / "sent", tmp_path / "stock.csv"
    for said, error in (
        ("coupon_id,stock\n100,0.5\n101,inf\n", None),
        ("coupon_id,units\n100,5\n", "lack the columns ['stock']"),
        ("coupon_id,stock\n100,5\n100,6\n", "names coupon '100' twice"),
        ("coupon_id,stock\n100,many\n", "must be 0 or more, but 1 of 1 values are not: many"),
        ("coupon_id,stock\n100,\n", "must be 0 or more"),
        ("coupon_id,stock\n100,-1\n", "are not: -1 at position 0"),
        ("coupon_id,stock\n7,1\n", "stock has 1 coupons that the scores lack, such as ['7']"),
    ):
        file.write_text(said)
        told = CliRunner().invoke(app, ["allocate", str(scores), str(sent), "--stock", str(file)])
        assert told.exit_code == (0 if error is None else 2), told.output
        assert error is None or error in told.output
        promised = chosen(sent).groupby("coupon_id")["probability"].sum()
        assert promised[100] <= 0.5 < promised[101]
