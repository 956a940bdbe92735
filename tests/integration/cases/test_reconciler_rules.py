"""Each rule of asking about a doubt, with the client that breaks it (docs/outcomes.md sections 2, 3 and 6)."""

import asyncio
from dataclasses import replace
from typing import Any

from doubt_steps import finds, lost, op_of

from aggregator.cases.look import CONTROL_S, RAIL_LOOKS
from aggregator.sdk.adapter import Class
from aggregator.sdk.clock import epoch_ms


def declare(town: Any, operation: str, **facts: Any) -> None:
    """The office's declared facts, changed for this test."""
    agency = town.registry.agencies["office"]
    agency.operations[operation] = replace(agency.operations[operation], **facts)


async def test_money_is_absent_only_after_three_counted_looks(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    declare(town, "pay", cls=Class.QUERYABLE, max_apply_delay_s=60.0, query_lag_s=5.0)
    for _ in range(2):
        case = await town.apply()
        await town.desk.act(case.id, "PAY", {}, portal_id="portal_1")
        await town.pass_time(1)
        town.office.script = ["normal", "lost"]  # the second case's payment is lost
    arrivals = town.office.arrivals
    counted = []
    for _ in range(60):
        await town.pass_time(310)
        rows = await town.store.read(
            "select counted from look where operation_id = $1", (await op_of(town, case, "pay")).id
        )
        counted.append(sum(row["counted"] for row in rows))
        if town.office.arrivals > arrivals:
            break
    assert town.office.arrivals == arrivals + 1, "it is sent again in the end"
    assert max(counted) == 3


async def test_a_payment_rail_is_asked_late_and_seldom_whatever_hurries_us(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    declare(town, "pay", cls=Class.QUERYABLE, max_apply_delay_s=60.0, query_lag_s=5.0)
    case = await town.apply()
    town.office.script = ["lost"]
    await town.desk.act(case.id, "PAY", {}, portal_id="portal_1")
    await town.pass_time(1)
    sent_at = town.clock.monotonic()
    asked = finds(town)
    for _ in range(60):  # somebody hurries us every two minutes for two hours
        await town.store.write(lambda run: run("update operation set next_action_ms = 0 where name = 'pay'"))
        await town.pass_time(120)
    rows = await town.store.read("select at_ms from look where operation_id = $1", (await op_of(town, case, "pay")).id)
    assert 1 <= len(rows) <= RAIL_LOOKS
    assert min(asked) - sent_at >= 89


async def test_a_payment_that_is_hurried_waits_until_its_rail_may_be_asked_and_no_longer(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    declare(town, "pay", cls=Class.QUERYABLE, max_apply_delay_s=60.0, query_lag_s=5.0)
    case = await town.apply()
    town.office.script = ["lost"]
    await town.desk.act(case.id, "PAY", {}, portal_id="portal_1")
    await town.pass_time(1)
    asked = finds(town)
    first_ms = (await op_of(town, case, "pay")).ended_ms + 90_000
    for early_s in (10.0, 0.5):
        town.clock.advance((first_ms - epoch_ms(town.clock.now())) / 1000 - early_s)
        await town.store.write(lambda run: run("update operation set next_action_ms = 0 where name = 'pay'"))
        await town.reconciliation._settle_due()
        assert (asked, (await op_of(town, case, "pay")).next_action_ms) == ([], first_ms)
    town.clock.advance(0.5)
    await town.reconciliation._settle_due()
    assert len(asked) > 0


async def test_the_control_record_is_found_in_the_same_session_not_more_than_a_minute_before(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    answer = town.office.answer

    def slow_after_control(path: str, query: str, body: Any) -> Any:
        reply = answer(path, query, body)
        if path == "/find":
            town.clock.advance(CONTROL_S + 1)
        return reply

    town.office.answer = slow_after_control
    for _ in range(6):
        await town.pass_time(400)
    assert await town.state(case) == "IN_DOUBT", "a control record found too long ago proves nothing"
    assert town.office.arrivals == 2
    town.office.answer = answer
    for _ in range(8):
        await town.pass_time(4000)
    assert await town.state(case) == "CONFIRMED"


async def test_a_control_found_over_another_path_counts_for_nothing(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    looks = town.reconciliation._looks
    agency = town.registry.agencies["office"]
    op = await op_of(town, case)
    town.clock.advance(200)
    await looks.see(agency, op, agency.operations["submit"], may_count=True)
    assert looks._fresh(agency, op)
    other = replace(agency, guarded=agency.guarded.__class__.__new__(agency.guarded.__class__))
    assert not looks._fresh(other, op)


async def test_looks_stay_within_the_hourly_budget_over_a_restart(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    declare(town, "find", query_budget_per_hour=4)
    await town.apply("The control record")
    town.office.script = ["lost"] * 6
    cases = [await town.apply(str(n)) for n in range(6)]
    asked = finds(town)
    await town.pass_time(100)
    again = await town_of(Class.QUERYABLE, town.office, town.clock)
    declare(again, "find", query_budget_per_hour=4)
    for _ in range(10):
        await again.pass_time(300)
    windows = [sum(1 for other in asked if 0 <= other - at < 3600) for at in asked]
    assert max(windows) <= 4
    assert {await town.state(case) for case in cases} <= {"IN_DOUBT", "ABSENT_ONCE"}


async def test_a_budget_used_up_by_others_lets_through_both_questions_of_a_look(town_of: Any) -> None:
    """One question an hour's budget has left at a time: paid for one by one, the control would take it every time."""
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    minute = int(town.clock.now().timestamp()) // 60
    declare(town, "find", query_budget_per_hour=60)
    for ago in range(-4, 60):
        await town.store.write(
            lambda run, ago=ago: run(
                "insert into query_spent (agency, minute, asked) values ('office', $1, 1)", minute - ago
            )
        )
    for _ in range(30):
        await town.pass_time(CONTROL_S + 1)
    assert await town.state(case) == "CONFIRMED"


async def test_a_look_that_cannot_be_asked_is_put_off_for_as_long_as_is_known(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    minute = int(town.clock.now().timestamp()) // 60
    declare(town, "find", query_budget_per_hour=2)
    town.clock.advance(91)
    town.office.down = True
    await town.reconciliation._settle_due()
    away = await op_of(town, case)
    assert (away.state.value, away.looks) == ("IN_DOUBT", 0)
    assert away.next_action_ms == epoch_ms(town.clock.now()) + 30_000
    await town.store.write(
        lambda run: run("insert into query_spent (agency, minute, asked) values ('office', $1, 2)", minute - 10)
    )
    town.clock.advance(30)
    await town.reconciliation._settle_due()
    used_up = await op_of(town, case)
    assert used_up.next_action_ms == epoch_ms(town.clock.now()) + 300_000, "the hour is not over: not every minute"


async def test_the_control_a_budget_kept_in_memory_is_spent_twice_by_a_restart(town_of: Any) -> None:
    """What the reconciler did before: a list in the process."""
    spent: list[float] = []
    budget, asked = 4, 0
    for _restart in range(2):
        spent = []
        while len(spent) < budget:
            spent.append(0.0)
            asked += 1
    assert asked > budget


async def test_a_silent_agency_holds_up_nobody_elses_doubts(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town, "act then silence")
    office = town.registry.agencies["office"]
    silent = asyncio.Event()

    async def never(*_: Any, **__: Any) -> Any:
        await silent.wait()

    stuck = replace(office, id="stuck", guarded=type("Silent", (), {"read": never, "policy": office.policy})())
    town.registry.agencies["stuck"] = stuck
    await town.store.write(lambda run: run("update operation set agency = 'stuck' where state = 'CONFIRMED'"))
    await town.store.write(
        lambda run: run("update operation set state = 'PENDING', next_action_ms = 0 where agency = 'stuck'")
    )
    town.clock.advance(100)
    round_ = asyncio.create_task(town.reconciliation._settle_due())
    for _ in range(200):
        await asyncio.sleep(0.005)
        if await town.state(case) == "CONFIRMED":
            break
    assert await town.state(case) == "CONFIRMED"
    silent.set()
    round_.cancel()
    await asyncio.gather(round_, return_exceptions=True)
