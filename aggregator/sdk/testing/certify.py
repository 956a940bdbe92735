"""The class a driver declares is a promise about the agency; here a line duplicates, drops and delays until it shows.

Nothing is believed: the agency's ledger says how often it acted. What each class promises:

    safe        never acts
    idempotent  the same request twice is one effect            and so is sending it again after a lost answer
    keyed       the key makes the second one a repeat
    unique      the second one is refused recognisably
    queryable   `find` shows exactly what was done: nothing, one, or the second one that is the news
    opaque      promises nothing; a doubt goes to a person
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aggregator.sdk.adapter import Class
from aggregator.sdk.model import Order
from aggregator.sdk.testing.cells import HASTY_S, PATIENT_S, Bench
from aggregator.sdk.testing.conformance import Noting
from aggregator.sdk.testing.line_wires import production_wire
from aggregator.sdk.testing.plays import PLAYS, late
from aggregator.sdk.testing.proxy import Detour, proxied

_LATE_S = 0.1
_SETTLED_S = 3.0
_ONCE = frozenset({Class.IDEMPOTENT, Class.KEYED, Class.UNIQUE})
_HIDDEN = "a duplicate stays hidden"
LINES = ("twice", "lose_the_answer", "swallow", "late")


@dataclass(frozen=True, slots=True)
class Proof:
    """What one line showed of one operation's class. `wrong` is a sentence, empty when the promise was kept.

    `hidden`: the promise was kept, and yet a second effect can be seen in the agency's own books alone.
    """

    operation: str
    line: str
    cls: Class
    wrong: str
    hidden: str = ""


async def certified(bench: Bench, operation: str, lines: Sequence[str] = LINES) -> list[Proof]:
    """One proof per line. Each on an emptied simulator."""
    cls = bench.candidate.operations[operation].cls
    found = []
    for line in lines:
        await bench.control.reset()
        wrong = await _wrong(bench, operation, line)
        hides = wrong.startswith(_HIDDEN)
        found.append(Proof(operation, line, cls, "" if hides else wrong, wrong if hides else ""))
    return found


async def _wrong(bench: Bench, operation: str, line: str) -> str:
    cls = bench.candidate.operations[operation].cls
    order = bench.order(operation)
    got, sha256 = await _sent(bench, operation, order, line)
    if cls is Class.SAFE:
        rows = len(await bench.control.ledger())
        return f"declared safe, and {rows} rows are in the agency's ledger after a read" if rows else ""
    acted = await _acted(bench, sha256, wanted=0 if line == "swallow" else 1)
    if (got == "Confirmed") != (line == "twice") and not (line == "twice" and got == "Rejected"):
        return f"on a line that does `{line}` it ended as {got}"
    if line == "swallow" and acted:
        return "the agency acted on a request that never arrived: the ledger is not to be believed"
    if cls in _ONCE:
        return await _once(bench, operation, order, acted)
    if cls is Class.QUERYABLE:
        return await _found(bench, operation, order, acted)
    return ""


async def _once(bench: Bench, operation: str, order: Order, acted: int) -> str:
    """Sent again as settling would: acted once in all."""
    cls = bench.candidate.operations[operation].cls
    if acted > 1:
        return f"declared {cls}, and one request that arrived twice was done {acted} times"
    got, sha256 = await _sent(bench, operation, order, "straight")
    total = await _acted(bench, sha256, wanted=1)
    if total != 1:
        return f"declared {cls}, and the same order sent again made it {total} times"
    if got not in {"Confirmed", "Rejected"}:
        return f"declared {cls}, and the same order sent again ended as {got}"
    return ""


async def _found(bench: Bench, operation: str, order: Order, acted: int) -> str:
    """Asked by our reference: exactly what the ledger shows."""
    declared = bench.candidate.operations[operation]
    await bench.control.advance_clock(declared.query_lag_s + 1.0)
    wire = production_wire(PATIENT_S)
    try:
        guard = bench.guard(bench.make(wire), {"find": bench.candidate.operations["find"]}, deadline_s=PATIENT_S)
        answer = await guard.read("find", order, deadline_s=PATIENT_S, cached=False)
    finally:
        await wire.close()
    shown = len(answer.value) if isinstance(answer.value, list) else 0
    if 0 < shown < acted:
        return f"{_HIDDEN}: the agency did it {acted} times, and `find` shows {shown}"
    if shown != acted:
        return f"declared queryable, the agency did it {acted} times, and `find` shows {shown}"
    return ""


async def _sent(bench: Bench, operation: str, order: Order, line: str) -> tuple[str, str]:
    """How it ended, and the hash of what was sent."""
    deadline_s = PATIENT_S if line in {"twice", "straight"} else HASTY_S
    play = late(_LATE_S) if line == "late" else PLAYS[line]
    declared = replace(bench.candidate.operations[operation], timeout_s=deadline_s)
    trail = Noting(declared.volatile_fields)
    wire = production_wire(deadline_s)
    try:
        async with proxied(bench.url, play) as proxy:
            spared = tuple(bench.candidate.before(operation))
            detour = Detour(wire, bench.url, proxy.url, write=not bench.reads(operation), spared=spared)
            guard = bench.guard(bench.make(detour), {operation: declared}, deadline_s=deadline_s)
            got = await bench.ask(guard, operation, order, trail, deadline_s)
            if line == "late" and proxy.lines:
                await asyncio.wait(proxy.lines, timeout=_SETTLED_S)
    finally:
        await wire.close()
    return got, trail.request_sha256


async def _acted(bench: Bench, sha256: str, *, wanted: int) -> int:
    """How often the ledger says it was done; what is still on its way is waited for, not guessed."""
    acted = 0
    for _ in range(10):
        rows = [row for row in await bench.control.ledger() if row["request_sha256"] == sha256]
        acted = sum(row["acted"] for row in rows)
        if acted >= wanted:
            break
        await asyncio.sleep(0.05)
    return acted
