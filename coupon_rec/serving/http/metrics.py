"""The counters of the service, for Prometheus."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from coupon_rec.serving.events.event import FIELDS
from coupon_rec.serving.replies import Choice

SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SCORES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


class Metrics:
    """The counters of one service. No label names a user."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = self._counter(
            "requests", "Requests answered, by route and status.", "route", "status"
        )
        self.seconds = self._histogram(
            "request_seconds",
            "Time from a request to its answer, but for streams.",
            SECONDS,
            "route",
        )
        self.batch = self._histogram(
            "batch_requests", "Requests that went into one call of the model.", (1, 2, 4, 8, 16, 32)
        )
        self.cached = self._counter("cached", "Answers taken from the cache.")
        self.scores = self._histogram(
            "score",
            "Probability of redemption of the likeliest coupon that an answer chose; 0 for none.",
            SCORES,
        )
        self.explored = self._counter("explored", "Answers whose coupons were drawn.")
        self.arm_scores = self._histogram(
            "arm_score", "While a bundle is on trial: as coupon_rec_score, by arm.", SCORES, "arm"
        )
        self.arm_redemptions = self._counter(
            "arm_redemptions",
            "While a bundle is a canary: redemptions, by the arm of the user.",
            "arm",
        )
        self.shadows_lost = self._counter(
            "shadows_lost",
            "Requests that the shadow did not score: too many waited, or it failed.",
        )
        self.trial = self._gauge("trial", "1 while a bundle is on trial.")
        self.turned_away = self._counter(
            "turned_away",
            "Requests turned away because as many wait as may, by what they would wait for.",
            "queue",
        )
        self.limited = self._counter(
            "limited",
            "Requests that came too often, by what they were too often for: an address, people of "
            "one client, or questions about one of them.",
            "limit",
        )
        self.events = self._counter(
            "events", "Events accepted, repeated ones included, by kind.", "kind"
        )
        self.reloads = self._counter("reloads", "Reloads, by result.", "result")
        self.streams = self._gauge("streams", "Streams that are open.")
        self.waiting = self._gauge("waiting", "Requests that wait, by what they wait for.", "queue")
        self.unseen = self._gauge(
            "unseen_values",
            "Values of users and coupons in the snapshot that the model has never seen.",
        )
        self.degraded = self._gauge("degraded", "1 while events of other replicas cannot be read.")
        self.unpublished = self._gauge(
            "events_unpublished", "Events accepted here that other replicas cannot know yet."
        )
        self.decisions_lost = self._gauge(
            "decisions_lost",
            "Answers missing in the decision log: a kill or a full disk lost them.",
        )
        self.outcomes_lost = self._gauge(
            "outcomes_lost",
            "Events missing in the decision log: a kill or a full disk lost them.",
        )
        # The first one counts as a rise only from a zero.
        for counter, names in (
            (self.limited, ("address", "users", "asks")),
            (self.turned_away, ("model", "shadow", "log", "streams")),
            (self.events, FIELDS),
            (self.reloads, ("done", "refused")),
        ):
            for name in names:
                counter.labels(name)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"coupon_rec_{name}", about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"coupon_rec_{name}", about, labels, registry=self.registry)

    def _histogram(
        self, name: str, about: str, buckets: Sequence[float], *labels: str
    ) -> Histogram:
        return Histogram(
            f"coupon_rec_{name}", about, labels, registry=self.registry, buckets=buckets
        )

    def see(self, choices: Sequence[Choice], arm: str | None = None) -> None:
        """Count the score of an answer: one number each, as more would cost the next answer."""
        histogram = self.arm_scores.labels(arm) if arm else self.scores
        histogram.observe(max((choice.probability for choice in choices), default=0.0))
