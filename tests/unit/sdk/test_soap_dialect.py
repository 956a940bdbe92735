"""The SOAP dialect: what it sends, and what it makes of the answer."""

import asyncio

import pytest
import zeep
import zeep.exceptions
from lxml import etree
from office_speaking import (
    FAULT_11,
    FAULT_12,
    LODGED,
    PAGE,
    URL,
    WSDL,
    XML,
    Canned,
    NaiveTransport,
    envelope,
    office,
    rows,
    said,
    told,
)

from aggregator.sdk.errors import (
    ContractBroken,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from aggregator.sdk.reading import need
from aggregator.sdk.soap import SOAP_11, SOAP_12
from aggregator.sdk.xml import element


async def test_a_request_of_each_version_has_its_own_headers_and_our_address(canned):
    for version, kind, ns in (("1.1", XML, SOAP_11), ("1.2", "application/soap+xml", SOAP_12)):
        wire = canned(200, envelope(LODGED, ns=ns), kind)
        got = await office(wire, version=version).call("Lodge", service="s")
        assert need(got, "LodgeResult") == "N-1"
        ((method, url, headers, body, effect, _cap),) = wire.asked
        assert (method, url, effect) == ("POST", URL, True)
        assert ns.encode() in body
        if version == "1.1":
            assert headers == {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"urn:office/Lodge"'}
        else:
            assert headers == {"Content-Type": 'application/soap+xml; charset=utf-8; action="urn:office/Lodge"'}


async def test_an_empty_action_is_sent_quoted(canned):
    wire = canned(200, envelope('<RowsResponse xmlns="urn:office"/>'), XML)
    await office(wire).call("Rows", effect=False, Number="1")
    assert wire.asked[0][2]["SOAPAction"] == '""'


async def test_arguments_may_be_called_like_our_own_parameters(canned):
    wire = canned(200, envelope(LODGED), XML)
    await office(wire).call("Lodge", service="s", operation_name="o")
    assert b"operation_name>o<" in wire.asked[0][3]


async def test_a_request_the_wsdl_does_not_know_is_our_own_fault_and_not_sent(canned):
    wire = canned(200, envelope(LODGED), XML)
    for arguments in ({"service": "s", "colour": "crimson"}, {}):
        with pytest.raises(Misconfigured) as caught:
            await office(wire).call("Lodge", **arguments)
        assert "crimson" not in told(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
    with pytest.raises(Misconfigured):
        await office(wire).call("Unknown")
    assert wire.asked == []


async def test_header_blocks_are_made_anew_for_every_send(canned):
    made = []

    def write(ns):
        made.append(ns)
        return [element(f"{{{ns}}}Nonce", text=str(len(made)))]

    wire = canned(200, envelope(LODGED, ns=SOAP_12), "application/soap+xml")
    client = office(wire, version="1.2", headers_writer=write)
    await client.call("Lodge", service="s")
    await client.call("Lodge", service="s")
    bodies = [etree.fromstring(asked[3]) for asked in wire.asked]
    assert [body[0][0].text for body in bodies] == ["1", "2"]
    assert [etree.QName(child).localname for child in bodies[0]] == ["Header", "Body"]
    assert made == [SOAP_12, SOAP_12]


async def test_zp3_twenty_calls_at_once_each_see_their_own_answer(canned):
    async def one(number):
        wire = canned(200, envelope(LODGED.replace("N-1", f"N-{number}")), XML)
        return (await office(wire).call("Lodge", service="s")).LodgeResult

    assert await asyncio.gather(*(one(number) for number in range(20))) == [f"N-{number}" for number in range(20)]


async def test_zp4_a_maintenance_page_is_an_outage_and_not_a_business_answer(canned, naive):
    with pytest.raises(zeep.exceptions.Fault):
        naive("Lodge", Canned(503, PAGE, "text/html"))  # the naive control: "Unknown fault occured", status lost
    assert isinstance(await said(canned(503, PAGE, "text/html"), effect=False), Unavailable)
    assert isinstance(await said(canned(503, PAGE, "text/html"), effect=True), OutcomeUnknown)
    labelled_xml = canned(503, PAGE, XML, retry_after="7")
    assert (await said(labelled_xml, effect=False)).retry_after_s == 7.0


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, PAGE, "text/html"),
        (200, PAGE, XML),
        (200, b"", XML),
        (200, envelope(LODGED)[:-20], XML),
        (202, b"", XML),
        (200, envelope(LODGED), "text/html"),
        (200, envelope(LODGED), "application/json"),
        (200, b'{"a":1}', XML),
    ],
)
async def test_zp5_what_is_no_document_is_broken_and_never_none(canned, naive, status, body, kind):
    if status == 202:
        assert naive("Lodge", Canned(202, b"")) is None  # the naive control
    error = await said(canned(status, body, kind))
    assert isinstance(error, ContractBroken)
    assert error.garbled


@pytest.mark.parametrize("bad", ["<Fee>12,50</Fee>", "<Fee>many</Fee>", "<Born>yesterday</Born>"])
async def test_zp6_a_bad_number_or_date_is_the_agencys_fault_by_our_name(canned, naive, bad, caplog):
    with pytest.raises((ArithmeticError, ValueError)):
        # The naive control: a bare library error; for a date zeep alone would log the value and go on with None.
        naive("Rows", Canned(200, rows(f"<Number>1</Number>{bad}")))
    error = await said(canned(200, rows(f"<Number>1</Number>{bad}"), XML), "Rows", effect=False, Number="1")
    assert isinstance(error, ContractBroken)
    assert bad[6:11] not in str(error) + caplog.text


async def test_zp7_an_element_the_agency_added_is_read_around_and_counted(canned, naive):
    body = rows("<Number>1</Number><Desk>FRONT</Desk><Mood>fine</Mood>")
    with pytest.raises(zeep.exceptions.XMLParseError):
        naive("Rows", Canned(200, body))  # the naive control
    client = office(canned(200, body, XML))
    got = await client.call("Rows", effect=False, Number="1")
    assert (got.Row[0].Number, got.Row[0].Desk) == ("1", "FRONT")
    assert client.drift == {"Rows": 1}
    # Strictness is back for the next answer.
    bad = await said(canned(200, rows("<Number>1</Number><Fee>x</Fee>"), XML), "Rows", effect=False, Number="1")
    assert isinstance(bad, ContractBroken)


async def test_zp8_the_only_field_of_an_answer_stays_in_its_object(canned, naive):
    assert naive("Lodge", Canned(200, envelope(LODGED))) == "N-1"  # the naive control hands it over bare
    got = await office(canned(200, envelope(LODGED), XML)).call("Lodge", service="s")
    assert need(got, "LodgeResult") == "N-1"


async def test_zp8_a_required_field_that_is_missing_is_missed(canned, naive):
    body = envelope('<LodgeResponse xmlns="urn:office"/>')
    assert naive("Lodge", Canned(200, body)) is None  # the naive control: loss looks like "no record"
    got = await office(canned(200, body, XML)).call("Lodge", service="s")
    with pytest.raises(ContractBroken):
        need(got, "LodgeResult")


@pytest.mark.parametrize(
    "inner",
    [
        LODGED.replace("LodgeResponse", "CancelResponse"),
        '<x:LodgeResponse xmlns:x="urn:elsewhere"><LodgeResult xmlns="urn:office">N-1</LodgeResult></x:LodgeResponse>',
        LODGED + LODGED,
        "",
    ],
)
async def test_zp8_another_element_in_the_body_is_not_the_answer(canned, naive, inner):
    if "elsewhere" in inner:
        assert naive("Lodge", Canned(200, envelope(inner))) == "N-1"  # the naive control takes it
    error = await said(canned(200, envelope(inner), XML))
    assert isinstance(error, ContractBroken)


async def test_zp11_an_envelope_of_the_other_version_or_namespace_is_not_the_answer(canned):
    for ns in (SOAP_12, "urn:no-soap"):
        assert isinstance(await said(canned(200, envelope(LODGED, ns=ns), XML)), ContractBroken)


async def test_zp10_a_torn_answer_is_broken_where_lax_parsing_finds_nothing(canned):
    torn = envelope(LODGED.partition("<LodgeResult>")[0]).partition(b"</S:Body>")[0]
    lax = zeep.Client(str(WSDL), transport=NaiveTransport(), settings=zeep.Settings(strict=False))
    binding = lax.wsdl.bindings["{urn:office}Office11"]
    # The naive control: a lost answer looks like one that says "no record".
    assert binding.process_reply(lax, binding.get("Lodge"), Canned(200, torn)) is None
    assert (await said(canned(200, torn, XML))).garbled


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("answered", ["1.1", "1.2"])
async def test_zp24_a_listed_fault_of_either_version_is_a_refusal_whichever_was_asked(
    canned, status, version, answered
):
    if answered == "1.1":
        body = envelope(FAULT_11.format("E77", "closed"))
    else:
        # The prefix of this Subcode is declared nowhere, which ends zeep's own reading.
        body = envelope(FAULT_12.format("nowhere:E77"), ns=SOAP_12)
    wire = canned(status, body, XML if answered == "1.1" else "application/soap+xml")
    error = await said(wire, options={"version": version, "faults": {"E77": "already_open"}})
    assert isinstance(error, Refused)
    assert (error.code, error.reason) == ("E77", "already_open")
