"""Faults, foreign schemas, large answers, and what neither errors nor logs may repeat."""

import asyncio
import logging
from pathlib import Path

import pytest
import requests
import zeep
import zeep.exceptions
from office_speaking import FAULT_11, FAULT_12, LODGED, URL, WSDL, XML, Canned, envelope, office, rows, said, told

from aggregator.sdk.adapter import Class
from aggregator.sdk.errors import (
    ContractBroken,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from aggregator.sdk.reading import need
from aggregator.sdk.soap import SOAP_12, SoapClient, WsdlRefused, load
from aggregator.sdk.wsdl import NothingToOpen
from aggregator.sdk.xml import text


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
