"""The service without HTTP: it answers questions, takes events in, and reloads its bundle."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

from coupon_rec.serving.events.event import Event
from coupon_rec.serving.http.answering import Answering, json_of
from coupon_rec.serving.http.api_models import ItemsResponse, LikelyItem
from coupon_rec.serving.http.batching import Batcher, Overloaded
from coupon_rec.serving.http.bundles import CANARY, LIVE, Bundles
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.opening import open_asked, open_decisions
from coupon_rec.serving.http.security import Asked, Probing
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.http.streams import Stream, Streams
from coupon_rec.serving.recommender import Question, Recommender

logger = logging.getLogger("coupon_rec.serving")

LISTEN = 0.2
"""Seconds between two exchanges of events with other replicas."""
RECOVER = 10
"""Seconds after an exchange that failed for no reason that we know."""


class Service:
    """Answers questions and takes events in, while bundles come and go.

    Parameters
    ----------
    bundle : pathlib.Path
        The folder to load, now and at each reload.
    settings : Settings
        Limits and secrets.

    Attributes
    ----------
    bundles : Bundles
        What is loaded.
    answering : Answering
        What answers for coupons.
    streams : Streams
        Who is told of a new best coupon.
    probing : Probing
        Who asks too much.
    decisions : DecisionLog or None
        Where answers and outcomes are recorded.

    Raises
    ------
    BundleError
        If a bundle cannot be used.
    ValueError
        If a setting is out of its range, or a folder cannot be written.
    """

    def __init__(self, bundle: Path, settings: Settings) -> None:
        self.settings = settings
        self.metrics = metrics = Metrics()
        self.streams = Streams(settings.stream_limit)
        self.probing = Probing(
            settings.users_per_client, settings.asks_per_user, shared=bool(settings.redis)
        )
        self.stopping = False
        self.bundles = Bundles(bundle, settings)
        self.decisions = open_decisions(
            settings.decisions or bundle.with_name(f"{bundle.name}.decisions"), settings
        )
        self.answering = Answering(self.bundles, settings, metrics, self.decisions)
        self._asked = open_asked(settings)
        self._writing = ThreadPoolExecutor(1, "events")
        self._listening = ThreadPoolExecutor(1, "replicas")
        self._add = Batcher(self._write, settings.queue_limit, settings.queue_limit)
        self._pushing = asyncio.Semaphore(settings.batch_limit)
        self._reloading = asyncio.Lock()
        self._learning = asyncio.Lock()
        self._be_counted()

    def _be_counted(self) -> None:
        """Let the metrics read what they show, from the first look on."""
        metrics, log = self.metrics, self.bundles.log
        metrics.streams.set_function(self.streams.__len__)
        metrics.degraded.set_function(lambda: self.recommender.store.degraded)
        metrics.unpublished.set_function(lambda: getattr(log, "unpublished", 0))
        metrics.trial.set_function(lambda: self.trial is not None)
        metrics.unseen.set_function(lambda: sum(self.recommender.store.snapshot.unseen.values()))
        if decisions := self.decisions:
            metrics.decisions_lost.set_function(lambda: decisions.lost["answers"])
            metrics.outcomes_lost.set_function(lambda: decisions.lost["outcomes"])
        for name, queue in self.queues.items():
            metrics.waiting.labels(name).set_function(queue.__len__)
        for name in (*self.queues, "streams"):
            metrics.turned_away.labels(name)
        if self.settings.canary:
            for name in (LIVE, CANARY):
                metrics.arm_redemptions.labels(name)

    @property
    def recommender(self) -> Recommender:
        """Of the bundle in service."""
        return self.bundles.live

    @property
    def trial(self) -> Recommender | None:
        """Of the bundle on trial."""
        return self.bundles.trial

    @property
    def queues(self) -> dict[str, Sized]:
        """What waits, by what it waits for."""
        answering = self.answering
        return {"model": answering.ask, "shadow": answering.ask_shadow, "log": self._add}

    async def items(self, user_id: int | str, moment: datetime, k: int) -> ItemsResponse:
        """Give the k items that a user is most likely to buy; OutOfReach as `answer`.

        The first to ask of a bundle waits until it has learned which items are bought again.
        """
        recommender = self.bundles.reaching(moment.date())
        async with self._learning:
            if recommender.item_model is None:
                recommender.item_model = await asyncio.to_thread(recommender.learn_items)
        store = recommender.store
        items, known = recommender.items(user_id, moment.date(), k)
        return ItemsResponse(
            user_id=store.identifiers.named("user_id", user_id),
            day=moment.date(),
            known=known,
            bundle=recommender.scorer.version,
            degraded=store.degraded,
            items=[LikelyItem(**item._asdict()) for item in items],
        )

    async def accept(self, events: Sequence[Event]) -> None:
        """Take events in: on disk, and in the features, when it returns. Overloaded as `ask`."""
        await self._add(events)
        for event in events:
            self.metrics.events.labels(event.kind).inc()
        if self.trial and self.settings.canary:
            for event in events:
                if event.kind == "redemption":
                    self.metrics.arm_redemptions.labels(self.bundles.arm(event.user_id)).inc()
        moving = [event for event in events if event.kind != "review"]
        identifiers = self.recommender.store.identifiers
        self.streams.wake({identifiers.named("user_id", event.user_id) for event in moving})
        if self.decisions:
            self.decisions.record_outcomes(events, identifiers)

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
            if last is not None and (wait := self.probing.wait(client, stream.user_id)[1]):
                self.metrics.limited.labels("asks").inc()
                yield b": wait\n\n"
                await asyncio.sleep(min(wait, 1))
                stream.wake()
                continue
            try:
                async with self._pushing:
                    arm = self.bundles.arm(stream.user_id)
                    recommender = self.bundles.of(arm)
                    moment = recommender.store.newest
                    question = Question(stream.user_id, moment.date(), 1)
                    reply = await self.answering.ask((recommender, question))
            except Overloaded:
                await asyncio.sleep(1)
                stream.wake()
                continue
            best = [choice.coupon_id for choice in reply.choices]
            if best != last:
                last = best
                degraded = recommender.store.degraded
                body = json_of(question, reply, degraded)
                self.answering.record(question, moment, reply, degraded, cached=False, arm=arm)
                yield b"event: coupon\nid: %d\ndata: %s\n\n" % (reply.counted, body)

    async def listen(self) -> None:
        """Take in what other replicas accept, as long as the service runs."""
        while self.settings.redis:
            catch_up, granted = self._catch_up, self.probing.given()
            try:
                new, asked = await asyncio.get_running_loop().run_in_executor(
                    self._listening, catch_up, granted
                )
            except Exception as error:  # others are listened to as long as the service runs
                logger.exception("no exchange with other replicas (%s)", type(error).__name__)
                self.bundles.log.degraded = True
                await asyncio.sleep(RECOVER)
                continue
            self.probing.take(asked)
            if new:
                self.streams.wake_all()
            await asyncio.sleep(LISTEN)

    def _catch_up(self, granted: Sequence[Asked]) -> tuple[int, list[Asked]]:
        new = self.recommender.store.catch_up()
        self.bundles.follow()
        return new, self._asked.exchange(granted) if self._asked else []

    async def reload(self) -> str:
        """Load the bundle's folder again beside what is loaded, then swap; return its version.

        Raises
        ------
        ValueError
            If it cannot be used: a BundleError, mostly. What was loaded stays.
        """
        async with self._reloading:
            try:
                fresh = await asyncio.to_thread(self.bundles.load)
            except ValueError as error:
                self.metrics.reloads.labels("refused").inc()
                logger.warning("the bundle stays as it was: %s", error)
                raise
            await self._alone(lambda: self.bundles.swap(*fresh))
        self.streams.wake_all()
        self.metrics.reloads.labels("done").inc()
        return fresh[0].scorer.version

    def stop(self) -> None:
        """Take no new stream, end the open ones, and say that we are not ready."""
        self.stopping = True
        self.streams.stop()

    async def finish(self) -> None:
        """Wait for what the shadow still computes."""
        await self.answering.finish()

    def close(self) -> None:
        """Write what is recorded, and let another process have the files."""
        if self.decisions:
            self.decisions.close()
        self._writing.shutdown()
        self._listening.shutdown()
        if self._asked:
            self._asked.close()
        self.bundles.log.close()

    async def _write(self, batches: Sequence[Sequence[Event]]) -> list[Exception | None]:
        events = [event for events in batches for event in events]

        def work() -> None:
            self.recommender.store.add(events)
            self.bundles.follow()

        await self._alone(work)
        return [None] * len(batches)

    async def _alone(self, work: Callable[[], object]) -> None:
        """Work on the one thread that writes events, so that none is accepted meanwhile."""
        await asyncio.get_running_loop().run_in_executor(self._writing, work)

    def live(self, day: date | None) -> tuple[date, list[tuple[int | str, int | str]]]:
        """List the campaigns and coupons that are valid on a day, today if it is None.

        OutOfReach as `Bundles.reaching`.
        """
        recommender = self.bundles.reaching(day) if day else self.recommender
        day = day or recommender.store.newest.date()
        coupons = recommender.store.snapshot.coupons
        valid = coupons.last_day >= (day - date(1970, 1, 1)).days
        campaign_ids, coupon_ids = (
            recommender.store.identifiers.names(name, getattr(coupons, name)[valid]).to_pylist()
            for name in ("campaign_id", "coupon_id")
        )
        return day, list(zip(campaign_ids, coupon_ids, strict=True))
