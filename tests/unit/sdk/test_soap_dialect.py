"""SOAP over the wire: what zeep would make of it, and what we make of it."""

import asyncio
import logging
import traceback
from pathlib import Path

import pytest
import requests
import zeep
import zeep.exceptions
from lxml import etree

from aggregator.sdk.adapter import Class
from aggregator.sdk.errors import (
    AgencyError,
    ContractBroken,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from aggregator.sdk.reading import need
from aggregator.sdk.soap import SOAP_11, SOAP_12, SoapClient, WsdlRefused, load
from aggregator.sdk.wsdl import NothingToOpen
from aggregator.sdk.xml import element, text

WSDL = Path(__file__).with_name("office.wsdl")
URL = "http://office.example/soap"
XML = "text/xml; charset=utf-8"


def envelope(inner: str, *, ns: str = SOAP_11) -> bytes:
    return f'<S:Envelope xmlns:S="{ns}"><S:Body>{inner}</S:Body></S:Envelope>'.encode()


LODGED = '<LodgeResponse xmlns="urn:office"><LodgeResult>N-1</LodgeResult></LodgeResponse>'
FAULT_11 = "<S:Fault><faultcode>S:{}</faultcode><faultstring>{}</faultstring><detail/></S:Fault>"
FAULT_12 = (
    "<S:Fault><S:Code><S:Value>S:Sender</S:Value><S:Subcode><S:Value>{}</S:Value></S:Subcode></S:Code>"
    '<S:Reason><S:Text xml:lang="en">no</S:Text></S:Reason></S:Fault>'
)


def office(wire, **options):
    return SoapClient(wire, WSDL, url=URL, **{"version": "1.1", **options})


class Canned:
    """A reply as zeep's own transport would hand it over: for the naive controls."""

    encoding = "utf-8"

    def __init__(self, status: int, content: bytes, kind: str = XML) -> None:
        self.status_code, self.content, self.headers = status, content, {"Content-Type": kind}


class NaiveTransport(zeep.Transport):
    """What zeep would open is written down instead."""

    def __init__(self) -> None:
        self.cache, self._close_session, self.opened = None, False, []

    def load(self, url):
        self.opened.append(url)
        if str(url) == str(WSDL):
            return WSDL.read_bytes()
        return b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x"/>'


@pytest.fixture(scope="module")
def naive():
    settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    client = zeep.Client(str(WSDL), transport=NaiveTransport(), settings=settings)
    binding = client.wsdl.bindings["{urn:office}Office11"]

    def process(operation, reply):
        return binding.process_reply(client, binding.get(operation), reply)

    process.client = client
    return process


async def said(wire, operation="Lodge", *, effect=True, options=None, **arguments):
    with pytest.raises(AgencyError) as caught:
        await office(wire, **(options or {})).call(operation, effect=effect, **(arguments or {"service": "s"}))
    return caught.value


def told(error: BaseException) -> str:
    """Everything a traceback in a log would say."""
    return "".join(traceback.format_exception(error, limit=0))


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


PAGE = b"<html><body>Service down for maintenance</body></html>"


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


def rows(inner: str) -> bytes:
    return envelope(f'<RowsResponse xmlns="urn:office"><Row>{inner}</Row></RowsResponse>')


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


async def test_zp24_zeep_loses_the_code_of_a_fault_of_the_other_version(naive):
    binding = naive.client.wsdl.bindings["{urn:office}Office12"]
    with pytest.raises(zeep.exceptions.Fault) as caught:
        binding.process_reply(naive.client, binding.get("Lodge"), Canned(500, envelope(FAULT_11.format("E77", "x"))))
    assert caught.value.code is None


async def test_a_fault_nobody_listed_is_trouble(canned, declared):
    body = envelope(FAULT_11.format("Server", "java.lang.NullPointerException"))
    for status in (200, 500):
        assert isinstance(await said(canned(status, body, XML), effect=True), OutcomeUnknown)
        assert isinstance(await said(canned(status, body, XML), effect=False), Unavailable)
    declared(Class.KEYED, shed_unsent_codes=frozenset({"Server"}))
    assert isinstance(await said(canned(500, body, XML), effect=True), Unavailable)
    declared(Class.KEYED, refusal_codes=frozenset({"Server"}))
    assert isinstance(await said(canned(500, body, XML), effect=True), Refused)


async def test_a_driver_may_read_faults_with_a_function_of_its_own(canned):
    seen = []

    def read(fault):
        seen.append((fault.code, fault.subcode, fault.reason))
        return Misconfigured("password") if fault.subcode == "FailedAuthentication" else None

    options = {"version": "1.2", "faults": read}
    rejects = canned(500, envelope(FAULT_12.format("wsse:FailedAuthentication"), ns=SOAP_12), "application/soap+xml")
    assert isinstance(await said(rejects, options=options), Misconfigured)
    other = canned(500, envelope(FAULT_12.format("x:Other"), ns=SOAP_12), "application/soap+xml")
    assert isinstance(await said(other, options=options), OutcomeUnknown)
    assert seen == [("Sender", "FailedAuthentication", "no"), ("Sender", "Other", "no")]


async def test_a_good_envelope_under_a_bad_status_is_no_answer(canned):
    assert isinstance(await said(canned(500, envelope(LODGED), XML)), OutcomeUnknown)
    assert isinstance(await said(canned(308, envelope(LODGED), XML)), OutcomeUnknown)


async def test_zp14_neither_errors_nor_their_causes_repeat_the_answer(canned):
    canary = "Ramesh-Canary"
    bodies = [
        rows(f"<Number>1</Number><Fee>{canary}</Fee>"),
        rows(f"<Number>1</Number><Born>{canary}</Born>"),
        envelope(FAULT_11.format(canary, canary)),
    ]
    for body in bodies:
        error = await said(canned(200, body, XML), "Rows", effect=False, Number="1")
        assert canary not in told(error)


async def test_a_log_turned_up_for_diagnosis_shows_no_citizen(canned, caplog):
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        wire = canned(200, envelope(LODGED.replace("N-1", "Ramesh-Canary")), XML)
        await office(wire).call("Lodge", service="Ramesh-Canary")
    finally:
        root.setLevel(before)
    assert "Ramesh-Canary" not in caplog.text
    for name in ("zeep.transports", "zeep.wsdl"):
        assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING


DATASET = (
    '<DataResponse xmlns="urn:office"><DataResult>'
    '<xs:schema id="NewDataSet" xmlns="" xmlns:xs="http://www.w3.org/2001/XMLSchema">'
    '<xs:import namespace="urn:x" schemaLocation="{}"/>'
    '<xs:element name="Table"><xs:complexType><xs:sequence><xs:element name="SRN" type="xs:string" minOccurs="0"/>'
    "</xs:sequence></xs:complexType></xs:element></xs:schema>"
    '<NewDataSet xmlns=""><Table><SRN>OP1</SRN></Table></NewDataSet></DataResult></DataResponse>'
)


async def test_zp23_a_reply_that_imports_a_schema_opens_nothing(canned, naive, tmp_path, monkeypatch):
    bait = tmp_path / "bait.xsd"
    bait.write_text("<x/>")
    transport = naive.client.transport
    transport.opened.clear()
    for location in (f"file://{bait}", "http://127.0.0.1:9/bait.xsd"):
        naive("Data", Canned(200, envelope(DATASET.format(location))))
    assert len(transport.opened) == 2  # the naive control asked for both, forbid_external or not

    monkeypatch.setattr(requests.Session, "send", lambda *_a, **_k: pytest.fail("requests was asked to send"))
    monkeypatch.setattr("builtins.open", lambda *_a, **_k: pytest.fail("a file was opened"))
    monkeypatch.setattr(Path, "read_bytes", lambda *_a, **_k: pytest.fail("a file was read"))
    for location in (f"file://{bait}", str(bait), "http://127.0.0.1:9/bait.xsd"):
        body = envelope(DATASET.format(location))
        raw = await office(canned(200, body, XML)).call_raw("Data", effect=False, Number="1")
        assert text(raw, "{urn:office}DataResult/NewDataSet/Table/SRN") == "OP1"
        error = await said(canned(200, body, XML), "Data", effect=False, Number="1")
        assert isinstance(error, ContractBroken)


def test_the_codec_has_no_session_and_does_not_send():
    transport = load(WSDL).ports[0]._client.transport
    assert not hasattr(transport, "session")
    for refused in (transport.post, transport.post_xml, transport.get, transport._load_remote_data):
        with pytest.raises(NothingToOpen):
            refused("http://agency.example", b"", {})
    with pytest.raises(NothingToOpen):
        transport.load(str(WSDL))


async def test_zp15_a_large_answer_is_read_off_the_loop(canned, monkeypatch):
    many = "".join(f"<Row><Number>{number}</Number></Row>" for number in range(3000))
    body = envelope(f'<RowsResponse xmlns="urn:office">{many}</RowsResponse>')
    assert len(body) > 65_536
    threads = []
    real = asyncio.to_thread

    async def noting(function, *args, **kwargs):
        threads.append(function.__name__)
        return await real(function, *args, **kwargs)

    monkeypatch.setattr(asyncio, "to_thread", noting)
    got = await office(canned(200, body, XML)).call("Rows", effect=False, Number="1")
    assert (len(got.Row), got.Row[-1].Number) == (3000, "2999")
    assert threads == ["_envelope", "_decode"]
    small = await office(canned(200, rows("<Number>1</Number>"), XML)).call("Rows", effect=False, Number="1")
    assert small.Row[0].Number == "1"
    assert len(threads) == 2


async def test_zp9_a_word_outside_the_list_arrives_as_it_is_for_our_own_table(canned):
    body = rows("<Number>1</Number><Desk>ROOF</Desk>")
    got = await office(canned(200, body, XML)).call("Rows", effect=False, Number="1")
    assert got.Row[0].Desk == "ROOF"


def test_a_port_is_found_by_name_and_version_or_refused_with_what_there_is():
    described = load(WSDL)
    assert described.port("OfficeSoap12").version == "1.2"
    assert described.port(version="1.2").name == "OfficeSoap12"
    with pytest.raises(WsdlRefused, match=r"OfficeSoap \(1.1\), OfficeSoap12 \(1.2\)"):
        described.port("Nonesuch")


def test_zp22_one_description_is_loaded_once_for_each_process():
    assert load(WSDL) is load(WSDL)


async def test_zp5_an_answer_that_is_one_bare_value_is_kept_by_name_and_missed_when_empty(canned, tmp_path):
    wrapper = (
        '<s:element name="LodgeResponse"><s:complexType><s:sequence><s:element name="LodgeResult" type="s:string"/>'
        "</s:sequence></s:complexType></s:element>"
    )
    bare = WSDL.read_text().replace(wrapper, '<s:element name="LodgeResponse" type="s:string"/>')
    assert bare != WSDL.read_text()
    (tmp_path / "bare.wsdl").write_text(bare)

    async def lodged(inner):
        wire = canned(200, envelope(f'<LodgeResponse xmlns="urn:office">{inner}</LodgeResponse>'), XML)
        return await SoapClient(wire, tmp_path / "bare.wsdl", url=URL, version="1.1").call("Lodge", service="s")

    assert need(await lodged("N-1"), "LodgeResponse") == "N-1"
    with pytest.raises(ContractBroken, match="no content"):
        await lodged("")
