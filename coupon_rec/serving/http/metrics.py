"""The counters of the service, for Prometheus."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from coupon_rec.serving.events.event import FIELDS
from coupon_rec.serving.replies import Choice

COUNTERS: dict[str, tuple[str, ...]] = {  # name, and what it counts, by which labels
    "requests": ("Requests answered, by route and status.", "route", "status"),
    "cached": ("Answers taken from the cache.",),
    "explored": ("Answers whose coupons were drawn.",),
    "arm_redemptions": ("While a bundle is a canary: redemptions, by the arm of the user.", "arm"),
    "shadows_lost": ("Requests the shadow did not score: too many waited, or it failed.",),
    "turned_away": ("Requests turned away as too many wait, by what they would wait for.", "queue"),
    "limited": ("Requests that came too often, by what they were too often for.", "limit"),
    "events": ("Events accepted, repeated ones included, by kind.", "kind"),
    "reloads": ("Reloads, by result.", "result"),
}
GAUGES: dict[str, tuple[str, ...]] = {
    "trial": ("1 while a bundle is on trial.",),
    "streams": ("Streams that are open.",),
    "waiting": ("Requests that wait, by what they wait for.", "queue"),
    "unseen_values": ("Values of users and coupons that the model has never seen.",),
    "degraded": ("1 while events of other replicas cannot be read.",),
    "events_unpublished": ("Events accepted here that other replicas cannot know yet.",),
    "decisions_lost": ("Answers missing in the decision log: a kill or a full disk lost them.",),
    "outcomes_lost": ("Events missing in the decision log: a kill or a full disk lost them.",),
}
SECONDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SCORES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
HISTOGRAMS: dict[str, tuple[Sequence[float], tuple[str, ...]]] = {
    "request_seconds": (SECONDS, ("Time from request to answer, but for streams.", "route")),
    "batch_requests": ((1, 2, 4, 8, 16, 32), ("Requests in one call of the model.",)),
    "score": (SCORES, ("Probability of the likeliest coupon of an answer; 0 for none.",)),
    "arm_score": (SCORES, ("While a bundle is on trial: as coupon_rec_score, by arm.", "arm")),
}
FROM_ZERO: dict[str, Sequence[str]] = {
    "limited": ("address", "users", "asks"),
    "turned_away": ("model", "log", "streams"),
    "events": [*FIELDS],
    "reloads": ("done", "refused"),
}
"""Labels that are there from the start, since a first one counts as a rise only from a zero."""


class Metrics:
    """The counters of one service, each by its name. No label names a user."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.count = {
            name: Counter(f"coupon_rec_{name}", about, labels, registry=self.registry)
            for name, (about, *labels) in COUNTERS.items()
        }
        self.gauge = {
            name: Gauge(f"coupon_rec_{name}", about, labels, registry=self.registry)
            for name, (about, *labels) in GAUGES.items()
        }
        self.histogram = {
            name: Histogram(
                f"coupon_rec_{name}", about, labels, registry=self.registry, buckets=buckets
            )
            for name, (buckets, (about, *labels)) in HISTOGRAMS.items()
        }
        for name, labels in FROM_ZERO.items():
            for label in labels:
                self.count[name].labels(label)

    def see(self, choices: Sequence[Choice], arm: str | None = None) -> None:
        """Count the score of an answer: one number each, as more would cost the next answer."""
        seen = self.histogram["arm_score"].labels(arm) if arm else self.histogram["score"]
        seen.observe(max((choice.probability for choice in choices), default=0.0))
