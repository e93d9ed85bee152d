"""What another policy would have earned, from the decisions that a service recorded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.arguments import require_columns
from coupon_rec.decisions import Economics
from coupon_rec.evaluation import group_gap, group_means
from coupon_rec.market.tables import OFFER
from coupon_rec.policies import off_policy_value
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.decision_reader import Folders, read_decisions, read_outcomes
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.events.identifiers import UNKNOWN
from coupon_rec.serving.recommender import Question, Recommender

POLICIES = ("logged", "greedy", "likeliest", "nobody")
ROWS = "rows of the log"
BATCH = 64
"""Questions that a bundle is asked at a time."""


def read_rewards(
    folder: Folders, *, contact: float = Economics.contact, within: int | None = None
) -> pd.DataFrame:
    """Read the decisions of a log, and what each coupon that was sent brought.

    A redemption is put down to the last answer before it that held the coupon for that user; one
    without such an answer is nobody's.

    Parameters
    ----------
    folder : str, pathlib.Path or sequence of these
        Of a `DecisionLog`, or those of several replicas, as for `read_decisions`.
    contact : float
        Cost of sending a coupon, in currency, as the service was told.
    within : int, optional
        Days after an answer in which a redemption counts; answers that are not as old when the
        log ends are left out. By default, all redemptions count, and no answer is left out.

    Returns
    -------
    pandas.DataFrame
        The rows of `read_decisions`, with `redeemed` (True or False) and `reward`: the profit, in
        currency, that the model expects of a redemption, if there was one, less `contact`; missing
        where the coupon was not sent.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it holds no answer that is old enough.

    Notes
    -----
    value = p gain - contact, equation `eq-offer-value`, so gain = (value + contact) / p.
    """
    log, outcomes = read_decisions(folder).reset_index(drop=True), read_outcomes(folder)
    used = outcomes[outcomes["kind"] == "redemption"] if len(outcomes) else outcomes
    log["redeemed"] = False
    if len(used) and len(log):
        sent = log.loc[log["chosen"], ["time", *OFFER]].reset_index(names="row")
        matched = pd.merge_asof(
            _keyed(used).drop_duplicates([*OFFER]),
            _keyed(sent),
            on="time",
            by=[*OFFER],
            tolerance=None if within is None else pd.Timedelta(days=within),
        )
        log.loc[matched["row"].dropna().astype(int), "redeemed"] = True
    if within is not None and len(log):  # only now: a young answer may have what was redeemed
        end = max(frame["time"].max() for frame in (log, outcomes) if len(frame))
        log = log[log["time"] <= end - pd.Timedelta(days=within)].reset_index(drop=True)
    if log.empty:
        raise ValueError("the log holds no answer with candidates that is old enough to judge")
    p, value = (log[name].to_numpy("float64") for name in ("probability", "value"))
    gain = np.divide(value + contact, p, out=np.zeros(len(p)), where=p > 0)
    return log.assign(reward=np.where(log["chosen"], log["redeemed"] * gain - contact, np.nan))


def explored(log: pd.DataFrame) -> pd.DataFrame:
    """Keep the answers that can judge other policies: those in which chance had a say.

    An answer that held every candidate for sure can, too.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    require_columns(log, ["request_id", "coupon_propensity"], ROWS)
    p = log["coupon_propensity"]
    chance = ((p > 0) & (p < 1)).groupby(log["request_id"]).transform("any")
    everything = (p == 1).groupby(log["request_id"]).transform("all")
    return log[chance | everything].reset_index(drop=True)


def probability(
    log: pd.DataFrame, policy: str | Path, economics: Economics | None = None
) -> NDArray[np.float64]:
    """With which probability a policy would have sent each row of a log.

    Parameters
    ----------
    log : pandas.DataFrame
        n rows, as of `read_rewards`.
    policy : str or pathlib.Path
        "logged", what the service did; "greedy", the most valuable coupons, as it would have
        without exploring; "likeliest", those with the largest probability; "nobody", no coupon;
        or a bundle's folder: what it would send from its own snapshot, as of each answer's day.
    economics : Economics, optional
        What a redemption is worth to a bundle; the defaults if left out.

    Returns
    -------
    numpy.ndarray
        Shape (n,), in [0, 1].

    Raises
    ------
    ValueError
        If a column is missing; if there is no such policy; or of a bundle, if the log has
        pseudonyms, begins before the bundle's snapshot, or lacks a candidate that the bundle would
        send.
    """
    of_answers = ["request_id", "time", "k", "platform"]
    columns = [*OFFER, *of_answers, "value", "probability", "coupon_propensity"]
    require_columns(log, columns, ROWS)
    if policy == "logged":
        return np.asarray(log["coupon_propensity"], "float64")
    if policy == "nobody":
        return np.zeros(len(log))
    if policy in ("greedy", "likeliest"):
        by = "value" if policy == "greedy" else "probability"
        allowed = log[log["value"] > 0] if policy == "greedy" else log
        order = allowed.sort_values(
            ["request_id", by, "coupon_id", "campaign_id"], ascending=[True, False, True, True]
        ).drop_duplicates(["request_id", "coupon_id"])
        first = order[order.groupby("request_id").cumcount() < order["k"]]
        return np.asarray(log.index.isin(first.index), "float64")
    if not Path(policy).is_dir():
        raise ValueError(
            f"no policy is named {str(policy)!r}: choose one of {', '.join(POLICIES)}, or name the "
            "folder of a bundle"
        )
    return _of_bundle(log, Path(policy), economics or Economics())


def _of_bundle(log: pd.DataFrame, folder: Path, economics: Economics) -> NDArray[np.float64]:
    """What a bundle would send, asked the questions of the log."""
    scorer = Scorer.load(folder)
    store = FeatureStore.load(folder / "snapshot", scorer.encoder)
    numbers = [store.identifiers.number("user_id", user) for user in log["user_id"].unique()]
    pseudonyms = log["user_id"].astype(str).str.fullmatch("[0-9a-f]{32}")
    if pseudonyms.all() and set(numbers) == {UNKNOWN}:
        raise ValueError("the log has pseudonyms: a bundle cannot be asked what these users get")
    recommender = Recommender(scorer, store, economics)
    asked = log.drop_duplicates("request_id")
    questions = [
        Question(user_id, time.date(), k, platform=platform or None)
        for user_id, time, k, platform in zip(
            *(asked[name] for name in ("user_id", "time", "k", "platform")), strict=True
        )
    ]
    replies = [
        reply
        for first in range(0, len(questions), BATCH)
        for reply in recommender(questions[first : first + BATCH])
        if not isinstance(reply, Exception)
    ]
    chosen = pd.DataFrame(
        [
            (request_id, choice.campaign_id, choice.coupon_id)
            for request_id, reply in zip(asked["request_id"], replies, strict=True)
            for choice in reply.choices
        ],
        columns=["request_id", "campaign_id", "coupon_id"],
    )
    return _chosen(log, chosen, str(folder))


def _chosen(log: pd.DataFrame, chosen: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """1 where a row of a log is among those that somebody would send, and 0 elsewhere."""
    rows = pd.MultiIndex.from_frame(log[chosen.columns.to_list()])
    wanted = pd.MultiIndex.from_frame(chosen)
    if len(strange := wanted.difference(rows)):
        raise ValueError(
            f"{name} would send {len(strange):,} coupons that are no candidates in the log, such "
            f"as {strange[0][2]} of campaign {strange[0][1]}: judge a bundle of the same campaigns"
        )
    return np.asarray(rows.isin(wanted), "float64")


def shadowed(log: pd.DataFrame, folder: Folders) -> NDArray[np.float64]:
    """Say what the shadow of a service would have sent of each row of its log.

    Parameters
    ----------
    log : pandas.DataFrame
        n rows, as of `read_rewards`.
    folder : str, pathlib.Path or sequence of these
        Of the same `DecisionLog`, or of the same replicas.

    Returns
    -------
    numpy.ndarray
        Shape (n,): 1 or 0, and NaN for the answers of which there is no shadow.

    Raises
    ------
    ValueError
        If a column is missing, there was no shadow at all, or the log lacks a candidate that it
        would have sent.
    """
    require_columns(log, ["request_id", "campaign_id", "coupon_id"], ROWS)
    shadows = read_decisions(folder, shadow=True)
    seen = log["request_id"].isin(shadows["request_id"]).to_numpy()
    if not seen.any():
        raise ValueError(
            "the log has no shadow of these answers: let a bundle be one (serve --trial)"
        )
    mine = shadows["chosen"] & shadows["request_id"].isin(log["request_id"])
    chosen = shadows.loc[mine, ["request_id", "campaign_id", "coupon_id"]]
    shadowed = _chosen(log, chosen, "the shadow")
    return np.where(seen, shadowed, np.nan)


def arms(log: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Compare what each arm of a canary earned while it was on trial.

    A hash drew its users, so no weights are needed. What live answered before the first answer of
    the canary, and after its last, is left out.

    Parameters
    ----------
    log : pandas.DataFrame
        As of `read_rewards`; of several trials, the days of one.
    confidence : float
        Of the intervals, in (0, 1), over users.

    Returns
    -------
    pandas.DataFrame
        Rows "live", "canary" and "canary less live": `value` in currency an answer, `low`, `high`;
        and the `answers` and `users`.

    Raises
    ------
    ValueError
        If a column is missing, or the log has no answer of a canary, or none of the other arm from
        its first to its last.
    """
    require_columns(log, ["request_id", "user_id", "time", "arm", "reward"], ROWS)
    trial = log.loc[log["arm"] == "canary", "time"]
    log = log[log["time"].between(trial.min(), trial.max())]
    if log["arm"].nunique() < 2:
        raise ValueError(
            "there is one arm alone: let a bundle answer some of the users (serve --trial --canary)"
        )
    answers = log.assign(reward=log["reward"].fillna(0.0)).groupby("request_id", sort=False)
    each = answers.agg(reward=("reward", "sum"), arm=("arm", "first"), user=("user_id", "first"))
    rewards = each["reward"], each["arm"], each["user"].astype(str)
    table = group_means(*rewards, confidence=confidence).rename(columns={"rows": "answers"})
    table.loc["canary less live"] = group_gap(
        *rewards, between=("canary", "live"), confidence=confidence
    )
    table = table.loc[["live", "canary", "canary less live"]]
    return table[["value", "low", "high", "answers", "users"]].astype(
        {"answers": "Int64", "users": "Int64"}
    )


def judge(
    log: pd.DataFrame,
    policy: NDArray[np.float64],
    against: NDArray[np.float64] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Value of a policy per answer, or how much that is more than another's.

    Parameters
    ----------
    log : pandas.DataFrame
        n rows, as of `read_rewards` and `explored`.
    policy, against : numpy.ndarray
        As `probability` gives them, shape (n,).
    **options
        For `coupon_rec.policies.off_policy_value`, such as `methods`. For "dr", what the model
        promised is the prediction.

    Returns
    -------
    pandas.DataFrame
        As of `off_policy_value`, and so are the errors.
    """
    require_columns(log, ["value"], ROWS)
    promised = log["value"].to_numpy("float64")
    return off_policy_value(log, policy, baseline=against, predicted=promised, **options)


def compare_policies(
    log: pd.DataFrame,
    policy: str,
    against: str,
    *,
    folder: Folders,
    economics: Economics | None = None,
    methods: Sequence[str] = ("ips", "snips", "dr"),
    confidence: float = 0.95,
    min_effective: float = 100.0,
) -> pd.DataFrame:
    """Value of two policies per answer, and how much more the first one earns.

    Parameters
    ----------
    log : pandas.DataFrame
        n rows, as of `read_rewards` and `explored`.
    policy, against : str
        As `probability` takes them, or "shadow", the bundle that was on trial.
    folder : str, pathlib.Path or sequence of these
        Of the `DecisionLog`, where a shadow is read.
    economics : Economics, optional
        As for `probability`.
    methods, confidence, min_effective
        As for `off_policy_value`.

    Returns
    -------
    pandas.DataFrame
        As of `judge`, indexed by policy and method.

    Raises
    ------
    ValueError
        If the log has no row, and as `probability`, `shadowed` and `judge`.
    """
    if log.empty:
        raise ValueError("nothing can be judged: let the service explore (serve --explore)")
    chances: dict[str, NDArray[np.float64]] = {}
    if "shadow" in (policy, against):
        shadow = shadowed(log, folder)
        seen = ~np.isnan(shadow)
        log, chances["shadow"] = log[seen].reset_index(drop=True), shadow[seen]
    for name in {policy, against} - {"shadow"}:
        chances[name] = probability(log, name, economics)
    compared = {policy: [policy], against: [against]}
    if policy != against:
        compared[f"{policy} less {against}"] = [policy, against]
    tables = {}
    for title, names in compared.items():
        # What was done needs no weights, and nothing sent has none: it earns 0.
        nothing = "nobody" in names
        plain = nothing or names == ["logged"]
        tables[title] = judge(
            log,
            *(chances[name] for name in names),
            methods=["ips"] if plain else methods,
            confidence=confidence,
            min_effective=0.0 if nothing else min_effective,
        )
    table = pd.concat(tables, names=["policy", "method"])
    return table.drop(columns="model_share", errors="ignore")


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort by time; identifiers as text, whatever they are in either table."""
    keys = frame[[*OFFER]].convert_dtypes().astype(str)  # with a missing one, numbers were decimals
    return frame.assign(**keys).sort_values("time", kind="stable")
