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
        self.requests = Counter(
            "coupon_rec_requests",
            "Requests answered, by route and status.",
            ["route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "coupon_rec_request_seconds",
            "Time from a request to its answer, but for streams.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.batch = Histogram(
            "coupon_rec_batch_requests",
            "Requests that went into one call of the model.",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=self.registry,
        )
        self.cached = Counter(
            "coupon_rec_cached", "Answers taken from the cache.", registry=self.registry
        )
        self.scores = Histogram(
            "coupon_rec_score",
            "Probability of redemption of the likeliest coupon that an answer chose; 0 for none.",
            buckets=SCORES,
            registry=self.registry,
        )
        self.explored = Counter(
            "coupon_rec_explored", "Answers whose coupons were drawn.", registry=self.registry
        )
        self.arm_scores = Histogram(
            "coupon_rec_arm_score",
            "While a bundle is on trial: as coupon_rec_score, by arm.",
            ["arm"],
            buckets=SCORES,
            registry=self.registry,
        )
        self.arm_redemptions = Counter(
            "coupon_rec_arm_redemptions",
            "While a bundle is a canary: redemptions, by the arm of the user.",
            ["arm"],
            registry=self.registry,
        )
        self.shadows_lost = Counter(
            "coupon_rec_shadows_lost",
            "Requests that the shadow did not score: too many waited, or it failed.",
            registry=self.registry,
        )
        self.trial = Gauge(
            "coupon_rec_trial", "1 while a bundle is on trial.", registry=self.registry
        )
        self.turned_away = Counter(
            "coupon_rec_turned_away",
            "Requests turned away because as many wait as may, by what they would wait for.",
            ["queue"],
            registry=self.registry,
        )
        self.limited = Counter(
            "coupon_rec_limited",
            "Requests that came too often, by what they were too often for: an address, people of "
            "one client, or questions about one of them.",
            ["limit"],
            registry=self.registry,
        )
        for name in ("address", "users", "asks"):
            self.limited.labels(name)
        self.events = Counter(
            "coupon_rec_events",
            "Events accepted, repeated ones included, by kind.",
            ["kind"],
            registry=self.registry,
        )
        for kind in FIELDS:
            self.events.labels(kind)
        self.reloads = Counter(
            "coupon_rec_reloads", "Reloads, by result.", ["result"], registry=self.registry
        )
        for result in ("done", "refused"):  # the first one counts as a rise only from a zero
            self.reloads.labels(result)
        self.streams = Gauge("coupon_rec_streams", "Streams that are open.", registry=self.registry)
        self.waiting = Gauge(
            "coupon_rec_waiting",
            "Requests that wait, by what they wait for.",
            ["queue"],
            registry=self.registry,
        )
        self.unseen = Gauge(
            "coupon_rec_unseen_values",
            "Values of users and coupons in the snapshot that the model has never seen.",
            registry=self.registry,
        )
        self.degraded = Gauge(
            "coupon_rec_degraded",
            "1 while events of other replicas cannot be read.",
            registry=self.registry,
        )
        self.unpublished = Gauge(
            "coupon_rec_events_unpublished",
            "Events accepted here that other replicas cannot know yet.",
            registry=self.registry,
        )
        self.decisions_lost = Gauge(
            "coupon_rec_decisions_lost",
            "Answers missing in the decision log: a kill or a full disk lost them.",
            registry=self.registry,
        )
        self.outcomes_lost = Gauge(
            "coupon_rec_outcomes_lost",
            "Events missing in the decision log: a kill or a full disk lost them.",
            registry=self.registry,
        )

    def see(self, choices: Sequence[Choice], arm: str | None = None) -> None:
        """Count the score of an answer: one number each, as more would cost the next answer."""
        histogram = self.arm_scores.labels(arm) if arm else self.scores
        histogram.observe(max((choice.probability for choice in choices), default=0.0))
