"""Training examples a second: Keras on arrays, the article's pipeline, and ours, beside the limit.

Every way trains the coupled model on two cores and takes its turn in each of several rounds; the
medians are compared. The limit is the compiled training step alone, without metrics, on one batch
that stays in memory. Ours is a whole epoch of `coupon_rec.training.fit`: metrics, the progress
bar, what early stopping keeps, and one batch of validation. The article's way reads one record at
a time, so it reads only the first records of the files.

The package's default as a whole is timed beside it, from the offers to calibrated probabilities:
network, trees and the lines; and the test offers are counted that take another way through its
trees than through LightGBM's. `python benchmarks/training.py default` does no more than that.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import keras
import lightgbm
import numpy as np
import tensorflow as tf
from machine import store, use_two_cores

from coupon_rec import CoupledModel, load_complete_journey
from coupon_rec.book import SPLIT
from coupon_rec.features import LABELS, Encoder, Split, offers_frame, split
from coupon_rec.models import boosted, coupled_model
from coupon_rec.records import IDS, read_records, schema, write_records
from coupon_rec.training import Examples, examples, fit

ROUNDS = 3
BATCH = 2048
ARTICLE_BATCH = 32
RECORDS_ONE_BY_ONE = 20_000

Way = Callable[[], list[float]]


def compiled(encoder: Encoder, metrics: bool = True) -> keras.Model:
    """The coupled model with the loss and the optimizer of `fit`."""
    model = coupled_model(encoder)
    log_loss = {name: keras.metrics.BinaryCrossentropy(name="log_loss") for name in LABELS}
    model.compile(
        keras.optimizers.AdamW(1e-3, weight_decay=1e-4),
        loss=dict.fromkeys(LABELS, "binary_crossentropy"),
        loss_weights={"bought": 0.1, "redeemed": 1.0},
        metrics=log_loss if metrics else None,
    )
    return model


def limit(encoder: Encoder, train: Examples) -> Way:
    model = compiled(encoder, metrics=False)
    model.optimizer.build(model.trainable_variables)
    batch = tf.nest.map_structure(lambda array: tf.constant(array[:BATCH]), train)
    step = tf.function(model.train_step)
    step(batch)
    steps = len(train[1]["bought"]) // BATCH

    def epoch() -> float:
        start = time.perf_counter()
        for _ in range(steps):
            loss = step(batch)["loss"]
        loss.numpy()
        return steps * BATCH / (time.perf_counter() - start)

    return lambda: [epoch(), epoch()]


def keras_fit(encoder: Encoder, rows: int, *data: Any, **options: Any) -> Way:
    model = compiled(encoder)

    def epoch() -> list[float]:
        start = time.perf_counter()
        model.fit(*data, verbose=0, **options)
        return [rows / (time.perf_counter() - start)]

    epoch()
    return epoch


def one_by_one(paths: list[Path], encoder: Encoder) -> tf.data.Dataset:
    """Parse each record by itself, then make batches of 32, as the article does."""
    held = {name: kind for name, kind in schema(encoder).items() if name not in IDS}

    def parsed(record: tf.Tensor) -> Any:
        values = tf.io.parse_single_example(record, held)
        features = {name: values[name] for name in encoder.numbers}
        features |= {name: tf.cast(values[name], tf.int32) for name in encoder.categories}
        return features, {name: values[name] for name in LABELS}

    records = tf.data.TFRecordDataset([str(path) for path in paths]).take(RECORDS_ONE_BY_ONE)
    batches = records.map(parsed).batch(ARTICLE_BATCH)
    return batches.apply(
        tf.data.experimental.assert_cardinality(RECORDS_ONE_BY_ONE // ARTICLE_BATCH)
    )


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.start)


def ours(encoder: Encoder, train: Examples, open_data: Callable[[], Any]) -> Way:
    rows = len(train[1]["bought"])
    validation = tf.nest.map_structure(lambda array: array[:BATCH], train)

    def epochs() -> list[float]:
        clock = Clock()
        model = coupled_model(encoder)
        fit(model, open_data(), validation, epochs=3, batch_size=BATCH, callbacks=[clock])
        return [rows / seconds for seconds in clock.seconds[1:]]  # the first one compiles

    return epochs


def whole_default(parts: Split) -> dict[str, Any]:
    """Fit the default to the book's training campaigns, and time it."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        model = CoupledModel().fit(parts.train, parts.validation)
        seconds.append(round(time.perf_counter() - start, 1))
    return {"offers": len(parts.train), "epochs": len(model.history), "seconds": seconds}


def flipped(parts: Split) -> dict[str, int]:
    """Count test offers that take another way through the layer of trees than in LightGBM."""
    grown, train = [], lightgbm.train
    with patch.object(lightgbm, "train", lambda *a, **k: grown.append(train(*a, **k)) or grown[0]):
        encoder = Encoder.fit(parts.train)
        trees = boosted(encoder, encoder.encode(parts.train), parts.train["redeemed"])
    x = encoder.matrix(encoder.encode(parts.test))
    pieces = np.array_split(x, len(x) // BATCH)
    ours = np.concatenate([np.asarray(trees(piece))[:, 0] for piece in pieces])
    apart = np.abs(ours - grown[0].predict(x, raw_score=True)) > 1e-4
    return {"test_offers": len(x), "flipped": int(apart.sum())}


def main() -> None:
    use_two_cores()
    parts = split(offers_frame(load_complete_journey()), *SPLIT)
    whole = {**whole_default(parts), **flipped(parts)}
    store("training_default", ("keras", "lightgbm", "tensorflow"), whole)
    if sys.argv[1:] == ["default"]:
        return
    offers = parts.train
    encoder = Encoder.fit(offers)
    train = examples(offers, encoder)
    with TemporaryDirectory() as folder:
        paths = write_records(offers, folder, encoder)
        ways = {
            "Model.fit on arrays": keras_fit(encoder, len(offers), *train, batch_size=BATCH),
            "article": keras_fit(encoder, RECORDS_ONE_BY_ONE, one_by_one(paths, encoder)),
            "ours, records": ours(
                encoder, train, lambda: read_records(folder, BATCH, shuffle=True)
            ),
            "ours, arrays": ours(encoder, train, lambda: train),
            "limit": limit(encoder, train),
        }
        rounds = [{name: way() for name, way in ways.items()} for _ in range(ROUNDS)]
    rates = {name: statistics.median(rate for r in rounds for rate in r[name]) for name in ways}

    shares = {name: rate / rates["limit"] for name, rate in rates.items()}
    times = {name: rate / rates["article"] for name, rate in rates.items()}
    result = {
        "offers": len(offers),
        "batch_size": BATCH,
        "rounds": ROUNDS,
        "examples_per_second": {name: round(rate) for name, rate in rates.items()},
        "of_the_limit": {name: round(share, 2) for name, share in shares.items()},
        "times_the_article": {name: round(value, 1) for name, value in times.items()},
    }
    store("training", ("keras", "tensorflow"), result)


if __name__ == "__main__":
    main()
