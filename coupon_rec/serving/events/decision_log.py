"""The record of every answer and of what followed it, written after the answer has gone out."""

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event as Signal
from threading import Lock, Thread
from typing import Any

import numpy as np
import pyarrow as pa

from coupon_rec.privacy.pseudonyms import Pseudonyms
from coupon_rec.serving.events.decision_files import (
    KEYS,
    joined,
    merge_small,
    read_segment,
    remove_person,
    reseal,
    to_bytes,
    write_parts,
)
from coupon_rec.serving.events.decision_tables import (
    Answer,
    Outcome,
    table_of_answers,
    table_of_outcomes,
)
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.event_log import LogError
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.replies import Question, Reply

logger = logging.getLogger("coupon_rec.serving")

WRITE_SECONDS = 0.05
"""How often what was recorded is written."""
LATEST_SECONDS = 0.1
"""How old a row may become before it is written at once."""
SEAL_SECONDS = 60.0
"""How often what was written becomes Parquet."""
SEAL_BYTES = 64 * 2**20
"""How much may be written before it becomes Parquet."""
RETRY_SECONDS = 1.0
MAX_WAITING = 20_000
"""Rows that may wait for a disk that takes none; beyond them, they are lost and counted."""


class DecisionLog:
    """A folder of answers and outcomes, as Parquet by day and by bucket of users.

    To record is to append to a list; a thread writes what has come together every 50 ms. Should
    that thread be late, the next call that records writes instead: when an answer is recorded, no
    row of more than 100 ms before is missing on disk. So the death of the process loses less than
    the last 100 ms, and the next start counts how much, since the number of rows recorded lies in
    a mapped file that survives.

    ::

        answers/day=2024-06-02/bucket=07/*.parquet    one row an answer, candidates in lists
        outcomes/day=2024-06-02/bucket=07/*.parquet   one row an event
        shadows/day=2024-06-02/bucket=07/*.parquet    what a bundle on trial would have answered
        open/                                         the last minute, not yet Parquet

    Parameters
    ----------
    folder : str or pathlib.Path
        Created if it does not exist.
    key : str
        With a key, users, events and baskets appear under pseudonyms, their HMAC-SHA256 under it.
        After a rotation, the new and the old ones, separated by commas: the first is for what is
        recorded from now on, and `forget` finds people under each. Answers and outcomes are
        joined under one key, so rotate when no coupon is valid, or keep the rows in between apart.

    With the environment's ``COUPON_REC_STORAGE_KEYS`` (`coupon_rec.privacy.Vault`), all files are
    encrypted, each for its place in the folder. Those under an older key are sealed anew at the
    start; plain ones are refused where they are read, unless ``COUPON_REC_SEAL_PLAIN=1`` asks for
    those from before to be sealed.

    Attributes
    ----------
    lost : dict of str to int
        Answers and outcomes lost: by the process that was killed before this one, or since then by
        a disk that took none.

    Raises
    ------
    LogError
        If another process writes there.
    VaultError
        If there are keys and what a process before left open is plain, was changed, or moved.
    """

    def __init__(self, folder: str | Path, key: str = "") -> None:
        self.folder = Path(folder)
        self._people = Pseudonyms(key)
        (self.folder / "open").mkdir(parents=True, exist_ok=True)
        self._owner = _own(self.folder)
        self._run = secrets.token_hex(5)
        self._requests = 0
        answers = partial(table_of_answers, self._people)
        outcomes = partial(table_of_outcomes, self._people)
        try:
            self._answers = _Rows(self.folder, "answers", answers)
            self._outcomes = _Rows(self.folder, "outcomes", outcomes)
            self._shadows = _Rows(self.folder, "shadows", answers)
        except ValueError:
            os.close(self._owner)
            raise
        self._kinds = (self._answers, self._outcomes, self._shadows)
        self._closing = Signal()
        self._sealing = ThreadPoolExecutor(1, "decisions")
        self._writing: Thread | None = None
        self.seal()
        self._sealing.submit(reseal, self.folder)

    @property
    def lost(self) -> dict[str, int]:  # noqa: D102  (an attribute of the class)
        return {rows.name: rows.lost for rows in (self._answers, self._outcomes)}

    def record_answer(
        self,
        question: Question,
        time: datetime,
        reply: Reply,
        *,
        degraded: bool,
        cached: bool,
        arm: str = "live",
    ) -> str:
        """Record an answer.

        Parameters
        ----------
        question : Question
            With the user as the market names them.
        time : datetime.datetime
            For which moment the coupons were asked, as the shop's clock shows it.
        reply : Reply
            What was chosen, and from what.
        degraded, cached : bool
            Whether events of other replicas may be missing, and whether it was given before.
        arm : str
            Which bundle answered: "live", what is in service, or "canary", the one on trial.

        Returns
        -------
        str
            The id of the request, different for each.
        """
        self._requests += 1
        request_id = f"{self._run}-{self._requests}"
        answer = Answer(_clock(), request_id, question, time, reply, degraded, cached, arm)
        self._answers.add(answer)
        self._start()
        return request_id

    def record_shadow(
        self,
        request_id: str,
        question: Question,
        time: datetime,
        reply: Reply,
        *,
        degraded: bool,
        cached: bool,
    ) -> None:
        """Record what a bundle on trial would have answered to a request; nobody saw it."""
        answer = Answer(_clock(), request_id, question, time, reply, degraded, cached, "shadow")
        self._shadows.add(answer)
        self._start()

    def record_outcomes(self, events: Sequence[Event], identifiers: Identifiers) -> None:
        """Record events; one that was sent twice is read once."""
        now = _clock()
        for event in events:
            self._outcomes.add(Outcome(now, event, identifiers))
        self._start()

    def _start(self) -> None:
        if self._writing is None:
            self._writing = Thread(target=self._write, name="decision log", daemon=True)
            self._writing.start()

    def _write(self) -> None:
        due = _clock() + SEAL_SECONDS
        while not self._closing.wait(WRITE_SECONDS):
            for rows in self._kinds:
                rows.flush()
            large = max(rows.size for rows in self._kinds) > SEAL_BYTES
            if large or _clock() > due:
                self.seal()
                due = _clock() + SEAL_SECONDS

    def seal(self) -> Future[None]:
        """Have everything recorded so far become Parquet, on a thread of its own."""
        segments = {rows: rows.rotate() for rows in self._kinds}

        def work() -> None:
            for rows, paths in segments.items():
                rows.seal(paths)

        return self._sealing.submit(work)

    def forget(self, user_id: int | str) -> int:
        """Remove the answers to a person and their outcomes, and say how many rows these were.

        Only files of their bucket are read, and those that hold them rewritten.
        """
        names = dict.fromkeys([*self._people.all(user_id), user_id])

        def work() -> int:
            return sum(remove_person(self.folder, kind, name) for kind in KEYS for name in names)

        self.seal().result()
        return self._sealing.submit(work).result()

    def close(self) -> None:
        """Write everything, as Parquet, and let another process have the folder."""
        self._closing.set()
        if self._writing:
            self._writing.join()
        self.seal()
        self._sealing.shutdown()
        for rows in self._kinds:
            rows.close()
        os.close(self._owner)


class _Rows:
    """One kind of rows on their way to Parquet, through a list and segments.

    The name of a segment says how many rows of its run came before it. So what was lost follows
    from the last segment and the number recorded, whatever has become Parquet meanwhile.
    """

    def __init__(
        self, folder: Path, name: str, table_of: Callable[[Sequence[Any]], pa.Table]
    ) -> None:
        self.name = name
        self._folder = folder
        self._table_of = table_of
        self._waiting: list[Any] = []
        self._lock = Lock()
        self._retry_at = 0.0
        left = sorted((folder / "open").glob(f"{name}-*.arrow"))
        count = folder / "open" / f"{name}.count"
        if not count.exists():
            count.write_bytes(bytes(16))
        self._counts = np.memmap(count, "int64", "r+", shape=(2,))  # recorded, and dropped
        self.lost = self._lost_before(left)
        if self.lost:
            logger.warning(
                "%s: the last %d %s of the process before were lost: it was killed",
                folder,
                self.lost,
                name,
            )
        self.seal(left)
        self._counts[:] = 0
        self._run = f"{time.time_ns():020d}"
        self._written = 0
        self._open()

    def _lost_before(self, left: Sequence[Path]) -> int:
        if not left:
            return 0
        first = int(left[-1].stem.rpartition("-")[2])
        found = sum(map(len, read_segment(left[-1])))
        recorded, dropped = map(int, self._counts)
        return max(0, recorded - dropped - first - found)

    def _open(self) -> None:
        """Begin a segment."""
        name = f"{self.name}-{self._run}-{self._written:012d}.arrow"
        self._path = self._folder / "open" / name
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = 0

    def add(self, row: Any) -> None:
        """Record a row: it is written soon, and at once what has waited too long."""
        for oldest in self._waiting[:1]:
            if row.recorded - oldest.recorded > LATEST_SECONDS:
                self.flush()
        self._counts[0] += 1
        self._waiting.append(row)

    def flush(self) -> None:
        """Write what waits into the segment."""
        with self._lock:
            waiting = len(self._waiting)
            if not waiting or _clock() < self._retry_at:
                return
            try:
                table = self._table_of(self._waiting[:waiting])
                data = memoryview(to_bytes(table, self._path, self.size))
                size = len(data)
                while data:
                    data = data[os.write(self._file, data) :]
            except Exception as error:  # no answer may fail because it is not recorded
                os.ftruncate(self._file, self.size)
                logger.error("%s cannot be written: %s", self._path, type(error).__name__)
                self._retry_at = _clock() + RETRY_SECONDS
                if waiting > MAX_WAITING or not isinstance(error, OSError):
                    del self._waiting[:waiting]
                    self._counts[1] += waiting
                    self.lost += waiting
                return
            self.size += size
            self._written += waiting
            del self._waiting[:waiting]

    def rotate(self) -> list[Path]:
        """Write what waits, begin another segment, and give the one before."""
        self.flush()
        with self._lock:
            if not self.size:
                return []
            before = self._path
            os.close(self._file)
            self._open()
            return [before]

    def seal(self, segments: Sequence[Path]) -> None:
        """Have segments become Parquet."""
        for path in segments:
            if tables := read_segment(path):
                write_parts(joined(tables), self._folder / self.name, path.stem)
            path.unlink()
        merge_small(self._folder, self.name)

    def close(self) -> None:
        """Leave no segment behind."""
        os.close(self._file)
        self._path.unlink()


def _clock() -> float:
    return time.monotonic()


def _own(folder: Path) -> int:
    """Keep other processes out of a folder."""
    file = os.open(folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise LogError(
            f"{folder} belongs to another running process: give each replica its own decisions"
        ) from error
    return file
