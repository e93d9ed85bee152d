"""Which coupons and items a user is sent on a day: features, models, value, policy in one place."""

from collections.abc import Hashable, Iterator, Sequence
from datetime import date
from functools import partial

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
FACTORS = ("bought", "redeemed_if_bought")
FACTS = ("match_recency", "match_distinct_items", "match_category_recency")
"""What a reason says of the user, as exact numbers."""
ENCODED_FACTS = ("item_popularity_rank", "coupon_redeemed_before")
"""What it says of the items and the coupon, where the model reads it."""


class Recommender:
    """A model and the features of one bundle, what a redemption is worth, and how it explores.

    Attributes
    ----------
    item_model : ItemModel or None
        What `learn_items` gives, once somebody has asked for items.
    """

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
        self.item_model: ItemModel | None = None
        self._topics = topics_of(scorer.encoder)
        places = {
            number.name: (group, column)
            for group, numbers in scorer.encoder.numbers.items()
            for column, number in enumerate(numbers)
        }
        self._facts_at = {name: places[name] for name in ENCODED_FACTS if name in places}
        self._told_by = (
            [places[name] for name in TOLD_BY] if places.keys() >= set(TOLD_BY) else None
        )

    def __call__(self, questions: Sequence[Question]) -> list[Reply | Exception]:
        """Answer questions with one call of the model of each platform.

        Parameters
        ----------
        questions : sequence of Question
            n questions.

        Returns
        -------
        list
            n replies, in order.

        Raises
        ------
        UnknownPlatform
            If the bundle has no model for the platform of a question.
        """
        replies: dict[int, Reply | Exception] = {}
        for platform in dict.fromkeys(question.platform for question in questions):
            places = [n for n, question in enumerate(questions) if question.platform == platform]
            scorer = self.scorer.on(platform)
            answers = self._answered(scorer, [questions[place] for place in places])
            replies |= zip(places, answers, strict=True)
        return [replies[place] for place in range(len(questions))]

    def _answered(self, scorer: Scorer, questions: Sequence[Question]) -> list[Reply]:
        candidates = self.store.offers_of([(q.user_id, q.day) for q in questions])
        names = self.scorer.encoder.arrays
        arrays = {name: np.concatenate([c.arrays[name] for c in candidates]) for name in names}
        sizes = [len(c.coupon_id) for c in candidates]
        p = scorer.predict(arrays, ["redeemed"])["redeemed"] if sum(sizes) else np.empty(0)
        lists = np.split(np.arange(len(p)), np.cumsum(sizes)[:-1])
        decisions = [
            self._decided(its_candidates, p[rows], question)
            for question, its_candidates, rows in zip(questions, candidates, lists, strict=True)
        ]
        chosen = [
            (rows[place], rows)
            for rows, decision in zip(lists, decisions, strict=True)
            for place in decision.chosen()
        ]
        rows_chosen, lists_chosen = zip(*chosen, strict=True) if chosen else ((), ())
        score = partial(_log_p, scorer)
        topics = iter(leading_topics(score, arrays, p, rows_chosen, lists_chosen, self._topics))
        return [
            self._reply(*each, topics)
            for each in zip(candidates, decisions, questions, strict=True)
        ]

    def learn_items(self) -> ItemModel:
        """Learn from the purchases of the snapshot which items are bought again."""
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
        if self.item_model is None:
            self.item_model = self.learn_items()
        lines, today = self.store.lines(user_id, day), (day - EPOCH).days + 1
        found = self.item_model.of_user(lines["item"], lines["day"], today, k)
        number, name = self.store.snapshot.items.item_id, self.store.identifiers.name
        return [
            ItemChoice(name("item_id", int(number[item])), float(p), _why(lines, item, today))
            for item, p in zip(found.item, found.probability, strict=True)
        ], len(lines) > 0

    def _decided(
        self, candidates: Candidates, p: NDArray[np.float64], question: Question
    ) -> Decision:
        """Choose the k most valuable coupons, each once, as long as they are worth their cost."""
        value = self.economics.profit(p, candidates.spend_per_line, candidates.coupon_discount)
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
        return Decision(
            campaign_id,
            coupon_id,
            p,
            value,
            propensity,
            position,
            self.store.identifiers,
        )

    def account(
        self, candidates: Candidates, row: int, platform: str | None = None
    ) -> Account | None:
        """Compare a coupon with all others of its user, factor by factor; None if it has none."""
        log_factors = partial(_log_factors, self.scorer.on(platform))
        others = np.delete(np.arange(len(candidates.coupon_id)), row)
        if not len(others):
            return None
        (found,) = contrast(log_factors, candidates.arrays, [row], [others], self._topics)
        return Account(
            len(others),
            dict(zip(FACTORS, found.others.tolist(), strict=True)),
            {
                topic: dict(zip(FACTORS, parts.tolist(), strict=True))
                for topic, parts in zip(found.players, found.credit, strict=True)
            },
        )

    def _reply(
        self,
        candidates: Candidates,
        decision: Decision,
        question: Question,
        topics: Iterator[str],
    ) -> Reply:
        chosen = decision.chosen()
        note = "" if chosen else NOT_WORTH if len(decision.value) else NOTHING_LIVE
        who_is_new = self._cold(candidates, chosen)
        return Reply(
            tuple(
                self._choice(candidates, decision, row, question, next(topics), cold)
                for row, cold in zip(chosen, who_is_new, strict=True)
            ),
            decision,
            candidates.known,
            note,
            candidates.counted,
            self.scorer.version,
            candidates.mailed,
        )

    def _choice(
        self,
        candidates: Candidates,
        decision: Decision,
        row: int,
        question: Question,
        topic: str,
        cold: str,
    ) -> Choice:
        name, drawn = decision.identifiers.name, question.explore is not None
        explained = question.explain and decision.position[row] < ACCOUNTS
        return Choice(
            name("campaign_id", int(decision.campaign_id[row])),
            name("coupon_id", int(decision.coupon_id[row])),
            float(decision.probability[row]),
            float(decision.value[row]),
            reason(self._facts(candidates, row), topic),
            float(decision.propensity[row]) if drawn else None,
            self.account(candidates, row, question.platform) if explained else None,
            cold,
        )

    def _cold(self, candidates: Candidates, rows: list[int]) -> list[str]:
        """Who is new; the encoding leaves the zeros, and the success of a coupon, as they are."""
        if self._told_by is None:
            return [""] * len(rows)
        told = (candidates.arrays[group][rows, column] for group, column in self._told_by)
        return [str(who) for who in cold_by(*told)]

    def _facts(self, candidates: Candidates, row: int) -> dict[Hashable, float]:
        """What a reason may be made of."""
        facts: dict[Hashable, float] = {name: getattr(candidates, name)[row] for name in FACTS}
        for name, (group, column) in self._facts_at.items():
            facts[name] = candidates.arrays[group][row, column]
        return facts


def _log_p(scorer: Scorer, arrays: Arrays) -> NDArray[np.float64]:
    return _log(scorer.predict(arrays, ["redeemed"])["redeemed"])


def _log_factors(scorer: Scorer, arrays: Arrays) -> NDArray[np.float64]:
    p = scorer.predict(arrays)
    bought, redeemed = (_log(p[name]) for name in LABELS)
    bought = np.maximum(bought, redeemed)  # who redeems has bought, so P(redeemed | bought) <= 1
    return np.stack([bought, redeemed - bought], axis=1)


def _log(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(p, SMALLEST))


def _why(lines: Rows, item: int, today: int) -> str:
    """Say what speaks for an item."""
    days = lines["day"][lines["item"] == item]
    if not len(days):
        return "begun by many" if len(lines) else "bought by many"
    ago = today - 1 - int(days[-1])
    last = "today" if ago == 0 else f"{ago} day{'s' * (ago > 1)} ago"
    return f"bought {len(days)} time{'s' * (len(days) > 1)}, last {last}"
