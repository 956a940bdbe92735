"""S16: nobody finds out from citizens that a certificate has ended. It is told four times before.

What a call shows is what is known: no agency is asked for it. The control asks nothing of a certificate but that it is
good now: its first word is the outage.
"""

import asyncio
import logging
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from api_town import PushedClock

from aggregator.ops.certificates import DAYS_LEFT, Certificates, until_of
from aggregator.ops.metrics import PrometheusMeter
from aggregator.sdk.wire_aiohttp import AiohttpWire

CITY, DAY_S = trustme.CA(), 86_400


@pytest.fixture
def watched(caplog):
    """A watch with its metrics, its clock, and what it logged: (agency, days)."""
    caplog.set_level(logging.WARNING, "aggregator.ops.certificates")
    meter, clock = PrometheusMeter(), PushedClock()

    def told():
        return [(record.agency, record.days) for record in caplog.records if record.message == "certificate.ends"]

    return Certificates(meter, clock), meter, clock, told


def good_for(days):
    return datetime.now(UTC) + timedelta(days=days, minutes=-5)


async def called(until, shown):
    """One call to an agency whose certificate is good until then."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    CITY.issue_cert("127.0.0.1", not_after=until).configure_cert(context)

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    trusting = ssl.create_default_context()
    CITY.configure_trust(trusting)
    wire = AiohttpWire(
        connect_timeout_s=20,
        total_timeout_s=60,
        read_timeout_s=60,
        max_connections=2,
        ssl_context=trusting,
        shown=shown,
    )
    try:
        return (
            await wire.send("GET", f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", headers={}, body=None)
        ).status
    finally:
        await wire.close()
        server.close()
        await asyncio.sleep(0.01)


@pytest.mark.figure("S16", "certificates that end")
async def test_the_end_of_an_agencys_certificate_is_told_at_30_14_7_and_1_days_and_after(watched, figure):
    watch, meter, clock, told = watched
    assert await called(good_for(40), lambda seen: watch.seen("rto", until_of(seen))) == 200
    for _ in range(42):
        watch.look({})
        watch.look({})
        clock.push(DAY_S)
    assert [days for _, days in told()] == [*DAYS_LEFT, 0]
    assert {agency for agency, _ in told()} == {"rto"}
    assert b'aggregator_certificate_days{agency="rto"} -' in meter.text()
    watch.seen("rto", good_for(42 + 20))
    watch.look({})
    assert told()[-1] == ("rto", 20), "renewed, and the new one is watched as well"
    figure.measured(
        f"an agency's: told at {', '.join(map(str, DAYS_LEFT))} days and at its end, once each; in /metrics"
    )


@pytest.mark.figure("S16", "certificates that end")
async def test_pinned_ones_and_our_own_are_watched_too(watched, tmp_path, figure):
    watch, meter, _, told = watched
    own, pinned = (CITY.issue_cert("x", not_after=good_for(days)).cert_chain_pems[0].bytes() for days in (6, 13))
    (tmp_path / "own.pem").write_bytes(own)
    watch.look({"tpcodl": ["a word", pinned.decode()], "rto": ["sk_1"]}, str(tmp_path / "own.pem"))
    assert sorted(told()) == [("ourselves", 6), ("tpcodl", 13)]
    assert meter.text().count(b"aggregator_certificate_days{") == 2
    watch.look({"tpcodl": ["-----BEGIN CERTIFICATE-----\nno"]}, str(tmp_path / "gone.pem"))
    figure.measured("pinned ones and our own likewise")


@pytest.mark.figure("S16", "certificates that end")
async def test_the_control_a_wire_that_only_checks_says_nothing_on_the_last_day(watched, figure):
    _, meter, _, told = watched
    assert await called(good_for(0.5), None) == 200
    assert told() == []
    assert b"aggregator_certificate_days{" not in meter.text()
    figure.control("checked at each call and never looked at: not a word on its last day")
