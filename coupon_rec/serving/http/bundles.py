"""The bundle in service and the one on trial: they are loaded, swapped, and asked for a user."""

import logging
from datetime import date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from coupon_rec.serving.bundle.manifest import BundleError, verified, version_of
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.events.identifiers import UNKNOWN
from coupon_rec.serving.events.redis_log import SharedLog
from coupon_rec.serving.exploring import Exploring
from coupon_rec.serving.http.api_models import Context
from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.recommender import Question, Recommender

logger = logging.getLogger("coupon_rec.serving")

MOST_DAYS = 365
"""How far after its snapshot a bundle may be asked; every recency has reached its cap by then."""

NOW = (
    '; without a context, "now" by the clock of the server is meant: send the time of the shop, '
    'such as "context": {"time": "2017-11-20T09:30:00"}'
)

LIVE, CANARY, SHADOW = "live", "canary", "shadow"


class Bundles:
    """The bundle in service, perhaps one on trial, and the log of events that both count.

    Parameters
    ----------
    folder : pathlib.Path
        Of the bundle in service, now and at each load.
    settings : Settings
        Where the log and the bundle on trial are, and how many users the trial answers.

    Attributes
    ----------
    live : Recommender
        Of the bundle in service.
    trial : Recommender or None
        Of the bundle on trial. One that fails is taken out, and never the service with it.
    log : EventLog
        Of this replica.
    exploring : Exploring or None
        How chance decides, if it does.

    Raises
    ------
    BundleError
        If a bundle cannot be used.
    ValueError
        If a setting is out of its range.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        rate, floor, seed = settings.explore, settings.explore_floor, settings.explore_seed
        self.exploring = Exploring(rate, floor, seed) if rate else None
        if not 0 <= settings.canary <= 1 or (settings.canary and not settings.trial):
            raise ValueError(
                f"canary is {settings.canary}: it must be in [0, 1], and needs a trial (--trial)"
            )
        verified(folder)  # before a log is opened beside what is no bundle
        path = settings.log or folder.with_name(f"{folder.name}.events")
        self.log = SharedLog(path, settings.redis) if settings.redis else EventLog(path)
        self.live, self.trial = self.load(first=True)

    def load(self, *, first: bool = False) -> tuple[Recommender, Recommender | None]:
        """Load both folders; a trial that cannot be used keeps no bundle out but the `first`."""
        live, trial = self._recommender(self._folder), None
        try:
            trial = self._load_trial(live)
        except ValueError as error:
            if first:
                raise
            logger.warning("no bundle is on trial: %s", error)
        live.store.shorten_log()  # nothing can refuse it any more
        return live, trial

    def _recommender(self, bundle: Path) -> Recommender:
        """Put the features of its bundle beside a model, and see that it answers a question."""
        scorer = Scorer.load(bundle)
        store = FeatureStore.load(bundle / "snapshot", scorer.encoder, self.log)
        if unseen := store.snapshot.unseen:
            logger.warning(
                "%s: values that the model has never seen count as unknown (%s): train it again",
                bundle,
                ", ".join(f"{column} of {count:,} rows" for column, count in unseen.items()),
            )
        logger.info("%s: discounts by %s", bundle, store.snapshot.coupons.discount_from)
        if version_of(verified(bundle)) != scorer.version:
            raise BundleError(f"{bundle}: became another bundle meanwhile; load it again")
        recommender = Recommender(scorer, store, self._settings.economics, self.exploring)
        try:
            recommender([Question(UNKNOWN, store.day, 1)])
        except Exception as error:  # those of ONNX Runtime have no class of their own
            raise BundleError(
                f"{bundle}: the model cannot score the features of the snapshot ({error}); "
                "train and export a model of these features"
            ) from error
        return recommender

    def _load_trial(self, live: Recommender) -> Recommender | None:
        folder = self._settings.trial
        if folder is None:
            return None
        trial = self._recommender(folder)
        if trial.store.day != live.store.day:
            raise BundleError(
                f"{folder}: of {trial.store.day}, but what is in service is of {live.store.day}; "
                "export both for the same day"
            )
        if missing := live.scorer.platforms.keys() - trial.scorer.platforms.keys():
            raise BundleError(
                f"{folder}: has no model for {', '.join(sorted(missing))}, and what is in service "
                "has one; export it with the same platforms"
            )
        return trial

    def swap(self, fresh: Recommender, trial: Recommender | None) -> None:
        """Put what `load` gave in service, while no event is written."""
        fresh.store.catch_up()
        self.live, self.trial = fresh, trial
        self.follow()

    def follow(self) -> None:
        """Let the trial count the events that the log has."""
        if self.trial:
            try:
                self.trial.store.follow()
            except Exception as error:  # the events are accepted, whatever it thinks of them
                self.end_trial(self.trial, error)

    def end_trial(self, bundle: Recommender, error: Exception) -> None:
        """Take a bundle out, if it is still the one on trial."""
        if self.trial is bundle:
            logger.error("the trial ends: %s", type(error).__name__)
            self.trial = None

    def of(self, user_id: int | str) -> tuple[str, Recommender]:
        """Give the bundle that answers a user, and say which it is: "live" or "canary"."""
        folder, share = self._settings.trial, self._settings.canary
        if self.trial and folder and share and drawn(user_id, folder.name, share):
            return CANARY, self.trial
        return LIVE, self.live

    def at(self, context: Context | None) -> tuple[Recommender, datetime]:
        """Give what is in service, and the moment that is meant; Refused if out of reach."""
        moment = context.time if context else datetime.now()
        self.check_day(moment.date(), "context.time", advice="" if context else NOW)
        return self.live, moment

    def check_day(self, day: date, field: str, *, past: bool = False, advice: str = "") -> None:
        """Refuse a day that the features do not reach, or none before if `past`; name its field."""
        first = self.live.store.day
        last = first + timedelta(days=MOST_DAYS)
        if day > last or (day < first and not past):
            words = f"{day} is out of reach: send {first} to {last}{advice}"
            raise Refused(409, words, field=field)


def drawn(user_id: int | str, trial: str, share: float) -> bool:
    """Say whether a user is in the share that a trial has drawn; other trials draw others.

    An identifier is hashed as the text that spells it, so 5 and "5" are the same user.

    Examples
    --------
    >>> sum(drawn(user, "june", 0.1) for user in range(10_000))
    1013
    """
    digest = blake2b(f"{trial}\0{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64
