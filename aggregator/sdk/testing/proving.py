"""A driver against its running simulator: the menu, the bad line, our own faults, and the class it declares.

Evidence is gathered once and asked often: the command line prints it, the tests assert it, and neither knows more
than the other. `thorough` takes every operation; without it one operation of each class stands for its kind.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.model import Reading
from aggregator.sdk.testing.cells import Bench, Cell, Judge, MakeGuard, bench, named, word_of_read
from aggregator.sdk.testing.certify import Proof, certified
from aggregator.sdk.testing.conformance import Candidate
from aggregator.sdk.testing.faults40 import FAULTS, From, outcomes_for
from aggregator.sdk.testing.local_faults import local_faults
from aggregator.sdk.testing.memory import growth_mib
from aggregator.sdk.testing.menu import Played, player
from aggregator.sdk.testing.pulse import Pulse, Stuck, rescued
from aggregator.sdk.testing.quality import Finding, Result
from aggregator.sdk.testing.sandbox import Sandbox

SLACK_S = 1.0
"""How late a call may end on a machine that does other things too; figures R6 says 0.1 where it does not."""
_MAX_HOLD_S = 1.0
_STUCK_S = 2.5
_MAX_ROWS = 10_000
_MAX_MIB = 16.0


@dataclass(slots=True)
class Evidence:
    """What was seen. `answers` are the plain first calls: how each operation ended, and how many rows it gave."""

    candidate: Candidate
    answers: dict[str, tuple[str, int]] = field(default_factory=dict)
    holds_s: dict[str, float] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    played: list[Played] = field(default_factory=list)
    grown_mib: float = 0.0

    @property
    def wild(self) -> bool:
        """Whether it cannot be put before faults: it holds the loop, or drowns whoever asks."""
        return any(held > _MAX_HOLD_S for held in self.holds_s.values()) or any(
            rows > _MAX_ROWS for _, rows in self.answers.values()
        )


async def proved(  # noqa: PLR0913 - what is proved, where, behind which guard, and how closely
    candidate: Candidate, sandbox: Sandbox, guard: MakeGuard, judge: Judge, *, thorough: bool = True, alone: bool = True
) -> Evidence:
    """Everything the sockets can show of one driver.

    `alone`: nothing else runs in this process, so that memory can be measured and a held loop be freed by force.
    """
    evidence = Evidence(candidate)
    async with bench(candidate, sandbox, guard) as bad_line:
        await _first_calls(bad_line, evidence, alone=alone)
        if evidence.wild:
            return evidence
        chosen = list(candidate.sandbox["orders"]) if thorough else one_of_each_class(candidate)
        for operation in chosen:
            await bad_line.control.reset()
            evidence.cells += await bad_line.line_faults(operation)
            evidence.cells += await local_faults(bad_line, operation)
            evidence.proofs += await certified(bad_line, operation)
        evidence.grown_mib = await growth_mib(bad_line, chosen[0]) if alone else 0.0
    async with player(candidate, sandbox) as playing:
        evidence.played = await playing.everything()
    evidence.cells += menu_cells(candidate, evidence.played, judge)
    return evidence


def one_of_each_class(candidate: Candidate) -> list[str]:
    first: dict[Class, str] = {}
    for operation in candidate.sandbox["orders"]:
        first.setdefault(candidate.operations[operation].cls, operation)
    return list(first.values())


def menu_cells(candidate: Candidate, played: Iterable[Played], judge: Judge) -> list[Cell]:
    """The simulator's column: what the menu showed, read by the table of forty."""
    by_code: Mapping[str, list[Played]] = _by_code(played)
    cells = []
    for fault in FAULTS.values():
        for variant in fault.variants:
            if variant.made is not From.SIMULATOR:
                continue
            cells += [
                Cell(fault.id, variant.how, one.operation, _got(candidate, one, judge), allowed, one.took_s)
                for one in by_code.get(variant.how, ())
                if (allowed := _allowed(candidate, one, variant.read, variant.write)) != frozenset({""})
            ]
    return cells


def results(evidence: Evidence) -> list[Result]:
    """The evidence as rules kept and broken."""
    candidate = evidence.candidate
    return [
        _answers(evidence),
        _loop(evidence),
        _rows(evidence),
        _result("faults", candidate, [(cell.operation, cell.complaint(SLACK_S)) for cell in evidence.cells]),
        _memory(evidence),
        _result("class", candidate, [(f"{one.operation} ({one.line})", one.wrong) for one in evidence.proofs]),
        _result("duplicates", candidate, [(one.operation, one.hidden) for one in evidence.proofs if _looked(one)]),
        _unknown_word(evidence),
    ]


async def _first_calls(bad_line: Bench, evidence: Evidence, *, alone: bool) -> None:
    """One plain call each, with a pulse beside it."""
    for operation in bad_line.candidate.sandbox["orders"]:
        await bad_line.control.reset()
        async with Pulse() as pulse:
            try:
                with rescued(pulse, _STUCK_S) if alone else nullcontext():
                    evidence.answers[operation] = await bad_line.plainly(operation)
            except Stuck as stuck:
                evidence.answers[operation] = (str(stuck), 0)
        evidence.holds_s[operation] = pulse.longest_s


def _answers(evidence: Evidence) -> Result:
    fine = {"Confirmed", "value", "absent"}
    told = [
        (name, "" if got in fine else f"the simulator's plain answer ended as {got}")
        for name, (got, _) in evidence.answers.items()
    ]
    return _result("simulator", evidence.candidate, told)


def _loop(evidence: Evidence) -> Result:
    told = [
        (name, f"held the event loop for {held:.1f} s" if held > _MAX_HOLD_S else "")
        for name, held in evidence.holds_s.items()
    ]
    return _result("loop", evidence.candidate, told)


def _rows(evidence: Evidence) -> Result:
    told = [
        (name, f"returned {rows} rows, at most {_MAX_ROWS}" if rows > _MAX_ROWS else "")
        for name, (_, rows) in evidence.answers.items()
    ]
    return _result("rows", evidence.candidate, told)


def _memory(evidence: Evidence) -> Result:
    grown = evidence.grown_mib
    says = f"grew by {grown:.0f} MiB through giant answers, at most {_MAX_MIB:g}" if grown > _MAX_MIB else ""
    return _result("memory", evidence.candidate, [] if evidence.wild else [("F29", says)])


def _unknown_word(evidence: Evidence) -> Result:
    """801: a word nobody listed. 800: no word at all, where there is nothing to keep."""
    told = []
    for one in evidence.played:
        got = one.ended.got
        if one.fault != "801" or not isinstance(got, Reading):
            continue
        lost = got.status != "UNKNOWN" or not got.agency_code
        told.append((one.operation, f"an unlisted word became {got.status} and {got.agency_code!r}" if lost else ""))
    return _result("unknown_word", evidence.candidate, told)


def _result(rule: str, candidate: Candidate, told: Sequence[tuple[str, str]]) -> Result:
    found = tuple(Finding(f"{candidate.module}.{where}", says) for where, says in told if says)
    return Result(rule, len(told) - len(found), found)


def _looked(proof: Proof) -> bool:
    return proof.cls is Class.QUERYABLE and proof.line == "twice"


def _by_code(played: Iterable[Played]) -> dict[str, list[Played]]:
    found: dict[str, list[Played]] = {}
    for one in played:
        found.setdefault(one.fault, []).append(one)
    return found


def _got(candidate: Candidate, one: Played, judge: Judge) -> str:
    declared: Declared = candidate.operations[one.operation]
    if declared.cls is Class.SAFE:
        return word_of_read(one.ended.got)
    return named(judge(one.ended.got, one.ended.trail, declared))


def _allowed(candidate: Candidate, one: Played, read: frozenset[str], write: frozenset[str]) -> frozenset[str]:
    told = candidate.deviation(one.operation, one.fault)
    if candidate.operations[one.operation].cls is Class.SAFE:
        return frozenset(told) or (read | {"absent"} if "value" in read else read)
    return outcomes_for(told) if told else write
