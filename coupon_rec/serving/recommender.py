"""Which coupons and items a user is sent on a day: features, models, value, policy in one place."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.decisions import Economics, ItemModel, reason
from coupon_rec.decisions.reasons import REASON_FEATURES
from coupon_rec.features.online.snapshot_reader import Lines
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import EPOCH, Candidates, FeatureStore
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.exploring import Exploring

NOTHING_LIVE = "no coupon is live for this user"
NOT_WORTH_IT = "no coupon is worth its cost"


class Question(NamedTuple):
    """At most k coupons for a user on a day.

    Attributes
    ----------
    explore : bool or None
        Whether the coupons are drawn, where chance has a say; None where it has none.
    """

    user_id: int | str
    day: date
    k: int
    explore: bool | None = None


class Choice(NamedTuple):
    """A coupon to send: worth it, or drawn. Its propensity is None where nothing is drawn."""

    campaign_id: int | str
    coupon_id: int | str
    probability: float
    value: float
    reason: str
    propensity: float | None = None


class ItemChoice(NamedTuple):
    """An item that the user is likely to buy within four weeks."""

    item_id: int | str
    probability: float
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
        Of shape (n,): with which probability the policy chooses it, given all it knows.
    position : numpy.ndarray
        int16 of shape (n,): its place among the choices, from 0 on; -1 if it is not one.
    identifiers : Identifiers
        Of the bundle.
    """

    campaign_id: NDArray[np.int64]
    coupon_id: NDArray[np.int64]
    probability: NDArray[np.float64]
    value: NDArray[np.float64]
    propensity: NDArray[np.float64]
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
            self._reply(candidates, p, question)
            for question, candidates, p in zip(questions, found, parts, strict=True)
        ]

    def learn_items(self) -> ItemModel:
        """Learn from the purchases of the snapshot which items are bought again."""
        snapshot = self.store.snapshot
        first, end = snapshot.history.bounds
        user, lines = np.arange(len(first)).repeat(end - first), snapshot.lines
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

    def _reply(self, candidates: Candidates, p: NDArray[np.float64], question: Question) -> Reply:
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
        decision = Decision(
            candidates.campaign_id,
            candidates.coupon_id,
            p,
            value,
            propensity,
            position,
            self.store.identifiers,
        )
        note = "" if chosen else NOT_WORTH_IT if len(p) else NOTHING_LIVE
        return Reply(
            tuple(self._choice(candidates, decision, row, question) for row in chosen),
            decision,
            candidates.known,
            note,
            candidates.counted,
            self.scorer.version,
        )

    def _choice(
        self, candidates: Candidates, decision: Decision, row: int, question: Question
    ) -> Choice:
        name, drawn = decision.identifiers.name, question.explore is not None
        return Choice(
            name("campaign_id", int(decision.campaign_id[row])),
            name("coupon_id", int(decision.coupon_id[row])),
            float(decision.probability[row]),
            float(decision.value[row]),
            reason({feature: getattr(candidates, feature)[row] for feature in REASON_FEATURES}),
            float(decision.propensity[row]) if drawn else None,
        )


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
