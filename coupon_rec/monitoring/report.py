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
from coupon_rec.serving.events.decision_reader import read_decisions, read_outcomes

KEY = ["user_id", "campaign_id", "coupon_id"]
DIRECTIONS = {"fewer than promised": 0.5, "more than promised": 2.0}


@dataclass(frozen=True)
class Report:
    """What a decision log says.

    Attributes
    ----------
    first, until, last : str
        The first day, the first one that is watched, and the last.
    alarms : tuple of str
        What rings; none if all is well.
    kept : dict of str to dict
        `observed_expected` of the reference and of what is watched, and of each bundle in it.
    scores : dict of str to float
        How far the probabilities of users' best coupons moved: as `shift` has it.
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
    alarms: tuple[str, ...]
    kept: dict[str, dict[str, float]]
    scores: dict[str, float]
    service: dict[str, float]
    days: dict[str, list[Any]]
    thresholds: dict[str, float]

    def write(self, stem: str | Path) -> tuple[Path, Path]:
        """Write STEM.html and STEM.json, each whole or not at all, and give their paths."""
        from coupon_rec.monitoring.page import page

        texts = {".html": page(self), ".json": json.dumps(asdict(self), indent=2) + "\n"}
        paths = []
        for ending, text in texts.items():
            path = Path(f"{stem}{ending}")
            draft = path.with_name(f".{path.name}")
            draft.write_text(text, encoding="utf-8")
            paths.append(draft.replace(path))
        return paths[0], paths[1]


def monitor(
    log: str | Path,
    *,
    until: str | None = None,
    window: int = 28,
    rate: float = 0.05,
    seed: int = 0,
) -> Report:
    """Look at a service's decision log.

    Parameters
    ----------
    log : str or pathlib.Path
        The folder that `python -m coupon_rec serve --decisions` names.
    until : str, optional
        First day that is watched, such as "2024-06-01"; the days before it, in which all was well,
        are the reference. If left out, the first half of the days is.
    window : int
        Days for which a coupon is followed after it was first shown.
    rate : float
        Chance of a false alarm, in each direction, over the days that are watched.
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
        If the log holds no answer, or no redemption in a reference that is old enough.

    Notes
    -----
    A coupon counts from the first answer that showed it to a user. What should be known on a day
    follows from the reference's coupons that were followed for the whole window; its level too, so
    an alarm says that something changed, not that the model was right before. Under chance, users
    redeem in clumps as large as the design effect of the reference.
    """
    shown, answers = _shown(Path(log), window)
    first, last = shown["day"].min(), answers["day"].max()
    begin = pd.Timestamp(until) if until else first + (last - first) / 2
    begin = begin.normalize()
    reference, watched = shown[shown["day"] < begin], shown[shown["day"] >= begin]
    old = reference[reference["day"] <= last - pd.Timedelta(days=window)]
    if old["age"].notna().sum() == 0:
        raise ValueError(
            f"no redemption in a reference that was followed for {window} days: the log runs from "
            f"{first:%Y-%m-%d} to {last:%Y-%m-%d} and is watched from {begin:%Y-%m-%d}; choose a "
            "later --until or a shorter --window"
        )
    if watched.empty:
        raise ValueError(f"nothing was shown from {begin:%Y-%m-%d} on: choose an earlier --until")
    known = np.array([(old["age"].dropna() <= day).mean() for day in range(window)])
    then = _compared(old, np.ones(len(old)))
    age = np.clip((last - watched["day"]).dt.days.to_numpy(), 0, window - 1)
    share = known[age]
    kept = {"reference": then, "watched": _compared(watched, share)}
    for bundle, rows in watched.groupby("bundle").indices.items():
        kept[f"bundle {bundle}"] = _compared(watched.iloc[rows], share[rows])
    observed, expected = _by_day(shown, known, begin, last)
    expected = expected * then["ratio"]
    rng = np.random.default_rng(seed)
    clump = max(1.0, then["design_effect"])
    by_chance = clump * rng.poisson(expected / clump, (2000, len(expected)))
    days: dict[str, list[Any]] = {
        "day": [f"{day:%Y-%m-%d}" for day in pd.date_range(begin, last)],
        "observed": observed.tolist(),
        "expected": expected.round(4).tolist(),
    }
    thresholds, alarms = {}, []
    for name, ratio in DIRECTIONS.items():
        cusum = Cusum.tuned(by_chance, np.broadcast_to(expected, by_chance.shape), ratio, rate)
        days[name] = cusum.path(observed, expected).round(4).tolist()
        thresholds[name] = round(cusum.threshold, 4)
        rang = cusum.alarm(observed, expected)
        if rang is not None:
            alarms.append(f"{name} since {days['day'][rang]}")
    return Report(
        f"{first:%Y-%m-%d}",
        f"{begin:%Y-%m-%d}",
        f"{last:%Y-%m-%d}",
        tuple(alarms),
        kept,
        _scores(reference, watched, seed),
        _service(answers[answers["day"] >= begin]),
        days,
        thresholds,
    )


def _shown(log: Path, window: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Coupons when they were first shown to a user, with the age of their redemption; answers."""
    decisions = read_decisions(log)
    if decisions.empty:
        raise ValueError(f"{log}: no answer is recorded there yet")
    decisions["day"] = decisions["time"].dt.normalize()
    decisions[KEY] = decisions[KEY].astype(str)
    answers = decisions.groupby("request_id").agg(
        day=("day", "first"),
        chosen=("chosen", "any"),
        degraded=("degraded", "first"),
        cached=("cached", "first"),
    )
    shown = decisions[decisions["chosen"]].sort_values("time", kind="stable").drop_duplicates(KEY)
    outcomes = read_outcomes(log)
    used = pd.DataFrame(columns=[*KEY, "used"])
    if len(outcomes):
        outcomes = outcomes[outcomes["kind"] == "redemption"]
        used = outcomes.assign(used=outcomes["time"])[[*KEY, "used"]]
        used[KEY] = used[KEY].astype(str)
        used = used.sort_values("used").drop_duplicates(KEY)
    shown = shown.merge(used, on=KEY, how="left")
    when = pd.to_datetime(shown["used"])
    age = (when.dt.normalize() - shown["day"]).dt.days
    shown["age"] = age.where((when >= shown["time"]) & (age < window))
    return shown, answers


def _compared(shown: pd.DataFrame, known: Floats) -> dict[str, float]:
    """Observed over expected of shown coupons, of which a share should be known each."""
    p = shown["probability"].to_numpy(np.float64) * known
    if not p.sum() > 0:
        return {"observed": float(shown["age"].notna().sum()), "expected": 0.0}
    found = observed_expected(shown["age"].notna().to_numpy(np.float64), p, shown["user_id"])
    return {name: float(value) for name, value in found.round(4).items()}


def _by_day(
    shown: pd.DataFrame, known: Floats, begin: pd.Timestamp, last: pd.Timestamp
) -> tuple[Floats, Floats]:
    """Redemptions on each watched day of the coupons shown from `begin` on, and the promise."""
    watched = shown[shown["day"] >= begin]
    days = (last - begin).days + 1
    start = (watched["day"] - begin).dt.days.to_numpy()
    promised = np.bincount(start, watched["probability"], minlength=days)
    expected = np.convolve(promised, np.diff(known, prepend=0.0))[:days]
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
