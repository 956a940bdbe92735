"""What no machine may decide: before people with the evidence, decided once, and in pairs where money moves."""

import asyncio
import json
from typing import Any

import pytest

from aggregator.cases.desk import KeyReused
from aggregator.cases.items import Decision, Undecidable
from aggregator.cases.keys import Key
from aggregator.cases.lifecycle import EDGES, State
from aggregator.cases.watchdog import unexplained
from aggregator.cases.worklist import UnknownItem
from aggregator.citizens.four_eyes import SameName
from aggregator.sdk.adapter import Class
from aggregator.sdk.status import Status

ASHA, BIMAL = "Asha Das", "Bimal Nayak"


def decision(action: str, by: str = ASHA, **more: Any) -> Decision:
    return Decision(action=action, by=by, note=more.pop("note", "They told us on the telephone."), **more)


def key(name: str) -> Key:
    return Key("prt_ops", "", "POST", "/worklist/{item_id}/decisions", name, "f" + name)


async def doubtful(town: Any) -> tuple[Any, str]:
    """A case whose agency cannot be asked and did not answer; the item it became."""
    town.office.script = ["act then silence"]
    case = await town.apply()
    [item] = await town.worklist.items()
    return case, item.id


async def payment_in_doubt(town: Any) -> tuple[Any, str]:
    case = await town.apply()
    town.office.script = ["act then silence"]
    await town.desk.act(case.id, "PAY", {}, portal_id="portal_1")
    await town.pass_time(1)
    [item] = await town.worklist.items()
    return case, item.id


async def told(town: Any, kind: str) -> list[dict[str, Any]]:
    rows = await town.store.read("select body from event where type = $1 order by seq", kind)
    return [json.loads(row["body"])["data"] for row in rows]


async def test_an_opaque_doubt_is_on_the_worklist_with_its_trail_at_once(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    case, item_id = await doubtful(town)
    shown = await town.worklist.show(item_id)
    assert (shown.item.reason_code, shown.item.owner, shown.item.names) == ("opaque_doubt", "worklist:office", 1)
    assert shown.number == case.number
    [attempt] = shown.dossier.attempts
    assert (attempt.sent, attempt.answered, attempt.outcome) == ("maybe", False, "unknown")
    assert (shown.suggested, shown.actions) == ("ASK_AGENCY", ("CONFIRM", "REJECT", "RESEND", "CANCEL", "NOTE"))


async def test_answers_are_shown_without_the_people_in_them(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    town.office.script = ["act then 500"]
    await town.apply("Minati Demo Behera")
    [item] = await town.worklist.items()
    [attempt] = (await town.worklist.show(item.id)).dossier.attempts
    assert attempt.reply_status == 500
    assert "oops" not in attempt.reply
    assert "xxxx" in attempt.reply


@pytest.mark.parametrize(
    ("action", "more", "state", "status"),
    [
        ("CONFIRM", {"agency_reference": "N1"}, "CONFIRMED", Status.SUBMITTED),
        ("REJECT", {}, "REJECTED", Status.REJECTED),
        ("CANCEL", {}, "CANCELLED", Status.WITHDRAWN),
        ("RESEND", {}, "CONFIRMED", Status.SUBMITTED),
    ],
)
async def test_each_decision_is_a_legal_way_out_and_an_event(
    town_of: Any, action: str, more: dict[str, str], state: str, status: Status
) -> None:
    town = await town_of(Class.OPAQUE)
    case, item_id = await doubtful(town)
    decided = await town.worklist.decide(item_id, decision(action, **more), key("1"))
    assert decided.outcome == "CARRIED_OUT"
    await town.pass_time(1)
    assert (await town.state(case), (await town.see(case)).status) == (state, status)
    assert await town.worklist.items() == []
    [event] = await told(town, "worklist.decided")
    assert (event["item"], event["action"], event["operation"]) == (item_id, action, "submit")
    assert town.office.arrivals == (2 if action == "RESEND" else 1)
    assert await unexplained(town.store, town.clock) == []


async def test_names_and_notes_of_people_are_sealed_and_in_no_event(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    _, item_id = await doubtful(town)
    await town.worklist.decide(item_id, decision("NOTE", note="Rang 0674-2391234, Mr Sahu"), key("1"))
    await town.worklist.decide(item_id, decision("CANCEL"), key("2"))
    everything = [
        str([dict(row) for row in await town.store.read(f"select * from {table}")])  # noqa: S608 - names of ours
        for table in ("evidence", "decision", "event", "operation", "worklist_item")
    ]
    assert not [text for text in everything if "Asha" in text or "2391234" in text]


async def test_a_decision_needs_evidence_and_sense(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    case, item_id = await doubtful(town)
    for number, (wrong, reason) in enumerate(
        [
            (decision("CONFIRM", note=" ", agency_reference="N1"), "evidence_missing"),
            (decision("CONFIRM"), "reference_missing"),
            (decision("EXPIRE"), "not_possible_here"),
            (decision("SHRUG"), "not_possible_here"),
        ]
    ):
        with pytest.raises(Undecidable) as no:
            await town.worklist.decide(item_id, wrong, key(str(number)))
        assert no.value.reason == reason
    assert await town.state(case) == "NEEDS_HUMAN"
    with pytest.raises(UnknownItem):
        await town.worklist.decide("op_01JCZ5QK8V9XW3T6R2M4N7P0AB", decision("CANCEL"), key("x"))


async def test_an_agencys_number_cannot_be_confirmed_for_two(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    await town.apply()
    _, item_id = await doubtful(town)
    with pytest.raises(Undecidable) as no:
        await town.worklist.decide(item_id, decision("CONFIRM", agency_reference="N1"), key("1"))
    assert no.value.reason == "number_taken"


async def test_money_needs_two_names_and_the_same_name_twice_is_refused(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    _, item_id = await payment_in_doubt(town)
    arrivals = town.office.arrivals
    assert (await town.worklist.show(item_id)).item.names == 2
    first = await town.worklist.decide(item_id, decision("RESEND"), key("1"))
    assert first.outcome == "PROPOSED"
    await town.pass_time(5)
    assert town.office.arrivals == arrivals, "nothing is sent on one person's word"
    for spelling in (ASHA, "asha  das", "Das, Asha"):
        with pytest.raises(SameName):
            await town.worklist.decide(item_id, decision("RESEND", spelling), key("2" + spelling))
    proposal = (await town.worklist.show(item_id)).dossier.proposal
    assert proposal is not None
    assert (proposal.action, proposal.by) == ("RESEND", ASHA)
    second = await town.worklist.decide(item_id, decision("RESEND", BIMAL), key("3"))
    assert second.outcome == "CARRIED_OUT"
    await town.pass_time(1)
    assert town.office.arrivals == arrivals + 1
    [decided] = await told(town, "worklist.decided")
    assert decided["by"] != decided["second"]


async def test_the_second_name_stands_for_exactly_what_the_first_one_wrote(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    _, item_id = await payment_in_doubt(town)
    await town.worklist.decide(item_id, decision("CONFIRM", agency_reference="P1"), key("1"))
    other = await town.worklist.decide(item_id, decision("CONFIRM", BIMAL, agency_reference="P2"), key("2"))
    assert other.outcome == "PROPOSED", "another number is another decision"
    agreed = await town.worklist.decide(item_id, decision("CONFIRM", ASHA, agency_reference="P2"), key("3"))
    assert agreed.outcome == "CARRIED_OUT"
    assert [one["action"] for one in await told(town, "worklist.proposed")] == ["CONFIRM", "CONFIRM"]


async def test_two_people_who_decide_at_once_send_money_once(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    _, item_id = await payment_in_doubt(town)
    before = town.office.arrivals
    ends = await asyncio.gather(
        *(town.worklist.decide(item_id, decision("RESEND", f"Officer {n}"), key(str(n))) for n in range(6)),
        return_exceptions=True,
    )
    await town.pass_time(1)
    assert [end.outcome for end in ends if not isinstance(end, Exception)].count("CARRIED_OUT") == 1
    assert town.office.arrivals == before + 1


async def test_a_click_repeated_with_its_key_decides_once(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    case, item_id = await doubtful(town)
    await town.worklist.decide(item_id, decision("RESEND"), key("1"))
    await town.pass_time(1)
    with pytest.raises(KeyReused):
        await town.worklist.decide(
            item_id, decision("CANCEL"), Key("prt_ops", "", "POST", "/worklist/{item_id}/decisions", "1", "other")
        )
    assert await town.state(case) == "CONFIRMED"


async def test_what_was_never_sent_may_be_sent_after_all_and_does_not_grow_stale_at_once(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.down = True
    case = await town.apply()
    town.office.down = False
    await town.pass_time(8 * 86_400)
    [item] = await town.worklist.items()
    shown = await town.worklist.show(item.id)
    assert (shown.suggested, shown.actions) == ("RESEND", ("RESEND", "CANCEL", "EXPIRE", "NOTE"))
    await town.worklist.decide(item.id, decision("RESEND"), key("1"))
    await town.pass_time(1)
    assert await town.state(case) == "CONFIRMED"


async def test_a_conflict_is_never_sent_again(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["twice"]
    case = await town.apply()
    await town.pass_time(91)
    [item] = await town.worklist.items()
    shown = await town.worklist.show(item.id)
    assert shown.actions == ("CONFIRM", "CANCEL", "NOTE")
    assert shown.dossier.looks[-1].matches == 2
    await town.worklist.decide(item.id, decision("CONFIRM", agency_reference="N90"), key("1"))
    assert (await town.see(case)).legs[0].agency_reference == "N90"


async def test_waiting_warns_after_two_hours_pages_after_a_day_and_every_day_until_solved(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    _, item_id = await doubtful(town)
    await town.pass_time(7000)
    assert await told(town, "worklist.ageing") == []
    await town.pass_time(300)
    await town.pass_time(300)
    assert [one["level"] for one in await told(town, "worklist.ageing")] == ["warn"]
    for _ in range(3):
        await town.pass_time(86_400)
    levels = await told(town, "worklist.ageing")
    assert [one["level"] for one in levels] == ["warn", "page", "page", "page"]
    assert {one["owner"] for one in levels} == {"worklist:office"}
    assert (await town.worklist.items())[0].level(town.clock.now()) == "paged"
    await town.worklist.decide(item_id, decision("CANCEL"), key("1"))
    await town.pass_time(86_400)
    assert len(await told(town, "worklist.ageing")) == 4


async def test_a_doubt_that_no_look_can_settle_is_told_of_too(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    town.office.script = ["lost"]
    await town.apply()
    town.office.down = True
    for _ in range(3):
        await town.pass_time(3600)
    [warned] = await told(town, "worklist.ageing")
    assert (warned["level"], warned["reason"], warned["owner"]) == ("warn", "not_confirmed", "worklist:office")


async def test_items_come_oldest_first_and_page_by_page(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    for name in ("A", "B", "C"):
        town.office.script = ["act then silence"]
        await town.apply(name)
        town.clock.advance(60)
    first = await town.worklist.items(limit=2)
    last = first[-1]
    rest = await town.worklist.items(after=(round(last.since.timestamp() * 1000), last.id))
    assert [item.since for item in first + rest] == sorted(item.since for item in first + rest)
    assert len({item.id for item in first + rest}) == 3
    assert await town.worklist.items(agency="nobody") == []


def test_the_decisions_are_the_documents_ways_out_of_needs_human() -> None:
    ways = {after for before, after in EDGES if before is State.NEEDS_HUMAN}
    assert ways >= {State.CONFIRMED, State.REJECTED, State.READY, State.CANCELLED, State.EXPIRED}
