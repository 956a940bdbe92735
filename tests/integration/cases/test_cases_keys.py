"""One key, one case: replayed byte for byte, refused with another body, safe in a crowd and after a crash."""

import asyncio
from typing import Any

import pytest

from aggregator.cases.desk import FormInvalid, KeyReused, KeyRunning, NewCase, StoredAnswer, UnknownService
from aggregator.cases.keys import forget_old
from aggregator.sdk.adapter import Class

NEW = NewCase("portal_1", "", "office.permit", None, {"name": "Test Citizen"})
ANSWER = StoredAnswer(202, {"Location": "/v1/cases/x"}, b'{"id":"x"}')


async def test_a_key_seen_again_gets_the_first_answer_byte_for_byte(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    key = town.key("k")
    opened = await town.desk.open(NEW, key)
    await town.desk.answered(key, ANSWER)
    await town.desk.answered(key, StoredAnswer(201, {}, b"later"))
    again = await town.desk.open(NEW, key)
    assert again.answer == ANSWER
    assert again.record.id == opened.record.id


async def test_two_hundred_requests_with_one_key_make_one_case(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    ends = await asyncio.gather(*(town.desk.open(NEW, town.key("k")) for _ in range(200)), return_exceptions=True)
    await town.quiet()
    assert sum(not isinstance(end, Exception) for end in ends) == 1
    assert all(isinstance(end, KeyRunning) for end in ends if isinstance(end, Exception))
    assert len(await town.store.read("select id from cases")) == 1
    assert len(town.office.acted) == 1


async def test_the_control_that_checks_before_it_inserts_makes_two_effects(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    seen: set[str] = set()

    async def check_then_insert(n: int) -> None:
        if "k" not in seen:
            await asyncio.sleep(0)
            await town.desk.open(NEW, town.key(f"control-{n}"))
            seen.add("k")

    await asyncio.gather(*(check_then_insert(n) for n in range(5)))
    await town.quiet()
    assert len(town.office.acted) > 1


async def test_the_same_key_with_another_body_is_refused(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.desk.open(NEW, town.key("k", "one"))
    with pytest.raises(KeyReused):
        await town.desk.open(NEW, town.key("k", "two"))


async def test_another_portals_key_is_another_key(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    mine = await town.desk.open(NEW, town.key("k"))
    theirs = town.key("k").__class__("portal_2", "", "POST", "/cases", "k", "f")
    other = await town.desk.open(NewCase("portal_2", "", "office.permit", None, {"name": "X"}), theirs)
    assert mine.record.id != other.record.id
    assert await town.desk.case(mine.record.id, portal_id="portal_2") is None
    await town.quiet()


async def test_after_a_crash_before_the_answer_the_key_leads_to_the_case(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    opened = await town.desk.open(NEW, town.key("k"))
    await town.quiet()
    with pytest.raises(KeyRunning):
        await town.desk.open(NEW, town.key("k"))
    town.clock.advance(36)
    again = await town.desk.open(NEW, town.key("k"))
    assert again.answer is None
    assert again.record.id == opened.record.id


async def test_a_form_that_breaks_its_rules_or_an_unknown_service_leaves_no_trace(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    with pytest.raises(FormInvalid):
        await town.desk.open(NewCase("portal_1", "", "office.permit", None, {}), town.key("k"))
    with pytest.raises(UnknownService):
        await town.desk.open(NewCase("portal_1", "", "office.nothing", None, {}), town.key("k"))
    assert await town.store.read("select seq from event") == []
    await town.desk.open(NEW, town.key("k"))
    await town.quiet()


async def test_a_receipt_proves_the_number_offline(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    claims = town.desk._signer.receipt(await town.desk.receipt(case.id, portal_id="portal_1"))
    assert claims["number"].replace("-", "") == case.number
    assert claims["references"][0]["theirs"] == "N1"
    assert "Test Citizen" not in str(claims)


async def test_whoever_waits_for_a_change_wakes_when_it_comes(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        arrived.set()
        await go_on.wait()

    town.office.on_arrival = hang
    opened = await town.desk.open(NEW, town.key("k"))
    await arrived.wait()
    waiting = asyncio.create_task(town.desk.settled(opened.record.id, 30.0))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    go_on.set()
    settled = await asyncio.wait_for(waiting, 5)
    assert settled.settled


async def test_lists_page_from_newest_to_oldest_and_filter(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    made = []
    for _ in range(5):
        town.clock.advance(1)
        made.append((await town.apply()).id)
    first = await town.desk.cases(portal_id="portal_1", limit=2)
    rest = await town.desk.cases(portal_id="portal_1", after=first[-1].id, limit=10)
    assert [case.id for case in [*first, *rest]] == made[::-1]
    assert await town.desk.cases(portal_id="portal_1", status="HELD") == []
    assert await town.desk.cases(portal_id="portal_9") == []
    assert len(await town.desk.cases(portal_id="portal_1", service_id="office.permit", kind="APPLICATION")) == 5


async def test_a_key_is_remembered_for_ninety_days_and_until_its_case_has_long_been_final(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["DONE"]
    done, going = await town.apply(), await town.apply()
    town.clock.advance(61)
    await town.tracking.poll_due()
    town.clock.advance(89 * 86_400)
    assert await forget_old(town.store, town.clock) == 0
    town.clock.advance(2 * 86_400)
    assert await forget_old(town.store, town.clock) == 1
    left = await town.store.read("select case_id from idempotency")
    assert [row["case_id"] for row in left] == [going.id]
    assert done.id != going.id
