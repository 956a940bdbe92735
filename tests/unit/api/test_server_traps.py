"""What aiohttp's server would do by itself, and what ours does instead (docs/libraries.md section 3.2)."""

import asyncio
import gzip
import json
import logging
from dataclasses import replace

import pytest
from aiohttp import ClientSession, web
from api_town import GENEROUS, GOOD_FORM, running_town

JSON = {"Content-Type": "application/json"}
PROBLEM = "application/problem+json"


async def spoken(town, raw: bytes, *, patience_s: float = 3.0) -> bytes:
    """What comes back for exact bytes, until the server closes or nothing more comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", town.server.port)
    writer.write(raw)
    got = b""
    try:
        async with asyncio.timeout(patience_s):
            while chunk := await reader.read(65_536):
                got += chunk
    except TimeoutError:
        got += b"<still open>"
    writer.close()
    return got


async def naive(handler):
    """A plain aiohttp server with one handler: the control."""
    app = web.Application()
    app.router.add_route("*", "/id/{name}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, runner.addresses[0][1]


async def test_as1_unknown_paths_wrong_methods_and_crashes_are_problem_documents(town):
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/cases", 405),
        ("POST", "/openapi.json", 405),
        ("GET", "/problems/no-such-code", 404),
    ):
        got = await town.raw(method, path, headers=town.headers())
        assert (got.status, got.headers["Content-Type"]) == (status, PROBLEM), path
        assert got.headers["Request-Id"] == got.json["request_id"]
        assert ("Allow" in got.headers) is (status == 405)


async def test_as1_the_control_answers_in_plain_text():
    async def handler(request):
        raise ValueError

    runner, port = await naive(handler)
    async with ClientSession() as http, http.get(f"http://127.0.0.1:{port}/nothing") as got:
        assert got.content_type == "text/plain"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"", JSON, 400),
        (b"[]", JSON, 400),
        (b"null", JSON, 400),
        (b'{"form": {}}', {"Content-Type": "application/json; charset=nope"}, 415),
        (b'{"form": {}}', {"Content-Type": "text/html"}, 415),
        (b'{"form": {"name": "\xff"}}', JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b'{"form": ' + b'{"a":' * 100 + b"1" + b"}" * 101, JSON, 400),
        (gzip.compress(b'{"form": {}}', mtime=0), JSON | {"Content-Encoding": "gzip"}, 415),
    ],
)
async def test_as2_a_body_that_cannot_be_read_is_a_refusal_and_not_a_crash(town, body, headers, status):
    path = "/v1/services/office.permit/form-checks"
    got = await town.raw("POST", path, data=body, headers=town.headers() | headers)
    if body.startswith(b'{"form": {"a"'):
        assert got.status in {200, 400}
    else:
        assert (got.status, got.headers["Content-Type"]) == (status, PROBLEM)


async def test_as3_what_aiohttp_refuses_itself_reaches_no_handler_and_no_log(town, caplog):
    caplog.set_level(logging.INFO)
    before = town.parts.meter.text()
    secret = b"SECRET-OF-ASHA"
    for raw in (
        b"GET /v1/cases\x01" + secret + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/cases HTTP/1.1\r\nHost: x\r\nX-Long: " + secret * 1000 + b"\r\n\r\n",
        b"POST /v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n" + secret,
    ):
        got = await spoken(town, raw)
        assert b" 400 " in got.splitlines()[0]
    assert "SECRET" not in caplog.text
    assert town.parts.meter.text() == before


async def test_as4_no_answer_names_the_library_or_its_version(town):
    for path in ("/v1/cases", "/nothing", "/livez", "/openapi.json"):
        got = await town.raw("GET", path)
        assert got.headers["Server"] == "citizen-service-aggregator"


async def test_as4_the_control_names_both():
    async def handler(request):
        return web.Response()

    runner, port = await naive(handler)
    async with ClientSession() as http, http.get(f"http://127.0.0.1:{port}/id/x") as got:
        assert "aiohttp" in got.headers["Server"]
    await runner.cleanup()


async def test_as5_half_a_request_line_is_not_waited_for(sqlite_store):
    async with running_town(sqlite_store, limits=replace(GENEROUS, first_request_s=0.3)) as town:
        assert await spoken(town, b"GET /v1/ca") == b""
        # A caller that did ask keeps its connection longer than the watchdog's time.
        assert (await town.raw("GET", "/livez")).status == 200
        await asyncio.sleep(0.4)
        assert (await town.raw("GET", "/livez")).status == 200


async def test_as5_the_control_waits_for_ever():
    async def handler(request):
        return web.Response()

    runner, port = await naive(handler)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /id")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await reader.read(1)
    writer.close()
    await runner.cleanup()


async def test_as5_one_address_holds_only_its_share_of_connections(sqlite_store):
    async with running_town(sqlite_store, limits=replace(GENEROUS, connections_per_address=4)) as town:
        pairs = [await asyncio.open_connection("127.0.0.1", town.server.port) for _ in range(6)]
        await asyncio.sleep(0.1)
        cut = [reader.at_eof() or reader.exception() is not None for reader, _ in pairs]
        assert sum(cut) >= 2
        for _, writer in pairs:
            writer.close()
        await asyncio.sleep(0.1)
        assert (await town.raw("GET", "/livez")).status == 200


async def test_as5_a_body_that_trickles_in_is_not_waited_for(sqlite_store):
    async with running_town(sqlite_store, limits=replace(GENEROUS, body_s=0.2)) as town:
        head = f"POST /v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {town.tokens['one']}\r\n"
        head += "Idempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        got = await spoken(town, head.encode())
        assert got.startswith(b"HTTP/1.1 400")
        assert b"did not arrive in time" in got
        assert not got.endswith(b"<still open>")


@pytest.mark.parametrize(
    "path", ["/services/a%2Fb", "/services/%00", "/services/%ff", "/cases/..%2f..", "/agencies/a b"]
)
async def test_as6_a_path_parameter_passes_its_pattern_before_any_handler(town, path):
    got = await town.ask("GET", path)
    assert (got.status, got.json["code"]) == (404, "not-found")


async def test_as6_the_control_hands_the_slash_to_the_handler():
    seen = []

    async def handler(request):
        seen.append(request.match_info["name"])
        return web.Response()

    runner, port = await naive(handler)
    raw = b"GET /id/a%2Fb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    await reader.read()
    writer.close()
    await runner.cleanup()
    assert seen == ["a/b"]


async def test_as7_a_long_poll_ends_when_its_caller_hangs_up(town):
    case = (await town.open()).json
    seen = await town.ask("GET", f"/cases/{case['id']}")
    head = f"GET /v1/cases/{case['id']}?wait=60 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {town.tokens['one']}\r\n"
    head += f"If-None-Match: {seen.headers['ETag']}\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", town.server.port)
    writer.write(head.encode())
    await asyncio.sleep(0.2)

    [waiting] = [task for task in asyncio.all_tasks() if "changed" in repr(task.get_coro())]
    writer.close()
    await asyncio.wait({waiting}, timeout=5)
    assert waiting.cancelled()


async def test_as7_a_portal_that_hangs_up_does_not_cut_a_submission_in_two(town):
    town.office.held = asyncio.Event()
    body = json.dumps({"service_id": "office.permit", "form": GOOD_FORM}).encode()
    head = f"POST /v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {town.tokens['one']}\r\n"
    head += "Idempotency-Key: gone\r\nPrefer: wait=20\r\nContent-Type: application/json\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", town.server.port)
    writer.write(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await asyncio.sleep(0.3)
    writer.transport.abort()
    await asyncio.sleep(0.05)
    town.office.held.set()
    items = await town.until("/cases?status=SUBMITTED")
    assert len(items) == len(town.office.acted) == 1


async def test_as8_an_early_refusal_never_takes_the_rest_of_a_body_for_the_next_request(town):
    smuggled = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /v1/cases HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    got = await spoken(town, head + f"Content-Length: {len(smuggled)}\r\n\r\n".encode() + smuggled)
    assert got.startswith(b"HTTP/1.1 401")
    assert got.count(b"HTTP/1.1") == 1
    assert not got.endswith(b"<still open>")


async def test_as8_a_keep_alive_caller_goes_on_after_a_refusal_of_what_was_read(town):
    for _ in range(3):
        got = await town.open(form={"name": "x"})
        assert got.status == 400
        assert "close" not in got.headers.get("Connection", "")


async def test_as9_head_is_get_without_a_body(town):
    got = await town.ask("HEAD", "/services")
    full = await town.ask("GET", "/services")
    assert (got.status, got.body) == (200, b"")
    assert got.headers["Content-Length"] == str(len(full.body))
    assert (await town.ask("HEAD", "/services/office.permit")).headers["ETag"]


async def test_as9_a_preflight_is_answered_for_registered_origins_only(town):
    asked = {"Origin": "https://one.example", "Access-Control-Request-Method": "POST"}
    got = await town.raw("OPTIONS", "/v1/cases", headers=asked)
    assert got.status == 204
    assert got.headers["Access-Control-Allow-Origin"] == "https://one.example"
    assert got.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
    assert "Idempotency-Key" in got.headers["Access-Control-Allow-Headers"]
    evil = await town.raw("OPTIONS", "/v1/cases", headers=asked | {"Origin": "https://evil.example"})
    assert evil.status == 401
    assert "Access-Control-Allow-Origin" not in evil.headers
    assert (await town.ask("OPTIONS", "/cases")).status == 405


async def test_an_expectation_nobody_knows_is_met_with_an_ordinary_answer(town):
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\nExpect: a-miracle\r\nConnection: close\r\n\r\n"
    got = await spoken(town, head.replace(b"/livez", b"/nothing"))
    assert got.startswith(b"HTTP/1.1 404")
    assert PROBLEM.encode() in got


async def test_a_host_header_that_is_no_host_is_not_repeated(town):
    raw = b"GET /nothing HTTP/1.1\r\nHost: evil.example/<script>\r\nConnection: close\r\n\r\n"
    assert b"script" not in await spoken(town, raw)


async def test_a_crash_is_logged_by_class_and_place_and_never_by_its_words(sqlite_store, caplog):
    class Crashing:
        async def cases(self, **_):
            raise KeyError("Asha Secret")

    async with running_town(sqlite_store, around=lambda _desk: Crashing()) as town:
        got = await town.ask("GET", "/cases")
    assert got.status == 500
    [record] = [one for one in caplog.records if one.message == "request.crashed"]
    assert (record.error, record.effect) == ("KeyError", "none")
    assert "test_server_traps.py:" in record.place
    assert "Asha" not in caplog.text
