"""R6: forty faults, every driver, every operation, and the line that lies about how often it delivers.

One driver's writes and reads in every run; all drivers with all operations in the slow tier, at 100 ms.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from figures import Figure

from aggregator.cli.adapter_guard import guarded, judged
from aggregator.resilience.outcome import Confirmed, NotSent
from aggregator.sdk.testing.cells import HASTY_S, bench
from aggregator.sdk.testing.certify import certified
from aggregator.sdk.testing.conformance import candidates
from aggregator.sdk.testing.faults40 import FAULTS, From
from aggregator.sdk.testing.local_faults import local_faults
from aggregator.sdk.testing.memory import growth_mib
from aggregator.sdk.testing.plays import PLAYS
from aggregator.sdk.testing.proving import SLACK_S, menu_cells, one_of_each_class, proved, results
from aggregator.sdk.testing.quality import RULES, Tier

EVERY_RUN = "seva", ("submit", "track")
TIGHT_SLACK_S = 0.1
MAX_MIB = 16.0
DRIVERS_AT_ONCE = 3
TESTS = Path(__file__).parents[1]
DRIVERS = [pytest.param(candidate, id=candidate.module) for candidate in candidates()]
ONE = next(candidate for candidate in candidates() if candidate.name == EVERY_RUN[0])


def _complaints(cells, slack_s):
    return [f"{cell.operation} {said}" for cell in cells if (said := cell.complaint(slack_s))]


def test_the_table_has_forty_faults_and_every_play_has_its_row():
    assert list(FAULTS) == [f"F{number:02d}" for number in range(1, 41)]
    played = {how.how for fault in FAULTS.values() for how in fault.variants if how.made is From.LINE}
    assert played | {"straight", "twice"} == set(PLAYS)


def test_what_one_call_cannot_show_is_proved_by_tests_that_exist():
    files = [path.read_text("utf-8") for path in TESTS.rglob("test_*.py")]
    proofs = {how.how for fault in FAULTS.values() for how in fault.variants if how.made is From.ELSEWHERE}
    assert proofs
    assert {proof for proof in proofs if not any(f"def {proof}(" in text for text in files)} == set()


@pytest.mark.parametrize("operation", EVERY_RUN[1])
async def test_faults_of_line_door_and_our_own_end_as_the_table_says(operation, sandbox_of):
    async with bench(ONE, sandbox_of(ONE), guarded) as bad_line:
        cells = await bad_line.line_faults(operation) + await local_faults(bad_line, operation)
        proofs = await certified(bad_line, operation)
    assert _complaints(cells, SLACK_S) == []
    assert [f"{proof.line}: {proof.wrong}" for proof in proofs if proof.wrong] == []
    assert len({cell.fault for cell in cells}) >= 20


@pytest.mark.parametrize("candidate", DRIVERS)
def test_the_simulator_s_faults_end_as_the_table_of_forty_says(candidate, evidence_of):
    cells = menu_cells(candidate, evidence_of(candidate).played.values(), judged)
    assert cells
    assert _complaints(cells, SLACK_S) == []


async def test_a_gigabyte_leaves_no_trace_in_memory(sandbox_of):
    async with bench(ONE, sandbox_of(ONE), guarded) as bad_line:
        assert await growth_mib(bad_line, "track") <= MAX_MIB


async def test_a_driver_that_keeps_what_it_reads_is_caught_by_the_same_measure(sandbox_of):
    async with bench(ONE, sandbox_of(ONE), guarded) as bad_line:
        sound = bad_line.cell

        async def hoards(*cell):
            kept = bytearray(b"x") * (64 * 1_048_576)
            await sound(*cell)
            del kept

        bad_line.cell = hoards
        assert await growth_mib(bad_line, "track") > MAX_MIB


async def test_a_line_that_does_nothing_wrong_changes_nothing(sandbox_of):
    """The control of the proxy itself."""
    straight = replace(FAULTS["F26"].variants[0], how="straight", made=From.LINE)
    async with bench(ONE, sandbox_of(ONE), guarded) as bad_line:
        for operation in EVERY_RUN[1]:
            (cell,) = await bad_line.judged([await bad_line.cell("-", straight, operation)])
            assert not cell.complaint(SLACK_S)
            assert cell.limit_s > HASTY_S


@pytest.fixture(scope="session")
def evidence_at_the_line(sandbox_of):
    """Side by side: nearly all of the time goes by waiting for answers that never come."""
    found = candidates()
    sandboxes = [sandbox_of(candidate) for candidate in found]

    async def gathered():
        places = asyncio.Semaphore(DRIVERS_AT_ONCE)

        async def one(candidate, sandbox):
            async with places:
                return await proved(candidate, sandbox, guarded, judged, alone=False)

        return await asyncio.gather(*map(one, found, sandboxes), return_exceptions=True)

    return dict(zip((candidate.module for candidate in found), asyncio.run(gathered()), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("candidate", DRIVERS)
def test_every_driver_meets_every_fault_on_every_operation(candidate, evidence_at_the_line):
    evidence = evidence_at_the_line[candidate.module]
    if isinstance(evidence, BaseException):
        raise evidence
    assert _complaints(evidence.cells, TIGHT_SLACK_S) == []
    found = [result for result in results(evidence) if RULES[result.rule].tier is Tier.BRONZE]
    assert [str(finding) for result in found for finding in result.findings if result.rule != "loop"] == []


class Naive:
    """The control: a client that catches everything and calls it an outage."""

    def __init__(self, *args, **limits):
        self._sound = guarded(*args, **limits)
        self.read = self._sound.read

    async def attempt(self, operation, order, trail, **limits):
        return outage(await self._sound.attempt(operation, order, trail, **limits))


def outage(outcome):
    return outcome if isinstance(outcome, Confirmed) else NotSent("Exception")


@pytest.mark.slow
@pytest.mark.figure("R6")
def test_r6_the_control_that_calls_everything_an_outage_is_caught(sandbox_of, evidence_of, figure: Figure):
    played = [one for one in evidence_of(ONE).played.values() if one.operation == "submit"]

    async def on_a_bad_line():
        async with bench(ONE, sandbox_of(ONE), Naive) as bad_line:
            return await bad_line.line_faults("submit")

    cells = asyncio.run(on_a_bad_line())
    cells += menu_cells(ONE, played, lambda *attempt: outage(judged(*attempt)))
    wrong = {cell.fault for cell in cells if cell.got not in cell.allowed}
    assert len(wrong) >= 20
    figure.control(f"`except Exception: Unavailable` around one write: {len(wrong)} of the 40 faults wrong")


@pytest.mark.slow
@pytest.mark.figure("R6")
def test_r6_every_fault_at_every_driver_ends_as_the_table_says(evidence_at_the_line, figure: Figure):
    drivers = list(evidence_at_the_line)
    for evidence in evidence_at_the_line.values():
        if isinstance(evidence, BaseException):
            raise evidence
    cells = [cell for evidence in evidence_at_the_line.values() for cell in evidence.cells]
    wrong = [cell for cell in cells if cell.complaint(TIGHT_SLACK_S)]
    assert _complaints(cells, TIGHT_SLACK_S) == []
    elsewhere = {fault.id for fault in FAULTS.values()} - {cell.fault for cell in cells}
    figure.measured(
        f"{len(cells)} cells, {len(drivers)} drivers, every operation: {len(wrong)} wrong;"
        f" {len(elsewhere)} of 40 faults are no single call's and have proofs of their own"
    )


@pytest.mark.slow
@pytest.mark.parametrize("candidate", DRIVERS)
async def test_memory_stays_flat_through_a_gigabyte_at_every_driver(candidate, sandbox_of):
    async with bench(candidate, sandbox_of(candidate), guarded) as bad_line:
        for operation in one_of_each_class(candidate):
            assert await growth_mib(bad_line, operation) <= MAX_MIB
