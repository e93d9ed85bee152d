"""One opinion after another: count the hour, add up the evidence, ring with the words that rang."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from coupon_rec.listening.labels import Errors
from coupon_rec.listening.watch import Watch, check_settings, usual_week

HOUR = timedelta(hours=1)
MAX_DAYS = 3660
MAX_QUOTES, MAX_QUOTED_LETTERS = 3, 500


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


class _Counts(BaseModel):
    """Opinions about a topic in an hour: how many, how many of them negative, the last of these."""

    n: int = 0
    k: int = 0
    quotes: list[str] = []

    def add(self, other: "_Counts") -> None:
        self.n += other.n
        self.k += other.k
        self.quotes = [*self.quotes, *other.quotes][-MAX_QUOTES:]


class _Evidence(_Counts):
    """What was said about a topic since its sum left 0, and the hours of silence after an alert."""

    sum: float = 0.0
    usual: float = 0.0
    since: datetime | None = None
    silent: int = 0


class _State(BaseModel):
    """All that a listener knows."""

    settings: dict[str, Any]
    errors: Errors
    watches: dict[str, Watch] = {}
    late: int = 0
    usual: dict[str, list[float]] = {}
    begun: datetime | None = None
    hour: datetime | None = None
    learning: dict[str, dict[int, tuple[int, int]]] | None = {}
    called: dict[str, tuple[int, int]] = {}
    now: dict[str, _Counts] = {}
    since: dict[str, _Evidence] = {}


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

    MIN_NEGATIVES = 20

    def __init__(
        self,
        errors: Errors | None = None,
        *,
        days: int = 84,
        rate: float = 1.0,
        growth: float = 2.0,
        cooldown: int = 24,
        seed: int = 0,
    ) -> None:
        if not 14 <= days <= MAX_DAYS:
            raise ValueError(
                f"days must be 14 or more, to know every weekday twice, and {MAX_DAYS} at most, "
                f"not {days}"
            )
        check_settings(growth, rate, cooldown, seed)
        settings = dict(days=days, rate=rate, growth=growth, cooldown=cooldown, seed=seed)
        self._state = _State(settings=settings, errors=errors or Errors())

    @property
    def watches(self) -> dict[str, Watch]:
        """By topic; see the attributes."""
        return self._state.watches

    @property
    def late(self) -> int:
        """How many came late; see the attributes."""
        return self._state.late

    @property
    def begun(self) -> bool:
        """Whether it has heard anybody."""
        return self._state.hour is not None

    @property
    def learned(self) -> bool:
        """Whether the first days are over: from then on the `watches` may ring."""
        return self._state.learning is None

    def hear(self, opinion: Opinion) -> list[Alert]:
        """Take one opinion in, and give the alerts of the hours that it ends."""
        state = self._state
        hour = opinion.time.replace(minute=0, second=0, microsecond=0)
        if state.hour is None:
            midnight = hour.replace(hour=0)
            state.begun = midnight if hour == midnight else midnight + 24 * HOUR
            state.hour = hour
        if hour < state.hour:
            state.late += 1
            return []
        alerts = self._end_hour(state.hour, hour) if hour > state.hour else []
        if not self.learned:
            called, every = state.called.get(opinion.topic, (0, 0))
            state.called[opinion.topic] = called + (not opinion.stars), every + 1
        quotes = [opinion.text[:MAX_QUOTED_LETTERS]] if opinion.negative and opinion.text else []
        now = state.now.setdefault(opinion.topic, _Counts())
        now.add(_Counts(n=1, k=opinion.negative, quotes=quotes))
        return alerts

    def _end_hour(self, hour: datetime, following: datetime) -> list[Alert]:
        """Take an hour's counts in, and the silence until the following hour with an opinion."""
        state, alerts = self._state, list[Alert]()
        assert state.begun
        if state.learning is not None:
            if hour >= state.begun:
                for topic, now in state.now.items():
                    counts = state.learning.setdefault(topic, {})
                    counts[(hour - state.begun) // HOUR] = now.n, now.k
            if following - state.begun >= timedelta(days=state.settings["days"]):
                self._learn(state.begun, state.learning)
        else:
            while hour < following:
                for topic in state.watches:
                    alerts += self._add(topic, hour, state.now.get(topic, _Counts()))
                hour, state.now = hour + HOUR, {}
        state.hour, state.now = following, {}
        return alerts

    def _learn(self, begun: datetime, learning: dict[str, dict[int, tuple[int, int]]]) -> None:
        """Know what is usual of each topic, and tune its watch."""
        state = self._state
        hours = pd.date_range(begun, periods=24 * state.settings["days"], freq="h")
        past = {}
        for topic, counts in sorted(learning.items()):
            table = pd.DataFrame.from_dict(
                counts, orient="index", columns=["opinions", "negatives"]
            )
            table = table.reindex(range(len(hours)), fill_value=0).set_index(hours)
            opinions, negatives = table.sum()
            if self.MIN_NEGATIVES <= negatives <= opinions - self.MIN_NEGATIVES:
                past[topic] = table
        settings = {name: value for name, value in state.settings.items() if name != "days"}
        for topic, table in past.items():
            errors = self._errors(topic, table["negatives"].sum() / table["opinions"].sum())
            state.watches[topic] = Watch.tuned(table, errors=errors, topics=len(past), **settings)
            state.usual[topic] = usual_week(table["opinions"]).tolist()
            state.since[topic] = _Evidence()
        state.learning = None

    def _errors(self, topic: str, usual: float) -> Errors:
        """Errors with which a topic's usual share can be corrected: those of labels and stars."""
        # version 1.0 kept no counts, and took all for called by labels
        called, every = self._state.called.get(topic, (1, 1))
        share, of_labels = called / every, self._state.errors
        errors = Errors(share * of_labels.caught + (1 - share), share * of_labels.wrongly)
        return errors if 0 < errors.corrected(usual, 1.0) < 1 else Errors()

    def _add(self, topic: str, hour: datetime, now: _Counts) -> list[Alert]:
        """Add the evidence of the hour that ends."""
        watch, evidence = self.watches[topic], self._state.since[topic]
        if evidence.silent > 0:
            evidence.silent -= 1
            return []
        evidence.sum += float(watch.cusum.step(np.array(now.k), np.array(watch.share * now.n)))
        if evidence.sum <= 0:
            self._state.since[topic] = _Evidence()
            return []
        evidence.since = evidence.since or hour
        evidence.add(now)
        evidence.usual += self._state.usual[topic][hour.weekday() * 24 + hour.hour]
        if evidence.sum < watch.threshold:
            return []
        self._state.since[topic] = _Evidence(silent=watch.cooldown)
        return [self._alert(topic, hour + HOUR, evidence)]

    def _alert(self, topic: str, at: datetime, evidence: _Evidence) -> Alert:
        errors = self._errors(topic, self.watches[topic].share)
        share = float(errors.corrected(evidence.k, evidence.n))
        usual = float(errors.corrected(self.watches[topic].share, 1.0))
        assert evidence.since
        return Alert(
            id=f"{topic} {at.isoformat()}",
            topic=topic,
            at=at.isoformat(),
            since=evidence.since.isoformat(),
            opinions=evidence.n,
            negatives=evidence.k,
            share=round(share, 4),
            usual=round(usual, 4),
            talk=round(evidence.n / evidence.usual, 2) if evidence.usual else None,
            severity="high" if share >= 2 * usual else "raised",
            quotes=evidence.quotes,
        )

    def state(self) -> dict[str, Any]:
        """All that it knows, as JSON can hold it."""
        return self._state.model_dump(mode="json")

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Listener":
        """The listener whose `state` this is."""
        listener = cls()
        listener._state = _State.model_validate(state)
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
