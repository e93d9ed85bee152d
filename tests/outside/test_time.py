"""Offers know what was known on the day before their campaign, and nothing that came later."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shop import SAMPLE

import coupon_rec as cr

LABELS = ["bought", "redeemed"]
TIME = {
    "purchases": "time",
    "redemptions": "date",
    "promotions": "week_start",
    "views": "time",
    "clicks": "time",
    "reviews": "time",
    "prices": "date",
    "stock": "date",
}
"""What happens, and the column that says when."""
Tables = dict[str, pd.DataFrame]


def read() -> Tables:
    tables = {path.stem: pd.read_parquet(path) for path in SAMPLE.glob("*.parquet")}
    for name, column in (*TIME.items(), ("campaigns", "start"), ("campaigns", "end")):
        tables[name][column] = pd.to_datetime(tables[name][column])
    return tables


@pytest.fixture
def offers_of(tmp_path: Path) -> Callable[[Tables], pd.DataFrame]:
    """Build the offers of some tables."""

    def built(tables: Tables) -> pd.DataFrame:
        folder = tmp_path / "market"
        folder.mkdir()
        for name, table in tables.items():
            table.to_parquet(folder / f"{name}.parquet", index=False)
        offers: pd.DataFrame = cr.offers_frame(cr.load_market(folder))
        shutil.rmtree(folder)
        return offers

    return built


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return cr.offers_frame(cr.load_market(SAMPLE))


def known(offers: pd.DataFrame, campaign: int) -> pd.DataFrame:
    """What is known of the offers of a campaign when it starts."""
    mine = offers[offers["campaign_id"] == campaign]
    return mine.drop(columns=LABELS).reset_index(drop=True)


def over(name: str, table: pd.DataFrame) -> pd.Series:
    """When each row was known in full; a week of promotions is so on its last day."""
    return table[TIME[name]] + pd.Timedelta(days=6 * (name == "promotions"))


def another_future(tables: Tables, campaign: int) -> Tables:
    """The same market up to a campaign's first midnight, and quite another one from there on."""
    rng = np.random.default_rng(campaign)
    changed = dict(tables)
    campaigns = tables["campaigns"].set_index("campaign_id")
    start = campaigns["start"][campaign]
    later = campaigns.index[campaigns["start"] > start]
    for name in ("campaigns", "coupon_items", "offers", "redemptions", "holdouts"):
        changed[name] = tables[name][~tables[name]["campaign_id"].isin(later)]
    for name, column in TIME.items():
        late = over(name, changed[name]) >= start
        past = changed[name][~late]
        if name == "redemptions":
            new = redeemed(changed, start, past)
        else:
            new = tables[name].sample(40, random_state=campaign)
            seconds = [0, *rng.integers(0, 60 * 24 * 3600, len(new) - 1)]
            moments = start + pd.to_timedelta(seconds, "s")
            new[column] = moments if column == "time" else moments.normalize()
        changed[name] = pd.concat([past, new])
    keys = {name: ["item_id", "date"] for name in ("prices", "stock")}
    keys["promotions"] = list(tables["promotions"])
    for name, key in keys.items():
        changed[name] = changed[name].drop_duplicates(key)
    return changed | new_campaign(changed, start)


def redeemed(tables: Tables, start: pd.Timestamp, past: pd.DataFrame) -> pd.DataFrame:
    """Redeem every third offer of all that run, from the start on, that was not redeemed yet."""
    key = ["campaign_id", "user_id", "coupon_id"]
    mailed = tables["offers"].iloc[::3].merge(tables["campaigns"])
    mailed = mailed.merge(past[key], how="left", indicator=True).query("_merge == 'left_only'")
    return mailed[mailed["end"] >= start].assign(date=mailed["start"].clip(start))[[*key, "date"]]


def new_campaign(tables: Tables, start: pd.Timestamp) -> Tables:
    """A campaign that starts on the same day, in which all users get coupons of the first."""
    first = tables["coupon_items"]["campaign_id"] == 1
    covered = tables["coupon_items"][first].assign(campaign_id=99)
    row = {"campaign_id": [99], "campaign_type": "C", "start": start, "end": start}
    mailed = tables["users"][["user_id"]].merge(
        covered[["campaign_id", "coupon_id"]].drop_duplicates(), how="cross"
    )
    new = {"campaigns": pd.DataFrame(row), "coupon_items": covered, "offers": mailed}
    return {name: pd.concat([tables[name], rows]) for name, rows in new.items()}


@pytest.mark.parametrize("campaign", [1, 2, 3, 4])
def test_nothing_but_the_labels_moves_when_the_future_changes(
    expected: pd.DataFrame, offers_of: Callable[[Tables], pd.DataFrame], campaign: int
) -> None:
    changed = offers_of(another_future(read(), campaign))
    pd.testing.assert_frame_equal(
        known(changed, campaign), known(expected, campaign), check_exact=True
    )
    labels = [offers.query(f"campaign_id == {campaign}")[LABELS] for offers in (changed, expected)]
    assert (labels[0].sum() != labels[1].sum()).all()


MOVED = {
    "purchases": "user_recency",
    "redemptions": "user_redemption_recency",
    "promotions": "item_displays",
    "views": "user_views_7",
    "clicks": "match_clicked_7",
    "reviews": "item_rating",
}
"""A column of the offers that is about each kind of event."""


def test_what_happens_a_second_before_the_start_is_known(
    expected: pd.DataFrame, offers_of: Callable[[Tables], pd.DataFrame]
) -> None:
    tables = read()
    second = pd.Timestamp("2017-05-21 23:59:59")
    fourth = tables["offers"].query("campaign_id == 4").merge(tables["coupon_items"])
    for name in MOVED:
        event = tables[name].head(1).assign(rating=1, display="5", mailer="A")
        one = fourth.iloc[[0]] if name != "redemptions" else new_redemption(tables)
        for column in {"user_id", "item_id", "campaign_id", "coupon_id"} & {*tables[name]}:
            event[column] = one[column].iloc[0]
        day = second - pd.Timedelta(days=6) if name == "promotions" else second
        event[TIME[name]] = day if TIME[name] == "time" else day.normalize()
        tables[name] = pd.concat([tables[name], event[tables[name].columns]])
    third = tables["campaigns"]["campaign_id"] == 3
    tables["campaigns"].loc[third, "end"] = second.normalize()
    tables |= new_campaign(tables, second.normalize())
    before, now = known(expected, 4), known(offers_of(tables), 4)
    unmoved = [name for name, column in MOVED.items() if now[column].equals(before[column])]
    assert unmoved == []
    assert (now["user_mailed_90"] > before["user_mailed_90"]).all()


def new_redemption(tables: Tables) -> pd.DataFrame:
    """An offer of the third campaign, to a user of the fourth, that was not redeemed."""
    key = ["campaign_id", "user_id", "coupon_id"]
    third = tables["offers"].query("campaign_id == 3").merge(tables["redemptions"], "left", key)
    fourth = tables["offers"].query("campaign_id == 4")["user_id"]
    return third[third["date"].isna() & third["user_id"].isin(fourth)].head(1)


def test_labels_count_from_the_first_day_to_the_last_of_a_campaign(
    expected: pd.DataFrame, offers_of: Callable[[Tables], pd.DataFrame]
) -> None:
    """The fourth campaign runs from 2017-05-22 to 2017-06-21."""
    tables = read()
    fourth = tables["offers"].query("campaign_id == 4").merge(tables["coupon_items"])
    bought = expected.query("campaign_id == 4 and bought == 0")[["user_id", "coupon_id"]]
    some = fourth.merge(bought).drop_duplicates("user_id").head(4)
    moments = ["2017-05-21 23:59:59", "2017-05-22", "2017-06-21 23:59:59", "2017-06-22"]
    lines = (
        tables["purchases"]
        .head(4)
        .assign(
            user_id=some["user_id"].to_numpy(),
            item_id=some["item_id"].to_numpy(),
            time=pd.to_datetime(moments, format="ISO8601"),
        )
    )
    tables["purchases"] = pd.concat([tables["purchases"], lines])
    key = ["campaign_id", "user_id", "coupon_id"]
    labels = some[key].merge(offers_of(tables), on=key)["bought"]
    assert labels.tolist() == [0, 1, 1, 0]


def test_each_label_was_known_when_it_is_used() -> None:
    """However campaigns lie in time, each part of a split is over when the next begins."""
    rng = np.random.default_rng(0)
    splits = 0
    for _ in range(100):
        number = rng.integers(3, 12)
        offers = pd.DataFrame(
            {
                "campaign_id": np.arange(number),
                "start": pd.Timestamp("2024-01-01")
                + pd.to_timedelta(rng.integers(0, 400, number), "D"),
                "coupon_days": rng.integers(1, 60, number),
            }
        )
        try:
            train, validation, test = cr.split(offers)
        except ValueError as error:
            assert "campaign" in str(error)
            continue
        splits += 1
        for part, following in ((train, validation), (validation, test)):
            over = part["start"] + pd.to_timedelta(part["coupon_days"], "D")
            assert over.max() <= following["start"].min()
        assert len(test) >= max(1, number // 5)
    assert splits > 50


def test_a_split_without_campaigns_in_a_part_says_which_there_are() -> None:
    start = pd.to_datetime([f"2024-{month:02}-01" for month in range(1, 11)])
    offers = pd.DataFrame({"campaign_id": range(10), "start": start, "coupon_days": 28})
    train, validation, test = cr.split(offers, None, "2024-06-01", "2024-08-01")
    assert [len(part) for part in (train, validation, test)] == [5, 2, 3]
    with pytest.raises(ValueError, match=r"train.*2024-01-01.*2024-10-01"):
        cr.split(offers, "2025-01-01", "2025-02-01", "2025-03-01")
    with pytest.raises(ValueError, match=r"test.*2024-01-01.*2024-10-01"):
        cr.split(offers, None, "2024-06-01", "2025-01-01")
    with pytest.raises(ValueError, match="validate_from and test_from"):
        cr.split(offers, None, "2024-06-01")
