"""The models of the contest in `peers.py`: how each is built, fitted and tuned.

Each has six configurations. A network reads the arrays of an encoder as the coupled model
does, and is fitted by the book's `fit`; trees read the same arrays side by side. `rounds` is the
number of epochs or trees; where it is None, validation offers decide when to stop.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

os.environ["TQDM_DISABLE"] = "1"

import lightgbm
import numpy as np
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from coupon_rec._keras import keras
from coupon_rec.features import Arrays, Encoder, feature_names
from coupon_rec.models import coupled_model
from coupon_rec.models.inputs import encoded, joined, network
from coupon_rec.models.predicting import BATCH, logits
from coupon_rec.training import Examples, fit

layers, ops = keras.layers, keras.ops

EPOCHS, TREES, CORES = 20, 600, 2
Configuration = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """Offers as a model takes them, and the encoder of the training offers that made them so.

    `list_sizes` says how many offers stand in the list of each user and campaign, one list after
    the other. The coupled model's purchase trees use two more things: a weight for each offer;
    and `windows`, more examples with the label `bought` alone, and their weights: the coupons of
    the training campaigns at other times, which overlap the real ones where these last longer
    than the shift.
    """

    encoder: Encoder
    arrays: Arrays
    labels: Arrays
    list_sizes: np.ndarray
    weight: np.ndarray
    windows: tuple[Arrays, np.ndarray, np.ndarray] | None = None

    @property
    def examples(self) -> Examples:
        return self.arrays, self.labels

    @property
    def redeemed(self) -> np.ndarray:
        return self.labels["redeemed"][:, 0]


@dataclass
class Fitted:
    """A fitted model: its scores, the rounds it took, and its size in parameters or bytes."""

    score: Callable[[Arrays], np.ndarray]
    rounds: int
    size: int
    unit: str = "parameters"
    model: Any = None


@dataclass(frozen=True)
class Peer:
    """How a model is fitted, its configurations and seeds, and whether it only ranks.

    A model that is made of others has no configurations of its own: it takes their best ones.
    """

    fit: Callable[[Data, Data, Configuration, int | None, int], Fitted]
    configurations: Sequence[Configuration] = ({},)
    seeds: int = 5
    ranks_only: bool = False
    made_of: tuple[str, ...] = ()


def fit_count(
    train: Data, validation: Data, configuration: Configuration, rounds: int | None, seed: int
) -> Fitted:
    column = feature_names("match").index("match_decayed_45")
    return Fitted(lambda arrays: arrays["match"][:, column], 1, 0)


def fit_logistic(
    train: Data, validation: Data, configuration: Configuration, rounds: int | None, seed: int
) -> Fitted:
    ones = train.encoder.matrix
    scaler = StandardScaler().fit(ones(train.arrays))
    model = LogisticRegression(max_iter=200, **configuration)
    model.fit(scaler.transform(ones(train.arrays)), train.redeemed)
    return Fitted(
        lambda arrays: model.predict_proba(scaler.transform(ones(arrays)))[:, 1],
        1,
        model.coef_.size + 1,
    )


def fit_lightgbm(
    train: Data, validation: Data, configuration: Configuration, rounds: int | None, seed: int
) -> Fitted:
    return boosted({"objective": "binary", **configuration}, train, validation, rounds, seed)


def fit_lambdamart(
    train: Data, validation: Data, configuration: Configuration, rounds: int | None, seed: int
) -> Fitted:
    settings = {"objective": "lambdarank", "eval_at": [10], **configuration}
    return boosted(settings, train, validation, rounds, seed)


def boosted(
    settings: dict[str, Any], train: Data, validation: Data, rounds: int | None, seed: int
) -> Fitted:
    lists = settings["objective"] == "lambdarank"
    data, watched = (
        lightgbm.Dataset(
            side_by_side(part.arrays), part.redeemed, group=part.list_sizes if lists else None
        )
        for part in (train, validation)
    )
    settings = {"verbose": -1, "num_threads": CORES, "seed": seed, **settings}
    stop = [] if rounds else [lightgbm.early_stopping(50, verbose=False)]
    model = lightgbm.train(settings, data, rounds or TREES, [watched], callbacks=stop)
    return Fitted(
        lambda arrays: np.asarray(model.predict(side_by_side(arrays))),
        rounds or model.best_iteration,
        len(model.model_to_string()),
        "bytes",
    )


def fit_xgboost(
    train: Data, validation: Data, configuration: Configuration, rounds: int | None, seed: int
) -> Fitted:
    model = xgboost.XGBClassifier(
        n_estimators=rounds or TREES,
        early_stopping_rounds=None if rounds else 50,
        eval_metric="logloss",
        n_jobs=CORES,
        random_state=seed,
        **configuration,
    )
    watched = [(side_by_side(validation.arrays), validation.redeemed)]
    model.fit(
        side_by_side(train.arrays),
        train.redeemed,
        eval_set=None if rounds else watched,
        verbose=False,
    )
    return Fitted(
        lambda arrays: model.predict_proba(side_by_side(arrays))[:, 1],
        rounds or model.best_iteration + 1,
        len(model.get_booster().save_raw()),
        "bytes",
    )


def fit_trees(
    train: Data, validation: Data, configuration: Configuration, rounds: int | None, seed: int
) -> Fitted:
    """The chain rule with trees: p(a) of offers and windows, p(r | a) of offers with a purchase."""
    factors = tree_factors(train, configuration, seed)
    size = sum(len(model.model_to_string()) for model in factors)
    return Fitted(lambda arrays: product(tree_logits(factors, arrays)), 1, size, "bytes")


def tree_factors(
    train: Data, configuration: Configuration, seed: int
) -> tuple[lightgbm.Booster, lightgbm.Booster]:
    common = {**SAMPLED, "objective": "binary", "verbose": -1, "num_threads": CORES, "seed": seed}
    columns, bought = side_by_side(train.arrays), train.labels["bought"][:, 0]
    assert train.windows
    more, more_bought, weight = train.windows
    data = lightgbm.Dataset(
        np.vstack([columns, side_by_side(more)]),
        np.concatenate([bought, more_bought]),
        weight=np.concatenate([train.weight, weight]),
    )
    purchase = lightgbm.train({**common, **PURCHASE}, data, PURCHASE_TREES)
    data = lightgbm.Dataset(columns[bought == 1], train.redeemed[bought == 1])
    settings = dict(configuration)
    trees = settings.pop("trees")
    return purchase, lightgbm.train({**common, **settings}, data, trees)


def tree_logits(factors: Sequence[lightgbm.Booster], arrays: Arrays) -> np.ndarray:
    columns = side_by_side(arrays)
    return np.stack([factor.predict(columns, raw_score=True) for factor in factors])


def fit_both(
    train: Data, validation: Data, configuration: Configuration, rounds: int | None, seed: int
) -> Fitted:
    """The chain rule; each factor averages three networks and trees in log odds, half and half."""
    ours = configuration["coupled model, networks"]
    networks = [
        by_epochs(coupled)(train, validation, ours, rounds, NETWORKS_A_SEED * seed + k)
        for k in range(NETWORKS_A_SEED)
    ]
    trees = tree_factors(train, configuration["coupled model, trees"], seed)

    def score(arrays: Arrays) -> np.ndarray:
        of_networks = np.mean([network_logits(network, arrays) for network in networks], axis=0)
        return product((of_networks + tree_logits(trees, arrays)) / 2)

    size = 4 * sum(network.size for network in networks)
    size += sum(len(model.model_to_string()) for model in trees)
    epochs = int(np.median([network.rounds for network in networks]))
    return Fitted(score, epochs, size, "bytes")


def network_logits(fitted: Fitted, arrays: Arrays) -> np.ndarray:
    return np.stack(
        [logits(fitted.model, arrays, f"{name}_logit") for name in ("bought", "redeemed_if_bought")]
    )


def product(factors: np.ndarray) -> np.ndarray:
    """p(a) p(r | a) of the logits of both, stacked."""
    return np.prod(1 / (1 + np.exp(-factors)), axis=0)


def side_by_side(arrays: Arrays) -> np.ndarray:
    return np.column_stack(list(arrays.values()))


Build = Callable[..., keras.Model]


def by_epochs(build: Build, **settings_of_fit: Any) -> Callable[..., Fitted]:
    """Fit a network; with `rounds` it keeps its last epoch, whatever the validation offers say."""

    def fit_network(
        train: Data, validation: Data, configuration: Configuration, rounds: int | None, seed: int
    ) -> Fitted:
        settings = dict(configuration)
        rate = settings.pop("learning_rate")
        keras.utils.set_random_seed(seed)
        model = build(train.encoder, **settings)
        last: list[Any] = []
        keep = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: last.__setitem__(slice(None), model.get_weights())
        )
        history = fit(
            model,
            train.examples,
            validation.examples,
            epochs=rounds or EPOCHS,
            patience=rounds or 3,
            learning_rate=rate,
            seed=seed,
            callbacks=[keep],
            **settings_of_fit,
        )
        if rounds:
            model.set_weights(last)
        return Fitted(
            lambda arrays: probability(model, arrays),
            rounds or int(history["val_redeemed_log_loss"].idxmin()),
            sum(int(np.prod(w.shape)) for w in model.trainable_weights),
            model=model,
        )

    return fit_network


def probability(model: keras.Model, arrays: Arrays) -> np.ndarray:
    inputs = {name: arrays[name] for name in model.input}
    return np.asarray(model.predict(inputs, BATCH, verbose=0)["redeemed"][:, 0])


def factorization_machine(encoder: Encoder, size: int) -> keras.Model:
    inputs, ready = encoded(encoder)
    logit = linear(ready) + pairs(fields(encoder, inputs, ready, size))
    return redemption(inputs, logit)


def deepfm(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    inputs, ready = encoded(encoder)
    vectors = fields(encoder, inputs, ready, 8)
    deep = network(layers.Flatten()(vectors), units, dropout, "deep")
    return redemption(inputs, linear(ready) + pairs(vectors) + layers.Dense(1)(deep))


def wide_and_deep(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    """The wide part has a weight for each pair of a user's and a coupon's category."""
    inputs, ready = encoded(encoder)
    crossed = ready["user_category"][:, :, None] * ready["coupon_category"][:, None, :]
    wide = layers.Dense(1)(layers.Flatten()(crossed))
    deep = network(joined(ready, tuple(ready), "everything"), units, dropout, "deep")
    return redemption(inputs, linear(ready) + wide + layers.Dense(1)(deep))


def dcn_v2(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    """Inputs are cut at three standard deviations: products of long tails rule the test otherwise.

    Without the cut and the penalty, its log loss on July to September is twice as high.
    """
    import keras_rs  # after Keras has been imported quietly

    inputs, ready = encoded(encoder)
    everything = ops.clip(joined(ready, tuple(ready), "everything"), -3, 3)
    crossed = everything
    for _ in range(2):
        cross = keras_rs.layers.FeatureCross(kernel_regularizer=keras.regularizers.L2(1e-3))
        crossed = cross(everything, crossed)
    deep = network(everything, units, dropout, "deep")
    return redemption(inputs, layers.Dense(1)(layers.Concatenate()([crossed, deep])))


def two_tower(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    """What is known about the pair stands beside the product of the towers' vectors."""
    inputs, ready = encoded(encoder)
    user = joined(ready, ("user", "user_category"), "user_side")
    coupon = joined(ready, ("item", "coupon", "coupon_category"), "coupon_side")
    product = layers.Multiply()(
        [
            layers.Dense(units[-1])(network(side, units[:-1], dropout, name))
            for name, side in (("user_tower", user), ("coupon_tower", coupon))
        ]
    )
    return redemption(inputs, layers.Dense(1)(layers.Concatenate()([product, ready["match"]])))


def esmm(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    """Two networks on one shared layer: a purchase, and a redemption given a purchase."""
    inputs, ready = encoded(encoder)
    shared = layers.Dense(units[0], "relu")(joined(ready, tuple(ready), "everything"))
    bought, then = (
        layers.Dense(1, "sigmoid", name=f"{name}_probability")(
            network(shared, units, dropout, name)
        )
        for name in ("buys", "redeems")
    )
    return keras.Model(inputs, {"bought": bought, "redeemed": bought * then})


def fields(
    encoder: Encoder, inputs: dict[str, Any], ready: dict[str, Any], size: int
) -> keras.KerasTensor:
    """A vector for each field: of a category, or of a number, by which it is multiplied."""
    numbers = joined(ready, ("user", "item", "match", "coupon"), "numbers")
    small = keras.initializers.RandomNormal(stddev=0.01)
    shape = (numbers.shape[1], size)
    of_numbers = layers.EinsumDense("nf,fk->nfk", shape, kernel_initializer=small)(numbers)
    of_categories = [
        layers.Embedding(
            1 + sum(len(category.values) for category in categories),
            size,
            embeddings_initializer=small,
        )(inputs[name])
        for name, categories in encoder.categories.items()
    ]
    return layers.Concatenate(axis=1)([of_numbers, *of_categories])


def pairs(vectors: keras.KerasTensor) -> keras.KerasTensor:
    """Sum of the inner products of all pairs of fields."""
    square_of_sum = ops.square(ops.sum(vectors, axis=1))
    sum_of_squares = ops.sum(ops.square(vectors), axis=1)
    return ops.sum(square_of_sum - sum_of_squares, axis=1, keepdims=True) / 2


def linear(ready: dict[str, Any]) -> keras.KerasTensor:
    return layers.Dense(1)(joined(ready, tuple(ready), "linear_part"))


def redemption(inputs: dict[str, Any], logit: keras.KerasTensor) -> keras.Model:
    return keras.Model(inputs, {"redeemed": layers.Activation("sigmoid", name="redeemed")(logit)})


def coupled(
    encoder: Encoder, units: Sequence[int], dropout: float, coupling: str = "chain"
) -> keras.Model:
    seed = int(keras.random.randint((), 0, 2**31 - 1))
    return coupled_model(encoder, coupling, "network", units, units, dropout, seed)


NETWORKS: list[Configuration] = [
    {"units": units, "dropout": dropout, "learning_rate": rate}
    for units, dropout, rate in (
        ((64, 32), 0.3, 1e-3),
        ((64, 32), 0.5, 5e-4),
        ((32, 16), 0.1, 1e-3),
        ((128, 64), 0.3, 5e-4),
        ((128, 64), 0.5, 1e-3),
        ((128, 64), 0.5, 3e-4),
    )
]
FACTORS: list[Configuration] = [
    {"size": size, "learning_rate": rate} for size in (4, 8, 16) for rate in (3e-4, 1e-3)
]
LEAVES = (
    (7, 100, 0.05),
    (7, 500, 0.1),
    (15, 200, 0.03),
    (15, 1000, 0.05),
    (31, 500, 0.03),
    (31, 2000, 0.05),
)
SAMPLED = {"feature_fraction": 0.5, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0}
PURCHASE = {"num_leaves": 31, "min_data_in_leaf": 300, "learning_rate": 0.1}
PURCHASE_TREES = 150
NETWORKS_A_SEED = 3
LIGHTGBM: list[Configuration] = [
    {**SAMPLED, "num_leaves": leaves, "min_data_in_leaf": rows, "learning_rate": rate}
    for leaves, rows, rate in LEAVES
]
CHAINS: list[Configuration] = [
    {"num_leaves": leaves, "min_data_in_leaf": 40, "learning_rate": rate, "trees": trees}
    for leaves, rate, trees in (
        (4, 0.05, 80),
        (4, 0.05, 160),
        (7, 0.05, 60),
        (7, 0.025, 120),
        (7, 0.05, 120),
        (15, 0.05, 60),
    )
]
XGBOOST: list[Configuration] = [
    {
        "max_depth": depth,
        "min_child_weight": weight,
        "learning_rate": rate,
        "colsample_bytree": 0.5,
        "subsample": 0.8,
        "reg_lambda": 5.0,
    }
    for depth, weight, rate in (
        (3, 1, 0.05),
        (3, 5, 0.1),
        (4, 1, 0.03),
        (4, 5, 0.05),
        (5, 2, 0.03),
        (6, 5, 0.05),
    )
]

PEERS = {
    "count of past purchases": Peer(fit_count, seeds=1, ranks_only=True),
    "logistic regression": Peer(
        fit_logistic, [{"C": c} for c in (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)], seeds=1
    ),
    "LightGBM": Peer(fit_lightgbm, LIGHTGBM),
    "LambdaMART": Peer(fit_lambdamart, LIGHTGBM, ranks_only=True),
    "XGBoost": Peer(fit_xgboost, XGBOOST),
    "factorization machine": Peer(by_epochs(factorization_machine), FACTORS),
    "Wide & Deep": Peer(by_epochs(wide_and_deep), NETWORKS),
    "DeepFM": Peer(by_epochs(deepfm), NETWORKS),
    "DCN-V2": Peer(by_epochs(dcn_v2), NETWORKS),
    "two-tower": Peer(by_epochs(two_tower), NETWORKS),
    "ESMM": Peer(by_epochs(esmm), NETWORKS),
    "coupled model, networks": Peer(by_epochs(coupled), NETWORKS),
    "coupled model, trees": Peer(fit_trees, CHAINS),
    "coupled model": Peer(
        fit_both, (), made_of=("coupled model, networks", "coupled model, trees")
    ),
}
