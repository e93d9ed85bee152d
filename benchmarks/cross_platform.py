"""One model for several screens, in chapter 27: how far from the truth, and what it costs.

`python benchmarks/cross_platform.py [PART ...]` measures some of these parts, or all, and keeps
the others as they were:

- phone: 40,000 rows from the web and 500 to 20,000 from the phone; ways to make a model of the
  phone, their divergence from the truth and the share of the best profit that they lose;
- together: ways that train the web and the phone at once;
- control: a phone that is like the web; the same for a few of the ways, and for the design of the
  chapter, which sends an adapter out if fresh rows show that it is better;
- kiosks: more screens like the web; how often an adapter passes its test all the same;
- tasks: articles and ads; how many labels a new head on the trunk needs, and a model from nothing.

Everything is drawn anew with each seed: users, coupons, clicks and initial weights.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import pandas as pd
from machine import run_parts

import coupon_rec.book.screens as screens
from coupon_rec.book.screens import COLUMNS, LIST, Seen, divergence, fit, network, promise, seen
from coupon_rec.models import adapted, head_only, new_head, trained_weights

ops, layers = keras.ops, keras.layers

PACKAGES = ("numpy", "keras", "tensorflow")
WEB, TEST, FRESH = 40_000, 40_000, 0.2
SIZES, LABELS = (500, 5_000, 20_000), (500, 1_000, 2_000, 5_000, 10_000, 20_000)
TOGETHER = ((1.0, 500), (1.0, 5_000), (0.0, 5_000))
"""How far the screen is from the web, and its rows, if both are trained at once."""
KIOSKS = 8
RANK = 4
THIN_RATE, FINE_RATE, HEAD_RATE = 2e-3, 1e-3, 5e-3
"""Steps of adapters, fine-tuning and heads: set on four other seeds, as the rank was.

All that begins from nothing keeps the step of the web's model, 2e-3.
"""
SEEDS = range(5)

Row = dict[str, Any]


class Star(layers.Layer):
    """A shared kernel, multiplied number by number with one of each screen (Sheng et al. 2021)."""

    def __init__(self, units: int, screens: int = 2, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.screens = units, screens

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the kernels; those of the screens start at 1."""
        width = int(shape[-1] or 1) - 1
        self.shared = self.add_weight(shape=(width, self.units), initializer="glorot_uniform")
        every = range(self.screens)
        self.own = [self.add_weight(shape=(width, self.units), initializer="ones") for _ in every]
        self.bias = [self.add_weight(shape=(self.units,), initializer="zeros") for _ in every]

    def call(self, x: Any) -> Any:
        """Read x and the screen in its last column; give both on."""
        x, screen = x[:, :-1], x[:, -1:]
        found = [
            ops.matmul(x, self.shared * w) + b for w, b in zip(self.own, self.bias, strict=True)
        ]
        return ops.concatenate([found[0] * (1 - screen) + found[1] * screen, screen], axis=1)


def star(seed: int) -> keras.Model:
    """The network with a kernel of its own for each screen, times a shared one."""
    keras.utils.set_random_seed(seed)
    inputs = x = keras.Input((COLUMNS + 1,))
    for _ in range(2):
        x = Star(96)(x)
        x = ops.concatenate([ops.relu(x[:, :-1]), x[:, -1:]], axis=1)
    return keras.Model(inputs, ops.sigmoid(Star(1)(x)[:, :1]))


def experts(seed: int) -> keras.Model:
    """Three networks for all screens, mixed and read by each in its own way (Ma et al. 2018)."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((COLUMNS + 1,))
    x, screen = inputs[:, :-1], inputs[:, -1:]
    every = [layers.Dense(48, "relu")(layers.Dense(48, "relu")(x))[:, None, :] for _ in range(3)]
    every = ops.concatenate(every, axis=1)
    logits = []
    for _ in range(2):
        gate = layers.Dense(3, "softmax")(x)[:, :, None]
        logits.append(layers.Dense(1)(ops.sum(gate * every, axis=1)))
    return keras.Model(inputs, ops.sigmoid(logits[0] * (1 - screen) + logits[1] * screen))


def copied(model: keras.Model) -> keras.Model:
    """The same model, to be trained on its own."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def judged(test: Seen, model: keras.Model, screen: float | None = None) -> Row:
    """How far a model is from the truth on a screen, and what its choices lose."""
    x, top = test.x, test.on_top
    if screen is not None:
        x, top = with_screen(x, screen), with_screen(top, screen)
    p = promise(model, x)
    chosen, best = screens.profits(test, promise(model, top))
    return {
        "KL": divergence(test.truth, p),
        "promised over true": float(p.mean() / test.truth.mean()),
        "regret": float(1 - chosen.sum() / best.sum()),
        "weights": trained_weights(model),
    }


def with_screen(x: np.ndarray, screen: float) -> np.ndarray:
    """Put the screen after the other columns."""
    return np.c_[x, np.full(len(x), screen, "float32")]


def together(web: Seen, phone: Seen, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of both screens in an order by chance: what is known, the screen, the clicks."""
    x, y = np.r_[web.x, phone.x], np.r_[web.clicked, phone.clicked]
    screen = np.r_[np.zeros(len(web.x)), np.ones(len(phone.x))].astype("float32")
    order = np.random.default_rng(seed).permutation(len(x))
    return x[order], screen[order], y[order]


def on_phone(seed: int) -> Iterator[Row]:
    """Each way to make a model of the phone beside that of the web, at each size."""
    _, phone, test, model = drawn(seed, "phone", max(SIZES))
    yield {"way": "web model", "rows": 0, **judged(test, model)}
    for rows in SIZES:
        p = phone.first(rows)
        alone: dict[str, Callable[[], keras.Model]] = {
            "phone alone": lambda p=p: fit(network(seed=seed), p.x, p.clicked, seed=seed),
            "head": lambda p=p: fit(head_only(model), p.x, p.clicked, HEAD_RATE, seed),
            "adapter": lambda p=p: thin(model, p, seed),
            "fine-tuned": lambda p=p: fit(copied(model), p.x, p.clicked, FINE_RATE, seed),
        }
        for way, make in alone.items():
            yield {"way": way, "rows": rows, **judged(test, make())}
        yield {"rows": rows, **sent_out(p, test, model, seed)}


def thin(model: keras.Model, rows: Seen, seed: int) -> keras.Model:
    """An adapter of a model, trained on some rows."""
    return fit(adapted(model, RANK, seed=seed), rows.x, rows.clicked, THIN_RATE, seed)


def sent_out(rows: Seen, test: Seen, model: keras.Model, seed: int) -> Row:
    """The design of the chapter: an adapter if fresh rows show a gain, else the model."""
    learn = rows.first(round(len(rows.x) * (1 - FRESH)))
    adapter = thin(model, learn, seed)
    used = screens.gain(rows.after(len(learn.x)), adapter, model)["low"] > 0
    found = judged(test, adapter if used else model)
    return {"way": "tested adapter", "used": bool(used), **found}


def at_once(seed: int, cases: tuple[tuple[float, int], ...] = TOGETHER) -> Iterator[Row]:
    """Each way to train the web and another screen at once, from nothing."""
    for far, rows in cases:
        web, other, test = drawn_rows(seed, far, max(SIZES) if far else rows)
        x, screen, y = together(web, other.first(rows), seed)
        base = {"far": far, "rows": rows}
        ways = {"pooled, screen known": network(COLUMNS + 1, seed), "STAR": star(seed)}
        if (far, rows) == (1.0, 5_000):
            ways["MMoE"] = experts(seed)
            pooled = fit(network(seed=seed), x, y)
            yield {**base, "way": "pooled", **judged(test, pooled)}
        for way, untrained in ways.items():
            fitted = fit(untrained, np.c_[x, screen], y, seed=seed)
            yield {**base, "way": way, **judged(test, fitted, 1.0)}


def without_difference(seed: int, rows: int = 5_000) -> Iterator[Row]:
    """A phone on which people do what they do on the web."""
    for far in (0.0, 1.0):
        _, phone, test, model = drawn(seed, far, rows)
        base = {"far": far, "rows": rows}
        yield {**base, "way": "web model", **judged(test, model)}
        p = phone
        fine = fit(copied(model), p.x, p.clicked, FINE_RATE, seed)
        yield {**base, "way": "fine-tuned", **judged(test, fine)}
        alone = fit(network(seed=seed), p.x, p.clicked, seed=seed)
        yield {**base, "way": "phone alone", **judged(test, alone)}
        learn = p.first(round(rows * (1 - FRESH)))
        yield {**base, "way": "adapter", **judged(test, thin(model, learn, seed))}
        yield {**base, **sent_out(p, test, model, seed)}


def kiosks(seed: int, rows: int = 5_000) -> Iterator[Row]:
    """Screens on which people do what they do on the web: the test of an adapter, many times."""
    _, _, test, model = drawn(seed, 0.0, LIST)
    for draw in range(KIOSKS):
        data = seen(rows, "web", 1000 * (seed + 1) + draw)
        yield {"draw": draw, "rows": rows, **sent_out(data, test, model, seed)}


def other_tasks(seed: int) -> Iterator[Row]:
    """Articles and ads from the trunk of coupons, and from nothing."""
    web = seen(WEB, "web", 10 * seed)
    model = fit(network(seed=seed), web.x, web.clicked, seed=seed)
    for task, rule in (("articles", screens.articles), ("ads", screens.ads)):
        test = seen(TEST, "web", 10 * seed + 3, rule)
        every = seen(max(LABELS), "web", 10 * seed + 4, rule)
        for rows in LABELS:
            few = every.first(rows)
            rate = float(np.clip(few.clicked.mean(), 1 / rows, 1 - 1 / rows))
            head = new_head(model, "hidden_2", "clicked", rate, seed)
            ways = {"from nothing": (network(seed=seed), 2e-3), "new head": (head, HEAD_RATE)}
            for way, (untrained, step) in ways.items():
                fitted = fit(untrained, few.x, few.clicked, step, seed)
                off = divergence(test.truth, promise(fitted, test.x))
                yield {"task": task, "rows": rows, "way": way, "KL": off}


def drawn_rows(seed: int, screen: float | str, rows: int) -> Iterator[Seen]:
    """Rows of the web and of the screen, and rows of the screen to judge by."""
    for number, (many, where) in enumerate(((WEB, "web"), (rows, screen), (TEST, screen))):
        yield seen(many, where, 10 * seed + number)


def drawn(seed: int, screen: float | str, rows: int) -> tuple[Seen, Seen, Seen, keras.Model]:
    """The same, and the model of the web."""
    web, other, test = drawn_rows(seed, screen, rows)
    return web, other, test, fit(network(seed=seed), web.x, web.clicked, seed=seed)


def of_seeds(measure: Callable[[int], Iterator[Row]]) -> list[Row]:
    """The rows of all seeds."""
    return [{"seed": seed, **row} for seed in SEEDS for row in measure(seed)]


PARTS = {
    "phone": partial(of_seeds, on_phone),
    "together": partial(of_seeds, at_once),
    "control": partial(of_seeds, without_difference),
    "kiosks": partial(of_seeds, kiosks),
    "tasks": partial(of_seeds, other_tasks),
}


def bars(result: dict[str, Any]) -> dict[str, bool]:
    """What chapter 27 rests on, and whether the parts that were measured hold it."""
    found: dict[str, bool] = {}
    if "phone" in result:
        phone = pd.DataFrame(result["phone"])
        mean = phone.groupby(["rows", "way"])["KL"].mean().unstack()
        enough = mean[mean.index >= 5000]
        weights = phone.groupby("way")["weights"].max()
        found["five phones"] = phone["seed"].nunique() >= 5
        found["an adapter is as near to the truth as fine-tuning"] = (
            enough["adapter"] <= 1.05 * enough["fine-tuned"]
        ).all()
        found["it has 15% of the weights"] = weights["adapter"] <= 0.15 * weights["fine-tuned"]
    if "kiosks" in result:
        like_the_web = pd.DataFrame(result["kiosks"])
        found["40 kiosks"] = len(like_the_web) >= 40
        found["4 use an adapter at most"] = like_the_web["used"].sum() <= 4  # 1 in 40 by chance
        found["they lose 5% of the profit"] = like_the_web["regret"].mean() <= 0.05
    if "tasks" in result:
        rows = pd.DataFrame(result["tasks"]).groupby("way")[["task", "rows", "seed"]]
        of = rows.apply(lambda rows: {*rows.itertuples(index=False, name=None)})
        found["a head has the labels of a model from nothing"] = (
            of["new head"] == of["from nothing"]
        )
    return found


if __name__ == "__main__":
    run_parts("cross_platform", PACKAGES, PARTS, bars=bars)
