"""What happens to the offers that a policy sends: click-through and conversion, honestly named.

A policy says, of each offer in the log, how likely it would send it. Its *redemption rate* is the
share of the offers it sends that were redeemed: the click-through rate of this data, since users
answer a coupon in no other way than by redeeming it. Its *purchase rate* is the share of the
offers it sends after which the user bought an eligible item in the campaign: the conversion rate,
per offer sent. (Per redemption it would be 1: the label `bought` holds wherever `redeemed` does.)

Both are facts about offers that *were* sent, all of a user's list at once. They do not say

- what users would have done had they got only the policy's coupons: one of two coupons for the same
  thing may have taken the other's redemption;
- what the coupon caused: nobody in the log was kept without it, and a user who buys anyway counts;
- anything about offers that are not in the log. In campaigns of type A the log holds coupons that
  may never have been sent, which makes their redemption rate too low.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Unpack

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import (
    Floats,
    numbers,
    probabilities,
    require,
    require_one_order,
    require_present,
)
from coupon_rec.evaluation.arrays import Ints, checked
from coupon_rec.evaluation.bootstrap import (
    Resampling,
    at_thresholds,
    estimate,
    named_keys,
    weighted_ratio,
)
from coupon_rec.evaluation.intervals import check_clusters
from coupon_rec.evaluation.metrics import check_share, found_at_thresholds
from coupon_rec.evaluation.ranking import check_k, top_k
from coupon_rec.evaluation.slices import cut

RATES = {"redemption rate": "redeemed", "purchase rate": "bought"}


def top_offers(offers: pd.DataFrame, score: ArrayLike, k: int = 1) -> Floats:
    """Send each user of each campaign the k best-scored coupons.

    Parameters
    ----------
    offers
        n rows, with columns user_id and campaign_id.
    score
        Finite numbers, shape (n,); higher is sent first.
    k
        Coupons for a user in a campaign, 1 or more; all of them where there are fewer.

    Returns
    -------
    numpy.ndarray
        Chance that the policy sends each offer, shape (n,): 1 or 0, and between them for offers
        tied across the cut, of which it sends some at random.

    Raises
    ------
    ValueError
        If k is below 1, offers lack a column, or the scores do not fit them or are not finite.

    Examples
    --------
    >>> offers = pd.DataFrame({"user_id": [1, 1, 1, 2], "campaign_id": 5})
    >>> top_offers(offers, [0.3, 0.1, 0.3, 0.2]).tolist()
    [0.5, 0.0, 0.5, 1.0]
    """
    check_k(k)
    require_present(offers, ["user_id", "campaign_id"])
    require_one_order(offers=offers, score=score)
    group = offers.groupby(["user_id", "campaign_id"]).ngroup().to_numpy()
    return top_k(numbers("score", score, len(offers)), group, k)


def policy_rates(
    offers: pd.DataFrame,
    sent: ArrayLike,
    *,
    slices: Mapping[str, ArrayLike] | None = None,
    clusters: Sequence[str] = ("user_id",),
    **options: Unpack[Resampling],
) -> pd.DataFrame:
    """Redemption and purchase rate among the offers that a policy sends.

    Parameters
    ----------
    offers
        n offers of the log, with columns redeemed and bought (0 or 1) and the clusters, and
        campaign_type unless ``slices`` are given.
    sent
        Chance that the policy sends each of them, shape (n,), in [0, 1], such as from `top_offers`;
        or True and False.
    slices, clusters, **options
        As for `evaluate`: `confidence`, `replicates` and `seed`.

    Returns
    -------
    pandas.DataFrame
        Indexed by slice and rate ("redemption rate", "purchase rate"), with columns value, low and
        high (the interval) and sent (expected number of offers). A policy
        that sends nothing has rates of ``nan``.

    Raises
    ------
    ValueError
        If ``offers`` lacks a column or a value, or ``sent`` or a slice does not fit it.

    Notes
    -----
    sum(sent y) / sum(sent): a ratio, whose numerator and denominator are resampled together.

    Examples
    --------
    >>> offers = pd.DataFrame({"user_id": [1, 1, 2, 2], "campaign_type": "B"})
    >>> offers = offers.assign(redeemed=[0, 1, 0, 0], bought=[1, 1, 0, 1])
    >>> policy_rates(offers, sent=[0, 1, 1, 0]).loc["all"]
                     value  low  high  sent
    rate
    redemption rate    0.5  0.0   1.0   2.0
    purchase rate      0.5  0.0   1.0   2.0
    """
    parts = list(cut(offers, [*check_clusters(clusters), *RATES.values()], slices))
    for column in RATES.values():
        label = offers[column]
        require(f"offers[{column!r}]", label, label.isin([0, 1]).to_numpy(), "0 or 1")
    require_one_order(offers=offers, sent=sent)
    chance = probabilities("sent", sent, len(offers))
    tables = {}
    for name, of_slice, part in parts:
        sent_here = chance[of_slice]
        measure = partial(_rates, [sent_here * part[name] for name in RATES.values()], sent_here)
        keys = {column: part[column] for column in clusters}
        rates = estimate(keys, len(part), measure, **options).set_index(pd.Index(RATES))
        tables[name] = rates.assign(sent=sent_here.sum())
    return pd.concat(tables, names=["slice", "rate"])


def _rates(
    tops: Sequence[ArrayLike], bottom: ArrayLike, cluster: Ints, weights: Floats
) -> list[Floats]:
    return [weighted_ratio(top, bottom, cluster, weights) for top in tops]


def gains(
    y: ArrayLike,
    score: ArrayLike,
    users: ArrayLike,
    coupons: ArrayLike | None = None,
    *,
    shares: Sequence[float] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
    **options: Unpack[Resampling],
) -> pd.DataFrame:
    """Share of the redemptions found, by the share of offers sent, best first.

    Parameters
    ----------
    y, score
        As for `auc`, and so are the errors.
    users, coupons
        As for `total`.
    shares
        Of the offers, each in (0, 1].
    **options
        `confidence`, `replicates` and `seed`, as for `evaluate`.

    Returns
    -------
    pandas.DataFrame
        Indexed by share, with columns offers (how many are sent), found (share of redemptions, in
        [0, 1]), low and high (its interval), and lift (found / share, as in `lift`); divide
        low and high by the share for the interval of the lift.

    Notes
    -----
    Ties across a cut are found in proportion. The cut is a share of the resampled offers, so each
    resample has its own threshold.

    Examples
    --------
    >>> table = gains([1, 0, 0, 1], [0.9, 0.4, 0.3, 0.2], users=[1, 1, 2, 2], shares=[0.25, 1.0])
    >>> table[["offers", "found", "lift"]]
           offers  found  lift
    share
    0.25      1.0    0.5   2.0
    1.00      4.0    1.0   1.0
    """
    for share in shares:
        check_share(share)
    require_one_order(y=y, score=score, users=users, coupons=coupons)
    y, score, _ = checked(y, score)

    def measure(cluster: Ints, weights: Floats) -> Floats:
        return at_thresholds(
            y, score, cluster, weights, lambda hit, miss: found_at_thresholds(hit, miss, shares)
        )

    redeemed = estimate(named_keys(users, coupons), y.size, measure, **options)
    table = redeemed.rename(columns={"value": "found"}).set_index(pd.Index(shares, name="share"))
    table.insert(0, "offers", np.multiply(shares, y.size))
    return table.assign(lift=table["found"] / table.index)
