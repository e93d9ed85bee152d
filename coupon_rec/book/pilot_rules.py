"""The rules that chapter 12 compares: whom each sends what, and what the log says of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from coupon_rec.book.pilot import CONTACT, DEPTHS, KNOWN, Pilot, best_choice, kept, of_oracle
from coupon_rec.decisions import Economics
from coupon_rec.effects import EffectLog, EffectModel, policy_value, qini, recalibrate
from coupon_rec.simulation.model import Floats, Ints

CHANCES = [f"p_{k}" for k in range(len(DEPTHS) + 1)]
MONEY = Economics(margin=1.0, retailer_match=1.0, contact=CONTACT)
"""Unit margins are known, so they stand where margin times spend does; the shop pays discounts."""
LEARNERS = ("s", "t", "x", "r", "dr")
EVERYONE, CUT = "half price for all", "redemption, cut"
"""The rules that need no model of an effect and promise nothing."""
FEW = 100
"""Of fewer chosen rows, what is kept of a promise says nothing."""


def counts() -> Any:
    """Expected units, as e to a weighted sum of what is known."""
    line = PoissonRegressor(alpha=1e-3, solver="newton-cholesky")
    return make_pipeline(StandardScaler(), line)


def crossed() -> Any:
    """The same with a product of every two columns, so that a coupon's effect can differ."""
    pairs = PolynomialFeatures(2, interaction_only=True, include_bias=False, order="F")
    return make_pipeline(
        StandardScaler(), pairs, PoissonRegressor(alpha=1e-2, solver="newton-cholesky")
    )


def curved() -> Any:
    """An effect, which may be negative, as a curved surface over what is known."""
    pairs = PolynomialFeatures(2, include_bias=False, order="F")
    return make_pipeline(StandardScaler(), pairs, StandardScaler(), Ridge(1000.0))


def effect_model(learner: Any) -> EffectModel:
    """The learner as the chapter uses it."""
    if learner == "s":
        return EffectModel(crossed(), "s")
    return EffectModel(counts(), learner, None if learner == "t" else curved())


def effect_log(rows: pd.DataFrame, outcome: str) -> EffectLog:
    """The rows of a pilot, or of the retailer's own campaign, with one of the outcomes."""
    return EffectLog(rows[outcome], rows["treatment"], rows["user_id"], rows[CHANCES])


def redemption(learn: pd.DataFrame, rows: pd.DataFrame) -> Floats:
    """Probability that each row redeems each coupon, if it is sent; shape (n, K)."""
    sent = learn[learn["treatment"] > 0]
    model = make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cholesky"))
    model.fit(sent[KNOWN].assign(depth=DEPTHS[sent["treatment"] - 1]), sent["redeemed"])
    asked = (rows[KNOWN].assign(depth=depth) for depth in DEPTHS)
    return np.column_stack([model.predict_proba(each)[:, 1] for each in asked])


def others(rows: pd.DataFrame, learn: Callable[[pd.DataFrame, pd.DataFrame], Floats]) -> Floats:
    """Predict each half of the users from the other half."""
    half = rows["user_id"].to_numpy() % 2 == 0
    values = learn(rows[half], rows)
    values[half] = learn(rows[~half], rows[half])
    return values


def face_values(learn: pd.DataFrame, rows: pd.DataFrame) -> Floats:
    """What a redemption of each coupon takes off, in dollars, on as many units as usual; (n, K)."""
    used = learn[learn["redeemed"] == 1]
    one = DEPTHS[used["treatment"] - 1] * used["shelf_price"]
    units = float(used["discount"].sum() / one.sum())
    return np.asarray(units * np.outer(rows["shelf_price"], DEPTHS))


def in_dollars(rows: pd.DataFrame, effect: Floats, p: Floats, face: Floats) -> Floats:
    """What sending each coupon adds to profit, equation `eq-offer-value`; shape (n, K).

    An effect beyond one unit counts as one unit, as `offer_value` asks.
    """
    return MONEY.profit(p, rows[["unit_margin"]].to_numpy(), face, effect.clip(-1, 1))


@dataclass(frozen=True)
class Rule:
    """What a rule promises for each coupon, in dollars less the cost of sending; shapes (n, K).

    `score` is what it would rank the rows of the log by, to send them the deepest coupon.
    """

    log: Floats
    coming: Floats
    score: Floats


def learned(pilot: Pilot, learner: Any) -> tuple[Floats, Floats]:
    """Effects on the units: of the log's rows, by other users' rows, and of the coming rows."""
    model, units = effect_model(learner), effect_log(pilot.log, "units")
    on_log = model.cross_predict(pilot.log[KNOWN], units)
    return on_log, model.fit(pilot.log[KNOWN], units).predict(pilot.coming[KNOWN])


def rules(
    pilot: Pilot, p: Floats, p_coming: Floats, effects: Mapping[str, tuple[Floats, Floats]]
) -> dict[str, Rule]:
    """The rules that promise something: two without a model of an effect, and those of `effects`.

    `p` and `p_coming` are the probabilities of `redemption`, `effects` what `learned` gave.
    """
    log, coming = pilot.log, pilot.coming
    face, face_coming = face_values(log, log), face_values(log, coming)

    def rule(effect: Floats, effect_coming: Floats, score: Floats) -> Rule:
        return Rule(
            in_dollars(log, effect, p, face),
            in_dollars(coming, effect_coming, p_coming, face_coming),
            score,
        )

    def response(learn: pd.DataFrame, rows: pd.DataFrame) -> Floats:
        none = learn[learn["treatment"] == 0]
        return np.outer(counts().fit(none[KNOWN], none["units"]).predict(rows[KNOWN]), DEPTHS)

    base, base_coming = others(log, response), response(log, coming)
    scaled = [rule(s * base, s * base_coming, base[:, -1]) for s in np.geomspace(0.1, 10, 15)]
    choices = {
        "redemption": rule(0.5 * p, 0.5 * p_coming, p[:, -1]),
        "response x depth": max(scaled, key=lambda one: worth(pilot, best_choice(one.log))),
    }
    for learner, (on_log, on_coming) in effects.items():
        choices[learner] = rule(on_log, on_coming, on_log[:, -1])
    return choices


def worth(pilot: Pilot, choice: Ints) -> float:
    """What a choice adds by the log, in dollars per row, less the cost of sending."""
    return float(policy_value(effect_log(pilot.log, "profit"), choice, CONTACT)["value"])


def cut(pilot: Pilot, p: Floats, p_coming: Floats) -> tuple[Ints, Ints]:
    """The deepest coupon for the likeliest to redeem it, as many as earn most by the log.

    Returns the choices for the rows of the log and for the coming ones; `p` and `p_coming` are
    probabilities as from `redemption`.
    """

    def first(p: Floats, share: float) -> Ints:
        place = np.argsort(np.argsort(-p[:, -1], kind="stable"))
        return np.where(place < share * len(p), len(DEPTHS), 0)

    best = max(np.linspace(0, 1, 11), key=lambda share: worth(pilot, first(p, share)))
    return first(p, best), first(p_coming, best)


def everyone(rows: pd.DataFrame) -> Ints:
    """The deepest coupon for every row."""
    return np.full(len(rows), len(DEPTHS))


def kept_part(pilot: Pilot, promise: Floats) -> pd.Series:
    """Kept over promised on the log, with its interval; ``nan`` of fewer than `FEW` chosen rows."""
    choice = best_choice(promise)
    if (choice > 0).sum() < FEW:
        return pd.Series({"value": np.nan, "low": np.nan, "high": np.nan})
    promised = promise.max(axis=1) + CONTACT
    return recalibrate(effect_log(pilot.log, "profit"), promised, choice)


def recalibrated(value: Floats, factor: pd.Series) -> Floats:
    """Promises times what is kept of them, or nothing where the log does not show that any is."""
    times = factor["value"] if factor["low"] > 0 else 0.0
    return np.asarray(times * (value + CONTACT) - CONTACT)


def study(pilot: Pilot, effects: Mapping[str, tuple[Floats, Floats]]) -> pd.DataFrame:
    """Judge the rules, without the truth on the log and by the truth in the coming campaign.

    Returns
    -------
    pandas.DataFrame
        One row a rule. From the log: `value`, `low`, `high`, dollars per user and campaign of the
        rule after recalibration; `factor`, `factor_low`, `factor_high`, kept over promised; `qini`
        of its score for the deepest coupon, in units per row. One number a rule, its factor or
        its cut, comes from the same rows as its value. By the truth: `share` of the oracle's
        profit and `promised_over_kept` in the coming campaign, the latter also on the pilot's rows
        (`in_pilot`), where its factor comes from; and `sent`, the share of the coming rows.
        ``nan`` where a rule promises nothing.
    """
    log, coming = pilot.log, pilot.coming
    units, profit = effect_log(log, "units"), effect_log(log, "profit")
    rows_a_user = len(log) / log[["user_id", "campaign_id"]].drop_duplicates().shape[0]

    def judged(choice: Ints, later: Ints) -> dict[str, float]:
        value = policy_value(profit, choice, CONTACT) * rows_a_user
        share = of_oracle(coming, later) if later.any() else 0.0
        return {**value[["value", "low", "high"]], "share": share, "sent": (later > 0).mean()}

    p, p_coming = others(log, redemption), redemption(log, coming)
    studied = {
        EVERYONE: judged(everyone(log), everyone(coming)),
        CUT: judged(*cut(pilot, p, p_coming)),
    }
    for name, rule in rules(pilot, p, p_coming, effects).items():
        factor = kept_part(pilot, rule.log)
        past, value = (recalibrated(each, factor) for each in (rule.log, rule.coming))
        studied[name] = {
            **judged(best_choice(past), best_choice(value)),
            **factor[["value", "low", "high"]].set_axis(["factor", "factor_low", "factor_high"]),
            "qini": qini(units, rule.score, len(DEPTHS), replicates=1).coefficient,
            "promised_over_kept": promised_over_kept(coming, value),
            "in_pilot": promised_over_kept(log, past),
        }
    return pd.DataFrame(studied).T


def promised_over_kept(rows: pd.DataFrame, value: Floats) -> float:
    """Of the best choice by these promises, by the truth; ``nan`` where nothing is sent."""
    choice = best_choice(value)
    if not choice.any():
        return float("nan")
    return float(value.max(axis=1)[choice > 0].sum() / kept(rows, choice).sum())
