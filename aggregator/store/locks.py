"""A file lock tells a late worker from a dead one: the kernel drops it at death and keeps it through SIGSTOP.

`flock` and not a lease: a stopped process may wake and send; its lease would have run out, its lock has not
(docs/outcomes.md section 8). The descriptor is not inherited by programs we start; a bare fork would share it.
"""

import contextlib
import fcntl
import os
import re
from pathlib import Path

_WORKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def worker_name(worker_id: str) -> str:
    """`worker_id` again. Raises ValueError when it could not be a file name everywhere."""
    if _WORKER.fullmatch(worker_id) is None:
        raise ValueError("a worker id is 1 to 64 letters, digits, '_', '.' or '-', not beginning with a sign")
    return worker_id


class FileLocks:
    """The locks of one data folder's workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def take(self, worker_id: str) -> bool:
        """True when this process holds the lock from now on, or held it already."""
        if worker_id in self._held:
            return True
        descriptor = os.open(self._path(worker_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(descriptor, fcntl.LOCK_EX):
            os.close(descriptor)
            return False
        self._held[worker_id] = descriptor
        return True

    def free(self, worker_id: str) -> bool:
        """True when no process holds the lock. Takes it, shared, for the blink of the look."""
        try:
            descriptor = os.open(self._path(worker_id), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            return _locked(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        # The files stay: removing one would let two processes lock two files of one name.
        while self._held:
            os.close(self._held.popitem()[1])

    def _path(self, worker_id: str) -> Path:
        return self._folder / f"worker-{worker_name(worker_id)}.lock"


def _locked(descriptor: int, kind: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        return True
    return False
