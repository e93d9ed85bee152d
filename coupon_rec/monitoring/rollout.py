"""A new bundle on trial: how large a canary has to be, and what a shadow can see."""

from statistics import NormalDist

import numpy as np
import pandas as pd

from coupon_rec.arguments import require_present
from coupon_rec.evaluation import from_sums
from coupon_rec.monitoring.outcomes import observed_expected
from coupon_rec.odds import logit
from coupon_rec.serving.events.decision_reader import Folders, read_decisions

KEY = ["user_id", "campaign_id", "coupon_id"]
FEWER = 0.8  # a canary's evidence is strongest where so many of its redemptions are left


def canary_size(
    rate: float,
    change: float,
    *,
    share: float = 0.5,
    design_effect: float = 1.0,
    false_alarms: float = 0.05,
    power: float = 0.8,
) -> int:
    r"""Compute how many offers a canary needs to find that redemptions fall or rise.

    Parameters
    ----------
    rate : float
        Share of offers that are redeemed, in (0, 1).
    change : float
        What should be found, relative to it: -0.2 for a fifth less.
    share : float
        Of all offers, those of the canary, in (0, 1).
    design_effect : float
        How many times larger the variance is than that of independent offers, above 0.
    false_alarms, power : float
        Chance of an alarm without a change, in this direction, and with it, in (0, 1).

    Returns
    -------
    int
        Offers of the canary; all offers are this over `share`.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Notes
    -----
    Equation `eq-canary`.

    Examples
    --------
    >>> canary_size(0.0026, -0.2)
    106753
    """
    changed = rate * (1 + change)
    named = {"rate": rate, "share": share, "false_alarms": false_alarms, "power": power}
    for name, value in {**named, "rate * (1 + change)": changed}.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} must be in (0, 1), not {value}")
    if change == 0 or not 0 < design_effect < np.inf:
        raise ValueError("change must not be 0, and design_effect above 0")
    normal = NormalDist()
    z = normal.inv_cdf(1 - false_alarms) + normal.inv_cdf(power)
    variance = changed * (1 - changed) + rate * (1 - rate) * share / (1 - share)
    return int(np.ceil(design_effect * variance * (z / (rate - changed)) ** 2))


def shadow(live: pd.DataFrame, candidate: pd.DataFrame) -> pd.Series:
    """Compare what two bundles say of the same offers; only the first was seen by users.

    Parameters
    ----------
    live, candidate : pandas.DataFrame
        `user_id`, `campaign_id`, `coupon_id`, `probability` and `value` of each offer, as
        `read_decisions` has them. An offer that was asked about twice counts as last answered: by
        `time`, where there is this column, or else in the order of the rows.

    Returns
    -------
    pandas.Series
        `offers` that both know, and the shares of each side's that the other lacks (`only_live`,
        `only_candidate`); `promised`, the candidate's expected redemptions over those of the live
        one; `apart`, the mean absolute difference of log odds; `other_best`, the share of users and
        campaigns for which another coupon, or none, has the largest value above 0.

    Raises
    ------
    ValueError
        If a column or a value is missing, or no offer is on both sides.
    """
    sides = []
    for called, side in {"live": live, "candidate": candidate}.items():
        require_present(side, [*KEY, "probability", "value"], f"{called} decisions")
        if "time" in side:
            side = side.sort_values("time", kind="stable")
        sides.append(side.drop_duplicates(KEY, keep="last").set_index(KEY))
    old, new = sides
    both = old.index.intersection(new.index)
    if both.empty:
        raise ValueError("no offer is on both sides: let both answer the same questions")
    p, q = (side.loc[both, "probability"].to_numpy() for side in (old, new))
    best = [_best(side.loc[both, "value"]) for side in (old, new)]
    return pd.Series(
        {
            "offers": len(both),
            "only_live": 1 - len(both) / len(old),
            "only_candidate": 1 - len(both) / len(new),
            "promised": q.sum() / p.sum(),
            "apart": float(np.abs(logit(q) - logit(p)).mean()),
            "other_best": float((best[0] != best[1]).mean()),
        }
    )


def _best(value: pd.Series) -> pd.Series:
    """The row of the largest value for each user and campaign; "none" if no value is above 0."""
    lists = value.groupby(level=["user_id", "campaign_id"], sort=True)
    return lists.idxmax().astype(object).where(lists.max() > 0, "none")


def trial_of(log: Folders, watched: pd.DataFrame, rate: float) -> dict[str, dict[str, float]]:
    """What the arms of the last trial say: a canary's, whose coupons users saw, or a shadow's."""
    trial = {}
    canary = _newest_bundle(watched[watched["arm"] == "canary"])
    while_on = watched["time"].between(canary["time"].min(), canary["time"].max())
    both = watched[while_on & ((watched["arm"] != "canary") | watched.index.isin(canary.index))]
    if both["arm"].nunique() > 1:
        trial["canary"] = canary_facts(both, rate)
    shadows = _newest_bundle(read_decisions(log, shadow=True))
    if len(shadows):
        sent = read_decisions(log)
        both = sent[sent["request_id"].isin(shadows["request_id"])]
        trial["shadow"] = {name: float(x) for name, x in shadow(both, shadows).round(4).items()}
    return trial


def _newest_bundle(decisions: pd.DataFrame) -> pd.DataFrame:
    """The decisions of the bundle that decided last."""
    if decisions.empty:
        return decisions
    newest = decisions.loc[decisions["time"].idxmax(), "bundle"]
    return decisions[decisions["bundle"] == newest]


def canary_facts(shown: pd.DataFrame, false_alarms: float) -> dict[str, float]:
    """How many of its coupons were redeemed; and how many times likelier that is with fewer."""
    used, canary = shown["age"].notna().to_numpy(), (shown["arm"] == "canary").to_numpy()
    facts = {"shown": float(canary.sum()), "redeemed": float(used[canary].sum())}
    rate = float(used[~canary].mean())
    if not 0 < rate < 1:
        return facts
    live, clump = shown[~canary], 1.0
    if live["probability"].sum() > 0:
        kept = observed_expected(
            used[~canary], live["probability"].to_numpy(), live["user_id"].to_numpy()
        )
        clump = max(1.0, round(float(kept["design_effect"]), 4))
    share = float(canary.mean())
    needed = canary_size(rate, FEWER - 1, share=share, design_effect=clump)
    likelier = facts["redeemed"] * np.log(FEWER) - used.sum() * np.log(1 - (1 - FEWER) * share)
    facts["evidence"] = round(float(likelier / clump), 4)
    facts["rings"] = round(float(-np.log(false_alarms)), 4)
    sums = {"used": used & canary, "shown": canary, "used live": used & ~canary, "live": ~canary}
    ratio = from_sums(
        pd.DataFrame(sums).astype(float),
        shown["user_id"].to_numpy(),
        lambda s: s["used"] / s["shown"] / (s["used live"] / s["live"]),
    )
    return {**facts, "needed": float(needed), **ratio.rename({"value": "ratio"}).round(4)}
