"""The simulated passport authority lives by its clock, keeps its books, and has the habits of the real one."""

import asyncio
import json

import aiohttp
import pytest

from aggregator.sdk.form import fits

DAY_S = 86_400


async def test_a_file_lives_by_the_clock_from_submission_to_delivery(authority):
    arn = (await authority.submit("LIFE-1"))["arn"]
    seen = []
    for days in (0, 1.1, 1, 9, 2, 1, 1, 3):
        await authority.control.advance_clock(days * DAY_S)
        row = (await authority.find("LIFE-1"))[0]
        if row["state"] == "FILE_OPEN":
            seen.append((await authority.track(row["fileNo"]))["applicationStatus"][0]["STATUS_MESSAGE"])
        else:
            seen.append(row["state"])
    assert seen[0] == "FEE_PENDING"
    assert [text.split()[-1] for text in seen[1:5]] == ["Kendra", "initiated", "Office", "granted"]
    assert [text.split()[3] for text in seen[5:7]] == ["printed", "dispatched"]
    assert seen[7] == "The passport has been delivered"
    assert fits("postal_item", seen[6].split()[-1])
    assert arn.startswith("26-")


async def test_tatkaal_is_printed_before_the_police(authority):
    await authority.submit("LIFE-2", scheme="Tatkaal")
    await authority.control.advance_clock(0.6 * DAY_S)
    number = (await authority.find("LIFE-2"))[0]["fileNo"]
    keys = []
    for days in (0, 0.5, 1, 1):
        await authority.control.advance_clock(days * DAY_S)
        keys.append((await authority.track(number))["applicationStatus"][0]["TXT_MSG_KEY"].rpartition(".")[2])
    assert keys == ["printed", "granted", "dispatched", "delivered"]


async def test_a_wrong_birth_date_and_an_unknown_number_are_one_answer(authority):
    await authority.submit("LIFE-3")
    await authority.control.advance_clock(2 * DAY_S)
    number = (await authority.find("LIFE-3"))[0]["fileNo"]
    texts = [
        (await authority.track(asked, born))["msgArg"][0].replace(asked, "NUMBER")
        for asked, born in [(number, "02/01/1990"), ("BBSR00000099999", "01/01/1990")]
    ]
    assert texts[0] == texts[1]


async def test_fee_appointment_move_and_cancellation(authority):
    arn = (await authority.submit("CASE-1"))["arn"]
    case = {"arn": arn, "applDob": "01/01/1990"}
    wrong = await authority.ask("recordFee", clientRef="PAY-0", amount="1.00", bankRef="B1", **case)
    assert wrong["actionErrors"][0].startswith("PSP-106")
    paid = await authority.ask("recordFee", clientRef="PAY-1", amount="1500.00", bankRef="B1", **case)
    again = await authority.ask("recordFee", clientRef="PAY-2", amount="1500.00", bankRef="B1", **case)
    assert again["requestResponseMap"]["receiptNo"] == paid["requestResponseMap"]["receiptNo"]
    assert (await authority.find("PAY-1"))[0]["state"] == "FEE_PAID"
    seat = {"psk": "BBSR", "date": "01/02/2027", "time": "09:15"}
    booked = (await authority.ask("bookAppointment", clientRef="BOOK-1", **seat, **case))["requestResponseMap"]
    assert (await authority.find("BOOK-1"))[0]["appointmentId"] == booked["appointmentId"]
    second = await authority.ask("bookAppointment", clientRef="BOOK-2", **seat, **case)
    assert second["actionErrors"][0].startswith("PSP-105")
    live = booked["appointmentId"]
    left = []
    for move in range(4):
        answer = await authority.ask("rescheduleAppointment", clientRef=f"M-{move}", appointmentId=live, **seat, **case)
        live = answer["requestResponseMap"].get("appointmentId", live)
        left.append(answer["requestResponseMap"].get("left", answer["actionErrors"]))
    assert left == [2, 1, 0, ["PSP-104: reschedule limit"]]
    cancelled = [
        (await authority.ask("cancelAppointment", clientRef=ref, appointmentId=live, **case))["requestResponseMap"]
        for ref in ("C-1", "C-2")
    ]
    assert cancelled[0]["cancelledOn"] == cancelled[1]["cancelledOn"]
    assert await authority.control.duplicates() == []


async def test_a_full_place_offers_nothing_and_says_so(authority):
    arn = (await authority.submit("CASE-2"))["arn"]
    asked = {"psk": "FULL", "date": "01/02/2027", "time": "09:15"}
    got = await authority.ask("bookAppointment", clientRef="B-1", arn=arn, applDob="01/01/1990", **asked)
    assert got["actionErrors"][0].startswith("PSP-103")
    assert got["requestResponseMap"]["slots"] == []


async def test_two_applications_under_one_reference_are_both_found(authority):
    await authority.submit("TWIN")
    await authority.submit("TWIN")
    assert len(await authority.find("TWIN")) == 2
    assert await authority.control.duplicates() == [{"operation": "submit", "natural_key": "TWIN", "times": 2}]


async def test_the_door_wants_the_portals_own_headers(authority):
    status, _, headers = await authority.raw("searchApplication", headers={}, clientRef="X")
    assert (status, headers["content-type"]) == (403, "text/html; charset=utf-8")


async def test_more_than_five_at_once_are_turned_away_and_written_down(authority):
    await authority.control.faults([{"operation": "find", "fault": "607"}])

    async def hang():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await authority.raw("searchApplication", clientRef="H")

    async with aiohttp.ClientSession() as wide:
        authority.session = wide
        hanging = [asyncio.create_task(hang()) for _ in range(5)]
        while (await authority.control.calls())["concurrent"] < 5:  # noqa: ASYNC110 - another process's count
            await asyncio.sleep(0.02)
        status, _, headers = await authority.raw("saveApplication", clientRef="SIXTH", applicant={})
        await asyncio.gather(*hanging)
    assert (status, headers["retry-after"]) == (429, "2")
    assert [row["acted"] for row in await authority.control.ledger(ref="SIXTH")] == [0]


async def test_habits_random_keys_a_mark_now_and_then_and_missing_lists(authority):
    bodies = [(await authority.raw("searchApplication", clientRef="Q"))[1] for _ in range(100)]
    marked = [body for body in bodies if body.startswith(b"\xef\xbb\xbf")]
    assert len(marked) == 2
    texts = [json.loads(body.decode("utf-8-sig")) for body in bodies]
    assert sum("fieldErrors" not in text for text in texts) == 10
    assert len({tuple(text) for text in texts}) > 5


async def test_status_goes_backwards_at_the_third_question(authority):
    keys = [(await authority.track("SI9990000000802"))["msgKey"].rpartition(".")[2] for _ in range(4)]
    assert keys == ["granted", "granted", "review", "granted"]


async def test_the_operator_of_a_test_may_put_a_file_anywhere(authority):
    arn = (await authority.submit("FORCED"))["arn"]
    await authority.control.advance(arn, "CANCELLED")
    assert (await authority.find("FORCED"))[0]["state"] == "CANCELLED"
    await authority.control.advance(arn, "GRANTED")
    row = (await authority.find("FORCED"))[0]
    assert (await authority.track(row["fileNo"]))["msgKey"] == "trackstatus.granted"
