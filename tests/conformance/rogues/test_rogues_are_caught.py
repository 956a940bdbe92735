"""The controls of the kit: a driver that loops, blocks, leaks, floods, raises or lies must not pass. One test each."""

import asyncio

import pytest
from naive_driver import NAIVE, Trusting, believed
from rogue_driver import (
    SEVA,
    Rogue,
    a_million_rows,
    blocks,
    ends_the_process,
    finds_nothing,
    leaks_the_form,
    lies,
    loops,
    raises_odd_things,
    turns_for_ever,
)

from aggregator.cli.adapter_guard import guarded, judged
from aggregator.cli.adapter_test import tried
from aggregator.cli.failure import Failure
from aggregator.sdk.adapter import Class
from aggregator.sdk.testing.behaviour import behaviour
from aggregator.sdk.testing.cells import bench
from aggregator.sdk.testing.certify import certified
from aggregator.sdk.testing.faults40 import FAULTS, From
from aggregator.sdk.testing.menu import player
from aggregator.sdk.testing.proving import SLACK_S, menu_cells, proved, results

CONTROL_CAUGHT = 20


def _findings(rule, found):
    return next(result.findings for result in found if result.rule == rule)


def _proved(rogue, sandbox_of):
    return asyncio.run(proved(rogue, sandbox_of(SEVA), guarded, judged, thorough=False))


@pytest.mark.parametrize("misdeed", [loops, blocks], ids=["loops", "blocks for two seconds"])
def test_a_driver_that_holds_the_loop_is_named_and_the_kit_gets_its_loop_back(misdeed, sandbox_of):
    evidence = _proved(Rogue({"find": misdeed}, only=("find",)), sandbox_of)
    (finding,) = _findings("loop", results(evidence))
    assert "find" in finding.where
    assert evidence.wild


async def test_a_driver_that_never_returns_is_cut_by_its_deadline(sandbox_of):
    async with bench(Rogue({"find": turns_for_ever}), sandbox_of(SEVA), guarded) as bad_line:
        bad_line.patience_s = 0.5
        assert await bad_line.plainly("find") == ("unavailable", 0)


def test_a_million_rows_are_refused(sandbox_of):
    evidence = _proved(Rogue({"find": a_million_rows}, only=("find",)), sandbox_of)
    (finding,) = _findings("rows", results(evidence))
    assert "1000000 rows" in finding.says


async def test_a_driver_that_raises_odd_things_fails_on_hostile_answers():
    found = _findings("hostile", await behaviour(Rogue({"submit": raises_odd_things})))
    assert len(found) >= 10
    assert all("KeyError" in finding.says for finding in found)


async def test_a_driver_that_puts_the_citizen_into_its_errors_is_caught_without_repeating_it():
    (finding,) = _findings("leaks", await behaviour(Rogue({"submit": leaks_the_form})))
    assert "mobile" in finding.says
    assert SEVA.order("submit").form["mobile"] not in str(finding)


def test_a_driver_that_ends_the_process_does_not_end_it_as_a_success():
    with pytest.raises(Failure, match="end the process"):
        tried(Rogue({"submit": ends_the_process}, only=("submit",)), thorough=False)


async def test_the_honest_driver_keeps_what_the_rogues_break():
    assert [result.findings for result in await behaviour(Rogue()) if result.rule in {"hostile", "leaks"}] == [(), ()]


@pytest.mark.parametrize(
    ("rogue", "says"),
    [
        (Rogue(lies=lies(Class.SAFE)), "after a read"),
        (Rogue(lies=lies(Class.KEYED)), "done 2 times"),
        (Rogue(lies=lies(Class.UNIQUE)), "done 2 times"),
        (Rogue(lies=lies(Class.IDEMPOTENT)), "done 2 times"),
        (Rogue({"find": finds_nothing}), "`find` shows 0"),
    ],
    ids=["safe", "keyed", "unique", "idempotent", "queryable"],
)
async def test_a_class_that_is_not_true_is_not_certified(rogue, says, sandbox_of):
    async with bench(rogue, sandbox_of(SEVA), guarded) as bad_line:
        (proof, *_) = [proof for proof in await certified(bad_line, "submit", lines=("twice",)) if proof.wrong]
    assert says in proof.wrong


async def test_the_naive_client_gets_twenty_faults_wrong(sandbox_of):
    """R6's control. `except Exception: Unavailable` is what a table of forty faults is for."""
    async with bench(NAIVE, sandbox_of(SEVA), Trusting) as bad_line:
        cells = await bad_line.line_faults("submit")
    async with player(NAIVE, sandbox_of(SEVA)) as playing:
        codes = {how.how for fault in FAULTS.values() for how in fault.variants if how.made is From.SIMULATOR}
        wanted = [code for code in sorted(codes) if SEVA.expected("submit", code)]
        cells += menu_cells(NAIVE, await playing.menu("submit", wanted), believed)
    wrong = {cell.fault for cell in cells if cell.complaint(SLACK_S)}
    assert len(wrong) >= CONTROL_CAUGHT, sorted(wrong)
