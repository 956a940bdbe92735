"""XML answers: charsets, and everything in a document that reaches outside it or grows without end."""

import pytest
from lxml import etree

from aggregator.sdk.errors import ContractBroken, OutcomeUnknown, Refused
from aggregator.sdk.xml import XmlClient, element, need_child, parse, text, to_bytes

NAME = "ଓଡ଼ିଶା नाम"


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"\xef\xbb\xbf<a>caf\xc3\xa9</a>", ""),
        (b"\n\n <?xml version='1.0'?><a>caf\xc3\xa9</a>", ""),
        ('<?xml version="1.0" encoding="utf-16"?><a>café</a>'.encode("utf-16"), ""),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>caf\xe9</a>', ""),
        (b"<a>caf\xe9</a>", "windows-1252"),
        (b'<?xml version="1.0" encoding="utf-8"?><a>caf\xe9</a>', "windows-1252"),
        (b"<?xml version='1.0' encoding='utf-8' standalone='yes'?><a>caf\xc3\xa9</a>", ""),
        ("<?xml version='1.0' encoding='utf-16'?><a>café</a>".encode(), "utf-8"),
    ],
)
def test_zp17_a_document_is_decoded_by_bom_transport_or_declaration(body, charset):
    assert text(parse(body, charset=charset)) == "café"


def test_zp17_latin1_bytes_declared_utf8_are_refused_and_not_patched_up():
    body = b"<?xml version='1.0' encoding='utf-8'?><a>caf\xe9</a>"
    naive = etree.fromstring(body, etree.XMLParser(recover=True))
    assert naive.text != "café"  # the naive control reads on, with another name
    with pytest.raises(ContractBroken) as caught:
        parse(body)
    assert caught.value.garbled


def test_text_comes_composed_as_our_own_text_is():
    decomposed = "<a>\u0928\u093c e\u0301</a>"
    assert text(parse(decomposed.encode())) == "\u0929 \u00e9"


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE a><a/>",
        b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<!doctype html><html/>",
        b"<a>&undefined;</a>",
        b"<a><b></a>",
        b"<a>",
        b"",
        b"plain",
        b"<a/><b/>",
        b"\x00\x01",
    ],
)
def test_a_doctype_an_entity_or_a_torn_document_is_garbled(body):
    with pytest.raises(ContractBroken) as caught:
        parse(body)
    assert caught.value.garbled


def test_a_remark_about_a_doctype_is_only_a_remark():
    assert text(parse(b"<a><![CDATA[<!DOCTYPE html>]]></a>")) == "<!DOCTYPE html>"


@pytest.mark.parametrize("levels", [101, 300, 100_000])
def test_nesting_without_end_is_refused(levels):
    with pytest.raises(ContractBroken):
        parse(b"<a>" * levels + b"</a>" * levels)


def test_zp16_two_hundred_thousand_attributes_are_refused_before_they_are_parsed():
    body = b"<a " + b" ".join(b'b%d="1"' % number for number in range(200_000)) + b"/>"
    assert len(etree.fromstring(body).attrib) == 200_000  # the naive control takes them all
    with pytest.raises(ContractBroken, match="attributes"):
        parse(body)


def test_another_root_element_is_not_the_answer():
    assert parse(b'<x:a xmlns:x="urn:a"/>', root="{urn:a}a") is not None
    with pytest.raises(ContractBroken) as caught:
        parse(b"<a/>", root="{urn:a}a")
    assert not caught.value.garbled
    with pytest.raises(ContractBroken) as caught:
        parse(b"<html/>", root="Ack")
    assert caught.value.garbled


def test_a_document_is_written_on_one_line_and_read_back():
    made = element("{urn:a}Request", element("name", text=NAME), nsmap={"x": "urn:a"}, ver="1.0")
    sent = to_bytes(made)
    assert sent.startswith(b"<?xml")
    assert b"\n" not in sent.partition(b"?>")[2].strip()
    back = parse(sent, root="{urn:a}Request")
    assert (text(back, "name"), back.get("ver")) == (NAME, "1.0")


def test_what_is_not_there_is_asked_for_in_two_ways():
    root = parse(b"<a><b>1</b><c/></a>")
    assert (text(root, "b"), text(root, "c", "-"), text(root, "d", "-")) == ("1", "-", "-")
    with pytest.raises(ContractBroken):
        need_child(root, "d")


def test_control_characters_never_get_into_a_request():
    with pytest.raises(ValueError, match="XML compatible"):
        element("a", text="x\x00y")


URL = "http://cu.example"


async def test_a_document_goes_out_and_the_root_comes_back(canned):
    wire = canned(200, b'<b:Ack xmlns:b="urn:b" RspCd="Successful"/>', "text/xml")
    got = await XmlClient(wire, URL).post("/bbps/x", element("a"), root="{urn:b}Ack")
    assert got.get("RspCd") == "Successful"
    assert wire.asked[0][3].endswith(b"<a/>")


@pytest.mark.parametrize("kind", ["text/html", "application/json", "text/plain"])
async def test_a_label_that_is_not_xml_is_refused_unless_the_agency_is_known_for_it(canned, kind):
    with pytest.raises(ContractBroken):
        await XmlClient(canned(200, b"<Ack/>", kind), URL).post("/x", b"<a/>")
    if kind != "text/html":
        got = await XmlClient(canned(200, b"<Ack/>", kind), URL, labels=frozenset({kind})).post("/x", b"<a/>")
        assert got.tag == "Ack"


def _refusal(_reply, root):
    if root.tag == "Error":
        raise Refused(text(root))


async def test_the_agencys_own_refusal_is_heard_whatever_the_status(canned):
    with pytest.raises(Refused):
        await XmlClient(canned(500, b"<Error>E1</Error>", "text/xml"), URL, judge=_refusal).post("/x", b"<a/>")
    with pytest.raises(OutcomeUnknown):
        await XmlClient(canned(500, b"<Oops/>", "text/xml"), URL, judge=_refusal).post("/x", b"<a/>", root="Ack")
    with pytest.raises(OutcomeUnknown):
        await XmlClient(canned(500, b"<Ack/>", "text/xml"), URL).post("/x", b"<a/>", root="Ack")
