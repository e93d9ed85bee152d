"""Examples a second from TFRecord files: the article's way beside `coupon_rec.records`.

Every way takes its turn in each of several rounds, on two cores; the medians are compared. The
article's way reads one record at a time, so it reads only the first records of the files.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import tensorflow as tf
from machine import store, use_two_cores

from coupon_rec import load_complete_journey
from coupon_rec.features import Encoder, offers_frame
from coupon_rec.records import IDS, read_records, schema, write_records

ROUNDS = 5
RECORDS_ONE_BY_ONE = 30_000


def one_by_one(paths: list[Path], held: dict[str, tf.io.FixedLenFeature]) -> tf.data.Dataset:
    """Parse each record by itself, then make batches of 32, as the article does."""
    records = tf.data.TFRecordDataset([str(path) for path in paths]).take(RECORDS_ONE_BY_ONE)
    return records.map(lambda record: tf.io.parse_single_example(record, held)).batch(32)


def rate(open_dataset: Callable[[], tf.data.Dataset], examples: int) -> float:
    """Read one epoch, the opening included, and return examples a second."""
    start = time.perf_counter()
    for _ in open_dataset():
        pass
    return examples / (time.perf_counter() - start)


def main() -> None:
    use_two_cores()
    offers = offers_frame(load_complete_journey())
    encoder = Encoder.fit(offers)
    held = schema(encoder)
    article_ids = {name: held[name] for name in IDS[:4]}
    features_and_labels = {name: kind for name, kind in held.items() if name not in IDS}
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        paths = write_records(offers, folder, encoder)
        seconds_to_write = time.perf_counter() - start
        size = sum(path.stat().st_size for path in paths)

        uncached = read_records(folder, cache=False)
        in_order, shuffled = read_records(folder), read_records(folder, shuffle=True)
        ways = {
            "article, ids only": (lambda: one_by_one(paths, article_ids), RECORDS_ONE_BY_ONE),
            "article, all features": (
                lambda: one_by_one(paths, features_and_labels),
                RECORDS_ONE_BY_ONE,
            ),
            "ours, first epoch and check": (lambda: read_records(folder), len(offers)),
            "ours, not cached": (lambda: uncached, len(offers)),
            "ours, later epochs": (lambda: in_order, len(offers)),
            "ours, later epochs, shuffled": (lambda: shuffled, len(offers)),
        }
        for way in ways.values():
            rate(*way)
        rounds = [{name: rate(*way) for name, way in ways.items()} for _ in range(ROUNDS)]

    medians = {name: statistics.median(r[name] for r in rounds) for name in ways}
    base = medians["article, all features"]
    print(f"{'':30}{'examples a second':>18}{'times':>8}")
    for name, value in medians.items():
        print(f"{name:30}{value:18,.0f}{value / base:8.1f}")
    print(f"{len(offers):,} offers written in {seconds_to_write:.1f} s, {size / 1e6:.0f} MB")

    result = {
        "offers": len(offers),
        "rounds": ROUNDS,
        "seconds_to_write": round(seconds_to_write, 1),
        "megabytes": round(size / 1e6),
        "examples_per_second": {name: round(value) for name, value in medians.items()},
        "times_the_article": {name: round(value / base, 1) for name, value in medians.items()},
    }
    store("records", ("tensorflow",), result)


if __name__ == "__main__":
    main()
