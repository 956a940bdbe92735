"""Keys of actions, what was asked, and reading a case again: the same on SQLite and PostgreSQL, also after a crash."""

import asyncio
from typing import Any

from api_town import running_town

from aggregator.sdk.auth import Signer
from aggregator.store import Store


async def act(town: Any, case_id: str, key: str, **body: Any) -> Any:
    asked = {"action": "BOOK", "form": {"slot_id": "S7"}} | body
    return await town.ask("POST", f"/cases/{case_id}/actions", json=asked, Idempotency_Key=key, Prefer="wait=5")


async def test_fifty_callers_with_one_key_are_one_booking_and_one_answer(store: Store) -> None:
    async with running_town(store) as town:
        case = (await town.open()).json
        answers = await asyncio.gather(*(act(town, case["id"], "one") for _ in range(50)))
        assert {got.status for got in answers} <= {200, 409}
        assert len({got.body for got in answers if got.status == 200}) == 1
        assert town.office.asked == ["book S7"]
        rows = await town.store.read("select name from operation where case_id = $1 and name = 'book'", case["id"])
        assert len(rows) == 1


async def test_after_a_restart_the_first_answer_is_given_again_and_nothing_is_asked(store: Store) -> None:
    signer = Signer.generate()
    async with running_town(store, signer=signer) as town:
        case = (await town.open()).json
        first = await act(town, case["id"], "one")
        token = town.tokens["one"]
    async with running_town(store, signer=signer) as town:
        town.tokens["one"] = token
        again = await act(town, case["id"], "one")
        assert (again.status, again.body, town.office.asked) == (first.status, first.body, [])
        other = await act(town, case["id"], "one", form={"slot_id": "S8"})
        assert other.status == 422


async def test_an_answer_that_was_never_kept_is_made_from_the_case_and_nothing_is_asked_twice(store: Store) -> None:
    async with running_town(store) as town:
        case = (await town.open()).json
        await act(town, case["id"], "one")
        lost = "update idempotency set status = null, body_sealed = null, answer_due_ms = 0 where key = 'one'"
        await town.store.write(lambda run: run(lost))
        again = await act(town, case["id"], "one")
        assert (again.status, again.json["asked"][0]["state"]) == (200, "CONFIRMED")
        assert town.office.asked == ["book S7"]
        assert (await act(town, case["id"], "one")).body == again.body


async def test_a_page_of_cases_is_newest_first_each_with_its_own_parts_and_wishes(store: Store) -> None:
    async with running_town(store) as town:
        opened = [(await town.open(f"k-{n}")).json["id"] for n in range(4)]
        await act(town, opened[1], "a")
        page = (await town.ask("GET", "/cases?limit=3")).json
        assert [case["id"] for case in page["items"]] == opened[:0:-1]
        assert [len(case["legs"]) for case in page["items"]] == [1, 1, 1]
        assert ["asked" in case for case in page["items"]] == [False, False, True]
        seen = (await town.ask("GET", f"/cases/{opened[1]}")).json
        assert seen["asked"][0]["reference"] == "B1"
