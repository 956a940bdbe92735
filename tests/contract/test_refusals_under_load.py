"""Limits, shedding, a store that is away, a crash of ours: the effect is told as it is, never as hoped."""

import asyncio
from dataclasses import replace

import pytest
from api_town import GENEROUS, running_town
from provoked import Broken, shaped

from aggregator.api.limits import Quota
from aggregator.store import StoreUnavailable


async def test_a_limit_that_is_met_says_when_to_come_back(sqlite_store):
    limits = replace(GENEROUS, number=Quota("number", 3, 300))
    async with running_town(sqlite_store, limits=limits) as town:
        number = (await town.open()).json["number"]
        for _ in range(3):
            assert (await town.ask("GET", f"/track/{number}")).status == 200
        got = await town.ask("GET", f"/track/{number}")
        problem = shaped(got, "rate-limited")
        assert problem["safe_to_retry"] is True
        wait_s = int(got.headers["Retry-After"])
        assert 90 <= wait_s <= 100
        town.clock.push(wait_s)
        assert (await town.ask("GET", f"/track/{number}")).status == 200


async def test_browsing_is_shed_before_cases_are(sqlite_store):
    async with running_town(sqlite_store, limits=replace(GENEROUS, browsing_in_flight=0)) as town:
        shaped(await town.ask("GET", "/services"), "overloaded")
        assert (await town.open()).status == 201


@pytest.mark.parametrize("kept", ["none", "unknown"])
async def test_a_store_that_cannot_store_refuses_and_says_whether_it_may_have(sqlite_store, kept):
    error = StoreUnavailable("full", kept)
    async with running_town(sqlite_store, around=lambda desk: Broken(desk, "open", error)) as town:
        problem = shaped(await town.open(), "store-unavailable", kept)
        assert problem["safe_to_retry"] is True
        assert "next_check_at" in problem


@pytest.mark.parametrize(("use", "effect"), [("open", "unknown"), ("settled", "done"), ("case", "none")])
async def test_a_crash_of_ours_reports_the_effect_as_computed_and_not_as_hoped(sqlite_store, use, effect):
    error = ValueError("Asha's secret")
    async with running_town(sqlite_store, around=lambda desk: Broken(desk, use, error)) as town:
        if use == "settled":
            town.office.held = asyncio.Event()
        path = "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB"
        got = await town.ask("GET", path) if use == "case" else await town.open()
        problem = shaped(got, "internal", effect)
        assert problem["safe_to_retry"] is True
        assert b"Asha" not in got.body
        if use == "settled":
            town.office.held.set()


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(sqlite_store):
    error = StoreUnavailable("full", "none")
    async with running_town(sqlite_store, around=lambda desk: Broken(desk, "answered", error)) as town:
        got = await town.open()
        assert got.status == 201
        assert got.json["status"] == "SUBMITTED"


async def test_a_store_that_cannot_be_read_is_no_crash(sqlite_store):
    error = StoreUnavailable("locked", "none")
    async with running_town(sqlite_store, around=lambda desk: Broken(desk, "case", error)) as town:
        shaped(await town.ask("GET", "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB"), "store-unavailable")


async def test_callers_who_only_wait_take_nobody_s_place(sqlite_store):
    async with running_town(sqlite_store, limits=replace(GENEROUS, in_flight=4, browsing_in_flight=4)) as town:
        waiting = [asyncio.create_task(town.ask("GET", "/feeds/all?timeout=20000")) for _ in range(12)]
        await asyncio.sleep(0.2)
        assert (await town.ask("GET", "/services")).status == 200
        assert (await town.open()).status == 201
        answers = await asyncio.wait_for(asyncio.gather(*waiting), 5)
    # The twelve arrived at once, and a burst beyond four is shed before it waits; nobody was left hanging.
    assert {got.status for got in answers} <= {200, 503}


async def test_who_finds_no_room_to_wait_is_answered_at_once_with_what_is_known(sqlite_store):
    async with running_town(sqlite_store, limits=replace(GENEROUS, waiting=0)) as town:
        town.office.held = asyncio.Event()
        async with asyncio.timeout(3):
            assert (await town.ask("GET", "/feeds/all?timeout=20000")).json == []
            got = await town.open(Prefer="wait=30")
            assert (got.status, got.json["status"]) == (202, "ACCEPTED")
            enquiry = {"form": {"consumer": "123456"}}
            shaped(await town.ask("POST", "/services/office.bill/enquiries", json=enquiry), "overloaded")
        town.office.held.set()
