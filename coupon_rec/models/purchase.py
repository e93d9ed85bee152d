"""The purchase model p(a | u, i), in four kinds."""

from collections.abc import Sequence

from coupon_rec._keras import keras, seeded
from coupon_rec.features import Encoder
from coupon_rec.models.inputs import (
    VECTOR,
    OfferModel,
    Tensors,
    encoded,
    joined,
    logit_layer,
    network,
    offer_model,
)

layers = keras.layers

FEATURES = ("user", "item", "match", "user_category", "item_category", "match_category")
USER_INPUTS = ("user", "user_category", "user_id")
ITEM_INPUTS = ("item", "item_category", "item_id")
MATCH_INPUTS = ("match", "match_category")
KNOWN = (*FEATURES, "user_id", "item_id")
ADDITIVE = (*FEATURES, "user_id_bias", "item_id_bias")

KINDS = ("linear", "network", "two_tower", "matrix_factorization")


def purchase_model(
    encoder: Encoder,
    kind: str = "network",
    units: Sequence[int] = (64, 32),
    dropout: float = 0.3,
    seed: int = 0,
) -> OfferModel:
    r"""Build the purchase model p(a | u, i), untrained.

    ==================== =========================================================================
    kind                 logit: a weighted sum of
    ==================== =========================================================================
    linear               all that is known about the user and the items
    network              what hidden layers make of that
    two_tower            the products, coordinate by coordinate, of two vectors that two networks
                         make of the user and of the items; and what is known about the pair
    matrix_factorization the same products, of vectors that are looked up by id, or linear in the
                         features where there is no id; and what `linear` sums: the biases
    ==================== =========================================================================

    Parameters
    ----------
    encoder : coupon_rec.features.Encoder
        Fitted on the training offers; the model reads its arrays, but for those about the
        coupon, and keeps it.
    kind : str
        One of the four.
    units : sequence of int
        Hidden layers of `network`, and of each tower, where the last is the size of the vector.
    dropout : float
        Share of hidden units switched off in training, in [0, 1).
    seed : int
        Of the initial weights.

    Returns
    -------
    OfferModel
        From the named arrays to `{"bought": p}`, of shape (n, 1) and within [0, 1]. The logit is
        the output of its layer `bought_logit`.

    Raises
    ------
    ValueError
        If there is no such kind, or it needs a vector of a side about which there is no array.

    Notes
    -----
    Equation `eq-purchase` of the book; Koren et al., *Matrix Factorization Techniques for
    Recommender Systems*, Computer 2009; He et al., *Neural Collaborative Filtering*, WWW 2017.
    """
    encoder = encoder.only(*(name for name in KNOWN if name in encoder.arrays))
    with seeded(seed):
        inputs, ready = encoded(encoder)
        of_user = interest(kind, ready, units, dropout)
        logit = logit_layer(encoder.rates.get("bought"), "bought_logit")(of_user)
        outputs = {"bought": layers.Activation("sigmoid", name="bought")(logit)}
    return offer_model(encoder, inputs, outputs, f"{kind}_purchase_model")


def interest(kind: str, ready: Tensors, units: Sequence[int], dropout: float) -> keras.KerasTensor:
    """Build what a kind of purchase model makes of its inputs, up to the last weighted sum.

    Parameters
    ----------
    kind, units, dropout
        As in `purchase_model`.
    ready : dict of str to keras.KerasTensor
        From `coupon_rec.models.inputs.encoded`.
    """
    if kind not in KINDS:
        raise ValueError(f"no purchase model is called {kind!r}; there are {', '.join(KINDS)}")
    if kind == "linear":
        return joined(ready, ADDITIVE, "user_and_items")
    if kind == "network":
        return network(joined(ready, KNOWN, "user_and_items"), units, dropout, "purchase")

    def vector(names: Sequence[str], side: str) -> keras.KerasTensor:
        if kind == "matrix_factorization" and f"{side}_id" in ready:
            return ready[f"{side}_id"]
        if not set(names) & set(ready):
            raise ValueError(f"a vector of the {side} needs one of the arrays {', '.join(names)}")
        x = joined(ready, names, f"{side}_side")
        if kind == "matrix_factorization":
            return layers.Dense(VECTOR, use_bias=False, name=f"{side}_vector")(x)
        x = network(x, units[:-1], dropout, f"{side}_tower")
        return layers.Dense(units[-1], name=f"{side}_vector")(x)

    sides = [vector(USER_INPUTS, "user"), vector(ITEM_INPUTS, "item")]
    parts = {"product": layers.Multiply(name="product")(sides), **ready}
    if kind == "two_tower":
        return joined(parts, ("product", *MATCH_INPUTS), "product_and_match")
    return joined(parts, ("product", *ADDITIVE), "product_and_biases")
