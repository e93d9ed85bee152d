"""Who was in the training data? An attack that asks the model."""

import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import require_present
from coupon_rec.evaluation import evaluate


def membership(
    offers: pd.DataFrame, p: ArrayLike, *, member: str = "member", replicates: int = 500
) -> pd.Series:
    """AUC with which a model's promise tells members from others, with its interval by user.

    The attacker knows that an offer was redeemed, and guesses that the model has learned from it
    where the model finds that likely. 0.5 is a coin, 1 is certainty.

    Parameters
    ----------
    offers : pandas.DataFrame
        Redeemed offers: user_id, campaign_id, and whether the model learned from them (0 or 1).
    p : array_like
        What the model says of each, shape (n,).
    member : str
        The column with the truth.
    replicates : int
        Of the bootstrap over users.

    Returns
    -------
    pandas.Series
        value, low and high.

    Raises
    ------
    ValueError
        If a column or a value is missing, or all offers are members, or none is.

    Examples
    --------
    >>> offers = pd.DataFrame({"user_id": range(4), "campaign_id": 1, "member": [1, 1, 0, 0]})
    >>> float(membership(offers, [0.9, 0.6, 0.7, 0.1])["value"])
    0.75

    Notes
    -----
    The simplest attack of Yeom and others (2018), a threshold on the loss.
    """
    require_present(offers, ["user_id", "campaign_id", member])
    if offers[member].nunique() != 2:
        raise ValueError(f"offers[{member!r}] must have members (1) and others (0)")
    every = {"all": pd.Series(True, offers.index).to_numpy()}
    options = {"metrics": ["AUC"], "slices": every, "probability": False}
    scores = evaluate(offers, p, label=member, replicates=replicates, **options)  # type: ignore[arg-type]
    return scores.loc[("all", "AUC"), ["value", "low", "high"]].rename("membership AUC")
