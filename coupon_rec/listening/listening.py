"""Listening as a program: a stream in, alerts out, and a place that a kill does not lose."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from coupon_rec.listening.listener import Alert, Listener, Opinion
from coupon_rec.listening.sources import OpinionRow, Read, SourceError
from coupon_rec.outgoing import Unreachable

if TYPE_CHECKING:
    from coupon_rec.listening.labels import Labels

UNLABELED = "has no topic or no stars, and there are no labeled sentences that tell them"
NONE_WATCHED = (
    "no topic had enough opinions in the first days, so none is watched: if the first line has a "
    "wrong date, begin anew without it, with another memory; or give more days"
)
IN_USE = "belongs to another process that listens: stop it, or name another memory"
DAMAGED = "is damaged, or no memory of this version: name another one"
SET_UP = """
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), place, listener);
CREATE TABLE IF NOT EXISTS alerts (id PRIMARY KEY, alert NOT NULL, sent INTEGER NOT NULL);
BEGIN IMMEDIATE;  -- takes the lock, which this process keeps
COMMIT;
"""


class Memory:
    """Place, sums and alerts in one SQLite file: a transaction changes all of them or none."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        # quotes are read by its owner alone
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(path, timeout=0)
        try:
            names = "SELECT name FROM sqlite_master WHERE type = 'table'"
            if {name for (name,) in self._database.execute(names)} - {"state", "alerts"}:
                raise sqlite3.DatabaseError("it has other tables")
            os.chmod(path, 0o600)  # one that was there before, too
            self._database.executescript(SET_UP)
        except sqlite3.DatabaseError as error:
            self._database.close()
            why = IN_USE if "locked" in str(error) else DAMAGED
            raise SourceError(f"{path} {why} ({error})") from error

    def close(self) -> None:
        """Let another process have it."""
        self._database.close()

    def read(self, listener: Listener) -> tuple[dict[str, int], Listener]:
        """Give the place and the listener; if it is new, the given one and its beginning."""
        row = self._database.execute("SELECT place, listener FROM state").fetchone()
        if row is None:
            return {}, listener
        try:
            return json.loads(row[0]), Listener.restored(json.loads(row[1]))
        except (ValueError, TypeError) as error:
            raise SourceError(f"{self.path} {DAMAGED} ({error})") from error

    def write(self, place: Mapping[str, int], listener: Listener, alerts: Iterable[Alert]) -> None:
        """Keep all three, or, if the process dies on the way, none."""
        state = json.dumps(place), json.dumps(listener.state())
        rows = [(alert.id, json.dumps(asdict(alert))) for alert in alerts]
        with self._database:
            self._database.execute("REPLACE INTO state VALUES (1, ?, ?)", state)
            self._database.executemany("INSERT INTO alerts VALUES (?, ?, 0)", rows)

    def alerts(self, condition: str = "true") -> list[Alert]:
        """Give the alerts in their order: all, or those for which a condition of SQL holds."""
        rows = self._database.execute(f"SELECT alert FROM alerts WHERE {condition} ORDER BY rowid")
        return [Alert(**json.loads(alert)) for (alert,) in rows]

    def mark_sent(self, alert: Alert) -> None:
        """Remember that the receiver has it."""
        with self._database:
            self._database.execute("UPDATE alerts SET sent = 1 WHERE id = ?", (alert.id,))


def _opinions(rows: Sequence[OpinionRow], labels: "Labels | None") -> Iterator[Opinion]:
    """Make opinions of rows: stars and topics that they bring, labels for the rest."""
    texts = [row.text or "" for row in rows if row.needs_labels]
    topics, called = {}, {}
    if texts and labels:
        topics = dict(zip(texts, labels.topic(texts), strict=True))
        called = dict(zip(texts, labels.called(texts), strict=True))
    for row in rows:
        text, stars = row.text or "", row.rating
        negative = called[text] if stars is None else stars <= 2
        yield Opinion(row.time, row.topic or topics[text], bool(negative), text, stars is not None)


def listen(
    read: Callable[[Mapping[str, int]], Iterator[list[Read]]],
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
        From a place to what comes after it, batch by batch, as `read_lines`. After a
        ConnectionError it is called again, if we follow.
    memory : str or pathlib.Path
        The SQLite file that holds place, sums and alerts; made if there is none.
    listener : Listener
        Used if the memory is new; else the one in the memory goes on.
    labels : Labels, optional
        For opinions that bring no topic or no stars; stars up to 2 are negative. Without labels,
        such an opinion is skipped.
    deliver : callable, optional
        Sends an alert and raises OSError if it did not arrive, as an `outgoing.hook` does.
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
        place, listener = kept.read(listener)
        warned = False
        while True:
            try:
                for batch in read(place):
                    alerts = _hear(batch, place, listener, labels, say)
                    if listener.past is None and not (listener.topics or warned):
                        say(NONE_WATCHED)
                        warned = True
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


def _hear(
    batch: Sequence[Read],
    place: dict[str, int],
    listener: Listener,
    labels: "Labels | None",
    say: Callable[[str], None],
) -> list[Alert]:
    """Take a batch in, tell of what is skipped, and move the place."""
    rows, problems = list[OpinionRow](), list[str]()
    for name, where, row in batch:
        place[name] = where
        if isinstance(row, OpinionRow) and row.needs_labels and labels is None:
            row = UNLABELED
        if isinstance(row, OpinionRow):
            rows.append(row)
        else:
            problems.append(f"{name}, at {where}: skipped, since it {row}")
    if not rows and listener.hour is None and any(UNLABELED in each for each in problems):
        raise SourceError(f"every opinion {UNLABELED}: name labeled sentences")
    for problem in problems:
        say(problem)
    late = listener.late
    alerts = [alert for opinion in _opinions(rows, labels) for alert in listener.hear(opinion)]
    if listener.late > late:
        say(f"{listener.late - late} came after their hour was over: not counted")
    return alerts


def _deliver(
    kept: Memory, deliver: Callable[[Alert], None] | None, say: Callable[[str], None]
) -> None:
    """Send what was not sent yet, until there is nobody who could take it."""
    if deliver is None:
        return
    for alert in kept.alerts("NOT sent"):
        try:
            deliver(alert)
        except OSError as error:
            say(f"{alert.id} did not arrive ({error}); it is kept, and sent again")
            if isinstance(error, Unreachable):
                return
        else:
            kept.mark_sent(alert)
