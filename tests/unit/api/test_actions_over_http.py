"""One more thing asked of an agency, over HTTP: once per key, honest about how far it got, refused with a reason."""

import asyncio

import pytest


async def act(town, case, action="BOOK", key="a-1", *, form=None, note="", portal="one", **headers):
    body = {"action": action} | ({"form": form} if form is not None else {}) | ({"note": note} if note else {})
    headers.setdefault("Prefer", "wait=5")
    return await town.ask(
        "POST", f"/cases/{case['id']}/actions", portal=portal, json=body, Idempotency_Key=key, **headers
    )


async def test_the_case_lists_what_can_be_asked_of_its_agency(town):
    case = (await town.open()).json
    offered = [action["action"] for action in case["actions"] if "why_not" not in action]
    assert offered == ["REMIND", "BOOK"]
    hindi = (await town.ask("GET", f"/cases/{case['id']}", Accept_Language="hi")).json
    assert [action["title"] for action in hindi["actions"]] == ["वापस लें", "स्मरण कराएँ", "समय आरक्षित करें"]


async def test_a_booking_that_the_agency_takes_in_time_is_done_and_says_so(town):
    case = (await town.open()).json
    got = await act(town, case, form={"slot_id": "S7"})
    assert got.status == 200
    assert town.office.asked == ["book S7"]
    [asked] = got.json["asked"]
    assert (asked["action"], asked["state"], asked["reference"]) == ("BOOK", "CONFIRMED", "B1")
    assert asked["explanation"] == "Taken by the agency; their number is B1."
    assert got.json["status"] == "SUBMITTED", "the case follows its application, not the booking"
    assert "BOOK" not in [action["action"] for action in got.json["actions"]]


async def test_nobody_waits_longer_for_an_action_than_they_asked(town):
    case = (await town.open()).json
    town.office.held = asyncio.Event()
    got = await act(town, case, form={"slot_id": "S7"}, Prefer="wait=0")
    assert (got.status, got.headers["Location"]) == (202, f"/v1/cases/{case['id']}")
    assert got.json["asked"][0]["state"] in {"READY", "SENDING"}
    town.office.held.set()


async def test_the_same_key_gives_the_first_answer_byte_for_byte_and_asks_once(town):
    case = (await town.open()).json
    first = await act(town, case, "REMIND", note="Please hurry")
    await act(town, case, "REMIND", key="a-2")
    again = await act(town, case, "REMIND", note="Please hurry", Accept_Language="hi")
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert town.office.asked == ["remind Please hurry", "remind "]


async def test_sixty_callers_with_one_key_book_one_slot(town):
    case = (await town.open()).json
    answers = await asyncio.gather(*(act(town, case, form={"slot_id": "S7"}) for _ in range(60)))
    assert {got.status for got in answers} <= {200, 409}
    assert {got.json["code"] for got in answers if got.status == 409} <= {"request-in-progress"}
    assert len({got.body for got in answers if got.status == 200}) == 1
    assert town.office.asked == ["book S7"]


async def test_the_control_without_keys_every_reminder_would_be_sent(town):
    case = (await town.open()).json
    for n in range(3):
        await act(town, case, "REMIND", key=f"a-{n}")
    assert len(town.office.asked) == 3


@pytest.mark.parametrize("other", [{"form": {"slot_id": "S8"}}, {"action": "REMIND"}, {"note": "Another word"}])
async def test_a_key_used_for_something_else_is_refused(town, other):
    case = (await town.open()).json
    await act(town, case, form={"slot_id": "S7"})
    got = await act(town, case, **({"form": {"slot_id": "S7"}} | other))
    assert (got.status, got.json["code"], got.json["effect"]) == (422, "idempotency-key-reused", "none")
    assert town.office.asked == ["book S7"]


async def test_a_key_of_one_case_is_not_good_for_another(town):
    one, two = (await town.open("k-1")).json, (await town.open("k-2")).json
    await act(town, one, "REMIND")
    assert (await act(town, two, "REMIND")).status == 422


async def test_while_the_first_is_being_answered_a_repeat_is_told_to_come_back(town):
    case = (await town.open()).json
    town.office.held = asyncio.Event()
    first = asyncio.create_task(act(town, case, form={"slot_id": "S7"}))
    await asyncio.sleep(0.2)
    got = await act(town, case, form={"slot_id": "S7"})
    assert (got.status, got.json["code"], got.json["safe_to_retry"]) == (409, "request-in-progress", True)
    town.office.held.set()
    assert (await first).status == 200


async def test_what_was_refused_leaves_the_key_free(town):
    case = (await town.open()).json
    town.office.held = asyncio.Event()
    await act(town, case, "REMIND", Prefer="wait=0")
    refused = await act(town, case, "REMIND", key="a-2")
    assert (refused.status, refused.json["code"]) == (409, "action-not-possible")
    assert "has been asked for this already" in refused.json["detail"]
    town.office.held.set()
    for _ in range(100):
        if (await town.ask("GET", f"/cases/{case['id']}")).json["asked"][0]["state"] == "CONFIRMED":
            break
        await asyncio.sleep(0.02)
    assert (await act(town, case, "REMIND", key="a-2")).status == 200


async def test_what_the_stage_of_the_case_does_not_allow_is_refused_with_the_reason(town):
    town.office.down = True
    case = (await town.open(Prefer="wait=0")).json
    got = await act(town, case, form={"slot_id": "S7"})
    assert (got.status, got.json["number"]) == (409, case["number"])
    assert "nothing of this kind to ask for" in got.json["detail"]


async def test_an_agency_s_no_to_an_action_is_told_beside_the_case_and_may_be_asked_anew(town):
    case = (await town.open()).json
    town.office.script = ["refuse"]
    got = await act(town, case, form={"slot_id": "S7"})
    assert got.status == 200
    assert (got.json["status"], got.json["asked"][0]["state"]) == ("SUBMITTED", "REJECTED")
    assert got.json["asked"][0]["explanation"].startswith("The agency said no")
    assert (await act(town, case, key="a-2", form={"slot_id": "S8"})).status == 200


async def test_a_doubt_about_an_action_is_answered_at_once_and_stays_a_doubt(town):
    case = (await town.open()).json
    town.office.script = ["silence"]
    loop = asyncio.get_running_loop()
    started = loop.time()
    got = await act(town, case, "REMIND", Prefer="wait=20")
    assert got.status == 202
    assert got.json["asked"][0]["state"] in {"IN_DOUBT", "NEEDS_HUMAN"}
    assert loop.time() - started < 5
    again = await act(town, case, "REMIND", key="a-2")
    assert (again.status, again.json["code"]) == (409, "action-not-possible")


async def test_a_doubtful_application_is_answered_at_once_instead_of_after_the_whole_patience(town):
    town.office.script = ["silence"]
    loop = asyncio.get_running_loop()
    started = loop.time()
    got = await town.open(Prefer="wait=20")
    assert (got.status, got.json["status"]) == (202, "UNCONFIRMED")
    assert loop.time() - started < 5


async def test_an_action_nobody_knows_is_refused_in_words(town):
    case = (await town.open()).json
    got = await act(town, case, "DANCE")
    assert (got.status, got.json["detail"].split(":")[0]) == (409, "It cannot be done as the case stands")


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({"slot_id": "S7\u0000"}, "/form/slot_id"),
        ({"slot_id": {"nested": 1}}, "/form/slot_id"),
        ({"slot_id": None}, "/form/slot_id"),
        ({"slot_id": 1.5}, "/form/slot_id"),
        ({"slot_id": True}, "/form/slot_id"),
        ({"slot_id": "x" * 4001}, "/form/slot_id"),
        ({"slot_id": 10**17}, "/form/slot_id"),
        ({"slot\u0007": "S7"}, "/form"),
        ({f"f{n}": 1 for n in range(61)}, "/form"),
    ],
)
async def test_a_form_holds_bounded_texts_and_whole_numbers_and_nothing_else(town, form, pointer):
    case = (await town.open()).json
    got = await act(town, case, form=form)
    assert (got.status, got.json["code"], got.json["effect"]) == (400, "validation-failed", "none")
    assert pointer in {error["pointer"] for error in got.json["errors"]}
    assert town.office.asked == []


async def test_an_action_on_somebody_else_s_case_is_an_action_on_nothing(town):
    case = (await town.open()).json
    got = await act(town, case, "REMIND", portal="two")
    assert (got.status, got.json["code"]) == (404, "not-found")


async def test_a_case_read_again_is_the_same_bytes_until_it_moves(town):
    case = (await town.open()).json
    path = f"/cases/{case['id']}"
    first = await town.ask("GET", path)
    assert (await town.ask("GET", path)).body == first.body
    await act(town, case, form={"slot_id": "S7"})
    moved = await town.ask("GET", path)
    assert moved.headers["ETag"] != first.headers["ETag"]
    assert moved.json["asked"][0]["action"] == "BOOK"
    assert (await town.ask("GET", path, portal="two")).status == 404


async def test_a_case_shown_again_is_read_anew_after_a_second_whatever_its_version(town):
    case = (await town.open()).json
    path = f"/cases/{case['id']}"
    first = await town.ask("GET", path)
    await town.store.write(
        lambda run: run("update leg set checked_ms = as_of_ms + 600000 where case_id = $1", case["id"])
    )
    assert (await town.ask("GET", path)).json["as_of"] == first.json["as_of"]
    town.clock.push(1.5)
    assert (await town.ask("GET", path)).json["as_of"] > first.json["as_of"]
