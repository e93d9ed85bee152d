"""Which coupons and items a user is sent on a day: features, models, value, policy in one place."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property, partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from coupon_rec.decisions import Economics, ItemModel, reason
from coupon_rec.decisions.best import most_valuable
from coupon_rec.decisions.reasons import NOT_WORTH
from coupon_rec.explain.credit import contrast, leading_topics
from coupon_rec.explain.topics import topics_of
from coupon_rec.features import LABELS, Arrays
from coupon_rec.features.holdout import TOLD_BY, cold_by
from coupon_rec.features.online.snapshot import Rows
from coupon_rec.odds import SMALLEST
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import EPOCH, Candidates, FeatureStore
from coupon_rec.serving.exploring import Exploring
from coupon_rec.serving.replies import Account, Choice, Decision, ItemChoice, Question, Reply

__all__ = ["Account", "Choice", "Decision", "ItemChoice", "Question", "Recommender", "Reply"]

NOTHING_LIVE = "no coupon is live for this user"
ACCOUNTS = 5
"""Of how many coupons an answer gives the whole account: the first, for one takes milliseconds."""
TERMS = ("bought", "redeemed_if_bought")
FACTS = ("match_recency", "match_distinct_items", "match_category_recency")
"""What a reason says of the user, as exact numbers."""
ENCODED_FACTS = ("item_popularity_rank", "coupon_redeemed_before", *TOLD_BY)
"""What it says of the items and the coupon, and what tells who is new, where the model reads it:
the encoding leaves the zeros, and the success of a coupon, as they are."""


class Recommender:
    """A model and the features of one bundle, what a redemption is worth, and how it explores."""

    def __init__(
        self,
        scorer: Scorer,
        store: FeatureStore,
        economics: Economics,
        exploring: Exploring | None = None,
    ) -> None:
        self.scorer = scorer
        self.store = store
        self.economics = economics
        self.exploring = exploring
        self._topics = topics_of(scorer.encoder)
        self._facts_at = {
            number.name: (group, column)
            for group, numbers in scorer.encoder.numbers.items()
            for column, number in enumerate(numbers)
            if number.name in ENCODED_FACTS
        }

    def __call__(self, questions: Sequence[Question]) -> list[Reply]:
        """Answer questions with one call of the model of each platform.

        Parameters
        ----------
        questions : sequence of Question
            n questions.

        Returns
        -------
        list of Reply
            n replies, in order.

        Raises
        ------
        UnknownPlatform
            If the bundle has no model for the platform of a question.
        """
        replies: dict[int, Reply] = {}
        for platform in dict.fromkeys(question.platform for question in questions):
            places = [n for n, question in enumerate(questions) if question.platform == platform]
            scorer = self.scorer.on(platform)
            answers = self._answered(scorer, [questions[place] for place in places])
            replies |= zip(places, answers, strict=True)
        return [replies[place] for place in range(len(questions))]

    def _answered(self, scorer: Scorer, questions: Sequence[Question]) -> list[Reply]:
        """Answer questions of one platform."""
        candidates = self.store.offers_of([(q.user_id, q.day) for q in questions])
        names = self.scorer.encoder.arrays
        arrays = {name: np.concatenate([c.arrays[name] for c in candidates]) for name in names}
        ends = np.cumsum([len(c.coupon_id) for c in candidates])
        p = scorer.predict(arrays, ["redeemed"])["redeemed"] if ends[-1] else np.empty(0)
        lists = np.split(np.arange(len(p)), ends[:-1])
        decided = [
            self._decided(its_candidates, p[rows], question)
            for question, its_candidates, rows in zip(questions, candidates, lists, strict=True)
        ]
        chosen = [
            (rows[place], rows)
            for rows, (_, places) in zip(lists, decided, strict=True)
            for place in places
        ]
        log_p = partial(_log_p, scorer)
        first, whole = zip(*chosen, strict=True) if chosen else ((), ())
        topics = iter(leading_topics(log_p, arrays, p, first, whole, self._topics))
        return [
            self._reply(scorer, question, its_candidates, *decision, topics)
            for question, its_candidates, decision in zip(
                questions, candidates, decided, strict=True
            )
        ]

    def _decided(
        self, candidates: Candidates, p: NDArray[np.float64], question: Question
    ) -> tuple[Decision, list[int]]:
        """Choose the k most valuable coupons, each once, as long as they are worth their cost."""
        worth = {name: getattr(candidates, name) for name in ("discount", "margin", "shop_share")}
        value = self.economics.profit(p, candidates.spend_per_line, **worth)
        campaign_id, coupon_id = candidates.campaign_id, candidates.coupon_id
        k, exploring = question.k, self.exploring
        if exploring is None or question.explore is None:
            chosen = most_valuable(value, coupon_id, k, campaign_id)
            propensity = np.zeros(len(p))
            propensity[chosen] = 1  # the policy leaves nothing to chance
        else:
            most = max(k, exploring.most(k))
            ordered = most_valuable(value, coupon_id, most, campaign_id, above=-np.inf)
            best = [row for row in ordered[:k] if value[row] > 0]
            propensity = exploring.propensity(best, ordered, k, len(p))
            chosen = exploring.draw(ordered, k) if question.explore else best
        position = np.full(len(p), -1, "int16")
        position[chosen] = np.arange(len(chosen))
        names = self.store.identifiers
        return Decision(campaign_id, coupon_id, p, value, propensity, position, names), chosen

    def _reply(
        self,
        scorer: Scorer,
        question: Question,
        candidates: Candidates,
        decision: Decision,
        chosen: list[int],
        topics: Iterator[str],
    ) -> Reply:
        """Say what was chosen, and why."""
        facts = {name: getattr(candidates, name)[chosen] for name in FACTS}
        for name, (group, column) in self._facts_at.items():
            facts[name] = candidates.arrays[group][chosen, column]
        told = facts.keys() >= set(TOLD_BY)
        cold = cold_by(*(facts[name] for name in TOLD_BY)).tolist() if told else [""] * len(chosen)
        campaigns, coupons = (
            decision.identifiers.names(name, getattr(decision, name)[chosen]).to_pylist()
            for name in ("campaign_id", "coupon_id")
        )
        explained = ACCOUNTS if question.explain else 0
        choices = tuple(
            Choice(
                campaigns[place],
                coupons[place],
                float(decision.probability[row]),
                float(decision.value[row]),
                reason({name: values[place] for name, values in facts.items()}, topic),
                None if question.explore is None else float(decision.propensity[row]),
                self._account(scorer, candidates, row) if place < explained else None,
                cold[place],
            )
            for place, (row, topic) in enumerate(
                zip(chosen, islice(topics, len(chosen)), strict=True)
            )
        )
        note = "" if chosen else NOT_WORTH if len(decision.value) else NOTHING_LIVE
        return Reply(
            choices,
            decision,
            candidates.known,
            note,
            candidates.version,
            candidates.ranked,
            self.scorer.version,
            candidates.mailed,
        )

    def _account(self, scorer: Scorer, candidates: Candidates, row: int) -> Account | None:
        """Compare a coupon with all others of its user, term by term; None if it has none."""
        others = np.delete(np.arange(len(candidates.coupon_id)), row)
        if not len(others):
            return None
        log_terms = partial(_log_terms, scorer)
        (found,) = contrast(log_terms, candidates.arrays, [row], [others], self._topics)
        mean, *credit = (
            dict(zip(TERMS, parts.tolist(), strict=True)) for parts in (found.others, *found.credit)
        )
        return Account(len(others), mean, dict(zip(found.players, credit, strict=True)))

    @cached_property
    def item_model(self) -> ItemModel:
        """Which items are bought again, by the snapshot's purchases; learned once asked for."""
        snapshot = self.store.snapshot
        user, lines = snapshot.lines.of(np.arange(len(snapshot.user_row)))[0], snapshot.lines.rows
        items = len(snapshot.items.item_id)
        return ItemModel.fit(user, lines["item"], lines["day"], snapshot.start - 1, items)

    def items(self, user_id: int | str, day: date, k: int) -> tuple[list[ItemChoice], bool]:
        """Give the items that a user is most likely to buy, and whether we know any purchase.

        Parameters
        ----------
        user_id : int or str
            Anyone; without a purchase, they get what most users buy.
        day : datetime.date
            Today: what was bought up to now counts.
        k : int
            How many at most.
        """
        lines, today = self.store.lines(user_id, day), (day - EPOCH).days + 1
        found = self.item_model.of_user(lines["item"], lines["day"], today, k)
        numbers = self.store.snapshot.items.item_id[found.item]
        names = self.store.identifiers.names("item_id", numbers).to_pylist()
        return [
            ItemChoice(name, p, _why(lines, item, today))
            for name, p, item in zip(names, found.probability.tolist(), found.item, strict=True)
        ], len(lines) > 0


def _log_p(scorer: Scorer, arrays: Arrays) -> NDArray[np.float64]:
    return np.log(np.maximum(scorer.predict(arrays, ["redeemed"])["redeemed"], SMALLEST))


def _log_terms(scorer: Scorer, arrays: Arrays) -> NDArray[np.float64]:
    p = scorer.predict(arrays)
    bought, redeemed = (np.log(np.maximum(p[name], SMALLEST)) for name in LABELS)
    bought = np.maximum(bought, redeemed)  # who redeems has bought, so P(redeemed | bought) <= 1
    return np.stack([bought, redeemed - bought], axis=1)


def _why(lines: Rows, item: int, today: int) -> str:
    """Say what speaks for an item."""
    days = lines["day"][lines["item"] == item]
    if not len(days):
        return "begun by many" if len(lines) else "bought by many"
    ago = today - 1 - int(days[-1])
    last = "today" if ago == 0 else f"{ago} day{'s' * (ago > 1)} ago"
    return f"bought {len(days)} time{'s' * (len(days) > 1)}, last {last}"
