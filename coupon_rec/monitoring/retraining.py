"""Whether a new bundle may take the place of the one in service."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec.arguments import require_columns, require_present
from coupon_rec.evaluation import compare, from_sums
from coupon_rec.serving.bundle.scorer import Scorer


@dataclass(frozen=True)
class Verdict:
    """What a comparison of two bundles says.

    Attributes
    ----------
    table : pandas.DataFrame
        Rows "log loss" and "calibration": the `fresh` bundle's, the `running` one's, their
        `difference`, `low` and `high`. Below 0, the fresh one is better. Calibration is the
        absolute logarithm of promised over kept redemptions: 0.1 is a promise of a tenth too many,
        or too few.
    reason : str
        Why it is refused; empty where it is not.
    """

    table: pd.DataFrame
    reason: str


def matured(offers: pd.DataFrame, last: pd.Timestamp) -> pd.DataFrame:
    """Keep the offers whose outcome is known: those of campaigns that were over on the last day.

    Parameters
    ----------
    offers : pandas.DataFrame
        With columns `start` and `coupon_days`.
    last : pandas.Timestamp
        The last day of which purchases and redemptions are known.

    Raises
    ------
    ValueError
        If a column is missing, or no campaign is over.

    Examples
    --------
    >>> start = pd.to_datetime(["2024-01-01", "2024-03-01"])
    >>> offers = pd.DataFrame({"start": start, "coupon_days": 28})
    >>> matured(offers, pd.Timestamp("2024-03-15")).index.to_list()
    [0]
    """
    require_columns(offers, ["start", "coupon_days"])
    end = pd.to_datetime(offers["start"]) + pd.to_timedelta(offers["coupon_days"] - 1, "D")
    over = offers[end <= last]
    if over.empty:
        raise ValueError(f"no campaign was over by {last:%Y-%m-%d}: there is no outcome to learn")
    return over


def compare_bundles(
    running: Scorer,
    fresh: Scorer,
    offers: pd.DataFrame,
    *,
    tolerance: float = 0.02,
    confidence: float = 0.95,
    replicates: int = 500,
    seed: int = 0,
) -> Verdict:
    """Compare a new bundle with the one in service, on offers whose outcome is known.

    The new one is refused if it is worse, or may be by more than is tolerated: if the interval of
    the difference in log loss lies above 0, or reaches above `tolerance` times the log loss of the
    running one, so too few outcomes refuse as well; and if its promises are further from what was
    kept, with an interval above 0. One without a model for a platform that the running one has is
    refused as well.

    Parameters
    ----------
    running, fresh : Scorer
        Of the bundles.
    offers : pandas.DataFrame
        n rows of the offers table with `redeemed`, which the fresh bundle was not trained on.
    tolerance : float
        By how much the log loss might be worse, for all the outcomes say, relative to that of the
        running one; 0 or more.
    confidence, replicates, seed
        Of the intervals, paired, from the bootstrap over users: see `coupon_rec.evaluation`.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        If the offers lack a column, or nothing was redeemed.
    """
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"tolerance must be 0 or more, such as 0.02, not {tolerance}")
    require_present(offers, ["user_id", "redeemed"])
    if not offers["redeemed"].any():
        raise ValueError("nothing was redeemed in these offers: they cannot tell bundles apart")
    p, q = (each.predict(each.encoder.encode(offers))["redeemed"] for each in (fresh, running))
    how: dict[str, Any] = {"confidence": confidence, "replicates": replicates, "seed": seed}
    everything = {"all": np.ones(len(offers), bool)}
    loss = compare(offers, p, q, metrics=["log loss"], slices=everything, **how).iloc[0]
    sums = pd.DataFrame({"p": p, "q": q, "redeemed": offers["redeemed"].to_numpy(np.float64)})

    def away(column: str, sums: pd.DataFrame) -> pd.Series:
        with np.errstate(divide="ignore"):
            return np.abs(np.log(sums[column] / sums["redeemed"]))

    gap = from_sums(
        sums, offers["user_id"].to_numpy(), lambda s: away("p", s) - away("q", s), **how
    )
    whole = sums.sum().to_frame().T
    table = pd.DataFrame(
        {
            "fresh": [loss["a"], away("p", whole).iloc[0]],
            "running": [loss["b"], away("q", whole).iloc[0]],
            "difference": [loss["difference"], gap["value"]],
            "low": [loss["low"], gap["low"]],
            "high": [loss["high"], gap["high"]],
        },
        index=["log loss", "calibration"],
    )
    if lost := sorted(running.platforms.keys() - fresh.platforms.keys()):
        return Verdict(table, f"the new bundle has no model for {', '.join(lost)}: adapt one")
    return Verdict(table, _reason(table, tolerance))


def _reason(table: pd.DataFrame, tolerance: float) -> str:
    loss, calibration = table.loc["log loss"], table.loc["calibration"]
    low, high = (loss[["low", "high"]] / loss["running"]).to_numpy()
    differs = f"its log loss differs by {low:+.1%} to {high:+.1%}"
    if low > 0:
        return f"the new bundle is worse: {differs}"
    if not high <= tolerance:
        return f"the new bundle may be worse: {differs}, and {tolerance:+.1%} is tolerated"
    if calibration["low"] > 0:
        return (
            "the new bundle is worse: its promises are off by "
            f"{np.expm1(calibration['fresh']):.0%}, those of the running one by "
            f"{np.expm1(calibration['running']):.0%}"
        )
    return ""
