"""What would change a prediction: not a feature, which nobody can move, but an event."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec.explain.credit import Score


def suppose(
    store: Any,
    score: Score,
    user_id: int | str,
    day: date,
    stories: Mapping[str, Sequence[Any]],
) -> pd.DataFrame:
    """Score a user's coupons as they are, and as if something more had happened.

    An event moves every feature that it touches, together, as a real one would. Nothing is kept:
    the store is as before.

    Parameters
    ----------
    store : FeatureStore
        Of chapter 16, with the features of all users.
    score : callable
        From arrays to one number an offer.
    user_id : int or str
        Whose coupons.
    day : datetime.date
        Today.
    stories : mapping of str to sequence of Event
        What might have happened by today, by a name for it. Events of that user only.

    Returns
    -------
    pandas.DataFrame
        One row a coupon, `campaign_id` and `coupon_id`, with its score `now` and one column a
        story; missing where the coupon is not offered any more, because it was redeemed.
    """
    scores_of: dict[str, pd.Series] = {}
    for name, events in {"now": (), **stories}.items():
        its = store.supposing(user_id, day, events) if events else store.offers(user_id, day)
        keys = pd.MultiIndex.from_arrays(
            [its.campaign_id, its.coupon_id], names=["campaign_id", "coupon_id"]
        )
        scores = np.asarray(score(its.arrays)) if len(keys) else np.empty(0)
        scores_of[name] = pd.Series(scores, keys)
    frame = pd.DataFrame(scores_of)
    return frame.loc[scores_of["now"].index].reset_index()
