"""Two records of one person are noted, joined by a person, answer as one, and can be parted again."""

import pytest
from api_citizens import logged_in

from aggregator.citizens.duplicates import MergeRefused
from aggregator.citizens.names import ALIKE, likeness

HOME = {"line": "Plot 12", "area": "BMC Ward 27", "city": "Bhubaneswar", "pin_code": "751007"}
SAME = [
    ("Asha Das", "ଆଶା ଦାସ"), ("Asha Das", "आशा दास"), ("Bibhuti Bhusan Sahoo", "ବିଭୂତି ଭୂଷଣ ସାହୁ"),
    ("Vibhuti Bhushan Sahu", "Bibhuti Bhusan Sahoo"), ("Lakshmi Priya Mohanty", "ଲକ୍ଷ୍ମୀପ୍ରିୟା ମହାନ୍ତି"),
    ("Laxmi Mohanty", "Lakshmi Mohanty"), ("Jagannath Mishra", "ଜଗନ୍ନାଥ ମିଶ୍ର"), ("Jagannath Mishra", "जगन्नाथ मिश्र"),
    ("Mishra Jagannath", "Shri Jagannath Misra"), ("Sunita Kumari Patnaik", "Sunita Pattnaik"),
    ("Mohammed Rafiq", "मोहम्मद रफ़ीक"), ("Subhashree Rout", "Subhasri Raut"),
    ("Chandrakant Behera", "ଚନ୍ଦ୍ରକାନ୍ତ ବେହେରା"), ("Geetanjali Pradhan", "गीतांजलि प्रधान"),
    ("Saroj Kumar Parida", "ସରୋଜ କୁମାର ପରିଡ଼ା"),
]  # fmt: skip
OTHERS = [
    ("Asha Das", "Usha Das"), ("Asha Das", "Nisha Das"), ("Ramesh Nayak", "Suresh Nayak"),
    ("Sunita Jena", "Anita Jena"),
    ("Manoj Sahoo", "Saroj Sahoo"), ("Priya Mohanty", "Prabhu Mohanty"), ("Bijay Rout", "Ajay Rout"),
    ("Sita Behera", "Gita Behera"), ("Das", "Asha Das"), ("Rakesh Kumar", "Mukesh Kumar"), ("ଆଶା ଦାସ", "उषा दास"),
    ("Pradeep Nayak", "Sandeep Nayak"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_name_in_other_letters_or_spelling_is_recognised(one, other):
    assert likeness(one, other) >= ALIKE
    assert likeness(other, one) == likeness(one, other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_brothers_and_neighbours_are_not_taken_for_one_person(one, other):
    assert likeness(one, other) < ALIKE


async def registered(town, mobile, name, born="1990-02-28"):
    await logged_in(town, mobile, name=mobile)
    etag = (await town.ask("GET", "/citizens/me", portal=mobile)).headers["ETag"]
    body = {"name": name, "date_of_birth": born, "gender": "FEMALE", "residency": "NATIONAL", "address": HOME}
    got = await town.ask("PATCH", "/citizens/me", portal=mobile, json=body, If_Match=etag)
    assert got.status == 200, got.body
    return got.json


async def test_a_second_record_is_noted_for_a_person_and_nobody_is_told(both_towns):
    town = both_towns
    first = await registered(town, "9000000042", "Asha Das")
    second = await registered(town, "9000000043", "ଆଶା ଦାସ")
    await registered(town, "9000000044", "Usha Das")
    await registered(town, "9000000045", "Asha Das", born="1991-02-28")
    [found] = await town.parts.citizens.duplicates.waiting()
    assert found.score >= ALIKE
    assert first["explanation"] == second["explanation"]
    assert second["state"] == "ACTIVE"


async def test_a_joined_record_answers_as_the_other_under_all_its_names_and_comes_back_as_it_was(both_towns):
    town = both_towns
    first = await registered(town, "9000000042", "Asha Das")
    second = await registered(town, "9000000043", "ଆଶା ଦାସ")
    body = {"service_id": "office.permit", "form": {"name": "A", "mobile": "9000000043"}}
    await town.ask("POST", "/cases", portal="9000000043", json=body, Idempotency_Key="k", Prefer="wait=5")
    room = town.parts.citizens
    into, gone = await room.register.by_number(first["number"]), await room.register.by_number(second["number"])
    await room.duplicates.merge(into, gone, "A. Officer")
    assert await room.duplicates.waiting() == []
    assert await room.register.by_number(second["number"]) == into
    await logged_in(town, "9000000042", name="asha")
    me = (await town.ask("GET", f"/citizens/{second['citizen_id']}", portal="asha")).json
    assert me["number"] == first["number"]
    assert len((await town.ask("GET", "/cases", portal="asha")).json["items"]) == 1
    with pytest.raises(MergeRefused):
        await room.duplicates.merge(into, gone, "A. Officer")
    await room.duplicates.unmerge(gone, "A. Officer")
    back = await logged_in(town, "9000000043", name="back")
    assert back["citizen_id"] == second["citizen_id"]
    assert (await town.ask("GET", "/citizens/me", portal="back")).json["name"] == "ଆଶା ଦାସ"
    assert (await town.ask("GET", "/cases", portal="asha")).json["items"] == []
    history = [line["what"] for line in (await town.ask("GET", "/citizens/me/changes", portal="back")).json["items"]]
    assert history[:2] == ["UNMERGED", "MERGED"]
    assert await room.duplicates.waiting() == []


async def test_a_number_somebody_else_proved_meanwhile_stays_with_that_one(town):
    first = await registered(town, "9000000042", "Asha Das")
    second = await registered(town, "9000000043", "ଆଶା ଦାସ")
    room = town.parts.citizens
    into, gone = await room.register.by_number(first["number"]), await room.register.by_number(second["number"])
    await room.duplicates.merge(into, gone, "A. Officer")
    newcomer = await logged_in(town, "9000000043", name="new")
    assert newcomer["citizen_id"] not in {first["citizen_id"], second["citizen_id"]}
    await room.duplicates.unmerge(gone, "A. Officer")
    person = await room.register.person(gone)
    assert (person.profile.mobile, person.profile.name) == ("", "ଆଶା ଦାସ")


async def test_a_document_of_one_person_proved_by_two_is_linked_once_and_noted(both_towns, monkeypatch):
    from aggregator.citizens import link_kinds  # noqa: PLC0415 - of this test alone

    kinds = {**link_kinds.KINDS, "account": link_kinds.LinkKind("TEST_LICENCE", exclusive=True)}
    monkeypatch.setattr(link_kinds, "KINDS", kinds)
    town = both_towns
    body = {"service_id": "office.dues", "form": {"account": "A1"}, "amount": "664.00"}
    answers = []
    for mobile in ("9000000042", "9000000043"):
        await logged_in(town, mobile, name=mobile)
        answers.append(await town.ask("POST", "/citizens/me/links", portal=mobile, json=body))
    wrong = await town.ask("POST", "/citizens/me/links", portal="9000000043", json={**body, "amount": "1.00"})
    assert [got.status for got in answers] == [201, 409]
    hidden = {"request_id", "instance"}
    assert {k: v for k, v in answers[1].json.items() if k not in hidden} == {
        k: v for k, v in wrong.json.items() if k not in hidden
    }
    [found] = await town.parts.citizens.duplicates.waiting()
    assert found.why == "EXCLUSIVE_LINK"
