"""Which coupons and items a user is sent on a day: features, models, value, policy in one place."""

from collections.abc import Hashable, Sequence
from datetime import date
from functools import partial

import numpy as np
from numpy.typing import NDArray

from coupon_rec.decisions import Economics, ItemModel, reason
from coupon_rec.explain.credit import Credit, contrast, rivals_of
from coupon_rec.explain.topics import topics_of
from coupon_rec.features import LABELS, Arrays
from coupon_rec.features.holdout import TOLD_BY, cold_by
from coupon_rec.features.online.snapshot import Lines
from coupon_rec.odds import SMALLEST
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import EPOCH, Candidates, FeatureStore
from coupon_rec.serving.exploring import Exploring
from coupon_rec.serving.replies import Account, Choice, Decision, ItemChoice, Question, Reply

__all__ = ["Account", "Choice", "Decision", "ItemChoice", "Question", "Recommender", "Reply"]

NOTHING_LIVE = "no coupon is live for this user"
NOT_WORTH_IT = "no coupon is worth its cost"
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
        found = self.store.offers_of([(each.user_id, each.day) for each in questions])
        names = self.scorer.encoder.arrays
        arrays = {name: np.concatenate([each.arrays[name] for each in found]) for name in names}
        ends = np.cumsum([len(each.coupon_id) for each in found])
        redeemed = scorer.predict(arrays, ["redeemed"])["redeemed"] if ends[-1] else np.empty(0)
        parts = np.split(redeemed, ends[:-1])
        decisions = [
            self._decided(candidates, p, question)
            for question, candidates, p in zip(questions, found, parts, strict=True)
        ]
        starts = ends - [len(p) for p in parts]
        credits = self._credits(scorer, arrays, redeemed, starts, decisions)
        return [
            self._reply(candidates, decision, question, its_credits)
            for question, candidates, decision, its_credits in zip(
                questions, found, decisions, credits, strict=True
            )
        ]

    def learn_items(self) -> ItemModel:
        """Learn from the purchases of the snapshot which items are bought again."""
        snapshot = self.store.snapshot
        first, end = snapshot.lines.bounds
        user, lines = np.arange(len(first)).repeat(end - first), snapshot.lines.rows
        items = len(snapshot.items.item_id)
        return ItemModel.fit(user, lines.item, lines.day, snapshot.start - 1, items)

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
        found = self.item_model.of_user(lines.item, lines.day, today, k)
        number, name = self.store.snapshot.items.item_id, self.store.identifiers.name
        return [
            ItemChoice(name("item_id", int(number[item])), float(p), _why(lines, item, today))
            for item, p in zip(found.item, found.probability, strict=True)
        ], len(lines.item) > 0

    def _decided(
        self, candidates: Candidates, p: NDArray[np.float64], question: Question
    ) -> Decision:
        """Choose the k most valuable coupons, each once, as long as they are worth their cost."""
        value = self.economics.profit(p, candidates.spend_per_line, candidates.coupon_discount)
        k, exploring = question.k, self.exploring
        if exploring is None or question.explore is None:
            chosen = _once(candidates, value, value > 0, k)
            propensity = np.zeros(len(p))
            propensity[chosen] = 1  # the policy leaves nothing to chance
        else:
            ordered = _once(candidates, value, value > -np.inf, max(k, exploring.most(k)))
            best = [row for row in ordered[:k] if value[row] > 0]
            propensity = exploring.propensity(best, ordered, k, len(p))
            chosen = exploring.draw(ordered, k) if question.explore else best
        position = np.full(len(p), -1, "int16")
        position[chosen] = np.arange(len(chosen))
        return Decision(
            candidates.campaign_id,
            candidates.coupon_id,
            p,
            value,
            propensity,
            position,
            self.store.identifiers,
        )

    def _credits(
        self,
        scorer: Scorer,
        arrays: Arrays,
        redeemed: NDArray[np.float64],
        starts: NDArray[np.int64],
        decisions: Sequence[Decision],
    ) -> list[list[Credit | None]]:
        """Compare each chosen coupon with a few of the user's others, in one go for all questions.

        None where the user has no other coupon.
        """
        rows, rivals, places = [], [], []
        credits: list[list[Credit | None]] = []
        for number, (start, decision) in enumerate(zip(starts, decisions, strict=True)):
            chosen = decision.chosen()
            credits.append([None] * len(chosen))
            p = decision.probability
            for place, row in enumerate(chosen if len(p) > 1 else ()):
                rows.append(int(start + row))
                rivals.append(start + rivals_of(row, p))
                places.append((number, place))
        score = partial(_log_p, scorer)
        found = contrast(score, arrays, rows, rivals, self._topics, _log(redeemed))
        for (number, place), credit in zip(places, found, strict=True):
            credits[number][place] = credit
        return credits

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
        credits: Sequence[Credit | None],
    ) -> Reply:
        chosen = decision.chosen()
        note = "" if chosen else NOT_WORTH_IT if len(decision.value) else NOTHING_LIVE
        cold = self._cold(candidates, chosen)
        return Reply(
            tuple(
                self._choice(candidates, decision, row, question, credit, who)
                for row, credit, who in zip(chosen, credits, cold, strict=True)
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
        credit: Credit | None,
        cold: str,
    ) -> Choice:
        name, drawn = decision.identifiers.name, question.explore is not None
        explained = question.explain and decision.position[row] < ACCOUNTS
        return Choice(
            name("campaign_id", int(decision.campaign_id[row])),
            name("coupon_id", int(decision.coupon_id[row])),
            float(decision.probability[row]),
            float(decision.value[row]),
            reason(self._facts(candidates, row), credit.top if credit else ""),
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
    found = scorer.predict(arrays)
    bought, redeemed = (_log(found[name]) for name in LABELS)
    return np.stack([bought, redeemed - bought], axis=1)


def _log(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(p, SMALLEST))


def _why(lines: Lines, item: int, today: int) -> str:
    """Say what speaks for an item."""
    days = lines.day[lines.item == item]
    if not len(days):
        return "begun by many" if len(lines.item) else "bought by many"
    ago = today - 1 - int(days[-1])
    last = "today" if ago == 0 else f"{ago} day{'s' * (ago > 1)} ago"
    return f"bought {len(days)} time{'s' * (len(days) > 1)}, last {last}"


def _once(
    candidates: Candidates, value: NDArray[np.float64], allowed: NDArray[np.bool_], most: int
) -> list[int]:
    """The rows of the most valuable coupons among those allowed, each coupon once."""
    some = allowed.nonzero()[0]
    order = (candidates.campaign_id[some], candidates.coupon_id[some], -value[some])
    rows: dict[int, int] = {}
    for row in some[np.lexsort(order)].tolist():
        rows.setdefault(int(candidates.coupon_id[row]), row)
        if len(rows) == most:
            break
    return list(rows.values())
