"""A bill paid through the API: the real server on a real socket, the money town behind it."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from money_town import MoneyTown, money_town

from aggregator.api.payment_routes import payment_return_routes
from aggregator.sdk.clock import ManualClock, SystemClock
from aggregator.store import Store
from aggregator.texts import say

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "api"))

from api_town import running_town

MINE, STRANGER = "ctz_aaaaaaaaaaaaaaaaaaaa", "ctz_bbbbbbbbbbbbbbbbbbbb"


@dataclass
class Shop:
    town: MoneyTown
    url: str
    http: aiohttp.ClientSession
    tokens: dict[str, str]
    keys: int = 0

    async def ask(self, method: str, path: str, *, portal: str = "one", body: Any = None, **headers: str) -> Any:
        self.keys += method == "POST"
        sent = {"Authorization": f"Bearer {self.tokens[portal]}", "Idempotency-Key": f"k-{self.keys}", **headers}
        async with self.http.request(method, self.url + path, json=body, headers=sent, allow_redirects=False) as got:
            raw = await got.read()
            return got.status, json.loads(raw) if raw[:1] in {b"{", b"["} else raw.decode(), got.headers

    async def pay(self, citizen: str = MINE, **more: Any) -> Any:
        more.setdefault("Prefer", "wait=0")
        asked = {"service_id": "board.bill_payment", "citizen_id": citizen, "form": {"account": "1234"}}
        return await self.ask("POST", "/v1/payments", body=asked | more.pop("body", {}), **more)


@asynccontextmanager
async def opened_shop(store: Store) -> AsyncIterator[Shop]:
    town = await money_town(store, clock=ManualClock(SystemClock().now()))
    town.books.owe("1234")
    parts = {
        "payments": town.counter,
        "registry": town.till.registry,
        "stream": town.till.stream,
        "plain_routes": payment_return_routes(town.counter, say),
    }
    async with running_town(store, signer=town.signer, **parts) as api:
        yield Shop(town, api.origin, api.http, api.tokens)
    await town.delivery.stop()


@pytest.fixture
async def shop(store: Store) -> AsyncIterator[Shop]:
    async with opened_shop(store) as running:
        yield running


async def test_a_bill_is_paid_with_four_requests_and_the_browser_is_never_believed(shop: Shop) -> None:
    status, paying, headers = await shop.pay(body={"return_url": "https://one.example/done"}, Prefer="wait=0")
    assert (status, paying["phase"], paying["amount"]["amount"]) == (202, "PREPARING", "664.00")
    assert headers["Location"] == paying["link"]
    await shop.town.turn()
    _, waiting, _ = await shop.ask("GET", paying["link"])
    assert (waiting["phase"], waiting["collected"]["effect"], "pay_before" in waiting) == ("WAITING", "none", True)
    came_back, _, back = await shop.ask("GET", f"/payments/{paying['id']}/return?status=PAID&amount=1")
    assert (came_back, back["Location"]) == (303, f"https://one.example/done?payment_id={paying['id']}")
    await shop.town.turn()
    assert (await shop.ask("GET", paying["link"]))[1]["phase"] == "WAITING"
    shop.town.books.capture(paying["id"].removeprefix("pay_"))
    await shop.town.pass_time(30)
    _, posted, _ = await shop.ask("GET", paying["link"])
    assert (posted["phase"], posted["held"]["amount"], posted["posted"]["effect"]) == ("POSTED", "0.00", "done")
    assert "Receipt" in posted["explanation"]
    _, signed, _ = await shop.ask("GET", paying["link"] + "/receipt")
    assert shop.town.signer.receipt(signed["receipt"])["amount_paise"] == 66_400
    _, listed, _ = await shop.ask("GET", "/v1/payments?phase=POSTED")
    assert [one["id"] for one in listed["items"]] == [paying["id"]]


async def test_a_second_payment_tells_its_own_citizen_all_and_a_stranger_nothing(shop: Shop) -> None:
    _, first, _ = await shop.pay()
    await shop.town.turn()
    status, mine, headers = await shop.pay()
    assert (status, mine["code"], mine["effect"], mine["safe_to_retry"]) == (409, "payment-in-doubt", "unknown", False)
    assert (mine["case_id"], mine["number"]) == (first["case_id"], first["number"])
    assert "Waiting for your bank" in mine["detail"]
    assert "Retry-After" in headers
    for citizen, portal in ((STRANGER, "one"), (MINE, "two")):
        status, theirs, _ = await shop.pay(citizen, portal=portal)
        assert (status, theirs["code"], theirs["effect"]) == (409, "payment-in-doubt", "unknown")
        assert not {"case_id", "number"} & theirs.keys()
        assert first["number"] not in str(theirs)
        made_up = dict.fromkeys(("type", "instance", "request_id"), "")  # ids and ports hold any figure
        assert "664" not in str(theirs | made_up), "nor how much it is"
        assert "next_check_at" in theirs


async def test_another_portal_sees_no_payment_and_one_key_is_one_payment(shop: Shop) -> None:
    status, first, _ = await shop.pay(**{"Idempotency-Key": "same", "Prefer": "wait=0"})
    again = await shop.pay(**{"Idempotency-Key": "same", "Prefer": "wait=0"})
    assert (again[0], again[1], again[2]["Idempotency-Replayed"]) == (status, first, "true")
    for path in ("", "/receipt", "/evidence"):
        assert (await shop.ask("GET", first["link"] + path, portal="two"))[0] == 404
    assert (await shop.ask("GET", first["link"] + "/receipt"))[0] == 404  # nothing is recorded yet


async def test_why_nothing_can_be_paid_is_said_in_the_callers_language(shop: Shop) -> None:
    shop.town.books.owe("1234", 0)
    status, no, _ = await shop.pay(**{"Accept-Language": "hi"})
    assert (status, no["code"], no["effect"]) == (409, "action-not-possible", "none")
    assert "कुछ बकाया नहीं है" in no["detail"]
    shop.town.books.down = {"board"}
    assert (await shop.pay())[1]["code"] == "agency-unavailable"
    status, wrong, _ = await shop.pay(body={"form": {}})
    assert (status, wrong["errors"][0]["pointer"]) == (400, "/form/account")
    status, wrong, _ = await shop.pay(body={"return_url": "https://elsewhere.example/"})
    assert (status, wrong["errors"][0]["pointer"]) == (400, "/return_url")


async def test_money_in_doubt_is_shown_asked_back_and_proved_with_one_pack(shop: Shop) -> None:
    _, paying, _ = await shop.pay(Prefer="wait=0")
    await shop.town.turn()
    shop.town.books.capture(paying["id"].removeprefix("pay_"))
    shop.town.books.script["pay"] = ["lost"]
    assert (await shop.ask("POST", paying["link"] + "/checks"))[0] == 202
    await shop.town.pass_time(10)
    _, doubt, _ = await shop.ask("GET", paying["link"])
    assert (doubt["phase"], doubt["held"]["amount"], doubt["posted"]["effect"]) == ("POSTING", "664.00", "unknown")
    assert "Do not pay again" in doubt["explanation"]
    assert (await shop.ask("POST", paying["link"] + "/refunds"))[0] == 202
    assert (await shop.ask("POST", paying["link"] + "/refunds"))[0] == 202
    _, pack, _ = await shop.ask("GET", paying["link"] + "/evidence")
    async with shop.http.get(pack["download_url"]) as got:
        told = json.loads(await got.read())
    assert (told["held_paise"], [one["fact"] for one in told["ledger"]]) == (66_400, ["collected", "collected"])


async def test_the_page_a_browser_comes_back_to_says_nothing_about_money(shop: Shop) -> None:
    _, paying, _ = await shop.pay(Prefer="wait=0")
    status, page, _ = await shop.ask("POST", f"/payments/{paying['id']}/return")
    assert status == 200
    assert paying["number"] in page
    assert "664" not in page
    assert all(f'lang="{language}"' in page for language in ("en", "or", "hi"))
    assert (await shop.ask("GET", "/payments/pay_01JCZ5QK8V9XW3T6R2M4N7P0AB/return"))[0] == 404
