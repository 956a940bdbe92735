"""The agencies' door on the real server: the driver says who is there; nothing is answered before it is kept."""

import asyncio
import json
from typing import Any

from api_town import running_town

from aggregator.store import Store, StoreUnavailable

SIGNED = {"X-Signed": "by the office"}
PUSHED = json.dumps({"event": "e1", "number": "N1"}).encode()


class Switched:
    """A store that can be switched off for writing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.down = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, fn: Any) -> Any:
        if self.down:
            raise StoreUnavailable("disk full")
        return await self._store.write(fn)


async def push(town: Any, path: str = "/callbacks/office", body: Any = PUSHED, **headers: str) -> Any:
    return await town.raw("POST", path, data=body, headers={**SIGNED, **headers})


async def kept(town: Any) -> list[tuple[str, str]]:
    return [(row["state"], row["why"]) for row in await town.store.read("select state, why from inbox order by id")]


async def test_a_callback_is_answered_in_the_agency_s_own_words_once_it_is_durable(town: Any) -> None:
    case = (await town.open()).json
    got = await push(town)
    assert (got.status, got.body) == (200, b'{"taken": true}')
    assert await kept(town) == [("NEW", "")]
    await town.inbox.work()
    assert await kept(town) == [("DONE", "")]
    events = (await town.ask("GET", f"/cases/{case['id']}/events")).json["items"]
    assert "callback.received" in [event["type"] for event in events]
    assert (await town.ask("GET", f"/cases/{case['id']}")).json["status"] == "SUBMITTED", "a hint moves nothing"


async def test_the_same_event_again_is_answered_alike_and_kept_once(town: Any) -> None:
    for _ in range(3):
        assert (await push(town, "/callbacks/office/status/changed")).status == 200
    assert len(await kept(town)) == 1


async def test_an_agency_nobody_has_is_not_there(town: Any) -> None:
    for path in ("/callbacks/police", "/callbacks/police/x", "/callbacks/Office", "/callbacks/"):
        got = await push(town, path)
        assert (got.status, got.json["code"]) == (404, "not-found"), path
    assert await kept(town) == []
    assert (await town.raw("GET", "/callbacks/office")).status == 405


async def test_a_bad_signature_is_answered_as_the_driver_says_and_has_no_effect(town: Any) -> None:
    case = (await town.open()).json
    got = await push(town, **{"X-Signed": "by somebody"})
    assert (got.status, got.body) == (403, b'{"taken": false}')
    assert await kept(town) == [("REFUSED", "the signature is wrong")]
    await town.inbox.work()
    events = (await town.ask("GET", f"/cases/{case['id']}/events")).json["items"]
    assert "callback.received" not in [event["type"] for event in events]


async def test_what_is_too_large_is_refused_whether_or_not_it_says_so_itself(town: Any) -> None:
    said = await push(town, body=b"x" * 300_000)
    assert (said.status, said.json["code"]) == (413, "too-large")

    async def drip() -> Any:
        for _ in range(10):
            yield b"x" * 30_000

    unsaid = await push(town, body=drip())
    assert (unsaid.status, unsaid.json["code"]) == (413, "too-large")
    assert await kept(town) == []


async def test_a_store_that_cannot_keep_it_makes_the_agency_send_it_again(sqlite_store: Store) -> None:
    store = Switched(sqlite_store)
    async with running_town(store) as town:  # type: ignore[arg-type]  # it is a store, by delegation
        store.down = True
        got = await push(town)
        assert (got.status, got.json["code"], got.json["effect"]) == (503, "store-unavailable", "none")
        assert int(got.headers["Retry-After"]) >= 1
        store.down = False
        assert (await push(town)).status == 200
        assert len(await kept(town)) == 1


async def test_a_hundred_callbacks_at_once_are_a_hundred_rows(town: Any) -> None:
    bodies = [json.dumps({"event": f"e{n}", "number": "N1"}).encode() for n in range(100)]
    answers = await asyncio.gather(*(push(town, body=body) for body in bodies))
    assert {got.status for got in answers} == {200}
    assert len(await kept(town)) == 100
