"""A report on a service's decision log: what its answers promised, and what was kept."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec.arguments import Floats
from coupon_rec.monitoring.alarms import Cusum
from coupon_rec.monitoring.drift import shift
from coupon_rec.monitoring.outcomes import observed_expected
from coupon_rec.monitoring.page import page
from coupon_rec.monitoring.rollout import KEY, trial_of
from coupon_rec.serving.events.decision_reader import (
    Folders,
    named,
    read_answers,
    read_decisions,
    read_outcomes,
)

QUIET_LOGS = 2000  # that set the thresholds
DIRECTIONS = {"fewer than promised": 0.5, "more than promised": 2.0}


@dataclass(frozen=True)
class Report:
    """What a decision log says.

    Attributes
    ----------
    first, until, last : str
        The first day, the first one that is watched, and the last that is known to be over: the
        one before the newest answer or event.
    horizon : int
        How many days are watched in all.
    rate : float
        Chance of a false alarm within them.
    alarms : tuple of str
        What rings; none if all is well.
    kept : dict of str to dict
        `observed_expected` of the reference and of what is watched, and of each bundle in it.
    scores : dict of str to float
        How far the probabilities of users' best coupons moved: as `shift` has it.
    trial : dict of str to dict
        Of the bundle that was last on trial. "canary": how many coupons it has `shown`, and how
        many are `needed` to find a fifth less redeemed (`canary_size`); its redemptions a coupon
        over those of the other arm in that time, `ratio` with `low` and `high`, for one look; and
        the `evidence` that they are fewer, which `rings` at a height that holds for all looks
        together. "shadow": as `shadow` has it.
    service : dict of str to float
        Shares of the watched answers: `nothing` (no coupon was chosen), `degraded`, `repeated`.
    days : dict of str to list
        For each watched day: `day`, `observed`, `expected`, and for each direction the evidence.
    thresholds : dict of str to float
        Where the evidence rings, for each direction.
    """

    first: str
    until: str
    last: str
    horizon: int
    rate: float
    alarms: tuple[str, ...]
    kept: dict[str, dict[str, float]]
    scores: dict[str, float]
    trial: dict[str, dict[str, float]]
    service: dict[str, float]
    days: dict[str, list[Any]]
    thresholds: dict[str, float]

    def write(self, stem: str | Path) -> tuple[Path, Path]:
        """Write STEM.html and STEM.json, each whole or not at all, and give their paths."""
        html, facts = Path(f"{stem}.html"), Path(f"{stem}.json")
        _write(html, page(self))
        _write(facts, json.dumps(asdict(self), indent=2) + "\n")
        return html, facts


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def monitor(
    log: Folders,
    *,
    until: str | None = None,
    horizon: int = 364,
    window: int = 28,
    rate: float = 0.05,
    seed: int = 0,
) -> Report:
    """Look at a service's decision log, once or every day.

    Parameters
    ----------
    log : str, pathlib.Path or sequence of these
        The folder that `python -m coupon_rec serve --decisions` names; of several replicas, all
        theirs, as they are at one time. What one of them was asked, and another was told, is
        joined.
    until : str, optional
        First day that is watched, such as "2024-06-01"; the days before it, in which all was well,
        are the reference. If left out, the reference is the log's first two windows. Name the same
        day in each look.
    horizon : int
        How many days are watched.
    window : int
        Days for which a coupon is followed after it was first shown.
    rate : float
        How likely a false alarm within the horizon may be, in either direction, in (0, 1).
    seed
        Of what chance does.

    Returns
    -------
    Report

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If the log holds no answer, or no redemption in a reference that is old enough; if the
        horizon is over; or if a number is outside its range.

    Notes
    -----
    A coupon counts from the day of the first answer that showed it to a user, and is redeemed if
    that happens on this day or within the window after it. Days are judged when they are over. The
    reference holds the coupons
    that were followed for a whole window before `until`. What should be known on a day follows from
    them; so does the level, and an alarm says that something changed, not that the model was right
    before.

    The thresholds follow from the reference alone, before anything is watched. So a look on each
    day rings on the day on which one look at the end would say that it rang, and `rate` holds for
    all looks together. That is so for as many redemptions a day as in the reference, for users who
    redeem in clumps as large as its design effect, and for a level that is known no better than the
    reference tells; with more redemptions a day, false alarms are more frequent.

    A canary rings beside that, with a chance of at most `rate` more, as long as its share of the
    users stays the same: its evidence is a likelihood ratio, which hardly ever grows large by
    chance, however often one looks.
    """
    if horizon < 1 or window < 1 or not 0 < rate < 1:
        raise ValueError(
            f"horizon and window must be 1 day or more, and rate in (0, 1), not {horizon}, "
            f"{window} and {rate}"
        )
    log = named(log)
    shown, answers, last = _shown(log, window)
    first = shown["day"].min()
    begin = pd.Timestamp(until) if until else first + pd.Timedelta(days=2 * window)
    begin = begin.normalize()
    reference, watched = shown[shown["day"] < begin], shown[shown["day"] >= begin]
    old = reference[reference["day"] <= begin - pd.Timedelta(days=window)]
    _require_judgeable(shown, begin, last, horizon, window)
    share_by_day = np.array([(old["age"].dropna() <= day).mean() for day in range(window)])
    then = _compared(old, np.ones(len(old)))
    age = np.clip((last - watched["day"]).dt.days.to_numpy(), 0, window - 1)
    share = share_by_day[age]
    clump = max(1.0, then["design_effect"])
    kept = {"reference": then, "watched": _compared(watched, share, clump)}
    for bundle, rows in watched.groupby("bundle").indices.items():
        kept[f"bundle {bundle}"] = _compared(watched.iloc[rows], share[rows], clump)
    observed, expected = _by_day(shown, share_by_day, begin, last)
    expected = expected * then["ratio"]
    past = (begin - first).days - window + 1
    by_chance = _quiet(then["observed"], past, horizon, clump, seed)
    days: dict[str, list[Any]] = {
        "day": [f"{day:%Y-%m-%d}" for day in pd.date_range(begin, last)],
        "observed": observed.tolist(),
        "expected": expected.round(4).tolist(),
    }
    thresholds, alarms = {}, []
    for name, ratio in DIRECTIONS.items():
        cusum = Cusum.tuned(*by_chance, ratio, rate / len(DIRECTIONS))
        days[name] = cusum.path(observed, expected).round(4).tolist()
        thresholds[name] = round(cusum.threshold, 4)
        rang = cusum.alarm(observed, expected)
        if rang is not None:
            alarms.append(f"{name}, rang on {days['day'][rang]}")
    trial = trial_of(log, watched, rate)
    canary = trial.get("canary", {})
    if canary.get("evidence", 0.0) >= canary.get("rings", np.inf):
        alarms.append("fewer coupons of the canary are redeemed than of the other arm")
    return Report(
        f"{first:%Y-%m-%d}",
        f"{begin:%Y-%m-%d}",
        f"{last:%Y-%m-%d}",
        horizon,
        rate,
        tuple(alarms),
        kept,
        _scores(reference, watched, seed),
        trial,
        _service(answers[answers["day"] >= begin]),
        days,
        thresholds,
    )


def _require_judgeable(
    shown: pd.DataFrame, begin: pd.Timestamp, last: pd.Timestamp, horizon: int, window: int
) -> None:
    """Raise a ValueError if a reference says nothing, or nothing is watched, or no longer."""
    old = shown[shown["day"] <= begin - pd.Timedelta(days=window)]
    if not (old["age"].notna().any() and old["probability"].sum() > 0):
        raise ValueError(
            f"no redemption in a reference that was followed for {window} days: the log begins on "
            f"{shown['day'].min():%Y-%m-%d} and is watched from {begin:%Y-%m-%d}; choose a later "
            "--until or a shorter --window"
        )
    if not (shown["day"] >= begin).any():
        raise ValueError(
            f"nothing was shown from {begin:%Y-%m-%d} on: the log ends on {last:%Y-%m-%d}; choose "
            "an earlier --until or a shorter --window"
        )
    if (last - begin).days >= horizon:
        raise ValueError(
            f"the {horizon} days from {begin:%Y-%m-%d} were over before {last:%Y-%m-%d}: choose a "
            "later --until, and with it a new reference, or a longer --horizon"
        )


def _shown(log: Folders, window: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Timestamp]:
    """Coupons when they were first shown to a user, with the age of their redemption; answers.

    And the last day that is over, up to which both are known.
    """
    decisions, answers, outcomes = read_decisions(log), read_answers(log), read_outcomes(log)
    if decisions.empty:
        raise ValueError("no answer is recorded in the log yet")
    newest = max(pd.to_datetime(table["time"]).max() for table in (answers, outcomes) if len(table))
    last = min(newest, pd.Timestamp.now()).normalize() - pd.Timedelta(days=1)
    for table in (decisions, answers):
        table["day"] = table["time"].dt.normalize()
    chosen = decisions.groupby("request_id")["chosen"].any()
    answers["chosen"] = answers["request_id"].map(chosen).fillna(False).astype(bool)
    decisions[KEY] = decisions[KEY].astype(str)
    shown = decisions[decisions["chosen"] & (decisions["day"] <= last)]
    if shown.empty:
        raise ValueError(f"no coupon was chosen on a day that is over, {last:%Y-%m-%d} or before")
    shown = shown.sort_values("time", kind="stable").drop_duplicates(KEY, ignore_index=True)
    shown["age"] = _ages(shown, outcomes, window, last)
    return shown, answers[answers["day"] <= last], last


def _ages(
    shown: pd.DataFrame, outcomes: pd.DataFrame, window: int, last: pd.Timestamp
) -> "pd.Series[float]":
    """Days from the first showing to the first redemption since, within the window; or NaN."""
    if outcomes.empty:
        return pd.Series(np.nan, shown.index)
    used = outcomes.loc[outcomes["kind"] == "redemption", [*KEY, "time"]]
    used = used.assign(used=pd.to_datetime(used["time"]).dt.normalize(), **used[KEY].astype(str))
    met = shown[[*KEY, "day"]].reset_index().merge(used[used["used"] <= last], on=KEY)
    age = (met["used"] - met["day"]).dt.days
    age = age[(age >= 0) & (age < window)]
    return age.groupby(met["index"]).min().reindex(shown.index).astype(float)


def _quiet(
    redeemed: float, past: int, horizon: int, clump: float, seed: int
) -> tuple[Floats, Floats]:
    """Draw logs in which nothing changes, and what a reference that chance drew expects of them."""
    rng = np.random.default_rng(seed)
    level = clump * rng.poisson(redeemed / clump, (QUIET_LOGS, 1)) / redeemed
    a_day = redeemed / past
    expected = np.broadcast_to(level * a_day, (QUIET_LOGS, horizon))
    return np.asarray(clump * rng.poisson(a_day / clump, expected.shape)), expected


def _compared(shown: pd.DataFrame, share: Floats, clump: float = 1.0) -> dict[str, float]:
    """Observed over expected of shown coupons, of which a share should be known each."""
    p = shown["probability"].to_numpy(np.float64) * share
    if not p.sum() > 0:
        return {"observed": float(shown["age"].notna().sum()), "expected": 0.0}
    used = shown["age"].notna().to_numpy(np.float64)
    comparison = observed_expected(used, p, shown["user_id"], design_effect=clump)
    return {name: float(value) for name, value in comparison.round(4).items()}


def _by_day(
    shown: pd.DataFrame, share_by_day: Floats, begin: pd.Timestamp, last: pd.Timestamp
) -> tuple[Floats, Floats]:
    """Redemptions on each watched day of the coupons shown from `begin` on, and the promise."""
    watched = shown[shown["day"] >= begin]
    days = (last - begin).days + 1
    start = (watched["day"] - begin).dt.days.to_numpy()
    promised = np.bincount(start, watched["probability"], minlength=days)
    expected = np.convolve(promised, np.diff(share_by_day, prepend=0.0))[:days]
    used = watched["age"].notna().to_numpy()
    when = start[used] + watched["age"].to_numpy(np.float64)[used].astype(int)
    return np.bincount(when[when < days], minlength=days).astype(np.float64), expected


def _scores(reference: pd.DataFrame, watched: pd.DataFrame, seed: int) -> dict[str, float]:
    """How far the probabilities of what users were shown moved."""
    if min(reference["user_id"].nunique(), watched["user_id"].nunique()) < 2:
        return {}
    row = shift(reference, watched, ["probability"], seed=seed).iloc[0]
    return {name: float(value) for name, value in row.round(4).items()}


def _service(answers: pd.DataFrame) -> dict[str, float]:
    """Shares of answers that chose nothing, were degraded, or were given before."""
    if answers.empty:
        return {}
    shares = {
        "nothing": 1 - answers["chosen"].mean(),
        "degraded": answers["degraded"].mean(),
        "repeated": answers["cached"].mean(),
    }
    return {name: round(float(share), 4) for name, share in shares.items()}
