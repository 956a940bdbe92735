"""States become the city's words by published rules and the deployment's own workflow; what nobody knows is UNKNOWN."""

import httpx
import pytest
import respx

from adapters.municipal.digit import Driver
from adapters.municipal.digit.vocabulary import APPLICATIONS, PGR_STATES, meaning_of
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import ManualClock
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.reading import Word
from aggregator.sdk.status import OURS, Status
from aggregator.sdk.testing.wires import RespxWire

URL = "https://city.example"
NUMBER = "OD-PGR-2026-01-15-000123"
PUBLISHED = {
    "INITIATED": Status.SUBMITTED,
    "OPEN": Status.SUBMITTED,
    "SEND_TO_CITIZEN": Status.SUBMITTED,
    "INPROGRESS": Status.SUBMITTED,
    "APPLIED": Status.ACKNOWLEDGED,
    "CITIZENACTIONREQUIRED": Status.AWAITING_CITIZEN,
    "CITIZENACTIONREQUIRED-DV": Status.AWAITING_CITIZEN,
    "PENDING_FOR_CITIZEN_ACTION": Status.AWAITING_CITIZEN,
    "CORRECTIONPENDING": Status.AWAITING_CITIZEN,
    "CITIZEN_APPROVAL_PENDING": Status.AWAITING_CITIZEN,
    "CITIZEN_APPROVAL_INPROCESS": Status.AWAITING_CITIZEN,
    "BACK_FROM_DOC_VERIFICATION": Status.AWAITING_CITIZEN,
    "PENDINGPAYMENT": Status.AWAITING_PAYMENT,
    "PENDING_FOR_PAYMENT": Status.AWAITING_PAYMENT,
    "PENDING_APPL_FEE_PAYMENT": Status.AWAITING_PAYMENT,
    "PENDING_SANC_FEE_PAYMENT": Status.AWAITING_PAYMENT,
    "PAID": Status.IN_PROGRESS,
    "DOCVERIFIED": Status.IN_PROGRESS,
    "FIELDVERIFIED": Status.IN_PROGRESS,
    "DOCUMENTVERIFY": Status.IN_PROGRESS,
    "FIELDINSPECTION": Status.IN_PROGRESS,
    "DOC_VERIFICATION_PENDING": Status.IN_PROGRESS,
    "NOC_VERIFICATION_PENDING": Status.IN_PROGRESS,
    "FIELDINSPECTION_PENDING": Status.IN_PROGRESS,
    "PENDING_FOR_DOCUMENT_VERIFICATION": Status.IN_PROGRESS,
    "PENDING_FOR_FIELD_INSPECTION": Status.IN_PROGRESS,
    "PENDINGAPPROVAL": Status.IN_PROGRESS,
    "PENDING_FOR_APPROVAL": Status.IN_PROGRESS,
    "PENDING_APPROVAL_FOR_CONNECTION": Status.IN_PROGRESS,
    "PENDING_APPROVAL_FOR_DISCONNECTION": Status.IN_PROGRESS,
    "PENDING_FOR_COUNTER_EMPLOYEE_ACTION": Status.IN_PROGRESS,
    "PENDING_FOR_CONNECTION_ACTIVATION": Status.IN_PROGRESS,
    "PENDING_FOR_DISCONNECTION_EXECUTION": Status.IN_PROGRESS,
    "CONNECTION_ACTIVATED": Status.COMPLETED,
    "DISCONNECTION_EXECUTED": Status.COMPLETED,
    "REJECTED": Status.REJECTED,
    "REVOCATED": Status.REJECTED,
    "PERMIT REVOCATION": Status.REJECTED,
    "CANCELLED": Status.WITHDRAWN,
    "EXPIRED": (Status.COMPLETED, "EXPIRED"),
    "MANUALEXPIRED": (Status.COMPLETED, "EXPIRED"),
    "APPROVED": Status.COMPLETED,
    "DESK_REVIEW": None,
}


@pytest.fixture
def router():
    return respx.Router(assert_all_called=False)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def driver(router, clock):
    return Driver(RespxWire(router), Settings(URL, {"tenant": "od.bhubaneswar"}, {"token": "T-0"}), clock)


def on(router, path, *answers):
    return router.post(url__startswith=URL + path).mock(side_effect=list(answers))


def business(**states):
    rows = [{"state": state, "applicationStatus": word} for word, state in states.items()]
    return httpx.Response(
        200, json={"BusinessServices": [{"states": [{"state": None, "applicationStatus": None}, *rows]}]}
    )


def plan(status, **more):
    row = {"applicationNo": "BP-1", "status": status, "businessService": "BPA", **more}
    return httpx.Response(200, json={"BPA": [row]})


ASKED = Order("", "building_plan_status", {"number": "bp-1"})
BPA, WORKFLOW = "/bpa-services", "/egov-workflow-v2/egov-wf/businessservice/_search"
COMPLAINTS = "/pgr-services/v2/request/_search"


@pytest.mark.parametrize(("state", "meaning"), PUBLISHED.items())
def test_every_published_state_has_its_meaning(state, meaning: Word | None):
    assert meaning_of(state, grants=False) == meaning


def test_an_approval_is_only_the_end_where_no_paper_follows():
    assert {offer: meaning_of("APPROVED", grants=module.grants) for offer, module in APPLICATIONS.items()} == {
        "trade_licence_status": (Status.APPROVED, "GRANTED"),
        "building_plan_status": (Status.APPROVED, "GRANTED"),
        "water_connection_status": Status.COMPLETED,
    }


def test_no_word_of_the_platform_means_a_status_of_ours():
    words = [*PGR_STATES.values(), *filter(None, PUBLISHED.values())]
    assert not {word[0] if isinstance(word, tuple) else word for word in words} & OURS


async def test_a_word_of_this_deployment_is_read_by_its_state(router, driver):
    on(router, BPA, plan("DESK_REVIEW"))
    on(router, WORKFLOW, business(DESK_REVIEW="NOC_VERIFICATION_PENDING"))
    got = await driver.track(ASKED)
    assert (got.status, got.agency_code) == (Status.IN_PROGRESS, "DESK_REVIEW")


async def test_the_state_of_the_workflow_is_believed_before_the_application_status(router, driver):
    on(router, BPA, plan("INPROGRESS", processInstance={"state": {"state": "APPROVED"}}))
    on(router, WORKFLOW, business(APPROVED="APPROVED"))
    assert (await driver.track(ASKED)).status is Status.APPROVED


async def test_the_vocabulary_is_asked_once_a_day(router, clock, driver):
    on(router, BPA, *[plan("PENDINGAPPROVAL")] * 3)
    workflow = on(router, WORKFLOW, *[business(PENDINGAPPROVAL="PENDINGAPPROVAL")] * 2)
    for wait_s in (0, 80_000, 10_000):
        clock.advance(wait_s)
        await driver.track(ASKED)
    assert workflow.call_count == 2


async def test_an_unlisted_word_refreshes_the_vocabulary_once_and_is_then_unknown(router, clock, driver):
    on(router, BPA, plan("PENDINGAPPROVAL"), plan("PENDINGATMARS"), plan("PENDINGATMARS"))
    workflow = on(router, WORKFLOW, *[business(PENDINGAPPROVAL="PENDINGAPPROVAL")] * 2)
    await driver.track(ASKED)
    clock.advance(3600)
    for _ in range(2):
        got = await driver.track(ASKED)
        assert (got.status, got.agency_code) == (Status.UNKNOWN, "PENDINGATMARS")
    assert workflow.call_count == 2


async def test_a_workflow_service_that_is_away_leaves_the_published_table(router, driver):
    on(router, BPA, plan("PENDINGAPPROVAL"), plan("REVOCATED"))
    workflow = on(router, WORKFLOW, httpx.Response(503), httpx.Response(503))
    assert (await driver.track(ASKED)).status is Status.IN_PROGRESS
    assert (await driver.track(ASKED)).status is Status.REJECTED
    assert workflow.call_count == 1


async def test_published_and_live_names_of_the_vocabulary_read_alike(router, driver):
    on(router, BPA, plan("DESK_REVIEW"))
    body = {"BusinessService": {"states": [{"state": "PENDINGAPPROVAL", "applicationStatus": "DESK_REVIEW"}]}}
    on(router, WORKFLOW, httpx.Response(200, json=body))
    assert (await driver.track(ASKED)).status is Status.IN_PROGRESS


async def test_a_queued_complaint_is_with_the_agency_and_after_ten_minutes_it_is_missing(router, clock, driver):
    on(router, COMPLAINTS, *[httpx.Response(200, json={"ServiceWrappers": []})] * 3)
    ours = Order("CASE-1", "street_light", {"mobile": "9000000000"}, NUMBER)
    got = await driver.track(ours)
    assert (got.status, got.detail) == (Status.SUBMITTED, "QUEUED")
    clock.advance(601)
    assert await driver.track(ours) == Absent("confirmed_but_missing")
    assert await driver.track(Order("", "complaint_status", {"number": "OD-PGR-1"})) == Absent("not found")
