"""A citizen names who has their rights after them; the nominee accepts, asks, and after a grant and a wait may act."""

import asyncio

import pytest
from api_citizens import logged_in
from api_town import running_town
from nominee_steps import (
    ASHA,
    ILL,
    RAVI,
    accepted,
    acting,
    asked,
    days,
    decided,
    granted,
    in_force,
    named,
    officers,
    people,
    stepped,
)

from aggregator.cli import main

OWN, AS = "/citizens/me/nominations", "/citizens/me/nominators"


@pytest.fixture
async def town(store, tmp_path):
    async with running_town(store, keys=tmp_path / "keys") as running:
        await people(running)
        await officers(running)
        yield running


def texts_to(town, mobile):
    return [one.text for one in town.codes.sent if one.to == f"+91{mobile}"]


async def test_a_citizen_names_a_nominee_who_is_told_and_accepts_and_both_see_it(town):
    made = await named(town)
    assert (made.status, made.json["state"], made.json["mobile"]) == (201, "NAMED", "+91******0043"), made.body
    assert "named you" in texts_to(town, RAVI)[-1]
    assert "Asha" not in texts_to(town, RAVI)[-1]
    [seen] = (await town.ask("GET", AS, portal=RAVI)).json["items"]
    assert (seen["named_by"], seen["state"]) == ("Asha Das", "NAMED")
    got = await accepted(town, made.json["nomination_id"])
    assert (got.status, got.json["state"]) == (201, "ACCEPTED")
    [own] = (await town.ask("GET", OWN, portal=ASHA)).json["items"]
    assert (own["state"], "claim" in own, own["name"]) == ("ACCEPTED", False, "Ravi, my brother")
    one = await town.ask("GET", f"{OWN}/{own['nomination_id']}", portal=ASHA)
    assert one.json == own


async def test_a_nomination_can_be_declined_replaced_and_taken_back(town):
    first = (await named(town)).json["nomination_id"]
    got = await town.ask("POST", f"{AS}/{first}/answers", portal=RAVI, json={"accept": False})
    assert (got.status, got.json["state"]) == (201, "DECLINED")
    second = (await named(town)).json["nomination_id"]
    third = await named(town, mobile="9000000044", replaces=second)
    assert third.status == 201
    states = [one["state"] for one in (await town.ask("GET", OWN, portal=ASHA)).json["items"]]
    assert states == ["NAMED", "WITHDRAWN", "DECLINED"]
    path = f"{OWN}/{third.json['nomination_id']}/withdrawals"
    assert (await town.ask("POST", path, portal=ASHA, json={})).json["code"] == "confirmation-needed"
    got = await town.ask("POST", path, portal=ASHA, json={"confirmations": await stepped(town, ASHA)})
    assert (got.status, got.json["state"]) == (201, "WITHDRAWN")
    assert (await town.ask("GET", AS, portal=RAVI)).json["items"] == []


async def test_at_most_three_live_and_who_does_not_answer_in_a_month_is_named_no_more(town):
    made = [await named(town, mobile=f"900000005{at}") for at in range(4)]
    assert [one.status for one in made] == [201, 201, 201, 409]
    assert "named as many" in made[3].json["detail"]
    await days(town, 31)
    assert {one["state"] for one in (await town.ask("GET", OWN, portal=ASHA)).json["items"]} == {"LAPSED"}
    await logged_in(town, "9000000050")
    assert (await town.ask("GET", AS, portal="9000000050")).json["items"] == []
    assert (await named(town)).status == 201


async def test_after_death_the_nominee_reads_corrects_withdraws_and_asks_for_erasure_and_all_is_on_record(town):
    nomination_id, claim_id = await granted(town)
    assert any("asks to act for you" in text for text in texts_to(town, ASHA))
    assert any("may see, correct and erase" in text for text in texts_to(town, ASHA))
    assert "was granted" in texts_to(town, RAVI)[-1]
    early = await acting(town, nomination_id)
    assert (early.status, "Nothing was granted" in early.json["detail"]) == (409, True)
    await days(town, 3.01)
    got = await acting(town, nomination_id)
    assert (got.status, got.json["expires_in"]) == (201, 1800), got.body
    export = await town.ask("GET", "/citizens/me/export", portal="nominee")
    assert (export.status, export.json["profile"]["name"]) == (200, "Asha Das")
    said = {
        "name": "Asha Rani Das",
        "address": {"line": "Plot 1", "area": "Ward 2", "city": "BBSR", "pin_code": "751001"},
    }
    assert (await town.ask("PATCH", "/citizens/me", portal="nominee", json=said, If_Match="*")).status == 200
    asked_for = await town.ask("DELETE", "/citizens/me", portal="nominee")
    assert asked_for.status == 202
    assert any("asked for your data to be erased" in text for text in texts_to(town, ASHA))
    looks = (await town.ask("GET", "/citizens/me/access-records", portal="nominee")).json["items"]
    by_nominee = [one["what"] for one in looks if one["by_whom"] == "NOMINEE"]
    assert by_nominee == ["LIST_ACCESS_RECORDS", "FORGET_CITIZEN", "CHANGE_CITIZEN", "EXPORT_CITIZEN"]
    assert {one["purpose"] for one in looks if one["by_whom"] == "NOMINEE"} == {"NOMINEE"}
    logged = [
        row["type"] for row in await town.store.read("select type from event where type like 'nominee.%' order by seq")
    ]
    assert logged == [
        "nominee.named", "nominee.accepted", "nominee.asked", "nominee.proposed", "nominee.decided",
        *["nominee.acted"] * 4,
    ]  # fmt: skip
    assert claim_id.startswith("ncl_")


async def test_in_incapacity_it_takes_effect_after_a_week_and_lasts_ninety_days(town):
    nomination_id, _ = await granted(town, **ILL)
    await days(town, 6.9)
    assert (await acting(town, nomination_id)).status == 409
    await days(town, 0.2)
    assert (await acting(town, nomination_id)).status == 201
    await days(town, 90)
    assert (await acting(town, nomination_id)).status == 409
    [seen] = (await town.ask("GET", AS, portal=RAVI)).json["items"]
    assert seen["claim"]["phase"] == "OVER"
    again = await asked(town, nomination_id, **ILL)
    assert (again.status, again.json["phase"]) == (202, "ASKED"), again.body


async def test_a_citizen_who_is_alive_stops_it_at_any_stage_without_a_code(town):
    nomination_id = (await named(town)).json["nomination_id"]
    await accepted(town, nomination_id)
    claim_id = (await asked(town, nomination_id)).json["claim_id"]
    [own] = (await town.ask("GET", OWN, portal=ASHA)).json["items"]
    assert (own["claim"]["phase"], own["claim"]["why"]) == ("ASKED", "DEATH")
    assert (await town.ask("DELETE", f"{OWN}/{nomination_id}/claims", portal=ASHA)).status == 204
    assert (await decided(town, claim_id, "first", "A. Sahu")).status == 409
    [own] = (await town.ask("GET", OWN, portal=ASHA)).json["items"]
    assert (own["state"], own["claim"]["phase"]) == ("ACCEPTED", "STOPPED")
    assert (await town.ask("DELETE", f"{OWN}/{nomination_id}/claims", portal=ASHA)).status == 404


async def test_officers_see_who_the_paper_must_speak_of_and_one_refuses_alone(town):
    nomination_id = (await named(town)).json["nomination_id"]
    await accepted(town, nomination_id)
    claim_id = (await asked(town, nomination_id)).json["claim_id"]
    [line] = (await town.ask("GET", "/nominee-claims", portal="first")).json["items"]
    assert line.keys() == {"claim_id", "why", "certificate", "asked_at", "age_s"}
    await decided(town, claim_id, "first", "A. Sahu")
    seen = (await town.ask("GET", f"/nominee-claims/{claim_id}", portal="second")).json
    assert (seen["citizen_name"], seen["citizen_born"], seen["nominee_named"], seen["nominee_name"]) == (
        "Asha Das", "1950-01-02", "Ravi, my brother", "Ravi Das",
    )  # fmt: skip
    assert (seen["certificate_number"], seen["proposal"]["by"]) == ("D-2026-7781", "A. Sahu")
    looks = (await town.ask("GET", "/citizens/me/access-records", portal=ASHA)).json["items"]
    assert [one["what"] for one in looks if one["by_whom"] == "OFFICER"] == ["NOMINEE_CLAIM"]
    assert (await decided(town, claim_id, "second", "B. Nayak", "REFUSE")).json["outcome"] == "REFUSED"
    assert "not granted" in texts_to(town, RAVI)[-1]
    assert (await town.ask("GET", "/nominee-claims", portal="first")).json["items"] == []
    assert (await asked(town, nomination_id)).status == 202


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"why": "HOLIDAY"}, "/why"),
        ({"certificate": "MEDICAL_CERTIFICATE"}, "/certificate"),
        ({"certificate_number": "!"}, "/certificate_number"),
    ],
)
async def test_a_paper_that_cannot_prove_it_is_refused_field_by_field(town, wrong, pointer):
    nomination_id = (await named(town)).json["nomination_id"]
    await accepted(town, nomination_id)
    got = await asked(town, nomination_id, **wrong)
    assert (got.status, [line["pointer"] for line in got.json["errors"]]) == (400, [pointer])


async def test_one_cannot_name_oneself_and_a_number_must_be_one(town):
    for mobile, code in ((ASHA, "not_yourself"), ("12345678", "not_a_mobile")):
        got = await named(town, mobile=mobile)
        assert [(line["pointer"], line["code"]) for line in got.json["errors"]] == [("/mobile", code)]


async def test_a_notice_that_no_provider_took_is_sent_again_and_one_that_was_taken_is_not(town):
    await granted(town)
    room = town.parts.privacy
    before = len(town.codes.sent)
    assert await room.notices.tell(room.claims.words) == 0
    town.clock.push(601)
    assert await room.notices.tell(room.claims.words) == 3
    assert len(town.codes.sent) == before + 3
    await town.store.write(lambda run: run("update citizen_notice set done_ms = 1"))
    town.clock.push(601)
    assert await room.notices.tell(room.claims.words) == 0


async def test_a_nominee_who_is_forgotten_is_nobody_s_nominee_and_nothing_of_them_stays(town):
    nomination_id = await in_force(town)
    assert (await acting(town, nomination_id)).status == 201
    await town.ask("DELETE", "/citizens/me", portal=RAVI)
    await days(town, 2.1)
    assert await town.parts.privacy.erasure.carry_out() == 1
    [row] = await town.store.read("select * from nomination")
    assert (row["nominee_id"], row["nominee_sealed"], row["state"]) == ("", "", "DECLINED")
    [own] = (await town.ask("GET", OWN, portal=ASHA)).json["items"]
    assert (own["state"], own["claim"]["phase"]) == ("DECLINED", "STOPPED")


async def test_officers_decide_from_the_command_line_each_with_a_key_of_their_own(town, capsys):
    nomination_id = (await named(town)).json["nomination_id"]
    await accepted(town, nomination_id)

    async def command(by, *words):
        code = await asyncio.to_thread(main, ["nominee", *words, "--url", town.origin, "--key", town.tokens[by]])
        return code, "".join(capsys.readouterr())

    assert "no nominee waits" in (await command("first", "list"))[1]
    claim_id = (await asked(town, nomination_id)).json["claim_id"]
    listed = (await command("first", "list"))[1]
    assert (claim_id in listed, "Das" in listed) == (True, False)
    grant = ["decide", claim_id, "grant", "--note", "Looked it up."]
    assert "another officer has to" in (await command("first", *grant, "--by", "A. Sahu"))[1].lower()
    refused = await command("first", *grant, "--by", "B. Nayak")
    assert (refused[0], "somebody else has to be the second" in refused[1]) == (1, True)
    shown = (await command("second", "show", claim_id))[1]
    for word in ("Asha Das", "D-2026-7781", "Ravi, my brother", "A. Sahu"):
        assert word in shown
    done = await command("second", *grant, "--by", "B. Nayak")
    assert (done[0], "Granted" in done[1]) == (0, True)
