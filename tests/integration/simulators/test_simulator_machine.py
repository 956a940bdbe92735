"""The machine under every simulator: what the ledger promises, and the faults that only bytes can show."""

import asyncio
import json
import signal
import socket
import zlib
from contextlib import suppress
from itertools import chain

import aiohttp
import pytest
from patience import within

from aggregator.sdk.clock import SystemClock
from aggregator.sdk.testing.faults import MENU
from aggregator.sdk.testing.pages import MEBIBYTE, bomb, flood
from aggregator.sdk.testing.sandbox import started

MODULE = "adapters.passport.seva.simulator"


async def _submit_magic(authority, fault, ref):
    with suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(0.4):
            return await authority.raw(
                "saveApplication",
                clientRef=ref,
                service="FRESH",
                scheme="Normal",
                applDob="01/01/1990",
                applicant={"givenName": "Test", "gender": "F", "mobile": f"900000{fault}"},
            )
    return None


async def test_kill_9_loses_no_row_that_was_answered(authority, tmp_path):
    sandbox = started(MODULE, tmp_path)
    authority.sandbox = sandbox
    answered = []

    async def press(worker):
        for n in range(1000):
            answer = await authority.submit(f"K-{worker}-{n}")
            answered.append((f"K-{worker}-{n}", answer["arn"]))

    pressing = [asyncio.create_task(press(worker)) for worker in range(3)]
    while len(answered) < 40:  # noqa: ASYNC110 - the kill is to fall between answers
        await asyncio.sleep(0.005)
    sandbox.kill()
    await asyncio.gather(*pressing, return_exceptions=True)
    again = started(MODULE, tmp_path)
    authority.sandbox = again
    async with again.control as control:
        rows = {(row["our_ref"], row["agency_ref"]) for row in await control.ledger(operation="submit")}
    ref, arn = answered[-1]
    found = await authority.find(ref)
    again.stop()
    assert set(answered) <= rows
    assert [row["arn"] for row in found] == [arn]


def test_sigterm_ends_it_at_once_although_a_client_waits(tmp_path):
    sandbox = started(MODULE, tmp_path)
    with socket.create_connection(("127.0.0.1", sandbox.port)):
        began = SystemClock().monotonic()
        sandbox.stop()
        within(SystemClock().monotonic() - began, 2.0, "seconds until it was gone")
    assert sandbox.process.returncode in {0, -signal.SIGTERM}


@pytest.mark.slow
async def test_it_holds_500_writes_a_second(authority):
    began = SystemClock().monotonic()
    for start in range(0, 1000, 4):
        await asyncio.gather(*(authority.submit(f"R-{n}") for n in range(start, start + 4)))
    assert 1000 / (SystemClock().monotonic() - began) > 500


async def test_a_fault_for_once_hits_the_first_and_a_one_before_it_every_request(authority):
    once = [await _submit_magic(authority, "0500", "ONCE") for _ in range(2)]
    always = [await _submit_magic(authority, "1500", "ALWAYS") for _ in range(2)]
    assert [answer[0] for answer in once] == [500, 200]
    assert [answer[0] for answer in always] == [500, 500]


async def test_late_is_by_the_agencys_clock_and_a_liar_is_later(authority):
    for fault in ("0806", "0807"):
        assert await _submit_magic(authority, fault, f"L-{fault}") is None
    acted = []
    for seconds in (118, 2, 61):
        await authority.control.advance_clock(seconds)
        rows = await authority.control.ledger(operation="submit")
        acted.append([row["fault"] for row in rows if row["acted"]])
    assert acted == [[], ["806"], ["806", "807"]]


async def test_what_is_late_survives_kill_9(authority, tmp_path):
    sandbox = started(MODULE, tmp_path)
    authority.sandbox = sandbox
    await _submit_magic(authority, "0806", "LATE")
    sandbox.kill()
    again = started(MODULE, tmp_path)
    async with again.control as control:
        await control.advance_clock(121)
        acted = [row["acted"] for row in await control.ledger(ref="LATE")]
    again.stop()
    assert acted == [0, 1]


async def test_a_record_is_found_only_after_the_lag(authority):
    await _submit_magic(authority, "0808", "LAG")
    assert [row["acted"] for row in await authority.control.ledger(ref="LAG")] == [1]
    found = [len(await authority.find("LAG"))]
    await authority.control.advance_clock(11)
    found.append(len(await authority.find("LAG")))
    assert found == [0, 1]


async def test_a_broken_search_finds_nothing_not_even_what_it_found_before(authority):
    await authority.submit("CONTROL")
    await _submit_magic(authority, "0809", "LOST")
    assert [await authority.find(ref) for ref in ("CONTROL", "LOST")] == [[], []]
    await authority.control.advance_clock(601)
    assert [len(await authority.find(ref)) for ref in ("CONTROL", "LOST")] == [1, 1]


async def test_rules_on_the_control_port_come_before_magic_and_end_by_number(authority):
    await authority.control.faults([{"operation": "submit", "match": "RULED", "fault": "503", "times": 2}])
    told = [(await _submit_magic(authority, "0000", ref))[0] for ref in ("RULED-1", "FREE", "RULED-2", "RULED-3")]
    assert told == [503, 200, 503, 200]


async def test_a_fault_that_is_not_on_the_menu_is_refused(authority):
    with pytest.raises(aiohttp.ClientResponseError):
        await authority.control.faults([{"fault": "999"}])


async def test_reset_leaves_neither_rows_nor_records(authority):
    await authority.submit("GONE")
    await authority.control.reset()
    assert await authority.control.ledger() == []
    assert await authority.find("GONE") == []


async def test_health_lists_what_has_no_meaning_here(authority):
    told = (await authority.control.health())["not_applicable"]
    assert set(chain.from_iterable(told.values())) <= MENU.keys()
    assert "401" in told["*"]


async def test_the_other_host_counts_who_follows(authority):
    """The control: a client that follows a 308 posts the citizen's data to a stranger, and is seen."""
    _, _, headers = await _submit_magic(authority, "0308", "MOVED")
    async with authority.session.post(headers["location"], json={}):
        pass
    assert (await authority.control.calls())["elsewhere"] == 1


async def test_a_lost_answer_is_a_reset_and_a_closed_one_is_not(authority):
    seen = {}
    for fault in ("0600", "0601", "0602", "0603", "0608"):
        reader, writer = await asyncio.open_connection("127.0.0.1", authority.sandbox.port)
        applicant = {"givenName": "Test", "gender": "F", "mobile": f"900000{fault}"}
        asked = {"clientRef": f"RAW-{fault}", "service": "FRESH", "scheme": "Normal", "applDob": "01/01/1990"}
        body = json.dumps({"requestResponseMap": {**asked, "applicant": applicant}}).encode()
        head = "POST /v1/online/saveApplication HTTP/1.1\r\nHost: x\r\nOrigin: x\r\nReferer: x\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        try:
            got = await reader.read()
            seen[fault] = "closed" if got == b"" else "cut"
        except ConnectionResetError:
            seen[fault] = "reset"
        writer.close()
    assert seen == {"0600": "reset", "0601": "reset", "0602": "reset", "0603": "cut", "0608": "closed"}


def test_the_bomb_is_a_gibibyte_in_a_mebibyte():
    packed = b"".join(bomb())
    assert len(packed) < 1.2 * MEBIBYTE
    opener = zlib.decompressobj(zlib.MAX_WBITS | 16)
    size = len(opener.decompress(packed, MEBIBYTE))
    for _ in range(20):
        size += len(opener.decompress(opener.unconsumed_tail, MEBIBYTE))
    assert size == 21 * MEBIBYTE
    blocks = (len(packed) - 20) // 1024
    assert blocks * 1024 > 0.9 * (len(packed) - 20)


def test_the_flood_is_64_mebibytes():
    assert sum(map(len, flood(xml=False))) == 64 * MEBIBYTE


async def test_the_same_seed_gives_the_same_places(authority, tmp_path):
    asked = {"arn": "99-0000000000", "applDob": "01/01/1990", "psk": "BBSR", "from": "01/02/2027", "to": "01/02/2027"}
    here = (await authority.ask("availability", **asked))["requestResponseMap"]["slots"]
    same, other = started(MODULE, tmp_path / "a", seed=1), started(MODULE, tmp_path / "b", seed=2)
    told = []
    for sandbox in (same, other):
        authority.sandbox = sandbox
        slots = (await authority.ask("availability", **asked))["requestResponseMap"]["slots"]
        told.append([slot["free"] for slot in slots])
        sandbox.stop()
    assert told[0] == [slot["free"] for slot in here]
    assert told[1] != told[0]
