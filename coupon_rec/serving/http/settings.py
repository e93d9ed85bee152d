"""What a person may set about the service."""

from dataclasses import dataclass, field
from pathlib import Path

from coupon_rec.decisions import Economics


@dataclass(frozen=True)
class Settings:
    """Limits and secrets of a service.

    Attributes
    ----------
    log : pathlib.Path, optional
        The write-ahead log of events; beside the bundle if left out.
    redis : str
        Address of the Redis through which replicas share their events; none if it is empty.
    api_key : str
        What requests must carry as `Authorization: Bearer KEY`; none need to if it is empty.
    rate : float
        Requests a second that one address may make, with a burst of as many; 0 for no limit.
    body : int
        Bytes that a request may have at most.
    waiting : int
        Requests that may wait for the model, and as many for the log of events.
    together : int
        Requests that go into one call of the model at most.
    cached : int
        Answers that are kept.
    streams : int
        Users' streams that may be open at once.
    economics : coupon_rec.decisions.Economics
        What a redemption is worth.
    """

    log: Path | None = None
    redis: str = ""
    api_key: str = ""
    rate: float = 0.0
    body: int = 2**20
    waiting: int = 256
    together: int = 32
    cached: int = 10_000
    streams: int = 1000
    economics: Economics = field(default_factory=Economics)
