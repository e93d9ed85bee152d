r"""Couplings: layers that make one probability of the logits of a purchase and of a coupon.

Each is found by its name through `coupling`, and takes the two logits z1 and z2. Its `logit` gives
the log odds of its probability, of which nothing overflows and no gradient vanishes, however large
the logits are. With s the logistic function:

=========== ================================ =============================================
name        probability                      what it says
=========== ================================ =============================================
sum         s(z1) + s(z2)                    nothing: it exceeds 1 (kept as a warning)
mixture     w s(z1) + (1 - w) s(z2)          one of the two is right; w is learned
noisy_or    1 - (1 - s(z1)) (1 - s(z2))      either suffices
logit_sum   s(z1 + z2 - logit(prior))        two independent pieces of evidence
chain       s(z1) s(z2)                      both are needed, the second given the first
=========== ================================ =============================================

None of them personalizes by itself: where z2 sees only the coupon, all rank the coupons alike for
every user.
"""

import math
from typing import Any

from coupon_rec._keras import keras

ops = keras.ops
registered = keras.saving.register_keras_serializable("coupon_rec")

NOT_A_PROBABILITY = (
    "the sum of two probabilities ranges from 0 to 2: it is no probability, and no likelihood can "
    "be computed from it. It does not personalize either: the coupon with the highest sum is the "
    "same for every user. Use chain, logit_sum, mixture or noisy_or; Sum(improper=True) builds "
    "it all the same"
)


class Coupling(keras.layers.Layer):
    """A probability of two logits; a subclass says which by its `logit`."""

    def logit(self, purchase: Any, coupon: Any) -> Any:
        """Log-odds of the coupled probability.

        Parameters
        ----------
        purchase, coupon : tensor
            Logits z1 and z2, of shape (n, 1).

        Returns
        -------
        tensor
            Of shape (n, 1).
        """
        raise NotImplementedError

    def call(self, logits: list[Any]) -> Any:
        """Turn `[purchase, coupon]`, logits of shape (n, 1), into probabilities of that shape."""
        return keras.activations.sigmoid(self.logit(*logits))


@registered
class Sum(Coupling):
    """The sum of both probabilities, which is none: equation `eq-sum`.

    Parameters
    ----------
    improper : bool
        Whether you know that and want it all the same, to see it fail.

    Raises
    ------
    ValueError
        Unless `improper`.
    """

    def __init__(self, improper: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not improper:
            raise ValueError(NOT_A_PROBABILITY)
        self.improper = improper

    def call(self, logits: list[Any]) -> Any:
        """Turn `[purchase, coupon]`, logits of shape (n, 1), into numbers between 0 and 2."""
        return ops.sigmoid(logits[0]) + ops.sigmoid(logits[1])


@registered
class Mixture(Coupling):
    """A weighted mean of both probabilities, with a learned weight: equation `eq-mixture`."""

    def build(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Start from equal weights."""
        self.weight_logit = self.add_weight(shape=(1,), initializer="zeros", name="weight_logit")

    def logit(self, purchase: Any, coupon: Any) -> Any:
        """Log-odds of the weighted mean."""

        def log_mean(sign: int) -> Any:
            first = ops.log_sigmoid(self.weight_logit) + ops.log_sigmoid(sign * purchase)
            second = ops.log_sigmoid(-self.weight_logit) + ops.log_sigmoid(sign * coupon)
            terms = ops.concatenate([first, second], axis=-1)
            return ops.logsumexp(terms, axis=-1, keepdims=True)

        return log_mean(1) - log_mean(-1)


@registered
class NoisyOr(Coupling):
    """The probability that at least one of two independent causes works: `eq-noisy-or`."""

    def logit(self, purchase: Any, coupon: Any) -> Any:
        """Log-odds log(exp(z1) + exp(z2) + exp(z1 + z2))."""
        terms = ops.concatenate([purchase, coupon, purchase + coupon], axis=-1)
        return ops.logsumexp(terms, axis=-1, keepdims=True)


@registered
class LogitSum(Coupling):
    """Bayes' rule for two pieces of evidence, independent given the label: `eq-logit-sum`.

    Parameters
    ----------
    prior : float
        Share of positives, within (0, 1). Each logit holds it once, and their sum twice, so one
        is subtracted. At 0.5 nothing is; that is right where both logits are learned together,
        since their constants are free.

    Raises
    ------
    ValueError
        If the prior is not between 0 and 1.
    """

    def __init__(self, prior: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 < prior < 1:
            raise ValueError(f"the prior has to lie between 0 and 1, and is {prior}")
        self.prior = prior

    def logit(self, purchase: Any, coupon: Any) -> Any:
        """Log-odds z1 + z2 - logit(prior)."""
        return purchase + coupon - math.log(self.prior / (1 - self.prior))


@registered
class Chain(Coupling):
    """The product p(a) p(r | a): equation `eq-chain`."""

    def logit(self, purchase: Any, coupon: Any) -> Any:
        """Log-odds -log(exp(-z1) + exp(-z2) + exp(-z1 - z2))."""
        terms = ops.concatenate([-purchase, -coupon, -purchase - coupon], axis=-1)
        return -ops.logsumexp(terms, axis=-1, keepdims=True)


COUPLINGS: dict[str, type[Coupling]] = {
    "sum": Sum,
    "mixture": Mixture,
    "noisy_or": NoisyOr,
    "logit_sum": LogitSum,
    "chain": Chain,
}


def coupling(name: str, /, **options: Any) -> Coupling:
    """Build a coupling.

    Parameters
    ----------
    name : str
        One of `COUPLINGS`.
    **options
        Of the layer: `prior` of `logit_sum`, `improper` of `sum`, `name` of any.

    Raises
    ------
    ValueError
        If there is no such coupling, or it is the sum and not asked for as improper.
    """
    if name not in COUPLINGS:
        raise ValueError(f"no coupling is called {name!r}; there are {', '.join(COUPLINGS)}")
    return COUPLINGS[name](**options)
