"""Offers as sharded TFRecord files, and the `tf.data` pipeline that reads them."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec._keras import tf
from coupon_rec.features import LABELS, Arrays, Encoder
from coupon_rec.features.encoder import require

IDS = ("user_id", "item_id", "coupon_id", "click_time", "campaign_id")
ENCODER = "encoder.json"
"""The file beside the shards that says what is in them."""

SHARDS = "offers-[0-9]*-of-[0-9]*-[0-9]*.tfrecord"
"""The files of a folder that belong to it: which shard, of how many, and its records."""

CHUNK = 8192
"""Records that are serialized or checked at a time."""

BAD = (tf.errors.DataLossError, tf.errors.InvalidArgumentError)
"""What a record raises that cannot be read, and one that is no offer."""

WINDOW = 2**20
"""Offers among which a shuffle makes every order equally likely; about 270 MB."""


class RecordsError(ValueError):
    """Record files that cannot be read; the message names the file and the record."""


def schema(encoder: Encoder, labels: Sequence[str] = LABELS) -> dict[str, Any]:
    """What a record holds: the ids, the arrays of the encoder, and the labels."""

    def column(size: list[int], kind: tf.DType) -> tf.io.FixedLenFeature:
        return tf.io.FixedLenFeature(size, kind)

    return {
        **{name: column([], tf.int64) for name in IDS},
        **{name: column([len(part)], tf.float32) for name, part in encoder.numbers.items()},
        **{name: column([len(part)], tf.int64) for name, part in encoder.categories.items()},
        **{name: column([1], tf.float32) for name in labels},
    }


def write_records(
    offers: pd.DataFrame,
    folder: str | Path,
    encoder: Encoder,
    *,
    shards: int = 8,
    labels: Sequence[str] = LABELS,
) -> list[Path]:
    """Write offers as TFRecord files such as `offers-00000-of-00008-100025.tfrecord`.

    Offers are dealt to the shards in turn, so that each shard is a fair sample. The last number
    of a name is that of its records, by which `read_records` notices a lost one. The files get
    their names when all are complete; shards that the folder held before are removed then.

    Parameters
    ----------
    offers : pandas.DataFrame
        At least one row a shard, as `coupon_rec.features.build_offers` gives them.
    folder : str or pathlib.Path
        Created if it does not exist. `encoder.json` in it says what the records hold.
    encoder : coupon_rec.features.Encoder
        Learned from the training offers; it encodes them all, those for validation too.
    shards : int
        How many files, at least 1.
    labels : sequence of str
        Columns of the offers that models are to predict, 0 or 1.

    Returns
    -------
    list of pathlib.Path
        The files in order.

    Raises
    ------
    ValueError
        If there are fewer offers than shards, a column is missing, or the encoder has ids, for
        which records have no place.

    Notes
    -----
    A record is a `tf.train.Example` with the features of `schema`. `click_time` is the start of
    the campaign in seconds since 1970 (UTC), because an offer is mailed, not clicked. `item_id`
    is 0 where none of the coupon's items was ever sold.
    """
    if not 1 <= shards <= len(offers):
        raise ValueError(f"shards is {shards}: expected 1 to {len(offers)}, the number of offers")
    if encoder.ids:
        raise ValueError(f"records hold no codes of {list(encoder.ids)}: use `encoder.only`")
    require(offers, ["start", *IDS[:3], "campaign_id", *labels])
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".writing-", dir=folder) as temporary:
        names = []
        for shard in range(shards):
            dealt = offers.iloc[shard::shards]
            names.append(f"{_name(shard, shards)}-{len(dealt)}.tfrecord")
            with tf.io.TFRecordWriter(str(Path(temporary, names[-1]))) as writer:
                for record in _serialized(dealt, encoder, labels):
                    writer.write(record)
        described = {"encoder": encoder.to_dict(), "labels": list(labels)}
        Path(temporary, ENCODER).write_text(json.dumps(described), encoding="utf-8")
        for stale in folder.glob(SHARDS):
            stale.unlink()
        Path(temporary, ENCODER).replace(folder / ENCODER)
        return [Path(temporary, name).rename(folder / name) for name in names]


def read_records(
    source: str | Path | Sequence[str | Path],
    batch_size: int = 4096,
    shuffle: bool = False,
    seed: int = 0,
    cache: bool = True,
    ids: bool = False,
) -> tf.data.Dataset:
    """Read offers as batches that `coupon_rec.models.coupled_model` takes.

    Every record is checked before the first batch: no training run ends at a bad one.

    Parameters
    ----------
    source : str, pathlib.Path or sequence of them
        The folder that `write_records` filled, or the files themselves.
    batch_size : int
        Offers a batch; the last batch may hold fewer.
    shuffle : bool
        Whether each epoch brings the offers in a new random order, which `seed` determines.
        Without it they come in the order in which they were written, so that row k of a
        prediction belongs to row k of the offers.
    seed : int
        Of the shuffle.
    cache : bool
        Whether to keep the parsed offers in memory (about 260 bytes each) after the first epoch.
    ids : bool
        Whether to give the ids as well. Keras would take them for weights: use them in a loop.

    Returns
    -------
    tf.data.Dataset
        Pairs (features, labels), and the ids as a third if asked for. Features: the arrays of
        the encoder, float32 or int32 of shape (n, d). Labels: float32 of shape (n, 1). Ids: int64
        of shape (n,).

    Raises
    ------
    RecordsError
        If there are no files, `encoder.json` beside them or a shard is missing, or a file is
        empty, cut short, damaged, compressed, holds something else, or holds not as many records
        as `write_records` put into its name. Names the file, and the record, counted from 1.
    """
    paths = _paths(source)
    encoder, labels = _described(Path(paths[0]).parent)
    held = schema(encoder, labels)
    with ThreadPoolExecutor() as pool:
        count = sum(pool.map(lambda path: _count(path, held), paths))
    batches = (
        tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
        .interleave(tf.data.TFRecordDataset, cycle_length=len(paths))
        .batch(batch_size)
        .map(lambda records: _parsed(records, held, encoder, ids), tf.data.AUTOTUNE)
    )
    if cache:
        batches = batches.cache()
    if shuffle:
        tf.random.set_seed(seed)  # or the numbers depend on what was seeded before
        numbers = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
        windows = tf.data.Dataset.zip(batches.rebatch(WINDOW), numbers)
        batches = windows.map(_permuted).rebatch(batch_size)
    length = tf.data.experimental.assert_cardinality(-(-count // batch_size))
    return batches.apply(length).prefetch(tf.data.AUTOTUNE)


def read_encoder(folder: str | Path) -> Encoder:
    """Read the encoder of the records in a folder, for a model that is trained on them.

    Raises
    ------
    RecordsError
        If the folder has none.
    """
    return _described(Path(folder))[0]


def _described(folder: Path) -> tuple[Encoder, list[str]]:
    path = folder / ENCODER
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        return Encoder.from_dict(described["encoder"]), list(described["labels"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordsError(
            f"{path}: missing or damaged ({error}); write_records puts it beside the shards"
        ) from error


def _parsed(
    records: tf.Tensor, held: dict[str, Any], encoder: Encoder, ids: bool
) -> tuple[Any, ...]:
    wanted = {name: kind for name, kind in held.items() if ids or name not in IDS}
    values = tf.io.parse_example(records, wanted)
    features = {name: values.pop(name) for name in encoder.numbers}
    features |= {name: tf.cast(values.pop(name), tf.int32) for name in encoder.categories}
    labels = {name: value for name, value in values.items() if name not in IDS}
    given = {name: values[name] for name in IDS if ids}
    return (features, labels, given) if ids else (features, labels)


def _permuted(window: Any, number: tf.Tensor) -> Any:
    rows = tf.range(tf.shape(tf.nest.flatten(window)[0])[0])
    order = tf.random.experimental.stateless_shuffle(rows, seed=tf.stack([number, 0]))
    return tf.nest.map_structure(lambda values: tf.gather(values, order), window)


def _paths(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files, or say which are missing."""
    if isinstance(source, str | Path):
        paths = sorted(Path(source).glob(SHARDS))
        if not paths:
            raise RecordsError(f"{source}: no folder with files {SHARDS}; write_records makes it")
        _complete(paths)
        return paths
    if not source:
        raise RecordsError("no files were named; expected at least one")
    return [Path(path) for path in source]


def _name(shard: int, shards: int) -> str:
    return f"offers-{shard:05d}-of-{shards:05d}"


def _complete(paths: Sequence[Path]) -> None:
    shards = int(paths[0].stem.split("-")[3])
    found = Counter(path.stem.rsplit("-", 1)[0] for path in paths)
    expected = Counter(_name(shard, shards) for shard in range(shards))
    if found != expected:
        names = (expected - found) + (found - expected)
        raise RecordsError(
            f"{paths[0].parent}: these are missing or belong to another set of shards: "
            + ", ".join(sorted(names))
        )


def _count(path: Path, held: dict[str, Any]) -> int:
    """Return how many records the file holds after a look at every one."""
    if not path.is_file():
        raise RecordsError(f"{path}: no such file")
    records = tf.data.TFRecordDataset(str(path))
    count = 0
    try:
        for chunk in records.batch(CHUNK):
            tf.io.parse_example(chunk, held)
            count += len(chunk)
    except BAD:
        _name_the_bad(path, records, held, count)
    if not count:
        raise RecordsError(f"{path}, record 1: the file is empty")
    promised = int(path.stem.split("-")[4]) if path.match(SHARDS) else count
    if count != promised:
        raise RecordsError(
            f"{path}, record {min(count, promised) + 1:,}: "
            f"the file holds {count:,} records, its name says {promised:,}"
        )
    return count


def _name_the_bad(path: Path, records: tf.data.Dataset, held: dict[str, Any], good: int) -> None:
    """Raise an error that names the first bad record after the first `good` ones."""
    try:
        for record in records.skip(good):
            tf.io.parse_single_example(record, held)
            good += 1
    except BAD as error:
        lost = "cut short, damaged, compressed or no TFRecord at all"
        foreign = "not an offer as write_records writes it"
        what = lost if isinstance(error, tf.errors.DataLossError) else foreign
        raise RecordsError(f"{path}, record {good + 1:,}: {what}") from error


def _serialized(offers: pd.DataFrame, encoder: Encoder, labels: Sequence[str]) -> Iterator[bytes]:
    """Yield each offer as the bytes of a `tf.train.Example`."""
    for first in range(0, len(offers), CHUNK):
        columns = _columns(offers.iloc[first : first + CHUNK], encoder, labels)
        for record in _examples(columns):
            yield record.tobytes()


def _columns(offers: pd.DataFrame, encoder: Encoder, labels: Sequence[str]) -> Arrays:
    """Return the values of each feature of `schema`: shape (n, its length)."""
    start = pd.to_datetime(offers["start"]).to_numpy("datetime64[s]").astype("int64")
    known = offers.assign(click_time=start, item_id=offers["item_id"].fillna(0))
    return {
        **{name: known[name].to_numpy("int64")[:, None] for name in IDS},
        **encoder.encode(offers),
        **{name: known[name].to_numpy("float32")[:, None] for name in labels},
    }


def _examples(columns: Arrays) -> np.ndarray:
    """Serialize all rows at once: uint8 of shape (n, bytes of a record).

    Protocol Buffers nest fields: `Example.features.feature` holds pairs of a `key` and a `value`,
    and that a `float_list` (2) or an `int64_list` (3) of packed values. All rows have the same
    layout, so each field is a block of bytes with a row for each offer.
    """
    pairs = []
    for name, values in columns.items():
        if values.dtype.kind == "f":
            packed = _field(2, _field(1, np.ascontiguousarray(values, "<f4").view("uint8")))
        else:
            packed = _field(3, _field(1, _varints(values)))
        key = np.tile(np.frombuffer(name.encode(), "uint8"), (len(values), 1))
        pairs.append(_field(1, np.hstack([_field(1, key), _field(2, packed)])))
    return _field(1, np.hstack(pairs))


def _field(number: int, body: np.ndarray) -> np.ndarray:
    """Put the number of a field, its wire type 2 and its length before its bytes."""
    rows, length = body.shape
    tag = np.array([[number << 3 | 2]], "uint8")
    head = np.hstack([tag, _varints(np.array([[length]]))])
    return np.hstack([np.tile(head, (rows, 1)), body])


def _varints(values: np.ndarray) -> np.ndarray:
    """Write integers seven bits a byte, the lowest first, all as long as the largest."""
    bits = values.astype("uint64")
    length = max(1, -(-int(bits.max()).bit_length() // 7))
    shifts = np.arange(0, 7 * length, 7, dtype="uint64")
    septets = (bits[..., None] >> shifts).astype("uint8") & 0x7F
    septets[..., :-1] |= 0x80
    return septets.reshape(len(values), -1)
