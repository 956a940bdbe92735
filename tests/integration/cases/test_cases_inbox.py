"""What agencies push is stored first, believed only as far as it can be checked, and counted once."""

import json
from typing import Any

import pytest

from aggregator.cases.inbox import NoSuchAgency
from aggregator.cases.mailbox import Post
from aggregator.sdk.adapter import Class
from aggregator.sdk.callback import Ack, Callback, Notice
from aggregator.sdk.status import Status

SIGNED = {"x-signed": "by the office"}


def pushed(town: Any, *, headers: dict[str, str] | None = None, **told: str) -> Callback:
    return Callback("", SIGNED if headers is None else headers, json.dumps(told).encode(), town.clock.now())


async def reference(town: Any, case: Any) -> str:
    rows = await town.store.read("select reference from operation where case_id = $1", case.id)
    return str(rows[0]["reference"])


async def states(town: Any) -> list[str]:
    return [row["state"] for row in await town.store.read("select state from inbox order by received_ms, id")]


async def test_a_callback_is_answered_after_it_is_stored_and_makes_us_read_again(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["RCVD", "DESK"]
    case = await town.apply()
    town.clock.advance(61)
    await town.tracking.poll_due()
    ack = await town.inbox.receive("office", pushed(town, event="e1", number="N1"))
    assert ack == Ack(b'{"ok": true}')
    assert await states(town) == ["NEW"]
    await town.inbox.work()
    assert await states(town) == ["DONE"]
    assert await town.tracking.poll_due() == 1, "re-read at once, long before the next poll"
    assert (await town.see(case)).status is Status.IN_PROGRESS


async def test_a_callback_alone_never_moves_a_status(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    await town.inbox.receive("office", pushed(town, event="e1", number="N1", refused="NO1"))
    await town.inbox.work()
    assert (await town.see(case)).status is Status.SUBMITTED


async def test_the_same_event_five_times_is_one_effect(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    for _ in range(5):
        await town.inbox.receive("office", pushed(town, event="e1", number="N1"))
        await town.inbox.work()
    assert len(await states(town)) == 1
    assert (await town.types(case)).count("callback.received") == 1


async def test_a_bad_signature_has_no_effect_is_kept_for_people_and_told_to_operators(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    await town.inbox.receive("office", pushed(town, headers={}, event="e1", number="N1"))
    await town.inbox.work()
    assert await states(town) == ["REFUSED"]
    assert "callback.received" not in await town.types(case)
    refused = await town.store.read("select body from event where type = 'callback.refused'")
    assert len(refused) == 1
    town.clock.advance(8 * 86_400)
    await town.inbox.tidy()
    assert await states(town) == []


async def test_a_callback_settles_a_doubt_by_making_us_look_at_once(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["act then silence"]
    case = await town.apply()
    await town.inbox.receive("office", pushed(town, ref=await reference(town, case), number="N1"))
    await town.inbox.work()
    assert await town.state(case) == "IN_DOUBT", "a hint, not a fact"
    await town.pass_time(1)
    assert await town.state(case) == "CONFIRMED"


@pytest.mark.parametrize(("refused", "state"), [("", "CONFIRMED"), ("NO1", "REJECTED")])
async def test_where_nothing_can_be_looked_up_our_own_reference_under_a_signature_is_evidence(
    town_of: Any, refused: str, state: str
) -> None:
    town = await town_of(Class.KEYED, finds=False)
    town.office.script = ["pending"]
    case = await town.apply()
    await town.inbox.receive("office", pushed(town, ref=await reference(town, case), number="N1", refused=refused))
    await town.inbox.work()
    assert await town.state(case) == state


async def test_less_than_our_own_reference_is_no_evidence(town_of: Any) -> None:
    town = await town_of(Class.KEYED, finds=False)
    town.office.script = ["pending"]
    case = await town.apply()
    await town.inbox.receive("office", pushed(town, number="N1"))
    await town.inbox.work()
    assert await town.state(case) == "PENDING"


async def test_a_callback_that_overtakes_the_number_is_placed_later(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.inbox.receive("office", pushed(town, event="early", number="N1"))
    await town.inbox.work()
    assert await states(town) == ["NEW"]
    town.clock.advance(3)
    await town.inbox.work()
    assert await states(town) == ["ORPHAN"]
    case = await town.apply()
    town.clock.advance(600)
    await town.inbox.work()
    assert await states(town) == ["DONE"]
    assert "callback.received" in await town.types(case)


async def test_what_was_pushed_is_sealed_at_rest(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.inbox.receive("office", pushed(town, event="e1", number="N9", name="Minati Demo Behera"))
    assert "Minati" not in str([dict(row) for row in await town.store.read("select * from inbox")])


async def test_nobody_pushes_in_the_name_of_an_agency_that_does_not_exist(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    with pytest.raises(NoSuchAgency):
        await town.inbox.receive("nobody", pushed(town, event="e1"))


async def test_an_answer_that_comes_before_anybody_asks_for_it_is_not_missed() -> None:
    post = Post()
    notice = Notice(ack=Ack(), awaited="m1")
    with post.of("tpcodl").expect("m1") as place:
        assert post.deliver("tpcodl", notice)
        assert await place.arrived(0.01) is notice
    assert not post.deliver("tpcodl", notice)


async def test_a_wait_at_the_mailbox_ends_with_its_time() -> None:
    with Post().of("tpcodl").expect("m1") as place, pytest.raises(TimeoutError):
        await place.arrived(0.01)
