"""The record of every answer and of what followed it, written after the answer has gone out."""

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from threading import Event as Signal
from threading import Lock, Thread
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic_core import to_json

from coupon_rec.privacy.pseudonyms import Pseudonyms
from coupon_rec.privacy.vault import Vault, VaultError
from coupon_rec.serving.events.decision_reader import (
    KEYS,
    joined,
    line_name,
    open_files,
    parquet_files,
    place_of,
    read_lines,
    read_parquet,
)
from coupon_rec.serving.events.event import MONEY, Event
from coupon_rec.serving.events.event_log import LogError
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.replies import Question, Reply

logger = logging.getLogger("coupon_rec.serving")

PACKAGE = version("coupon-rec")
BUCKETS = 16
"""Into so many parts the people of a day are divided: to remove one rewrites one part."""
WRITE_SECONDS = 0.05
"""How often what was recorded is written."""
LATEST_SECONDS = 0.1
"""How old a row may become before it is written at once."""
ROTATE_SECONDS, ROTATE_BYTES = 86_400.0, 128 * 2**20
"""When a file of lines becomes Parquet."""
RETRY_SECONDS = 1.0
MAX_WAITING_ROWS = 20_000
"""Rows that may wait for a disk that takes none; beyond them, they are lost and counted."""


class Answer(NamedTuple):
    """An answer that the service gave."""

    recorded: float
    request_id: str
    question: Question
    time: datetime
    reply: Reply
    degraded: bool
    cached: bool
    arm: str

    def row(self, people: Pseudonyms) -> dict[str, Any]:
        """The columns of the log: its candidates are lists."""
        question, decision = self.question, self.reply.decision
        identifiers = decision.identifiers
        return {
            "request_id": self.request_id,
            "user_id": people.of(question.user_id),
            "time": self.time,
            "day": question.day,
            "k": question.k,
            "bundle": self.reply.bundle,
            "package": PACKAGE,
            "counted": self.reply.counted,
            "degraded": self.degraded,
            "cached": self.cached,
            "campaign_id": identifiers.names("campaign_id", decision.campaign_id).to_pylist(),
            "coupon_id": identifiers.names("coupon_id", decision.coupon_id).to_pylist(),
            "probability": decision.probability.tolist(),
            "value": decision.value.tolist(),
            "propensity": decision.propensity.tolist(),
            "position": [None if place < 0 else place for place in decision.position.tolist()],
            "arm": self.arm,
            "platform": question.platform or "",
        }


class Outcome(NamedTuple):
    """An event that reached the service."""

    recorded: float
    event: Event
    identifiers: Identifiers

    def row(self, people: Pseudonyms) -> dict[str, Any]:
        """The columns of the log."""
        event = self.event
        basket = self._named("basket_id")
        return {
            "event_id": str(people.of(event.event_id)),
            "user_id": people.of(self.identifiers.named("user_id", event.user_id)),
            "time": event.time,
            "day": event.day,
            "kind": event.kind,
            "basket_id": None if basket is None else people.of(basket),
            **{name: self._named(name) for name in ("item_id", "campaign_id", "coupon_id")},
            **{name: getattr(event, name) for name in ("quantity", *MONEY, "channel")},
        }

    def _named(self, name: str) -> int | str | None:
        value = getattr(self.event, name)
        return None if value is None else self.identifiers.named(name, value)


class DecisionLog:
    """A folder of answers and outcomes: lines of JSON that become Parquet.

    To record is to append to a list; a thread writes what has come together every 50 ms as lines,
    and asks the disk to keep them. Should that thread be late, the next call that records writes
    instead: when an answer is recorded, no row of more than 100 ms before is missing in the file.
    So the death of the process loses less than the last 100 ms, and the next start counts how
    much, since the number of rows recorded lies in a mapped file that survives.

    When a file of lines is large or a day old, and when the log is closed, it becomes Parquet by
    day and by bucket of users. Calls that record write for themselves meanwhile.

    ::

        answers/day=2024-06-02/bucket=07/*.parquet    one row an answer, candidates in lists
        outcomes/day=2024-06-02/bucket=07/*.parquet   one row an event
        shadows/day=2024-06-02/bucket=07/*.parquet    what a bundle on trial would have answered
        open/answers-*.jsonl                          lines that are not Parquet yet

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
        try:
            self._kinds = {kind: _Rows(self.folder, kind, self._people) for kind in KEYS}
        except ValueError:
            os.close(self._owner)
            raise
        self._answers, self._shadows, self._outcomes = self._kinds.values()
        self._closing, self._rewriting = Signal(), Lock()
        self._thread = Thread(target=self._write, name="decision log", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> dict[str, int]:  # noqa: D102  (an attribute of the class)
        return {rows.kind: rows.lost for rows in (self._answers, self._outcomes)}

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

    def record_outcomes(self, events: Sequence[Event], identifiers: Identifiers) -> None:
        """Record events; one that was sent twice is read once."""
        now = _clock()
        for event in events:
            self._outcomes.add(Outcome(now, event, identifiers))

    def _write(self) -> None:
        with self._rewriting:
            reseal(self.folder)
        due = _clock() + ROTATE_SECONDS
        while not self._closing.wait(WRITE_SECONDS):
            for rows in self._kinds.values():
                rows.flush()
                rows.sync()
            if _clock() > due or any(rows.size > ROTATE_BYTES for rows in self._kinds.values()):
                due = _clock() + ROTATE_SECONDS
                self._try_to_seal()

    def _try_to_seal(self) -> None:
        try:
            self.seal()
        except OSError as error:
            logger.error("%s: no Parquet until the next time: %s", self.folder, error)

    def seal(self) -> None:
        """Have everything recorded so far become Parquet."""
        with self._rewriting:
            for rows in self._kinds.values():
                rows.rotate()
                rows.seal()

    def forget(self, user_id: int | str) -> int:
        """Remove the answers to a person and their outcomes, and say how many rows these were.

        Only files of their bucket are read, and those that hold them rewritten.
        """
        self.seal()
        names = dict.fromkeys([*self._people.all(user_id), user_id])
        with self._rewriting:
            return sum(remove_person(self.folder, kind, name) for kind in KEYS for name in names)

    def close(self) -> None:
        """Write everything, as Parquet, and let another process have the folder."""
        self._closing.set()
        self._thread.join()
        self._try_to_seal()
        for rows in self._kinds.values():
            rows.close()
        os.close(self._owner)


class _Rows:
    """One kind of rows on their way: waiting in a list, then lines of a file, then Parquet.

    The name of a file says how many rows of its run came before it. So what was lost follows from
    the last file and the number recorded, whatever has become Parquet meanwhile.
    """

    def __init__(self, folder: Path, kind: str, people: Pseudonyms) -> None:
        self.kind = kind
        self._folder, self._people = folder, people
        self._waiting: list[Answer | Outcome] = []
        self._lock, self._syncing = Lock(), Lock()
        self._retry_at = 0.0
        count = folder / "open" / f"{kind}.count"
        if not count.exists():
            count.write_bytes(bytes(8))
        self._recorded = np.memmap(count, "int64", "r+", shape=(1,))
        self.lost = self._lost_before()
        if self.lost:
            logger.warning(
                "%s: the last %d %s of the process before were lost: it was killed",
                folder,
                self.lost,
                kind,
            )
        self._path = Path()  # none is open yet
        self.seal()
        self._recorded[0] = 0
        self._written = 0
        self._run = f"{time.time_ns():020d}"
        self._open()

    def _lost_before(self) -> int:
        """How many rows the last file of a process that was killed lacks."""
        left = open_files(self._folder, self.kind)
        if not left:
            return 0
        before = int(left[-1].stem.rpartition("-")[2])
        return max(0, int(self._recorded[0]) - before - sum(map(len, read_lines(left[-1]))))

    def _open(self) -> None:
        name = f"{self.kind}-{self._run}-{self._written:012d}.jsonl"
        self._path = self._folder / "open" / name
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = self._lines = 0
        self._unsynced = False

    def add(self, row: Answer | Outcome) -> None:
        """Record a row: it is written soon, and at once what has waited too long."""
        for oldest in self._waiting[:1]:
            if row.recorded - oldest.recorded > LATEST_SECONDS:
                self.flush()
        self._recorded[0] += 1
        self._waiting.append(row)

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            many = len(self._waiting)
            if not many or _clock() < self._retry_at:
                return
            try:
                self._append(self._waiting[:many])
            except Exception as error:  # no answer may fail because it is not recorded
                os.ftruncate(self._file, self.size)
                logger.error("%s cannot be written: %s", self._path, type(error).__name__)
                self._retry_at = _clock() + RETRY_SECONDS
                if many <= MAX_WAITING_ROWS and isinstance(error, OSError):
                    return
                self._recorded[0] -= many
                self.lost += many
            else:
                self._written += many
                self._lines += many
            del self._waiting[:many]

    def _append(self, rows: Sequence[Answer | Outcome]) -> None:
        vault = Vault.from_environment()
        lines = [to_json(row.row(self._people)) for row in rows]
        if vault:
            numbered = enumerate(lines, start=self._lines + 1)
            lines = [vault.seal(line, line_name(self._path, number)) for number, line in numbered]
        data = b"".join(line + b"\n" for line in lines)
        size, rest = len(data), memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self.size += size
        self._unsynced = True

    def sync(self) -> None:
        """Ask the disk to keep what was written; no request waits for that."""
        with self._syncing:
            try:
                if self._unsynced:
                    self._unsynced = False
                    os.fsync(self._file)
            except OSError as error:
                logger.error("%s may not be kept: %s", self._path, error)

    def rotate(self) -> None:
        """Write what waits, and begin another file."""
        self.flush()
        with self._syncing, self._lock:
            if self.size:
                before = self._file
                self._open()
                os.close(before)

    def seal(self) -> None:
        """Have all files before the open one become Parquet."""
        for path in open_files(self._folder, self.kind):
            if path != self._path:
                if tables := read_lines(path):
                    write_parts(joined(tables), self._folder / self.kind, path.stem)
                path.unlink()

    def close(self) -> None:
        """Leave no file behind that is empty."""
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


# The Parquet files


def bucket_of(user_id: int | str) -> int:
    """The bucket of a user, from 0 to `BUCKETS` - 1."""
    return crc32(str(user_id).encode()) % BUCKETS


def write_parts(table: pa.Table, folder: Path, stem: str) -> None:
    """Write rows where the day and the bucket of their users have them."""
    days = table["day"].to_numpy()
    buckets = np.array([bucket_of(user) for user in table["user_id"].to_pylist()])
    for day in np.unique(days):
        for bucket in np.unique(buckets[days == day]):
            place = folder / f"day={day}" / f"bucket={bucket:02d}"
            rows = pa.array((days == day) & (buckets == bucket))
            write_parquet(table.filter(rows), place / f"{stem}.parquet")


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a file that its owner alone may read; under its name it is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    data = sink.getvalue().to_pybytes()
    if vault := Vault.from_environment():
        data = vault.seal(data, place_of(path))
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    draft.touch(0o600)
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file)
    draft.replace(path)


def reseal(folder: Path) -> None:
    """Seal with the newest key what is sealed with another one, or not yet.

    What cannot be opened stays as it is, and is logged.
    """
    if (vault := Vault.from_environment()) is None:
        return
    for path in [path for kind in KEYS for path in parquet_files(folder, kind)]:
        with path.open("rb") as file:
            done = vault.current(file.read(64))
        if not done:
            try:
                write_parquet(read_parquet(path), path)
            except (OSError, VaultError) as error:
                logger.error("%s: %s", path, error)


def remove_person(folder: Path, kind: str, user_id: int | str) -> int:
    """Rewrite the files that hold rows of a user without them, and say how many rows these were."""
    removed = 0
    for path in parquet_files(folder, kind, bucket_of(user_id)):
        table = read_parquet(path)
        others = table.filter(pc.not_equal(table["user_id"].cast(pa.string()), str(user_id)))
        removed += len(table) - len(others)
        if not len(others):
            path.unlink()
        elif len(others) < len(table):
            write_parquet(others, path)
    return removed
