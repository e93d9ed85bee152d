"""Listening as a program: a stream in, alerts out, and a place that a kill does not lose."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coupon_rec.listening.hook import hook, nobody_there
from coupon_rec.listening.listener import Alert, Listener, Opinion
from coupon_rec.listening.sources import Read, SourceError

if TYPE_CHECKING:
    from coupon_rec.listening.labels import Labels

BATCH = 1000
UNLABELED = "has no topic or no stars, and there are no labeled sentences that tell them"
DEAF = (
    "no topic had enough opinions in the first days, so none is watched: if the first line has a "
    "wrong date, begin anew without it, with another memory; or give more days"
)
TABLES = (
    "CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), place, listener)",
    "CREATE TABLE IF NOT EXISTS alerts (id PRIMARY KEY, alert NOT NULL, sent INTEGER NOT NULL)",
)


class Memory:
    """Place, sums and alerts in one SQLite file: a transaction changes all of them or none."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            names = "SELECT name FROM sqlite_master WHERE type = 'table'"
            if {name for (name,) in self._database.execute(names)} - {"state", "alerts"}:
                raise sqlite3.DatabaseError("it has other tables")
            os.chmod(path, 0o600)  # quotes are read by its owner alone
            for setting in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
                self._database.execute(f"PRAGMA {setting}")
            for table in TABLES:
                self._database.execute(table)
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            self._database.close()
            if "locked" in str(error):
                raise SourceError(
                    f"{path} belongs to another process that listens: stop it, or name another "
                    "state"
                ) from error
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> SourceError:
        return SourceError(f"{self.path} is damaged, or no state of listening: {error}")

    def close(self) -> None:
        """Let another process have it."""
        self._database.close()

    def read(self) -> tuple[dict[str, int], Listener | None]:
        """Give the place, and the listener; nothing if it is new."""
        row = self._database.execute("SELECT place, listener FROM state").fetchone()
        try:
            return (
                (json.loads(row[0]), Listener.restored(json.loads(row[1]))) if row else ({}, None)
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise self._damaged(error) from error

    def write(self, place: Mapping[str, int], listener: Listener, alerts: Iterable[Alert]) -> None:
        """Keep all three, or, if the process dies on the way, none."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute(
            "REPLACE INTO state VALUES (1, ?, ?)", (json.dumps(place), json.dumps(listener.state()))
        )
        self._database.executemany(
            "INSERT INTO alerts VALUES (?, ?, 0)",
            [(alert.id, json.dumps(asdict(alert))) for alert in alerts],
        )
        self._database.execute("COMMIT")

    def alerts(self, sent: bool | None = None) -> list[Alert]:
        """Give the alerts in their order: all, or those that were sent, or those that were not."""
        where = "" if sent is None else f"WHERE sent = {int(sent)}"
        rows = self._database.execute(f"SELECT alert FROM alerts {where} ORDER BY rowid")
        return [Alert(**json.loads(alert)) for (alert,) in rows]

    def mark_sent(self, alert: Alert) -> None:
        """Remember that the receiver has it."""
        self._database.execute("UPDATE alerts SET sent = 1 WHERE id = ?", (alert.id,))


def post(address: str, alert: Alert) -> None:
    """Send an alert to a web hook as JSON, with its id, percent-encoded, as ``Idempotency-Key``.

    Raises
    ------
    OSError
        If the receiver does not answer with a status of success within 10 seconds.
    """
    hook(address)(asdict(alert))


def needs_labels(row: Mapping[str, Any]) -> bool:
    """Whether a row does not say itself what it is about, or whether it is negative."""
    return not row.get("topic") or row.get("rating") is None


def batches(rows: Iterable[Read]) -> Iterator[list[Read]]:
    """Divide a stream into batches, of fewer rows where what comes next may take a while."""
    batch: list[Read] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH or row[-1] is None:
            yield batch
            batch = []
    if batch:
        yield batch


def labeled(rows: Sequence[dict[str, Any]], labels: "Labels | None") -> list[Opinion]:
    """Make opinions of rows: stars and topics that they bring, labels for the rest."""
    texts = list(dict.fromkeys(row.get("text") or "" for row in rows if needs_labels(row)))
    topic: dict[str, str] = {}
    called: dict[str, bool] = {}
    if texts and labels:
        topic = dict(zip(texts, labels.topic(texts), strict=True))
        called = dict(zip(texts, labels.called(texts), strict=True))
    found = []
    for row in rows:
        text, stars = row.get("text") or "", row.get("rating")
        negative = called[text] if stars is None else stars <= 2
        about = row.get("topic") or topic[text]
        found.append(Opinion(row["time"], about, bool(negative), text, stars is not None))
    return found


def listen(
    read: Callable[[Mapping[str, int]], Iterator[Read]],
    memory: str | Path,
    listener: Listener,
    *,
    labels: "Labels | None" = None,
    deliver: Callable[[Alert], None] | None = None,
    say: Callable[[str], None] = print,
    follow: float = 0.0,
) -> list[Alert]:
    """Listen to a stream from where the memory leaves off.

    Parameters
    ----------
    read : callable
        From a place to what comes after it, as `read_lines`. After a ConnectionError it is called
        again, if we follow.
    memory : str or pathlib.Path
        The SQLite file that holds place, sums and alerts; made if there is none.
    listener : Listener
        Used if the memory is new; else the one in the memory goes on.
    labels : Labels, optional
        For opinions that bring no topic or no stars; stars up to 2 are negative. Without labels,
        such an opinion is skipped.
    deliver : callable, optional
        Sends an alert and raises OSError if it did not arrive, as `post`.
    say : callable
        Told of lines that are skipped and of alerts that did not arrive.
    follow : float
        Seconds between two looks for more; 0 to end when the stream does.

    Returns
    -------
    list of Alert
        All that the memory holds, oldest first.

    Raises
    ------
    SourceError
        If the memory is another program's, damaged or in use; if nobody has been heard, and every
        opinion needs labels that are not there; or as `read`.

    Notes
    -----
    What is promised, of a stream that is only appended to: after a kill at any moment, the next
    run goes on from the last place that was written, and an alert is written with its place, in
    one transaction. So no alert is lost or made twice. One that was sent, but not yet marked, is
    sent again with the same id: delivery is at least once, and a receiver that keeps the ids sees
    each alert once. A crash of the machine is survived as far as SQLite's ``synchronous=FULL`` and
    the disk do. What a pipe had delivered beyond the place must be sent again, from the beginning.
    """
    with closing(Memory(memory)) as kept:
        place, known = kept.read()
        listener = known or listener
        told = False
        while True:
            try:
                for batch in batches(read(place)):
                    good, problems = [], []
                    for name, where, row in batch:
                        if isinstance(row, str):
                            problems.append((name, where, row))
                        elif row and labels is None and needs_labels(row):
                            problems.append((name, where, UNLABELED))
                        elif row:
                            good.append(row)
                        place[name] = where
                    if not (good or listener.begun) and UNLABELED in [row for *_, row in problems]:
                        raise SourceError(f"every opinion {UNLABELED}: name labeled sentences")
                    for name, where, row in problems:
                        say(f"{name}, at {where}: skipped, since it {row}")
                    heard, late = labeled(good, labels), listener.late
                    alerts = [alert for opinion in heard for alert in listener.hear(opinion)]
                    if listener.late > late:
                        say(f"{listener.late - late} came after their hour was over: not counted")
                    if listener.learned and not (listener.watches or told):
                        say(DEAF)
                        told = True
                    kept.write(place, listener, alerts)
                    _deliver(kept, deliver, say)
            except ConnectionError as error:
                if not follow:
                    raise SourceError(str(error)) from error
                say(f"{error}; the next look is in {follow:g} seconds")
            _deliver(kept, deliver, say)
            if not follow:
                return kept.alerts()
            time.sleep(follow)


def _deliver(
    kept: Memory, deliver: Callable[[Alert], None] | None, say: Callable[[str], None]
) -> None:
    for alert in kept.alerts(sent=False) if deliver else ():
        try:
            deliver(alert)  # type: ignore[misc]
        except OSError as error:
            say(f"{alert.id} did not arrive ({error}); it is kept, and sent again")
            if nobody_there(error):
                return
        else:
            kept.mark_sent(alert)
