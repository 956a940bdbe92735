"""What a trace of system calls says about the order of writes: judged by the kernel, not by our log.

One citizen at a time applies, so that every write belongs to the one application under way. Between a portal's request
and the first byte to the agency the case (T1) and the send (T2) must each have been written to the log and synced, and
the watermark after each; before the answer to the portal at least T1.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "pwrite64,fdatasync,fsync,sendto,sendmsg,recvfrom"
_LINE = re.compile(r"^(\d+) +(?:(\w+)\((\d+)<(.*?)>(?:[,)]|(?= <unf))|<\.\.\. (\w+) resumed>)(.*)$")


@dataclass
class Order:
    """Counts over all applications; the lists hold the numbers of those that broke a rule."""

    sends: int = 0
    answers: int = 0
    sent_early: list[int] = field(default_factory=list)
    answered_early: list[int] = field(default_factory=list)


@dataclass
class _Application:
    """The one under way: what was synced since its request came in."""

    wal_syncs: int = 0
    mark_syncs: int = 0
    sent: bool = False
    answered: bool = False


def order_of(trace: Path, agency_port: int, portal_port: int) -> Order:
    """Reads `strace -f -yy` of the server."""
    found, now = Order(), _Application()
    dirty: dict[str, bool] = {}
    begun: dict[str, tuple[str, str]] = {}
    for line in trace.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        pid, call, _, place, resumed, rest = match.groups()
        if resumed:
            call, place = begun.pop(pid, ("", ""))
            _synced(call, place, now, dirty)
            now = _Application() if _asked(call, place, rest, portal_port) else now
            continue
        if "<unfinished" in rest:
            begun[pid] = (call, place)
        else:
            _synced(call, place, now, dirty)
        if call == "pwrite64":
            dirty[place] = True
        elif _asked(call, place, rest, portal_port):
            now = _Application()
        elif call in {"sendto", "sendmsg"} and f"->127.0.0.1:{agency_port}" in place and not now.sent:
            _sent(found, now)
        elif call in {"sendto", "sendmsg"} and f":{portal_port}->" in place and "HTTP/1.1 20" in rest:
            _answered(found, now)
    return found


def _asked(call: str, place: str, rest: str, portal_port: int) -> bool:
    return call == "recvfrom" and f":{portal_port}->" in place and "POST /v1/cases" in rest


def _synced(call: str, place: str, now: _Application, dirty: dict[str, bool]) -> None:
    if call in {"fdatasync", "fsync"} and dirty.pop(place, False):
        now.wal_syncs += place.endswith("-wal")
        now.mark_syncs += place.endswith(".mark")


def _sent(found: Order, now: _Application) -> None:
    now.sent = True
    found.sends += 1
    # The watermark follows the commit it tells of: its second sync is T2's own, whoever else commits meanwhile.
    if now.wal_syncs < 2 or now.mark_syncs < 2:
        found.sent_early.append(found.sends)


def _answered(found: Order, now: _Application) -> None:
    if now.answered:
        return
    now.answered = True
    found.answers += 1
    if now.wal_syncs < 1:
        found.answered_early.append(found.answers)
