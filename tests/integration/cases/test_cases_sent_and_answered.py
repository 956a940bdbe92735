"""A sender that dies, waits or comes late, and agencies that answer plainly."""

import asyncio
from typing import Any

from aggregator.cases import worker
from aggregator.cases.desk import NewCase
from aggregator.sdk.adapter import Class
from aggregator.sdk.status import Status


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
