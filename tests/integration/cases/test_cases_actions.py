"""One more thing asked of an agency is journaled and settled like the first; what can be asked, the case says."""

from dataclasses import replace
from typing import Any

import pytest

from aggregator.cases.withdraw import ActionNotPossible
from aggregator.sdk.adapter import Class
from aggregator.sdk.status import Status

PORTAL = "portal_1"


async def test_the_case_lists_what_can_be_asked_and_no_portal_computes_rules(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.down = True
    held = await town.apply()
    assert town.desk.actions(held) == ["WITHDRAW"]
    town.office.down = False
    case = await town.apply()
    assert town.desk.actions(case) == ["WITHDRAW", "REMIND", "BOOK", "PAY"]
    town.office.words["N1"] = ["DONE"]
    town.clock.advance(61)
    await town.tracking.poll_due()
    assert town.desk.actions(await town.see(case)) == []


async def test_a_slot_is_booked_with_what_the_citizen_added_and_only_once(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    await town.desk.act(case.id, "BOOK", {"slot_id": "S7"}, portal_id=PORTAL)
    await town.pass_time(2)
    assert town.office.acted[1:] == ["book N1 S7"]
    assert (await town.see(case)).status is Status.SUBMITTED, "the leg follows its application, not the booking"
    with pytest.raises(ActionNotPossible, match="already_done"):
        await town.desk.act(case.id, "BOOK", {"slot_id": "S8"}, portal_id=PORTAL)


async def test_a_reminder_may_be_sent_again_once_the_one_before_has_ended(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    for _ in range(2):
        await town.desk.act(case.id, "REMIND", {}, portal_id=PORTAL)
        with pytest.raises(ActionNotPossible, match="already_asked"):
            await town.desk.act(case.id, "REMIND", {}, portal_id=PORTAL)
        await town.pass_time(2)
    assert town.office.acted[1:] == ["remind N1", "remind N1"]


async def test_what_was_added_to_the_form_is_sealed(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    await town.desk.act(case.id, "BOOK", {"slot_id": "S7", "name": "Minati Demo Behera"}, portal_id=PORTAL)
    assert "Minati" not in str([dict(row) for row in await town.store.read("select * from operation")])
    await town.pass_time(2)


async def test_what_the_state_does_not_allow_is_refused_with_a_reason(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.script = ["refuse"]
    case = await town.apply()
    for action in ("WITHDRAW", "BOOK", "REMIND"):
        with pytest.raises(ActionNotPossible):
            await town.desk.act(case.id, action, {"slot_id": "S7"}, portal_id=PORTAL)
    assert town.office.acted == []


async def test_a_case_offers_only_what_its_own_offer_has(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    agency = town.registry.agencies["office"]
    offers = agency.manifest.offers
    object.__setattr__(agency.manifest, "offers", {"permit": replace(offers["permit"], actions=("WITHDRAW", "REMIND"))})
    assert town.desk.actions(case) == ["WITHDRAW", "REMIND"]
    with pytest.raises(ActionNotPossible):
        await town.desk.act(case.id, "BOOK", {"slot_id": "S7"}, portal_id=PORTAL)
