"""What the citizen filled in, as the police want it: one document as text, the same for the same order."""

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree
from police_office import FORM, NUMBER

from adapters.police.cctns.applicant import applicant_xml, fields_named
from adapters.police.cctns.requests import challan
from adapters.police.cctns.simulator_rules import application
from adapters.police.cctns.words import SERVICE_CODES
from aggregator.sdk.model import Order

PUBLISHED = (
    '<ServiceRequest service="EMV"><ApplicantName>Test Citizen 0000</ApplicantName><FatherName>Test Parent</FatherName>'
    "<Gender>F</Gender><DOB>01/01/1990</DOB><Mobile>9000000000</Mobile><Address><Line1>Plot 0, Demo Colony</Line1>"
    "<PoliceStationCode>9901</PoliceStationCode><DistrictCode>99</DistrictCode><Pin>751001</Pin></Address>"
    "<IdType>VOTER</IdType><IdLast4>4566</IdLast4><Subject><Name>Test Worker 0000</Name><DOB>01/01/1995</DOB>"
    "<Mobile>9000000000</Mobile></Subject></ServiceRequest>"
)
COMMON = {key: value for key, value in FORM.items() if not key.startswith("person_")}
WHEN = {"from": "2026-02-01T04:30:00Z", "to": "2026-02-01T10:00:00+05:30", "expected_persons": 50, "organiser": "Demo"}
SPECIAL: dict[str, dict[str, Any]] = {
    "employee_verification": {"person_name": "Test Worker"},
    "tenant_verification": {"person_name": "Test Tenant", "premises": "Plot 1"},
    "domestic_help_verification": {"person_name": "Test Worker"},
    "character_certificate": {"purpose": "A job"},
    "complaint": {"incident_at": "2026-01-10T12:00:00Z", "incident_place": "Market", "text": "A & B < C\nshouted"},
    "fir_copy": {"fir_no": "12", "fir_year": "2025", "fir_police_station": "9802"},
    "missing_person": {},
    "lost_property": {"article": "Phone", "lost_at": "2026-01-10T17:30:00+05:30", "lost_place": "Bus"},
    "procession": {**WHEN, "route": "Main road"},
    "protest": {**WHEN, "venue": "Square"},
    "event": {**WHEN, "venue": "Hall"},
}


def written(service: str, **form: Any) -> str:
    return applicant_xml(Order("REF-1", service, {**COMMON, **form}))


def test_the_published_document_is_written_byte_for_byte() -> None:
    assert applicant_xml(Order("REF-1", "employee_verification", FORM)) == PUBLISHED


def test_every_service_has_a_form_here() -> None:
    assert set(SPECIAL) == set(SERVICE_CODES)


@pytest.mark.parametrize("service", sorted(set(SPECIAL) - {"protest"}))
def test_what_we_write_the_police_take(service: str) -> None:
    got = application(SERVICE_CODES[service], written(service, **SPECIAL[service]))
    assert (got.refusal, got.missing, got.misshapen) == ("", "", False)


@pytest.mark.parametrize("service", sorted(SPECIAL))
def test_a_field_the_police_need_is_missed_by_name(service: str) -> None:
    for field in SPECIAL[service]:
        if field == "fir_police_station":
            continue
        rest = {key: value for key, value in SPECIAL[service].items() if key != field}
        code = SERVICE_CODES[service] if service != "protest" else "EVT"
        got = application(code, written("event" if service == "protest" else service, **rest))
        assert got.refusal == "12", field


def test_times_are_indian_and_text_is_escaped_once() -> None:
    root = etree.fromstring(written("complaint", **SPECIAL["complaint"]))
    assert (root.findtext("IncidentAt"), root.findtext("AccusedKnown")) == ("10/01/2026 17:30", "N")
    assert root.findtext("Text") == "A & B < C\nshouted"


def test_the_station_of_an_fir_stands_beside_the_one_of_the_address() -> None:
    root = etree.fromstring(written("fir_copy", **SPECIAL["fir_copy"]))
    assert (root.findtext("PoliceStationCode"), root.findtext("Address/PoliceStationCode")) == ("9802", "9901")


def test_documents_go_by_hash_and_never_whole() -> None:
    told = [{"type": "ID", "name": "voter.pdf", "sha256": "00" * 32, "content": "JVBERi0x"}]
    text = written("character_certificate", purpose="A job", documents=told)
    assert etree.fromstring(text).findtext("Documents/Document/Sha256") == "00" * 32
    assert "JVBERi0x" not in text


def test_what_is_empty_leaves_no_element() -> None:
    root = etree.fromstring(written("employee_verification", person_name="A", email="", person_mobile=" "))
    assert (root.find("Email"), root.find("Subject/Mobile"), root.find("Documents")) == (None, None, None)


def test_a_message_names_fields_of_our_form_and_nothing_else() -> None:
    assert fields_named("Mandatory field missing: Pin") == {"pin": "Pin"}
    assert fields_named("Something else entirely") == {}


async def test_a_payment_says_rupees_and_indian_time(police: Any) -> None:
    police.tells("PayServiceFee", ResultCode="0")
    form = {"amount_paise": "10000"}
    await police.driver.pay(Order("PAY-1", "fee", form, NUMBER, at=datetime(2026, 1, 15, 4, 30, tzinfo=UTC)))
    asked = police.asked()
    assert (asked["ChallanNo"], asked["AmountRs"], asked["PaidOn"]) == ("PAY-1", "100.00", "15/01/2026 10:00:00")


def test_a_challan_number_is_short_enough_and_the_same_for_the_same_payment() -> None:
    long = [challan(Order(f"01JCZ5{place:020d}", "fee", {}, NUMBER)) for place in (1, 1, 2)]
    assert long[0] == long[1] != long[2]
    assert {len(one) for one in long} == {20}
    assert challan(Order("PAY-1", "fee", {}, NUMBER)) == "PAY-1"


async def test_a_reply_is_known_by_its_document_and_a_complaint_does_not_go_out_as_one(police: Any) -> None:
    form = {**COMMON, **SPECIAL["complaint"]}
    police.tells("RespondToQuery", ResultCode="0")
    reply = Order("REF-2", "complaint", {**form, "reply_text": "Here it is", "document_name": "../my deed.pdf"}, NUMBER)
    await police.driver.reply(reply)
    assert (police.asked()["DocumentName"], police.asked()["ReplyText"]) == ("REF-2-my_deed.pdf", "Here it is")
    step = {"SRN": NUMBER, "SEQ": "3", "STATUS_CD": "05", "REMARKS": "Reply received with REF-2-my_deed.pdf"}
    police.shows("GetServiceRequestHistory", {**step, "SEQ": "2", "REMARKS": "NA"}, step)
    assert [one.reference for one in await police.driver.find(reply)] == ["REF-2"]
    police.tells("LodgeReminder", ResultCode="0")
    await police.driver.remind(Order("REF-3", "complaint", form, NUMBER))
    assert "shouted" not in police.asked()["ReminderText"]
