"""What is never repeated, and what becomes of a doubt that was taken back (docs/outcomes.md sections 3 and 6)."""

import json
from typing import Any

import pytest
from doubt_steps import lost, op_of

from aggregator.cases import settle
from aggregator.cases.desk import NewCase, Wish
from aggregator.sdk.adapter import Class


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
