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
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from tqdm import tqdm

from coupon_rec.features import FEATURES, Encoder
from coupon_rec.models import (
    coupled_model,
    coupon_model,
    learn_vectors,
    load_model,
    predict,
    purchase_model,
)
from coupon_rec.models.inputs import encoded, joined, offer_model
from coupon_rec.records import read_records, write_records
from coupon_rec.training import Examples, examples, fit, reports
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


def test_outputs_are_probabilities_and_redeeming_is_rarer_than_buying(
    offers: pd.DataFrame, encoder: Encoder, parts: tuple[Examples, Examples]
) -> None:
    p = predict(coupled_model(encoder), offers)
    assert ((p >= 0) & (p <= 1)).all(axis=None)
    assert (p["redeemed"] <= p["bought"]).all()


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
def test_one_seed_gives_one_model_and_nothing_is_printed_where_bars_are_switched_off(
    encoder: Encoder, parts: tuple[Examples, Examples], capfd: pytest.CaptureFixture[str]
) -> None:
    losses = []
    for seed in (3, 3, 4):
        model = coupled_model(encoder, seed=seed)
        losses.append(fit(model, *parts, epochs=1, seed=seed)["val_redeemed_log_loss"].iloc[0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-5)
    assert capfd.readouterr() == ("", "")


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


def test_the_purchase_model_does_not_read_the_coupon(
    offers: pd.DataFrame, encoder: Encoder, parts: tuple[Examples, Examples]
) -> None:
    model = coupled_model(encoder)
    coupon = [feature.name for feature in FEATURES if feature.group == "coupon"]
    other = offers.assign(campaign_type="C", department="DELI", **dict.fromkeys(coupon, 3.0))
    before, after = predict(model, offers), predict(model, other)
    pd.testing.assert_series_equal(before["bought"], after["bought"])
    assert not np.allclose(before["redeemed"], after["redeemed"])


def test_a_saved_model_predicts_the_same(
    offers: pd.DataFrame, encoder: Encoder, parts: tuple[Examples, Examples], tmp_path: Path
) -> None:
    model = coupled_model(encoder)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    pd.testing.assert_frame_equal(predict(loaded, offers), predict(model, offers))


def test_loading_says_what_is_wrong_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no model at"):
        load_model(tmp_path / "absent.keras")


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


@dataclass
class Run:
    """A run of two epochs, and all that it left; not to be changed."""

    history: pd.DataFrame
    folder: Path
    logs: Path
    traced: int
    frames: list[str]


@pytest.fixture(scope="module")
def two_epochs(
    encoder: Encoder,
    parts: tuple[Examples, Examples],
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    folder, logs = (tmp_path_factory.mktemp(name) for name in ("two_epochs", "logs"))
    step, traced, screen = keras.Model.train_step, [], io.StringIO()
    shown = partial(tqdm, file=screen, disable=False, mininterval=0, ncols=120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reports, "tqdm", shown)
        patch.setattr(
            keras.Model, "train_step", lambda model, data: traced.append(1) or step(model, data)
        )
        options = {"epochs": 2, "batch_size": 512, "checkpoint": folder, "log_dir": logs}
        history = fit(coupled_model(encoder), *parts, **options)
    return Run(history, folder, logs, len(traced), screen.getvalue().split("\r"))


@pytest.fixture
def checkpoint(two_epochs: Run, tmp_path: Path) -> Path:
    """A copy of its checkpoint, to go on with or to be damaged."""
    return Path(shutil.copytree(two_epochs.folder, tmp_path / "checkpoint"))


def test_fit_traces_its_step_once(two_epochs: Run) -> None:
    assert two_epochs.traced == 1


def test_the_bar_shows_epoch_losses_and_time_left_and_leaves_nothing(two_epochs: Run) -> None:
    first, frames = two_epochs.history.iloc[0], two_epochs.frames
    losses = f"training={first['loss']:.4f}, validation={first['val_loss']:.4f}"
    assert any("epoch 2 of 2" in frame and losses in frame for frame in frames)
    assert any(re.search(r"5/10 \[\d+:\d+<\d+:\d+", frame) for frame in frames)
    assert not frames[-1].strip() and not frames[-2].strip()


def test_tensorboard_reads_the_curves(two_epochs: Run) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for part, prefix in {"train": "", "validation": "val_"}.items():
        events = EventAccumulator(str(two_epochs.logs / part)).Reload()
        for name in ("loss", "redeemed_log_loss"):
            curve = [
                tf.make_ndarray(e.tensor_proto).item() for e in events.Tensors(f"epoch_{name}")
            ]
            assert curve == pytest.approx(two_epochs.history[prefix + name].tolist(), rel=1e-6)


@pytest.mark.slow
def test_a_finished_run_is_loaded_and_goes_on_when_it_may(
    encoder: Encoder, parts: tuple[Examples, Examples], checkpoint: Path
) -> None:
    def history(folder: Path | None, epochs: int) -> pd.DataFrame:
        model = coupled_model(encoder)
        return fit(model, *parts, epochs=epochs, batch_size=512, checkpoint=folder)

    four = history(None, epochs=4)
    pd.testing.assert_frame_equal(history(checkpoint, epochs=2), four[:2], rtol=1e-6)
    pd.testing.assert_frame_equal(history(checkpoint, epochs=4), four, rtol=1e-6)


def test_the_checkpoint_of_another_run_is_refused(
    encoder: Encoder, parts: tuple[Examples, Examples], checkpoint: Path
) -> None:
    train, validation = parts
    model = partial(coupled_model, encoder)
    for other, data, stop, options, difference in [
        (model(coupon_units=(8,)), train, validation, {}, "model"),
        (model(), train, validation, {"learning_rate": 0.5}, "learning_rate .there 0.001, here 0."),
        (model(), train, validation, {"stop_on": "bought"}, "stop_on .there redeemed, here bought"),
        (model(), validation, validation, {}, "data"),
        (model(), train, train, {}, "validation"),
    ]:
        with pytest.raises(ValueError, match=f"{checkpoint} is of another run.*{difference}"):
            fit(other, data, stop, **{"batch_size": 512, "checkpoint": checkpoint, **options})


def test_fewer_epochs_than_a_checkpoint_holds_are_refused(
    encoder: Encoder, parts: tuple[Examples, Examples], checkpoint: Path
) -> None:
    with pytest.raises(ValueError, match="holds 2 epochs: ask for at least 2"):
        fit(coupled_model(encoder), *parts, epochs=1, batch_size=512, checkpoint=checkpoint)


def test_a_damaged_checkpoint_is_named(
    encoder: Encoder, parts: tuple[Examples, Examples], checkpoint: Path
) -> None:
    file = checkpoint / "run.npz"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match=f"{file} is damaged; delete it"):
        fit(coupled_model(encoder), *parts, batch_size=512, checkpoint=checkpoint)


def test_weights_and_biases_gets_the_curves_and_stays_offline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr(reports, "find_spec", lambda name: True)
    monkeypatch.setitem(sys.modules, "wandb", wandb := Mock())
    callback = reports.weights_and_biases("coupons", {"epochs": 2})
    callback.on_epoch_end(0, {"val_loss": 0.5})
    callback.on_train_end({})
    wandb.init.assert_called_once_with(project="coupons", config={"epochs": 2}, mode="offline")
    wandb.init.return_value.log.assert_called_once_with({"val_loss": 0.5}, step=1)
    wandb.init.return_value.finish.assert_called_once_with()


@pytest.mark.parametrize(
    ("argument", "package"), [("wandb_project", "wandb"), ("log_dir", "tensorboard")]
)
def test_what_is_not_installed_is_named_with_its_command(
    encoder: Encoder,
    parts: tuple[Examples, Examples],
    monkeypatch: pytest.MonkeyPatch,
    argument: str,
    package: str,
) -> None:
    monkeypatch.setattr(reports, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=f"{argument} needs .* pip install {package}"):
        fit(coupled_model(encoder), *parts, **{argument: "curves"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs is 0: expected a number at least 1"),
        ({"batch_size": 0}, "batch_size is 0: expected a number at least 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: expected a number above 0"),
        ({"purchase_weight": float("nan")}, "purchase_weight is nan: expected"),
    ],
)
def test_an_argument_out_of_range_is_named(
    encoder: Encoder, parts: tuple[Examples, Examples], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit(coupled_model(encoder), *parts, **options)


def test_data_that_does_not_fit_the_model_is_named(
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


def test_a_model_with_other_outputs_is_refused(parts: tuple[Examples, Examples]) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="expected a dict with a probability for each label"):
        fit(model, *parts)


@pytest.mark.slow
def test_a_loss_that_is_no_number_from_the_start_says_so(
    encoder: Encoder, parts: tuple[Examples, Examples]
) -> None:
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        fit(coupled_model(encoder), *parts, learning_rate=1e38, batch_size=512)
