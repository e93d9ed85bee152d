"""The `tf.data` pipeline that reads TFRecord files of offers, whole or one worker's share."""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from coupon_rec._keras import tf
from coupon_rec.features.encoder import LABELS, Encoder
from coupon_rec.kinds import require_said
from coupon_rec.records import layout
from coupon_rec.records.layout import (
    ENCODER,
    IDS,
    SHARDS,
    RecordsError,
    check_shares,
    shard_name,
    shards_of,
)

BAD = (tf.errors.DataLossError, tf.errors.InvalidArgumentError)
"""What a record raises that cannot be read, and one that is no offer."""

WINDOW = 2**20
"""Offers among which a shuffle makes every order equally likely; about 270 MB."""


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


def read_records(
    source: str | Path | Sequence[str | Path],
    batch_size: int = 4096,
    shuffle: bool = False,
    seed: int = 0,
    cache: bool = True,
    ids: bool = False,
    shard: tuple[int, int] | None = None,
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
    shard : tuple of int, optional
        (i, n) for worker i of n, counted from 0, which reads only every n-th file and gets an n-th
        of each batch, so that the workers' batches together have `batch_size` offers. All get
        equally many: up to the difference between their files, offers at the end are left out.

    Returns
    -------
    tf.data.Dataset
        Pairs (features, labels), and the ids as a third if asked for. Features: the arrays of
        the encoder, float32 or int32 of shape (n, d). Labels: float32 of shape (n, 1). Ids: int64
        of shape (n,).

    Raises
    ------
    ValueError
        If the shard is none of 0 to n - 1, or n divides not both the files and the batch size.
    RecordsError
        If there are no files, `encoder.json` beside them or a shard is missing, or a file is
        empty, cut short, damaged, compressed, holds something else, or holds not as many records
        as `write_records` put into its name. Names the file, and the record, counted from 1.
    """
    paths = _paths(source)
    least = None
    if shard is not None:
        paths, batch_size, least = _share(paths, batch_size, *shard)
    encoder, labels = _described(paths[0].parent)
    held = schema(encoder, labels)
    with ThreadPoolExecutor() as pool:
        count = sum(pool.map(lambda path: _count(path, held), paths))
    count = least or count
    batches = (
        tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
        .interleave(tf.data.TFRecordDataset, cycle_length=len(paths))
        .take(count)
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
        require_said(described, folder, "records")
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
    if not isinstance(source, str | Path):
        return [Path(path) for path in source]
    paths = shards_of(source)
    shards = int(paths[0].stem.split("-")[3])
    found = Counter(path.stem.rsplit("-", 1)[0] for path in paths)
    expected = Counter(shard_name(shard, shards) for shard in range(shards))
    if found != expected:
        names = (expected - found) + (found - expected)
        raise RecordsError(
            f"{source}: these are missing or belong to another set of shards: "
            + ", ".join(sorted(names))
        )
    return paths


def _share(
    paths: list[Path], batch_size: int, worker: int, workers: int
) -> tuple[list[Path], int, int]:
    """A worker's files, its part of a batch, and the records of the worker that has fewest."""
    if not 0 <= worker < workers:
        raise ValueError(f"shard is ({worker}, {workers}): expected (i, n) with i from 0 to n - 1")
    check_shares(paths, batch_size, workers)
    shares = [sum(map(_promised, paths[each::workers])) for each in range(workers)]
    return paths[worker::workers], batch_size // workers, min(shares)


def _promised(path: Path) -> int:
    """How many records the name of a shard promises."""
    if not path.match(SHARDS):
        raise RecordsError(f"{path}: its name does not say how many records it holds")
    return int(path.stem.split("-")[4])


def _count(path: Path, held: dict[str, Any]) -> int:
    """Return how many records the file holds after a look at every one."""
    if not path.is_file():
        raise RecordsError(f"{path}: no such file")
    records = tf.data.TFRecordDataset(str(path))
    count = 0
    try:
        for chunk in records.batch(layout.CHUNK):
            tf.io.parse_example(chunk, held)
            count += len(chunk)
    except BAD:
        _name_the_bad(path, records, held, count)
    if not count:
        raise RecordsError(f"{path}, record 1: the file is empty")
    if count != (promised := _promised(path)):
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
