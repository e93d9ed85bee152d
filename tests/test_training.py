"""A model learns, keeps its best epoch, survives a kill, and comes back whole from a file."""

import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tqdm import tqdm

from coupon_rec.features import Encoder
from coupon_rec.models import (
    coupled_model,
    coupon_model,
    learn_vectors,
    predict,
    purchase_model,
)
from coupon_rec.models.inputs import encoded, joined, offer_model
from coupon_rec.records import read_records, write_records
from coupon_rec.training import Examples, examples, fit
from coupon_rec.training import run as course
from coupon_rec.training.batches import in_batches, one_by_one


@pytest.fixture(scope="module")
def offers(offers: pd.DataFrame) -> pd.DataFrame:
    """The sample's offers, with labels that depend on two features in a known way."""
    table = pd.concat([offers] * (4000 // len(offers) + 1), ignore_index=True)
    rng = np.random.default_rng(0)
    for name in ("match_rank", "item_popularity_rank"):
        table[name] = rng.random(len(table)).astype("float32")
    table["bought"] = rng.random(len(table)) < table["match_rank"]
    table["redeemed"] = table["bought"] & (rng.random(len(table)) < 0.5)
    return table


@pytest.fixture(scope="module")
def encoder(offers: pd.DataFrame) -> Encoder:
    return Encoder.fit(offers[::2])


@pytest.fixture(scope="module")
def parts(offers: pd.DataFrame, encoder: Encoder) -> tuple[Examples, Examples]:
    return examples(offers[::2], encoder), examples(offers[1::2], encoder)


def test_fit_learns_what_the_labels_depend_on(
    offers: pd.DataFrame, encoder: Encoder, parts: tuple[Examples, Examples]
) -> None:
    model = coupled_model(encoder)
    fit(model, *parts, epochs=12, batch_size=256, learning_rate=0.01)
    p = predict(model, offers)
    truth = offers["match_rank"]
    assert np.corrcoef(p["bought"], truth)[0, 1] > 0.8
    assert abs(p["redeemed"].mean() - offers["redeemed"].mean()) < 0.05


def test_fit_keeps_the_epoch_that_validates_best(
    encoder: Encoder, parts: tuple[Examples, Examples]
) -> None:
    model = coupled_model(encoder, dropout=0.0)
    history = fit(model, *parts, epochs=15, batch_size=64, learning_rate=0.03, patience=2)
    kept = model.evaluate(*parts[1], batch_size=512, verbose=0, return_dict=True)
    assert len(history) < 15
    assert kept["redeemed_log_loss"] == pytest.approx(
        history["val_redeemed_log_loss"].min(), abs=1e-4
    )


@pytest.mark.slow
def test_the_global_generators_draw_on_as_if_nothing_had_been_fitted(
    encoder: Encoder, parts: tuple[Examples, Examples]
) -> None:
    def drawn(*work: Callable[[], object]) -> list[float]:
        random.seed(7)
        np.random.seed(7)  # noqa: NPY002
        for each in work:
            each()
        return [random.random(), np.random.random()]  # noqa: NPY002

    pairs = pd.DataFrame({"user_id": [1] * 20, "item_id": [3] * 20})
    alone = drawn()
    assert alone == drawn(
        lambda: fit(coupled_model(encoder), *parts, epochs=1, batch_size=512),
        lambda: purchase_model(encoder),
        lambda: coupon_model(encoder),
        lambda: learn_vectors(pairs, size=2, negatives=1, epochs=1),
    )
    with pytest.raises(ValueError, match="no coupling"):
        drawn(lambda: coupled_model(encoder, "product"))
    assert random.getstate() == random.Random(7).getstate()


def orders(seed: int, skip: int = 0, epochs: int = 2) -> list[list[float]]:
    """The order of ten offers in each of several epochs."""
    rows = np.arange(10.0)[:, None]
    batches = one_by_one(in_batches(({"row": rows}, {"bought": rows}), 4, seed), skip)
    for _ in range(2):
        iter(batches)  # as Keras does, without reading
    return [
        [row for inputs, _ in batches for row in inputs["row"][:, 0].numpy()] for _ in range(epochs)
    ]


def test_each_epoch_has_an_order_of_its_own_which_seed_and_epoch_decide() -> None:
    first, second = orders(seed=0)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert orders(seed=0, skip=1, epochs=1) == [second]
    assert orders(seed=1)[0] != first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "label"), [(purchase_model, "bought"), (coupon_model, "redeemed")]
)
def test_a_model_of_one_label_is_fitted_to_that_label(
    encoder: Encoder, parts: tuple[Examples, Examples], build: Any, label: str
) -> None:
    model = build(encoder)
    history = fit(model, *parts, epochs=2, batch_size=256)
    losses = {"loss", f"{label}_log_loss"}
    assert set(history) == losses | {f"val_{name}" for name in losses}
    assert history[f"val_{label}_log_loss"].iloc[1] < history[f"val_{label}_log_loss"].iloc[0]


class KillIn(keras.callbacks.Callback):
    """Kill this process when 32 of the 40 batches of an epoch are done."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.epoch == self.number:
            os.kill(os.getpid(), signal.SIGKILL)


def savez_that_kills_in(number: int) -> Any:
    """Stand in for `numpy.savez`: write half of the state of an epoch and kill this process."""
    savez = np.savez

    def write(stream: Any, **arrays: Any) -> None:
        whole = io.BytesIO()
        savez(whole, **arrays)
        if str(arrays["text"]).count("val_loss") == number:
            stream.write(whole.getvalue()[: whole.tell() // 2])
            stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        stream.write(whole.getvalue())

    return write


def run(
    folder: str | Path, source: str, name: str, *callbacks: keras.callbacks.Callback
) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """A training run as any process can begin or go on with it."""
    folder = Path(folder)
    offers = pd.read_parquet(folder / "offers.parquet")
    encoder = Encoder.fit(offers[::2])
    train, validation = examples(offers[::2], encoder), examples(offers[1::2], encoder)
    model = coupled_model(encoder)
    history = fit(
        model,
        train if source == "arrays" else read_records(folder / "records", 50, shuffle=True),
        validation,
        batch_size=50,
        learning_rate=0.01,
        checkpoint=folder / name,
        callbacks=callbacks,
    )
    return history, model.get_weights()


BEFORE = "import sys, numpy as np, test_training as t"
IN_AN_EPOCH = "t.run(sys.argv[1], 'arrays', 'killed', t.KillIn(number))"
IN_WRITING = "np.savez = t.savez_that_kills_in(number); t.run(sys.argv[1], 'records', 'killed')"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "kill"),
    [("arrays", IN_AN_EPOCH), ("records", IN_WRITING)],
    ids=["within an epoch", "while the checkpoint is written"],
)
def test_a_killed_run_ends_like_one_that_was_never_killed(
    offers: pd.DataFrame, tmp_path: Path, source: str, kill: str
) -> None:
    offers.to_parquet(tmp_path / "offers.parquet")
    write_records(offers[::2], tmp_path / "records", Encoder.fit(offers[::2]), shards=2)
    history, weights = run(tmp_path, source, "whole")
    best, last = history["val_redeemed_log_loss"].idxmin(), len(history)
    assert best == last - 2, "early stopping has to remember what was before the kill"

    killed = subprocess.run(
        [sys.executable, "-c", f"{BEFORE}; number = {last - 1}; {kill}", tmp_path],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed_history, resumed_weights = run(tmp_path, source, "killed")
    pd.testing.assert_frame_equal(resumed_history, history, rtol=1e-6)
    for resumed, whole in zip(resumed_weights, weights, strict=True):
        np.testing.assert_allclose(resumed, whole, atol=1e-6)


@pytest.fixture(scope="module")
def two_epochs(
    encoder: Encoder, parts: tuple[Examples, Examples], tmp_path_factory: pytest.TempPathFactory
) -> tuple[pd.DataFrame, Path, list[str], int]:
    """The history and the folder of a run, the frames of its bar, and how often it was traced."""
    folder, step, traced = tmp_path_factory.mktemp("two_epochs"), keras.Model.train_step, []
    shown = partial(tqdm, file=io.StringIO(), disable=False, mininterval=0, ncols=120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course, "tqdm", shown)
        patch.setattr(
            keras.Model, "train_step", lambda model, data: traced.append(1) or step(model, data)
        )
        options = {"epochs": 2, "batch_size": 512, "checkpoint": folder, "log_dir": folder / "logs"}
        history = fit(coupled_model(encoder), *parts, **options)
    return history, folder, shown.keywords["file"].getvalue().split("\r"), len(traced)


def test_a_run_is_traced_once_and_shown_while_it_lasts(two_epochs: Any) -> None:
    history, folder, frames, traced = two_epochs
    losses = f"training={history['loss'][1]:.4f}, validation={history['val_loss'][1]:.4f}"
    assert traced == 1
    assert any(losses in frame for frame in frames)
    assert any(re.search(r"5/10 \[\d+:\d+<\d+:\d+", frame) for frame in frames)
    assert not frames[-1].strip() and not frames[-2].strip()
    for part, name in {"train": "loss", "validation": "val_loss"}.items():
        events = EventAccumulator(str(folder / "logs" / part)).Reload().Tensors("epoch_loss")
        curve = [tf.make_ndarray(event.tensor_proto).item() for event in events]
        assert curve == pytest.approx(history[name].tolist(), rel=1e-6)


@pytest.mark.slow
def test_a_finished_run_is_loaded_and_goes_on_when_it_may(
    encoder: Encoder, parts: tuple[Examples, Examples], two_epochs: Any, tmp_path: Path
) -> None:
    def history(folder: Path | None, epochs: int) -> pd.DataFrame:
        model = coupled_model(encoder)
        return fit(model, *parts, epochs=epochs, batch_size=512, checkpoint=folder)

    folder, four = shutil.copytree(two_epochs[1], tmp_path / "copy"), history(None, epochs=4)
    pd.testing.assert_frame_equal(history(folder, epochs=2), four[:2], rtol=1e-6)
    pd.testing.assert_frame_equal(history(folder, epochs=4), four, rtol=1e-6)


@pytest.mark.parametrize(
    ("build", "data", "options", "message"),
    [
        ({"coupon_units": (8,)}, (0, 1), {}, "is of another run, with another model"),
        ({}, (0, 1), {"learning_rate": 0.5}, "learning_rate .there 0.001, here 0.5"),
        ({}, (0, 1), {"stop_on": "bought"}, "stop_on .there val_redeemed.*, here val_bought"),
        ({}, (1, 1), {}, "is of another run, with another data"),
        ({}, (0, 0), {}, "is of another run, with another validation"),
        ({}, (0, 1), {"epochs": 1}, "holds 2 epochs: ask for at least 2"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(
    encoder: Encoder,
    parts: tuple[Examples, Examples],
    two_epochs: Any,
    build: dict[str, Any],
    data: tuple[int, int],
    options: dict[str, Any],
    message: str,
) -> None:
    model, (train, stop) = coupled_model(encoder, **build), (parts[place] for place in data)
    with pytest.raises(ValueError, match=f"the checkpoint {two_epochs[1]} .*{message}"):
        fit(model, train, stop, **{"batch_size": 512, "checkpoint": two_epochs[1], **options})


def test_a_damaged_checkpoint_is_named(
    encoder: Encoder, parts: tuple[Examples, Examples], two_epochs: Any, tmp_path: Path
) -> None:
    file = tmp_path / "run.npz"
    file.write_bytes((two_epochs[1] / "run.npz").read_bytes()[:1000])
    with pytest.raises(ValueError, match=f"{file} is damaged; delete it"):
        fit(coupled_model(encoder), *parts, batch_size=512, checkpoint=tmp_path)


def test_data_and_arguments_that_do_not_fit_are_named(
    encoder: Encoder, parts: tuple[Examples, Examples]
) -> None:
    inputs, labels = parts[0]
    holes = {**inputs, "match": np.where(inputs["match"] > 0.5, np.nan, inputs["match"])}
    endless = tf.data.Dataset.from_tensors(parts[0]).repeat()
    for train, message in [
        (({"user": inputs["user"]}, labels), "the model needs the input 'item'"),
        ((inputs, {}), "the model needs the label 'bought'"),
        ((holes, labels), "match has .* values that are not finite"),
        ((inputs, {**labels, "redeemed": labels["redeemed"][1:]}), "not equally long"),
        (endless, "does not know its length"),
        (endless.map(lambda x, y: (x, y, y)), "as `read_records` gives it without ids"),
        (pd.DataFrame(inputs["user"]), "expected inputs and labels, as `examples` gives them"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(coupled_model(encoder), train, parts[1])
    for options, message in [
        ({"epochs": 0}, "epochs is 0: expected a number at least 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: expected a number above 0"),
        ({"purchase_weight": float("nan")}, "purchase_weight is nan: expected"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(coupled_model(encoder), *parts, **options)
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="expected a dict with a probability for each label"):
        fit(other, *parts)


@pytest.mark.slow
def test_any_labels_are_fitted_and_any_of_them_stops_the_training(offers: pd.DataFrame) -> None:
    clicked = offers.assign(clicked=offers["bought"] | (offers["match_rank"] > 0.9))
    some = Encoder.fit(offers).only("match", "user")
    inputs, ready = encoded(some)
    logits = keras.layers.Dense(3)(joined(ready, tuple(ready), "everything"))
    p = keras.ops.sigmoid(logits)
    labels = ("bought", "redeemed", "clicked")
    outputs = {name: p[:, place : place + 1] for place, name in enumerate(labels)}
    model = offer_model(some, inputs, outputs, "three")
    train, validation = (examples(clicked[i::2], some, labels=labels) for i in (0, 1))
    options = {"epochs": 8, "batch_size": 128, "learning_rate": 0.02, "stop_on": "clicked"}
    history = fit(model, train, validation, **options)
    losses = history[[f"val_{name}_log_loss" for name in labels]]
    assert (losses.iloc[-1] < losses.iloc[0]).all()
    assert np.corrcoef(predict(model, clicked)["clicked"], clicked["clicked"])[0, 1] > 0.5
    with pytest.raises(ValueError, match="stop_on is 'viewed': the model predicts bought, redeem"):
        fit(model, train, validation, stop_on="viewed")
    with pytest.raises(ValueError, match=r"offers lack the columns \['clicked'\]"):
        examples(offers, some, labels=labels)


@pytest.mark.slow
def test_a_loss_that_is_no_number_from_the_start_says_so(
    encoder: Encoder, parts: tuple[Examples, Examples]
) -> None:
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        fit(coupled_model(encoder), *parts, learning_rate=1e38, batch_size=512)
