"""What a restored database has forgotten comes back: by an agency's list, by the receipt, by who repeats himself."""

from typing import Any

import pytest
from test_cases_quarantine import examined, mark_of, settled

from aggregator.cases.items import Decision
from aggregator.cases.rebuild import NotAccepted, Presented
from aggregator.cases.record import CaseRecord
from aggregator.sdk.adapter import Class
from aggregator.sdk.auth import Signer
from aggregator.sdk.status import Status
from aggregator.store import Run


async def gone(run: Run, case: CaseRecord) -> None:
    await run("delete from operation where case_id = $1", case.id)
    await run("delete from leg where case_id = $1", case.id)
    await run("delete from cases where id = $1", case.id)


async def restored(town: Any, *lost: CaseRecord) -> None:
    """The database as before these cases were opened, with its quarantine settled; the agency remembers all of it."""
    ahead = await mark_of(town.store)

    async def forget(run: Run) -> None:
        for case in lost:
            await run(
                "delete from attempt where operation_id in (select id from operation where case_id = $1)", case.id
            )
            await run("delete from look where operation_id in (select id from operation where case_id = $1)", case.id)
            await run("delete from event where case_id = $1", case.id)
            await run("delete from idempotency where case_id = $1", case.id)
            await gone(run, case)

        await run("update event_counter set last = (select coalesce(max(seq), 0) from event) where name = 'event'")
        await run("update event_counter set last = last - $1 where name = 'send'", len(lost))

    await town.store.write(forget)
    await settled(town, await examined(town, ahead), rounds=2)


async def forgotten_town(town_of: Any, cls: Class = Class.QUERYABLE) -> tuple[Any, CaseRecord, str]:
    """A town that has forgotten one of its two cases; that case, and its receipt."""
    town = await town_of(cls, lists=True)
    await town.apply("The control record")
    town.clock.advance(60)
    lost = await town.apply("A forgotten citizen")
    receipt = await town.desk.receipt(lost.id, portal_id="portal_1")
    await restored(town, lost)
    return town, lost, receipt


def brought(token: str, portal: str = "portal_1", citizen: str = "", **form: str) -> Presented:
    return Presented(token, portal, citizen, form)


async def test_a_restored_city_that_does_not_look_files_a_repeated_wish_twice(town_of: Any) -> None:
    """The control: an office that can be asked by reference alone."""
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    town.clock.advance(60)
    lost = await town.apply("A forgotten citizen")
    await restored(town, lost)
    await town.apply("A forgotten citizen")
    assert len(town.office.acted) == 3


@pytest.mark.parametrize("cls", list(Class)[1:])
async def test_a_citizen_who_repeats_himself_after_a_restore_is_found_and_not_filed_twice(
    town_of: Any, cls: Class
) -> None:
    town, _, _ = await forgotten_town(town_of, cls)
    again = await town.apply("A forgotten citizen")
    await town.pass_time(1)
    found = await town.see(again)
    if cls is Class.OPAQUE:
        assert (found.status, found.legs[0].text_key) == (Status.UNCONFIRMED, "state.needs_human_doubt")
    else:
        assert (found.status, found.legs[0].agency_reference) == (Status.SUBMITTED, "N2")
    other = await town.apply("Somebody else")
    assert (await town.see(other)).status is Status.SUBMITTED
    assert len(town.office.acted) == 3, "the two of before, and somebody else's"


async def test_who_repeats_himself_twice_has_two_cases_and_the_second_is_sent(town_of: Any) -> None:
    town, _, _ = await forgotten_town(town_of)
    await town.apply("A forgotten citizen")
    second = await town.apply("A forgotten citizen")
    assert (await town.see(second)).legs[0].agency_reference == "N3"


async def test_while_the_office_cannot_be_asked_a_first_send_waits_and_a_week_later_nobody_looks(town_of: Any) -> None:
    town, _, _ = await forgotten_town(town_of)
    town.office.unlisted = True
    case = await town.apply("A forgotten citizen")
    assert (case.status, case.legs[0].reason_code) == (Status.HELD, "quarantine")
    town.office.unlisted = False
    await town.pass_time(400)
    assert (await town.see(case)).legs[0].agency_reference == "N2"
    town.office.unlisted = True
    town.clock.advance(7 * 86_400)
    assert (await town.apply("Of next week")).status is Status.SUBMITTED


async def test_what_the_office_lists_and_nobody_remembers_is_before_people_once(town_of: Any) -> None:
    town, lost, _ = await forgotten_town(town_of)
    await town.adoption.look()
    town.clock.advance(3600)
    await town.adoption.look()
    (item,) = await town.worklist.items()
    assert (item.kind, item.agency, item.reason_code) == ("forgotten", "office", "forgotten")
    shown = await town.worklist.show(item.id)
    assert [one.agency_reference for one in shown.dossier.evidence] == ["N2"]
    assert lost.legs[0].agency_reference == "N2"
    rows = await town.store.read("select outcome, records, forgotten, next_ms from agency_listed")
    assert [tuple(row) for row in rows] == [("listed", 2, 1, None)]
    decision = Decision(action="DISMISS", by="A. Officer", note="the citizen was called: settled at the counter")
    await town.worklist.decide(item.id, decision, town.key("d1"))
    assert await town.worklist.items() == []


async def test_a_list_that_failed_is_asked_for_again(town_of: Any) -> None:
    town, _, _ = await forgotten_town(town_of)
    town.office.unlisted = True
    await town.adoption.look()
    assert await town.worklist.items() == []
    town.office.unlisted = False
    town.clock.advance(61)
    await town.adoption.look()
    assert len(await town.worklist.items()) == 1


@pytest.mark.parametrize("cls", list(Class)[1:])
async def test_a_case_is_rebuilt_from_its_receipt_once_and_nothing_is_sent(town_of: Any, cls: Class) -> None:
    town, lost, receipt = await forgotten_town(town_of, cls)
    await town.adoption.look()
    record, made = await town.receipts.present(brought(receipt))
    assert made
    assert (record.id, record.number, record.legs[0].agency_reference) == (lost.id, lost.number, "N2")
    assert record.status is Status.SUBMITTED, "our signed word that the office has confirmed it"
    assert await town.worklist.items() == [], "somebody has come for it"
    assert await sends_unknown(town, record)
    again, made = await town.receipts.present(brought(receipt))
    assert (again.id, made) == (lost.id, False)
    await town.pass_time(3600)
    assert len(town.office.acted) == 2
    types = await town.types(record)
    assert types[0] == "case.rebuilt"


@pytest.mark.parametrize(("cls", "sent"), [(c, s) for c in list(Class)[1:] for s in (True, False)])
async def test_a_receipt_from_before_the_answer_is_looked_into_and_never_sent_on(
    town_of: Any, cls: Class, sent: bool
) -> None:
    town = await town_of(cls, lists=True)
    await town.apply("The control record")
    town.clock.advance(60)
    town.office.script = ["act then silence" if sent else "lost"]
    lost = await town.apply("A forgotten citizen")
    receipt = await town.desk.receipt(lost.id, portal_id="portal_1")
    await restored(town, lost)
    record, _ = await town.receipts.present(brought(receipt))
    assert record.status is Status.UNCONFIRMED
    for _ in range(14):
        await town.pass_time(400)
    found = await town.see(record)
    if sent and cls is not Class.OPAQUE:
        assert (found.status, found.legs[0].agency_reference) == (Status.SUBMITTED, "N2")
    else:
        assert found.legs[0].text_key.startswith("state.needs_human")
    assert len(town.office.acted) == 1 + sent


async def test_a_repeated_wish_and_its_receipt_are_one_case(town_of: Any) -> None:
    town, _, receipt = await forgotten_town(town_of)
    again = await town.apply("A forgotten citizen")
    assert await sends_unknown(town, again)
    record, made = await town.receipts.present(brought(receipt))
    assert (record.id, made) == (again.id, False)


@pytest.mark.parametrize(
    ("portal", "citizen", "claims", "reason"),
    [
        ("portal_1", "", {"changed": 1}, "receipt_not_ours"),
        ("portal_1", "", {"references": []}, "receipt_not_of_a_case"),
        ("portal_2", "", {}, "receipt_of_another"),
        ("portal_1", "ctz_other", {}, "receipt_of_another"),
        ("portal_1", "", {"service": "office.gone"}, "receipt_service_gone"),
    ],
)
async def test_only_our_own_receipt_in_the_right_hands_gives_a_case(
    town_of: Any, portal: str, citizen: str, claims: dict[str, Any], reason: str
) -> None:
    town, _, receipt = await forgotten_town(town_of)
    signer = Signer.generate() if "changed" in claims else town.signer
    token = signer.sign(town.signer.receipt(receipt) | claims)
    with pytest.raises(NotAccepted) as no:
        await town.receipts.present(brought(token, portal, citizen))
    assert no.value.reason == reason


async def test_where_nothing_was_lost_nothing_is_put_back(town_of: Any) -> None:
    """A case that an erasure took away does not return by its receipt."""
    town = await town_of(Class.QUERYABLE, lists=True)
    case = await town.apply()
    receipt = await town.desk.receipt(case.id, portal_id="portal_1")
    known, made = await town.receipts.present(brought(receipt))
    assert (known.id, made) == (case.id, False)

    await town.store.write(lambda run: gone(run, case))
    with pytest.raises(NotAccepted) as no:
        await town.receipts.present(brought(receipt))
    assert no.value.reason == "receipt_not_forgotten"


async def test_money_on_a_receipt_goes_to_people_and_makes_no_case(town_of: Any) -> None:
    town, lost, receipt = await forgotten_town(town_of)
    paid = town.signer.sign(town.signer.receipt(receipt) | {"kind": "PAYMENT"})
    for _ in range(2):
        with pytest.raises(NotAccepted) as no:
            await town.receipts.present(brought(paid))
        assert no.value.reason == "receipt_of_payment"
    (item,) = await town.worklist.items()
    assert item.reason_code == "forgotten_more"
    assert await town.desk.case(lost.id, portal_id="portal_1") is None


async def test_what_else_was_asked_for_is_listed_beside_the_rebuilt_case(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE, lists=True)
    town.clock.advance(60)
    lost = await town.apply("A forgotten citizen")
    town.clock.advance(1)
    await town.desk.act(lost.id, "REMIND", {}, portal_id="portal_1")
    receipt = await town.desk.receipt(lost.id, portal_id="portal_1")
    await restored(town, lost)
    await town.receipts.present(brought(receipt))
    (item,) = await town.worklist.items()
    assert (item.case_id, item.reason_code) == (lost.id, "forgotten_more")


async def sends_unknown(town: Any, case: Any) -> bool:
    rows = await town.store.read("select sends_unknown from operation where case_id = $1", case.id)
    return [row["sends_unknown"] for row in rows] == [1]
