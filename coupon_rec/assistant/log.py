"""Dialogues on disk: who is a pseudonym, words are sealed or not kept, and people are forgotten."""

import logging
import sqlite3
from contextlib import suppress
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple

from coupon_rec.privacy import Pseudonyms, Vault
from coupon_rec.privacy.vault import VaultError

logger = logging.getLogger("coupon_rec.assistant")

TURN_WAITS: Final = 0.2
FORGETTING_WAITS: Final = 5
"""Seconds for a file that another process writes."""
EXPIRY_EVERY: Final = 600
"""Seconds until old turns are removed again: the file is written for it."""


class Turn(NamedTuple):
    """One turn of a dialogue.

    Attributes
    ----------
    dialogue : str
        Its id.
    words, reply : str
        What the customer said, and what they were told.
    intent : str
        What was heard.
    by : str
        Who worded the reply: "rules".
    offered : str
        The coupon that was offered unasked, if one was.
    handed_over : bool
        Whether a person takes over, and has the words, as far as was known when it was logged.
    """

    dialogue: str
    words: str
    reply: str
    intent: str
    by: str = "rules"
    offered: str = ""
    handed_over: bool = False


class DialogueLog:
    """Turns in a SQLite database.

    Parameters
    ----------
    path : str or pathlib.Path
        Created if it does not exist; only its owner may read it from then on.
    key : str
        With keys, users appear under pseudonyms, as in `coupon_rec.privacy.Pseudonyms`.
    keep : float, optional
        Days after which turns are removed, at the start and with new turns, at most every ten
        minutes; they stay, if left out.

    What customers write may hold anything about anybody, so it is kept only if it can be sealed:
    with the environment's ``COUPON_REC_STORAGE_KEYS`` (`coupon_rec.privacy.Vault`). What is sealed
    with an older key is sealed anew at the start; what no key opens stays as it is.

    Raises
    ------
    ValueError
        If there can be no such file, or it is no database.

    Examples
    --------
    >>> log = DialogueLog(":memory:", key="winter secret")
    >>> log.add(2448, Turn("d1", "any coupons?", "You have none.", "coupons"))
    >>> log.forget(2448), log.rows()
    (1, [])
    """

    COLUMNS = (*Turn._fields[:5], "refused", *Turn._fields[5:], "user", "time")

    def __init__(self, path: str | Path, key: str = "", keep: float | None = None) -> None:
        self._people, self._lock = Pseudonyms(key), Lock()
        self._vault = Vault.from_environment()
        try:
            self._base = self._opened(Path(path))
            if self._vault:
                self._reseal(self._vault)
        except (OSError, sqlite3.Error) as error:
            raise ValueError(f"{path} cannot hold dialogues: {error}") from error
        self._keep, self._expired = keep, -inf
        self._expire_if_due()

    def _opened(self, path: Path) -> sqlite3.Connection:
        """Open a file that its owner alone may read, unless it is another program's."""
        on_disk = str(path) != ":memory:"
        if on_disk and not path.exists():
            path.touch(0o600)
        if on_disk and not path.is_file():
            raise OSError("it is no plain file: name one, or keep no log")
        base = sqlite3.connect(path, FORGETTING_WAITS, check_same_thread=False)
        tables = base.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
        )
        columns = [row[1] for row in base.execute("PRAGMA table_info(turns)")]
        if {name for (name,) in tables} - {"turns"} or columns not in ([], [*self.COLUMNS]):
            base.close()
            raise sqlite3.DatabaseError("it is the database of another program")
        base.execute("PRAGMA secure_delete = ON")
        with suppress(sqlite3.OperationalError):  # another process has it open
            base.execute("PRAGMA journal_mode = DELETE")
        base.execute(f"CREATE TABLE IF NOT EXISTS turns ({', '.join(self.COLUMNS)})")
        if on_disk:
            path.chmod(0o600)
        return base

    def _reseal(self, vault: Vault) -> None:
        """Seal with the newest key what is sealed with an older one."""
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")  # a VACUUM of others would number rows anew
            rows = self._base.execute("SELECT rowid, dialogue, words, reply FROM turns").fetchall()
            old = [row for row in rows if row[2] and not vault.current(row[2])]
            new = []
            for row, place, *texts in old:
                with suppress(VaultError):
                    new.append([*(vault.reseal(text, place) for text in texts), row])
            change = "UPDATE turns SET words = ?, reply = ? WHERE rowid = ?"
            self._base.executemany(change, new)
        if len(new) < len(old):
            logger.warning("no key opens %d turns: they stay as they are", len(old) - len(new))
        if new:
            self._base.execute("VACUUM")

    def add(self, user_id: int | str, turn: Turn) -> None:
        """Keep a turn; if the file cannot be written, the program's log says that it is lost."""
        self._expire_if_due()
        time = datetime.now().isoformat(timespec="seconds")
        facts = {**turn._asdict(), "user": str(self._people.of(user_id)), "time": time}
        facts["refused"] = False  # of a model's words, in logs of version 1
        for name in ("words", "reply"):
            text = facts[name].encode(errors="replace")
            facts[name] = self._vault.seal(text, turn.dialogue) if self._vault else b""
        names = ", ".join(f":{name}" for name in self.COLUMNS)
        begin = monotonic()
        try:
            with self._lock, self._base:
                self._wait(TURN_WAITS - (monotonic() - begin))  # one after the other, all wait once
                self._base.execute(f"INSERT INTO turns VALUES ({names})", facts)
        except sqlite3.Error as error:
            logger.error("a turn is lost: %s", error)

    def _wait(self, seconds: float) -> None:
        """Have the next statement wait so long, and a little at least, for other processes."""
        self._base.execute(f"PRAGMA busy_timeout = {max(10, int(1000 * seconds))}")

    def _expire_if_due(self) -> None:
        if self._keep and monotonic() - self._expired >= EXPIRY_EVERY:
            self._expired = monotonic()
            with suppress(sqlite3.Error):  # it is done next time, if the file can be written then
                self.expire(self._keep)

    def rows(self) -> list[dict[str, object]]:
        """Give all turns, with their words where a key opens them, the oldest first."""
        with self._lock:
            turns = self._base.execute("SELECT * FROM turns ORDER BY rowid").fetchall()
        rows = [dict(zip(self.COLUMNS, row, strict=True)) for row in turns]
        for row in rows:
            for name in ("words", "reply"):
                sealed, row[name] = row[name], ""
                with suppress(VaultError):
                    if self._vault and sealed:
                        row[name] = self._vault.open(sealed, str(row["dialogue"])).decode()
        return rows

    def forget(self, user_id: int | str) -> int:
        """Remove a person's turns, under each key and none, and say how many.

        No byte of theirs stays in the file, which is written anew.
        """
        names = [str(name) for name in (*self._people.all(user_id), user_id)]
        marks = ", ".join("?" * len(names))
        with self._lock:
            self._wait(FORGETTING_WAITS)
            with self._base:
                gone = self._base.execute(f"DELETE FROM turns WHERE user IN ({marks})", names)
            self._base.execute("VACUUM")
            held, *_ = self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if held:
                problem = "another process reads it: forget again, when that has ended"
                raise sqlite3.OperationalError(problem)
        return gone.rowcount

    def expire(self, days: float) -> int:
        """Remove the turns that are older, overwrite their place, and say how many.

        The file keeps its size, for the turns to come.

        Parameters
        ----------
        days : float
            That turns are kept, above 0.

        Raises
        ------
        ValueError
            If it is not above 0, or more than 100 years.
        """
        if not 0 < days <= 36_525:
            raise ValueError(f"days is {days}: turns are kept for more than 0, and at most 36525")
        oldest = (datetime.now() - timedelta(days=days)).isoformat(timespec="seconds")
        with self._lock:
            self._wait(TURN_WAITS)
            with self._base:
                gone = self._base.execute("DELETE FROM turns WHERE time < ?", [oldest])
            if gone.rowcount:
                self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone.rowcount

    def close(self) -> None:
        """Close the database."""
        self._base.close()
