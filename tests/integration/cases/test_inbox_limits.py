"""A flood at the door, messages without a case, altered and echoed ones: kept, bounded, and never believed blindly."""

import json
from typing import Any

import pytest

from aggregator.cases import inbox as inbox_room
from aggregator.cases.inbox import Flooded
from aggregator.cases.items import Decision, Undecidable
from aggregator.cases.keys import Key
from aggregator.sdk.adapter import Class
from aggregator.sdk.callback import Callback

SIGNED = {"x-signed": "by the office"}


def pushed(town: Any, **told: str) -> Callback:
    return Callback("", SIGNED, json.dumps(told).encode(), town.clock.now())


async def states(town: Any) -> list[str]:
    return [row["state"] for row in await town.store.read("select state from inbox order by received_ms, id")]


async def reference(town: Any, case: Any, name: str = "submit") -> str:
    rows = await town.store.read("select reference from operation where case_id = $1 and name = $2", case.id, name)
    return str(rows[0]["reference"])


def decision(action: str, **more: str) -> Decision:
    return Decision(action=action, by="Asha Das", note="Looked it up.", **more)


def key(name: str) -> Key:
    return Key("prt_ops", "", "POST", "/w", name, name)


async def test_a_flood_is_asked_to_come_back_and_the_oldest_are_worked_through_first(
    town_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_room, "WAITING_MOST", 20)
    town = await town_of(Class.KEYED)
    for n in range(20):
        await town.inbox.receive("office", pushed(town, event=f"e{n}", number="N99"))
        town.clock.advance(0.01)
    with pytest.raises(Flooded) as no:
        await town.inbox.receive("office", pushed(town, event="e20", number="N99"))
    assert no.value.retry_after_s >= 1.0
    assert len(await states(town)) == 20, "nothing of it was stored: it will come again"
    monkeypatch.setattr(inbox_room, "BATCH", 5)
    await town.inbox.work()
    tried = await town.store.read("select event_key from inbox where tries > 0 order by received_ms")
    assert [row["event_key"] for row in tried] == [f"e{n}" for n in range(5)]


async def test_the_control_an_inbox_without_a_cap_keeps_everything_a_flood_brings(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    for n in range(60):
        await town.inbox.receive("office", pushed(town, event=f"e{n}", number="N99"))
    assert len(await states(town)) > 20


async def test_one_agencys_flood_shuts_nobody_elses_door(town_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_room, "WAITING_MOST", 3)
    town = await town_of(Class.KEYED)
    for n in range(3):
        await town.inbox.receive("office", pushed(town, event=f"e{n}", number="N99"))
    town.registry.agencies["other"] = town.registry.agencies["office"].__class__(
        **{**vars(town.registry.agencies["office"]), "id": "other"}
    )
    assert (await town.inbox.receive("other", pushed(town, event="e1", number="N1"))).body == b'{"ok": true}'


async def test_an_orphan_is_tried_again_as_soon_as_its_agency_gives_us_a_number(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.inbox.receive("office", pushed(town, event="early", number="N1"))
    for _ in range(6):
        await town.inbox.work()
        town.clock.advance(70)
    await town.inbox.work()
    assert await states(town) == ["ORPHAN"]
    case = await town.apply()
    assert await town.inbox.work() == 1, "at this T3, not at the end of its wait"
    assert await states(town) == ["DONE"]
    assert "callback.received" in await town.types(case)


async def test_after_a_day_people_see_an_orphan_and_say_whose_it_is(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    await town.inbox.receive("office", pushed(town, event="lost", number="no such number"))
    await town.inbox.work()
    town.clock.advance(3)
    await town.inbox.work()
    await town.inbox.tidy()
    assert await town.worklist.items() == [], "it may still find its case by itself"
    town.clock.advance(86_400)
    await town.inbox.tidy()
    await town.inbox.tidy()
    [item] = await town.worklist.items()
    assert (item.kind, item.reason_code, item.owner) == ("orphan", "orphan", "worklist:office")
    with pytest.raises(Undecidable):
        await town.worklist.decide(item.id, decision("ATTACH", agency_reference="nobody's"), key("1"))
    await town.worklist.decide(item.id, decision("ATTACH", agency_reference="N1"), key("2"))
    await town.inbox.work()
    assert await states(town) == ["DONE"]
    assert "callback.received" in await town.types(case)
    assert await town.worklist.items() == []


async def test_an_orphan_can_be_put_aside(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.inbox.receive("office", pushed(town, event="lost", number="no such number"))
    await town.inbox.work()
    town.clock.advance(3)
    await town.inbox.work()
    town.clock.advance(86_400)
    await town.inbox.tidy()
    [item] = await town.worklist.items()
    await town.worklist.decide(item.id, decision("DISMISS"), key("1"))
    assert await states(town) == ["DONE"]


async def test_another_body_under_a_known_event_is_kept_alarmed_and_has_no_effect(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    await town.inbox.receive("office", pushed(town, event="e1", number="N1"))
    for _ in range(2):
        await town.inbox.receive("office", pushed(town, event="e1", number="N1", refused="NO1"))
    await town.inbox.work()
    assert sorted(await states(town)) == ["DONE", "REFUSED"]
    altered = await town.store.read("select body from event where type = 'callback.altered'")
    assert len(altered) == 1
    assert (await town.types(case)).count("callback.received") == 1


async def test_what_we_wrote_ourselves_comes_back_and_nothing_follows_from_it(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    await town.desk.act(case.id, "REMIND", {"text": "Please hurry"}, portal_id="portal_1")
    await town.pass_time(1)
    ours = await reference(town, case, "remind")
    await town.inbox.receive("office", pushed(town, event="echo", ref=ours, echo_text="Please hurry"))
    await town.inbox.work()
    assert "callback.received" not in await town.types(case)
    assert "callback.echo" in await town.types(case)
    await town.inbox.receive("office", pushed(town, event="news", ref=ours, echo_text="We are hurrying"))
    await town.inbox.work()
    assert "callback.received" in await town.types(case), "somebody else's words are news"


async def test_the_control_a_system_that_answers_every_push_talks_to_its_like_for_ever() -> None:
    pushes = ["Please hurry"]
    for _ in range(1000):
        pushes.append(pushes[-1])  # each change is pushed on, and comes back as a change
    assert len(pushes) > 1000


async def test_a_signed_word_under_our_reference_settles_what_nobody_can_look_up(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE, finds=False)
    town.office.script = ["act then silence"]
    case = await town.apply()
    assert await town.state(case) == "NEEDS_HUMAN"
    await town.inbox.receive("office", pushed(town, ref=await reference(town, case), number="N1"))
    await town.inbox.work()
    assert (await town.state(case), (await town.see(case)).legs[0].agency_reference) == ("CONFIRMED", "N1")


async def test_about_money_a_callback_is_evidence_for_two_people_and_settles_nothing(town_of: Any) -> None:
    town = await town_of(Class.KEYED, finds=False)
    case = await town.apply()
    town.office.script = ["act then silence"]
    await town.desk.act(case.id, "PAY", {}, portal_id="portal_1")
    await town.pass_time(1)
    [item] = await town.worklist.items()
    await town.inbox.receive("office", pushed(town, ref=await reference(town, case, "pay"), number="P1"))
    await town.inbox.work()
    shown = await town.worklist.show(item.id)
    assert (shown.suggested, shown.dossier.numbers, shown.item.names) == ("CONFIRM", {"P1"}, 2)


async def test_a_push_about_a_closed_case_makes_us_look_and_not_believe(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["refuse"]
    case = await town.apply()
    ours = await reference(town, case)
    await town.inbox.receive("office", pushed(town, event="e1", ref=ours, number="N7"))
    await town.inbox.work()
    await town.reconciliation._audit.work()
    assert await town.state(case) == "REJECTED", "the agency shows nothing: its no stands"
    town.office.records.append((ours, "N7"))
    await town.inbox.receive("office", pushed(town, event="e2", ref=ours, number="N7"))
    await town.inbox.work()
    await town.reconciliation._audit.work()
    assert await town.state(case) == "NEEDS_HUMAN", "done after all: a conflict for a person"
