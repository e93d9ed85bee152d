"""One opinion after another: count the hour, add up the evidence, ring with the words that rang."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from coupon_rec.listening.counting import usual_week
from coupon_rec.listening.errors import Errors
from coupon_rec.listening.watch import Watch, check_settings

HOUR = timedelta(hours=1)
MOST_DAYS = 3660
QUOTED, QUOTED_LETTERS = 3, 500
SILENCE: dict[str, Any] = {"n": 0, "k": 0, "quotes": []}


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
        if not 14 <= days <= MOST_DAYS:
            raise ValueError(
                f"days must be 14 or more, to know every weekday twice, and {MOST_DAYS} at most, "
                f"not {days}"
            )
        check_settings(growth, rate, cooldown, seed)
        self.settings = {
            "days": days,
            "rate": rate,
            "growth": growth,
            "cooldown": cooldown,
            "seed": seed,
        }
        self.errors = errors or Errors()
        self.watches: dict[str, Watch] = {}
        self.late = 0
        self._usual: dict[str, list[float]] = {}
        self._begun: datetime | None = None
        self._hour: datetime | None = None
        self._learning: dict[str, dict[int, list[int]]] | None = {}
        self._called: dict[str, list[int]] = {}
        self._now: dict[str, dict[str, Any]] = {}
        self._since: dict[str, dict[str, Any]] = {}

    @property
    def begun(self) -> bool:
        """Whether it has heard anybody."""
        return self._hour is not None

    @property
    def learned(self) -> bool:
        """Whether the first days are over: from then on the `watches` may ring."""
        return self._learning is None

    def hear(self, opinion: Opinion) -> list[Alert]:
        """Take one opinion in, and give the alerts of the hours that it ends."""
        hour = opinion.time.replace(minute=0, second=0, microsecond=0)
        if self._hour is None:
            self._hour = hour
            midnight = hour.replace(hour=0)
            self._begun = midnight if hour == midnight else midnight + 24 * HOUR
        if hour < self._hour:
            self.late += 1
            return []
        alerts = self._end_hour(hour) if hour > self._hour else []
        if self._learning is not None:
            called = self._called.setdefault(opinion.topic, [0, 0])
            called[0] += not opinion.stars
            called[1] += 1
        now = self._now.setdefault(opinion.topic, {"n": 0, "k": 0, "quotes": []})
        now["n"] += 1
        now["k"] += int(opinion.negative)
        if opinion.negative and opinion.text:
            now["quotes"] = [*now["quotes"], opinion.text[:QUOTED_LETTERS]][-QUOTED:]
        return alerts

    def _end_hour(self, following: datetime) -> list[Alert]:
        assert self._hour is not None and self._begun is not None
        alerts = []
        if self._learning is None:
            while self._hour < following:
                for topic in self.watches:
                    alerts += self._add(topic, self._now.get(topic, SILENCE))
                self._hour, self._now = self._hour + HOUR, {}
        else:
            number = (self._hour - self._begun) // HOUR
            for topic, now in self._now.items():
                if number >= 0:
                    self._learning.setdefault(topic, {})[number] = [now["n"], now["k"]]
            if (following - self._begun) // HOUR >= 24 * self.settings["days"]:
                self._learn()
        self._hour, self._now = following, {}
        return alerts

    def _learn(self) -> None:
        """Know what is usual of each topic, and tune its watch."""
        assert self._learning is not None and self._begun is not None
        size = int(24 * self.settings["days"])
        hours = pd.date_range(self._begun, periods=size, freq="h")
        heard = {}
        for topic, counts in sorted(self._learning.items()):
            past = pd.DataFrame(0, hours, ["opinions", "negatives"])
            for number, pair in counts.items():
                past.iloc[number] = pair
            every, count = past.sum()
            if self.MIN_NEGATIVES <= count <= every - self.MIN_NEGATIVES:
                heard[topic] = past
        rest = {name: value for name, value in self.settings.items() if name != "days"}
        for topic, past in heard.items():
            errors = self._errors(topic, past["negatives"].sum() / past["opinions"].sum())
            self.watches[topic] = Watch.tuned(past, errors=errors, topics=len(heard), **rest)  # type: ignore[arg-type]
            self._usual[topic] = usual_week(past["opinions"]).tolist()
            self._since[topic] = self._nothing()
        self._learning = None

    def _errors(self, topic: str, usual: float) -> Errors:
        """Errors with which a topic's usual share can be corrected: those of labels and stars."""
        called, every = self._called.get(topic, (1, 1))
        share, of_labels = called / every, self.errors
        errors = Errors(share * of_labels.caught + (1 - share), share * of_labels.wrongly)
        return errors if 0 < errors.corrected(usual, 1.0) < 1 else Errors()

    @staticmethod
    def _nothing(silent: int = 0) -> dict[str, Any]:
        return {
            "sum": 0.0,
            "n": 0,
            "k": 0,
            "usual": 0.0,
            "since": None,
            "quotes": [],
            "silent": silent,
        }

    def _add(self, topic: str, now: Mapping[str, Any]) -> list[Alert]:
        """Add the evidence of the hour that ends."""
        assert self._hour is not None
        watch, so_far = self.watches[topic], self._since[topic]
        if so_far["silent"] > 0:
            so_far["silent"] -= 1
            return []
        total = so_far["sum"] + float(watch.cusum.step(now["k"], watch.share * now["n"]))
        if total <= 0:
            self._since[topic] = self._nothing()
            return []
        so_far["sum"] = total
        so_far["since"] = so_far["since"] or self._hour.isoformat()
        so_far["n"] += now["n"]
        so_far["k"] += now["k"]
        so_far["quotes"] = [*so_far["quotes"], *now["quotes"]][-QUOTED:]
        so_far["usual"] += self._usual[topic][self._hour.weekday() * 24 + self._hour.hour]
        if total < watch.threshold:
            return []
        self._since[topic] = self._nothing(silent=watch.cooldown)
        return [self._alert(topic, so_far)]

    def _alert(self, topic: str, so_far: Mapping[str, Any]) -> Alert:
        assert self._hour is not None
        errors = self._errors(topic, self.watches[topic].share)
        share = float(errors.corrected(so_far["k"], so_far["n"]))
        usual = float(errors.corrected(self.watches[topic].share, 1.0))
        at = (self._hour + HOUR).isoformat()
        return Alert(
            id=f"{topic} {at}",
            topic=topic,
            at=at,
            since=so_far["since"],
            opinions=so_far["n"],
            negatives=so_far["k"],
            share=round(share, 4),
            usual=round(usual, 4),
            talk=round(so_far["n"] / so_far["usual"], 2) if so_far["usual"] else None,
            severity="high" if share >= 2 * usual else "raised",
            quotes=so_far["quotes"],
        )

    def state(self) -> dict[str, Any]:
        """All that it knows, as JSON can hold it."""
        return {
            "settings": self.settings,
            "errors": asdict(self.errors),
            "watches": {topic: asdict(watch) for topic, watch in self.watches.items()},
            "late": self.late,
            "usual": self._usual,
            "begun": self._begun and self._begun.isoformat(),
            "hour": self._hour and self._hour.isoformat(),
            "learning": self._learning,
            "called": self._called,
            "now": self._now,
            "since": self._since,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Listener":
        """The listener whose `state` this is."""
        listener = cls(Errors(**state["errors"]), **state["settings"])
        listener.watches = {topic: Watch(**watch) for topic, watch in state["watches"].items()}
        listener.late = state["late"]
        listener._usual = state["usual"]
        listener._begun = state["begun"] and datetime.fromisoformat(state["begun"])
        listener._hour = state["hour"] and datetime.fromisoformat(state["hour"])
        listener._learning = state["learning"] and {
            topic: {int(number): pair for number, pair in counts.items()}
            for topic, counts in state["learning"].items()
        }
        if state["learning"] == {}:
            listener._learning = {}
        listener._called = state.get("called", {})  # version 1.0 took all for called by labels
        listener._now, listener._since = state["now"], state["since"]
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
