"""The model card and the data card of a bundle, with measured figures."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.evaluation import evaluate, usual_slices
from coupon_rec.features import CATEGORIES, FEATURES, LABELS

METRICS = ("log loss", "AUC", "average precision", "NDCG@10", "calibration slope")


def model_card(
    offers: pd.DataFrame, redeemed: NDArray[np.float64], facts: dict[str, object]
) -> str:
    """Write what the model is, how good it is and what it must not be used for, as Markdown.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows of the offers table, with their labels, that the model was not trained on.
    redeemed : numpy.ndarray
        Shape (n,): the probabilities that the bundle gives for them.
    facts : dict
        Lines about the model: what, and its value.
    """
    slices = {name: rows for name, rows in usual_slices(offers).items() if rows.any()}
    scores = evaluate(offers, redeemed, metrics=METRICS, slices=slices)
    return f"""# Model card

The coupled model gives, for an offer of coupon c to user u, the probability p(a) that the user
buys an item of the coupon while it is valid, and p(a, r) that the user redeems it.

{_table(pd.DataFrame(facts.items(), columns=["what", "value"]))}

## Use

It ranks and prices the coupons of one retailer for users whose purchases it has seen, with
features known strictly before the campaign starts. A probability of redemption is not the effect
of a coupon: whether the user would have bought without it is an assumption of the decision, not a
finding of this model. Do not use it to set prices, to grant credit, or to infer who a user is.

## Measured

On {len(offers):,} offers of campaigns that started from {offers["start"].min():%Y-%m-%d} to
{offers["start"].max():%Y-%m-%d}, which the model was not trained on (training stopped by campaigns
like these, and the calibration may have been fitted on them). Intervals: 95%, from a bootstrap
over users.

{_table(scores.reset_index().round(4))}
"""


def data_card(offers: pd.DataFrame) -> str:
    """Write what the offers hold: how many, when, of whom, and the range of every feature.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows of the offers table, with their labels.
    """
    users = offers.drop_duplicates("user_id")
    counts = {
        "offers": len(offers),
        **{f"{name}s": offers[f"{name}_id"].nunique() for name in ("campaign", "user", "coupon")},
        "first campaign starts": f"{offers['start'].min():%Y-%m-%d}",
        "last campaign starts": f"{offers['start'].max():%Y-%m-%d}",
        **{f"share {label}": f"{offers[label].mean():.4f}" for label in LABELS},
        **{
            f"users of unknown {name}": f"{(users[name] == 'unknown').mean():.0%}"
            for name in CATEGORIES["user_category"]
        },
    }
    names = [feature.name for feature in FEATURES]
    spread = offers[names].quantile([0, 0.5, 1]).T.set_axis(["lowest", "median", "highest"], axis=1)
    spread["nothing known"] = [
        f"{(offers[feature.name] == feature.missing).mean():.0%} at {feature.missing:g}"
        for feature in FEATURES
    ]
    return f"""# Data card

The offers on which the bundle was measured. An offer pairs a user who was mailed a campaign with a
coupon of it; in campaigns of type A each user got only some of the coupons, and the data does not
say which. Features are known strictly before the campaign starts; their last column counts offers
with the value that stands for "nothing known", which may also be a true zero.

{_table(pd.DataFrame(counts.items(), columns=["what", "value"]))}

{_table(spread.round(4).reset_index(names="feature"))}
"""


def _table(frame: pd.DataFrame) -> str:
    rows = [list(frame.columns), ["---"] * frame.shape[1], *frame.itertuples(index=False)]
    words = [[f"{v:g}" if isinstance(v, float) else str(v) for v in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in words)
