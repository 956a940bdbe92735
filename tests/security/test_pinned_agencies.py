"""S16: another key than the pinned is told of by the wire, the log, the metrics and the doctor, and gets nothing."""

import asyncio
import contextlib
import logging
import ssl

import pytest
import trustme
from api_town import PushedClock

from aggregator.cli.doctor import reachable
from aggregator.ops.certificates import Certificates
from aggregator.ops.metrics import PrometheusMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.trust import Trust, pin_of
from aggregator.sdk.wire import Sent, WireError
from aggregator.wiring import make_wire

OWN = trustme.CA()


@contextlib.asynccontextmanager
async def agency():
    """An agency with an authority of its own: its url, the pin it shows, and what it was sent."""
    made, got = OWN.issue_cert("127.0.0.1"), bytearray()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.configure_cert(context)

    async def answer(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            got.extend(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    pin = pin_of(ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode()))
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", pin, got
    finally:
        server.close()
        await asyncio.sleep(0.02)


def trust(*pins):
    return Trust(OWN.cert_pem.bytes().decode(), pins)


async def sent(url, believed, certificates):
    wire = make_wire("rto", Policy(), {}, believed, seen=certificates.seen, refused=certificates.refused)
    try:
        return (await wire.send("GET", url + "/", headers={}, body=None)).status
    except WireError as error:
        return error.sent if error.tls else error
    finally:
        await wire.close()


@pytest.mark.figure("S16", "pinned keys")
async def test_a_refused_key_is_logged_once_and_measured_until_a_pinned_one_is_shown(caplog, figure):
    caplog.set_level(logging.WARNING)
    meter = PrometheusMeter()
    certificates = Certificates(meter, PushedClock())
    async with agency() as (url, pin, got):
        other = trust("sha256/" + "A" * 43 + "=")
        assert [await sent(url, other, certificates) for _ in range(3)] == [Sent.NO] * 3
        assert bytes(got) == b""
        assert [(one.agency, one.pin) for one in caplog.records if one.message == "key.refused"] == [("rto", pin)]
        assert b'aggregator_key_refused{agency="rto"} 1.0' in meter.text()
        assert await sent(url, trust("sha256/" + "A" * 43 + "=", pin), certificates) == 200
        assert b'aggregator_key_refused{agency="rto"} 0.0' in meter.text()
    figure.measured("a refused key: told once in the log, in /metrics until a pinned one is shown")


async def test_the_doctor_shakes_hands_and_says_which_key_is_shown():
    async with agency() as (url, pin, got):
        good = await reachable("rto", url, trust("sha256/" + "A" * 43 + "=", pin), sandbox=False)
        assert (good.grade, "pinned (2 of 2)" in good.said) == ("good", True)
        other = await reachable("rto", url, trust("sha256/" + "A" * 43 + "="), sandbox=False)
        assert (other.grade, pin in other.said) == ("bad", True)
        stranger = await reachable("rto", url, Trust(), sandbox=False)
        assert (stranger.grade, "TLS says no" in stranger.said) == ("bad", True)
        assert bytes(got) == b""
