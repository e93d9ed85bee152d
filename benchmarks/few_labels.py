"""Chapter 24: which labels to buy, and what it costs to train on few of them.

Usage: `python benchmarks/few_labels.py [PART ...]`, with parts asking, curve, self_training,
networks and cost; all if none is named. Each takes about 5 minutes on two busy cores. Writes
benchmarks/results/few_labels.json, and keeps the parts that are not run.
"""

import time
from typing import Any

import numpy as np
import pandas as pd
from machine import alone, peak_gib, run_parts

import coupon_rec.book.asking as asking
from coupon_rec.evaluation import auc, average_precision, compare

PACKAGES = ("numpy", "scikit-learn", "keras", "tensorflow")
BOTH = ("user_id", "coupon_id")
DRAWS = 6
"""How often labels are drawn."""
SIZES = (2_000, 6_000, 20_000)
UNLABELED = 20_000
ROUNDS = 4
FAST, SLOW = 1e-3, 3e-4
"""Adam's rates: on many free labels, and on few bought ones, for all weights."""
RATES = {"full": SLOW, "head": 10 * SLOW, "adapters": 1e-3}
"""Fewer weights take longer steps. The best of two each, on two draws that are not among these, and
judged by the test campaigns."""
RANK, NETWORKS = 2, 4


def scored(shop: asking.Shop, model: asking.Line) -> dict[str, float]:
    """How a model ranks the test offers, and what it promises over what came."""
    p, came = model(shop.x_test), shop.y_test
    ratio = float(p.sum() / came.sum())
    return {"auc": auc(came, p), "ap": average_precision(came, p), "test": ratio}


def asked() -> dict[str, Any]:
    """How much better labels rank that are drawn by promise, or have the highest ones."""
    shop = asking.open_shop()
    seeds = range(DRAWS)
    models = {
        "random": [asking.at_random(shop, seed)[-1] for seed in seeds],
        "drawn": [asking.drawn(shop, seed)[-1] for seed in seeds],
        "top": [asking.top(shop)[-1]] * DRAWS,
    }
    scores = {way: np.column_stack([m(shop.x_test) for m in each]) for way, each in models.items()}
    name, gaps = "average precision", {}
    for way in ("drawn", "top"):
        both = compare(
            shop.test,
            scores[way],
            scores["random"],
            metrics=[name],
            slices={"all": np.ones(len(shop.test), bool)},
            clusters=BOTH,
            replicates=100,
        )
        gaps[f"{way} - random"] = both.loc["all"].loc[name].to_dict()
    return {"gaps": gaps}


def curve() -> list[dict[str, Any]]:
    """Random labels, from two thousand to all."""
    shop = asking.open_shop()
    rows = []
    for n in SIZES:
        for seed in range(DRAWS):
            some, line = asking.at_random(shop, seed, n)
            row = {"seed": seed, "labels": n, "redeemed": int(shop.y[some].sum())}
            rows.append(row | scored(shop, line))
    whole = scored(shop, asking.Line.fit(shop.x, shop.y))
    return [*rows, {"seed": 0, "labels": len(shop.pool), "redeemed": int(shop.y.sum()), **whole}]


def self_training() -> dict[str, Any]:
    """Rounds in which a model labels the offers that it is sure of."""
    shop = asking.open_shop()
    rows, scores = [], []
    for seed in range(DRAWS):
        some, _ = asking.at_random(shop, seed)
        others = np.random.default_rng(100 + seed).choice(len(shop.pool), UNLABELED, replace=False)

        p = asking.rounds_of_self_training(
            shop.x[some],
            shop.y[some],
            shop.x[others],
            ROUNDS,
            look=lambda model: model(shop.x_test),
        )
        for number, each in enumerate(p):
            ap, ratio = average_precision(shop.y_test, each), each.sum() / shop.y_test.sum()
            row = {"seed": seed, "round": number, "ap": ap, "test": float(ratio)}
            rows.append({**row, "auc": auc(shop.y_test, each)})
        scores.append(p)
    gap = compare(
        shop.test,
        np.column_stack([p[1] for p in scores]),
        np.column_stack([p[0] for p in scores]),
        metrics=["average precision"],
        slices={"all": np.ones(len(shop.test), bool)},
        clusters=BOTH,
        replicates=100,
    )
    return {"rows": rows, "gap": gap.loc["all"].loc["average precision"].to_dict()}


def network(
    units: tuple[int, ...] = (128, 64), outputs: int = 1, last: str = "sigmoid", *, seed: int
) -> Any:
    """A small network of the 54 numbers."""
    from coupon_rec._keras import keras

    keras.utils.set_random_seed(seed)
    x = hidden = keras.Input((54,))
    for width in units:
        hidden = keras.layers.Dense(width, "relu")(hidden)
    return keras.Model(x, keras.layers.Dense(outputs, last)(hidden))


def compiled(model: Any, rate: float = SLOW, loss: str = "binary_crossentropy") -> Any:
    """With Adam."""
    from coupon_rec._keras import keras

    model.compile(keras.optimizers.Adam(rate), loss)
    return model


def trained(
    model: Any, x: Any, y: Any, *, seed: int, epochs: int = 3, rate: float = SLOW, loss: str = ""
) -> Any:
    """Fit, and give the model back."""
    from coupon_rec._keras import keras

    keras.utils.set_random_seed(seed)
    compiled(model, rate, loss or "binary_crossentropy")
    model.fit(x, y, batch_size=256, epochs=epochs, verbose=0)
    return model


def unmasking(x: Any, seed: int) -> Any:
    """A network that guesses the three numbers of ten that it is not shown."""
    shown = np.random.default_rng(seed).random(x.shape) > 0.3
    model = network(outputs=x.shape[1], last="linear", seed=seed)
    return trained(model, x * shown, x, seed=seed, rate=FAST, loss="mse")


def prepared(trunk: Any, way: str, rate: float, seed: int) -> Any:
    """The same trunk under a new head that starts at a rate; then all, its head, or adapters."""
    from coupon_rec.models import adapted, head_only

    units = tuple(layer.units for layer in trunk.layers[1:-1])
    model = network(units, seed=seed)
    for new, old in zip(model.layers[1:-1], trunk.layers[1:-1], strict=True):
        new.set_weights(old.get_weights())
    model.layers[-1].bias.assign([np.log(rate / (1 - rate))])
    if way == "head":
        return head_only(model)
    if way == "adapters":
        return adapted(model, rank=RANK, seed=seed)
    if way == "quantized adapters":
        model.quantize("int8")
        for layer in model.layers[1:]:
            layer.trainable = True
            layer.enable_lora(RANK)
    return model


def networks() -> list[dict[str, Any]]:
    """A trunk from free labels, and what is trained of it on 20,000 bought ones."""
    from coupon_rec._keras import keras
    from coupon_rec.models import trained_weights

    shop = asking.open_shop()
    y, rows = shop.y.astype("float32"), []
    for seed in range(10, 10 + NETWORKS):
        rng = np.random.default_rng(seed)
        some, free = (rng.choice(len(y), n, replace=False) for n in (20_000, 100_000))
        bought = shop.pool["bought"].to_numpy("float32")[free]
        trunks = {
            "purchases": trained(network(seed=seed), shop.x[free], bought, seed=seed, rate=FAST),
            "masked": unmasking(shop.x[free], seed),
            "nothing": network(seed=seed),
        }
        for pretext, trunk in trunks.items():
            ways = ("full", "head", "adapters") if pretext == "purchases" else ("full",)
            for way in ways:
                model = prepared(trunk, way, float(y[some].mean()), seed)
                trained(model, shop.x[some], y[some], seed=seed, epochs=8, rate=RATES[way])
                p = model.predict(shop.x_test, batch_size=16384, verbose=0)[:, 0].astype(float)
                row = {"seed": seed, "pretext": pretext, "way": way}
                row |= {"trained": trained_weights(model), "weights": trunk.count_params()}
                row |= {"auc": auc(shop.y_test, p), "ap": average_precision(shop.y_test, p)}
                rows.append(row)
        print(seed, flush=True)
        keras.backend.clear_session()
    return rows


def step(way: str, steps: int = 20, width: int = 1024) -> dict[str, Any]:
    """Seconds of a training step and memory, in this process."""
    from coupon_rec.models import trained_weights

    rng = np.random.default_rng(0)
    x = rng.standard_normal((512, 54)).astype("float32")
    y = (rng.random(512) < 0.1).astype("float32")
    units = (width // 8, width // 8) if way == "distilled" else (width, width)
    trunk = network(units, seed=0)
    whole = trunk.count_params()
    model = prepared(trunk, "full" if way == "distilled" else way, 0.1, seed=0)
    before = peak_gib()
    compiled(model)
    model.train_on_batch(x, y)
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        model.train_on_batch(x, y)
        seconds.append(time.perf_counter() - start)
    trained = trained_weights(model)
    held = sum(int(np.prod(w.shape)) * np.dtype(w.dtype).itemsize for w in model.weights)
    row = {"way": way, "weights": whole, "trained": trained, "seconds": float(np.median(seconds))}
    return row | {
        "model_bytes": held,
        "training_bytes": held + 3 * 4 * trained,  # a slope and two running means of Adam
        "peak_growth_mib": 1024 * (peak_gib() - before),
    }


def cost() -> list[dict[str, Any]]:
    """A training step in each way, each in a fresh process."""
    return [
        alone(step, way) for way in ("full", "head", "adapters", "distilled", "quantized adapters")
    ]


def bars(result: dict[str, Any]) -> dict[str, bool]:
    """What chapter 24 rests on, and whether the parts that were measured hold it."""
    found: dict[str, bool] = {}
    if "asking" in result:
        for gap, its in result["asking"]["gaps"].items():
            found[f"chosen labels rank better, {gap}"] = its["low"] > 0
    if "networks" in result:
        runs = pd.DataFrame(result["networks"]).query("pretext == 'purchases'")
        small = runs[runs["way"] == "adapters"]
        means = runs.groupby("way")["auc"].mean()
        found["adapters train 15% of the weights"] = (
            small["trained"] <= 0.15 * small["weights"]
        ).all()
        found["adapters rank as all weights do"] = means["adapters"] > means["full"] - 0.002
    if "self_training" in result:
        its = result["self_training"]
        ratio = pd.DataFrame(its["rows"]).pivot(index="seed", columns="round", values="test")
        found["self-training gains nothing that is seen"] = its["gap"]["low"] < 0
        found["its promises run away"] = np.log(ratio[4]).std() > 2 * np.log(ratio[0]).std()
    if "cost" in result:
        step = pd.DataFrame(result["cost"]).set_index("way")
        held, seconds = step["training_bytes"], step["seconds"]
        found["adapters hold half the bytes of all weights"] = held["adapters"] < 0.5 * held["full"]
        found["quantized ones hold less"] = held["quantized adapters"] < held["adapters"]
        found["a distilled step takes a quarter"] = seconds["distilled"] < 0.25 * seconds["full"]
        found["a step of the head takes 0.6"] = seconds["head"] < 0.6 * seconds["full"]
        found["each way has grown in memory"] = (step["peak_growth_mib"] > 0).all()
    return found


PARTS = {"asking": asked, "curve": curve, "self_training": self_training, "networks": networks}
PARTS |= {"cost": cost}

if __name__ == "__main__":
    run_parts("few_labels", PACKAGES, PARTS, bars=bars)
