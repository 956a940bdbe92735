"""One key, one effect: R25, and what the draft on the Idempotency-Key header asks for."""

import asyncio

import pytest
from api_citizens import later
from api_town import GOOD_FORM, running_town
from figures import Figure, sized

CALLERS = 200


async def test_r25_two_hundred_callers_with_one_key_make_one_case(town):
    answers = await asyncio.gather(*(town.open("one-intention") for _ in range(CALLERS)))
    assert {got.status for got in answers} <= {201, 409}
    created = {got.json["id"] for got in answers if got.status == 201}
    assert len(created) == 1
    assert len(town.office.acted) == 1
    for got in answers:
        if got.status == 409:
            assert (got.json["code"], got.json["safe_to_retry"]) == ("request-in-progress", True)
    assert len((await town.ask("GET", "/cases")).json["items"]) == 1


async def without_the_index(town):
    await town.store.write(lambda run: run("drop table idempotency"))
    await town.store.write(
        lambda run: run(
            "create table idempotency (portal_id text, citizen_id text, method text, route text, key text,"
            " fingerprint text, case_id text, created_ms bigint, answer_due_ms bigint, status bigint, headers text,"
            " body_sealed text, seal bigint)"
        )
    )


async def test_r25_the_control_check_then_insert_without_the_unique_index_makes_two(town):
    await without_the_index(town)
    intentions = 0
    while intentions == 0 or len(town.office.acted) <= intentions < 30:  # a race is not lost every time
        intentions += 1
        await asyncio.gather(*(town.open(f"intention-{intentions}") for _ in range(20)))
    assert len(town.office.acted) > intentions


async def effects_of_a_crowd(town, rounds):
    """So many keys, each by 200 callers at once; how many effects there were, and what was answered."""
    statuses = set()
    for nth in range(rounds):
        answers = await asyncio.gather(*(town.open(f"crowd-{nth}") for _ in range(CALLERS)))
        assert len({got.json["id"] for got in answers if got.status == 201}) == 1
        statuses |= {got.status for got in answers}
    return len(town.office.acted), statuses


@pytest.mark.slow
@pytest.mark.figure("R25")
async def test_r25_the_control_without_the_unique_index_has_more_effects_than_intentions(town, figure: Figure):
    await without_the_index(town)
    intentions = 0
    while intentions == 0 or len(town.office.acted) <= intentions < 30:  # a race is not lost every time
        intentions += 1
        await asyncio.gather(*(town.open(f"intention-{intentions}") for _ in range(20)))
    assert len(town.office.acted) > intentions
    figure.control(f"check, then insert, without the unique index: {len(town.office.acted)} effects of {intentions}")


@pytest.mark.slow
@pytest.mark.figure("R25")
async def test_r25_one_key_is_one_effect_and_one_answer(town, figure: Figure):
    rounds = sized(5, 100)
    effects, statuses = await effects_of_a_crowd(town, rounds)
    assert (effects, statuses <= {201, 409}) == (rounds, True)
    first = await town.open('"quoted"')
    assert (await town.open("quoted")).body == first.body
    assert (await town.open("quoted", form=GOOD_FORM | {"name": "Somebody Else"})).status == 422
    assert (await town.open("")).status == 400
    other = await town.open("quoted", portal="two")
    assert (other.status, other.json["id"] != first.json["id"]) == (201, True)
    acted = len(town.office.acted)
    await later(town, 30 * 86_400)
    late = await town.open("quoted")
    assert (late.status, late.body, len(town.office.acted)) == (first.status, first.body, acted)
    figure.measured(
        f"{rounds} keys, {CALLERS} callers each: {effects} effects; 400 without, 409 while running, 422 with another"
        " body; quoted and bare are one key, another portal's is another; the same bytes after 30 days"
    )


async def test_r25_a_replay_is_the_first_answer_byte_for_byte_also_after_the_case_moved_on(town):
    town.office.held = asyncio.Event()
    first = await town.open("k", Prefer="wait=0")
    town.office.held.set()
    await town.until("/cases?status=SUBMITTED")
    again = await town.open("k", Prefer="wait=0", Accept_Language="hi")
    assert (again.status, again.body) == (first.status, first.body) == (202, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Content-Language"] == "en"


@pytest.mark.parametrize("again", ['"7f3c2b1e-0d7a"', "7f3c2b1e-0d7a", ' "7f3c2b1e-0d7a" '])
async def test_r25_a_quoted_key_and_a_bare_one_are_the_same_key(town, again):
    first = await town.open('"7f3c2b1e-0d7a"')
    assert (await town.open(again)).json["id"] == first.json["id"]


@pytest.mark.parametrize("key", ["", '""', '"', 'a"b', "k" * 256, "two words", "k\u00e4"])
async def test_a_key_that_is_none_is_refused_before_anything_is_stored(town, key):
    got = await town.open(key)
    assert (got.status, got.json["effect"]) == (400, "none")
    assert town.office.acted == []


async def test_r25_the_same_key_of_another_portal_is_another_key(town):
    one, two = await town.open("shared"), await town.open("shared", portal="two")
    assert one.json["id"] != two.json["id"]
    assert (one.status, two.status) == (201, 201)


async def test_r25_the_same_content_in_other_bytes_is_the_same_request(town):
    first = await town.open("k")
    headers = town.headers(Idempotency_Key="k", Prefer="wait=5") | {"Content-Type": "application/json"}
    data = b'{ "form": {"mobile": "9000000000",\n "name": "Test Citizen"},  "service_id": "office.permit" }'
    again = await town.raw("POST", "/v1/cases", data=data, headers=headers)
    assert again.json["id"] == first.json["id"]


async def test_r25_a_reused_key_with_another_form_is_refused_and_the_first_case_stands(town):
    first = await town.open("k")
    got = await town.open("k", form=GOOD_FORM | {"name": "Somebody Else"})
    assert (got.status, got.json["code"], got.json["effect"]) == (422, "idempotency-key-reused", "none")
    assert (await town.ask("GET", "/cases")).json["items"][0]["id"] == first.json["id"]
    assert len(town.office.acted) == 1


async def test_what_was_refused_before_acceptance_leaves_the_key_free(town):
    assert (await town.open("k", form={"name": "x"})).status == 400
    assert (await town.open("k")).status == 201


async def test_r25_after_a_restart_the_replay_answers_from_the_store(sqlite_store):
    from aggregator.sdk.auth import Signer  # noqa: PLC0415 - of this test alone

    signer = Signer.generate()
    async with running_town(sqlite_store, signer=signer) as town:
        first = await town.open("k")
        token = town.tokens["one"]
    async with running_town(sqlite_store, signer=signer) as town:
        town.tokens["one"] = token
        again = await town.open("k")
        assert (again.status, again.body) == (first.status, first.body)
        assert town.office.acted == []
