"""The features of every user in memory, which move with each event."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import RLock

import numpy as np

from coupon_rec.features.catalog import MILLIONTHS
from coupon_rec.features.encoder import Encoder
from coupon_rec.features.online.candidates import Asked, Candidates, candidates_of
from coupon_rec.features.online.ranks import Crowd
from coupon_rec.features.online.snapshot import Past, Rows
from coupon_rec.features.online.snapshot_reader import read_snapshot
from coupon_rec.serving.events.event import MONEY, Event
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.identifiers import Identifiers

__all__ = ["Candidates", "Event", "FeatureStore", "StoreFullError"]

MAX_EVENTS = 4_000_000
"""Events since `DAYS_KEPT` days before the snapshot, at most: about 1.3 GB of memory."""
DAYS_KEPT = 7
"""Days before the snapshot whose events stay in the log, in case an older snapshot comes back."""
DAYS_UNHELD = 365
"""The same of an event that the snapshot does not hold; every recency has its cap by then."""
CLOCK_AHEAD = timedelta(days=1)
"""How far the clock of a shop may be ahead of ours, for its events to say what time it is."""
EPOCH = date(1970, 1, 1)
PARTS = {"purchase": "lines", "redemption": "redemptions", "view": "views", "click": "clicks"}
"""The part of a `Past` in which an event of each kind stands."""


class StoreFullError(RuntimeError):
    """More events than memory is meant for; nothing of the call was taken in."""


class FeatureStore:
    """Features that move with every event.

    All methods may be called from several threads: one lock guards the state, for a few
    milliseconds at a time, and is not held while events are written to disk, nor from one user's
    events to the next user's.

    Attributes
    ----------
    snapshot : Snapshot
        What the nightly batch wrote. The features of items and coupons are always its own.
    log : EventLog or None
        Where events are kept; without one they are lost with the process.
    identifiers : Identifiers
        The market's texts. Events keep what was sent; the features know whole numbers alone.
    newest : datetime.datetime
        The time of the newest event but reviews, or the beginning of the snapshot's day.
    """

    def __init__(self, folder: str | Path, encoder: Encoder, log: EventLog | None = None) -> None:
        self.snapshot = read_snapshot(folder, encoder)
        self.log = log
        self.identifiers = Identifiers.read(folder)
        self.newest = datetime.combine(self.day, time())
        self._position = 0
        self._ids: set[str] = set()
        self._counted = 0
        self._past: dict[int, Past] = {}
        self._versions: dict[int, int] = {}
        self._lock, self._adding, self._ranking = RLock(), RLock(), RLock()
        self._crowd = Crowd(self.snapshot)
        self._ranked = 0
        self._bought: dict[int, Rows] = {}

    @classmethod
    def load(
        cls, folder: str | Path, encoder: Encoder, log: EventLog | None = None
    ) -> "FeatureStore":
        """Load what `write_snapshot` wrote, and apply the events of the log.

        Parameters
        ----------
        folder : str or pathlib.Path
            The snapshot.
        encoder : coupon_rec.features.Encoder
            Of the model that reads the features, as `Scorer` holds it.
        log : EventLog, optional
            A `SharedLog` where several replicas share their events. A store that takes another's
            place takes its log, and catches up once more when it is in that place.

        Raises
        ------
        ValueError
            If the folder is no snapshot.
        """
        store = cls(folder, encoder, log)
        store.catch_up()
        store.rank()
        return store

    @property
    def day(self) -> date:
        """The snapshot holds what happened before this day."""
        return self.snapshot.day

    @property
    def degraded(self) -> bool:
        """Whether events of other replicas may be missing, because Redis cannot be reached."""
        return self.log is not None and self.log.degraded

    def version(self, user_id: int | str) -> int:
        """How many events of a user this store has counted since its snapshot."""
        return self._versions.get(self.identifiers.number("user_id", user_id), 0)

    @property
    def counted(self) -> int:
        """How many events of all users this store has counted since its snapshot."""
        return self._counted

    @property
    def ranked(self) -> int:
        """How many of these the crowd knows that everyone is ranked among.

        A user's answers hold as long as this and the user's `version` stay.
        """
        return self._ranked

    def offers(self, user_id: int | str, day: date) -> Candidates:
        """Every live coupon for this user, as if its campaign started on the day after `day`.

        So every event up to now lies strictly before the start, as it does in training. A user
        who was mailed no live coupon is shown all of them, but those that the user is held out of,
        and ranked as if mailed.

        Parameters
        ----------
        user_id : int or str
            Anyone; of an unknown user nothing is known.
        day : datetime.date
            Today, not before the snapshot's day.

        Raises
        ------
        ValueError
            If `day` is before the snapshot's.
        """
        return self.offers_of([(user_id, day)])[0]

    def offers_of(self, asked: Sequence[tuple[int | str, date]]) -> list[Candidates]:
        """The same of several users and days, for less work than one by one."""
        if any(day < self.day for _, day in asked):
            raise ValueError(f"the snapshot is of {self.day}: ask as of that day or later")
        keys = [(self.identifiers.number("user_id", user_id), day) for user_id, day in asked]
        candidates: dict[tuple[int, date], Candidates] = {}
        with self._lock:
            for day in {day for _, day in keys}:
                new = [key for key in dict.fromkeys(keys) if key[1] == day]
                candidates |= zip(new, self._computed([user for user, _ in new], day), strict=True)
        return [candidates[key] for key in keys]

    def lines(self, user_id: int | str, day: date) -> Rows:
        """What a user bought up to a day, that day included; nothing for an unknown user."""
        user = self.identifiers.number("user_id", user_id)
        with self._lock:
            return self._past_of(user).before((day - EPOCH).days + 1).lines

    def supposing(self, user_id: int | str, day: date, events: Sequence[Event]) -> Candidates:
        """The same of one user, as if some events of that user had been taken in; none is kept.

        Raises
        ------
        ValueError
            If `day` is before the snapshot's, or an event is another user's.
        """
        if any(event.user_id != user_id for event in events):
            raise ValueError(f"suppose events of user {user_id!r} alone")
        if day < self.day:
            raise ValueError(f"the snapshot is of {self.day}: ask as of that day or later")
        user, start = self.identifiers.number("user_id", user_id), (day - EPOCH).days + 1
        with self._lock:
            supposed = self._after(self._past_of(user), events).before(start)
            version = self._versions.get(user, 0) + len(events)
            asked = Asked(self.snapshot.row(user), supposed, version)
            return candidates_of(self.snapshot, self._crowd, [asked], start, self._ranked)[0]

    def _computed(self, users: Sequence[int], day: date) -> list[Candidates]:
        """Compute features as of the end of a day."""
        snapshot, start = self.snapshot, (day - EPOCH).days + 1
        asked = [
            Asked(
                snapshot.row(user), self._past_of(user).before(start), self._versions.get(user, 0)
            )
            for user in users
        ]
        return candidates_of(snapshot, self._crowd, asked, start, self._ranked)

    def add(self, events: Sequence[Event]) -> int:
        """Take events in: they are on disk, and count, when it returns.

        Parameters
        ----------
        events : sequence of Event
            In any order, however late. One whose `event_id` came before is a retry and counts once;
            so does one that the snapshot holds already. A review is kept, and moves no feature.

        Returns
        -------
        int
            How many were new and moved features.

        Raises
        ------
        StoreFullError
            If there are more than `MAX_EVENTS`. None was taken in.
        OSError
            If the log cannot be written. None was taken in.
        """
        with self._adding:
            new = {event.event_id: event for event in events if event.event_id not in self._ids}
            if len(self._ids) + len(new) > MAX_EVENTS:
                raise StoreFullError(
                    f"{len(self._ids):,} events since a week before {self.day}, the day of the "
                    "snapshot: load a new one"
                )
            if self.log and new:
                start, end = self.log.append(list(new.values()))
                if self._position == start:
                    self._position = end
            return self._apply(new.values())

    def rank(self) -> None:
        """Rank users among all others as these are now.

        Until then events move the features of their own user alone. A service does so every few
        minutes. Nobody waits for it: others add and ask meanwhile.
        """
        with self._ranking:
            with self._lock:
                bought = {
                    self.snapshot.row(user): (before, self._past[user].lines)
                    for user, before in self._bought.items()
                }
                self._bought, counted = {}, self._counted
            crowd = self._crowd.moved(bought)
            with self._lock:
                self._crowd, self._ranked = crowd, counted

    def catch_up(self) -> int:
        """Exchange events with other replicas, and `follow` the log."""
        if self.log is None:
            return 0
        self.log.sync()
        return self.follow()

    def follow(self) -> int:
        """Apply what others appended to the log: replicas, or another store of the same log.

        Returns
        -------
        int
            How many events were new.
        """
        if self.log is None:
            return 0
        with self._adding:
            events, self._position = self.log.read(self._position)
            return self._apply(events)

    def shorten_log(self) -> None:
        """Drop the events of the log that are old and that the snapshot holds, or very old.

        Call it once it is sure that this snapshot is the one in service.
        """
        if self.log is None:
            return
        old, very_old = (self.day - timedelta(days=days) for days in (DAYS_KEPT, DAYS_UNHELD))
        self.log.drop(lambda each: each.day < old and (each.day < very_old or self._held(each)))

    def _apply(self, events: Iterable[Event]) -> int:
        by_user: dict[int, list[Event]] = {}
        soon = datetime.now() + CLOCK_AHEAD  # a wrong clock must not tell everybody the time
        for event in events:
            if event.event_id not in self._ids:
                self._ids.add(event.event_id)
                if event.kind != "review" and event.time < soon:
                    self.newest = max(self.newest, event.time)
                if not self._held(event):
                    by_user.setdefault(self._number(event, "user_id"), []).append(event)
        for user, own in by_user.items():
            with self._lock:
                self._move(user, own)
        return sum(map(len, by_user.values()))

    def _number(self, event: Event, name: str) -> int:
        """The number of one of the identifiers that an event of its kind has."""
        return self.identifiers.number(name, getattr(event, name), new=True)

    def _move(self, user: int, events: list[Event]) -> None:
        """Let one user's features move."""
        past = self._past_of(user)
        now = self._after(past, events)
        self._bought.setdefault(user, past.lines)
        self._past[user] = now
        self._versions[user] = self._versions.get(user, 0) + len(events)
        self._counted += len(events)

    def _after(self, past: Past, events: Sequence[Event]) -> Past:
        """What a user did, with some events more; an offer is redeemed once, the first time."""
        offers = {*past.redemptions[["campaign_id", "coupon_id"]].tolist()}
        new: dict[str, list[tuple[int, ...]]] = {}
        for event in events:
            row = self._row(event)
            if row is None or (event.kind == "redemption" and row[:2] in offers):
                continue
            if event.kind == "redemption":
                offers.add(row[:2])
            new.setdefault(PARTS[event.kind], []).append(row)
        return past._replace(**{part: _joined(getattr(past, part), new[part]) for part in new})

    def _past_of(self, user: int) -> Past:
        if user in self._past:
            return self._past[user]
        return self.snapshot.past(self.snapshot.row(user))

    def _row(self, event: Event) -> tuple[int, ...] | None:
        """The numbers of an event in its part of a `Past`; None if its item is not known."""
        day = (event.day - EPOCH).days
        if event.kind == "redemption":
            return self._number(event, "campaign_id"), self._number(event, "coupon_id"), day
        item = self.snapshot.items.row(self._number(event, "item_id"))
        if item is None or event.kind == "review":
            return None
        if event.kind != "purchase":
            return item, day
        money = [int(getattr(event, name) * MILLIONTHS + 0.5) for name in MONEY]
        return item, self._number(event, "basket_id"), day, event.quantity, *money

    def _held(self, event: Event) -> bool:
        """Whether the snapshot holds an event: of an earlier day, and every number is the same.

        A review moves what is known of its item, and that is the snapshot's until the next one.
        """
        if event.kind == "review":
            return True
        if event.day >= self.day:
            return False
        row = self._row(event)
        if row is None:
            return event.kind != "purchase"  # which makes its buyer known, whatever it is
        user = self.snapshot.row(self._number(event, "user_id"))
        held: Rows = getattr(self.snapshot.past(user), PARTS[event.kind])
        same = held == np.array(row, held.dtype)
        if event.kind == "redemption":  # an offer, on whatever day
            same = (held["campaign_id"] == row[0]) & (held["coupon_id"] == row[1])
        return bool(same.any())


def _joined(rows: Rows, new: list[tuple[int, ...]]) -> Rows:
    """Add rows, each where its day has it; lines where their basket is."""
    second = (rows.dtype.names or ())[1]
    together = np.concatenate([rows, np.array(new, rows.dtype)])
    return together[np.lexsort((together[second], together["day"]))]
