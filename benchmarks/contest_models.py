"""The models of the contest: how each is built and fitted, and the ladders of its configurations.

All read the arrays of one encoder. A network begins as the book's do (numbers cut, at the rate of
the training offers) and is fitted by the book's `fit`; trees read the same arrays side by side.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

os.environ["TQDM_DISABLE"] = "1"

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost
from baskets import Baskets
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from coupon_rec._keras import keras
from coupon_rec.features import Arrays, Encoder, feature_names
from coupon_rec.market import Market
from coupon_rec.models import boosted, coupled_model
from coupon_rec.models.inputs import encoded, joined, logit_layer, network
from coupon_rec.models.predicting import BATCH
from coupon_rec.training import examples, fit

layers, ops = keras.layers, keras.ops

CORES = 2
ONCE = 1
"""The only round of a model that has none."""

Configuration = dict[str, Any]
Scores = dict[int, np.ndarray]


@dataclass(frozen=True)
class Data:
    """Offers of a market, and what models read of them by an encoder of the training offers."""

    offers: pd.DataFrame
    encoder: Encoder
    market: Market

    @cached_property
    def arrays(self) -> Arrays:
        return self.encoder.encode(self.offers)

    @cached_property
    def matrix(self) -> np.ndarray:
        return self.encoder.matrix(self.arrays)

    @cached_property
    def redeemed(self) -> np.ndarray:
        return self.offers["redeemed"].to_numpy("float64")

    @cached_property
    def list_sizes(self) -> np.ndarray:
        """Offers in the list of each user and campaign; the table has one list after the other."""
        lists = self.offers.groupby(["campaign_id", "user_id"], sort=False)
        return lists.size().to_numpy()


Fit = Callable[[Data, Data, Configuration, Sequence[int], int], Scores]


@dataclass(frozen=True)
class Peer:
    """How a model is fitted and scored, its ladders, and what its rounds and scores are.

    `fit(train, judged, configuration, rounds, seed)` gives the scores of the judged offers after
    each of these numbers of rounds. A configuration takes a rung of each ladder.
    """

    fit: Fit
    ladders: dict[str, Sequence[Any]] = field(default_factory=dict)
    rounds: Sequence[int] = (ONCE,)
    seeds: int = 5
    ranks_only: bool = False


# Lines


def fit_count(train: Data, judged: Data, _: Configuration, rounds: Any, seed: int) -> Scores:
    column = feature_names("match").index("match_decayed_45")
    return {ONCE: judged.arrays["match"][:, column]}


def fit_logistic(
    train: Data, judged: Data, configuration: Configuration, rounds: Any, seed: int
) -> Scores:
    scaler = StandardScaler().fit(train.matrix)
    model = LogisticRegression(max_iter=200, **configuration)
    model.fit(scaler.transform(train.matrix), train.redeemed)
    return {ONCE: model.predict_proba(scaler.transform(judged.matrix))[:, 1]}


def fit_hierarchical(
    train: Data, judged: Data, configuration: Configuration, rounds: Any, seed: int
) -> Scores:
    """Logistic regression with an effect of each user, and of each user and department.

    Effects are normal around 0 with the deviations of the configuration, and so are the weights
    of the features: the mode of the posterior is a logistic regression with a penalty, where a
    column of ones and zeros is multiplied by its deviation.
    """
    scaler = StandardScaler().fit(train.matrix)
    keys = {"user": ["user_id"], "user_department": ["user_id", "department"]}
    known = {name: pd.MultiIndex.from_frame(train.offers[key]) for name, key in keys.items()}
    levels = {name: index.unique() for name, index in known.items()}

    def columns(data: Data) -> sparse.csr_matrix:
        blocks = [sparse.csr_matrix(scaler.transform(data.matrix) * configuration["features"])]
        for name, key in keys.items():
            code = levels[name].get_indexer(pd.MultiIndex.from_frame(data.offers[key]))
            rows = np.flatnonzero(code >= 0)
            ones = np.full(rows.size, configuration[name])
            shape = (len(code), len(levels[name]))
            blocks.append(sparse.csr_matrix((ones, (rows, code[rows])), shape))
        return sparse.hstack(blocks, "csr")

    model = LogisticRegression(max_iter=100, C=1.0)
    model.fit(columns(train), train.redeemed)
    return {ONCE: model.predict_proba(columns(judged))[:, 1]}


# Trees

SAMPLED = {"feature_fraction": 0.5, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0}


def by_lightgbm(objective: str) -> Fit:
    def fit_lightgbm(
        train: Data, judged: Data, configuration: Configuration, rounds: Sequence[int], seed: int
    ) -> Scores:
        lists = train.list_sizes if objective == "lambdarank" else None
        data = lightgbm.Dataset(train.matrix, train.redeemed, group=lists)
        common = {**SAMPLED, "objective": objective, "verbose": -1, "num_threads": CORES}
        settings = {**common, "seed": seed, **configuration}
        model = lightgbm.train(settings, data, max(rounds))
        z, done, scores = np.zeros(len(judged.matrix)), 0, {}
        for n in sorted(rounds):
            more = {"start_iteration": done, "num_iteration": n - done, "raw_score": True}
            z, done = z + model.predict(judged.matrix, **more), n
            scores[n] = z if lists is not None else sigmoid(z)
        return scores

    return fit_lightgbm


def fit_xgboost(
    train: Data, judged: Data, configuration: Configuration, rounds: Sequence[int], seed: int
) -> Scores:
    common = {"colsample_bytree": 0.5, "subsample": 0.8, "reg_lambda": 5.0, "n_jobs": CORES}
    model = xgboost.XGBClassifier(
        n_estimators=max(rounds), random_state=seed, **common, **configuration
    )
    model.fit(train.matrix, train.redeemed)
    return {
        n: model.predict_proba(judged.matrix, iteration_range=(0, n))[:, 1].astype("float64")
        for n in rounds
    }


def fit_catboost(
    train: Data, judged: Data, configuration: Configuration, rounds: Sequence[int], seed: int
) -> Scores:
    model = catboost.CatBoostClassifier(
        iterations=max(rounds),
        random_seed=seed,
        thread_count=CORES,
        verbose=False,
        allow_writing_files=False,
        **configuration,
    )
    model.fit(train.matrix, train.redeemed)
    return {n: model.predict_proba(judged.matrix, ntree_end=n)[:, 1] for n in rounds}


# Networks

Build = Callable[..., keras.Model]
Add = Callable[[pd.DataFrame], Arrays]


def by_epochs(build: Build) -> Fit:
    """Fit a network, and score after epochs."""

    def fit_network(
        train: Data, judged: Data, configuration: Configuration, rounds: Sequence[int], seed: int
    ) -> Scores:
        return network_scores(build, nothing, train, judged, configuration, rounds, seed)[1]

    return fit_network


def nothing(offers: pd.DataFrame) -> Arrays:
    """No more arrays than those of the encoder."""
    return {}


def network_scores(
    build: Build,
    add: Add,
    train: Data,
    judged: Data,
    configuration: Configuration,
    rounds: Sequence[int],
    seed: int,
) -> tuple[keras.Model, Scores]:
    settings = dict(configuration)
    rate = settings.pop("learning_rate", 1e-3)
    keras.utils.set_random_seed(seed)
    model = build(train.encoder, **settings)
    inputs = {**judged.arrays, **add(judged.offers)}
    scores: Scores = {}
    arrays, labels = examples(train.offers, train.encoder)

    def score(epoch: int, logs: Any) -> None:
        if epoch + 1 in rounds:
            scores[epoch + 1] = probability(model, inputs)

    some = {name: array[:1000] for name, array in inputs.items()}
    none = {name: array[:1000] for name, array in labels.items()}
    fit(
        model,
        ({**arrays, **add(train.offers)}, labels),
        (some, none),  # nothing is decided by these
        epochs=max(rounds),
        patience=max(rounds),
        learning_rate=rate,
        seed=seed,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=score)],
    )
    return model, scores


def probability(model: keras.Model, arrays: Arrays) -> np.ndarray:
    inputs = {name: arrays[name] for name in model.input}
    found = model.predict(inputs, BATCH, verbose=0)["redeemed"]
    return np.asarray(found[:, 0], "float64")


def redemption(encoder: Encoder, inputs: dict[str, Any], parts: Sequence[Any]) -> keras.Model:
    """The sigmoid of a sum, which begins at the rate of the training offers."""
    logit = logit_layer(encoder.rates["redeemed"], "logit")(layers.Concatenate()(parts))
    return keras.Model(inputs, {"redeemed": layers.Activation("sigmoid", name="redeemed")(logit)})


def everything(ready: dict[str, Any]) -> keras.KerasTensor:
    return joined(ready, tuple(ready), "everything")


def plain(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    inputs, ready = encoded(encoder)
    return redemption(encoder, inputs, [network(everything(ready), units, dropout, "deep")])


def wide_and_deep(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    """The wide part has a weight for each pair of a user's and a coupon's category."""
    inputs, ready = encoded(encoder)
    crossed = ready["user_category"][:, :, None] * ready["coupon_category"][:, None, :]
    known = everything(ready)
    deep = network(known, units, dropout, "deep")
    return redemption(encoder, inputs, [known, layers.Flatten()(crossed), deep])


def deepfm(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    """A vector for each field; the inner products of all pairs, and a network that reads them."""
    inputs, ready = encoded(encoder)
    vectors = fields(encoder, inputs, ready, 8)
    square_of_sum = ops.square(ops.sum(vectors, axis=1))
    sum_of_squares = ops.sum(ops.square(vectors), axis=1)
    pairs = ops.sum(square_of_sum - sum_of_squares, axis=1, keepdims=True) / 2
    deep = network(layers.Flatten()(vectors), units, dropout, "deep")
    return redemption(encoder, inputs, [everything(ready), pairs, deep])


def fields(
    encoder: Encoder, inputs: dict[str, Any], ready: dict[str, Any], size: int
) -> keras.KerasTensor:
    """A vector for each field: of a category, or of a number, by which it is multiplied."""
    numbers = joined(ready, tuple(encoder.numbers), "numbers")
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


def dcn_v2(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    import keras_rs  # after Keras has been imported quietly

    inputs, ready = encoded(encoder)
    known = everything(ready)
    crossed = known
    for _ in range(2):
        cross = keras_rs.layers.FeatureCross(kernel_regularizer=keras.regularizers.L2(1e-3))
        crossed = cross(known, crossed)
    return redemption(encoder, inputs, [crossed, network(known, units, dropout, "deep")])


def two_tower(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    """What is known about the pair stands beside the product of the towers' vectors."""
    inputs, ready = encoded(encoder)
    sides = {
        "user_tower": joined(ready, ("user", "user_category"), "user_side"),
        "coupon_tower": joined(ready, ("item", "coupon", "coupon_category"), "coupon_side"),
    }
    vectors = [
        layers.Dense(units[-1])(network(side, units[:-1], dropout, name))
        for name, side in sides.items()
    ]
    return redemption(encoder, inputs, [layers.Multiply()(vectors), ready["match"]])


def esmm(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    """Two networks on one shared layer: a purchase, and a redemption given a purchase."""
    inputs, ready = encoded(encoder)
    shared = layers.Dense(units[0], "relu")(everything(ready))
    bought, redeemed = encoder.rates["bought"], encoder.rates["redeemed"]
    starts = {"buys": bought, "redeems": redeemed / bought}
    p = [
        ops.sigmoid(logit_layer(start, f"{name}_logit")(network(shared, units, dropout, name)))
        for name, start in starts.items()
    ]
    return keras.Model(inputs, {"bought": p[0], "redeemed": p[0] * p[1]})


def fit_set_transformer(
    train: Data, judged: Data, configuration: Configuration, rounds: Sequence[int], seed: int
) -> Scores:
    """Attention over the categories that the user bought before, asked by those of the coupon.

    Each category has a key and a value of its own, times how much of it the user bought.
    """
    baskets = Baskets.of(train.market)

    def build(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
        inputs, ready = encoded(encoder)
        rows = {
            name: keras.Input((1,), dtype="int32", name=name)
            for name in ("bought_row", "covered_row")
        }
        bought, covered = (
            layers.Embedding(*table.shape, weights=[table.to_numpy()], trainable=False)(row)
            for table, row in zip(baskets, rows.values(), strict=True)
        )
        heads, size, count = 2, 8, bought.shape[-1]
        asked = layers.Dense(heads * size)(layers.Flatten()(covered))
        query = layers.Reshape((heads, size))(layers.Dense(heads * size)(asked))
        asks_for = layers.EinsumDense("nhd,hdc->nhc", (heads, count))(query) * bought
        attended = ops.softmax(asks_for / size**0.5) * bought
        found = layers.EinsumDense("nhc,hcd->nhd", (heads, size))(attended)
        answer = layers.Dense(heads * size)(layers.Flatten()(found))
        pooled = layers.LayerNormalization()(asked + answer)
        deep = network(layers.Concatenate()([everything(ready), pooled]), units, dropout, "deep")
        return redemption(encoder, {**inputs, **rows}, [deep])

    return network_scores(build, baskets.rows, train, judged, configuration, rounds, seed)[1]


# Ours


def coupled(encoder: Encoder, units: Sequence[int], dropout: float) -> keras.Model:
    seed = int(keras.random.randint((), 0, 2**31 - 1))
    return coupled_model(encoder, "chain", "network", units, units, dropout, seed)


def with_direct_trees(build: Build, leaf: dict[str, Any] | None = None) -> Fit:
    """A network, and boosted trees beside it: the mean of both in log odds."""

    def fit_both(
        train: Data, judged: Data, configuration: Configuration, rounds: Sequence[int], seed: int
    ) -> Scores:
        settings = dict(configuration)
        grown = {"trees": settings.pop("trees"), "seed": seed, **(leaf or {})}
        of_network = network_scores(build, nothing, train, judged, settings, rounds, seed)[1]
        layer = boosted(train.encoder, train.arrays, train.redeemed, **grown)
        parts = np.array_split(judged.matrix, 1 + len(judged.matrix) // BATCH)
        direct = np.concatenate([np.asarray(layer(part))[:, 0] for part in parts])
        return {n: sigmoid((log_odds(p) + direct) / 2) for n, p in of_network.items()}

    return fit_both


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(z, -30, 30).astype("float64")))


def log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(np.asarray(p, "float64"), 1e-9, 1 - 1e-9)
    return np.log(p / (1 - p))


UNITS = [(8,), (16,), (16, 8), (32, 16), (64, 32), (128, 64), (256, 128)]
DROPOUT = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
NETWORK = {
    "units": UNITS,
    "dropout": DROPOUT,
    "learning_rate": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
}
LEAVES = {
    "num_leaves": [2, 3, 4, 7, 15, 31, 63],
    "min_data_in_leaf": [5, 10, 20, 50, 100, 200, 500],
    "learning_rate": [0.0125, 0.025, 0.05, 0.1, 0.2],
}
DEVIATIONS = [0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
EPOCHS, TREES = range(1, 9), (25, 50, 75, 100, 150, 200, 300, 400)
OURS, WITHOUT_CHAIN = "coupled model with trees", "plain network with trees"
TODAY, TODAY_WITHOUT_CHAIN = "default of today", "default of today without its chain"
BY_OFFERS = {"rows": 20, "evidence": 0.001}
"""What ours asked of a leaf when the contests were held; the default asks for evidence since."""
TREES_BESIDE = {"units": UNITS, "dropout": DROPOUT, "trees": [25, 50, 75, 100, 150, 200, 300]}

PEERS = {
    "count of past purchases": Peer(fit_count, seeds=1, ranks_only=True),
    "logistic regression": Peer(
        fit_logistic, {"C": [10**e for e in np.arange(-6, 1.5, 0.5)]}, seeds=1
    ),
    "hierarchical logistic": Peer(
        fit_hierarchical,
        {
            "features": [0.003, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32],
            "user": DEVIATIONS,
            "user_department": DEVIATIONS,
        },
        seeds=1,
    ),
    "LightGBM": Peer(by_lightgbm("binary"), LEAVES, TREES),
    "LambdaMART": Peer(by_lightgbm("lambdarank"), LEAVES, TREES, ranks_only=True),
    "XGBoost": Peer(
        fit_xgboost,
        {
            "max_depth": [1, 2, 3, 4, 5, 6, 8],
            "min_child_weight": [0.3, 1, 2, 5, 10, 20, 50],
            "learning_rate": [0.0125, 0.025, 0.05, 0.1, 0.2],
        },
        TREES,
    ),
    "CatBoost": Peer(
        fit_catboost,
        {
            "depth": [1, 2, 3, 4, 5, 6, 8],
            "l2_leaf_reg": [0.3, 1, 3, 10, 30, 100, 300],
            "learning_rate": [0.0125, 0.025, 0.05, 0.1, 0.2],
        },
        TREES,
    ),
    "Wide & Deep": Peer(by_epochs(wide_and_deep), NETWORK, EPOCHS),
    "DeepFM": Peer(by_epochs(deepfm), NETWORK, EPOCHS),
    "DCN-V2": Peer(by_epochs(dcn_v2), NETWORK, EPOCHS),
    "two-tower": Peer(by_epochs(two_tower), NETWORK, EPOCHS),
    "ESMM": Peer(by_epochs(esmm), NETWORK, EPOCHS),
    "set transformer": Peer(fit_set_transformer, NETWORK, EPOCHS),
    "coupled model, network": Peer(by_epochs(coupled), NETWORK, EPOCHS),
    WITHOUT_CHAIN: Peer(with_direct_trees(plain, BY_OFFERS), TREES_BESIDE, EPOCHS),
    OURS: Peer(with_direct_trees(coupled, BY_OFFERS), TREES_BESIDE, EPOCHS),
    TODAY_WITHOUT_CHAIN: Peer(with_direct_trees(plain), TREES_BESIDE, EPOCHS),
    TODAY: Peer(with_direct_trees(coupled), TREES_BESIDE, EPOCHS),
}
