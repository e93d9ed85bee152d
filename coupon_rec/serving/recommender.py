"""From users and days to the coupons worth sending, many users in one call of the model."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.decisions import Economics, reason
from coupon_rec.decisions.reasons import REASON_FEATURES
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import Candidates, FeatureStore

NOTHING_LIVE = "no coupon is live for this user"
NOT_WORTH_IT = "no coupon is worth its cost"


class Question(NamedTuple):
    """At most k coupons for a user on a day."""

    user_id: int
    day: date
    k: int


class Choice(NamedTuple):
    """A coupon worth sending."""

    campaign_id: int
    coupon_id: int
    probability: float
    value: float
    reason: str


class Reply(NamedTuple):
    """The choices for a question, the best first, and what they rest on: events and bundle."""

    choices: tuple[Choice, ...]
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
        found = [self.store.offers(question.user_id, question.day) for question in questions]
        names = found[0].arrays
        arrays = (
            found[0].arrays
            if len(found) == 1
            else {name: np.concatenate([each.arrays[name] for each in found]) for name in names}
        )
        ends = np.cumsum([len(each.coupon_id) for each in found])
        redeemed = self.scorer.predict(arrays)["redeemed"] if ends[-1] else np.empty(0)
        parts = np.split(redeemed, ends[:-1])
        return [
            self._reply(candidates, p, question.k)
            for question, candidates, p in zip(questions, found, parts, strict=True)
        ]

    def _reply(self, candidates: Candidates, p: NDArray[np.float64], k: int) -> Reply:
        value = self.economics.profit(p, candidates.spend_per_line, candidates.coupon_discount)
        best = np.lexsort((candidates.campaign_id, candidates.coupon_id, -value))
        choices: dict[int, Choice] = {}
        for row in best[: np.count_nonzero(value > 0)].tolist():
            coupon_id = int(candidates.coupon_id[row])
            if coupon_id not in choices:
                choices[coupon_id] = Choice(
                    int(candidates.campaign_id[row]),
                    coupon_id,
                    float(p[row]),
                    float(value[row]),
                    reason({name: getattr(candidates, name)[row] for name in REASON_FEATURES}),
                )
            if len(choices) == k:
                break
        note = "" if choices else NOT_WORTH_IT if len(p) else NOTHING_LIVE
        return Reply(
            tuple(choices.values()), candidates.known, note, candidates.counted, self.scorer.version
        )
