"""Answers: found or computed, recorded, and computed once more by a bundle on trial."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from pydantic_core import to_json

from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.http.batching import Batcher, Overloaded
from coupon_rec.serving.http.bundles import LIVE, SHADOW, Bundles
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.recommender import Choice, Question, Recommender, Reply

Key = tuple[object, ...]
Asking = Batcher[tuple[Recommender, Question], Reply]


class Answering:
    """Answers the questions of users, from the bundle whose turn it is.

    Parameters
    ----------
    bundles : Bundles
        What is loaded.
    settings : Settings
        How many questions may wait, and how many answers are kept.
    metrics : Metrics
        What counts them.
    decisions : DecisionLog or None
        Where they are recorded.

    Attributes
    ----------
    ask, ask_shadow : Batcher
        The questions that wait for a bundle, and those for the bundle on trial.
    """

    def __init__(
        self,
        bundles: Bundles,
        settings: Settings,
        metrics: Metrics,
        decisions: DecisionLog | None,
    ) -> None:
        self._bundles, self._settings = bundles, settings
        self._metrics, self._decisions = metrics, decisions
        self._cache: OrderedDict[Key, tuple[bytes, Reply]] = OrderedDict()
        self.ask: Asking = Batcher(self._recommend, settings.queue_limit, settings.batch_limit)
        self.ask_shadow: Asking = Batcher(self._shadow, settings.queue_limit, settings.batch_limit)
        self._shadows: set[asyncio.Task[None]] = set()

    async def answer(
        self,
        user_id: int | str,
        moment: datetime,
        k: int,
        explain: bool = False,
        platform: str | None = None,
    ) -> tuple[bytes, str]:
        """Choose coupons for a user, or find what was chosen before.

        Parameters
        ----------
        user_id : int or str
            Anyone.
        moment : datetime.datetime
            When they are asked for, as the shop's clock shows it.
        k : int
            How many at most.
        explain : bool
            Whether the whole account of each coupon is wanted.
        platform : str, optional
            Where they are shown; the bundle's main model answers if it is left out.

        Returns
        -------
        bytes, str
            JSON of a `RecommendationResponse`, and the id of the request in the decision log; an
            empty one without such a log.

        Raises
        ------
        OutOfReach
            If the features do not reach the day.
        UnknownPlatform
            If the bundle has no model for the platform.
        Overloaded
            If too many requests wait.
        """
        self._bundles.live.scorer.on(platform)
        identifiers = self._bundles.reaching(moment.date()).store.identifiers
        exploring = self._bundles.exploring
        explore = exploring.happens() if exploring else None
        user_id = identifiers.named("user_id", user_id)
        question = Question(user_id, moment.date(), k, explore, explain, platform)
        arm = self._bundles.arm(user_id)
        degraded = self._bundles.log.degraded
        try:
            body, reply, cached = await self._found(
                self._bundles.of(arm), question, degraded, self.ask
            )
        except Exception as error:
            if arm == LIVE or isinstance(error, Overloaded):
                raise
            self._bundles.end_trial(error)
            return await self.answer(user_id, moment, k, explain, platform)
        self._metrics.cached.inc(cached)
        self._metrics.explored.inc(bool(explore) and not cached)
        request_id = self.record(question, moment, reply, degraded, cached=cached, arm=arm)
        if self._bundles.trial and not self._settings.canary:
            task = asyncio.create_task(self._compare(request_id, question, moment, degraded))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)
        return body, request_id

    async def _found(
        self, recommender: Recommender, question: Question, degraded: bool, ask: Asking
    ) -> tuple[bytes, Reply, bool]:
        """Find or compute an answer; say whether it was found."""
        key = (question, recommender.store.counted, recommender.scorer.version, degraded)
        if (found := self._cache.get(key)) is not None:
            return *found, True
        reply = await ask((recommender, question))
        body = json_of(question, reply, degraded)
        if not question.explore:
            self._cache[question, reply.counted, reply.bundle, degraded] = body, reply
        if len(self._cache) > self._settings.cache_limit:
            self._cache.popitem(last=False)
        return body, reply, False

    async def _compare(
        self, request_id: str, question: Question, moment: datetime, degraded: bool
    ) -> None:
        """Let the trial answer a request that was answered, for the record alone."""
        trial, question = self._bundles.trial, question._replace(explore=None, explain=False)
        if trial is None:
            return
        try:
            _, reply, cached = await self._found(trial, question, degraded, self.ask_shadow)
        except Exception as error:
            self._metrics.shadows_lost.inc()
            if not isinstance(error, Overloaded):
                self._bundles.end_trial(error)
            return
        self._metrics.see(reply.choices, SHADOW)
        if self._decisions:
            self._decisions.record_shadow(
                request_id, question, moment, reply, degraded=degraded, cached=cached
            )

    def record(
        self,
        question: Question,
        moment: datetime,
        reply: Reply,
        degraded: bool,
        *,
        cached: bool,
        arm: str,
    ) -> str:
        """Record an answer that is about to go out, and give its id."""
        self._metrics.see(reply.choices)
        if self._bundles.trial:
            self._metrics.see(reply.choices, arm)
        if self._decisions is None:
            return ""
        return self._decisions.record_answer(
            question, moment, reply, degraded=degraded, cached=cached, arm=arm
        )

    async def finish(self) -> None:
        """Wait for what the shadow still computes."""
        await asyncio.gather(*self._shadows)

    async def _recommend(
        self, asked: Sequence[tuple[Recommender, Question]]
    ) -> list[Reply | Exception]:
        """Answer each question from the bundle that it was asked of, though a new one has come.

        It computes where the requests are read and answered: a thread of its own would only take
        turns with that one at the interpreter, and answer fewer.
        """
        self._metrics.batch.observe(len(asked))
        return _replies(asked)

    async def _shadow(
        self, asked: Sequence[tuple[Recommender, Question]]
    ) -> list[Reply | Exception]:
        """Answer beside the requests that somebody waits for, which are read meanwhile."""
        return await asyncio.to_thread(_replies, asked)


def _replies(asked: Sequence[tuple[Recommender, Question]]) -> list[Reply | Exception]:
    """Answer questions to several bundles; where one fails, the others answer all the same."""
    replies: list[Reply | Exception] = []
    for recommender, together in groupby(asked, key=itemgetter(0)):
        questions = [question for _, question in together]
        try:
            replies += recommender(questions)
        except Exception as error:
            replies += [error] * len(questions)
    return replies


def json_of(question: Question, reply: Reply, degraded: bool) -> bytes:
    """Write an answer as the JSON of a `RecommendationResponse`."""
    return to_json(
        {
            "user_id": question.user_id,
            "day": question.day,
            "known": reply.known,
            "mailed": reply.mailed,
            "bundle": reply.bundle,
            "degraded": degraded,
            "coupons": [_fields(choice) for choice in reply.choices],
            "note": reply.note,
        }
    )


def _fields(choice: Choice) -> dict[str, object]:
    """What an answer says of a coupon: no chance where nothing is drawn, no account unasked."""
    fields = choice._asdict()
    if not choice.cold:
        del fields["cold"]
    if choice.propensity is None:
        del fields["propensity"]
    if choice.account is None:
        del fields["account"]
    else:
        fields["account"] = choice.account._asdict()
    return fields
