"""A citizen names an issued document instead of sending a copy: with leave, over a socket, and trusted no further."""

import base64
import re
from datetime import timedelta

import pytest
from api_citizens import logged_in
from api_town import GOOD_FORM

from adapters.locker.digilocker import Driver
from adapters.locker.digilocker.messages import pull_document
from aggregator.sdk.adapter import Class, operation
from aggregator.sdk.model import Document

ASHA = "9000000042"
LOCKER = "00000000-0000-4000-8000-000000000000"
URI = "in.gov.sim-RVCER-OD02AB1234"


async def fetched(town, *, portal=ASHA, uri=URI, consent=True, **more):
    body = {"locker_id": LOCKER, "consent": consent, **({"uri": uri} if uri else {}), **more}
    return await town.ask("POST", "/documents/references", portal=portal, json=body, Prefer="wait=10")


async def test_a_named_document_is_a_document_like_an_upload_and_a_case_takes_it(town):
    got = await fetched(town)
    assert got.status == 201, got.body
    made = got.json
    assert (made["state"], made["source"], made["issuer"], made["media_type"]) == (
        "READY", "REFERENCE", "papers", "application/pdf",
    )  # fmt: skip
    assert (made["reference"], made["name"]) == (URI, "RVCER.pdf")
    body = {"service_id": "office.licence", "form": {**GOOD_FORM, "proof": made["uri"]}}
    case = await town.ask("POST", "/cases", portal=ASHA, json=body, Idempotency_Key="k-1", Prefer="wait=5")
    assert case.status == 201, case.body
    assert town.office.papers == [{"proof": made["size_bytes"]}]
    [row] = await town.store.read("select request_reference from document")
    assert re.fullmatch(r"p-[0-9A-HJKMNP-TV-Z]{26}", row["request_reference"])


async def test_by_kind_and_number_the_same_paper_is_found(town):
    by_uri = (await fetched(town)).json
    got = await fetched(town, uri="", document_type="RVCER", number="OD02AB1234")
    assert (got.status, got.json["sha256"]) == (201, by_uri["sha256"])
    listed = (await town.ask("GET", "/documents/issuers", portal=ASHA)).json["items"]
    assert [(one["agency"], one["prefix"], one["document_types"]) for one in listed] == [
        ("papers", "in.gov.sim", ["RVCER"])
    ]


async def test_without_leave_nobody_is_asked(town, issuer):
    async with issuer.control as control:
        before = (await control.calls())["operations"].get("document", 0)
        for who, more in ((ASHA, {"consent": False}), ("one", {"citizen_id": await name_of(town)})):
            got = await fetched(town, portal=who, **more)
            assert (got.status, got.json["code"]) == (403, "consent-required")
        assert "FETCH_DOCUMENTS" in got.json["what_you_should_do"]
        assert (await control.calls())["operations"].get("document", 0) == before


async def test_the_leave_and_the_look_are_kept_and_a_portal_alone_needs_a_leave_that_holds(town):
    assert (await fetched(town)).status == 201
    [leave] = (await town.ask("GET", "/citizens/me/consents", portal=ASHA)).json["items"]
    assert (leave["purpose"], leave["agency"]) == ("FETCH_DOCUMENTS", "papers")
    [look] = [one for one in await looks(town) if one["what"] == "DOCUMENT"]
    assert (look["agency"], look["consent_id"], look["by_whom"]) == ("papers", leave["id"], "CITIZEN")
    town.clock.push(90)  # what was given with the request held for the request
    citizen = await name_of(town)
    assert (await fetched(town, portal="one", citizen_id=citizen)).status == 403
    until = (town.clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {"purpose": "FETCH_DOCUMENTS", "agency": "papers", "until": until}
    given = (await town.ask("POST", "/citizens/me/consents", portal=ASHA, json=asked)).json
    assert "fetch documents" in given["explanation"]
    assert (await fetched(town, portal="one", citizen_id=citizen)).status == 201
    assert next(one["by_whom"] for one in await looks(town) if one["what"] == "DOCUMENT") == "PORTAL"
    await town.ask("DELETE", f"/citizens/me/consents/{given['id']}", portal=ASHA)
    assert (await fetched(town, portal="one", citizen_id=citizen)).status == 403


async def test_whose_it_is_the_issuer_judges_by_the_citizen_s_own_record(town):
    await logged_in(town, "9000000043")
    seen = await town.ask("GET", "/citizens/me", portal="9000000043")
    born = {"date_of_birth": "1985-05-05"}
    await town.ask("PATCH", "/citizens/me", portal="9000000043", json=born, If_Match=seen.headers["ETag"])
    stolen = await fetched(town, portal="9000000043")
    assert [one["code"] for one in stolen.json["errors"]] == ["no_issued_document"]
    typed = await fetched(town, portal="9000000043", date_of_birth="1990-01-01")
    assert typed.status == 400, "a birth date that is typed is not a second factor"
    other = await fetched(town, locker_id=LOCKER.replace("8000", "8001"))
    assert [one["code"] for one in other.json["errors"]] == ["no_issued_document"]
    assert await town.store.read("select id from document") == []


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"uri": "in.gov.elsewhere-RVCER-1"}, "/uri", "no_such_issuer"),
        ({"uri": "in.gov.simulated-RVCER-1"}, "/uri", "no_such_issuer"),
        ({"uri": "", "document_type": "PANCR", "number": "1"}, "/document_type", "no_such_issuer"),
        ({"uri": ""}, "/uri", "one_reference"),
        ({"document_type": "RVCER", "number": "1"}, "/uri", "one_reference"),
        ({"uri": "in.gov.sim-RVCER-OD99ZZ0101"}, "/uri", "no_issued_document"),
    ],
)
async def test_what_cannot_be_fetched_is_said_at_its_field(town, body, pointer, code):
    got = await fetched(town, **body)
    assert (got.status, [(one["pointer"], one["code"]) for one in got.json["errors"]]) == (400, [(pointer, code)])


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [("SIMEICAR", 201, "malware"), ("SIMTORN", 201, "unknown_type"), ("SIMLARGE", 413, "too-large")],
)
async def test_a_fetched_paper_is_looked_through_like_any_other(town, number, status, word):
    got = await fetched(town, uri=f"in.gov.sim-RVCER-{number}")
    assert got.status == status
    if status == 201:
        assert (got.json["state"], got.json["reason_code"]) == ("REFUSED", word)
        body = {"service_id": "office.licence", "form": {**GOOD_FORM, "proof": got.json["uri"]}}
        case = await town.ask("POST", "/cases", portal=ASHA, json=body, Idempotency_Key="k-1")
        assert case.json["errors"][0]["code"] == "document_refused"
    else:
        assert got.json["code"] == word
        assert await town.store.read("select id from document") == []


class Naive(Driver):
    """Takes the first Base64 it sees, as many clients do."""

    @operation(Class.SAFE)
    async def document(self, order):
        answer = await self._api.post("/pulldoc", pull_document(order, "in.gov.city"), effect=False)
        return Document("x.pdf", "application/pdf", base64.b64decode(answer.find(".//DocContent").text))


async def test_a_naive_client_keeps_somebody_else_s_paper_and_ours_does_not(town, locker):
    for fault in ("206", "811"):
        uri = f"in.gov.sim-RVCER-OD99ZZ1{fault}"
        locker(town, Naive)
        assert (await fetched(town, uri=uri)).status == 201, "the control"
        locker(town)
        assert (await fetched(town, uri=uri)).status == 503


HOSTILE = ("103", "200", "203", "208", "209", "210", "302", "401", "500", "601", "609", "610", "611")


async def test_a_hostile_answer_brings_no_document(town, locker):
    for fault in HOSTILE:
        locker(town)  # a breaker of its own for each
        got = await fetched(town, uri=f"in.gov.sim-RVCER-OD99ZZ1{fault}")
        assert (got.status, got.json["code"], got.json["effect"]) == (503, "agency-unavailable", "none"), fault
        assert b"OD99ZZ" not in got.body
    assert await town.store.read("select id from document") == []


async def test_a_wrong_key_is_the_operator_s_trouble_and_not_the_citizen_s(town, locker):
    locker(town, key="another")
    got = await fetched(town)
    assert (got.status, got.json["agency"]) == (503, "papers")


async def test_nothing_of_it_lies_open_in_the_database_or_in_events(town):
    made = (await fetched(town)).json
    for table in ("document", "document_part", "consent", "access_record", "event"):
        told = " ".join(str(tuple(row)) for row in await town.store.read(f"select * from {table}"))  # noqa: S608 - our own names
        for secret in ("OD02AB1234", LOCKER, "Asha", made["sha256"], "1990-01-01"):
            assert secret not in told, table


async def name_of(town):
    return (await town.ask("GET", "/citizens/me", portal=ASHA)).json["citizen_id"]


async def looks(town):
    return (await town.ask("GET", "/citizens/me/access-records", portal=ASHA)).json["items"]
