"""What is trained, exported, served and scored is one model: the same probabilities everywhere."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from shop import DATES, DAY, SAMPLE, Service, command

import coupon_rec as cr

KEY = ["campaign_id", "user_id", "coupon_id"]
USERS = range(1, 61)
ALL = ("--contact", 0, "--retailer-match", 0)
"""Assumptions under which each coupon is worth something, so that a service names all of them."""
NEXT = pd.Timestamp(DAY) + pd.Timedelta(days=1)
Tables = dict[str, pd.DataFrame]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def tables() -> Tables:
    return {path.stem: pd.read_parquet(path) for path in SAMPLE.glob("*.parquet")}


@pytest.fixture(scope="module")
def loaded(model: Path) -> cr.CoupledModel:
    """The model, read from its file."""
    return cr.CoupledModel.load(model)


@pytest.fixture(scope="module")
def offers() -> pd.DataFrame:
    return cr.offers_frame(cr.load_market(SAMPLE))


def write(tables: Tables, folder: Path) -> Path:
    folder.mkdir()
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def served(service: Service, users: Any = USERS) -> pd.DataFrame:
    """All coupons that a service has for some users, by user and coupon."""
    answers = {user: service.ask(user, k=100)["coupons"] for user in users}
    rows = [{"user_id": user, **coupon} for user, found in answers.items() for coupon in found]
    return pd.DataFrame(rows).set_index(["user_id", "coupon_id"]).sort_index()


def ranked_again(service: Service) -> None:
    """Rank users among all others as these are now, as happens by itself every five minutes."""
    assert service.client.post("/v1/reload").is_success


def assert_close(ours: pd.Series, theirs: pd.Series) -> None:
    """The same offers, and no probability differs by more than 1e-6."""
    assert ours.index.equals(theirs.index)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def event(number: int, kind: str, user_id: int, time: str, **more: Any) -> dict[str, Any]:
    return {"event_id": f"{kind}-{number}", "kind": kind, "user_id": user_id, "time": time, **more}


DEFAULTS = {
    "store_id": 1,
    "quantity": 1,
    **dict.fromkeys(["retail_discount", "coupon_discount", "coupon_match"], 0.0),
}


def with_events(tables: Tables, events: list[dict[str, Any]]) -> Tables:
    """The tables with some events among their rows."""
    new = dict(tables)
    for kind in ("purchase", "redemption", "view", "click"):
        rows = pd.DataFrame([each for each in events if each["kind"] == kind])
        name, column = f"{kind}s", "date" if kind == "redemption" else "time"
        if len(rows):
            rows[column] = pd.to_datetime(rows["time"])
            both = pd.concat([tables[name], rows])[tables[name].columns]
            new[name] = both.fillna({k: v for k, v in DEFAULTS.items() if k in both})
    return new


def test_the_batch_in_which_an_offer_is_scored_does_not_matter(
    loaded: cr.CoupledModel, offers: pd.DataFrame
) -> None:
    p = loaded.predict(offers)
    some = offers.sample(300, random_state=0)
    for rows in (some, some.head(7), some.head(1)):
        again = loaded.predict(rows)
        np.testing.assert_allclose(again, p.loc[rows.index], rtol=0, atol=1e-6)


@pytest.mark.parametrize("on", ["this process", "Spark"])
def test_a_bundle_scores_offers_as_the_model_predicts_them(
    on: str,
    loaded: cr.CoupledModel,
    offers: pd.DataFrame,
    bundle: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    offers.astype({"start": "datetime64[us]"}).to_parquet(tmp_path / "offers.parquet")
    words = ["score", bundle, tmp_path / "offers.parquet", tmp_path / "scores"]
    if on == "Spark":
        request.getfixturevalue("java")
        done = on_spark(tmp_path, [words])
        assert done.returncode == 0, done.stderr[-3000:]
    else:
        command(*words)
    scores = pd.read_parquet(tmp_path / "scores").set_index(KEY).sort_index()
    expected = loaded.predict(offers).set_index(pd.MultiIndex.from_frame(offers[KEY]))
    for label in ("bought", "redeemed"):
        assert_close(scores[label], expected[label].sort_index())


TODAY = [
    event(1, "purchase", 2, f"{DAY}T09:00:00", item_id=1001, basket_id=9 * 10**6, amount=12.5),
    event(2, "purchase", 2, f"{DAY}T09:00:00", item_id=1033, basket_id=9 * 10**6, amount=3.0),
    event(3, "purchase", 8, f"{DAY}T10:00:00", item_id=1047, basket_id=9 * 10**6 + 1, amount=9.0),
    event(4, "view", 13, f"{DAY}T11:00:00", item_id=1001, channel="app"),
    event(5, "click", 15, f"{DAY}T11:30:00", item_id=1002, channel="app"),
]
"""What happens on the day of the bundle, after it was written."""


def moved(tables: Tables, start: pd.Timestamp) -> Tables:
    """The tables as they were on the day before `start`, if the fourth campaign began then."""
    known = dict(tables)
    for name in ("purchases", "views", "clicks", "reviews"):
        known[name] = tables[name][tables[name]["time"] < start]
    known["redemptions"] = tables["redemptions"].query("campaign_id != 4")
    fourth = tables["campaigns"]["campaign_id"] == 4
    days = {name: pd.to_datetime(tables["campaigns"][name]) for name in ("start", "end")}
    shift = start - days["start"][fourth].iloc[0]
    moved = {name: day.mask(fourth, day + shift) for name, day in days.items()}
    known["campaigns"] = tables["campaigns"].assign(**moved)
    return known


def test_a_service_answers_as_the_model_would_if_it_knew_all_that_happened_today(
    loaded: cr.CoupledModel, tables: Tables, serve: Callable[..., Service], tmp_path: Path
) -> None:
    """What is known of users is of this moment; what is known of items and coupons, of last night.

    So the batch builds the offers twice: as of tonight for users, and as of last night.
    """
    yesterday, today = moved(tables, pd.Timestamp(DAY)), moved(tables, NEXT)
    for name in ("purchases", "views", "clicks"):
        today[name] = yesterday[name]
    frames = []
    for name, each in (("night", yesterday), ("now", with_events(today, TODAY))):
        rows = cr.offers_frame(cr.load_market(write(each, tmp_path / name)))
        frames.append(rows.query("campaign_id == 4").set_index(["user_id", "coupon_id"]))
    night, now = frames
    of_user = [name for name in now if name.startswith(("user_", "match_"))]
    expected = night.assign(**now[of_user])
    usual = now["item_price"] / night["item_price"]  # of the items: that of last night
    paid = now["match_price_ratio"] * usual.where(now["match_distinct_items"] > 0, 1)
    expected["match_price_ratio"] = paid.astype("float32")

    used = tables["redemptions"].query("campaign_id == 4")  # no moved campaign can hold these
    used = used.loc[pd.to_datetime(used["date"]) < DAY, "user_id"]
    expected = expected.drop(index=used.unique(), level="user_id").sort_index()
    expected = expected.query("margin > 0")  # others are not worth their cost
    users = expected.index.unique("user_id")
    p = loaded.predict(expected.reset_index())["redeemed"].set_axis(expected.index)

    service = serve(*ALL)
    before = served(service, users)
    assert service.send(*TODAY).is_success
    ranked_again(service)
    after = served(service, users)
    assert_close(after["probability"], p)
    by_hand = p * 0.5 * expected["margin"].fillna(0.25) * expected["spend_per_line"]
    np.testing.assert_allclose(after["value"], by_hand, rtol=1e-5)
    changed = (after["probability"] - before["probability"]).abs().groupby("user_id").max()
    assert (changed[[each["user_id"] for each in TODAY]] > 1e-5).all()


LATE = [
    event(1, "purchase", 3, "2017-03-10T09:00:00", item_id=1001, basket_id=9 * 10**6, amount=30.0),
    event(2, "purchase", 3, "2017-03-10T09:00:00", item_id=1033, basket_id=9 * 10**6, amount=3.0),
    event(3, "purchase", 9, "2017-03-25T20:00:00", item_id=1047, basket_id=9 * 10**6, amount=9.0),
    event(4, "view", 13, "2017-05-28T11:00:00", item_id=1001, channel="app"),
    event(5, "click", 15, "2017-05-29T11:30:00", item_id=1002, channel="app"),
]
"""What tills and apps report late. Purchases of the last 56 days would move the usual prices,
which a service knows as of last night."""


@pytest.mark.slow
def test_what_is_reported_late_counts_as_what_the_tables_hold(
    model: Path, tables: Tables, serve: Callable[..., Service], tmp_path: Path
) -> None:
    fourth = tables["offers"].query("campaign_id == 4")
    unused = fourth.merge(tables["redemptions"], "left", on=KEY)
    user, coupon = unused.loc[unused["date"].isna(), ["user_id", "coupon_id"]].iloc[-1]
    used = event(6, "redemption", int(user), "2017-05-30T12:00:00", campaign_id=4)
    events = [*LATE, used | {"coupon_id": int(coupon)}]
    market = write(with_events(tables, events), tmp_path / "market")
    command("export", model, tmp_path / "bundle", "--market", market, *DATES, "--day", DAY)

    told = serve(*ALL, logs=tmp_path / "told")
    before = served(told)
    assert told.send(*events).is_success
    ranked_again(told)
    now, fresh = served(told), served(serve(*ALL, folder=tmp_path / "bundle"))
    for column in ("probability", "value"):
        assert_close(now[column], fresh[column])
    assert (user, coupon) in before.index and (user, coupon) not in now.index
    changed = (now["probability"] - before["probability"]).abs().groupby("user_id").max()
    assert (changed[[each["user_id"] for each in events]] > 1e-5).all()


# On Spark

SETTINGS = """
spark.sql.shuffle.partitions 1
spark.ui.enabled false
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m
"""
"""Few tasks for few rows, compiled quickly; plans and joins are as Spark has them by default."""
COMMANDS = """
import runpy, sys
for words in {commands!r}:
    sys.argv = ["coupon_rec", *words]
    try:
        runpy.run_module("coupon_rec", run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
"""
"""Commands in one process, which starts Spark once; each is `python -m coupon_rec ...`."""


def on_spark(
    folder: Path, commands: list[list[object]], before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run some commands, each with `--spark local[2]`."""
    (folder / "spark-defaults.conf").write_text(SETTINGS)
    words = [[*map(str, each), "--spark", "local[2]"] for each in commands]
    return subprocess.run(
        [sys.executable, "-c", before + COMMANDS.format(commands=words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SPARK_CONF_DIR": str(folder)},
        cwd=folder,  # Spark leaves a folder where it runs
    )


def steps(folder: Path, bundle: Path) -> list[list[object]]:
    """From the sample's tables to coupons, all in one folder."""
    names = ("offers", "scores", "choices")
    offers, scores, choices = (folder / name for name in names)
    return [
        ["features", offers, "--market", SAMPLE],
        ["score", bundle, offers, scores],
        ["allocate", scores, choices, "--budget", 1, "--parts", 2],
    ]


@pytest.fixture
def java(unavailable: Callable[[str], Any]) -> None:
    found = shutil.which("java")  # macOS has a `java` that only says where to get one
    if found is None or subprocess.run([found, "-version"], capture_output=True).returncode:
        unavailable("Spark needs Java 17 or 21, and there is none here")


@pytest.mark.slow
def test_spark_builds_scores_and_allocates_the_same_offers(
    bundle: Path, java: None, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    done = on_spark(there, steps(there, bundle))
    assert done.returncode == 0, done.stderr[-3000:]
    for words in steps(here, bundle):
        command(*words)
    for name in ("offers", "scores", "choices"):
        ours, theirs = (
            pd.read_parquet(folder / name).sort_values(KEY, ignore_index=True)
            for folder in (here, there)
        )
        assert len(ours) > 0
        theirs = theirs[ours.columns].astype(ours.dtypes)
        pd.testing.assert_frame_equal(theirs, ours, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="Spark cannot draw the sample that the encoder learns from, so that `records` fails "
    "wherever there are more than 200,000 offers to train on.",
)
def test_records_on_spark_are_written_however_many_offers_there_are(
    offers: pd.DataFrame, java: None, tmp_path: Path
) -> None:
    offers.astype({"start": "datetime64[us]"}).to_parquet(tmp_path / "offers")
    few = "from coupon_rec.commands import recording\nrecording.SAMPLE = 500\n"
    words = ["records", tmp_path / "offers", tmp_path / "records", "--shards", 2, *DATES]
    done = on_spark(tmp_path, [words], before=few)
    if "recording" in "".join(done.stderr.splitlines()[-1:]):
        raise LookupError("the limit is no longer there: set it where it is now")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "576 training and 480 validation" in done.stdout
    assert list((tmp_path / "records").glob("*/*.tfrecord*"))
