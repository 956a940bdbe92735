"""S20. A call that an agency wants the citizen's consent for carries it or is not made; after a withdrawal none is.

Controls: without the gates the driver is called with no consent; a leave that is remembered for a minute is late.
"""

from datetime import timedelta

import pytest
from api_citizens import later, logged_in
from api_town import running_town

from aggregator.cases import deliver, enquire
from aggregator.cases.operation import operation_of
from aggregator.citizens.consents import Leave
from aggregator.citizens.pairwise import Pairwise, agency_sector
from aggregator.resilience import call as calls

ASHA = "9000000042"
WRITING = {"submit": "PASS_ON"}
ASKING = {"lookup": "ASK_AGENCIES"}


@pytest.fixture
async def town(sqlite_store, tmp_path):
    async with running_town(sqlite_store, keys=tmp_path / "keys", leave=WRITING) as running:
        await logged_in(running, ASHA)
        yield running


@pytest.fixture
async def asking(sqlite_store, tmp_path):
    async with running_town(sqlite_store, keys=tmp_path / "keys", leave=ASKING) as running:
        await logged_in(running, ASHA)
        yield running


async def allow(town, purpose, **more):
    until = (town.clock.now() + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"purpose": purpose, "agency": "office", "until": until, **more}
    got = await town.ask("POST", "/citizens/me/consents", portal=ASHA, json=body)
    assert got.status == 201, got.body
    return got.json["id"]


async def withdraw(town, consent_id):
    assert (await town.ask("DELETE", f"/citizens/me/consents/{consent_id}", portal=ASHA)).status == 204


async def lookup(town, portal=ASHA):
    body = {"form": {"consumer": "1234"}}
    got = await town.ask("POST", "/services/office.bill/enquiries", portal=portal, json=body, Prefer="wait=5")
    [line] = got.json["lines"]
    return line["result"], line.get("reason_code", "")


async def test_an_application_carries_the_consent_under_the_name_the_agency_knows(town):
    consent_id = await allow(town, "PASS_ON")
    case = await town.open(portal=ASHA)
    assert case.status == 201, case.body
    [artefact] = town.office.consents
    paper = town.parts.signer.receipt(artefact)
    assert (paper["jti"], paper["aud"], paper["purpose"]) == (consent_id, "office", "PASS_ON")
    [citizen] = await town.store.read("select id from citizen")
    assert paper["sub"] == Pairwise(bytes(32)).of(citizen["id"], agency_sector("office"))
    assert citizen["id"] not in str(paper)


async def test_without_it_the_portal_is_told_what_to_ask_for_and_no_case_is_opened(town):
    refused = await town.open(portal=ASHA)
    assert (refused.status, refused.json["code"], refused.json["agency"]) == (403, "consent-required", "office")
    assert "with the purpose PASS_ON and the agency office" in refused.json["what_you_should_do"]
    assert (await town.open("k-2")).json["code"] == "consent-required", "nor for nobody in particular"
    await allow(town, "ASK_AGENCIES")
    assert (await town.open("k-3", portal=ASHA)).status == 403, "another purpose is no leave"
    assert town.office.acted == []


async def waiting_case(town):
    """A case of a citizen who allowed it, at an agency that is away."""
    consent_id = await allow(town, "PASS_ON")
    town.office.down = True
    case = (await town.open(portal=ASHA)).json
    assert case["status"] == "HELD"
    return consent_id


async def test_a_withdrawal_while_the_agency_is_away_is_in_time(town):
    consent_id = await waiting_case(town)
    await withdraw(town, consent_id)
    await delivered(town)
    assert (await standing(town), town.office.acted) == (("HELD", "consent_missing"), [])
    await allow(town, "PASS_ON")
    await delivered(town)
    assert len(town.office.acted) == 1


async def standing(town):
    [row] = await town.store.read("select status, reason_code from cases")
    return row["status"], row["reason_code"]


async def delivered(town):
    """The agency is back, and what is due goes out."""
    town.office.down = False
    await later(town, 120)
    [row] = await town.store.read("select * from operation")
    town.delivery.start(operation_of(row))
    while town.delivery._running:
        await town.clock.sleep(0.01)


async def test_a_withdrawal_between_the_look_and_the_journal_is_in_time(town, monkeypatch):
    """The leave is there when it is looked for, and gone when the send is claimed."""
    consent_id = await waiting_case(town)
    looked = deliver.allowed

    async def and_then_withdrawn(*args):
        order = await looked(*args)
        await withdraw(town, consent_id)
        return order

    monkeypatch.setattr(deliver, "allowed", and_then_withdrawn)
    await delivered(town)
    assert (await standing(town), town.office.acted) == (("HELD", "consent_missing"), [])


async def test_the_control_a_leave_remembered_goes_out_after_the_withdrawal(town, monkeypatch):
    consent_id = await waiting_case(town)
    monkeypatch.setattr("aggregator.cases.attempt.STILL_HOLDS", "select 1 where $1 <> '' and $2 > 0")
    remembered = await town.parts.privacy.consents.leave_by_name(*await named(town))

    async def from_memory(_self, _name, _portal):
        return remembered

    monkeypatch.setattr("aggregator.citizens.consents.Consents.leave_by_name", from_memory)
    await withdraw(town, consent_id)
    await delivered(town)
    assert len(town.office.acted) == 1


async def named(town):
    [row] = await town.store.read("select citizen_id, portal_id from cases")
    return row["citizen_id"], row["portal_id"]


async def test_an_enquiry_carries_it_and_without_it_not_even_yesterdays_answer_is_shown(asking):
    assert await lookup(asking) == ("REFUSED", "consent_missing")
    consent_id = await allow(asking, "ASK_AGENCIES")
    assert await lookup(asking) == ("VALUE", "")
    assert asking.parts.signer.receipt(asking.office.consents[0])["jti"] == consent_id
    assert await lookup(asking, "one") == ("REFUSED", "consent_missing"), "nobody's leave is not somebody's"
    await withdraw(asking, consent_id)
    assert await lookup(asking) == ("REFUSED", "consent_missing")
    assert len(asking.office.consents) == 1


async def test_another_citizens_leave_and_another_portals_are_none(asking):
    await allow(asking, "ASK_AGENCIES")
    await logged_in(asking, "9000000043")
    assert await lookup(asking, "9000000043") == ("REFUSED", "consent_missing")
    await logged_in(asking, ASHA, portal="two", name="elsewhere")
    assert await lookup(asking, "elsewhere") == ("REFUSED", "consent_missing")


async def test_whoever_forgets_the_consent_further_up_still_calls_nobody(asking, monkeypatch):
    """The last gate, and the control without it."""
    agency = asking.parts.registry().agencies["office"]
    order = enquire.Order(reference="", service="permit", form={"consumer": "1234"})
    with pytest.raises(calls.ConsentMissing):
        await agency.guarded.read("lookup", order)
    monkeypatch.setitem(agency.guarded._functions, "lookup", agency.guarded.driver.lookup)
    assert (await agency.guarded.read("lookup", order)).value.values


async def test_a_consent_for_every_agency_will_do_and_one_for_this_one_goes_first(asking):
    general = await allow(asking, "ASK_AGENCIES")
    await asking.store.write(lambda run: run("update consent set agency = ''"))
    assert await lookup(asking) == ("VALUE", "")
    own = await allow(asking, "ASK_AGENCIES")
    [citizen] = await asking.store.read("select id from citizen")
    leave = await asking.parts.privacy.consents.leave_of(citizen["id"], asking.secrets["one"].portal_id)
    assert isinstance(leave, Leave)
    assert leave("office", "ASK_AGENCIES").id == own != general
