"""A simulated market in which some users were never mailed, and then are."""

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.ensemble import HistGradientBoostingClassifier

from coupon_rec.arguments import Floats, Mask
from coupon_rec.evaluation import Prior
from coupon_rec.odds import sigmoid
from coupon_rec.simulation import open_market, simulate

MAILED = 0.6
"""Chance of a member to be mailed in a campaign."""
FIRST = 9
"""The first campaign in which newcomers are mailed."""
LEARN_FROM = 5
"""The first campaign to learn from: by then, nearly every member has a history."""
SHOPPING = ["depth", "price", "cut", "trips", "lines", "of_type", "popularity"]
"""What is known of anyone who shops: the first three of the coupon, the rest as a rate."""
HABIT = ["rate", "mailed"]
"""What is known of those who were mailed: redemptions per purchase, and how many campaigns."""


def market_with_newcomers(
    seed: int = 0,
    users: int = 4000,
    campaigns: int = FIRST + 1,
    chosen: float = 0.0,
    mechanisms: str = "novelty",
) -> pd.DataFrame:
    """Mail members in each campaign, and newcomers from the ninth on, when all of them are.

    Parameters
    ----------
    seed, users, mechanisms
        As for `coupon_rec.simulation.open_market`.
    campaigns : int
        How many.
    chosen : float
        Who is a member: by chance (0), or rather those whose habit of redeeming is low (above 0),
        in log odds a deviation of the habit.

    Returns
    -------
    pandas.DataFrame
        One row an offer: `campaign_id`, `user_id`, `coupon_id`, `type`, `new` (of a newcomer),
        `SHOPPING`, `mailed` and `redemptions` and `purchases` (the user's under coupons, before
        this campaign), `bought`, `redeemed`, and the true `p_buy`, `p_redeem_if` and `true`.
    """
    state = open_market(users, campaigns=campaigns, seed=seed, mechanisms=mechanisms)
    member = _members(np.concatenate([c.people.habit for c in state.crowds]), seed, chosen)
    counts = pd.DataFrame(0.0, np.arange(1, users + 1), ["redemptions", "purchases", "mailed"])
    rows = []
    for campaign in range(1, campaigns + 1):
        offers = state.offers
        who = offers["user_id"].to_numpy() - 1
        mailing = np.where(member, MAILED, float(campaign == FIRST))
        mailing[~member & (campaign > FIRST)] = MAILED
        state = simulate(state, partial(_all_coupons, mailing[who]))
        made = state.history[-1]["candidates"].to_pandas()
        facts = offers.assign(
            lines=offers["lines"] / campaign,
            of_type=offers["bought"] / campaign,
            popularity=offers.groupby("coupon_id")["bought"].transform("mean") / campaign,
        )
        facts = facts[["campaign_id", "user_id", "coupon_id", "type", *SHOPPING]].assign(
            new=~member[who],
            bought=made["bought_with"].to_numpy(float),
            redeemed=made["redeemed_with"].to_numpy(float),
            p_buy=made["buy_with"].to_numpy(),
            p_redeem_if=made["redeem_given_buy"].to_numpy(),
        )
        sent = facts[made["offered"].to_numpy()].join(counts, on="user_id")
        rows.append(sent.assign(true=sent["p_buy"] * sent["p_redeem_if"]))
        came = sent.groupby("user_id")[["redeemed", "bought"]].sum().assign(mailed=1.0)
        came = came.rename(columns={"redeemed": "redemptions", "bought": "purchases"})
        counts = counts.add(came, fill_value=0)
    return pd.concat(rows, ignore_index=True)


def _all_coupons(mailing: Floats, offers: pd.DataFrame) -> pd.DataFrame:
    """Send all coupons of a campaign to each user whom it mails."""
    return pd.DataFrame({"mailing": mailing, "coupon": np.ones(len(offers))})


def past_of(offers: pd.DataFrame) -> pd.DataFrame:
    """What to learn from: offers to members with a history, before newcomers are mailed."""
    campaign = offers["campaign_id"]
    return offers[(campaign >= LEARN_FROM) & (campaign < FIRST) & (offers["mailed"] > 0)]


class Trees:
    """Small boosted trees for either factor. A missing number is a value of its own.

    Parameters
    ----------
    x : pandas.DataFrame
        What the model reads, n rows.
    y : array_like
        0 or 1, shape (n,).
    """

    def __init__(self, x: pd.DataFrame, y: ArrayLike) -> None:
        trees = HistGradientBoostingClassifier(
            max_iter=80, learning_rate=0.08, max_leaf_nodes=8, min_samples_leaf=50, random_state=0
        )
        self._trees = trees.fit(x, y)

    def __call__(self, x: pd.DataFrame) -> Floats:
        """Forecast: the probabilities of a 1, shape (n,)."""
        return np.asarray(self._trees.predict_proba(x[self._trees.feature_names_in_])[:, 1])


def habits(offers: pd.DataFrame) -> pd.DataFrame:
    """Read a history as many do: no purchase under a coupon counts as a rate of zero."""
    rate = offers["redemptions"] / offers["purchases"].clip(lower=1)
    return offers[SHOPPING].assign(rate=rate, mailed=offers["mailed"])


def user_prior(past: pd.DataFrame) -> Prior:
    """How redemptions per purchase differ between the users of some offers."""
    of_user = past.groupby("user_id")[["redeemed", "bought"]].sum()
    return Prior.fit(of_user["redeemed"], of_user["bought"], trials=True)


def _members(habit: Floats, seed: int, chosen: float) -> Mask:
    """Three users in five, by chance or rather those with a low habit."""
    deviations = (habit - habit.mean()) / habit.std()
    chance = sigmoid(0.4 - chosen * deviations)
    return np.asarray(np.random.default_rng(seed).random(habit.size) < chance)
