"""S8. Whatever is put around, into or beside a genuine signature, nothing that it does not cover is ever read.

Every forgery says that a bill was paid; each goes through the driver's own door for messages. The control does what
many verifiers do: it finds a signature, checks what that covers, and then reads the document.
"""

import base64
import hmac
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from lxml import etree

from adapters.electricity.bbps import Driver
from adapters.electricity.bbps.signature import NotSigned, verified
from adapters.electricity.bbps.simulator_keys import sign
from aggregator.sdk.adapter import Settings
from aggregator.sdk.callback import Callback, Unverified
from aggregator.sdk.testing.callbacks import Letterbox
from aggregator.sdk.testing.conformance import Answering
from aggregator.sdk.wire import Reply
from aggregator.sdk.xml import parse

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "bbps"))

from made_to_measure import C14N, DSIG, ENVELOPED, made_to_measure

NOW = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)
TS = "2026-01-15T10:00:00+05:30"
REF = "R" * 35
OPTIONS = {
    "institution": "SIMU", "agent_id": "SI01SIMU000000000001", "biller_id": "SIMU00000ODI01", "ip": "192.0.2.1",
    "mac": "00-00-5E-00-53-01",
}  # fmt: skip
OPEN = '<bbps:BillPaymentResponse xmlns:bbps="http://bbps.org/schema"{more}>'
END = "</bbps:BillPaymentResponse>"
POSITIONS = {
    "before everything": "{original}{evil}", "after everything": "{evil}{original}",
    "in a wrapper": "{evil}<W>{original}</W>", "in a part of another": '{evil}<x:X xmlns:x="urn:x">{original}</x:X>',
    "three deep": "{evil}<A><B><C>{original}</C></B></A>", "in the middle": "{original}{evil}{original}",
}  # fmt: skip


def said(code, *, ts=TS, ref=REF, more=""):
    """What a payment's answer says: 000 is paid."""
    head = f'<Head ver="1.0" ts="{ts}" origInst="SIMC" refId="{ref}"/><Reason responseCode="{code}"/>'
    return OPEN.format(more=more) + head + f'<Txn ts="{ts}" msgId="{ref}" paymentRefId="P1"/>' + END


REFUSED, PAID = said("200"), said("000")
EVIL = PAID.removeprefix(OPEN.format(more="")).removesuffix(END)


def key_pair():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def keys():
    return {"ours": key_pair(), "central": key_pair(), "stranger": key_pair()}


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def driver(keys):
    ours = keys["ours"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    secrets = {"signing_key": ours, "central_key": public_pem(keys["central"]).decode()}
    settings = Settings("http://cu.example", OPTIONS, secrets)
    return Driver(Answering(Reply(200, {}, b"")), settings, mailbox=Letterbox())


def pushed(body, path=f"bbps/BillPaymentResponse/1.0/urn:referenceId:{REF}"):
    body = body.encode() if isinstance(body, str) else body
    return Callback(path, {"content-type": "application/xml; charset=utf-8"}, body, NOW)


def mark_of(body):
    """Its Signature, as text."""
    return body[body.index("<Signature") : body.rindex("</Signature>") + len("</Signature>")]


def wrapped(keys):
    """A genuine refusal inside a document that says paid: six places, its signature in three."""
    once = sign(REFUSED, keys["central"])
    marked = sign(said("200", more=' Id="o"'), keys["central"])
    by_id = made_to_measure(said("200", more=' Id="o"'), keys["central"], uri=' URI="#o"').decode()
    for where, layout in POSITIONS.items():
        inner = layout.format(original=once, evil=EVIL)
        yield f"the original {where}", OPEN.format(more="") + inner + END
        moved = layout.format(original=marked.replace(mark_of(marked), ""), evil=EVIL)
        yield f"the original {where}, its signature last", OPEN.format(more="") + moved + mark_of(marked) + END
        named = layout.format(original=by_id.replace(mark_of(by_id), ""), evil=EVIL)
        yield f"the original {where}, signed by its id", OPEN.format(more="") + named + mark_of(by_id) + END
    held = mark_of(once).replace("</Signature>", f"<Object>{REFUSED}</Object></Signature>")
    yield "the original inside the signature", OPEN.format(more="") + EVIL + held + END


def other_forms(keys):
    """Signatures of another kind than the one agreed on, over a document that says paid."""
    central, stranger = keys["central"], keys["stranger"]
    modulus = base64.b64encode(stranger.public_key().public_numbers().n.to_bytes(256, "big")).decode()
    swapped = f"<KeyInfo><KeyValue><RSAKeyValue><Modulus>{modulus}</Modulus></RSAKeyValue></KeyValue></KeyInfo>"
    xslt = '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><x/></Transform>'
    path = '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath>true()</XPath></Transform>'
    secret = base64.b64encode(hmac.digest(public_pem(central), PAID.encode(), "sha256")).decode()
    made = {
        "SHA-1 as the digest": {"digest_method": DSIG + "sha1", "digest_hash": sha1},
        "SHA-1 under the signature": {"method": DSIG + "rsa-sha1", "hash": hashes.SHA1()},  # noqa: S303 - an attack
        "HMAC keyed with the public key": {"method": DSIG + "hmac-sha256", "value": secret},
        "no algorithm": {"method": "", "value": "AAAA"},
        "an XSLT transform": {"transforms": [ENVELOPED, xslt]},
        "an XPath transform": {"transforms": [ENVELOPED, path]},
        "not enveloped": {"transforms": [C14N]},
        "a reference elsewhere": {"uri": ' URI="http://evil.example/"'},
        "a file as reference": {"uri": ' URI="file:///etc/passwd"'},
        "no reference": {"references": 0},
        "two references": {"references": 2},
        "an object beside it": {"more": f"<Object>{REFUSED}</Object>"},
        "another document's digest": {"about": REFUSED},
    }
    for name, parts in made.items():
        yield name, made_to_measure(PAID, central, **parts).decode()
    yield "a stranger's key", made_to_measure(PAID, stranger).decode()
    yield "a stranger's key, brought along", made_to_measure(PAID, stranger, more=swapped).decode()


def changed(keys):
    """Genuine documents changed, out of their time, or none at all."""
    once = sign(REFUSED, keys["central"])
    mark = mark_of(once)
    yield "not signed", PAID
    yield "a Fault that is not signed", "<Fault><faultcode>Server</faultcode></Fault>"
    yield "an empty signature", PAID.replace(END, f'<Signature xmlns="{DSIG}"/>{END}')
    yield "the signature of another document", PAID.replace(END, mark + END)
    yield "changed after signing", once.replace('"200"', '"000"')
    yield "a second signature", once.replace(END, mark + END)
    yield "the signature first", once.replace(mark, "").replace("<Head", mark + "<Head", 1)
    yield "something behind the signature", once.replace(END, f'<Reason responseCode="000"/>{END}')
    yield "words behind the signature", once.replace(END, "paid" + END)
    yield "without its namespace", once.replace(f' xmlns="{DSIG}"', "", 1)
    yield "a document type", f"<!DOCTYPE p [<!ENTITY e '000'>]>{once}"
    for minutes in (-6, 6):
        ts = (NOW + timedelta(minutes=minutes, hours=5.5)).strftime("%Y-%m-%dT%H:%M:%S+05:30")
        yield f"{minutes} minutes off", sign(said("000", ts=ts), keys["central"])


def naive(body, key):
    """Finds a signature, checks what it covers, reads the document."""
    root = etree.fromstring(body)
    for signature in root.iter(f"{{{DSIG}}}Signature"):
        try:
            verified(parse(etree.tostring(signature.getparent(), with_tail=False)), key)
        except NotSigned:
            continue
        return root.find("Reason").get("responseCode")
    return ""


@pytest.mark.figure("S8")
def test_no_forged_message_is_taken_for_the_central_units(driver, keys, figure):
    forged = {**dict(wrapped(keys)), **dict(other_forms(keys)), **dict(changed(keys))}
    assert len(forged) >= 30
    accepted = []
    for name, body in forged.items():
        try:
            driver.notified(pushed(body))
        except Unverified:
            continue
        accepted.append(name)
    assert accepted == []
    genuine = driver.notified(pushed(sign(PAID, keys["central"])))
    assert genuine.reference == "P1", "the door does open for a genuine one"
    figure.measured(f"0 of {len(forged)} accepted")


@pytest.mark.figure("S8")
def test_the_control_a_naive_verifier_reads_what_nobody_signed(keys, figure):
    fooled = [name for name, body in wrapped(keys) if naive(body, keys["central"].public_key()) == "000"]
    assert len(fooled) >= 4
    figure.control(f"checks what is signed and reads the rest: {len(fooled)} wrapped forgeries read as paid")


def test_a_comment_put_into_a_signed_text_changes_nothing_of_what_is_read(keys):
    document = '<bbps:P xmlns:bbps="http://bbps.org/schema"><Amount>100</Amount></bbps:P>'
    split = sign(document, keys["central"]).replace(">100<", ">1<!-- -->00<")
    root = verified(parse(split), keys["central"].public_key())
    assert root.find("Amount").text == "100"
    assert etree.fromstring(split).find("Amount").text == "1", "the control: read where it stands, it is another amount"


def test_a_genuine_message_again_is_the_same_event_and_under_another_path_none(driver, keys):
    body = sign(PAID, keys["central"])
    assert driver.notified(pushed(body)).event_id == driver.notified(pushed(body)).event_id
    with pytest.raises(Unverified):
        driver.notified(pushed(body, path=f"bbps/BillPaymentResponse/1.0/urn:referenceId:{'S' * 35}"))
