"""The coupled model: a purchase model, a coupon model that reads it, and a coupling of the two."""

from collections.abc import Sequence

from coupon_rec._keras import keras, seeded
from coupon_rec.features import Encoder
from coupon_rec.models.couplings import Coupling
from coupon_rec.models.couplings import coupling as coupling_of
from coupon_rec.models.inputs import (
    OfferModel,
    Tensors,
    encoded,
    joined,
    logit_layer,
    network,
    offer_model,
    rates,
)
from coupon_rec.models.purchase import interest

layers = keras.layers


def coupled_model(
    encoder: Encoder,
    coupling: str | Coupling = "chain",
    purchase: str = "network",
    purchase_units: Sequence[int] = (64, 32),
    coupon_units: Sequence[int] = (64, 32),
    dropout: float = 0.3,
    seed: int = 0,
) -> OfferModel:
    r"""Build a coupled model of purchase and redemption, untrained.

    A purchase model reads the user and the items; a coupon network reads what the purchase model
    made of them, and everything known about the offer. A coupling makes one probability of their
    logits. By default it is the chain rule, p(a, r | u, i, c) = p(a | u, i) p(r | a, u, i, c).

    Parameters
    ----------
    encoder : coupon_rec.features.Encoder
        Fitted on the training offers; the model reads its arrays, and keeps it.
    coupling : str or Coupling
        The name of a coupling, or the layer, as `coupon_rec.models.coupling` builds it.
    purchase : str
        The kind of `coupon_rec.models.purchase_model`.
    purchase_units, coupon_units : sequence of int
        Hidden layers of the two networks.
    dropout : float
        Share of hidden units switched off in training, in [0, 1).
    seed : int
        Of the initial weights.

    Returns
    -------
    OfferModel
        From the named arrays to `{"bought": p(a), "redeemed": p(a, r)}`, each of shape (n, 1) and
        within [0, 1]. The logits of the two factors are the outputs of its layers `bought_logit`
        and `redeemed_if_bought_logit`.

    Raises
    ------
    ValueError
        If there is no such coupling or purchase model, or the coupling gives no probability.

    Notes
    -----
    Equation `eq-chain` of the book; Ma et al., *Entire Space Multi-Task Model*, SIGIR 2018.
    """
    with seeded(seed):
        couple = coupling_of(coupling, name="redeemed") if isinstance(coupling, str) else coupling
        if couple.name != "redeemed":  # by this name others find it in the model
            couple = type(couple).from_config({**couple.get_config(), "name": "redeemed"})
        inputs, ready = encoded(encoder)
        of_user = interest(purchase, ready, purchase_units, dropout)
        everything = joined(
            {"interest": of_user, **ready}, ("interest", *ready), "interest_and_coupon"
        )
        response = network(everything, coupon_units, dropout, "coupon")
        bought, given = rates(encoder)
        logits = [
            logit_layer(bought, "bought_logit")(of_user),
            logit_layer(given, "redeemed_if_bought_logit")(response),
        ]
        return coupled(encoder, inputs, logits, couple, "coupled_model")


def coupled(
    encoder: Encoder,
    inputs: Tensors,
    logits: list[keras.KerasTensor],
    couple: Coupling,
    name: str,
) -> OfferModel:
    """Make a model of the logits of a purchase and of a redemption if bought."""
    bought = layers.Activation("sigmoid", name="bought")(logits[0])
    outputs = {"bought": bought, "redeemed": couple(logits)}
    return offer_model(encoder, inputs, outputs, name)
