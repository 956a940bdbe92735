"""Reports at the simulated city, over real sockets, in both formats."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from adapters.municipal.open311 import Driver
from aggregator.sdk.adapter import operations_of
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, Refused
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.status import Status
from aggregator.sdk.testing.conformance import FOUND_AFTER, HANGING, call

FORM = {"text": "Out since Monday", "address": "Demo Colony gate", "mobile": "9000000000"}


@pytest.fixture(autouse=True)
def _as_declared():
    CURRENT.set(operations_of(Driver)["submit"])


def report(reference="REF-1", service="street_light", **form):
    return Order(reference, service, FORM | form, at=SystemClock().now())


def about(number, reference="", service="street_light", **form):
    return Order(reference, service, form, agency_reference=number, at=SystemClock().now())


async def test_a_report_is_open_then_somebodys_then_closed(sandbox, fmt):
    driver = sandbox.driver(format=fmt)
    number = (await driver.submit(report())).agency_reference
    seen = []
    for hours in (0, 2, 25):
        await sandbox.control.advance_clock(hours * 3600)
        seen.append((await driver.track(about(number, "REF-1"))).status)
    assert seen == [Status.SUBMITTED, Status.IN_PROGRESS, Status.RESOLVED_BY_AGENCY]


async def test_the_same_report_twice_is_refused_where_the_city_knows_twins(sandbox, fmt):
    driver = sandbox.driver(format=fmt)
    await driver.submit(report())
    with pytest.raises(Refused) as caught:
        await driver.submit(report())
    assert caught.value.reason == "duplicate"
    assert [row["acted"] for row in await sandbox.control.ledger(operation="submit")] == [1, 0]


async def test_a_neighbours_equal_report_is_no_twin_of_ours(sandbox):
    driver = sandbox.driver()
    numbers = {(await driver.submit(report(f"REF-{n}"))).agency_reference for n in range(3)}
    assert len(numbers) == 3
    found = await driver.find(report("REF-1"))
    assert [one.reference for one in found] == ["REF-1"]


async def test_where_the_city_knows_no_twins_a_repeat_is_a_second_report_and_the_look_shows_both(sandbox, fmt):
    driver = sandbox.driver(format=fmt)
    order = report(service="road", surface="ASPHALT")
    for _ in range(2):
        await driver.submit(order)
    assert len(await driver.find(order)) == 2
    assert len(await sandbox.control.duplicates()) == 1


async def test_a_token_becomes_a_number_after_the_batch(sandbox, fmt):
    driver = sandbox.driver(format=fmt)
    order = report(service="garbage")
    token = (await driver.submit(order)).agency_reference
    assert token.startswith("token:")
    assert (await driver.track(about(token, "REF-1"))).detail == "TOKEN"
    assert await driver.find(order) == []
    await sandbox.control.advance_clock(61)
    assert (await driver.track(about(token, "REF-1"))).agency_code == "open"
    assert len(await driver.find(order)) == 1


async def test_a_token_that_never_becomes_a_number_stays_submitted(sandbox):
    driver = sandbox.driver()
    token = (await driver.submit(report(service="garbage", mobile="9000000107"))).agency_reference
    await sandbox.control.advance_clock(30 * 86_400)
    assert (await driver.track(about(token, "REF-1"))).detail == "TOKEN"
    assert isinstance(await driver.track(about("token:TK999999")), Absent)


async def test_a_suggestion_to_a_blackbox_is_never_seen_again(sandbox):
    driver = sandbox.driver()
    order = report(service="suggestion")
    receipt = await driver.submit_blackbox(order)
    assert receipt.agency_reference == "REF-1"
    assert await driver.find(order) == []


async def test_questions_of_a_service_and_what_they_are_for(sandbox, fmt):
    driver = sandbox.driver(format=fmt)
    asked = {one.values["code"]: one.values for one in await driver.form(about("", service="road"))}
    assert {one["datatype"] for one in asked.values()} == {
        "string",
        "number",
        "datetime",
        "text",
        "singlevaluelist",
        "multivaluelist",
    }
    assert asked["NOTE"]["variable"] == "false"
    assert asked["SURFACE"]["values"].splitlines()[0] == "ASPHALT=Asphalt"
    codes = [one.values["code"] for one in await driver.list_services(about(""))]
    assert codes == ["001", "002", "003", "004", "005"]


async def test_an_answer_the_city_needs_is_asked_back_by_our_field(sandbox):
    driver = sandbox.driver()
    with pytest.raises(Refused) as caught:
        await driver.submit(report(service="public_toilet"))
    assert set(caught.value.fields) == {"photo_url"}
    await driver.submit(report(service="public_toilet", photo_url="https://photos.example/1.jpg"))


async def test_a_service_that_is_not_of_the_kind_configured_is_found_before_any_report(sandbox):
    with pytest.raises(Misconfigured, match="type_garbage"):
        await sandbox.driver(type_garbage="realtime").list_services(about(""))


async def test_a_city_among_several_must_be_named(shared):
    assert (await shared.driver(jurisdiction_id="cuttack.sim").submit(report())).agency_reference
    for wrong in ("", "puri.sim"):
        with pytest.raises(Misconfigured):
            await shared.driver(jurisdiction_id=wrong).submit(report("REF-2"))
    assert len(await shared.control.ledger()) == 1


async def test_a_wrong_key_is_the_operators_matter(sandbox):
    with pytest.raises(Misconfigured):
        await sandbox.driver(key="another").submit(report())


async def test_comments_are_found_by_our_reference_and_stand_in_the_history(sandbox, fmt):
    driver = sandbox.driver(format=fmt)
    number = (await driver.submit(report())).agency_reference
    comment = about(number, "REF-2", comment="Still out")
    update = (await driver.reply(comment)).agency_reference
    assert [one.agency_reference for one in await driver.find(comment)] == [update]
    assert [step.remark for step in await driver.history(about(number))] == ["Still out [REF-2]"]


async def test_changes_are_listed_by_time(sandbox):
    driver = sandbox.driver()
    number = (await driver.submit(report())).agency_reference
    now = datetime.now(UTC)
    wish = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
    listed = await driver.changes(about("", **wish))
    assert [(one.agency_reference, one.reference, one.service) for one in listed] == [(number, "REF-1", "street_light")]
    wish["to"] = (now - timedelta(minutes=30)).isoformat()
    assert await driver.changes(about("", **wish)) == []


async def test_a_forced_word_is_read_as_the_citys_own(sandbox):
    driver = sandbox.driver()
    number = (await driver.submit(report())).agency_reference
    await sandbox.control.advance(number, "NOT_COUNCILS_RESPONSIBILITY")
    got = await driver.track(about(number, "REF-1"))
    assert (got.status, got.agency_code) == (Status.TRANSFERRED, "NOT_COUNCILS_RESPONSIBILITY")


JSON_FAULTS = ["000", "101", "102", "103", "105", "200", "203", "204", "205", "208", "210", "211", "302", "400", "403"]
JSON_FAULTS += ["404", "429", "500", "501", "502", "503", "504", "506", "600", "601", "602", "603", "608", "611", "700"]
JSON_FAULTS += ["702", "703", "704", "705", "706"]
WRITES = {
    "value": ["000", "700", "702", "704", "705", "706"],
    "refused": ["101", "102", "105"],
    "broken": ["103", "200", "203", "204", "205", "208", "211", "400", "404", "611", "703"],
    "misconfigured": ["403"],
}


async def test_the_fault_menu_means_the_same_in_json(sandbox):
    """The shared suite plays it in XML, for every operation; here what is different bytes."""
    driver, declared = sandbox.driver(format="json"), operations_of(Driver)["submit"]
    expected = {fault: word for word, faults in WRITES.items() for fault in faults}
    assert not HANGING & set(JSON_FAULTS)
    wrong = {}
    for fault in JSON_FAULTS:
        order = report(f"J-{fault}", "street_light", mobile=f"9000000{fault}", text=f"Fault {fault}")
        ended = await call(driver, "submit", declared, order)
        if ended.word(read=False) != expected.get(fault, "unknown"):
            wrong[fault] = (ended.word(read=False), str(ended.got))
        if fault in FOUND_AFTER:
            assert len(await driver.find(order)) == 1, fault
    assert wrong == {}


async def test_the_control_a_client_that_repeats_on_hope_is_caught_by_the_ledger(sandbox):
    driver = sandbox.driver()
    order = report(service="road", surface="ASPHALT", mobile="9000000601")
    for _ in range(2):
        with contextlib.suppress(AgencyError):
            await driver.submit(order)
    assert [one["times"] for one in await sandbox.control.duplicates()] == [2]


async def test_a_broken_search_shows_nothing_and_the_strangers_record_is_refused(sandbox):
    driver = sandbox.driver()
    order = report(service="road", surface="ASPHALT", mobile="9000000809")
    with contextlib.suppress(AgencyError):
        await driver.submit(order)
    assert await driver.find(order) == []
    await sandbox.control.advance_clock(601)
    assert len(await driver.find(order)) == 1
    with pytest.raises(ContractBroken):
        await driver.track(about("SIM-811", "REF-1"))


async def test_the_city_holds_many_reports_at_once(sandbox):
    driver = sandbox.driver()
    orders = [report(f"REF-{n}", "road", surface="ASPHALT") for n in range(40)]
    numbers = await asyncio.gather(*map(driver.submit, orders))
    assert len({one.agency_reference for one in numbers}) == 40
    assert len(await driver.find(orders[17])) == 1
