"""Each rule of settling a doubt, with the client that breaks it (docs/outcomes.md sections 2, 3, 6, 8 and 9)."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from aggregator.cases import late, ledger, settle
from aggregator.cases.desk import NewCase, Wish
from aggregator.cases.items import Decision
from aggregator.cases.keys import Key
from aggregator.cases.late import Late
from aggregator.cases.ledger import Ending
from aggregator.cases.look import CONTROL_S, RAIL_LOOKS
from aggregator.cases.reconcile import Reconciliation
from aggregator.feed import events
from aggregator.resilience.outcome import Confirmed, Rejected
from aggregator.sdk.adapter import Class
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Receipt
from aggregator.sdk.status import Status


def declare(town: Any, operation: str, **facts: Any) -> None:
    """The office's declared facts, changed for this test."""
    agency = town.registry.agencies["office"]
    agency.operations[operation] = replace(agency.operations[operation], **facts)


async def lost(town: Any, mode: str = "lost") -> Any:
    """A doubtful case beside a control record that is old enough to be found."""
    await town.apply("The control record")
    town.clock.advance(30)
    town.office.script = [mode]
    return await town.apply()


async def op_of(town: Any, case: Any, name: str = "submit") -> Any:
    rows = await town.store.read("select id from operation where case_id = $1 and name = $2", case.id, name)
    return await town.store.write(lambda run: ledger.operation(run, rows[0]["id"]))


async def told(town: Any, kind: str) -> list[dict[str, Any]]:
    rows = await town.store.read("select body from event where type = $1 order by seq", kind)
    return [json.loads(row["body"])["data"] for row in rows]


def finds(town: Any) -> list[float]:
    """When the office's search is asked, by our monotonic clock, from now on."""
    asked: list[float] = []
    answer = town.office.answer

    def counting(path: str, query: str, body: Any) -> Any:
        if path == "/find":
            asked.append(town.clock.monotonic())
        return answer(path, query, body)

    town.office.answer = counting
    return asked


async def arrives_late(town: Any, case: Any, outcome: Any, n: int = 1, reply: bytes = b'{"number": "N9"}') -> None:
    op = await op_of(town, case)
    ending = Ending(n, "maybe", True, type(outcome).__name__.lower(), "", 200, reply)

    async def put(run: Any) -> None:
        await events.append(run, await late.arrived(run, town.desktop, op, Late(outcome, ending)))

    await town.store.write(put)


# -- money


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


# -- control record and budget


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


# -- keys, fences, age


@pytest.mark.parametrize("believes_in_keys", [False, True])
async def test_a_repeat_held_until_the_agency_forgot_its_key_is_not_sent(
    town_of: Any, monkeypatch: pytest.MonkeyPatch, believes_in_keys: bool
) -> None:
    """The control asks about the key once, when it decides, and never again."""
    town = await town_of(Class.KEYED)
    await town.apply("The control record")
    town.office.script = ["act then silence"]
    case = await town.apply()
    town.office.down = True
    await town.pass_time(3)
    assert (await op_of(town, case)).state.value == "READY", "decided: ask again under the same key"
    town.clock.advance(2 * 86_400)
    if believes_in_keys:
        monkeypatch.setattr(settle, "key_alive", lambda *_: True)
    town.office.down, town.office.keyed = False, False  # it is back, and has forgotten every key
    for _ in range(8):
        await town.pass_time(400)
    twice = len(town.office.acted) - len(set(town.office.acted))
    assert twice == int(believes_in_keys)
    assert believes_in_keys or await town.state(case) == "CONFIRMED"


async def overtaken(town: Any) -> Any:
    """A doubt after which something else about the same matter was sent."""
    town.office.script = ["act then silence"]
    case = await town.apply()
    op = await op_of(town, case)
    row = (await town.store.read("select * from operation where id = $1", op.id))[0]
    later = {name: row[name] for name in row.keys()} | {  # noqa: SIM118 - a row is no mapping
        "id": "op_later", "name": "cancel", "reference": "later", "state": "CONFIRMED", "sends": 1, "looks": 0,
        "doubtful": 0, "created_ms": op.created_ms + 1, "doubt_since_ms": None, "age_due_ms": None,
    }  # fmt: skip
    marks = ", ".join(f"${n}" for n in range(1, len(later) + 1))
    await town.store.write(
        lambda run: run(f"insert into operation ({', '.join(later)}) values ({marks})", *later.values())  # noqa: S608
    )
    return case


async def test_a_write_that_something_later_overtook_is_never_repeated(town_of: Any) -> None:
    town = await town_of(Class.IDEMPOTENT, finds=False)
    case = await overtaken(town)
    town.clock.advance(5)
    await town.reconciliation._settle_due()
    assert (await town.state(case), (await op_of(town, case)).reason_code) == ("NEEDS_HUMAN", "overtaken")
    await town.pass_time(5)
    assert town.office.arrivals == 1


async def test_a_write_that_something_later_overtook_is_asked_about_where_one_can_ask(town_of: Any) -> None:
    town = await town_of(Class.IDEMPOTENT)
    case = await overtaken(town)
    town.clock.advance(5)
    await town.reconciliation._settle_due()
    assert (await town.state(case), town.office.arrivals) == ("CONFIRMED", 1)


@pytest.mark.parametrize("cls", [Class.IDEMPOTENT, Class.KEYED])
async def test_only_a_repeat_that_could_undo_something_is_kept_back(town_of: Any, cls: Class) -> None:
    """A key repeats one request; a plain repeat sets things as they were, and nothing was set since."""
    town = await town_of(cls)
    if cls is Class.KEYED:
        case = await overtaken(town)
    else:
        town.office.script = ["act then silence"]
        case = await town.apply()
    town.clock.advance(5)
    await town.reconciliation._settle_due()
    assert await town.state(case) == "READY"


async def test_what_is_proved_absent_and_then_held_too_long_is_asked_about_first(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    await town.pass_time(91)
    town.office.down = False
    await town.pass_time(310)
    assert town.office.arrivals in {2, 3}
    await town.store.write(
        lambda run: run("update operation set state = 'READY', doubtful = 0 where case_id = $1", case.id)
    )
    before = town.office.arrivals
    await town.pass_time(8 * 86_400)
    assert town.office.arrivals == before
    assert (await op_of(town, case)).reason_code == "stale_intent"


# -- late answers


async def test_a_late_yes_to_the_doubted_attempt_settles_it_and_is_kept(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    await arrives_late(town, case, Confirmed(Receipt("N9")))
    assert (await town.see(case)).legs[0].agency_reference == "N9"
    [event] = await told(town, "operation.late-answer")
    assert event["state"] == "IN_DOUBT"
    rows = await town.store.read("select agency_reference from evidence")
    assert [row["agency_reference"] for row in rows] == ["N9"]


@pytest.mark.parametrize("believed", ["ABSENT_ONCE", "ABSENT", "READY"])
async def test_a_late_yes_stops_a_resend_that_absence_had_earned(town_of: Any, believed: str) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    await town.store.write(
        lambda run: run(
            "update operation set state = $1, next_action_ms = next_action_ms + 1000000 where case_id = $2",
            believed,
            case.id,
        )
    )
    await arrives_late(town, case, Confirmed(Receipt("N9")))
    assert await town.state(case) == "IN_DOUBT", "it is looked at again; the answer alone sets no state"
    assert town.office.arrivals == 2


@pytest.mark.parametrize("closed", ["REJECTED", "CANCELLED", "EXPIRED"])
async def test_a_late_yes_after_the_end_is_a_conflict_for_a_person(town_of: Any, closed: str) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    await town.store.write(lambda run: run("update operation set state = $1 where case_id = $2", closed, case.id))
    await arrives_late(town, case, Confirmed(Receipt("N9")))
    assert (await town.state(case), (await op_of(town, case)).reason_code) == ("NEEDS_HUMAN", "conflict")


async def test_a_late_yes_with_another_number_is_a_conflict_and_with_the_same_is_nothing(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await town.apply()
    await arrives_late(town, case, Confirmed(Receipt("N1")))
    assert await town.state(case) == "CONFIRMED"
    await arrives_late(town, case, Confirmed(Receipt("N2")))
    assert await town.state(case) == "NEEDS_HUMAN"


async def test_a_late_answer_for_a_person_is_on_the_worklist_and_suggests_itself(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    town.office.script = ["act then silence"]
    case = await town.apply()
    await arrives_late(town, case, Confirmed(Receipt("N1")))
    assert await town.state(case) == "NEEDS_HUMAN"
    [item] = await town.worklist.items()
    shown = await town.worklist.show(item.id)
    assert (shown.suggested, shown.dossier.numbers) == ("CONFIRM", {"N1"})
    decision = Decision(action="CONFIRM", by="Asha Das", note="Their answer came late.", agency_reference="N1")
    await town.worklist.decide(item.id, decision, Key("p", "", "POST", "/w", "1", "f"))
    assert await town.state(case) == "CONFIRMED"


async def test_a_late_no_counts_only_where_nothing_else_was_sent(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    no = Rejected("NO1", "not_eligible", Refused("NO1", "not_eligible"))
    await arrives_late(town, case, no)
    assert await town.state(case) == "REJECTED"
    other = await lost(town)
    await town.store.write(lambda run: run("update operation set sends = 2 where case_id = $1", other.id))
    await arrives_late(town, other, no)
    assert await town.state(other) == "IN_DOUBT"


# -- audit


async def test_an_agency_that_duplicates_by_itself_is_found_by_the_daily_audit(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await town.apply()
    reference = town.office.records[0][0]
    town.office.records.append((reference, "N77"))  # its gateway retried inside
    await town.reconciliation._audit.work()
    assert await town.state(case) == "CONFIRMED", "too young to be looked at"
    town.clock.advance(86_400)
    for _ in range(3):
        town.clock.advance(60)
        await town.reconciliation._audit.work()
    seen = await town.see(case)
    assert await town.state(case) == "NEEDS_HUMAN"
    assert (seen.status, seen.legs[0].effect, seen.legs[0].text_key) == (Status.UNCONFIRMED, "done", "state.conflict")


async def test_the_audit_of_a_sound_agency_changes_nothing_and_is_made_once_a_day(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    cases = [await town.apply(str(n)) for n in range(5)]
    town.clock.advance(86_400)
    other = await town_of(Class.QUERYABLE, town.office, town.clock)
    asked = finds(town)
    for _ in range(8):
        town.clock.advance(60)
        await asyncio.gather(town.reconciliation._audit.work(), other.reconciliation._audit.work())
    assert {await town.state(case) for case in cases} == {"CONFIRMED"}
    assert len(asked) <= 10
    assert await told(town, "agency.record-missing") == []


async def test_a_record_that_is_gone_is_told_and_moves_nothing(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await town.apply()
    town.office.hidden = True
    town.clock.advance(86_400)
    for _ in range(3):
        town.clock.advance(60)
        await town.reconciliation._audit.work()
    assert await town.state(case) == "CONFIRMED"
    assert await told(town, "agency.record-missing") == [{"operation": "submit"}]


# -- clocks, figure R23


async def settles_after_s(town: Any, case: Any) -> float:
    """True seconds until the lost application is sent again."""
    began, arrivals = town.clock.monotonic(), town.office.arrivals
    for _ in range(900):
        await town.pass_time(25)
        if town.office.arrivals > arrivals:
            return float(town.clock.monotonic() - began)
    raise AssertionError("never settled")


@pytest.mark.parametrize("jump_s", [86_400, -86_400, 3_600, -3_600, 6, -6])
async def test_a_wall_clock_set_during_the_wait_only_lengthens_it(town_of: Any, jump_s: float) -> None:
    town = await town_of(Class.QUERYABLE)
    straight = await settles_after_s(town, await lost(town))
    case = await lost(town)
    town.clock.advance(30)
    town.clock.jump_wall(jump_s)
    assert 30 + await settles_after_s(town, case) >= straight


async def test_the_control_a_settle_wait_on_the_wall_clock_alone_ends_early(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    straight = await settles_after_s(town, await lost(town))

    async def blind() -> bool:
        return False

    town.reconciliation._clock.was_set = blind
    await lost(town)
    town.clock.advance(30)
    town.clock.jump_wall(3_600)
    began = town.office.arrivals
    await town.pass_time(10)
    await town.pass_time(301)
    assert town.office.arrivals > began, "the control sends again after an hour that never passed"
    assert straight > 341


async def test_a_clock_that_was_set_while_nobody_ran_is_noticed_at_the_next_start(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    await town.reconciliation._watch_clock()
    town.clock.jump_wall(3_600)
    again = Reconciliation(town.desktop, lambda: town.registry, town.desk._stream, town.delivery.nudge)
    await again._watch_clock()
    await again._settle_due()
    await town.pass_time(1)
    assert await town.state(case) == "IN_DOUBT"
    assert (await op_of(town, case)).ended_ms >= round(town.clock.now().timestamp() * 1000) - 5_000


async def test_a_clock_set_back_a_day_makes_no_key_younger_and_no_wait_a_day_longer(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.script = ["act then silence"]
    case = await town.apply()
    first = (await op_of(town, case)).first_sent_ms
    await town.reconciliation._watch_clock()
    town.clock.jump_wall(-86_400)
    await town.reconciliation._watch_clock()
    moved = await op_of(town, case)
    assert moved.first_sent_ms == first - 86_400_000
    await town.pass_time(10)
    assert await town.state(case) == "CONFIRMED"


async def test_small_corrections_of_the_clock_are_nobodys_business(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    case = await lost(town)
    before = (await op_of(town, case)).ended_ms
    for _ in range(3):
        town.clock.jump_wall(1.0)
        await town.reconciliation._watch_clock()
    assert (await op_of(town, case)).ended_ms == before


# -- withdrawal in doubt


async def test_what_a_citizen_says_when_taking_it_back_in_doubt_reaches_the_agency(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["act then silence"]
    case = await town.apply()
    await town.desk.act(case.id, "WITHDRAW", {"reason": "moved to Cuttack"}, portal_id="portal_1")
    assert (await town.see(case)).legs[0].text_key == "state.withdraw_asked"
    sealed = str([dict(row) for row in await town.store.read("select * from operation")])
    assert "Cuttack" not in sealed
    for _ in range(3):
        await town.pass_time(91)
    assert "cancel N1" in town.office.acted
    cancel = await op_of(town, case, "cancel")
    rows = await town.store.read("select form_sealed from operation where id = $1", cancel.id)
    more = town.desktop.vault.open(rows[0]["form_sealed"], table="operation", row=cancel.id, column="form_sealed")
    assert json.loads(more) == {"reason": "moved to Cuttack"}


async def test_a_keyed_doubt_that_was_taken_back_is_asked_about_and_not_filed(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.apply("The control record")
    town.office.script = ["lost"]
    case = await town.apply()
    await town.desk.act(case.id, "WITHDRAW", {}, portal_id="portal_1")
    for _ in range(8):
        await town.pass_time(310)
    assert town.office.arrivals == 2, "no third one: it was withdrawn"
    assert await town.state(case) == "CANCELLED"


async def test_what_was_never_sent_can_be_taken_back_from_the_worklist(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.down = True
    case = await town.apply()
    await town.pass_time(8 * 86_400)
    assert await town.state(case) == "NEEDS_HUMAN"
    await town.desk.act(case.id, "WITHDRAW", {}, portal_id="portal_1")
    assert await town.state(case) == "CANCELLED"
    assert await town.worklist.items() == []


async def test_one_taken_back_while_a_person_finds_out_is_never_sent_again(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    town.office.script = ["act then silence"]
    opened = await town.desk.open(NewCase("portal_1", "", "office.permit", None, {"name": "B"}), town.key("w"))
    await town.quiet()
    await town.desk.ask(opened.record.id, Wish("WITHDRAW", {"reason": "moved"}), town.key("w2", "g"))
    [item] = await town.worklist.items()
    shown = await town.worklist.show(item.id)
    assert "RESEND" not in shown.actions
    assert shown.op is not None
    assert shown.op.withdraw
