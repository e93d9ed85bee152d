"""The bundle in service and the one on trial: they are loaded, swapped, and asked for a user."""

import logging
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path

from coupon_rec.serving.bundle.manifest import BundleError, verified, version_of
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.events.identifiers import UNKNOWN
from coupon_rec.serving.exploring import Exploring
from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.recommender import Question, Recommender

logger = logging.getLogger("coupon_rec.serving")

MOST_DAYS = 365
"""How far after its snapshot a bundle may be asked; every recency has reached its cap by then."""

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
        self.exploring = None
        if settings.explore:
            self.exploring = Exploring(
                settings.explore, settings.explore_floor, settings.explore_seed
            )
        if not 0 <= settings.canary <= 1 or (settings.canary and not settings.trial):
            raise ValueError(
                f"canary is {settings.canary}: it must be in [0, 1], and needs a trial (--trial)"
            )
        scorer = Scorer.load(folder)
        self.log = _open_log(settings.log or folder.with_name(f"{folder.name}.events"), settings)
        self.live = self._recommender(folder, scorer)
        self.trial = self._load_trial(self.live)
        self.live.store.shorten_log()

    def _recommender(self, bundle: Path, scorer: Scorer, trial: bool = False) -> Recommender:
        """Put the features of its bundle beside a model, and see that it answers a question."""
        # A trial reads the log that the bundle in service keeps.
        load = FeatureStore if trial else FeatureStore.load
        store = load(bundle / "snapshot", scorer.encoder, self.log)
        if unseen := store.snapshot.unseen:
            logger.warning(
                "%s: values that the model has never seen count as unknown (%s): train it again",
                bundle,
                ", ".join(f"{column} of {count:,} rows" for column, count in unseen.items()),
            )
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
        trial = self._recommender(folder, Scorer.load(folder), trial=True)
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
        trial.store.follow()
        return trial

    def load(self) -> tuple[Recommender, Recommender | None]:
        """Load both folders again. A trial that cannot be used does not keep a bundle out."""
        live = self._recommender(self._folder, Scorer.load(self._folder))
        trial = None
        try:
            trial = self._load_trial(live)
        except ValueError as error:
            logger.warning("no bundle is on trial: %s", error)
        live.store.shorten_log()  # nothing can refuse it any more
        return live, trial

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
                self.end_trial(error)

    def end_trial(self, error: Exception) -> None:
        """Take the bundle on trial out."""
        logger.error("the trial ends: %s", type(error).__name__)
        self.trial = None

    def arm(self, user_id: int | str) -> str:
        """Say which bundle answers a user: "live" or "canary"."""
        trial, share = self._settings.trial, self._settings.canary
        if self.trial and trial and share and drawn(user_id, trial.name, share):
            return CANARY
        return LIVE

    def of(self, arm: str) -> Recommender:
        """Give the bundle that answers an arm."""
        return self.trial if self.trial and arm != LIVE else self.live

    def reaching(
        self, day: date, field: str, *, past: bool = False, advice: str = ""
    ) -> Recommender:
        """Give what is loaded, if its features reach a day, or any day before if `past`.

        Raises
        ------
        Refused
            If they do not: it names the field of the request.
        """
        first = self.live.store.day
        last = first + timedelta(days=MOST_DAYS)
        if day > last or (day < first and not past):
            words = f"{day} is out of reach: send {first} to {last}{advice}"
            raise Refused(409, words, field=field)
        return self.live


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


def _open_log(path: Path, settings: Settings) -> EventLog:
    """Open the log of events, shared with other replicas if there is a Redis."""
    if not settings.redis:
        return EventLog(path)
    from coupon_rec.serving.events.redis_log import SharedLog

    return SharedLog(path, settings.redis)
