"""The log that holds every event on disk before the sender hears that it was accepted."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import uuid4

from coupon_rec.privacy.pseudonyms import Pseudonyms
from coupon_rec.privacy.vault import Vault, opened
from coupon_rec.serving.events.event import Event, from_json, to_json
from coupon_rec.serving.events.identifiers import Identifiers

TABLES = (
    "CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, user, event TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS events_by_user ON events (user)",
    "CREATE TABLE IF NOT EXISTS reviews (position INTEGER PRIMARY KEY, id BLOB UNIQUE)",
    "CREATE TABLE IF NOT EXISTS names (one INTEGER PRIMARY KEY CHECK (one = 1), log TEXT NOT NULL)",
)


def _hash(event_id: str) -> bytes:
    """A name of an event that does not tell it."""
    return blake2b(event_id.encode(), digest_size=16).digest()


class LogError(ValueError):
    """A log that cannot be used; the message names the file."""


class EventLog:
    """A log of events in one SQLite database, each event a row of JSON.

    An event that `append` has returned from survives the death of the process and of the machine;
    a call that a crash interrupts leaves none of its events. All methods may be called from
    several threads; a second process is refused.

    Parameters
    ----------
    path : str or pathlib.Path
        Created if it does not exist, with its folder.

    With the environment's ``COUPON_REC_STORAGE_KEYS`` (`coupon_rec.privacy.Vault`), each event is
    encrypted for its position and user, and the user a pseudonym. Rows under an older key are
    sealed anew when the log is opened; plain ones are refused, unless ``COUPON_REC_SEAL_PLAIN=1``
    asks for those from before to be sealed. Missing rows are not noticed.

    Attributes
    ----------
    degraded : bool
        Always False: there is nobody to wait for.
    name : str
        Made with the log. Another log has another name, and other positions; a copy that is put
        back has the same one, and may end before a position that was given.
    end : int
        The last position that was given.

    Raises
    ------
    LogError
        If another process writes to it, or it is damaged or no log.
    VaultError
        If there are keys and a row is plain, was changed, or moved.

    Examples
    --------
    >>> from datetime import datetime
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> log = EventLog(Path(folder.name) / "events")
    >>> log.append([Event("e1", 5, datetime(2017, 4, 10, 12), "view", item_id=1003)])
    (0, 1)
    >>> events, position = log.read()
    >>> events[0].event_id, position
    ('e1', 1)
    >>> log.close()
    >>> folder.cleanup()
    """

    degraded = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))  # read by its owner alone
        self._lock = RLock()
        self._database = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False
        )
        self._database.text_factory = bytes
        self._vault = Vault.from_environment()
        self._names = Pseudonyms(self._vault.name_key if self._vault else "")
        try:
            self._end = self._prepare()
            self.name: str = self._one("SELECT log FROM names").decode()
        except sqlite3.DatabaseError as error:
            self._database.close()
            if getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY":
                raise LogError(
                    f"{self.path} belongs to another running process: give each replica its own log"
                ) from error
            raise self._damaged(error) from error
        try:
            self._reseal()
        except ValueError:
            self._database.close()
            raise

    def _prepare(self) -> int:
        """Check the database, create its tables, and give the last position."""
        for setting in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
            self._database.execute(f"PRAGMA {setting}")
        with self._writing():
            problem = self._one("PRAGMA quick_check(1)")
            if problem != b"ok":
                raise sqlite3.DatabaseError(problem.decode())
            for statement in TABLES:
                self._database.execute(statement)
            self._database.execute("INSERT OR IGNORE INTO names VALUES (1, ?)", [uuid4().hex])
        return int(
            self._one(
                "SELECT coalesce(max(position), 0) FROM "
                "(SELECT position FROM events UNION ALL SELECT position FROM reviews)"
            )
        )

    def _one(self, query: str) -> Any:
        return self._database.execute(query).fetchone()[0]

    def _damaged(self, error: sqlite3.Error) -> LogError:
        return LogError(
            f"{self.path} is damaged, or no log of events ({' '.join(str(error).split())}): put "
            "back a copy that is whole, or move it away to begin an empty log"
        )

    @property
    def end(self) -> int:
        """The last position that was given."""
        return self._end

    def _row(self, position: int, event: Event) -> tuple[int, int | str, str | bytes]:
        """A row of the table, sealed if there is a vault."""
        text = to_json(event)
        if self._vault is None:
            return position, event.user_id, text
        user = self._names.of(event.user_id)
        return position, user, self._vault.seal(text.encode(), f"event {position} of {user}")

    def _opened(self, position: int, user: int | bytes, event: bytes) -> bytes:
        """The JSON of a row, as the table holds it."""
        name = user.decode() if isinstance(user, bytes) else user
        return opened(event, f"event {position} of {name}", self._vault)

    def _reseal(self) -> None:
        """Seal with the newest key what is sealed with an older one, or not yet."""
        if self._vault is None:
            return
        rows = self._database.execute("SELECT position, user, event FROM events").fetchall()
        old = [
            self._row(position, from_json(self._opened(position, user, event)))
            for position, user, event in rows
            if not self._vault.current(event)
        ]
        if old:
            with self._writing():
                self._database.executemany("REPLACE INTO events VALUES (?, ?, ?)", old)
            self._vacuum()

    def _vacuum(self) -> None:
        """Write the database anew, so that nothing deleted is left in it."""
        self._database.execute("VACUUM")
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All that is written within is written, or none of it."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def append(self, events: Sequence[Event]) -> tuple[int, int]:
        """Write events; they are on disk when it returns.

        Parameters
        ----------
        events : sequence of Event
            Any number.

        Returns
        -------
        tuple of int
            The positions before and after them.

        Raises
        ------
        OSError
            If they cannot be written. None of them is in the log then.
        """
        with self._lock:
            start = self._end
            rows = [self._row(at, event) for at, event in enumerate(events, start=start + 1)]
            reviews = [
                (at, _hash(event.event_id))
                for at, event in enumerate(events, start=start + 1)
                if event.kind == "review"
            ]
            try:
                with self._writing():
                    self._database.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
                    self._database.executemany(
                        "INSERT OR IGNORE INTO reviews VALUES (?, ?)", reviews
                    )
            except sqlite3.Error as error:
                raise OSError(f"{self.path}: {error}") from error
            self._end += len(rows)
            return start, self._end

    def read(self, position: int = 0) -> tuple[list[Event], int]:
        """Read the events after a position, and say where they end."""
        with self._lock:
            rows, end = self._select("events", position), self._end
        return [event for _, event in self._parsed(rows)], end

    def reviews(self, position: int = 0, most: int = 1000) -> list[tuple[int, Event]]:
        """Read the first reviews after a position, each with its position, no other's ever.

        A review that is sent again, even after it was dropped, is not there twice.
        """
        with self._lock:
            rows = self._select("reviews CROSS JOIN events USING (position)", position, most)
        return self._parsed(rows)

    def _select(self, table: str, after: int, most: int = -1) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(
                f"SELECT position, user, event FROM {table} WHERE position > ? "
                "ORDER BY position LIMIT ?",
                [after, most],
            ).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _parsed(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, Event]]:
        events = []
        for number, user, event in rows:
            plain = self._opened(number, user, event)
            try:
                events.append((number, from_json(plain)))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise LogError(
                    f"{self.path}, position {number} of table events: no event ({error}). Fix the "
                    "row, or delete it if the event was never accepted."
                ) from error
        return events

    def drop(self, picked: Callable[[Event], bool]) -> list[Event]:
        """Drop the events that a function picks, and give them.

        The others keep their positions.
        """
        with self._lock:
            rows = self._select("events", 0)
        gone = [(position, event) for position, event in self._parsed(rows) if picked(event)]
        with self._lock, self._writing():
            self._database.executemany(
                "DELETE FROM events WHERE position = ?", [[position] for position, _ in gone]
            )
        return [event for _, event in gone]

    def forget(self, user_id: int | str) -> int:
        """Delete the events of a person, overwrite them on disk, and say how many there were.

        The features of a `FeatureStore` in memory keep them until it is loaded again.
        """
        text = str(user_id)
        names = {text, self._names.of(text), Identifiers().named("user_id", text)}
        places = ",".join("?" * len(names))
        with self._lock:
            self._database.execute("PRAGMA secure_delete=ON")
            with self._writing():
                self._database.execute(
                    "UPDATE reviews SET id = NULL WHERE position IN "
                    f"(SELECT position FROM events WHERE user IN ({places}))",
                    [*names],
                )
                deleted = self._database.execute(
                    f"DELETE FROM events WHERE user IN ({places})", [*names]
                )
            self._vacuum()
            return deleted.rowcount

    def sync(self) -> None:
        """Exchange events with other replicas: there are none."""

    def close(self) -> None:
        """Let another process have the log."""
        self._database.close()
