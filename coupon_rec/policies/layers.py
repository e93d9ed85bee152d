"""The last hidden layer of a network as features of a belief: a bandit that has learned to see."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats
from coupon_rec.odds import sigmoid

ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "identity": lambda x: x,
        "logistic": lambda x: np.asarray(sigmoid(x)),
        "relu": lambda x: np.maximum(x, 0.0),
        "tanh": np.tanh,
    }
)


def last_layer(network: Any, features: ArrayLike) -> Floats:
    """What a fitted network makes of features in its last hidden layer, for a belief about it.

    The network has learned what matters, and the belief is about the weights of its last layer
    alone, which is linear: the neural last layer of Riquelme, Tucker and Snoek (2018). Once the
    network is fitted anew, a belief about its old layer means nothing: learn from all outcomes
    again.

    Parameters
    ----------
    network : sklearn.neural_network.MLPRegressor, MLPClassifier or keras.Sequential
        Fitted, with one hidden layer or more.
    features : array_like
        What the network reads, shape (n, d).

    Returns
    -------
    numpy.ndarray
        Ones and the outputs of the layer, shape (n, 1 + h): `BayesianLinear([s] * (1 + h))` takes
        them.

    Raises
    ------
    ValueError
        If the features do not have the columns that the network reads.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> x = np.linspace(-1, 1, 50)[:, None]
    >>> network = MLPRegressor(hidden_layer_sizes=(4,), random_state=0, max_iter=9, tol=1)
    >>> network = network.fit(x, x[:, 0] ** 2)
    >>> last_layer(network, x).shape
    (50, 5)
    """
    x = np.asarray(features, np.float64)
    columns = network.n_features_in_ if hasattr(network, "coefs_") else network.input_shape[-1]
    if x.ndim != 2 or x.shape[1] != columns:
        raise ValueError(f"the network reads {columns} columns, but features are {x.shape}")
    if hasattr(network, "coefs_"):
        for weights, bias in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
            x = ACTIVATIONS[network.activation](x @ weights + bias)
    else:
        for layer in network.layers[:-1]:
            x = layer(x)
    return np.column_stack([np.ones(len(x)), np.asarray(x, np.float64)])
