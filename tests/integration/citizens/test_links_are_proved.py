"""A citizen links records by the agency's own proof; they answer what is owed and fill forms; nobody else sees them."""

import pytest
from api_citizens import logged_in
from api_town import LINKS

PROOF = {"service_id": "office.proof", "form": {"account": "A1"}}


async def link(town, token, body=None, **headers):
    return await town.ask("POST", "/citizens/me/links", portal=token, json=body or PROOF, **headers)


@pytest.fixture
async def asha(both_towns):
    await logged_in(both_towns, "9000000000", name="asha")
    return both_towns


async def test_a_proved_link_answers_what_is_owed_and_is_shown_masked(asha):
    got = await link(asha, "asha")
    assert (got.status, got.json["state"], got.json["identifier"]) == (201, "VERIFIED", "A1")
    bills = (await asha.ask("GET", "/citizens/me/bills", portal="asha")).json
    # Two services of the town ask for this bill.
    assert {line["amount"]["amount"] for line in bills["lines"]} == {"664.00"}
    again = await link(asha, "asha")
    assert again.json["id"] == got.json["id"]
    assert len((await asha.ask("GET", "/citizens/me/links", portal="asha")).json["items"]) == 1


async def test_what_the_agency_does_not_confirm_is_refused_and_leaves_nothing(asha):
    got = await link(asha, "asha", {"service_id": "office.proof", "form": {"account": "NOBODY"}})
    assert (got.status, got.json["code"]) == (409, "link-not-verified")
    assert (await asha.ask("GET", "/citizens/me/links", portal="asha")).json["items"] == []


async def test_somebody_else_s_mobile_proves_nothing(asha):
    body = {"service_id": "office.proof", "form": {"account": "A1", "mobile": "9000000099"}}
    got = await link(asha, "asha", body)
    assert (got.status, got.json["errors"][0]["pointer"]) == (400, "/form/mobile")


async def test_a_form_with_an_identifier_alone_needs_the_sum_of_the_last_bill(asha):
    dues = {"service_id": "office.dues", "form": {"account": "A1"}}
    bare = await link(asha, "asha", dues)
    assert bare.json["errors"][0]["pointer"] == "/amount"
    assert (await link(asha, "asha", {**dues, "amount": "663.00"})).status == 409
    assert (await link(asha, "asha", {**dues, "amount": "664"})).status == 201


async def test_an_agency_that_is_away_leaves_the_link_pending_and_it_is_proved_later(asha):
    asha.office.down = True
    got = await link(asha, "asha", Prefer="wait=1")
    assert (got.status, got.json["state"]) == (202, "PENDING")
    assert (await asha.ask("GET", "/citizens/me/bills", portal="asha")).json["lines"] == []
    asha.office.down = False
    asha.clock.push(120)
    path = f"/citizens/me/links/{got.json['id']}/verifications"
    assert (await asha.ask("POST", path, portal="asha", json={})).json["state"] == "VERIFIED"


async def test_guessing_at_one_record_is_given_up_on_whoever_guesses(asha):
    dues = {"service_id": "office.dues", "form": {"account": "A1"}}
    answers = [(await link(asha, "asha", {**dues, "amount": f"{n}.00"})).status for n in range(1, 7)]
    assert answers == [409] * 5 + [429]
    await logged_in(asha, "9000000001", name="bina")
    assert (await link(asha, "bina", {**dues, "amount": "664.00"})).status == 429


async def test_unlinking_destroys_what_was_kept(asha):
    made = (await link(asha, "asha")).json
    path = f"/citizens/me/links/{made['id']}"
    assert (await asha.ask("DELETE", path, portal="asha")).status == 204
    assert (await asha.ask("GET", path, portal="asha")).status == 404
    rows = await asha.store.read("select form_sealed, shown_sealed, identifier_index from link")
    assert [tuple(row[name] for name in ("form_sealed", "shown_sealed", "identifier_index")) for row in rows] == [
        ("", "", "")
    ]


async def test_a_link_of_another_citizen_is_as_absent_as_none(asha):
    made = (await link(asha, "asha")).json
    await logged_in(asha, "9000000001", name="bina")
    for number in (made["id"], "lnk_01JCZ5QK8V9XW3T6R2M4N7P0AB"):
        got = await asha.ask("GET", f"/citizens/me/links/{number}", portal="bina")
        assert got.status == 404


async def test_what_is_linked_is_sealed_and_found_by_a_blind_index_only(asha):
    await link(asha, "asha")
    rows = await asha.store.read("select * from link")
    told = [str(rows[0][name]) for name in rows[0].keys()]  # noqa: SIM118 - a row is no dict
    assert "A1" not in told  # as a whole column: two letters happen in any sealed text
    told = " ".join(told)
    assert "9000000000" not in told


async def test_a_case_of_a_citizen_is_filled_from_what_is_known_and_is_the_citizen_s_alone(asha):
    etag = (await asha.ask("GET", "/citizens/me", portal="asha")).headers["ETag"]
    await asha.ask("PATCH", "/citizens/me", portal="asha", json={"name": "Asha Das"}, If_Match=etag)
    known = (await asha.ask("GET", "/citizens/me/form-values?service_id=office.permit", portal="asha")).json
    assert known["values"] == {"name": "Asha Das", "mobile": "9000000000"}
    body = {"service_id": "office.permit", "form": {}}
    opened = await asha.ask("POST", "/cases", portal="asha", json=body, Idempotency_Key="a", Prefer="wait=5")
    assert opened.status == 201, opened.body
    await logged_in(asha, "9000000001", name="bina")
    path = f"/cases/{opened.json['id']}"
    assert (await asha.ask("GET", path, portal="asha")).status == 200
    assert (await asha.ask("GET", path, portal="bina")).status == 404
    assert (await asha.ask("GET", path)).status == 200
    assert (await asha.ask("GET", "/cases", portal="bina")).json["items"] == []
    assert len((await asha.ask("GET", "/cases", portal="asha")).json["items"]) == 1
    number = opened.json["number"]
    assert (await asha.ask("GET", f"/track/{number}", portal="bina")).status == 404


async def test_a_citizen_s_token_opens_nothing_of_a_sample_citizen(asha):
    sample = next(iter(LINKS))
    assert (await asha.ask("GET", f"/citizens/{sample}/bills")).status == 200
    assert (await asha.ask("GET", f"/citizens/{sample}/bills", portal="asha")).status == 404


async def test_nobody_opens_a_case_in_the_name_of_somebody_the_portal_does_not_know(asha):
    mine = (await asha.ask("GET", "/citizens/me", portal="asha")).json["citizen_id"]
    body = {"service_id": "office.permit", "form": {"name": "A", "mobile": "9000000000"}}
    for portal, citizen, status in (
        ("two", mine, 400), ("one", "ctz_nobody0000000000001", 400), ("one", mine, 201),
    ):  # fmt: skip
        got = await asha.ask(
            "POST", "/cases", portal=portal, json={**body, "citizen_id": citizen}, Idempotency_Key=citizen + portal,
            Prefer="wait=5",
        )  # fmt: skip
        assert got.status == status, (portal, got.body)
