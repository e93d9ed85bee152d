"""A shop whose coupons are shown on several screens, with the truth known: chapter 27.

A user visits twice and sees ten coupons each time, in an order by chance. Whether a coupon is
clicked depends on what is known of user, coupon, place and moment, on each screen in its own way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec._keras import keras, seeded, tf
from coupon_rec.evaluation import from_sums
from coupon_rec.odds import sigmoid

Floats = NDArray[np.floating[Any]]

TASTES = 4
OTHERS = ("depth", "place", "price", "recency", "evening", "loyal", "weekend", "age")
COLUMNS = TASTES + TASTES + len(OTHERS)
LIST, VISITS = 10, 2
"""Coupons in a list, and visits of a user."""
SCREENS = {"web": 0.0, "phone": 1.0, "tablet": 0.5, "kiosk": 0.0}
"""How far a screen lies from the web towards the phone."""
ELSE = 0.3
"""What the top of a list earns with something else on it, in currency."""
SMALLEST = 1e-6


@dataclass(frozen=True)
class Seen:
    """Coupons that were seen: n rows, of which each ten are a list.

    Attributes
    ----------
    x : numpy.ndarray
        What is known, float32 of shape (n, 16): four tastes of the user, four of the coupon, and
        `OTHERS`, of which `place` is the logarithm of the place in the list.
    clicked : numpy.ndarray
        0 or 1, float32 of shape (n,).
    truth : numpy.ndarray
        The probability of it, shape (n,).
    top : numpy.ndarray
        The probability if the coupon were in the first place, shape (n,).
    value : numpy.ndarray
        What a click is worth, in currency, shape (n,).
    user : numpy.ndarray
        Number of the user, shape (n,).
    """

    x: NDArray[np.float32]
    clicked: NDArray[np.float32]
    truth: Floats
    top: Floats
    value: Floats
    user: NDArray[np.int64]

    @property
    def on_top(self) -> NDArray[np.float32]:
        """What is known, had each coupon been in the first place."""
        return on_top(self.x)

    def first(self, rows: int) -> "Seen":
        """The first rows."""
        return Seen(**{name: values[:rows] for name, values in vars(self).items()})

    def after(self, rows: int) -> "Seen":
        """All but the first rows."""
        return Seen(**{name: values[rows:] for name, values in vars(self).items()})


def seen(
    rows: int, screen: float | str, seed: int, logit: Callable[..., Floats] | None = None
) -> Seen:
    """Draw what users see on a screen, and what they click.

    Parameters
    ----------
    rows : int
        How many, a multiple of 10.
    screen : float or str
        One of `SCREENS`, or how far it lies from the web towards the phone.
    seed : int
        Of the users, coupons and clicks.
    logit : callable, optional
        What is clicked, if it is something else than coupons; see `articles` and `ads`.
    """
    rng = np.random.default_rng(seed)
    lists = rows // LIST
    users = -(-lists // VISITS)

    def of_users(columns: int) -> Floats:
        return rng.standard_normal((users, columns)).repeat(VISITS, axis=0)[:lists]

    def of_lists(values: Floats) -> Floats:
        return values.repeat(LIST, axis=0)

    place = np.log(1 + rng.permuted(np.tile(np.arange(LIST), (lists, 1)), axis=1).ravel())
    tastes, (recency, loyal, age) = of_lists(of_users(TASTES)), of_lists(of_users(3)).T
    evening, weekend = of_lists(rng.standard_normal((lists, 2))).T
    coupon, (depth, price) = rng.standard_normal((rows, TASTES)), rng.standard_normal((2, rows))
    others = (depth, place, price, recency, evening, loyal, weekend, age)
    x = np.column_stack([tastes, coupon, *others]).astype("float32")
    far = SCREENS[screen] if isinstance(screen, str) else screen
    rule = logit or coupons
    truth = sigmoid(rule(x, far))
    return Seen(
        x=x,
        clicked=(rng.random(rows) < truth).astype("float32"),
        truth=truth,
        top=sigmoid(rule(on_top(x), far)),
        value=np.exp(0.5 * rng.standard_normal(rows)),
        user=np.arange(users).repeat(VISITS * LIST)[:rows],
    )


def on_top(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is known, with every coupon in the first place."""
    top = x.copy()
    top[:, 2 * TASTES + OTHERS.index("place")] = 0
    return top


def parts(x: Floats) -> tuple[Floats, dict[str, Floats]]:
    """How well a coupon fits the user's tastes, and the other columns by name."""
    x = x.astype("float64")
    match = (x[:, :TASTES] * x[:, TASTES : 2 * TASTES]).sum(axis=1) / 2
    return match, dict(zip(OTHERS, x[:, 2 * TASTES :].T, strict=True))


def coupons(x: Floats, far: float) -> Floats:
    """The true log-odds of a click on a coupon, `far` from the web towards the phone."""
    match, of = parts(x)
    web = (
        -1.7
        + match
        + of["depth"] * (0.3 + sigmoid(of["loyal"]))
        - 0.3 * of["place"]
        - 0.5 * of["recency"]
        + 0.4 * np.tanh(of["price"] * of["depth"])
        + 0.2 * of["evening"]
    )
    phone = (
        -0.5
        - 0.6 * of["place"]
        - 0.4 * match
        + 0.6 * of["evening"] * (1 + sigmoid(of["age"]))
        - 0.4 * of["depth"]
    )
    return np.asarray(web + far * phone)


def articles(x: Floats, far: float) -> Floats:
    """The true log-odds that an article is read: the same tastes, no price, no discount."""
    match, of = parts(x)
    return np.asarray(
        -1.0 + 0.9 * match - 0.3 * of["recency"] + 0.4 * of["evening"] - 0.4 * of["place"]
    )


def ads(x: Floats, far: float) -> Floats:
    """The true log-odds of a click on an ad: rare, and weaker in the tastes."""
    match, of = parts(x)
    return np.asarray(-3.2 + 0.7 * match - 0.3 * of["place"] + 0.3 * of["price"])


def network(columns: int = COLUMNS, seed: int = 0) -> keras.Model:
    """Two hidden layers of 96 units, and a probability of shape (n, 1); untrained."""
    layers = keras.layers
    with seeded(seed):
        inputs = x = keras.Input((columns,))
        for name in ("hidden_1", "hidden_2"):
            x = layers.Dense(96, "relu", name=name)(x)
        return keras.Model(inputs, layers.Dense(1, "sigmoid", name="clicked")(x), name="network")


def fit(
    model: keras.Model,
    x: Floats,
    y: Floats,
    learning_rate: float = 2e-3,
    seed: int = 0,
    epochs: int = 60,
    patience: int = 6,
) -> keras.Model:
    """Minimize the log loss on the first four fifths of the rows, until the last fifth is worse.

    It does what Keras's `fit` does with early stopping, in a fifth of the time on rows this few.
    """
    cut = int(0.8 * len(x) / LIST) * LIST
    batch = int(np.clip(cut // 20, 32, 256))
    inputs, wanted = tf.constant(x[:cut]), tf.constant(y[:cut, None])
    others, their = tf.constant(x[cut:]), tf.constant(y[cut:, None])
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(model.trainable_variables)

    def loss(label: Any, p: Any) -> Any:
        return tf.reduce_mean(keras.losses.binary_crossentropy(label, p))

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def epoch(order: Any) -> Any:
        for start in tf.range(0, cut - batch + 1, batch):
            rows = order[start : start + batch]
            with tf.GradientTape() as tape:
                value = loss(tf.gather(wanted, rows), _p(model(tf.gather(inputs, rows))))
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss(their, _p(model(others)))

    rng = np.random.default_rng(seed)
    best, kept, waited = np.inf, model.get_weights(), 0
    for _ in range(epochs):
        now = float(epoch(tf.constant(rng.permutation(cut))))
        waited += 1
        if now < best:
            best, kept, waited = now, model.get_weights(), 0
        if waited == patience:
            break
    model.set_weights(kept)
    return model


def _p(output: Any) -> Any:
    return next(iter(output.values())) if isinstance(output, dict) else output


def promise(model: keras.Model, x: Floats) -> Floats:
    """What a model says of each row, shape (n,)."""
    said = np.asarray(_p(model(tf.constant(x))), "float64")[:, 0]
    return np.asarray(np.clip(said, SMALLEST, 1 - SMALLEST))


def divergence(truth: Floats, p: Floats) -> float:
    """Mean Kullback-Leibler divergence of promises from the truth, times 1,000."""
    off = truth * np.log(truth / p) + (1 - truth) * np.log((1 - truth) / (1 - p))
    return float(1000 * off.mean())


def profits(rows: Seen, p_on_top: Floats) -> tuple[Floats, Floats]:
    """What the choice of one coupon for the top of each list earns, and what the best would.

    The most valuable coupon is shown if it is expected to earn more than something else would.

    Returns
    -------
    chosen, best : numpy.ndarray
        Expected under the truth, in currency, shape (lists,).
    """
    worth = (rows.top * rows.value - ELSE).reshape(-1, LIST)
    expected = (p_on_top * rows.value - ELSE).reshape(-1, LIST)
    pick = expected.argmax(axis=1)[:, None]
    sent = np.take_along_axis(expected, pick, 1)[:, 0] > 0
    chosen = np.where(sent, np.take_along_axis(worth, pick, 1)[:, 0], 0.0)
    return chosen, np.maximum(worth.max(axis=1), 0)


def regret(rows: Seen, model: keras.Model) -> float:
    """The share of the best possible profit that a model's choices lose."""
    chosen, best = profits(rows, promise(model, rows.on_top))
    return float(1 - chosen.sum() / best.sum())


def losses(rows: Seen, model: keras.Model) -> Floats:
    """Log loss of each row, shape (n,)."""
    p = promise(model, rows.x)
    return np.asarray(-np.log(np.where(rows.clicked == 1, p, 1 - p)))


def gain(rows: Seen, model: keras.Model, base: keras.Model) -> pd.Series:
    """How much lower a model's log loss is than another's, with a 95% interval over users."""
    lower = pd.DataFrame({"n": 1.0, "lower": losses(rows, base) - losses(rows, model)})
    return from_sums(lower, rows.user, lambda sums: sums["lower"] / sums["n"])
