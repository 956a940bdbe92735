"""How an agency's words reach the citizen: obeyed when they are known and possible, kept when they are not."""

import json
from typing import Any

from aggregator.sdk.adapter import Class
from aggregator.sdk.status import Status


async def poll(town: Any, times: int = 1) -> None:
    for _ in range(times):
        town.clock.advance(61)
        await town.tracking.poll_due()


async def test_a_case_follows_the_agencys_words_to_its_end_and_is_then_left_alone(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["RCVD", "DESK", "DOCS", "GRANTED", "DONE"]
    case = await town.apply()
    seen = []
    for _ in range(5):
        await poll(town)
        seen.append((await town.see(case)).status)
    assert seen == [
        Status.SUBMITTED, Status.IN_PROGRESS, Status.AWAITING_CITIZEN, Status.APPROVED, Status.COMPLETED,
    ]  # fmt: skip
    leg = (await town.see(case)).legs[0]
    assert (leg.source, leg.agency_code, leg.agency_text, leg.stale) == ("agency", "DONE", "as told", False)
    town.clock.advance(86_400)
    assert await town.tracking.poll_due() == 0


async def test_the_same_word_again_moves_the_time_of_the_check_and_tells_nobody(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    await poll(town)
    before = await town.types(case)
    first = (await town.see(case)).legs[0].checked_at
    await poll(town, 3)
    assert await town.types(case) == before
    after = (await town.see(case)).legs[0]
    assert after.checked_at is not None
    assert first is not None
    assert after.checked_at > first


async def test_an_unknown_word_from_the_agency_never_moves_the_case(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["DESK", "SENT TO LOKAYUKTA", "DESK"]
    case = await town.apply()
    await poll(town, 2)
    seen = await town.see(case)
    assert seen.status is Status.IN_PROGRESS
    assert (await town.types(case)).count("status.unmapped") == 1
    kept = await town.store.read("select agency_code from reading where status = 'UNKNOWN'")
    assert [row["agency_code"] for row in kept] == ["SENT TO LOKAYUKTA"]
    told = await town.store.read("select body from event where type = 'status.unmapped'")
    assert "LOKAYUKTA" not in told[0]["body"], "free words may name somebody: the log holds their hash"


async def test_a_status_that_goes_backwards_is_kept_shown_to_operators_and_not_obeyed(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["GRANTED", "DESK", "GRANTED"]
    case = await town.apply()
    await poll(town, 3)
    assert (await town.see(case)).status is Status.APPROVED
    assert "status.out-of-order" in await town.types(case)


async def test_an_agency_that_is_away_leaves_the_last_known_status_with_its_age(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["DESK"]
    case = await town.apply()
    await poll(town)
    town.office.down = True
    await poll(town, 3)
    town.clock.advance(86_400)
    seen = await town.see(case)
    assert (seen.status, seen.stale) == (Status.IN_PROGRESS, True)


async def test_what_the_agency_says_is_sealed_at_rest(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.apply("Minati Demo Behera")
    await poll(town)
    tables = ["cases", "leg", "operation", "attempt", "reading", "event", "idempotency"]
    everything = [dict(row) for table in tables for row in await town.store.read(f"select * from {table}")]  # noqa: S608
    text = json.dumps(everything, default=str)
    assert "Minati" not in text
    assert "as told" not in text


async def test_a_withdrawal_before_anything_was_sent_ends_the_case_and_nothing_reaches_the_agency(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.down = True
    case = await town.apply()
    seen = await town.desk.withdraw(case.id, portal_id="portal_1")
    assert (seen.status, seen.legs[0].effect) == (Status.WITHDRAWN, "none")
    town.office.down = False
    await town.pass_time(400)
    assert town.office.acted == []


async def test_a_withdrawal_in_doubt_is_remembered_and_asked_of_the_agency_once_it_is_known(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = ["act then silence"]
    case = await town.apply()
    seen = await town.desk.withdraw(case.id, portal_id="portal_1")
    assert seen.status is Status.UNCONFIRMED
    for _ in range(4):
        await town.pass_time(100)
    assert town.office.acted[1:] == ["cancel N1"]


async def test_a_withdrawal_of_what_never_arrived_ends_without_a_second_send(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    town.office.script = ["lost"]
    case = await town.apply()
    await town.desk.withdraw(case.id, portal_id="portal_1")
    for _ in range(3):
        await town.pass_time(400)
    assert (await town.see(case)).status is Status.WITHDRAWN
    assert town.office.arrivals == 2


async def test_an_adverse_word_moves_the_status_and_is_told_to_nobody(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["ADVERSE"]
    case = await town.apply()
    await poll(town)
    leg = (await town.see(case)).legs[0]
    assert (leg.status, leg.agency_code, leg.agency_text, leg.detail) == (Status.IN_PROGRESS, "", "", "")
    tables = ["leg", "reading", "event"]
    everything = [dict(row) for table in tables for row in await town.store.read(f"select * from {table}")]  # noqa: S608
    assert "ADVERSE" not in str(everything)


async def test_the_polices_part_of_a_passport_is_a_second_leg_of_the_same_case(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["RCVD", "PV", "PV OK", "GRANTED", "DONE"]
    case = await town.apply()
    seen = []
    for _ in range(5):
        await poll(town)
        seen.append([(leg.status, leg.detail, leg.source) for leg in (await town.see(case)).legs[1:]])
    watched = (Status.IN_PROGRESS, "POLICE", "watched")
    done = (Status.COMPLETED, "POLICE_DONE", "watched")
    assert seen == [[], [watched], [done], [done], [done]]
    assert (await town.see(case)).status is Status.COMPLETED
    assert [leg.agency for leg in (await town.see(case)).legs] == ["office", "office"]


async def test_a_watched_leg_ends_when_the_agency_goes_on_without_a_word(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["PV", "GRANTED"]
    case = await town.apply()
    await poll(town, 2)
    legs = (await town.see(case)).legs
    assert [(leg.status, leg.text_key) for leg in legs[1:]] == [(Status.COMPLETED, "state.watched_done")]


async def test_a_case_with_a_watched_leg_is_withdrawn_at_the_leg_we_opened(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.office.words["N1"] = ["PV"]
    case = await town.apply()
    await poll(town)
    await town.desk.withdraw(case.id, portal_id="portal_1")
    await town.pass_time(2)
    assert town.office.acted[1:] == ["cancel N1"]
