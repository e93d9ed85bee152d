"""No record of a person in the files of a service: logs, snapshots, registries and leftovers."""

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from coupon_rec.serving.bundle.manifest import NAME, seal, verified, version_of
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.identifiers import FILE, Identifiers

OF_USERS = (
    "users",
    "history",
    "offers",
    "holdouts",
    "mailings",
    "seen",
    "redemptions",
    "views",
    "clicks",
)
"""Tables of a snapshot with a row for each thing that a user did, was sent, or is held out of."""


@dataclass
class Forgotten:
    """What was removed, and what is due.

    Attributes
    ----------
    events, decisions : int
        Rows removed from the log of events, and from that of answers and outcomes.
    snapshot : dict of str to int
        Rows removed from the tables of each bundle.
    """

    events: int = 0
    decisions: int = 0
    snapshot: dict[str, int] = field(default_factory=dict)

    @property
    def due(self) -> list[str]:
        """What still rests on the person, and until when."""
        words = [
            "your own tables: delete the person there, or the next export brings them back",
            "backups elsewhere: if the files are encrypted, put a new key first in "
            "COUPON_REC_STORAGE_KEYS, start once, and destroy the old key",
        ]
        if self.snapshot:
            words += [
                "sums over everybody in the snapshot (items, coupons, wallet shares): gone with "
                "the next `export`",
                "the weights of the model: gone with the next `train` on tables without the person",
            ]
        return words


def forget(
    users: Sequence[int | str],
    bundles: Sequence[str | Path],
    *,
    log: str | Path | None = None,
    decisions: str | Path | None = None,
    key: str = "",
    redis: str = "",
) -> Forgotten:
    """Remove people from every file of a service that is stopped.

    Each file, and each bundle, is written anew beside the old one and takes its place: after a
    crash, do it again. Databases are vacuumed. Bundles keep their versions, so that registries and
    decisions still name them. A person of whom nothing is known is no error.

    Parameters
    ----------
    users : sequence of int or str
        Whom to forget, as the market or the sender of events named them.
    bundles : sequence of str or pathlib.Path
        The bundle that is served and others that are kept. Of a registry, give its folder: all of
        its bundles are gone through.
    log : str or pathlib.Path, optional
        The log of events; ``BUNDLE.events`` of the first bundle if left out.
    decisions : str or pathlib.Path, optional
        The folder of answers and outcomes; ``BUNDLE.decisions`` if left out.
    key : str
        The pseudonym keys of that folder, all that were ever used, as for `DecisionLog`.
    redis : str
        Address of the Redis that replicas share: events are removed from its stream too. Stop all
        replicas first, and go through the files of each.

    Raises
    ------
    LogError
        If the service still runs: it has what is to be forgotten in memory, too.
    BundleError
        If a folder is no bundle.
    """
    folders = [path for bundle in bundles for path in _bundles_in(Path(bundle))]
    for bundle in folders:
        _recover(bundle)
        verified(bundle)  # before anything is touched
    first = Path(bundles[0])
    if (first / "versions").is_dir():
        first = first / "live"
    done = Forgotten()
    path = Path(log) if log else first.with_name(f"{first.name}.events")
    if path.exists():
        with closing(EventLog(path)) as events:
            done.events = sum(map(events.forget, users))
    if redis:
        done.events += _forget_in_redis(redis, users)
    folder = Path(decisions) if decisions else first.with_name(f"{first.name}.decisions")
    if folder.is_dir():
        with closing(DecisionLog(folder, key)) as answers:
            done.decisions = sum(map(answers.forget, users))
        for left in folder.rglob(".*.parquet"):  # of an interrupted write
            left.unlink()
    for bundle in folders:
        done.snapshot[str(bundle)] = _forget_in_bundle(bundle, users)
    return done


def _forget_in_redis(url: str, users: Sequence[int | str]) -> int:
    from redis import RedisError

    from coupon_rec.serving.events.redis_log import connected, forget_in_stream, streams_of

    try:
        with connected(url) as redis:
            streams = streams_of(redis)
        return sum(forget_in_stream(url, stream, users) for stream in streams)
    except RedisError as error:
        raise ValueError(
            f"Redis cannot be reached: {error}; start it, and run this again"
        ) from error


def _bundles_in(folder: Path) -> list[Path]:
    """A bundle, or those of a registry, once what interrupted calls have left there is cleared."""
    folder = folder.resolve()
    versions = folder / "versions"
    if not versions.is_dir():
        return [folder]
    for before in versions.glob(".before-*"):
        _recover(versions / before.name.removeprefix(".before-"))
    for draft in versions.glob(".draft-*"):
        shutil.rmtree(draft)
    return sorted(path for path in versions.iterdir() if path.name[0] != ".")


def _forget_in_bundle(bundle: Path, users: Sequence[int | str]) -> int:
    """Write a bundle without some people, put it in its place, and say how many rows are gone."""
    if not (bundle / "snapshot").is_dir():
        return 0
    draft, before = _beside(bundle)
    manifest = verified(bundle)
    shutil.copytree(bundle, draft, ignore=shutil.ignore_patterns(NAME))
    removed = _forget_in_snapshot(draft / "snapshot", users)
    if removed:
        ours = ("format", "version", "files")
        facts = {name: fact for name, fact in manifest.items() if name not in ours}
        seal(draft, {**facts, "whole": version_of(manifest)})
        bundle.rename(before)
        draft.rename(bundle)
        shutil.rmtree(before)
    else:
        shutil.rmtree(draft)
    return removed


def _beside(bundle: Path) -> tuple[Path, Path]:
    """Where a bundle is written, and where the old one is until the new one has its place."""
    return bundle.with_name(f".draft-{bundle.name}"), bundle.with_name(f".before-{bundle.name}")


def _recover(bundle: Path) -> None:
    """Clear away what an interrupted call has left."""
    draft, before = _beside(bundle)
    if before.exists() and not bundle.exists():
        before.rename(bundle)
    for left in (draft, before):
        shutil.rmtree(left, ignore_errors=True)


def _forget_in_snapshot(snapshot: Path, users: Sequence[int | str]) -> int:
    identifiers = Identifiers.read(snapshot)
    numbers = pa.array([identifiers.number("user_id", user) for user in users], pa.int64())
    theirs = dict.fromkeys(
        (f"{name}.parquet" for name in OF_USERS), pc.field("user_id").isin(numbers)
    )
    theirs[FILE] = (pc.field("kind") == "user_id") & pc.field("number").isin(numbers)
    return sum(_without(snapshot / name, rows) for name, rows in theirs.items())


def _without(path: Path, rows: pc.Expression) -> int:
    """Write a table without some rows, if it is there, and say how many these were."""
    if not path.exists():
        return 0
    table = pq.read_table(path)
    left = table.filter(~rows)
    if len(left) < len(table):
        pq.write_table(left, path)
    return len(table) - len(left)
