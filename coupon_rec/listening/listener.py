"""One opinion after another: count the hour, add up the evidence, ring with the words that rang."""

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from coupon_rec.listening.labels import Errors
from coupon_rec.listening.watch import Watch, check_settings, usual_week

HOUR = timedelta(hours=1)
MAX_DAYS = 3660
MAX_QUOTES, MAX_QUOTED_LETTERS = 3, 500
MIN_NEGATIVES = 20


@dataclass(frozen=True)
class Opinion:
    """What was said, when, about what, and whether it was negative.

    Attributes
    ----------
    time : datetime
        Without a time zone, or all in the same one.
    topic : str
    negative : bool
        As its label says, which may err, or its stars.
    text : str
        May be empty.
    stars : bool
        Whether stars say that it is negative or not, and no label that may err.
    """

    time: datetime
    topic: str
    negative: bool
    text: str = ""
    stars: bool = False


@dataclass(frozen=True)
class Alert:
    """Talk about a topic has become worse, and the evidence for it.

    Attributes
    ----------
    id : str
        Topic and hour. The same alert has the same id however often it is sent.
    topic, at, since : str
        The topic; the end of the hour in which it rang; the beginning of the hour in which the
        evidence left 0, which is when the change is likeliest to have begun. Times are ISO 8601.
    opinions, negatives : int
        Since then; negatives are those that are called so.
    share, usual : float
        Shares of negative opinions since then and in the past, corrected for the labels' errors.
    talk : float
        Opinions since then over the usual number of these hours: is there more talk, too? None if
        these hours usually have none.
    severity : str
        "high" if the corrected share is at least twice the usual one, else "raised".
    quotes : list of str
        The last negative opinions with words, three at most; of each the first 500 letters.
    """

    id: str
    topic: str
    at: str
    since: str
    opinions: int
    negatives: int
    share: float
    usual: float
    talk: float | None
    severity: str
    quotes: list[str] = field(default_factory=list)


@dataclass
class _Counts:
    """Opinions about a topic: how many, how many of them negative, and called so by labels."""

    n: int = 0
    k: int = 0
    labeled: int = 0
    quotes: list[str] = field(default_factory=list)

    def add(self, other: "_Counts") -> None:
        self.n += other.n
        self.k += other.k
        self.labeled += other.labeled
        self.quotes = [*self.quotes, *other.quotes][-MAX_QUOTES:]


@dataclass
class _Evidence:
    """What was said about a topic since its sum left 0."""

    since: datetime
    sum: float = 0.0
    usual: float = 0.0
    said: _Counts = field(default_factory=_Counts)


@dataclass
class _Topic:
    """A topic that is watched, and the hours of silence that are left after an alert."""

    watch: Watch
    errors: Errors
    usual: list[float]
    silent: int = 0
    evidence: _Evidence | None = None

    def add(self, name: str, hour: datetime, now: _Counts) -> Alert | None:
        """Add the evidence of the hour that ends."""
        if self.silent:
            self.silent -= 1
            return None
        found = self.evidence = self.evidence or _Evidence(hour)
        step = self.watch.cusum.step(np.array(now.k), np.array(self.watch.share * now.n))
        found.sum += float(step)
        found.said.add(now)
        found.usual += self.usual[hour.weekday() * 24 + hour.hour]
        if 0 < found.sum < self.watch.threshold:
            return None
        self.evidence = None
        if found.sum <= 0:
            return None
        self.silent = self.watch.cooldown
        at, said = hour + HOUR, found.said
        share = float(self.errors.corrected(said.k, said.n))
        usual = float(self.errors.corrected(self.watch.share, 1.0))
        return Alert(
            id=f"{name} {at.isoformat()}",
            topic=name,
            at=at.isoformat(),
            since=found.since.isoformat(),
            opinions=said.n,
            negatives=said.k,
            share=round(share, 4),
            usual=round(usual, 4),
            talk=round(said.n / found.usual, 2) if found.usual else None,
            severity="high" if share >= 2 * usual else "raised",
            quotes=said.quotes,
        )


@dataclass
class Listener:
    """Learns from the first weeks of a stream what is usual, then listens.

    Parameters
    ----------
    errors : Errors, optional
        Of the labels; none if left out. A topic's shares are corrected as far as labels called its
        opinions in the days of learning: what stars say has no errors. A topic that is called
        negative less often than these errors alone would explain is watched, and its shares are
        given, without a correction.
    days : int
        How many whole days it learns from, 14 or more. They should be quiet.
    rate : float
        False alarms in four weeks over all topics together, above 0 and at most 2.
    growth, cooldown, seed
        As for `Watch.tuned`.

    Attributes
    ----------
    watches : dict of str to Watch
        By topic, once it has learned. A topic with fewer than 20 negative opinions in the days of
        learning is left out: too little is known of it.
    late : int
        Opinions of an hour that was over already; they are not counted.
    begun, hour, now, past, topics
        What it knows so far, for `state`: `hour` is None before the first opinion, and `past` once
        it has learned, from when on the `watches` may ring.

    Notes
    -----
    The hour is the stream's: it ends when an opinion of a later hour comes, whatever its topic.
    `state` holds all that `Listener.restored` needs, and the same opinions lead to the same
    alerts whether or not it was stored and restored between any two of them.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> hours = pd.date_range("2026-09-07", periods=24 * 30, freq="h").to_pydatetime()
    >>> bad = [0.2] * (24 * 29) + [0.6] * 24
    >>> listener, alerts = Listener(days=28), []
    >>> for hour, share in zip(hours, bad):
    ...     for negative in rng.random(10) < share:
    ...         alerts += listener.hear(Opinion(hour, "milk", bool(negative)))
    >>> [(alert.topic, alert.since) for alert in alerts]
    [('milk', '2026-10-06T00:00:00')]
    """

    errors: Errors = field(default_factory=Errors)
    _: KW_ONLY
    days: int = 84
    rate: float = 1.0
    growth: float = 2.0
    cooldown: int = 24
    seed: int = 0
    late: int = 0
    begun: datetime = datetime.max
    hour: datetime | None = None
    now: dict[str, _Counts] = field(default_factory=dict)
    past: dict[str, dict[datetime, tuple[int, int, int]]] | None = field(default_factory=dict)
    topics: dict[str, _Topic] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 14 <= self.days <= MAX_DAYS:
            raise ValueError(
                f"days must be 14 or more, to know every weekday twice, and {MAX_DAYS} at most, "
                f"not {self.days}"
            )
        check_settings(self.growth, self.rate, self.cooldown, self.seed)

    @property
    def watches(self) -> dict[str, Watch]:
        """By topic; see the attributes."""
        return {name: topic.watch for name, topic in self.topics.items()}

    def hear(self, opinion: Opinion) -> list[Alert]:
        """Take one opinion in, and give the alerts of the hours that it ends."""
        alerts = list[Alert]()
        hour = opinion.time.replace(minute=0, second=0, microsecond=0)
        if self.hour is None:
            self.hour = hour
            self.begun = (hour + 23 * HOUR).replace(hour=0)  # the first whole day
        if hour < self.hour:
            self.late += 1
            return []
        while self.hour < hour:
            alerts += self._end(self.hour)
            self.hour, self.now = self.hour + HOUR, {}
        quotes = [opinion.text[:MAX_QUOTED_LETTERS]] if opinion.negative and opinion.text else []
        said = _Counts(1, int(opinion.negative), int(not opinion.stars), quotes)
        self.now.setdefault(opinion.topic, _Counts()).add(said)
        return alerts

    def _end(self, hour: datetime) -> list[Alert]:
        """Take an hour's counts in."""
        if self.past is None:
            of_topics = [
                topic.add(name, hour, self.now.get(name, _Counts()))
                for name, topic in self.topics.items()
            ]
            return [alert for alert in of_topics if alert]
        for name, now in self.now.items() if hour >= self.begun else ():
            self.past.setdefault(name, {})[hour] = now.n, now.k, now.labeled
        if hour + HOUR - self.begun >= timedelta(days=self.days):
            self.topics, self.past = self._learn(self.past), None
        return []

    def _learn(self, past: dict[str, dict[datetime, tuple[int, int, int]]]) -> dict[str, _Topic]:
        """Know what is usual of each topic, and tune its watch."""
        hours = pd.date_range(self.begun, periods=24 * self.days, freq="h")
        columns = ["opinions", "negatives", "labeled"]
        tables = {}
        for name, counts in sorted(past.items()):
            table = pd.DataFrame.from_dict(counts, orient="index", columns=columns)
            opinions, negatives, _ = table.sum()
            if MIN_NEGATIVES <= negatives <= opinions - MIN_NEGATIVES:
                tables[name] = table.reindex(hours, fill_value=0)
        return {name: self._topic(table, len(tables)) for name, table in tables.items()}

    def _topic(self, past: pd.DataFrame, topics: int) -> _Topic:
        opinions, negatives, labeled = past.sum()
        errors = self.errors.of_part(labeled / opinions)
        if not 0 < errors.corrected(negatives, opinions) < 1:
            errors = Errors()
        names = ("growth", "rate", "cooldown", "seed")
        settings = {name: getattr(self, name) for name in names}
        watch = Watch.tuned(past, errors=errors, topics=topics, **settings)
        return _Topic(watch, errors, usual_week(past["opinions"]).tolist())

    def state(self) -> dict[str, Any]:
        """All that it knows, as JSON can hold it."""
        known: dict[str, Any] = TypeAdapter(Listener).dump_python(self, mode="json")
        return known

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Listener":
        """The listener whose `state` this is."""
        listener = TypeAdapter(cls).validate_python(state)
        if state.keys() != vars(listener).keys():
            raise ValueError("another version of the package wrote it")
        return listener


def paused(
    topics: pd.Series, alerts: Iterable[Alert], at: datetime | str, hours: int = 24
) -> pd.Series:
    """Say which coupons to hold back: those of a topic that rang within the last hours.

    Parameters
    ----------
    topics : pandas.Series
        The topic of each coupon.
    alerts : iterable of Alert
    at : datetime or str
        Now.
    hours : int
        How long a campaign pauses after an alert.

    Returns
    -------
    pandas.Series
        True for each coupon that pauses, with the index of `topics`.

    Examples
    --------
    >>> alert = Alert("milk 9", "milk", "2026-11-02T09:00:00", "2026-11-02T05:00:00", 9, 8, 0.9,
    ...               0.2, 1.0, "high")
    >>> paused(pd.Series(["milk", "bread"], ["c1", "c2"]), [alert], "2026-11-02T12:00:00")
    c1     True
    c2    False
    dtype: bool
    """
    now = pd.Timestamp(at)
    ringing = {
        alert.topic
        for alert in alerts
        if pd.Timedelta(0) <= now - pd.Timestamp(alert.at) < pd.Timedelta(hours=hours)
    }
    return topics.isin(ringing)
