"""Limits, files and secrets of the service, with their defaults."""

from dataclasses import dataclass, field
from pathlib import Path

from coupon_rec.decisions import Economics

NO_DECISIONS = Path("none")
"""What `Settings.decisions` is where nothing is recorded."""


@dataclass(frozen=True)
class Settings:
    """Limits and secrets of a service.

    Attributes
    ----------
    log : pathlib.Path, optional
        The log of events; ``BUNDLE.events`` beside the bundle if left out.
    redis : str
        Address of the Redis through which replicas share their events, and count together what
        `users_per_client` and `asks_per_user` limit; none if it is empty.
    api_key : str
        What requests must carry as `Authorization: Bearer KEY`; none need to if it is empty.
        Several, separated by commas, for several clients, or for a new key beside the old one.
    rate : float
        Requests a second that one address may make, rounded down; less than 1 is one in a longer
        time, and 0 no limit.
    decisions : pathlib.Path, optional
        The folder that records answers and outcomes; ``BUNDLE.decisions`` beside the bundle if
        left out, and nothing is recorded if it is ``Path("none")``.
    pseudonym_key : str
        With a key, people appear in `decisions` under pseudonyms alone; after a rotation, the new
        key and the old ones, separated by commas. (Keys of encrypted files are no setting: they
        come from the environment, ``COUPON_REC_STORAGE_KEYS``.)
    economics : coupon_rec.decisions.Economics
        What a redemption is worth.
    queue_limit : int
        Requests that may wait for the model, and as many for the log of events.
    stream_limit : int
        Users' streams that may be open at once.
    explore : float
        Share of the answers whose coupons are drawn, in [0, 1], so that the log can judge other
        policies; 0 for none. Streams do not explore.
    explore_floor : float
        Least chance of a coupon that can be drawn, above 0 and at most `explore`.
    explore_seed : int, optional
        Of the draws, for tests; by default, they differ from start to start.
    trial : pathlib.Path, optional
        A second bundle, of the same day. It answers `canary` of the users; if that is 0, it is a
        shadow: it scores the same requests, is recorded, and nobody sees it.
    canary : float
        Share of the users, in [0, 1], whom the trial answers: those whom a hash of their
        identifier and the name of the trial's folder draws.
    users_per_client : float
        People about whom one client may ask in an hour, against copying the model, or guessing who
        was in its training, from answers; 0 for no limit. A client is a key, or an address where
        there is none.
    asks_per_user : float
        How often one client may ask about one of them in an hour; 0 for no limit. The whole
        account of coupons (`explain`) counts as five questions.
    operator_key : str
        What `/v1/reload`, `/v1/reviews` and `/metrics` need; any client's key does if it is empty.
    proxy : str
        Addresses or networks of the proxies whose `X-Forwarded-For` names the client, separated by
        commas; the header is left alone if it is empty.
    open : bool
        Whether a service without `api_key` may listen where other machines reach it.
    """

    log: Path | None = None
    redis: str = field(default="", repr=False)  # it may hold a password
    api_key: str = field(default="", repr=False)
    rate: float = 0.0
    decisions: Path | None = None
    pseudonym_key: str = field(default="", repr=False)
    economics: Economics = field(default_factory=Economics)
    queue_limit: int = 256
    stream_limit: int = 1000
    explore: float = 0.0
    explore_floor: float = 0.01
    explore_seed: int | None = None
    trial: Path | None = None
    canary: float = 0.0
    users_per_client: float = 0.0
    asks_per_user: float = 0.0
    operator_key: str = field(default="", repr=False)
    proxy: str = ""
    open: bool = False

    @property
    def limits(self) -> bool:
        """Whether anyone may be told to wait."""
        return bool(self.rate or self.users_per_client or self.asks_per_user)
