"""The service without its routes: it answers questions, takes events in, and reloads its bundle."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from coupon_rec.serving.bundle.scorer import UnknownPlatform
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.feature_store import StoreFullError
from coupon_rec.serving.http.api_models import (
    EventBatch,
    ItemsRequest,
    ItemsResponse,
    RecommendationRequest,
    RecommendationResponse,
)
from coupon_rec.serving.http.batching import Batcher
from coupon_rec.serving.http.bundles import CANARY, LIVE, SHADOW, Bundles
from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.limits import Limits
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import NO_DECISIONS, Settings
from coupon_rec.serving.http.streams import Streams
from coupon_rec.serving.recommender import ACCOUNTS, Question, Recommender, Reply

logger = logging.getLogger("coupon_rec.serving")

CACHE = 10_000
"""Answers that are kept."""
LISTEN = 0.2
"""Seconds between two exchanges of events with other replicas."""
RECOVER = 10
"""Seconds after an exchange that failed for no reason that we know."""
CROWD_SECONDS = 300
"""How long others stand where they stood, before users are ranked among them as they are then."""


class Answer(NamedTuple):
    """A reply, and the JSON of it that goes out."""

    question: Question
    reply: Reply
    degraded: bool
    cached: bool
    arm: str
    body: bytes


class Service:
    """Answers questions and takes events in, while bundles come and go.

    Parameters
    ----------
    bundle : pathlib.Path
        The folder to load, now and at each reload.
    settings : Settings
        Limits and secrets.

    Raises
    ------
    BundleError
        If a bundle cannot be used.
    ValueError
        If a setting is out of its range, or a folder cannot be written.
    """

    def __init__(self, bundle: Path, settings: Settings) -> None:
        self.settings, self.metrics, self.streams = settings, Metrics(), Streams(settings)
        self.bundles = Bundles(bundle, settings)
        self.decisions = _open_decisions(bundle, settings)
        self.limits = Limits(settings, self.metrics)
        self.model: Batcher[tuple[Recommender, Question], Reply] = Batcher(
            "model", self._recommend, settings.queue_limit
        )
        self.log: Batcher[Sequence[Event], None] = Batcher("log", self._write, settings.queue_limit)
        self.shadows: set[asyncio.Task[None]] = set()
        self._cache: dict[tuple[object, ...], Answer] = {}
        self._learning, self._reloading = asyncio.Lock(), asyncio.Lock()
        self._writing = ThreadPoolExecutor(1, "events")
        self._shadowing = ThreadPoolExecutor(1, "shadow")
        self._listening = ThreadPoolExecutor(1, "replicas")
        for arm in (LIVE, CANARY) if settings.canary else ():
            self.metrics.count["arm_redemptions"].labels(arm)

    @property
    def recommender(self) -> Recommender:
        """Of the bundle in service."""
        return self.bundles.live

    async def answer(self, ask: RecommendationRequest, client: str) -> tuple[bytes, str]:
        """Choose coupons for a user, or find what was chosen before.

        Returns
        -------
        bytes, str
            JSON of a `RecommendationResponse`, and the id of the request in the decision log; an
            empty one without such a log.

        Raises
        ------
        Refused
            If the client asks too much, the features do not reach the day, the bundle has no model
            for the platform, or too many requests wait.
        """
        await self.limits.question(client, ask.user_id, ACCOUNTS if ask.explain else 1)
        live, moment = self.bundles.at(ask.context)
        try:
            live.scorer.on(ask.platform)
        except UnknownPlatform as error:
            raise Refused(409, str(error), field="platform") from None
        exploring = self.bundles.exploring
        explore = exploring.happens() if exploring else None
        user_id = live.store.identifiers.named("user_id", ask.user_id)
        asked = Question(user_id, moment.date(), ask.k, explore, ask.explain, ask.platform)
        answer = await self.ask(asked)
        self.metrics.count["cached"].inc(answer.cached)
        self.metrics.count["explored"].inc(bool(explore) and not answer.cached)
        request_id = self.record(answer, moment)
        if self.bundles.trial and not self.settings.canary:
            task = asyncio.create_task(self._compare(self.bundles.trial, asked, moment, request_id))
            self.shadows.add(task)
            task.add_done_callback(self.shadows.discard)
        return answer.body, request_id

    async def ask(self, question: Question) -> Answer:
        """Answer by the bundle whose turn it is; a trial that fails is over."""
        arm, bundle = self.bundles.of(question.user_id)
        try:
            return await self._by(bundle, question, arm)
        except Exception as error:
            if arm == LIVE or isinstance(error, Refused):
                raise
            self.bundles.end_trial(bundle, error)
            return await self._by(self.bundles.live, question, LIVE)

    async def _by(self, bundle: Recommender, question: Question, arm: str) -> Answer:
        """Answer by a bundle: what was found, or is computed now.

        That happens where requests are read: a thread of its own would only take turns with that
        one at the interpreter, and answer fewer. A shadow has one, so that nobody waits for it.
        """
        degraded, store = self.bundles.log.degraded, bundle.store
        events = store.version(question.user_id), store.ranked
        found = self._cache.get((question, *events, bundle.scorer.version, degraded))
        if found:
            return found._replace(cached=True, arm=arm)
        if arm == SHADOW:
            loop = asyncio.get_running_loop()
            (reply,) = await loop.run_in_executor(self._shadowing, bundle, [question])
        else:
            reply = await self.model((bundle, question))
        response = RecommendationResponse(
            user_id=question.user_id,
            day=question.day,
            known=reply.known,
            mailed=reply.mailed,
            bundle=reply.bundle,
            degraded=degraded,
            coupons=list(reply.choices),
            note=reply.note,
        )
        # It names no chance where nothing is drawn, and no account unasked.
        body = response.model_dump_json(exclude_defaults=True).encode()
        answer = Answer(question, reply, degraded, False, arm, body)
        if not question.explore:
            self._cache[question, reply.version, reply.ranked, reply.bundle, degraded] = answer
        if len(self._cache) > CACHE:
            del self._cache[next(iter(self._cache))]
        return answer

    async def _recommend(
        self, asked: Sequence[tuple[Recommender, Question]]
    ) -> list[Reply | Exception]:
        """Answer each question by its bundle; where one bundle fails, the others answer."""
        self.metrics.histogram["batch_requests"].observe(len(asked))
        replies: list[Reply | Exception] = []
        for bundle, together in groupby(asked, key=itemgetter(0)):
            questions = [question for _, question in together]
            try:
                replies += bundle(questions)
            except Exception as error:
                replies += [error] * len(questions)
        return replies

    def record(self, answer: Answer, moment: datetime) -> str:
        """Record an answer that is about to go out, and give its id."""
        question, reply, degraded, cached, arm, _ = answer
        self.metrics.see(reply.choices)
        if self.bundles.trial:
            self.metrics.see(reply.choices, arm)
        if self.decisions is None:
            return ""
        return self.decisions.record_answer(
            question, moment, reply, degraded=degraded, cached=cached, arm=arm
        )

    async def _compare(
        self, trial: Recommender, question: Question, moment: datetime, request_id: str
    ) -> None:
        """Let the trial answer a request that was answered, for the record alone."""
        if len(self.shadows) > self.settings.queue_limit:
            return self.metrics.count["shadows_lost"].inc()
        question = question._replace(explore=None, explain=False)
        try:
            _, reply, degraded, cached, *_ = await self._by(trial, question, SHADOW)
        except Exception as error:
            self.bundles.end_trial(trial, error)
            return self.metrics.count["shadows_lost"].inc()
        self.metrics.see(reply.choices, SHADOW)
        if self.decisions:
            self.decisions.record_shadow(
                request_id, question, moment, reply, degraded=degraded, cached=cached
            )

    async def items(self, ask: ItemsRequest, client: str) -> ItemsResponse:
        """Give the items that a user is most likely to buy; Refused as `answer`."""
        await self.limits.question(client, ask.user_id)
        bundle, moment = self.bundles.at(ask.context)
        async with self._learning:  # the first to ask of a bundle waits until it has learned
            await asyncio.to_thread(lambda: bundle.item_model)
        items, known = bundle.items(ask.user_id, moment.date(), ask.k)
        return ItemsResponse(
            user_id=bundle.store.identifiers.named("user_id", ask.user_id),
            day=moment.date(),
            known=known,
            bundle=bundle.scorer.version,
            degraded=bundle.store.degraded,
            items=items,
        )

    async def accept(self, batch: EventBatch) -> None:
        """Take events in: they are on disk, and in the features, when it returns.

        Raises
        ------
        Refused
            If the features do not reach a day, the log takes no more, or too many batches wait.
        """
        events = [Event(**event.model_dump()) for event in batch.events]
        for number, event in enumerate(events):
            self.bundles.check_day(event.day, f"events.{number}.time", past=True)
        try:
            await self.log(events)
        except (StoreFullError, OSError) as error:
            logger.error("events cannot be taken in: %s", type(error).__name__)
            raise Refused(503, "no event was taken in: send them again later", wait=60) from error
        identifiers = self.recommender.store.identifiers
        for event in events:
            self.metrics.count["events"].labels(event.kind).inc()
            if event.kind == "redemption" and self.bundles.trial and self.settings.canary:
                arm, _ = self.bundles.of(event.user_id)
                self.metrics.count["arm_redemptions"].labels(arm).inc()
        moved = {event.user_id for event in events if event.kind != "review"}
        self.streams.wake(identifiers.named("user_id", user_id) for user_id in moved)
        if self.decisions:
            self.decisions.record_outcomes(events, identifiers)

    async def _write(self, batches: Sequence[Sequence[Event]]) -> list[None]:
        """Write events that came together at once, which takes about as long as for one."""
        events = [event for events in batches for event in events]

        def work() -> None:
            self.recommender.store.add(events)
            self.bundles.follow()

        await self._alone(work)
        return [None] * len(batches)

    async def _alone(self, work: Callable[[], object]) -> None:
        """Work on the one thread that writes events, so that none is accepted meanwhile."""
        await asyncio.get_running_loop().run_in_executor(self._writing, work)

    async def listen(self) -> None:
        """Take in what other replicas accept, as long as the service runs."""
        loop, pause = asyncio.get_running_loop(), LISTEN
        while self.settings.redis:
            try:
                pause = LISTEN
                if await loop.run_in_executor(self._listening, self._catch_up):
                    self.streams.wake()
            except Exception as error:  # others are listened to as long as the service runs
                logger.exception("no exchange with other replicas (%s)", type(error).__name__)
                self.bundles.log.degraded = True
                pause = RECOVER
            await asyncio.sleep(pause)

    async def rank(self) -> None:
        """Rank users anew every few minutes, as long as the service runs."""
        while True:
            await asyncio.sleep(CROWD_SECONDS)
            for bundle in filter(None, (self.bundles.live, self.bundles.trial)):
                try:
                    await asyncio.to_thread(bundle.store.rank)
                except Exception as error:  # they are ranked as they were
                    logger.exception("users are not ranked anew (%s)", type(error).__name__)

    def _catch_up(self) -> int:
        new = self.recommender.store.catch_up()
        self.bundles.follow()
        return new

    async def reload(self) -> str:
        """Load the bundle's folder again beside what is loaded, then swap; return its version.

        Raises
        ------
        Refused
            If it cannot be used. What was loaded stays.
        """
        async with self._reloading:
            try:
                fresh = await asyncio.to_thread(self.bundles.load)
            except ValueError as error:
                self.metrics.count["reloads"].labels("refused").inc()
                logger.warning("the bundle stays as it was: %s", error)
                raise Refused(409, f"the bundle stays as it was: {error}") from error
            await self._alone(lambda: self.bundles.swap(*fresh))
        self.streams.wake()
        self.metrics.count["reloads"].labels("done").inc()
        return fresh[0].scorer.version

    async def close(self) -> None:
        """Wait for the shadow, write what is recorded, and let another process have the files."""
        await asyncio.gather(*self.shadows)
        await self.limits.close()
        if self.decisions:
            self.decisions.close()
        self._shadowing.shutdown()
        self._writing.shutdown()
        self._listening.shutdown()
        self.bundles.log.close()


def _open_decisions(bundle: Path, settings: Settings) -> DecisionLog | None:
    """Open the log of decisions; None if there is to be none."""
    folder = settings.decisions or bundle.with_name(f"{bundle.name}.decisions")
    if folder == NO_DECISIONS:
        return None
    try:
        return DecisionLog(folder, settings.pseudonym_key)
    except OSError as error:
        raise ValueError(
            f"answers cannot be recorded in {folder} ({error.strerror}): choose another folder, or "
            '"none", for --decisions'
        ) from error
