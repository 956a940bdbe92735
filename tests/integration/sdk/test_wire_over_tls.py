"""The wire over TLS: which failures of the handshake are proof that nothing was sent, and which are not."""

import asyncio
import contextlib
import socket
import ssl

import pytest
import trustme
from bad_peers import answer

from aggregator.sdk.wire import TRAIL, Sent, Trail, WireError


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trail():
    made = Trail()
    token = TRAIL.set(made)
    yield made
    TRAIL.reset(token)


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@contextlib.asynccontextmanager
async def agency(authority, *, client_certificates=False, version=ssl.TLSVersion.TLSv1_3):
    """An agency's server on loopback; its handshake failures are its own affair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if client_certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)

    async def serve(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer())
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def strict_agency(authority, version):
    """One that sends the alert TLS has for it, as OpenSSL's servers do and asyncio's do not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        peer, _ = listener.accept()
        with context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False) as speaking:
            speaking.settimeout(5)
            with contextlib.suppress(ssl.SSLError):
                speaking.do_handshake()
            with contextlib.suppress(OSError):  # closing on unread bytes would reset, and overtake the alert
                while socket.socket.recv(speaking, 65_536):
                    pass
        listener.close()

    refusing = asyncio.create_task(asyncio.to_thread(refuse))
    yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
    await refusing


async def send(wire, url):
    return await wire.send("POST", url, headers={}, body=None, effect=True, cap=1000)


async def test_a_trusted_agency_is_spoken_to(authority, wires, trail):
    async with agency(authority) as url:
        wire = wires(ssl_context=trusting(authority))
        assert (await send(wire, url)).status == 200
        await wire.close()
    assert (trail.sent, trail.answered) == (Sent.MAYBE, True)


async def test_an_agency_we_do_not_trust_never_gets_the_citizens_request(authority, wires, trail):
    async with agency(authority) as url:
        with pytest.raises(WireError) as caught:
            await send(wires(), url)
    assert (caught.value.sent, caught.value.why) == (Sent.NO, "ClientConnectorCertificateError")
    assert caught.value.tls


async def test_a_server_that_speaks_no_tls_never_gets_the_citizens_request(peers, wires, trail, authority):
    async def plain(peer, reader, writer):
        await reader.read(1)
        writer.write(answer())

    peer = await peers(plain)
    with pytest.raises(WireError) as caught:
        await send(wires(ssl_context=trusting(authority)), peer.url.replace("http:", "https:"))
    assert (caught.value.sent, trail.sent) == (Sent.NO, Sent.NO)


@pytest.mark.parametrize(("version", "sent"), [(ssl.TLSVersion.TLSv1_2, Sent.NO), (ssl.TLSVersion.TLSv1_3, Sent.MAYBE)])
async def test_ac12_a_missing_client_certificate_is_a_doubt_under_tls_1_3(authority, wires, trail, version, sent):
    # Under 1.3 our side of the handshake is done before the agency rejects it: a live connection is then reset.
    async with agency(authority, client_certificates=True, version=version) as url:
        with pytest.raises(WireError) as caught:
            await send(wires(ssl_context=trusting(authority)), url)
    assert (caught.value.sent, trail.sent) == (sent, sent)


@pytest.mark.parametrize(("version", "sent"), [(ssl.TLSVersion.TLSv1_2, Sent.NO), (ssl.TLSVersion.TLSv1_3, Sent.MAYBE)])
async def test_an_alert_about_our_certificate_is_told_as_one(authority, wires, trail, version, sent):
    # No waiting mends it: somebody has to look. A server that only hangs up looks like any other reset.
    async with strict_agency(authority, version) as url:
        with pytest.raises(WireError) as caught:
            await send(wires(ssl_context=trusting(authority)), url)
    assert (caught.value.sent, trail.sent, caught.value.tls) == (sent, sent, True)
