"""S16, towards agencies: not one byte of a request goes to an end that cannot prove who it is.

The control is a wire that checks nothing: it hands the request over to every one of them.
"""

import asyncio
import ipaddress
import ssl
import tempfile
import warnings
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from aggregator.sdk.trust import Trust, pin_of, refuse_unpinned
from aggregator.sdk.wire import Sent, WireError
from aggregator.sdk.wire_aiohttp import AiohttpWire

CITY = trustme.CA()
NOW = datetime.now(UTC)


def issued(name="127.0.0.1", authority=CITY, **validity):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name, **validity).configure_cert(context)
    return context


def too_old():
    context = issued()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def signed_with_sha1():
    """An end whose certificate is good but for the SHA-1 under it; no library makes one any more."""
    sealed = WEAK.sign(_tbs(_LEAF), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - an attack
    der = _LEAF.public_bytes(Encoding.DER).replace(_LEAF.tbs_certificate_bytes, _tbs(_LEAF)).replace(*_OIDS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with tempfile.NamedTemporaryFile() as file:
        key = WEAK.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write(ssl.DER_cert_to_PEM_cert(der[: -len(sealed)] + sealed).encode() + key)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _certificate(name, issuer):
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(named).issuer_name(issuer or named).public_key(WEAK.public_key())
    made = made.serial_number(7).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=9))
    made = made.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return made.add_extension(address, critical=False).sign(WEAK, hashes.SHA256())


def _tbs(leaf):
    return leaf.tbs_certificate_bytes.replace(*_OIDS)


WEAK = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_OIDS = (bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105"))
"""RSA with SHA-256 and with SHA-1, as they stand in a certificate."""
_ROOT = _certificate("An authority we trust", None)
_LEAF = _certificate("127.0.0.1", _ROOT.subject)

ENDS = {
    "expired": lambda: issued(not_after=NOW - timedelta(days=1), not_before=NOW - timedelta(days=9)),
    "not yet valid": lambda: issued(not_before=NOW + timedelta(days=1), not_after=NOW + timedelta(days=9)),
    "for another name": lambda: issued("other.example"),
    "of another authority": lambda: issued(authority=trustme.CA()),
    "signed with SHA-1": signed_with_sha1,
}


async def asked(end, context, *, alerts=True, pins=()):
    """How the call ended, and how many bytes of it the other end was given."""
    got = bytearray()

    async def answer(reader, writer):
        with suppress(ConnectionError):
            while data := await reader.read(1024):
                got.extend(data)
                if got.endswith(b"\r\n\r\n"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                    break
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=end)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/requests"
    wire = AiohttpWire(
        connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=2, ssl_context=context,
        accept=partial(refuse_unpinned, pins=pins),
    )  # fmt: skip
    try:
        reply = await wire.send("POST", url, headers={}, body=None)
        return reply.status, len(got)
    except WireError as error:
        # No waiting mends what TLS itself refused: such an error is an alarm.
        return error.sent if error.tls or not alerts else "no alarm", len(got)
    finally:
        await wire.close()
        server.close()
        await asyncio.sleep(0.01)


def careful():
    context = ssl.create_default_context()
    CITY.configure_trust(context)
    context.load_verify_locations(cadata=_ROOT.public_bytes(Encoding.DER))
    return context


def careless():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def test_an_end_that_proves_itself_is_asked():
    assert await asked(issued(), careful()) == (200, pytest.approx(200, abs=190))


@pytest.mark.figure("S16", "towards agencies")
@pytest.mark.parametrize("name", ENDS)
async def test_an_end_that_cannot_prove_itself_gets_not_one_byte(name, figure):
    assert await asked(ENDS[name](), careful()) == (Sent.NO, 0)
    figure.measured(f"{name}: 0 bytes")


@pytest.mark.figure("S16", "towards agencies")
@pytest.mark.parametrize("name", ENDS)
async def test_the_control_a_wire_that_checks_nothing_hands_the_request_over(name, figure):
    status, told = await asked(ENDS[name](), careless())
    assert status == 200
    assert told > 0
    figure.control("checks switched off: the request is handed over to each of them")


@pytest.mark.figure("S16", "towards agencies")
async def test_a_protocol_as_old_as_tls_1_1_is_not_spoken(figure):
    # This server only hangs up; the alert that others send is F05 of the fault menu.
    assert await asked(too_old(), careful(), alerts=False) == (Sent.NO, 0)
    figure.measured("TLS 1.1: 0 bytes")


def with_key():
    """An end whose certificate is good in every way, and the pin of its key."""
    made = CITY.issue_cert("127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.configure_cert(context)
    return context, pin_of(ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode()))


def renewed(key):
    """Another certificate for the same key: renewing changes no pin."""
    made = _certificate("127.0.0.1", _ROOT.subject) if key is None else key
    return pin_of(made.public_bytes(Encoding.DER))


@pytest.mark.figure("S16", "pinned keys")
async def test_an_end_whose_key_is_pinned_is_asked_and_any_other_gets_not_one_byte(figure):
    end, pin = with_key()
    other, other_pin = with_key()
    assert await asked(end, careful(), pins=[pin]) == (200, pytest.approx(200, abs=190))
    assert await asked(other, careful(), pins=[pin]) == (Sent.NO, 0)
    assert pin != other_pin
    figure.measured("a key that is not pinned, of the same authority and name: 0 bytes")


@pytest.mark.figure("S16", "pinned keys")
async def test_during_a_rotation_both_keys_are_asked_and_afterwards_the_old_one_is_not(figure):
    old, old_pin = with_key()
    new, new_pin = with_key()
    both = [old_pin, new_pin]
    assert [(await asked(end, careful(), pins=both))[0] for end in (old, new)] == [200, 200]
    assert await asked(old, careful(), pins=[new_pin]) == (Sent.NO, 0)
    figure.measured("two pins while a key is changed; the old one revoked: 0 bytes")


@pytest.mark.figure("S16", "pinned keys")
async def test_the_control_a_wire_without_pins_hands_the_request_to_another_key_of_the_authority(figure):
    other, _ = with_key()
    status, told = await asked(other, careful())
    assert status == 200
    assert told > 0
    figure.control("no pin: any key the authority signed is handed the request")


async def test_a_pin_takes_no_other_check_away():
    certificate = CITY.issue_cert("127.0.0.1", not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(days=1))
    end = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(end)
    pin = pin_of(ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode()))
    assert await asked(end, careful(), pins=[pin]) == (Sent.NO, 0)


async def test_a_pinned_end_that_speaks_no_tls_gets_nothing():
    got = bytearray()

    async def answer(reader, writer):
        got.extend(await reader.read(1024))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    wire = AiohttpWire(
        connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=2,
        accept=partial(refuse_unpinned, pins=["sha256/x"]),
    )  # fmt: skip
    with pytest.raises(WireError) as caught:
        await wire.send("POST", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", headers={}, body=b"{}")
    assert (caught.value.sent, caught.value.tls, bytes(got)) == (Sent.NO, True, b"")
    await wire.close()
    server.close()
    await asyncio.sleep(0.01)


def test_renewing_a_certificate_for_the_same_key_changes_no_pin():
    assert renewed(_LEAF) == renewed(None)


@pytest.mark.figure("S16", "pinned keys")
async def test_an_agency_with_an_authority_of_its_own_is_believed_by_that_one_alone(figure):
    own = trustme.CA()
    only_own = Trust(own.cert_pem.bytes().decode()).context()
    assert (await asked(issued(authority=own), only_own))[0] == 200
    assert await asked(issued(), only_own) == (Sent.NO, 0)
    figure.measured("an authority of the agency's own: another authority's certificate gets 0 bytes")
