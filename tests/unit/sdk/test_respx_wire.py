"""The fake wire keeps the production wire's promises, without a socket and without a patch."""

import httpx
import pytest
import respx

from aggregator.sdk.testing.wires import RespxWire
from aggregator.sdk.wire import TRAIL, SecondEffect, Sent, Trail, WireError

URL = "http://agency.example/x"


@pytest.fixture
def router():
    return respx.Router()


async def send(router, *, effect=True, cap=1000, **parts):
    return await RespxWire(router).send("POST", URL, headers={"X-A": "1"}, body=b"{}", effect=effect, cap=cap, **parts)


@pytest.fixture
def trail():
    made = Trail()
    token = TRAIL.set(made)
    yield made
    TRAIL.reset(token)


async def test_ts1_the_router_is_an_argument_and_nothing_is_patched(router, trail):
    route = router.post(URL).respond(201, json={"requestNo": "R1"}, headers={"Retry-After": "3"})
    reply = await send(router)
    assert (reply.status, reply.headers["retry-after"], reply.body) == (201, "3", b'{"requestNo":"R1"}')
    assert (trail.sent, trail.answered, trail.reply) == (Sent.MAYBE, True, reply)
    assert route.calls[0].request.headers["x-a"] == "1"


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
async def test_what_never_left_is_unsent(router, trail, error):
    router.post(URL).mock(side_effect=error("x"))
    with pytest.raises(WireError) as caught:
        await send(router)
    assert (caught.value.sent, trail.sent) == (Sent.NO, Sent.NO)


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError])
async def test_what_may_have_left_is_a_doubt(router, trail, error):
    router.post(URL).mock(side_effect=error("x"))
    with pytest.raises(WireError) as caught:
        await send(router)
    assert (caught.value.sent, trail.sent, trail.answered) == (Sent.MAYBE, Sent.MAYBE, False)


async def test_an_answer_beyond_the_cap_is_none(router, trail):
    router.post(URL).respond(200, content=b"x" * 1001)
    with pytest.raises(WireError) as caught:
        await send(router)
    assert caught.value.too_big
    assert not trail.answered


async def test_ac11_a_request_no_route_expects_fails_the_test_and_is_no_outage(router):
    router.post("http://other.example/").respond(200)
    with pytest.raises(respx.models.AllMockedAssertionError):
        await send(router)


async def test_a_second_effect_bearing_send_is_refused_here_too(router, trail):
    router.post(URL).respond(200)
    await send(router)
    await send(router, effect=False)
    with pytest.raises(SecondEffect):
        await send(router)
    assert router.calls.call_count == 2


async def test_journal_and_recheck_come_before_the_answer(router):
    class Fenced(Trail):
        async def journal(self, method, url, headers, body):
            steps.append(("journal", method, body))

        def recheck(self):
            steps.append(("recheck",))
            raise RuntimeError("fenced")

    steps = []
    fenced = Fenced()
    token = TRAIL.set(fenced)
    with pytest.raises(RuntimeError, match="fenced"):
        await send(router)
    TRAIL.reset(token)
    assert steps == [("journal", "POST", b"{}"), ("recheck",)]
    assert (fenced.sent, router.calls.call_count) == (Sent.NO, 0)
