"""One effect at the agency, and an honest word to the citizen, whatever the agency does (docs/outcomes.md)."""

from typing import Any

import pytest

from aggregator.cases import ledger
from aggregator.cases.watchdog import unexplained
from aggregator.sdk.adapter import Class
from aggregator.sdk.model import Order
from aggregator.sdk.status import Status
from aggregator.store import Run

RESENT = [Class.KEYED, Class.IDEMPOTENT]


async def test_an_application_that_settles_at_once_carries_the_agencys_number(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await town.apply()
    assert case.status is Status.SUBMITTED
    assert case.settled
    assert case.legs[0].agency_reference == "N1"
    assert case.legs[0].effect == "done"
    assert await town.types(case) == [
        "case.accepted", "operation.ready", "operation.sending", "operation.confirmed",
        "leg.status-changed", "case.status-changed",
    ]  # fmt: skip


@pytest.mark.parametrize("cls", list(Class)[1:])
async def test_the_naive_client_doubles_what_we_never_double(town_of: Any, cls: Class) -> None:
    """The control: the same office, asked again until it answers, holds two applications."""
    town = await town_of(Class.OPAQUE)
    town.office.script = ["act then silence", "normal"]
    agency = town.registry.agencies["office"]
    order = Order("naive-1", "permit", {"name": "Naive"})
    for _ in range(2):
        try:
            await agency.guarded.driver._submit(order)
        except Exception:  # noqa: BLE001, S112 - what a naive client does
            continue
    assert len(town.office.acted) == 2

    ours = await town_of(cls)
    ours.office.script = ["act then silence"]
    case = await ours.apply()
    for _ in range(12):
        await ours.pass_time(400)
    assert len(ours.office.acted) == 1
    assert await unexplained(ours.store, ours.clock) == []
    assert (await ours.see(case)).status is (Status.UNCONFIRMED if cls is Class.OPAQUE else Status.SUBMITTED)


async def test_an_answer_outlives_another_server_that_moves_its_row_at_that_moment(
    town_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL reads each statement anew: between our look at a row and our write another may have moved it."""
    town = await town_of(Class.QUERYABLE)
    move, due = ledger.move, ["CONFIRMED"]

    async def overtaken(run: Run, op: Any, step: Any, *more: Any) -> Any:
        if step.after.value in due:
            due.clear()
            raise ledger.Stale(op.id)
        return await move(run, op, step, *more)

    monkeypatch.setattr(ledger, "move", overtaken)
    case = await town.apply()
    assert not due, "it was overtaken"
    assert (case.status, case.legs[0].agency_reference) == (Status.SUBMITTED, "N1")


async def test_while_in_doubt_the_citizen_is_told_not_to_apply_again(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["act then silence"]
    case = await town.apply()
    leg = case.legs[0]
    assert (case.status, leg.effect, leg.text_key) == (Status.UNCONFIRMED, "unknown", "state.in_doubt")
    assert leg.next_try_at is not None
    await town.pass_time(91)
    found = await town.see(case)
    assert (found.status, found.legs[0].agency_reference) == (Status.SUBMITTED, "N1")


async def test_a_lost_application_is_sent_again_only_after_two_proven_absences(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    town.office.script = ["lost"]
    case = await town.apply()
    await town.pass_time(91)
    assert await town.state(case) == "ABSENT_ONCE"
    await town.pass_time(200)
    assert await town.state(case) == "ABSENT_ONCE", "the second look comes look_gap_s after the first"
    assert town.office.arrivals == 2
    await town.pass_time(101)
    assert (await town.see(case)).status is Status.SUBMITTED
    assert town.office.arrivals == 3
    types = await town.types(case)
    assert [t for t in types if "absent" in t or "resend" in t] == [
        "operation.absent-once", "operation.absent", "operation.resend",
    ]  # fmt: skip


async def test_a_search_that_finds_nothing_at_all_proves_no_absence(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    town.office.script = ["act then silence"]
    town.office.hidden = True
    case = await town.apply()
    for _ in range(10):
        await town.pass_time(600)
        assert await town.state(case) == "IN_DOUBT"
    town.office.hidden = False
    await town.pass_time(30_000)
    assert (await town.see(case)).status is Status.SUBMITTED
    assert len(set(town.office.acted)) == len(town.office.acted) == 2


async def test_without_any_control_record_an_empty_search_never_leads_to_a_second_send(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["lost"]
    case = await town.apply()
    for _ in range(40):
        await town.pass_time(3000)
    assert town.office.arrivals == 1
    assert await town.state(case) == "NEEDS_HUMAN"
    assert (await town.see(case)).legs[0].effect == "unknown"


async def test_an_agency_that_cannot_be_asked_postpones_the_look_and_proves_nothing(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    town.office.script = ["lost"]
    case = await town.apply()
    town.office.down = True
    for _ in range(6):
        await town.pass_time(300)
    assert await town.state(case) == "IN_DOUBT"
    town.office.down = False
    for _ in range(4):
        await town.pass_time(400)
    assert (await town.see(case)).status is Status.SUBMITTED


@pytest.mark.parametrize("cls", RESENT)
async def test_a_key_lets_us_ask_again_with_the_same_bytes(town_of: Any, cls: Class) -> None:
    town = await town_of(cls)
    town.office.script = ["act then silence", "act then 500"]
    case = await town.apply()
    assert case.status is Status.UNCONFIRMED
    for _ in range(4):
        await town.pass_time(10)
    assert (await town.see(case)).status is Status.SUBMITTED
    assert len(town.office.acted) == 1
    assert len(set(town.office.bodies)) == 1


async def test_already_exists_after_a_doubt_is_evidence_that_it_is_ours(town_of: Any) -> None:
    town = await town_of(Class.UNIQUE)
    town.office.script = ["act then silence"]
    case = await town.apply()
    for _ in range(4):
        await town.pass_time(100)
    found = await town.see(case)
    assert (found.status, found.legs[0].agency_reference) == (Status.SUBMITTED, "N1")


async def test_already_exists_on_a_first_attempt_means_the_citizen_applied_elsewhere(town_of: Any) -> None:
    town = await town_of(Class.UNIQUE)
    town.office.script = ["duplicate"]
    case = await town.apply()
    assert (case.status, case.reason_code, case.legs[0].effect) == (Status.REJECTED, "duplicate", "none")


async def test_two_records_under_our_reference_are_a_conflict_for_a_person(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["twice"]
    case = await town.apply()
    await town.pass_time(91)
    found = await town.see(case)
    assert await town.state(case) == "NEEDS_HUMAN"
    assert (found.legs[0].text_key, found.legs[0].effect, found.legs[0].flagged) == ("state.conflict", "done", False)
    assert "operation.conflict" in await town.types(case)


async def test_one_agency_number_never_belongs_to_two_citizens(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    first = await town.apply()
    town.office.script = ["stolen number"]
    second = await town.apply("Somebody Else")
    assert (await town.see(first)).legs[0].agency_reference == "N1"
    assert second.legs[0].agency_reference == ""
    assert await town.state(second) == "NEEDS_HUMAN"


async def test_an_agency_that_is_away_costs_the_citizen_a_delay_and_an_honest_sentence(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    town.office.down = True
    case = await town.apply()
    leg = case.legs[0]
    assert (case.status, leg.effect, leg.text_key, leg.reason_code) == (
        Status.HELD, "none", "state.ready", "agency_away",
    )  # fmt: skip
    for _ in range(10):
        await town.pass_time(30)
    assert town.office.acted == []
    held = [t for t in await town.types(case) if t in {"operation.held", "operation.not-sent"}]
    assert len(held) < 12
    town.office.down = False
    for _ in range(4):
        await town.pass_time(300)
    assert (await town.see(case)).status is Status.SUBMITTED
    assert len(town.office.acted) == 1
