"""Money moves on what these signatures say, so nothing but the verified document is ever read."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from lxml import etree

from adapters.electricity.bbps.signature import (
    C14N,
    DSIG,
    ENVELOPED,
    NotSigned,
    canonical,
    digest,
    private_key,
    public_key,
    signed,
    verified,
)
from adapters.electricity.bbps.simulator_keys import sign, signed_by
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.xml import parse

NAMESPACE = 'xmlns:bbps="http://bbps.org/schema"'
SAMPLE = (
    f'<bbps:BillFetchRequest {NAMESPACE}><Head ver="1.0" ts="2026-01-15T10:00:00+05:30" origInst="SIMU" '
    'refId="SIMULATORREFERENCE00000000160151000"></Head><Txn ts="2026-01-15T10:00:00+05:30" '
    'msgId="SIMULATORMESSAGEID00000000160151000"></Txn><Customer mobile="9000000000"></Customer><Agent '
    'id="SI01SIMU000000000001"><Device><Tag name="INITIATING_CHANNEL" value="INT"></Tag><Tag name="IP" '
    'value="192.0.2.1"></Tag><Tag name="MAC" value="00-00-5E-00-53-01"></Tag></Device></Agent><BillDetails><Biller '
    'id="SIMU00000ODI01"></Biller><CustomerParams><Tag name="Consumer Number" value="900000000000"></Tag>'
    "</CustomerParams></BillDetails></bbps:BillFetchRequest>"
)
PAID = f'<bbps:P {NAMESPACE}><Reason responseCode="000"/><Amount paise="100"/></bbps:P>'
SHA1 = DSIG + "sha1"
RSA_SHA1 = DSIG + "rsa-sha1"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
XPATH = (
    '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath>not(ancestor-or-self::Evil)</XPath>'
    "</Transform>"
)


def pem_of(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def refused(body, key):
    with pytest.raises(NotSigned) as caught:
        verified(parse(body), key.public_key())
    return str(caught.value)


def test_the_published_sample_has_the_published_digest():
    assert digest(parse(SAMPLE)) == "q1FslhEQLbecSQ/1pAG9S8fqTWfKCOHQSelQWf/xHHo="


def test_white_space_between_elements_is_another_document():
    pretty = etree.tostring(etree.fromstring(SAMPLE), pretty_print=True).rstrip()
    assert digest(parse(pretty)) == "DbRROUw8bUB3Dce3ODPuKquOe3FmbraIVSWGcq76oaM="


def test_what_we_send_is_one_line_and_survives_a_server_that_trims_lines_and_joins_them(ours):
    body = signed(parse(SAMPLE), ours)
    assert b"\n" not in body
    assert b"> <" not in body
    joined = b"".join(line.strip() for line in body.splitlines())
    assert digest(verified(parse(joined), ours.public_key())) == digest(parse(SAMPLE))


def test_lxml_canonicalises_an_inner_element_in_place_wrongly_and_we_do_not(ours):
    info = parse(signed(parse(SAMPLE), ours))[-1][0]
    naive = etree.tostring(info, method="c14n")
    assert b'xmlns=""' in naive
    assert b'xmlns=""' not in canonical(info)
    assert canonical(info).startswith(b'<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#" xmlns:bbps=')


def test_a_library_we_did_not_write_verifies_ours_and_we_verify_its(ours):
    xmlsec = pytest.importorskip("xmlsec", reason="xmlsec is not installed: ours is checked against our own twin only")
    pem = ours.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    root = etree.fromstring(signed(parse(SAMPLE), ours))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
    context.verify(root[-1])
    for value in root.iter(f"{{{DSIG}}}DigestValue", f"{{{DSIG}}}SignatureValue"):
        value.text = ""
    theirs = xmlsec.SignatureContext()
    theirs.key = xmlsec.Key.from_memory(pem_of(ours), xmlsec.constants.KeyDataFormatPem)
    theirs.sign(root[-1])
    assert verified(parse(etree.tostring(root)), ours.public_key()).tag.endswith("BillFetchRequest")


def test_our_twin_in_the_simulator_and_the_driver_understand_each_other(ours):
    assert signed_by(signed(parse(SAMPLE), ours), ours.public_key())
    assert not signed_by(signed(parse(SAMPLE), ours).replace(b"900000000000", b"900000000001"), ours.public_key())
    verified(parse(sign(SAMPLE, ours)), ours.public_key())


def test_what_is_read_is_parsed_from_the_bytes_that_were_digested(central):
    root = verified(parse(sign(PAID, central)), central.public_key())
    assert [child.tag for child in root] == ["Reason", "Amount"]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"transforms": [ENVELOPED, C14N]},
        {"more": "<KeyInfo><KeyName>whoever</KeyName></KeyInfo>"},
    ],
    ids=["plain", "inclusive C14N as a second transform", "a KeyInfo nobody looks at"],
)
def test_what_the_other_side_may_write_differently_is_accepted(sealed, central, parts):
    verified(parse(sealed(PAID, central, **parts)), central.public_key())


def test_line_breaks_in_the_signature_value_are_harmless(sealed, central):
    body = sealed(PAID, central)
    head, mark, rest = body.partition(b"<SignatureValue>")
    value, end, tail = rest.partition(b"</SignatureValue>")
    broken = b"\n".join(value[at : at + 64] for at in range(0, len(value), 64))
    verified(parse(head + mark + b"\n" + broken + b"\n" + end + tail), central.public_key())


def test_a_prefix_on_the_signature_changes_nothing(central):
    xmlsec = pytest.importorskip("xmlsec", reason="xmlsec is not installed: nobody writes the other dress")
    root = etree.fromstring(PAID)
    constants = xmlsec.constants
    mark = xmlsec.template.create(root, constants.TransformInclC14N, constants.TransformRsaSha256, ns="ds")
    root.append(mark)
    reference = xmlsec.template.add_reference(mark, constants.TransformSha256, uri="")
    xmlsec.template.add_transform(reference, constants.TransformEnveloped)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pem_of(central), constants.KeyDataFormatPem)
    context.sign(mark)
    body = etree.tostring(root)
    assert b"<ds:Signature" in body
    verified(parse(body), central.public_key())


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ({"method": RSA_SHA1, "hash": hashes.SHA1()}, "another algorithm"),  # noqa: S303
        ({"digest_method": SHA1, "digest_hash": hashlib.sha1}, "another algorithm or transform"),
        ({"c14n": EXCLUSIVE}, "another algorithm"),
        ({"transforms": [ENVELOPED, EXCLUSIVE]}, "another algorithm or transform"),
        ({"transforms": [C14N]}, "another algorithm or transform"),
        ({"transforms": [ENVELOPED, XPATH]}, "another algorithm or transform"),
        ({"transforms": [ENVELOPED, ENVELOPED]}, "another algorithm or transform"),
        ({"uri": ""}, "something else than the whole document"),
        ({"uri": ' URI="#original"'}, "something else than the whole document"),
        ({"uri": ' URI="http://evil.example/"'}, "something else than the whole document"),
        ({"references": 2}, "not one reference"),
        ({"references": 0}, "not one reference"),
        ({"more": f"<Object>{PAID}</Object>"}, "other parts"),
        ({"value": "!!!!"}, "not Base64"),
        ({"value": "AAAA"}, "pinned key"),
    ],
)
def test_a_signature_of_another_form_is_refused_although_its_arithmetic_holds(sealed, central, parts, rule):
    assert rule in refused(sealed(PAID, central, **parts), central)


def test_an_unsigned_document_is_refused(central):
    assert "no signature" in refused(PAID.encode(), central)


def test_a_second_signature_is_refused_wherever_it_is(central):
    once = sign(PAID, central)
    signature = once[once.index("<Signature") : once.index("</bbps:P>")]
    assert "more than one" in refused(once.replace("</bbps:P>", signature + "</bbps:P>").encode(), central)
    assert "more than one" in refused(
        once.replace('<Amount paise="100"/>', f"<Amount>{signature}</Amount>").encode(), central
    )
    assert "more than one" in refused(
        once.replace("</bbps:P>", "<x:Signature xmlns:x='urn:x'/></bbps:P>").encode(), central
    )


def test_a_strangers_key_is_refused_even_when_it_comes_along(sealed, central, stranger):
    number = stranger.public_key().public_numbers().n
    modulus = base64.b64encode(number.to_bytes(256, "big")).decode()
    swapped = f"<KeyInfo><KeyValue><RSAKeyValue><Modulus>{modulus}</Modulus></RSAKeyValue></KeyValue></KeyInfo>"
    assert "pinned key" in refused(sealed(PAID, stranger), central)
    assert "pinned key" in refused(sealed(PAID, stranger, more=swapped), central)


def test_a_changed_amount_is_refused(central):
    assert "another document" in refused(sign(PAID, central).replace('paise="100"', 'paise="1"').encode(), central)


def _naive(root, key):
    """What many verifiers do: find a signature, check what it signs, then read the root."""
    signature = next(root.iter(f"{{{DSIG}}}Signature"))
    verified(parse(etree.tostring(signature.getparent())), key.public_key())
    return root.find("Amount").get("paise")


EVIL = '<Reason responseCode="000"/><Amount paise="1"/>'
WRAPPED = {
    "the original as the last child": lambda body, _: f"<bbps:P {NAMESPACE}>{EVIL}{body}</bbps:P>",
    "the original in a wrapper": lambda body, _: f"<bbps:P {NAMESPACE}>{EVIL}<W>{body}</W></bbps:P>",
    "the original first": lambda body, _: f"<bbps:P {NAMESPACE}>{body}{EVIL}</bbps:P>",
}
MOVED = {
    "the signature first": lambda body, mark: body.replace(mark, "").replace("<Reason", mark + "<Reason"),
    "the signature in the head": lambda body, mark: body.replace(mark, "").replace(
        "<Reason", f"<Head>{mark}</Head><Reason"
    ),
    "something after the signature": lambda body, _: body.replace("</bbps:P>", '<Amount paise="1"/></bbps:P>'),
    "text after the signature": lambda body, _: body.replace("</bbps:P>", "1</bbps:P>"),
    "the original in the signature": lambda _, mark: (
        f"<bbps:P {NAMESPACE}>{EVIL}{mark.replace('</Signature>', f'<Object>{PAID}</Object></Signature>')}</bbps:P>"
    ),
    "the signature of another document": lambda _, mark: f"<bbps:P {NAMESPACE}>{EVIL}{mark}</bbps:P>",
    "without its namespace": lambda body, _: body.replace(f' xmlns="{DSIG}"', ""),
}


@pytest.mark.parametrize("layout", WRAPPED, ids=str)
def test_a_wrapped_original_fools_the_naive_verifier_and_not_ours(central, layout):
    body = WRAPPED[layout](sign(PAID, central), "")
    assert _naive(parse(body.encode()), central) == "1"
    refused(body.encode(), central)


@pytest.mark.parametrize("layout", MOVED, ids=str)
def test_a_signature_moved_or_surrounded_is_refused(central, layout):
    body = sign(PAID, central)
    mark = body[body.index("<Signature") : body.index("</bbps:P>")]
    refused(MOVED[layout](body, mark).encode(), central)


def test_a_doctype_is_refused_before_any_signature_is_looked_at(central):
    with pytest.raises(ContractBroken):
        parse(b"<!DOCTYPE x [<!ENTITY e 'boom'>]>" + sign(PAID, central).encode())


def test_comments_in_a_signed_document_change_neither_the_digest_nor_what_is_read(central):
    body = sign(PAID, central).replace('<Amount paise="100"/>', '<Amount paise="100"><!-- 1 --></Amount>')
    root = verified(parse(body), central.public_key())
    assert root.find("Amount").get("paise") == "100"


def test_the_central_units_key_may_come_as_a_certificate(central):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cu.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(central.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))
        .sign(central, hashes.SHA256())
    )
    pinned = public_key(certificate.public_bytes(Encoding.PEM).decode())
    verified(parse(sign(PAID, central)), pinned)


def test_short_and_foreign_kinds_of_keys_are_refused():
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that is the point
    with pytest.raises(ValueError, match="2048"):
        private_key(pem_of(short))
    with pytest.raises(ValueError, match="2048"):
        public_key(public_pem(short))
    with pytest.raises(ValueError, match="RSA"):
        private_key(pem_of(ec.generate_private_key(ec.SECP256R1())))


def test_the_message_of_a_refusal_shows_nothing_of_the_document(central):
    told = refused(sign(PAID, central).replace('paise="100"', 'paise="987654"').encode(), central)
    assert "987654" not in told
