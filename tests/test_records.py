"""Offers come back from TFRecord files as they were written, and bad files are named."""

import gzip
import re
import shutil
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from coupon_rec.features import CATEGORIES, FEATURES, LABELS, Encoder
from coupon_rec.market.categories import USER_CATEGORIES
from coupon_rec.records import (
    IDS,
    RecordsError,
    read_encoder,
    read_records,
    write_records,
)


def example_offers(rows: int = 2001) -> pd.DataFrame:
    """Offers with random features, ids of one to ten bytes, and days before and after 1970."""
    random = np.random.default_rng(0)
    columns = {f.name: random.lognormal(0, 3, rows) for f in FEATURES}
    for name in (name for names in CATEGORIES.values() for name in names):
        columns[name] = random.choice([*USER_CATEGORIES.get(name, "ABC"), "unknown"], rows)
    for bits, name in {12: "user_id", 63: "item_id", 36: "coupon_id", 5: "campaign_id"}.items():
        columns[name] = random.integers(-(bits == 63), 2**bits - 1, rows)
    days = random.integers(-5000, 20000, rows)
    columns["start"] = np.datetime64("1970-01-01", "s") + days * np.timedelta64(86400, "s")
    columns |= {name: random.integers(0, 2, rows).astype("int8") for name in LABELS}
    return pd.DataFrame(columns)


OFFERS = example_offers()
ENCODER = Encoder.fit(OFFERS)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of all offers; not to be changed."""
    folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("coupon_rec.records.layout.CHUNK", 100)
        write_records(OFFERS, folder, ENCODER, shards=3)
    return folder


@pytest.fixture
def shards(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A copy of them, to be damaged."""
    monkeypatch.setattr("coupon_rec.records.layout.CHUNK", 100)
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    return sorted(tmp_path.glob("*.tfrecord"))


def rows(dataset: tf.data.Dataset) -> list[dict[str, np.ndarray]]:
    """One epoch: the parts of a data set (features, labels, ids), batches joined."""
    parts = zip(*dataset.as_numpy_iterator(), strict=True)
    return [{name: np.concatenate([b[name] for b in part]) for name in part[0]} for part in parts]


def assert_equal_bits(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    assert left.keys() == right.keys()
    for name, values in left.items():
        assert values.dtype == right[name].dtype, name
        assert values.shape == right[name].shape, name
        assert values.tobytes() == right[name].tobytes(), name


@pytest.mark.parametrize("cache", [True, False])
def test_offers_come_back_equal_to_the_last_bit_and_in_their_order(
    shards: list[Path], cache: bool
) -> None:
    features, labels, ids = rows(read_records(shards, batch_size=64, cache=cache, ids=True))
    assert_equal_bits(features, ENCODER.encode(OFFERS))
    assert_equal_bits(labels, {n: OFFERS[n].to_numpy("float32")[:, None] for n in LABELS})
    seconds = (OFFERS["start"] - pd.Timestamp(0)) // pd.Timedelta("1s")
    expected = OFFERS.assign(click_time=seconds)
    assert_equal_bits(ids, {name: expected[name].to_numpy("int64") for name in IDS})


def test_every_float_survives_whatever_its_bits(tmp_path: Path) -> None:
    odd = np.array([0.0, -0.0, 1e-45, -3.4028235e38, 3.4028235e38, 1.1754942e-38], "float32")
    offers = OFFERS.head(len(odd)).assign(user_coupon_share=odd)
    write_records(offers, tmp_path, ENCODER, shards=2)
    features, _ = rows(read_records(tmp_path))
    assert_equal_bits(features, ENCODER.encode(offers))


def test_any_reader_of_the_format_understands_the_records(shards: list[Path]) -> None:
    record = next(iter(tf.data.TFRecordDataset(str(shards[1])).as_numpy_iterator()))
    values = tf.train.Example.FromString(record).features.feature
    assert list(values["coupon_id"].int64_list.value) == [OFFERS["coupon_id"][1]]
    assert list(values["item_id"].int64_list.value) == [OFFERS["item_id"][1]]
    assert list(values["match"].float_list.value) == ENCODER.encode(OFFERS)["match"][1].tolist()


def test_a_model_is_built_from_what_lies_beside_the_records(shards: list[Path]) -> None:
    assert read_encoder(shards[0].parent) == ENCODER
    (shards[0].parent / "encoder.json").unlink()
    for read in (read_encoder, read_records):
        with pytest.raises(RecordsError, match=r"encoder.json: missing .*write_records puts it"):
            read(shards[0].parent)


def test_records_hold_any_labels_and_columns_of_your_own(tmp_path: Path) -> None:
    place = np.arange(len(OFFERS))
    own = OFFERS.assign(
        clicked=place % 2, user_taste=list(np.stack([place, -place], axis=1)), item_color="red"
    )
    encoder = Encoder.fit(own, extra=["user_taste", "item_color"])
    write_records(own, tmp_path, encoder, shards=1, labels=("redeemed", "clicked"))
    features, labels = rows(read_records(tmp_path))
    assert_equal_bits(features, encoder.encode(own))
    assert labels.keys() == {"redeemed", "clicked"}
    np.testing.assert_array_equal(labels["clicked"][:, 0], own["clicked"])


def test_records_refuse_what_they_have_no_place_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no codes of \['user_id'\]: use `encoder.only`"):
        write_records(OFFERS, tmp_path, Encoder.fit(OFFERS, ids=["user_id"]))
    with pytest.raises(ValueError, match=r"lack the columns \['clicked'\]"):
        write_records(OFFERS, tmp_path, ENCODER, labels=["clicked"])
    for wrong in (np.nan, 5):
        spoiled = OFFERS.assign(redeemed=OFFERS["redeemed"].astype(float).replace(1, wrong))
        count = OFFERS["redeemed"].sum()
        with pytest.raises(ValueError, match=f"'redeemed' is missing or not 0 to 1 in {count:,} o"):
            write_records(spoiled, tmp_path, ENCODER, shards=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cache", [True, False])
def test_each_epoch_shuffles_anew_and_the_seed_decides_how(shards: list[Path], cache: bool) -> None:
    def epochs(seed: int) -> list[np.ndarray]:
        dataset = read_records(shards, 64, shuffle=True, seed=seed, cache=cache, ids=True)
        return [rows(dataset)[2]["item_id"] for _ in range(2)]

    first, second = epochs(seed=0)
    assert (first != second).any()
    assert (first != epochs(seed=1)[0]).any()
    np.testing.assert_array_equal([first, second], epochs(seed=0))


def test_a_shuffle_keeps_each_offer_whole_and_moves_offers_far(shards: list[Path]) -> None:
    features, labels, ids = rows(read_records(shards, 64, shuffle=True, ids=True))
    place = pd.Index(OFFERS["item_id"]).get_indexer(ids["item_id"])
    assert sorted(place) == list(range(len(OFFERS)))
    assert_equal_bits(
        features, {name: values[place] for name, values in ENCODER.encode(OFFERS).items()}
    )
    np.testing.assert_array_equal(labels["bought"][:, 0], OFFERS["bought"].iloc[place])
    assert abs(np.corrcoef(place, range(len(place)))[0, 1]) < 0.1


def test_writing_again_leaves_only_the_new_shards_and_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    write_records(OFFERS, tmp_path, ENCODER, shards=5)
    paths = write_records(OFFERS.head(40), tmp_path, ENCODER, shards=2)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "encoder.json", tmp_path / "notes.txt", *paths]
    assert [path.name for path in paths] == [
        "offers-00000-of-00002-20.tfrecord",
        "offers-00001-of-00002-20.tfrecord",
    ]
    assert len(rows(read_records(tmp_path))[1]["bought"]) == 40


def test_a_failed_write_leaves_the_earlier_shards_as_they_were(tmp_path: Path) -> None:
    paths = write_records(OFFERS, tmp_path, ENCODER, shards=2)
    before = [path.read_bytes() for path in paths]
    bad = OFFERS.astype({"user_id": object})
    bad.loc[1500, "user_id"] = "someone"
    with pytest.raises(ValueError, match="someone"):
        write_records(bad, tmp_path, ENCODER, shards=3)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "encoder.json", *paths]
    assert [path.read_bytes() for path in paths] == before


def cut(content: bytes) -> bytes:
    return content[:-100]


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def lose_the_last(content: bytes) -> bytes:
    return content[: len(content) // 667 * 666]


def repeat_the_first(content: bytes) -> bytes:
    return content + content[: len(content) // 667]


SPOILT = {
    "cut inside its last record": (cut, "667: cut short, damaged"),
    "with one bit flipped": (flip, "334: cut short, damaged"),
    "without its last record": (
        lose_the_last,
        "667: the file holds 666 records, its name says 667",
    ),
    "with a record too many": (
        repeat_the_first,
        "668: the file holds 668 records, its name says 667",
    ),
    "compressed": (gzip.compress, "1: cut short, damaged, compressed"),
    "without content": (lambda _: b"", "1: the file is empty"),
}


@pytest.mark.parametrize(("spoil", "message"), SPOILT.values(), ids=SPOILT)
def test_a_bad_shard_is_named_with_its_record_before_the_first_batch(
    shards: list[Path], spoil: object, message: str
) -> None:
    shards[1].write_bytes(spoil(shards[1].read_bytes()))
    for source in (shards[1].parent, shards, [shards[1]]):
        with pytest.raises(RecordsError, match=re.escape(f"{shards[1]}, record {message}")):
            read_records(source)


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"no protocol buffer", tf.train.Example().SerializeToString()])
@pytest.mark.parametrize("place", [1, 100, 101, 667])
def test_a_foreign_record_is_named_wherever_it_stands(
    shards: list[Path], place: int, content: bytes
) -> None:
    records = list(tf.data.TFRecordDataset(str(shards[1])).as_numpy_iterator())
    records[place - 1] = content
    with tf.io.TFRecordWriter(str(shards[1])) as writer:
        for record in records:
            writer.write(record)
    with pytest.raises(RecordsError, match=re.escape(f"{shards[1]}, record {place}: not an offer")):
        read_records(shards[1].parent)


@pytest.mark.parametrize("table", [False, True])
def test_a_parquet_file_or_a_table_gives_the_records_of_the_frame(
    tmp_path: Path, shards: list[Path], table: bool
) -> None:
    path = tmp_path / "offers.parquet"
    OFFERS.to_parquet(path, row_group_size=70)
    offers = ibis.duckdb.connect().read_parquet(path) if table else path
    files = write_records(offers, tmp_path / "records", ENCODER, shards=3)
    assert [file.name for file in files] == [file.name for file in shards]
    for ours, theirs in zip(rows(read_records(files)), rows(read_records(shards)), strict=True):
        assert_equal_bits(ours, theirs)


def test_the_workers_batches_together_are_those_of_one(tmp_path: Path) -> None:
    write_records(OFFERS, tmp_path, ENCODER, shards=4)
    whole = [ids for *_, ids in read_records(tmp_path, 600, ids=True)]
    shares = [
        [ids for *_, ids in read_records(tmp_path, 600, ids=True, shard=(i, 2))] for i in (0, 1)
    ]
    assert len(shares[0]) == len(shares[1]) == len(whole)
    for batch, first, second in zip(whole, *shares, strict=True):
        both = np.concatenate([first["coupon_id"], second["coupon_id"]])
        assert len(first["coupon_id"]) == len(second["coupon_id"])
        assert np.isin(both, batch["coupon_id"]).all()
        assert len(batch["coupon_id"]) - len(both) in (0, 1)


def test_shares_that_are_not_even_are_refused(tmp_path: Path) -> None:
    write_records(OFFERS.head(40), tmp_path, ENCODER, shards=4)
    for shard, batch_size, message in (
        ((2, 2), 600, "from 0 to n - 1"),
        ((0, 3), 600, "multiple of 3 shards"),
        ((0, 2), 601, "multiple of 2 shards"),
    ):
        with pytest.raises(ValueError, match=message):
            read_records(tmp_path, batch_size, shard=shard)


def test_a_missing_shard_is_named(shards: list[Path]) -> None:
    shards[2].unlink()
    with pytest.raises(RecordsError, match="offers-00002-of-00003"):
        read_records(shards[2].parent)
    with pytest.raises(RecordsError, match=f"{shards[2]}: no such file"):
        read_records(shards)


def test_shards_of_two_sets_are_never_mixed(shards: list[Path]) -> None:
    for stray in ("offers-00000-of-00009", "offers-00001-of-00003"):
        path = shards[0].with_name(f"{stray}-9.tfrecord")
        path.write_bytes(shards[0].read_bytes())
        with pytest.raises(RecordsError, match=f"another set of shards: .*{stray}"):
            read_records(path.parent)
        path.unlink()


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_a_folder_without_shards_says_what_makes_them(tmp_path: Path, folder: str) -> None:
    with pytest.raises(RecordsError, match=r"no folder with files .* write_records makes it"):
        read_records(tmp_path / folder)
