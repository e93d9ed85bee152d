"""The record of every answer and of what followed it."""

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from threading import Event as Signal
from threading import Lock, Thread
from typing import Any
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic_core import to_json

from coupon_rec.privacy.pseudonyms import Pseudonyms
from coupon_rec.privacy.vault import Vault, VaultError
from coupon_rec.serving.events.decision_reader import (
    KEYS,
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
SYNC_SECONDS = 1.0
"""How often the disk is asked to keep what was written."""
ROTATE_SECONDS, ROTATE_BYTES = 86_400.0, 128 * 2**20
"""When a file of lines becomes Parquet."""
RETRY_SECONDS = 1.0
MAX_WAITING_ROWS = 20_000
"""Rows that may wait for a disk that takes none; beyond them, they are lost and counted."""


class DecisionLog:
    """A folder of answers and outcomes: lines of JSON that become Parquet.

    A row is written to its file when it is recorded, so the death of the process loses none. A
    thread asks the disk every second to keep what was written: the death of the machine may lose
    the last of it. When a file of lines is large or a day old, and when the log is closed, it
    becomes Parquet by day and by bucket of users.

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
        Answers and outcomes that a disk which took none has cost.

    Raises
    ------
    LogError
        If another process writes there.
    VaultError
        If there are keys and what a process before left open is plain, was changed, or moved.
    """

    def __init__(self, folder: str | Path, key: str = "") -> None:
        self.folder = Path(folder)
        self._people, vault = Pseudonyms(key), Vault.from_environment()
        (self.folder / "open").mkdir(parents=True, exist_ok=True)
        self._owner = _own(self.folder)
        self._run = secrets.token_hex(5)
        self._requests = 0
        self._closing, self._rewriting = Signal(), Lock()
        self._files = {kind: _Lines(self.folder, kind, vault) for kind in KEYS}
        try:
            self.seal()
        except ValueError:
            self._let_go()
            raise
        self._thread = Thread(target=self._maintain, name="decision log", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> dict[str, int]:  # noqa: D102  (an attribute of the class)
        return {kind: self._files[kind].lost for kind in ("answers", "outcomes")}

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
        facts = {"degraded": degraded, "cached": cached, "arm": arm}
        self._files["answers"].add(
            partial(self._answer, request_id, question, time, reply, **facts)
        )
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
        facts = {"degraded": degraded, "cached": cached, "arm": "shadow"}
        self._files["shadows"].add(
            partial(self._answer, request_id, question, time, reply, **facts)
        )

    def record_outcomes(self, events: Sequence[Event], identifiers: Identifiers) -> None:
        """Record events; one that was sent twice is read once."""
        for event in events:
            self._files["outcomes"].add(partial(self._outcome, event, identifiers))

    def _answer(
        self, request_id: str, question: Question, time: datetime, reply: Reply, **facts: object
    ) -> dict[str, Any]:
        """A row of the log; identifiers are texts, and candidates lists."""
        decision = reply.decision
        names = decision.identifiers.names
        return {
            "request_id": request_id,
            "user_id": str(self._people.of(question.user_id)),
            "time": time,
            "day": question.day,
            "k": question.k,
            "bundle": reply.bundle,
            "package": PACKAGE,
            "counted": reply.ranked,
            "version": reply.version,
            "campaign_id": names("campaign_id", decision.campaign_id).cast("string").to_pylist(),
            "coupon_id": names("coupon_id", decision.coupon_id).cast("string").to_pylist(),
            "probability": decision.probability.tolist(),
            "value": decision.value.tolist(),
            "propensity": decision.propensity.tolist(),
            "position": [None if place < 0 else place for place in decision.position.tolist()],
            "platform": question.platform or "",
            **facts,
        }

    def _outcome(self, event: Event, identifiers: Identifiers) -> dict[str, Any]:
        """A row of the log; identifiers are texts."""
        of = self._people.of
        row = {name: getattr(event, name) for name in ("kind", "quantity", *MONEY, "channel")}
        for name in ("user_id", "item_id", "basket_id", "campaign_id", "coupon_id"):
            if (value := getattr(event, name)) is not None:
                value = identifiers.named(name, value)
                row[name] = str(of(value) if name in ("user_id", "basket_id") else value)
        return {**row, "event_id": str(of(event.event_id)), "time": event.time, "day": event.day}

    def _maintain(self) -> None:
        with self._rewriting:
            reseal(self.folder)
        due = time.monotonic() + ROTATE_SECONDS
        while not self._closing.wait(SYNC_SECONDS):
            with self._rewriting:
                for file in self._files.values():
                    file.sync()
            if time.monotonic() > due or any(
                file.size > ROTATE_BYTES for file in self._files.values()
            ):
                due = time.monotonic() + ROTATE_SECONDS
                self._try_to_seal()

    def _try_to_seal(self) -> None:
        try:
            self.seal()
        except OSError as error:
            logger.error("%s: no Parquet until the next time: %s", self.folder, error)

    def seal(self) -> None:
        """Have everything recorded so far become Parquet."""
        with self._rewriting:
            for kind, file in self._files.items():
                file.begin()
                for path in open_files(self.folder, kind):
                    if path != file.path:
                        _become_parquet(path, self.folder / kind)

    def forget(self, user_id: int | str) -> int:
        """Remove the answers to a person and their outcomes, and say how many rows these were.

        Only files of their bucket are read, and those that hold them written anew.
        """
        self.seal()
        names = {str(name) for name in (*self._people.all(user_id), user_id)}
        with self._rewriting:
            return sum(
                _without(path, names)
                for bucket in {bucket_of(name) for name in names}
                for kind in KEYS
                for path in parquet_files(self.folder, kind, bucket)
            )

    def close(self) -> None:
        """Write everything, as Parquet, and let another process have the folder."""
        self._closing.set()
        self._thread.join()
        self._try_to_seal()
        self._let_go()

    def _let_go(self) -> None:
        for file in self._files.values():
            file.close()
        os.close(self._owner)


class _Lines:
    """The file to which rows of one kind are written."""

    def __init__(self, folder: Path, kind: str, vault: Vault | None) -> None:
        self.lost = 0
        self._folder, self._kind, self._vault = folder / "open", kind, vault
        self._waiting: list[bytes] = []
        self._retry_at = 0.0
        self._lock = Lock()
        self._open()

    def _open(self) -> None:
        self.path = self._folder / f"{self._kind}-{time.time_ns():020d}.jsonl"
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = self._count = 0

    def add(self, row: Callable[[], dict[str, Any]]) -> None:
        """Write a row, and what waits for a disk that took none; no answer fails if it cannot."""
        with self._lock:
            try:
                self._waiting.append(to_json(row()))
            except Exception as error:
                self.lost += 1
                logger.error("%s: a row cannot be written: %s", self.path, type(error).__name__)
            else:
                self._write()

    def _write(self) -> None:
        if not self._waiting or time.monotonic() < self._retry_at:
            return
        try:
            self._append(self._waiting)
        except Exception as error:  # no answer may fail because it is not recorded
            os.ftruncate(self._file, self.size)
            logger.error("%s cannot be written: %s", self.path, type(error).__name__)
            self._retry_at = time.monotonic() + RETRY_SECONDS
            if len(self._waiting) <= MAX_WAITING_ROWS and isinstance(error, OSError):
                return
            self.lost += len(self._waiting)
        self._waiting = []

    def _append(self, lines: list[bytes]) -> None:
        if self._vault:
            lines = [
                self._vault.seal(line, line_name(self.path, number))
                for number, line in enumerate(lines, start=self._count + 1)
            ]
        data = b"".join(line + b"\n" for line in lines)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self.size += len(data)
        self._count += len(lines)

    def sync(self) -> None:
        """Ask the disk to keep what was written; no request waits for that."""
        try:
            os.fsync(self._file)
        except OSError as error:
            logger.error("%s may not be kept: %s", self.path, error)

    def begin(self) -> None:
        """Begin another file, if this one has a line."""
        with self._lock:
            self._retry_at = 0.0
            self._write()
            if self.size:
                self.sync()
                os.close(self._file)
                self._open()

    def close(self) -> None:
        """Leave no file behind that is empty."""
        os.close(self._file)
        if not self.size:
            self.path.unlink()


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


def _become_parquet(path: Path, folder: Path) -> None:
    """Write the lines of a file as Parquet, by day and bucket, and remove it."""
    rows = read_lines(path)
    buckets = pa.array([bucket_of(user) for user in rows["user_id"].to_pylist()], pa.int8())
    for day in pc.unique(rows["day"]):
        for bucket in pc.unique(buckets):
            some = pc.and_(pc.equal(rows["day"], day), pc.equal(buckets, bucket))
            if len(part := rows.filter(some)):
                place = folder / f"day={day}" / f"bucket={bucket.as_py():02d}"
                write_parquet(part, place / f"{path.stem}.parquet")
    path.unlink()


def bucket_of(user_id: int | str) -> int:
    """The bucket of a user, from 0 to `BUCKETS` - 1."""
    return crc32(str(user_id).encode()) % BUCKETS


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


def _without(path: Path, names: Iterable[str]) -> int:
    """Write a file anew without the rows of a person, and say how many these were."""
    table = read_parquet(path)
    theirs = pc.is_in(table["user_id"].cast("string"), pa.array(names))
    others = table.filter(pc.invert(theirs))
    if not len(others):
        path.unlink()
    elif len(others) < len(table):
        write_parquet(others, path)
    return len(table) - len(others)
