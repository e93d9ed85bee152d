"""The service without its routes: it answers questions, takes events in, and reloads its bundle."""

import asyncio
import logging
from collections.abc import Callable, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.feature_store import StoreFullError
from coupon_rec.serving.http.answering import Answers
from coupon_rec.serving.http.api_models import (
    EventBatch,
    LiveCoupon,
    LiveCoupons,
)
from coupon_rec.serving.http.batching import Batcher, Overloaded
from coupon_rec.serving.http.bundles import CANARY, LIVE, Bundles
from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import NO_DECISIONS, Settings
from coupon_rec.serving.http.streams import Stream, Streams
from coupon_rec.serving.recommender import Recommender

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
    answers : Answers
        What answers for coupons and items.
    streams : Streams
        Who is told of a new best coupon.
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
        self.metrics = Metrics()
        self.streams = Streams(settings.stream_limit)
        self.stopping = False
        self.bundles = Bundles(bundle, settings)
        self.decisions = _open_decisions(bundle, settings)
        self.answers = Answers(self.bundles, settings, self.metrics, self.decisions)
        self._log: Batcher[Sequence[Event], None] = Batcher(
            "log", self._write, settings.queue_limit, settings.queue_limit
        )
        self._writing = ThreadPoolExecutor(1, "events")
        self._listening = ThreadPoolExecutor(1, "replicas")
        self._reloading = asyncio.Lock()
        self._be_counted()

    def _be_counted(self) -> None:
        """Let the metrics read what they show, from the first look on."""
        metrics, log = self.metrics, self.bundles.log
        metrics.streams.set_function(self.streams.__len__)
        metrics.degraded.set_function(lambda: self.recommender.store.degraded)
        metrics.unpublished.set_function(lambda: getattr(log, "unpublished", 0))
        metrics.trial.set_function(lambda: self.bundles.trial is not None)
        metrics.unseen.set_function(lambda: sum(self.recommender.store.snapshot.unseen.values()))
        if decisions := self.decisions:
            metrics.decisions_lost.set_function(lambda: decisions.lost["answers"])
            metrics.outcomes_lost.set_function(lambda: decisions.lost["outcomes"])
        queues: dict[str, Sized] = {
            "model": self.answers.model,
            "shadow": self.answers.shadow,
            "log": self._log,
        }
        for name, queue in queues.items():
            metrics.waiting.labels(name).set_function(queue.__len__)
        if self.settings.canary:
            for name in (LIVE, CANARY):
                metrics.arm_redemptions.labels(name)

    @property
    def recommender(self) -> Recommender:
        """Of the bundle in service."""
        return self.bundles.live

    def coupons(self, day: date | None) -> LiveCoupons:
        """List the coupons that are valid on a day, by default that of the newest event."""
        recommender = self.bundles.reaching(day, "day") if day else self.recommender
        day = day or recommender.store.newest.date()
        coupons = recommender.store.snapshot.coupons
        valid = coupons.last_day >= (day - date(1970, 1, 1)).days
        campaign_ids, coupon_ids = (
            recommender.store.identifiers.names(name, getattr(coupons, name)[valid]).to_pylist()
            for name in ("campaign_id", "coupon_id")
        )
        return LiveCoupons(
            day=day,
            coupons=[
                LiveCoupon(campaign_id=campaign, coupon_id=coupon)
                for campaign, coupon in zip(campaign_ids, coupon_ids, strict=True)
            ],
        )

    async def open_stream(self, user_id: int | str, client: str) -> Stream:
        """Open a stream for a user; Refused or Overloaded as `Answers.answer`."""
        await self.answers.grant(client, user_id)
        stream = self.streams.open(self.recommender.store.identifiers.named("user_id", user_id))
        if stream is None:
            raise Overloaded("streams")
        return stream

    async def accept(self, batch: EventBatch) -> None:
        """Take events in: they are on disk, and in the features, when it returns.

        Raises
        ------
        Refused
            If the features do not reach a day, or the log takes no more.
        Overloaded
            If too many batches wait.
        """
        events = [Event(**event.model_dump()) for event in batch.events]
        for number, event in enumerate(events):
            self.bundles.reaching(event.day, f"events.{number}.time", past=True)
        try:
            await self._log(events)
        except (StoreFullError, OSError) as error:
            logger.error("events cannot be taken in: %s", type(error).__name__)
            raise Refused(503, "no event was taken in: send them again later", wait=60) from error
        identifiers = self.recommender.store.identifiers
        for event in events:
            self.metrics.events.labels(event.kind).inc()
            if event.kind == "redemption" and self.bundles.trial and self.settings.canary:
                self.metrics.arm_redemptions.labels(self.bundles.arm(event.user_id)).inc()
        moved = {event.user_id for event in events if event.kind != "review"}
        self.streams.wake(identifiers.named("user_id", user_id) for user_id in moved)
        if self.decisions:
            self.decisions.record_outcomes(events, identifiers)

    async def _write(self, batches: Sequence[Sequence[Event]]) -> list[None]:
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
        while self.settings.redis:
            pause = LISTEN
            try:
                if await asyncio.get_running_loop().run_in_executor(
                    self._listening, self._catch_up
                ):
                    self.streams.wake()
            except Exception as error:  # others are listened to as long as the service runs
                logger.exception("no exchange with other replicas (%s)", type(error).__name__)
                self.bundles.log.degraded = True
                pause = RECOVER
            await asyncio.sleep(pause)

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
                fresh, trial = await asyncio.to_thread(self.bundles.load)
            except ValueError as error:
                self.metrics.reloads.labels("refused").inc()
                logger.warning("the bundle stays as it was: %s", error)
                raise Refused(409, f"the bundle stays as it was: {error}") from error
            await self._alone(lambda: self.bundles.swap(fresh, trial))
        self.streams.wake()
        self.metrics.reloads.labels("done").inc()
        return fresh.scorer.version

    def stop(self) -> None:
        """Take no new stream, end the open ones, and say that we are not ready."""
        self.stopping = True
        self.streams.stop()

    async def close(self) -> None:
        """Wait for the shadow, write what is recorded, and let another process have the files."""
        await self.answers.close()
        if self.decisions:
            self.decisions.close()
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
