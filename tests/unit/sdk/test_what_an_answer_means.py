"""The one table from observation to error, row by row, for reads and for writes."""

import pytest

from aggregator.sdk.adapter import Class
from aggregator.sdk.dialect import code_error, decode, http_charset, is_html, judge_status, retry_after_s, trouble
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Reply, Sent, WireError

URL = "http://agency.example"


async def said(wire, *, effect, judge=None):
    with pytest.raises(AgencyError) as caught:
        await RestClient(wire, URL, judge=judge).post("/x", {}, effect=effect)
    return caught.value


async def test_what_was_never_sent_is_unavailable_for_a_write_too(failing):
    for effect in (True, False):
        error = await said(failing(WireError(Sent.NO, "ClientConnectorError")), effect=effect)
        assert isinstance(error, Unavailable)


async def test_what_may_have_been_sent_is_a_doubt_for_a_write_and_an_outage_for_a_read(failing):
    lost = WireError(Sent.MAYBE, "ServerDisconnectedError")
    assert isinstance(await said(failing(lost), effect=True), OutcomeUnknown)
    assert isinstance(await said(failing(lost), effect=False), Unavailable)


async def test_an_answer_beyond_the_cap_is_broken_and_not_asked_for_again(failing):
    error = await said(failing(WireError(Sent.MAYBE, "TooBig", too_big=True)), effect=False)
    assert isinstance(error, ContractBroken)
    assert error.too_big


STATUSES = [
    (301, OutcomeUnknown, OutcomeUnknown),
    (302, OutcomeUnknown, OutcomeUnknown),
    (307, OutcomeUnknown, OutcomeUnknown),
    (308, OutcomeUnknown, OutcomeUnknown),
    (400, ContractBroken, ContractBroken),
    (401, Misconfigured, Misconfigured),
    (402, ContractBroken, OutcomeUnknown),
    (403, Misconfigured, Misconfigured),
    (404, ContractBroken, ContractBroken),
    (405, ContractBroken, ContractBroken),
    (407, Misconfigured, OutcomeUnknown),
    (408, Unavailable, OutcomeUnknown),
    (409, Unavailable, OutcomeUnknown),
    (410, ContractBroken, ContractBroken),
    (412, Misconfigured, Misconfigured),
    (413, ContractBroken, ContractBroken),
    (415, ContractBroken, ContractBroken),
    (418, ContractBroken, OutcomeUnknown),
    (422, ContractBroken, ContractBroken),
    (425, Unavailable, OutcomeUnknown),
    (429, Unavailable, OutcomeUnknown),
    (500, Unavailable, OutcomeUnknown),
    (501, Unavailable, OutcomeUnknown),
    (502, Unavailable, OutcomeUnknown),
    (503, Unavailable, OutcomeUnknown),
    (504, Unavailable, OutcomeUnknown),
    (599, Unavailable, OutcomeUnknown),
    (101, ContractBroken, OutcomeUnknown),
]


@pytest.mark.parametrize(("status", "read", "write"), STATUSES)
@pytest.mark.parametrize("body", [b"", b"<html><body>Sorry</body></html>", b'{"message":"no route"}'])
async def test_a_status_without_the_agencys_body_means_what_the_table_says(canned, status, read, write, body):
    kind = "text/html" if body.startswith(b"<") else "application/json"
    assert type(await said(canned(status, body, kind), effect=False)) is read
    assert type(await said(canned(status, body, kind), effect=True)) is write


async def test_ac4_a_redirect_with_a_perfect_body_is_neither_followed_nor_read(canned):
    wire = canned(308, b'{"requestNo":"R1","status":"RCVD"}', location="http://stranger.example/")
    error = await said(wire, effect=True, judge=lambda _reply, _body: True)
    assert isinstance(error, OutcomeUnknown)
    assert error.alarm
    assert len(wire.asked) == 1


async def test_a_declared_shed_is_unavailable_and_an_undeclared_one_a_doubt(canned, declared):
    declared(Class.QUERYABLE, shed_unsent_codes=frozenset({"503"}))
    assert isinstance(await said(canned(503, retry_after="7"), effect=True), Unavailable)
    assert isinstance(await said(canned(429), effect=True), OutcomeUnknown)


async def test_a_gateway_status_taken_off_the_list_is_a_doubt_for_a_write(canned, declared):
    declared(Class.QUERYABLE, gateway_unsent=frozenset({401}))
    assert isinstance(await said(canned(401), effect=True), Misconfigured)
    assert isinstance(await said(canned(403), effect=True), OutcomeUnknown)
    assert isinstance(await said(canned(403), effect=False), Misconfigured)


async def test_too_many_requests_is_a_healthy_agency(canned):
    error = await said(canned(429, retry_after="3"), effect=False)
    assert (error.throttled, error.retry_after_s) == (True, 3.0)
    assert not (await said(canned(503), effect=False)).throttled


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        ("7", "", 7.0),
        (" 7 ", "", 7.0),
        ("0", "", 0.0),
        ("99999999999", "", 604_800.0),
        ("-3", "", None),
        ("soon", "", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:27:00 GMT", 60.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:30:00 GMT", 0.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "", None),
        ("", "", None),
    ],
)
def test_retry_after_is_read_by_the_agencys_own_clock(value, date, expected):
    assert retry_after_s(Reply(503, {"retry-after": value, "date": date}, b"")) == expected


def _refusal(_reply, body):
    if "errorCode" in body:
        raise code_error(body["errorCode"], {"E7": "fields_invalid"})


@pytest.mark.parametrize("status", [200, 400, 422, 500, 503])
async def test_the_agencys_own_refusal_is_heard_whatever_the_status_says(canned, status):
    error = await said(canned(status, b'{"errorCode":"E7"}'), effect=True, judge=_refusal)
    assert isinstance(error, Refused)
    assert (error.code, error.reason) == ("E7", "fields_invalid")


async def test_a_code_nobody_listed_is_never_guessed(canned):
    error = await said(canned(400, b'{"errorCode":"E8"}'), effect=True, judge=_refusal)
    assert isinstance(error, ContractBroken)


async def test_a_code_that_is_a_sentence_about_a_citizen_is_not_repeated(canned):
    error = await said(canned(400, b'{"errorCode":"Ramesh Kumar is not eligible"}'), effect=True, judge=_refusal)
    assert "Ramesh" not in str(error)


async def test_a_no_such_record_with_404_goes_to_the_driver_when_it_is_the_agencys_own(canned):
    wire = canned(404, b'{"error":"record_not_found"}')
    body = await RestClient(wire, URL, judge=lambda _reply, body: body.get("error") == "record_not_found").get("/x")
    assert body == {"error": "record_not_found"}
    stranger = canned(404, b'{"error":"no route"}')
    error = await said(stranger, effect=False, judge=lambda _reply, body: body.get("error") == "record_not_found")
    assert isinstance(error, ContractBroken)


def test_codes_mean_what_the_operation_declares(declared):
    declared(
        Class.UNIQUE,
        refusal_codes=frozenset({"R1"}),
        already_exists_codes=frozenset({"211"}),
        shed_unsent_codes=frozenset({"BUSY"}),
    )
    assert isinstance(code_error("BUSY", {}), Unavailable)
    assert code_error("R1", {}).reason == "refused"
    already = code_error("211", {}, reference="B-1")
    assert (already.reason, already.reference) == ("duplicate", "B-1")
    assert isinstance(code_error("X", {}), ContractBroken)


def test_trouble_follows_the_running_operation_unless_told(declared):
    declared(Class.SAFE)
    assert isinstance(trouble("x"), Unavailable)
    declared(Class.KEYED)
    assert isinstance(trouble("x"), OutcomeUnknown)
    assert isinstance(trouble("x", effect=False), Unavailable)


@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE html><p>", b"\n  <html>", b"<HTML><BODY>", b"<!-- build 7 --><html>", b"<head>", b"<body onload=x>"],
)
def test_a_page_is_a_page_whatever_its_label(body):
    assert is_html(Reply(200, {"content-type": "application/json"}, body))


def test_a_document_is_not_a_page():
    assert not is_html(Reply(200, {"content-type": "text/xml"}, b"<heading/>"))
    assert is_html(Reply(200, {"content-type": "Text/HTML; charset=utf-8"}, b"{}"))


@pytest.mark.parametrize("codec", ["utf-7", "unicode_escape", "idna", "zlib", "hex", "punycode", "no-such", "cp037"])
def test_a_charset_from_the_agency_reaches_no_codec_outside_the_list(codec):
    with pytest.raises(ContractBroken):
        decode(b"abc", charset=codec)


@pytest.mark.parametrize(
    ("body", "charset", "declared_as", "expected"),
    [
        ("ଓଡ଼ିଶା".encode(), "", "", "ଓଡ଼ିଶା"),
        (b"\xef\xbb\xbf\n {}", "iso-8859-1", "", "{}"),
        ("{}".encode("utf-16"), "utf-8", "", "{}"),
        (b"caf\xe9", "ISO-8859-1", "utf-8", "café"),
        (b"caf\xe9 \x93x\x94", "windows-1252", "", "café “x”"),
        (b"caf\xe9", "", "latin1", "café"),
    ],
)
def test_text_is_decoded_by_bom_then_transport_then_declaration(body, charset, declared_as, expected):
    assert decode(body, charset=charset, declared=declared_as) == expected


def test_bytes_of_another_charset_are_refused_and_not_patched_up():
    with pytest.raises(ContractBroken) as caught:
        decode(b"caf\xe9", charset="utf-8")
    assert caught.value.garbled


def test_the_charset_is_found_with_and_without_quotes():
    for value in ('text/xml; charset="windows-1252"', "text/xml;charset=windows-1252"):
        assert http_charset(Reply(200, {"content-type": value}, b"")) == "windows-1252"


@pytest.mark.parametrize("effect", [True, False])
def test_a_redirect_raises_the_alarm_for_a_driver_that_judges_the_status_itself(effect):
    with pytest.raises(OutcomeUnknown) as caught:
        judge_status(Reply(302, {}, b""), effect=effect)
    assert caught.value.alarm
    judge_status(Reply(204, {}, b""), effect=effect)
