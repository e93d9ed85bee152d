"""Answers: found or computed, recorded, and computed once more by a bundle on trial."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from coupon_rec.serving.bundle.scorer import UnknownPlatform
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.http.api_models import (
    ItemsRequest,
    ItemsResponse,
    LikelyItem,
    RecommendationRequest,
    RecommendationResponse,
)
from coupon_rec.serving.http.batching import Batcher, Overloaded
from coupon_rec.serving.http.bundles import LIVE, SHADOW, Bundles
from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.limits import Limits
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.http.streams import Stream
from coupon_rec.serving.recommender import ACCOUNTS, Question, Recommender, Reply

TOO_OFTEN = {
    "users": "you ask about too many people: wait, or have the limit raised",
    "asks": "you ask about this user too often: wait a little",
}
NOW = (
    '; without a context, "now" by the clock of the server is meant: send the time of the shop, '
    'such as "context": {"time": "2017-11-20T09:30:00"}'
)

Asking = Batcher[tuple[Recommender, Question], Reply]


class Answers:
    """Answers the questions of users, from the bundle whose turn it is.

    Parameters
    ----------
    bundles : Bundles
        What is loaded.
    settings : Settings
        How many questions may wait, how many answers are kept, and who asks too much.
    metrics : Metrics
        What counts them.
    decisions : DecisionLog or None
        Where they are recorded.

    Attributes
    ----------
    model, shadow : Batcher
        The questions that wait for the bundle that answers, and for the one on trial.
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
        self._limits = Limits(settings)
        queue, batch = settings.queue_limit, settings.batch_limit
        self.model: Asking = Batcher("model", self._recommend, queue, batch)
        self.shadow: Asking = Batcher("shadow", self._recommend_beside, queue, batch)
        self._cache: OrderedDict[tuple[object, ...], tuple[bytes, Reply]] = OrderedDict()
        self._shadows: set[asyncio.Task[None]] = set()
        self._pushing = asyncio.Semaphore(batch)
        self._learning = asyncio.Lock()

    async def answer(self, ask: RecommendationRequest, client: str) -> tuple[bytes, str]:
        """Choose coupons for a user, or find what was chosen before.

        Parameters
        ----------
        ask : RecommendationRequest
            For whom, when, and how many.
        client : str
            Who asks.

        Returns
        -------
        bytes, str
            JSON of a `RecommendationResponse`, and the id of the request in the decision log; an
            empty one without such a log.

        Raises
        ------
        Refused
            If the client asks too much, the features do not reach the day, or the bundle has no
            model for the platform.
        Overloaded
            If too many requests wait.
        """
        await self.grant(client, ask.user_id, ACCOUNTS if ask.explain else 1)
        try:
            self._bundles.live.scorer.on(ask.platform)
        except UnknownPlatform as error:
            raise Refused(409, str(error), field="platform") from None
        recommender, moment = self._at(ask)
        exploring, degraded = self._bundles.exploring, self._bundles.log.degraded
        explore = exploring.happens() if exploring else None
        user_id = recommender.store.identifiers.named("user_id", ask.user_id)
        question = Question(user_id, moment.date(), ask.k, explore, ask.explain, ask.platform)
        arm = self._bundles.arm(user_id)
        try:
            body, reply, cached = await self._found(arm, question, degraded)
        except Exception as error:
            if arm == LIVE or isinstance(error, Overloaded):
                raise
            self._bundles.end_trial(error)
            arm = LIVE
            body, reply, cached = await self._found(arm, question, degraded)
        self._metrics.cached.inc(cached)
        self._metrics.explored.inc(bool(explore) and not cached)
        request_id = self._record(question, moment, reply, degraded, cached=cached, arm=arm)
        if self._bundles.trial and not self._settings.canary:
            task = asyncio.create_task(self._compare(request_id, question, moment, degraded))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)
        return body, request_id

    async def grant(self, client: str, user_id: int | str, cost: int = 1) -> None:
        """Refuse a client that asks about too many people, or about one too often."""
        limit, wait = await self._limits.question(client, user_id, cost)
        if limit:
            self._metrics.limited.labels(limit).inc()
            raise Refused(429, TOO_OFTEN[limit], wait=wait)

    def _at(self, ask: RecommendationRequest | ItemsRequest) -> tuple[Recommender, datetime]:
        """What answers a request, and for which moment."""
        moment = ask.context.time if ask.context else datetime.now()
        advice = "" if ask.context else NOW
        return self._bundles.reaching(moment.date(), "context.time", advice=advice), moment

    async def _found(
        self, arm: str, question: Question, degraded: bool
    ) -> tuple[bytes, Reply, bool]:
        """Find or compute an answer; say whether it was found."""
        recommender = self._bundles.of(arm)
        key = (question, recommender.store.counted, recommender.scorer.version, degraded)
        if (cached := self._cache.get(key)) is not None:
            return *cached, True
        ask = self.shadow if arm == SHADOW else self.model
        reply = await ask((recommender, question))
        body = _json(question, reply, degraded)
        if not question.explore:
            self._cache[question, reply.counted, reply.bundle, degraded] = body, reply
        if len(self._cache) > self._settings.cache_limit:
            self._cache.popitem(last=False)
        return body, reply, False

    async def _compare(
        self, request_id: str, question: Question, moment: datetime, degraded: bool
    ) -> None:
        """Let the trial answer a request that was answered, for the record alone."""
        if self._bundles.trial is None:
            return
        question = question._replace(explore=None, explain=False)
        try:
            _, reply, cached = await self._found(SHADOW, question, degraded)
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

    def _record(
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

    async def _recommend(
        self, asked: Sequence[tuple[Recommender, Question]]
    ) -> list[Reply | Exception]:
        """Answer each question from the bundle that it was asked of, though a new one has come.

        It computes where the requests are read and answered: a thread of its own would only take
        turns with that one at the interpreter, and answer fewer.
        """
        self._metrics.batch.observe(len(asked))
        return _replies(asked)

    async def _recommend_beside(
        self, asked: Sequence[tuple[Recommender, Question]]
    ) -> list[Reply | Exception]:
        """Answer beside the requests that somebody waits for, which are read meanwhile."""
        return await asyncio.to_thread(_replies, asked)

    async def items(self, ask: ItemsRequest, client: str) -> ItemsResponse:
        """Give the items that a user is most likely to buy; Refused as `answer`.

        The first to ask of a bundle waits until it has learned which items are bought again.
        """
        await self.grant(client, ask.user_id)
        recommender, moment = self._at(ask)
        async with self._learning:
            if recommender.item_model is None:
                recommender.item_model = await asyncio.to_thread(recommender.learn_items)
        items, known = recommender.items(ask.user_id, moment.date(), ask.k)
        return ItemsResponse(
            user_id=recommender.store.identifiers.named("user_id", ask.user_id),
            day=moment.date(),
            known=known,
            bundle=recommender.scorer.version,
            degraded=recommender.store.degraded,
            items=[LikelyItem.model_validate(item) for item in items],
        )

    async def messages(self, stream: Stream, client: str) -> AsyncIterator[bytes]:
        """Yield the best coupon of a stream's user as server-sent events, whenever it changes.

        The first answer was counted as a question of the client when the stream was opened, and
        each further one is counted here.
        """
        last: object = None
        async for happened in stream.happenings():
            if not happened:
                yield b": nothing new\n\n"
                continue
            arm = self._bundles.arm(stream.user_id)
            recommender = self._bundles.of(arm)
            moment = recommender.store.newest
            question = Question(stream.user_id, moment.date(), 1)
            try:
                if last is not None:
                    await self.grant(client, stream.user_id)
                async with self._pushing:
                    reply = await self.model((recommender, question))
            except (Refused, Overloaded):
                yield b": wait\n\n"
                await asyncio.sleep(1)
                stream.awake.set()
                continue
            best = [choice.coupon_id for choice in reply.choices]
            if best != last:
                last = best
                degraded = recommender.store.degraded
                body = _json(question, reply, degraded)
                self._record(question, moment, reply, degraded, cached=False, arm=arm)
                yield b"event: coupon\nid: %d\ndata: %s\n\n" % (reply.counted, body)

    async def close(self) -> None:
        """Wait for what the shadow still computes, and leave Redis."""
        await asyncio.gather(*self._shadows)
        await self._limits.close()


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


def _json(question: Question, reply: Reply, degraded: bool) -> bytes:
    """Write an answer; it names no chance where nothing is drawn, and no account unasked."""
    response = RecommendationResponse.model_validate(
        {
            "user_id": question.user_id,
            "day": question.day,
            "known": reply.known,
            "mailed": reply.mailed,
            "bundle": reply.bundle,
            "degraded": degraded,
            "coupons": reply.choices,
            "note": reply.note,
        }
    )
    return response.model_dump_json(exclude_defaults=True).encode()
