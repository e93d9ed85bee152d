"""What happens to the offers that a policy sends: click-through and conversion, honestly named.

A policy says, of each offer in the log, how likely it would send it. Its *redemption rate* is the
share of the offers it sends that were redeemed: the click-through rate of this data, for to redeem
is the one act that a user answers a coupon with. Its *purchase rate* is the share of the offers it
sends after which the user bought an eligible item in the campaign: the conversion rate, per
offer sent. (Per redemption it would be 1: the label `bought` holds wherever `redeemed` does.)

Both are facts about offers that *were* sent, all of a user's list at once. They do not say

- what users would have done had they got only the policy's coupons: one of two coupons for the same
  thing may have taken the other's redemption;
- what the coupon caused: nobody in the log was kept without it, and a user who buys anyway counts;
- anything about offers that are not in the log. In campaigns of type A the log holds coupons that
  may never have been sent, which makes their redemption rate too low.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.evaluation.arrays import Floats, checked, codes, numbers, probabilities, require
from coupon_rec.evaluation.bootstrap import at_thresholds, interval, user_weights, weighted_ratio
from coupon_rec.evaluation.intervals import table
from coupon_rec.evaluation.metrics import check_share, found_at_thresholds
from coupon_rec.evaluation.ranking import check_k, top_k
from coupon_rec.evaluation.slices import cut, same_index

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
        If k is below 1 or the scores do not fit the offers or are not finite.
    """
    check_k(k)
    same_index("score", score, offers)
    group = offers.groupby(["user_id", "campaign_id"]).ngroup().to_numpy()
    return top_k(numbers("score", score, len(offers)), group, k)


def policy_rates(
    offers: pd.DataFrame,
    sent: ArrayLike,
    *,
    slices: Mapping[str, ArrayLike] | None = None,
    replicates: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Redemption and purchase rate among the offers that a policy sends.

    Parameters
    ----------
    offers
        n offers of the log, with columns user_id, campaign_type, redeemed and bought (0 or 1).
    sent
        Chance that the policy sends each of them, shape (n,), in [0, 1], such as from `top_offers`;
        or True and False.
    slices, replicates, seed
        As for `evaluate`.

    Returns
    -------
    pandas.DataFrame
        Indexed by slice and rate ("redemption rate", "purchase rate"), with columns value, low and
        high (95% interval, from the bootstrap over users) and sent (expected number of offers). A
        policy that sends nothing has rates of ``nan``.

    Raises
    ------
    ValueError
        If ``offers`` lacks a column or a value, or ``sent`` or a slice does not fit it.

    Notes
    -----
    sum(sent y) / sum(sent): a ratio, whose numerator and denominator are resampled together.
    """
    rows = {
        (name, rate): [values[0], *interval(values[1:]), size]
        for name, (size,), measured in _rates(offers, {"sent": sent}, slices, replicates, seed)
        for rate, (values,) in measured.items()
    }
    return table(rows, "rate", "value", "low", "high", "sent")


def compare_policies(
    offers: pd.DataFrame,
    sent_a: ArrayLike,
    sent_b: ArrayLike,
    *,
    slices: Mapping[str, ArrayLike] | None = None,
    replicates: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure by how much the rates of policy a differ from those of policy b.

    Parameters
    ----------
    sent_a, sent_b
        Chance that either policy sends each offer, shape (n,), in [0, 1].
    offers, slices, replicates, seed
        As for `policy_rates`, and so are the errors.

    Returns
    -------
    pandas.DataFrame
        Indexed by slice and rate, with columns a, b, difference (a - b), low and high (95% interval
        of the difference, paired: both meet the same resamples).
    """
    policies = {"sent_a": sent_a, "sent_b": sent_b}
    rows = {
        (name, rate): [a[0], b[0], a[0] - b[0], *interval((a - b)[1:])]
        for name, _, measured in _rates(offers, policies, slices, replicates, seed)
        for rate, (a, b) in measured.items()
    }
    return table(rows, "rate", "a", "b", "difference", "low", "high")


def gains(
    y: ArrayLike,
    score: ArrayLike,
    users: ArrayLike,
    *,
    shares: Sequence[float] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
    replicates: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of the redemptions found, by the share of offers sent, best first.

    Parameters
    ----------
    y, score
        As for `auc`, and so are the errors.
    users
        Whose offer it is, shape (n,).
    shares
        Of the offers, each in (0, 1].
    replicates, seed
        As for `evaluate`.

    Returns
    -------
    pandas.DataFrame
        Indexed by share, with columns offers (how many are sent), found (share of redemptions, in
        [0, 1]), low and high (its 95% interval), and lift (found / share, as in `lift`); divide
        low and high by the share for the interval of the lift.

    Notes
    -----
    Ties across a cut are found in proportion. The cut is a share of the resampled offers, so each
    resample has its own threshold.
    """
    for share in shares:
        check_share(share)
    y, score, _ = checked(y, score)
    user = codes("users", users, y.size)
    weights = user_weights(user.max(initial=0) + 1, replicates, seed)
    found = at_thresholds(
        y, score, user, weights, lambda hit, miss: found_at_thresholds(hit, miss, shares)
    )
    low, high = np.array([interval(column) for column in found[1:].T]).T
    index = pd.Index(shares, name="share")
    columns = {"offers": np.multiply(shares, y.size), "found": found[0], "low": low, "high": high}
    return pd.DataFrame(columns, index).assign(lift=found[0] / np.array(shares))


def _rates(
    offers: pd.DataFrame,
    policies: Mapping[str, ArrayLike],
    slices: Mapping[str, ArrayLike] | None,
    replicates: int,
    seed: int,
) -> Iterator[tuple[str, list[float], dict[str, list[Floats]]]]:
    """Yield each slice's name, how many offers each policy sends, and its rates by resample."""
    parts = list(cut(offers, ["user_id", "campaign_type", *RATES.values()], slices))
    for column in RATES.values():
        label = offers[column]
        require(f"offers[{column!r}]", label, label.isin([0, 1]).to_numpy(), "0 or 1")
    chances = []
    for name, sent in policies.items():
        same_index(name, sent, offers)
        chances.append(probabilities(name, sent, len(offers)))
    for name, rows, part in parts:
        user = codes("user_id", part["user_id"], len(part))
        weights = user_weights(user.max(initial=0) + 1, replicates, seed)
        sizes = [float(sent[rows].sum()) for sent in chances]
        yield (
            name,
            sizes,
            {
                rate: [
                    weighted_ratio(sent[rows] * part[column], sent[rows], user, weights)
                    for sent in chances
                ]
                for rate, column in RATES.items()
            },
        )
