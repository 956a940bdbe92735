"""What a code, a Fault or a token failure of the police means, in both versions of SOAP."""

from dataclasses import replace
from typing import Any

import pytest
from police_office import FORM, NUMBER, Police, state

from adapters.police.cctns import Driver
from adapters.police.cctns.simulator_answers import SERVER_WORDS
from aggregator.sdk.adapter import operations_of
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Absent, Order, Receipt
from aggregator.sdk.testing.conformance import call

NEW = Order("REF-1", "employee_verification", FORM)
PAYMENT = Order(
    "PAY-1", "employee_verification", {"amount_paise": 10000, "paid_at": "2026-01-15T10:00:00+05:30"}, NUMBER
)
DECLARED = operations_of(Driver)
TRACK = "GetServiceRequestStatus"
SUBMITTED = {
    "ResultCode": "0",
    "ServiceRequestNo": "OP26EMV0000001",
    "ClientRefNo": "REF-1",
    "FeeAmount": "100.00",
    "ReceivedOn": "15/01/2026 10:00:00",
}


async def ended(police: Any, operation: str, order: Order) -> Any:
    """As the pipeline calls it: with the declared facts of the operation."""
    return (await call(police.driver, operation, DECLARED[operation], order)).got


@pytest.fixture(params=["1.1", "1.2"])
def either(request: pytest.FixtureRequest) -> Police:
    """A police of each version of SOAP."""
    return Police(request.param)


async def test_a_receipt_carries_number_fee_and_our_reference(either: Police) -> None:
    either.tells("SubmitServiceRequest", **SUBMITTED)
    got = await ended(either, "submit", NEW)
    assert isinstance(got, Receipt)
    assert (got.agency_reference, got.reference, got.facts) == ("OP26EMV0000001", "REF-1", {"fee_paise": "10000"})


def test_the_two_versions_name_their_action_each_in_its_own_place() -> None:
    assert DECLARED["submit"].volatile_fields == ("wsse:Security",)
    assert {one.resend for name, one in DECLARED.items() if one.volatile_fields} == {"same_payload"}


@pytest.mark.parametrize(
    ("soap", "label"),
    [
        ("1.1", "text/xml; charset=utf-8"),
        ("1.2", 'application/soap+xml; charset=utf-8; action="http://tempuri.org/GetServiceRequestStatus"'),
    ],
)
async def test_action_and_body_agree_in_both_versions(soap: str, label: str, case: Order) -> None:
    police = Police(soap)
    police.shows(TRACK, state())
    await police.driver.track(case)
    headers = police.wire.requests[-1].headers
    assert headers["content-type"] == label
    assert headers.get("soapaction") == ('"http://tempuri.org/GetServiceRequestStatus"' if soap == "1.1" else None)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("11", "service_closed"), ("12", "fields_invalid"), ("14", "fields_invalid"), ("16", "sensitive")],
)
async def test_a_listed_code_is_a_no_by_result_and_by_fault(either: Police, code: str, reason: str) -> None:
    either.tells("SubmitServiceRequest", ResultCode=code, ResultMessage="-")
    either.faults(f"CS-{code}")
    either.faults(f"CS-{code}", declared=False)
    either.faults(f"CS-{code}", version="1.1")
    for status in (500, 400):
        either.faults(f"CS-{code}", status=status)
    for _ in range(6):
        got = await ended(either, "submit", NEW)
        assert isinstance(got, Refused)
        assert (got.code, got.reason) == (code, reason)


async def test_a_missing_field_is_named_as_our_form_names_it(police: Any) -> None:
    police.tells("SubmitServiceRequest", ResultCode="12", ResultMessage="Mandatory field missing: FatherName")
    got = await ended(police, "submit", NEW)
    assert dict(got.fields) == {"father_name": "FatherName"}


@pytest.mark.parametrize("code", ["21", "77", "91", "23"])
async def test_a_fault_with_a_code_it_should_not_have_is_trouble(either: Police, case: Order, code: str) -> None:
    either.faults(f"CS-{code}")
    assert type(await ended(either, "submit", NEW)) is OutcomeUnknown
    either.faults(f"CS-{code}")
    assert type(await ended(either, "track", case)) is Unavailable


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_trouble_of_the_server_is_told_without_its_words(either: Police, case: Order, version: str) -> None:
    for operation, order, kind in (("submit", NEW, OutcomeUnknown), ("track", case, Unavailable)):
        either.faults("", version=version)
        got = await ended(either, operation, order)
        assert isinstance(got, kind)
        assert "--->" in SERVER_WORDS
        assert not set(str(got).split()) & {"--->", "SELECT", "System.Data.SqlClient.SqlException:"}


@pytest.mark.parametrize(
    ("code", "read", "write"), [("91", Unavailable, OutcomeUnknown), ("92", Unavailable, Unavailable)]
)
async def test_a_busy_database_is_a_doubt_and_a_maintenance_is_not(
    police: Any, case: Order, code: str, read: type, write: type
) -> None:
    police.shows(TRACK, {"ERROR_CD": code, "ERROR_DESC": "-"})
    assert type(await ended(police, "track", case)) is read
    police.tells("SubmitServiceRequest", ResultCode=code)
    assert type(await ended(police, "submit", NEW)) is write


async def test_an_operator_who_does_not_believe_in_92_gets_a_doubt(police: Any) -> None:
    police.tells("SubmitServiceRequest", ResultCode="92")
    declared = replace(DECLARED["submit"], shed_unsent_codes=frozenset())
    assert type((await call(police.driver, "submit", declared, NEW)).got) is OutcomeUnknown


async def test_a_wrong_mobile_and_no_such_request_look_alike_to_the_citizen(police: Any, case: Order) -> None:
    police.shows(TRACK, {"ERROR_CD": "21", "ERROR_DESC": "-"})
    assert await ended(police, "track", case) == Absent()
    police.shows(TRACK, {"ERROR_CD": "13", "ERROR_DESC": "-"})
    got = await ended(police, "track", case)
    assert (type(got), got.reason) == (Refused, "not_found")


@pytest.mark.parametrize("code", ["wsse:FailedAuthentication", "wsse:InvalidSecurity", "wsu:MessageExpired"])
async def test_a_read_is_repeated_once_with_a_fresh_header(either: Police, case: Order, code: str) -> None:
    either.faults(code)
    either.shows(TRACK, state())
    assert (await ended(either, "track", case)).agency_code == "05"
    assert either.wire.requests[0].content != either.wire.requests[1].content
    either.faults(code)
    either.faults(code)
    got = await ended(either, "track", case)
    assert (isinstance(got, Misconfigured), either.sent) == (True, 4)


@pytest.mark.parametrize("code", ["wsse:FailedAuthentication", "wsse:InvalidSecurity", "wsu:MessageExpired"])
async def test_a_write_whose_token_is_rejected_was_certainly_not_taken(either: Police, code: str) -> None:
    either.faults(code)
    got = await ended(either, "submit", NEW)
    assert (isinstance(got, Misconfigured), either.sent) == (True, 1)
    assert ("clock" in str(got)) is (code == "wsu:MessageExpired")


async def test_a_replayed_token_is_asked_again_by_a_read_and_never_by_a_write(either: Police, case: Order) -> None:
    either.faults("wsse:InvalidSecurityToken")
    got = await ended(either, "submit", NEW)
    assert (isinstance(got, OutcomeUnknown), either.sent) == (True, 1)
    either.faults("wsse:InvalidSecurityToken")
    either.shows(TRACK, state())
    assert (await ended(either, "track", case)).agency_code == "05"


async def test_a_challan_they_hold_on_our_request_is_ours_and_on_another_is_nobodys(police: Any) -> None:
    told = {"ResultCode": "23", "ResultMessage": "Challan already recorded"}
    police.tells("PayServiceFee", **told, ServiceRequestNo=NUMBER)
    got = await ended(police, "pay", PAYMENT)
    assert (type(got), got.reason, got.reference) == (Refused, "duplicate", NUMBER)
    police.tells("PayServiceFee", **told, ServiceRequestNo="OP99EMV0009999")
    assert type(await ended(police, "pay", PAYMENT)) is ContractBroken


async def test_a_challan_code_in_answer_to_something_else_is_no_answer(police: Any) -> None:
    police.tells("SubmitServiceRequest", ResultCode="23", ServiceRequestNo=NUMBER)
    assert type(await ended(police, "submit", NEW)) is ContractBroken


@pytest.mark.parametrize(
    "changed",
    [
        {"ClientRefNo": "REF-2"},
        {"ClientRefNo": ""},
        {"ServiceRequestNo": ""},
        {"ResultCode": "00"},
        {"FeeAmount": "free"},
        {"ReceivedOn": "yesterday"},
    ],
)
async def test_a_success_that_does_not_show_our_record_is_not_believed(police: Any, changed: dict[str, str]) -> None:
    police.tells("SubmitServiceRequest", **SUBMITTED | changed)
    assert type(await ended(police, "submit", NEW)) is ContractBroken


async def test_a_search_ends_when_a_page_brings_nothing_new(police: Any) -> None:
    page = [{**state(SRN=f"OP26EMV{place:07d}"), "CLIENT_REF": None} for place in range(20)]
    police.shows("SearchServiceRequest", *page)
    police.shows("SearchServiceRequest", *page)
    found = await ended(police, "find", replace(NEW, reference=""))
    assert (len(found), police.sent) == (20, 2)
    assert police.asked() == {"MobileNo": "9000000000", "PageNo": "2"}


async def test_a_search_by_our_reference_names_nothing_else_and_shows_nobody_elses(police: Any) -> None:
    police.shows("SearchServiceRequest", {**state(), "CLIENT_REF": "REF-1"})
    (found,) = await ended(police, "find", NEW)
    assert (found.agency_reference, found.reference) == (NUMBER, "REF-1")
    assert police.asked() == {"ClientRefNo": "REF-1", "PageNo": "1"}
    police.shows("SearchServiceRequest", {**state(), "CLIENT_REF": "REF-2"})
    assert type(await ended(police, "find", NEW)) is ContractBroken


async def test_a_certificate_keeps_its_name_and_loses_its_path(police: Any, case: Order) -> None:
    told = {"ResultCode": "0", "ServiceRequestNo": NUMBER, "ContentBase64": "JVBERi0x\nLjQK"}
    police.tells("GetCertificate", **told, FileName="C:\\inetpub\\..\\EMV 1.pdf")
    got = await ended(police, "document", case)
    assert (got.name, got.media_type, got.content) == ("EMV_1.pdf", "application/pdf", b"%PDF-1.4\n")
    police.tells("GetCertificate", **told, FileName="")
    assert (await ended(police, "document", case)).name == f"{NUMBER}.pdf"


async def test_a_certificate_that_is_not_ready_is_not_a_failure(police: Any, case: Order) -> None:
    police.tells("GetCertificate", ResultCode="31", ServiceRequestNo=NUMBER)
    assert await ended(police, "document", case) == Absent("31")


def test_a_certificate_may_be_eight_mebibytes() -> None:
    assert DECLARED["document"].cap_bytes == 8 * 1_048_576


async def test_a_certificate_of_almost_eight_mebibytes_is_read(police: Any, case: Order) -> None:
    content = "JVBERi0x" + "A" * (7 * 1_048_576)
    police.tells("GetCertificate", ResultCode="0", ServiceRequestNo=NUMBER, FileName="a.pdf", ContentBase64=content)
    got = await ended(police, "document", case)
    assert not isinstance(got, AgencyError)
    assert len(got.content) == 6 + 7 * 1_048_576 * 3 // 4
