"""Which coupons to send to a user on a day: features, model, value and policy in one place."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.decisions import Economics, reason
from coupon_rec.decisions.reasons import REASON_FEATURES
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import Candidates, FeatureStore
from coupon_rec.serving.events.identifiers import Identifiers

NOTHING_LIVE = "no coupon is live for this user"
NOT_WORTH_IT = "no coupon is worth its cost"


class Question(NamedTuple):
    """At most k coupons for a user on a day."""

    user_id: int | str
    day: date
    k: int


class Choice(NamedTuple):
    """A coupon worth sending."""

    campaign_id: int | str
    coupon_id: int | str
    probability: float
    value: float
    reason: str


class Decision(NamedTuple):
    """All candidates of a user, and what the policy did with each: n rows.

    Attributes
    ----------
    campaign_id, coupon_id : numpy.ndarray
        int64 of shape (n,): numbers, whose names `identifiers` has.
    probability, value : numpy.ndarray
        Of shape (n,): that it is redeemed, and the expected profit in currency.
    propensity : numpy.ndarray
        float32 of shape (n,): with which probability the policy chooses it, given all it knows.
    position : numpy.ndarray
        int16 of shape (n,): its place among the choices, from 0 on; -1 if it is not one.
    identifiers : Identifiers
        Of the bundle.
    """

    campaign_id: NDArray[np.int64]
    coupon_id: NDArray[np.int64]
    probability: NDArray[np.float64]
    value: NDArray[np.float64]
    propensity: NDArray[np.float32]
    position: NDArray[np.int16]
    identifiers: Identifiers


class Reply(NamedTuple):
    """The choices for a question, the best first, and what they rest on: events and bundle."""

    choices: tuple[Choice, ...]
    decision: Decision
    known: bool
    note: str
    counted: int
    bundle: str


class Recommender:
    """A model and the features of one bundle, and what a redemption is worth."""

    def __init__(self, scorer: Scorer, store: FeatureStore, economics: Economics) -> None:
        self.scorer = scorer
        self.store = store
        self.economics = economics

    def __call__(self, questions: Sequence[Question]) -> list[Reply | Exception]:
        """Answer questions with one call of the model.

        Parameters
        ----------
        questions : sequence of Question
            n questions.

        Returns
        -------
        list
            n replies, in order.
        """
        found = self.store.offers_of([(each.user_id, each.day) for each in questions])
        names = self.scorer.encoder.arrays
        arrays = {name: np.concatenate([each.arrays[name] for each in found]) for name in names}
        ends = np.cumsum([len(each.coupon_id) for each in found])
        redeemed = (
            self.scorer.predict(arrays, ["redeemed"])["redeemed"] if ends[-1] else np.empty(0)
        )
        parts = np.split(redeemed, ends[:-1])
        return [
            self._reply(candidates, p, question.k)
            for question, candidates, p in zip(questions, found, parts, strict=True)
        ]

    def _reply(self, candidates: Candidates, p: NDArray[np.float64], k: int) -> Reply:
        """Choose the k most valuable coupons, each once, as long as they are worth their cost."""
        value = self.economics.profit(p, candidates.spend_per_line, candidates.coupon_discount)
        worth = (value > 0).nonzero()[0]
        order = (candidates.campaign_id[worth], candidates.coupon_id[worth], -value[worth])
        rows: dict[int, int] = {}
        for row in worth[np.lexsort(order)].tolist():
            rows.setdefault(int(candidates.coupon_id[row]), row)
            if len(rows) == k:
                break
        chosen = list(rows.values())
        position = np.full(len(p), -1, "int16")
        position[chosen] = np.arange(len(chosen))
        decision = Decision(
            candidates.campaign_id,
            candidates.coupon_id,
            p,
            value,
            (position >= 0).astype("float32"),  # the policy leaves nothing to chance
            position,
            self.store.identifiers,
        )
        note = "" if chosen else NOT_WORTH_IT if len(p) else NOTHING_LIVE
        return Reply(
            tuple(self._choice(candidates, decision, row) for row in chosen),
            decision,
            candidates.known,
            note,
            candidates.counted,
            self.scorer.version,
        )

    def _choice(self, candidates: Candidates, decision: Decision, row: int) -> Choice:
        name = decision.identifiers.name
        return Choice(
            name("campaign_id", int(decision.campaign_id[row])),
            name("coupon_id", int(decision.coupon_id[row])),
            float(decision.probability[row]),
            float(decision.value[row]),
            reason({feature: getattr(candidates, feature)[row] for feature in REASON_FEATURES}),
        )
