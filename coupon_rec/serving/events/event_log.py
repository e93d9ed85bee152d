"""Events on disk before anyone is told that they were accepted."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from threading import RLock

from coupon_rec.serving.events.event import Event, from_json, to_json


class LogError(ValueError):
    """A log that cannot be used; the message names the file and the line."""


class EventLog:
    """A write-ahead log of events in one file, a line of JSON each.

    An event that `append` has returned from survives the death of the process and of the machine.
    A last line that a crash cut short was never acknowledged: it is cut off. All methods may be
    called from several threads; a second process is refused.

    Parameters
    ----------
    path : str or pathlib.Path
        Created if it does not exist, with its folder.

    Attributes
    ----------
    degraded : bool
        Always False: there is nobody to wait for.

    Raises
    ------
    LogError
        If another process writes to it, or a line in the middle is no event.
    """

    degraded = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = RLock()
        self._file = _open(self.path)
        self._base = 0
        self._end = self._repair()
        _sync_folder(self.path)

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
        data = "".join(f"{to_json(event)}\n" for event in events).encode()
        with self._lock:
            start = self._end
            try:
                _write(self._file, data)
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, start - self._base)
                raise
            self._end += len(data)
            return start, self._end

    def read(self, position: int = 0) -> tuple[list[Event], int]:
        """Read the events from a position on, and say where they end."""
        with self._lock:
            position = max(position, self._base)
            data = os.pread(self._file, self._end - position, position - self._base)
            return [from_json(line) for line in data.splitlines()], self._end

    def drop(self, events: int) -> None:
        """Drop the first events of the log; positions after them stay what they are."""
        with self._lock:
            data = os.pread(self._file, self._end - self._base, 0)
            rest = data.split(b"\n", events)[events]
            draft = self.path.with_name(f".{self.path.name}.draft")
            draft.unlink(missing_ok=True)
            file = _open(draft)
            _write(file, rest)
            os.fsync(file)
            draft.replace(self.path)
            _sync_folder(self.path)
            os.close(self._file)
            self._file, self._base = file, self._end - len(rest)

    def sync(self) -> None:
        """Exchange events with other replicas: there are none."""

    def close(self) -> None:
        """Let another process have the log."""
        os.close(self._file)

    def _repair(self) -> int:
        """Cut a last line that is no event; return where the log ends."""
        data = os.pread(self._file, os.fstat(self._file).st_size, 0)
        lines = data.splitlines(keepends=True)
        good = 0
        for number, line in enumerate(lines, start=1):
            if not (line.endswith(b"\n") and _is_event(line)):
                if number < len(lines):
                    raise LogError(
                        f"{self.path}, line {number}: no event, though lines follow. Mend the "
                        "line, or delete it if the event was never acknowledged."
                    )
                os.ftruncate(self._file, good)
                break
            good += len(line)
        return good


def _open(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise LogError(
            f"{path} belongs to a process that runs: give each replica its own"
        ) from error
    return file


def _write(file: int, data: bytes) -> None:
    """Write all of it, where one call may write less."""
    while data:
        data = data[os.write(file, data) :]


def _is_event(line: bytes) -> bool:
    try:
        from_json(line)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    return True


def _sync_folder(path: Path) -> None:
    """Make the name of a file as durable as what is in it."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
