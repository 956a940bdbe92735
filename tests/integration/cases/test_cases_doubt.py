"""One effect at the agency, and an honest word to the citizen, whatever the agency does (docs/outcomes.md)."""

import asyncio
from typing import Any

import pytest

from aggregator.cases import ledger, worker
from aggregator.cases.desk import NewCase
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


async def test_a_dead_sender_leaves_a_doubt_and_its_late_answer_is_evidence(town_of: Any) -> None:
    """The sender is gone after T2; another process finds SENDING and a free lock."""
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        arrived.set()
        await go_on.wait()

    town.office.on_arrival = hang
    opened = await town.desk.open(NewCase("portal_1", "", "office.permit", None, {"name": "B"}), town.key("dead"))
    await arrived.wait()
    await town.store.write(lambda run: run("update operation set worker = 'wrk_gone' where state = 'SENDING'"))
    assert await worker.sweep(town.store, town.registry, town.desktop.worker, town.clock) == 1
    assert await town.state(opened.record) == "IN_DOUBT"
    assert await worker.sweep(town.store, town.registry, town.desktop.worker, town.clock) == 0
    go_on.set()
    await town.quiet()
    seen = await town.see(opened.record)
    assert (await town.state(seen), seen.legs[0].agency_reference) == ("CONFIRMED", "N2")
    assert len(town.office.acted) == 2


async def test_a_living_zombies_row_is_not_touched(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        arrived.set()
        await go_on.wait()

    town.office.on_arrival = hang
    opened = await town.desk.open(NewCase("portal_1", "", "office.permit", None, {"name": "B"}), town.key("slow"))
    await arrived.wait()
    other = await town_of(Class.QUERYABLE, town.office)
    assert await worker.sweep(town.store, town.registry, other.desktop.worker, town.clock) == 0
    assert await town.state(opened.record) == "SENDING"
    go_on.set()
    await town.quiet()
    assert await town.state(opened.record) == "CONFIRMED"


async def test_a_worker_that_lost_its_right_does_not_begin_the_write(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    town.desktop.worker.fenced = True
    case = await town.apply()
    assert town.office.arrivals == 0
    assert await town.state(case) == "READY"
    town.desktop.worker.fenced = False
    await town.pass_time(60)
    assert (await town.see(case)).status is Status.SUBMITTED
    assert town.office.arrivals == 1


async def test_an_old_intent_is_not_first_sent_without_asking_the_citizen(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.down = True
    case = await town.apply()
    town.office.down = False
    await town.pass_time(8 * 86_400)
    seen = await town.see(case)
    assert (await town.state(case), seen.status, seen.legs[0].text_key) == (
        "NEEDS_HUMAN", Status.HELD, "state.needs_human_stale",
    )  # fmt: skip
    assert town.office.arrivals == 0


async def test_a_wall_clock_that_jumps_only_lengthens_the_wait(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    town.office.script = ["lost"]
    case = await town.apply()
    town.clock.jump_wall(3600)
    await town.pass_time(1)
    assert await town.state(case) == "IN_DOUBT"
    assert town.office.arrivals == 2
    await town.pass_time(30)
    assert await town.state(case) == "IN_DOUBT", "one hour of wall clock proved nothing"
    for _ in range(3):
        await town.pass_time(310)
    assert (await town.see(case)).status is Status.SUBMITTED


async def test_refused_by_the_agency_is_a_plain_no(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["refuse"]
    case = await town.apply()
    assert (case.status, case.reason_code, case.legs[0].effect, case.settled) == (
        Status.REJECTED, "not_eligible", "none", True,
    )  # fmt: skip


async def test_an_agency_that_takes_it_and_falls_silent_is_asked_after_a_day(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["pending"]
    case = await town.apply()
    assert (await town.state(case), case.status, case.settled) == ("PENDING", Status.SUBMITTED, True)
    await town.pass_time(86_401)
    for _ in range(3):
        await town.pass_time(100)
    assert await town.state(case) == "CONFIRMED"


async def test_unavailable_before_acting_is_tried_again_by_the_journal_alone(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.down = True
    case = await town.apply()
    rows = await town.store.read("select n, outcome, sent from attempt order by n")
    assert [(row["n"], row["outcome"], row["sent"]) for row in rows] == [(1, "notsent", "no")]
    assert await town.state(case) == "READY"
