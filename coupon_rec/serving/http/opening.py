"""What a service writes into and shares with other replicas, opened as its settings say."""

from pathlib import Path
from typing import TYPE_CHECKING

from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.http.settings import Settings

if TYPE_CHECKING:
    from coupon_rec.serving.http.shared_asked import SharedAsked

NO_DECISIONS = Path("none")
"""What `Settings.decisions` is where nothing is recorded."""


def open_log(path: Path, settings: Settings, shard: tuple[int, int] | None) -> EventLog:
    """Open the log of events, shared with other replicas if there is a Redis."""
    if not settings.redis:
        return EventLog(path)
    from coupon_rec.serving.events.redis_log import SharedLog, stream_of

    return SharedLog(path, settings.redis, stream_of(shard))


def open_asked(settings: Settings) -> "SharedAsked | None":
    """Open the channel on which replicas tell what they grant, if there is anything to tell."""
    if not (settings.redis and (settings.users_per_client or settings.asks_per_user)):
        return None
    from coupon_rec.serving.http.shared_asked import SharedAsked

    return SharedAsked(settings.redis)


def open_decisions(folder: Path, settings: Settings) -> DecisionLog | None:
    """Open the log of decisions; None if there is to be none.

    Raises
    ------
    ValueError
        If the folder cannot be written.
    """
    if folder == NO_DECISIONS:
        return None
    try:
        return DecisionLog(folder, settings.pseudonym_key)
    except OSError as error:
        raise ValueError(
            f"answers cannot be recorded in {folder} ({error.strerror}): choose another folder, or "
            '"none", for --decisions'
        ) from error
