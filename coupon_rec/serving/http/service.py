"""The service without HTTP: it answers questions, takes events in, and reloads its bundle."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from pydantic_core import to_json

from coupon_rec.serving.bundle.manifest import BundleError, verified, version_of
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.events.identifiers import UNKNOWN
from coupon_rec.serving.exploring import Exploring
from coupon_rec.serving.hashing import drawn, shard_of
from coupon_rec.serving.http.api_models import ItemsResponse, LikelyItem
from coupon_rec.serving.http.batching import Batcher, Overloaded
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.http.streams import Stream, Streams
from coupon_rec.serving.recommender import Choice, Question, Recommender, Reply

logger = logging.getLogger("coupon_rec.serving")

MOST_DAYS = 365
"""How far after its snapshot a bundle may be asked; every recency has reached its cap by then."""

LISTEN = 0.2
"""Seconds between two exchanges of events with other replicas."""

NO_DECISIONS = Path("none")
"""What `Settings.decisions` is where nothing is recorded."""

LIVE, CANARY, SHADOW = "live", "canary", "shadow"

Key = tuple[object, ...]
Asking = Batcher[tuple[Recommender, Question], Reply]


class OutOfReach(ValueError):
    """A day before the snapshot that is loaded, or too long after it."""


class Elsewhere(ValueError):
    """A user whom a replica of another shard serves."""


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
    recommender : Recommender
        Of the bundle in service.
    trial : Recommender or None
        Of the bundle on trial. One that fails is taken out, and never the service with it.

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
        self.metrics.streams.set_function(self.streams.__len__)
        self.metrics.degraded.set_function(lambda: self.recommender.store.degraded)
        self.stopping = False
        self._bundle = bundle
        self._exploring = (
            Exploring(settings.explore, settings.explore_floor, settings.explore_seed)
            if settings.explore
            else None
        )
        if not 0 <= settings.canary <= 1 or (settings.canary and not settings.trial):
            raise ValueError(
                f"canary is {settings.canary}: it must be in [0, 1], and needs a trial (--trial)"
            )
        scorer = Scorer.load(bundle)
        self.shard = scorer.shard
        path = settings.log or bundle.with_name(f"{bundle.name}.events")
        self._log = _open_log(path, settings, self.shard)
        self.recommender = self._recommender(bundle, scorer)
        self.trial = self._load_trial(self.recommender)
        self.metrics.unpublished.set_function(lambda: getattr(self._log, "unpublished", 0))
        self.metrics.trial.set_function(lambda: self.trial is not None)
        self.decisions = _open_decisions(
            settings.decisions or bundle.with_name(f"{bundle.name}.decisions"), settings
        )
        if self.decisions:
            log = self.decisions
            self.metrics.decisions_lost.set_function(lambda: log.lost["answers"])
            self.metrics.outcomes_lost.set_function(lambda: log.lost["outcomes"])
        self._newest = datetime.min
        self._cache: OrderedDict[Key, tuple[bytes, Reply]] = OrderedDict()
        self._writing = ThreadPoolExecutor(1, "events")
        self._listening = ThreadPoolExecutor(1, "replicas")
        self._ask: Asking = Batcher(self._recommend, settings.queue_limit, settings.batch_limit)
        self._ask_shadow: Asking = Batcher(self._shadow, settings.queue_limit, settings.batch_limit)
        self._add = Batcher(self._write, settings.queue_limit, settings.queue_limit)
        for name, queue in self.queues.items():
            self.metrics.waiting.labels(name).set_function(queue.__len__)
        for name in (*self.queues, "streams"):
            self.metrics.turned_away.labels(name)  # from 0 on, so that Prometheus sees the first
        if settings.canary:
            for name in (LIVE, CANARY):
                self.metrics.arm_redemptions.labels(name)
        self._shadows: set[asyncio.Task[None]] = set()
        self._pushing = asyncio.Semaphore(settings.batch_limit)
        self._reloading = asyncio.Lock()
        self._learning = asyncio.Lock()

    def _recommender(self, bundle: Path, scorer: Scorer, trial: bool = False) -> Recommender:
        """Put the features of its bundle beside a model, and see that it answers a question."""
        # A trial reads the log that the bundle in service keeps, and shortens.
        load = FeatureStore if trial else FeatureStore.load
        store = load(bundle / "snapshot", scorer.encoder, self._log)
        if scorer.shard != self.shard:
            raise BundleError(f"{bundle}: {_place(scorer.shard)}, but this is {_place(self.shard)}")
        if version_of(verified(bundle)) != scorer.version:
            raise BundleError(f"{bundle}: became another bundle meanwhile; load it again")
        recommender = Recommender(scorer, store, self.settings.economics, self._exploring)
        try:
            recommender([Question(UNKNOWN, store.day, 1)])
        except Exception as error:  # those of ONNX Runtime have no class of their own
            raise BundleError(
                f"{bundle}: the model cannot score the features of the snapshot ({error}); "
                "train and export a model of these features"
            ) from error
        return recommender

    @property
    def queues(self) -> dict[str, Sized]:
        """What waits, by what it waits for."""
        return {"model": self._ask, "shadow": self._ask_shadow, "log": self._add}

    def require_mine(self, user_id: int | str) -> None:
        """Raise `Elsewhere` for a user of another shard."""
        if self.shard and (place := shard_of(user_id, self.shard[1])) != self.shard[0]:
            raise Elsewhere(
                f"this user is of shard {place} of {self.shard[1]}, and this replica serves shard "
                f"{self.shard[0]}: ask a replica of that shard"
            )

    def _load_trial(self, live: Recommender) -> Recommender | None:
        folder = self.settings.trial
        if folder is None:
            return None
        trial = self._recommender(folder, Scorer.load(folder), trial=True)
        if trial.store.day != live.store.day:
            raise BundleError(
                f"{folder}: of {trial.store.day}, but what is in service is of {live.store.day}; "
                "export both for the same day"
            )
        trial.store.follow()
        return trial

    def _load(self) -> tuple[Recommender, Recommender | None]:
        """Load both folders again. A trial that cannot be used does not keep a bundle out."""
        live = self._recommender(self._bundle, Scorer.load(self._bundle))
        try:
            return live, self._load_trial(live)
        except ValueError as error:
            logger.warning("no bundle is on trial: %s", error)
            return live, None

    def arm(self, user_id: int | str) -> str:
        """Say which bundle answers a user: "live" or "canary"."""
        trial, share = self.settings.trial, self.settings.canary
        if self.trial and trial and share and drawn(user_id, trial.name, share):
            return CANARY
        return LIVE

    def _of(self, arm: str) -> Recommender:
        return self.trial if self.trial and arm != LIVE else self.recommender

    def _now(self, recommender: Recommender) -> datetime:
        """The time of the newest event, or the beginning of the snapshot's day."""
        return max(self._newest, datetime.combine(recommender.store.day, time()))

    async def answer(
        self, user_id: int | str, moment: datetime, k: int, explain: bool = False
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

        Returns
        -------
        bytes, str
            JSON of a `RecommendationResponse`, and the id of the request in the decision log; an
            empty one without such a log.

        Raises
        ------
        OutOfReach
            If the features do not reach the day.
        Overloaded
            If too many requests wait.
        """
        identifiers = self.reaching(moment.date()).store.identifiers
        explore = self._exploring.happens() if self._exploring else None
        user_id = identifiers.named("user_id", user_id)
        question = Question(user_id, moment.date(), k, explore, explain)
        arm = self.arm(user_id)
        degraded = self._log.degraded
        try:
            body, reply, cached = await self._found(self._of(arm), question, degraded, self._ask)
        except Exception as error:
            if arm == LIVE or isinstance(error, Overloaded):
                raise
            self._end_trial(error)
            return await self.answer(user_id, moment, k, explain)
        self.metrics.cached.inc(cached)
        self.metrics.explored.inc(bool(explore) and not cached)
        request_id = self._record(question, moment, reply, degraded, cached=cached, arm=arm)
        if self.trial and not self.settings.canary:
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
        body = _json(question, reply, degraded)
        if not question.explore:
            self._cache[question, reply.counted, reply.bundle, degraded] = body, reply
        if len(self._cache) > self.settings.cache_limit:
            self._cache.popitem(last=False)
        return body, reply, False

    async def _compare(
        self, request_id: str, question: Question, moment: datetime, degraded: bool
    ) -> None:
        """Let the trial answer a request that was answered, for the record alone."""
        trial, question = self.trial, question._replace(explore=None, explain=False)
        if trial is None:
            return
        try:
            _, reply, cached = await self._found(trial, question, degraded, self._ask_shadow)
        except Exception as error:
            self.metrics.shadows_lost.inc()
            if not isinstance(error, Overloaded):
                self._end_trial(error)
            return
        self.metrics.see(reply.choices, SHADOW)
        if self.decisions:
            self.decisions.record_shadow(
                request_id, question, moment, reply, degraded=degraded, cached=cached
            )

    def _end_trial(self, error: Exception) -> None:
        logger.error("the trial ends: %s", type(error).__name__)
        self.trial = None

    async def items(self, user_id: int | str, moment: datetime, k: int) -> ItemsResponse:
        """Give the k items that a user is most likely to buy; OutOfReach as `answer`.

        The first to ask of a bundle waits until it has learned which items are bought again.
        """
        recommender = self.reaching(moment.date())
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
        self.metrics.see(reply.choices)
        if self.trial:
            self.metrics.see(reply.choices, arm)
        if self.decisions is None:
            return ""
        return self.decisions.record_answer(
            question, moment, reply, degraded=degraded, cached=cached, arm=arm
        )

    async def accept(self, events: Sequence[Event]) -> None:
        """Take events in: on disk, and in the features, when it returns. Overloaded as `ask`."""
        await self._add(events)
        self.metrics.events.inc(len(events))
        if self.trial and self.settings.canary:
            for event in events:
                if event.kind == "redemption":
                    self.metrics.arm_redemptions.labels(self.arm(event.user_id)).inc()
        self._newest = max(self._newest, *(event.time for event in events))
        identifiers = self.recommender.store.identifiers
        self.streams.wake({identifiers.named("user_id", event.user_id) for event in events})
        if self.decisions:
            self.decisions.record_outcomes(events, identifiers)

    async def messages(self, stream: Stream) -> AsyncIterator[bytes]:
        """Yield the best coupon of a stream's user as server-sent events, whenever it changes."""
        last: object = None
        async for happened in stream.happenings():
            if not happened:
                yield b": nothing new\n\n"
                continue
            try:
                async with self._pushing:
                    arm = self.arm(stream.user_id)
                    recommender = self._of(arm)
                    moment = self._now(recommender)
                    question = Question(stream.user_id, moment.date(), 1)
                    reply = await self._ask((recommender, question))
            except Overloaded:
                await asyncio.sleep(1)
                stream.wake()
                continue
            best = [choice.coupon_id for choice in reply.choices]
            if best != last:
                last = best
                degraded = recommender.store.degraded
                body = _json(question, reply, degraded)
                self._record(question, moment, reply, degraded, cached=False, arm=arm)
                yield b"event: coupon\nid: %d\ndata: %s\n\n" % (reply.counted, body)

    async def listen(self) -> None:
        """Take in what other replicas accept, as long as the service runs."""
        while self.settings.redis:
            catch_up = self._catch_up
            if await asyncio.get_running_loop().run_in_executor(self._listening, catch_up):
                self.streams.wake_all()
            await asyncio.sleep(LISTEN)

    def _catch_up(self) -> int:
        new = self.recommender.store.catch_up()
        self._follow()
        return new

    def _follow(self) -> None:
        """Let the trial count the events that the log has."""
        if self.trial:
            try:
                self.trial.store.follow()
            except Exception as error:  # the events are accepted, whatever it thinks of them
                self._end_trial(error)

    async def reload(self) -> str:
        """Load the bundle's folder again beside what is loaded, then swap; return its version.

        Raises
        ------
        ValueError
            If it cannot be used: a BundleError, mostly. What was loaded stays.
        """
        async with self._reloading:
            try:
                fresh = await asyncio.to_thread(self._load)
            except ValueError as error:
                self.metrics.reloads.labels("refused").inc()
                logger.warning("the bundle stays as it was: %s", error)
                raise
            await self._alone(lambda: self._swap(*fresh))
        self.streams.wake_all()
        self.metrics.reloads.labels("done").inc()
        return fresh[0].scorer.version

    def _swap(self, fresh: Recommender, trial: Recommender | None) -> None:
        fresh.store.catch_up()
        self.recommender, self.trial = fresh, trial
        self._follow()

    def stop(self) -> None:
        """Take no new stream, end the open ones, and say that we are not ready."""
        self.stopping = True
        self.streams.stop()

    async def finish(self) -> None:
        """Wait for what the shadow still computes."""
        await asyncio.gather(*self._shadows)

    def close(self) -> None:
        """Write what is recorded, and let another process have the files."""
        if self.decisions:
            self.decisions.close()
        self._writing.shutdown()
        self._listening.shutdown()
        self._log.close()

    async def _recommend(
        self, asked: Sequence[tuple[Recommender, Question]]
    ) -> list[Reply | Exception]:
        """Answer each question from the bundle that it was asked of, though a new one has come.

        It computes where the requests are read and answered: a thread of its own would only take
        turns with that one at the interpreter, and answer fewer.
        """
        self.metrics.batch.observe(len(asked))
        return _replies(asked)

    async def _shadow(
        self, asked: Sequence[tuple[Recommender, Question]]
    ) -> list[Reply | Exception]:
        """Answer beside the requests that somebody waits for, which are read meanwhile."""
        return await asyncio.to_thread(_replies, asked)

    async def _write(self, batches: Sequence[Sequence[Event]]) -> list[Exception | None]:
        events = [event for events in batches for event in events]

        def work() -> None:
            self.recommender.store.add(events)
            self._follow()

        await self._alone(work)
        return [None] * len(batches)

    async def _alone(self, work: Callable[[], object]) -> None:
        """Work on the one thread that writes events, so that none is accepted meanwhile."""
        await asyncio.get_running_loop().run_in_executor(self._writing, work)

    def live(self, day: date | None) -> tuple[date, list[tuple[int | str, int | str]]]:
        """List the campaigns and coupons that are valid on a day, today if it is None.

        OutOfReach as `reaching`.
        """
        recommender = self.reaching(day) if day else self.recommender
        day = day or self._now(recommender).date()
        coupons = recommender.store.snapshot.coupons
        valid = coupons.last_day >= (day - date(1970, 1, 1)).days
        campaign_ids, coupon_ids = (
            recommender.store.identifiers.names(name, getattr(coupons, name)[valid]).to_pylist()
            for name in ("campaign_id", "coupon_id")
        )
        return day, list(zip(campaign_ids, coupon_ids, strict=True))

    def reaching(self, day: date, *, past: bool = False) -> Recommender:
        """Give what is loaded, if its features reach a day, or any day before if `past`.

        Raises
        ------
        OutOfReach
            If they do not.
        """
        recommender = self.recommender
        first = recommender.store.day
        last = first + timedelta(days=MOST_DAYS)
        if day > last or (day < first and not past):
            raise OutOfReach(f"{day} is out of reach: send {first} to {last}")
        return recommender


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


def _place(shard: tuple[int, int] | None) -> str:
    return f"shard {shard[0]} of {shard[1]}" if shard else "a whole bundle"


def _open_log(path: Path, settings: Settings, shard: tuple[int, int] | None) -> EventLog:
    if not settings.redis:
        return EventLog(path)
    from coupon_rec.serving.events.redis_log import STREAM, RedisStream
    from coupon_rec.serving.events.shared_log import SharedLog

    # The replicas of a shard share what happens to its users.
    name = f"{STREAM}:{shard[0]}-{shard[1]}" if shard else STREAM
    return SharedLog(path, RedisStream(settings.redis, name))


def _open_decisions(folder: Path, settings: Settings) -> DecisionLog | None:
    if folder == NO_DECISIONS:
        return None
    try:
        return DecisionLog(folder, settings.pseudonym_key)
    except OSError as error:
        raise ValueError(
            f"answers cannot be recorded in {folder} ({error.strerror}): choose another folder, or "
            '"none", for --decisions'
        ) from error


def _json(question: Question, reply: Reply, degraded: bool) -> bytes:
    return to_json(
        {
            "user_id": question.user_id,
            "day": question.day,
            "known": reply.known,
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
