"""A child process for each mutant: whatever it breaks ends with it, and one that does not end is ended.

Time is counted in the child's own processor seconds, so that a busy machine kills no mutant; real time is the second
limit, for a mutant that waits for ever.
"""

import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

_MEMORY = 2 << 30
TIMED_OUT = "out of time"


@dataclass(frozen=True)
class Limit:
    """`cpu_s` of the child's processor time, `real_s` by the clock."""

    cpu_s: float
    real_s: float

    @classmethod
    def after(cls, usual_s: float) -> "Limit":
        """What a child gets whose work usually takes `usual_s`."""
        return cls(10.0 + 5.0 * usual_s, 60.0 + 20.0 * usual_s)


def told_by(work: Callable[[], str], limit: Limit) -> str:
    """What `work` says in a child of its own: what killed the mutant, or "" where it lives."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be_a_child(work, writer, limit)
    os.close(writer)
    try:
        return _heard(child, reader, time.monotonic() + limit.real_s)
    finally:
        os.close(reader)


def _be_a_child(work: Callable[[], str], writer: int, limit: Limit) -> None:
    said = "fell over"
    try:
        os.setpgid(0, 0)
        _silence()
        _bound(resource.RLIMIT_CPU, round(limit.cpu_s) + 1)
        _bound(resource.RLIMIT_AS, _MEMORY + _address_space())
        said = work()
    except BaseException as exc:  # noqa: BLE001 - a mutant may raise anything anywhere; the child ends here
        said = f"{type(exc).__name__}: {exc}"
    finally:
        os.write(writer, (said or "-").encode()[:4000])
        os._exit(0)


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


def _bound(which: int, most: int) -> None:
    """The hard limit stays: a child of this one may need more for itself."""
    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (most, hard))


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - the kernel's own table
        return int(file.read().split()[0]) * resource.getpagesize()


def _heard(child: int, reader: int, until: float) -> str:
    os.set_blocking(reader, False)
    wait_s = 0.002
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return TIMED_OUT
        time.sleep(wait_s)
        wait_s = min(wait_s * 1.2, 0.05)
    _end_the_rest(child)
    if os.WIFSIGNALED(status):
        by = os.WTERMSIG(status)
        return TIMED_OUT if by in {signal.SIGXCPU, signal.SIGKILL} else f"signal {by}"
    said = os.read(reader, 4096).decode()
    return "" if said == "-" else said or "fell over"


def _end_the_rest(group: int) -> None:
    """Processes the tests began and did not end."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
