"""Tokens at the door of the simulated police: who we are, once per send, by the machine's real clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from police_sandbox import about, magic, new

from adapters.police.cctns.simulator_door import NONCE_LIFE_S, Guard
from aggregator.resilience.outcome import Confirmed, NotSent, Unknown
from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import operations_of
from aggregator.sdk.clock import ManualClock, SeededChance, SystemChance, SystemClock
from aggregator.sdk.errors import Misconfigured, OutcomeUnknown
from aggregator.sdk.model import Receipt
from aggregator.sdk.wire import Trail

ENVELOPE = (
    '<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body>'
    '<GetServiceList xmlns="http://tempuri.org/"/></soap:Body></soap:Envelope>'
)


@pytest.mark.parametrize("kind", ["text", "digest"])
async def test_both_kinds_of_password_are_taken_in_both_versions(either: Any, kind: str) -> None:
    assert len(await either.speaking(password_type=kind, soap="1.2").driver.list_services(new())) == 11
    assert len(await either.speaking(password_type=kind, soap="1.1").driver.list_services(new())) == 11


async def test_a_wrong_password_is_found_by_a_read_before_anything_is_written(either: Any) -> None:
    stranger = either.speaking(password="another")
    with pytest.raises(Misconfigured, match="password"):
        await stranger.driver.list_services(new())
    assert await either.control("GET", "/ledger") == []


async def test_a_write_with_a_wrong_password_is_a_row_that_did_not_act(either: Any) -> None:
    with pytest.raises(Misconfigured):
        await either.speaking(password="another").driver.submit(new())
    assert await either.acted("submit") == [0]


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_clock_six_minutes_off_is_turned_away_whatever_the_simulators_own_says(
    sandbox: Any, minutes: int
) -> None:
    await sandbox.days_pass(30)
    ours = ManualClock(datetime.now(UTC) + timedelta(minutes=minutes))
    with pytest.raises(Misconfigured, match="clock"):
        await sandbox.speaking(clock=ours).driver.list_services(new())
    assert len(await sandbox.driver.list_services(new())) == 11


class SameNonce(SeededChance):
    """A chance that has only one thing to say."""

    def bytes(self, count: int) -> bytes:
        return bytes(count)


async def test_a_header_sent_twice_is_a_replay_and_acts_once(sandbox: Any) -> None:
    """The control: a client that builds its envelope once and repeats it."""
    stale = sandbox.speaking(chance=SameNonce(1))
    assert isinstance(await stale.driver.submit(new()), Receipt)
    with pytest.raises(OutcomeUnknown):
        await stale.driver.submit(new())
    assert await sandbox.acted("submit") == [1, 0]


def test_a_nonce_is_remembered_for_ten_minutes() -> None:
    guard = Guard(ManualClock())
    now = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)
    assert guard._is_new("A", now)
    assert not guard._is_new("A", now + timedelta(seconds=NONCE_LIFE_S - 1))
    assert guard._is_new("A", now + timedelta(seconds=3 * NONCE_LIFE_S))


async def test_a_request_without_a_header_is_not_understood(sandbox: Any) -> None:
    label = 'application/soap+xml; charset=utf-8; action="http://tempuri.org/GetServiceList"'
    url = sandbox.url + "/CitizenService/CitizenService.asmx"
    async with sandbox.http.post(url, data=ENVELOPE, headers={"Content-Type": label}) as got:
        assert (got.status, b"InvalidSecurity" in await got.read()) == (500, True)


@pytest.mark.parametrize("action", ["CancelServiceRequest", "Nothing", ""])
async def test_a_body_that_contradicts_its_action_is_a_fault_of_the_sender(sandbox: Any, action: str) -> None:
    label = f'application/soap+xml; charset=utf-8; action="http://tempuri.org/{action}"'
    url = sandbox.url + "/CitizenService/CitizenService.asmx"
    async with sandbox.http.post(url, data=ENVELOPE, headers={"Content-Type": label}) as got:
        assert (got.status, b"soap:Sender" in await got.read()) == (500, True)


async def test_a_caller_with_a_doctype_or_no_envelope_gets_a_fault(sandbox: Any) -> None:
    url = sandbox.url + "/CitizenService/CitizenService.asmx"
    for body in (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>', b"<x/>", b"nothing"):
        async with sandbox.http.post(url, data=body, headers={"Content-Type": "text/xml"}) as got:
            assert (got.status, b"Fault" in await got.read()) == (500, True)


async def test_the_contract_is_served_where_soap_tools_look_for_it(sandbox: Any) -> None:
    async with sandbox.http.get(sandbox.url + "/CitizenService/CitizenService.asmx?WSDL") as got:
        assert b'definitions name="CitizenService"' in await got.read()


async def test_the_deliverers_next_attempt_is_the_repeat_of_a_write(sandbox: Any) -> None:
    """711 and 712 through the guard: a rejected token is NotSent and goes out again, a replayed one is a doubt."""
    operations = operations_of(type(sandbox.driver))
    parts = {"clock": SystemClock(), "chance": SystemChance(), "meter": NullMeter()}
    guarded = Guarded("police", sandbox.driver, operations, Policy(), **parts)
    expired = new("REF-711", mobile="9000000711")
    assert isinstance(await guarded.attempt("submit", expired, Trail()), NotSent)
    assert isinstance(await guarded.attempt("submit", expired, Trail()), Confirmed)
    assert isinstance(await guarded.attempt("submit", new("REF-712", mobile="9000000712"), Trail()), Unknown)
    assert await sandbox.driver.find(new("REF-712")) == []
    assert await sandbox.acted("submit") == [0, 1, 0]


async def test_a_read_repeats_itself_with_a_fresh_header(either: Any) -> None:
    for fault in ("711", "712"):
        assert (await either.driver.track(about(magic(fault)))).agency_code == "05"
    with pytest.raises(Misconfigured):
        await either.driver.track(about(magic("1711")))
