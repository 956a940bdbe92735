"""An answer that comes after its attempt was given up, and the daily audit (docs/outcomes.md sections 8 and 9)."""

import asyncio
import json
from typing import Any

import pytest
from doubt_steps import finds, lost, op_of

from aggregator.cases import late
from aggregator.cases.items import Decision
from aggregator.cases.keys import Key
from aggregator.cases.late import Late
from aggregator.cases.ledger import Ending
from aggregator.feed import events
from aggregator.resilience.outcome import Confirmed, Rejected
from aggregator.sdk.adapter import Class
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Receipt
from aggregator.sdk.status import Status


async def told(town: Any, kind: str) -> list[dict[str, Any]]:
    rows = await town.store.read("select body from event where type = $1 order by seq", kind)
    return [json.loads(row["body"])["data"] for row in rows]


async def arrives_late(town: Any, case: Any, outcome: Any, n: int = 1, reply: bytes = b'{"number": "N9"}') -> None:
    op = await op_of(town, case)
    ending = Ending(n, "maybe", True, type(outcome).__name__.lower(), "", 200, reply)

    async def put(run: Any) -> None:
        await events.append(run, await late.arrived(run, town.desktop, op, Late(outcome, ending)))

    await town.store.write(put)


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
