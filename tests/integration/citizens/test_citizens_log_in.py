"""A citizen logs in by a code, is known from then on, and is out within five seconds of logging out."""

import pytest
from api_citizens import DEVICE, begin, confirmation, give, later, logged_in

HOME = {"line": "Plot 12", "area": "BMC Ward 27", "city": "Bhubaneswar", "pin_code": "751007"}
ASHA = {
    "name": "Asha Das", "date_of_birth": "1990-02-28", "gender": "FEMALE", "residency": "NATIONAL", "address": HOME,
}  # fmt: skip


async def me(town, token):
    return await town.ask("GET", "/citizens/me", portal=token)


async def patch(town, token, **change):
    etag = (await me(town, token)).headers["ETag"]
    return await town.ask("PATCH", "/citizens/me", portal=token, json=change, If_Match=etag)


async def test_a_new_mobile_becomes_a_citizen_when_its_code_is_given_and_the_same_one_the_next_time(both_towns):
    town = both_towns
    first = await logged_in(town, "9000000042")
    again = await logged_in(town, "+91 90000 00042".replace(" ", "")[3:])
    assert first["citizen_id"] == again["citizen_id"]
    assert first["citizen_id"].startswith("ctz_")
    assert len(await town.store.read("select id from citizen")) == 1
    mine = (await me(town, "9000000042")).json
    assert (mine["state"], mine["mobile"]) == ("PENDING", "+919000000042")
    assert set(mine["missing"]) == {"name", "date_of_birth", "gender", "residency", "address"}


async def test_the_registration_is_complete_when_nothing_needed_is_missing(both_towns):
    await logged_in(both_towns, "9000000042")
    got = await patch(both_towns, "9000000042", **ASHA)
    assert (got.status, got.json["state"], got.json["missing"]) == (200, "ACTIVE", [])
    assert (await me(both_towns, "9000000042")).json["address"]["area"] == "BMC Ward 27"


async def test_a_counter_registers_with_everything_at_once_and_it_counts_when_the_code_is_given(town):
    began = await town.ask("POST", "/citizens", json={**ASHA, "mobile": "9000000042", "device": DEVICE})
    assert began.status == 201
    assert await town.store.read("select id from citizen") == []
    got = await give(town, began.json["session_id"], town.codes.code("+919000000042"))
    town.tokens["asha"] = got.json["access_token"]
    assert (await me(town, "asha")).json["state"] == "ACTIVE"
    listed = (await town.ask("GET", "/citizens")).json["items"]
    assert [line["citizen_id"] for line in listed] == [got.json["citizen_id"]]
    assert (await town.ask("GET", "/citizens", portal="two")).json["items"] == []


async def test_registering_a_known_number_answers_the_same_and_leaves_the_record_as_it_is(town):
    await logged_in(town, "9000000042")
    await patch(town, "9000000042", **ASHA)
    body = {**ASHA, "name": "Somebody Else", "mobile": "9000000042", "device": DEVICE}
    known = await town.ask("POST", "/citizens", json=body)
    new = await town.ask("POST", "/citizens", json={**body, "mobile": "9000000043"})
    assert known.json.keys() == new.json.keys()
    assert known.json["explanation"] == new.json["explanation"]
    await give(town, known.json["session_id"], town.codes.code("+919000000042"))
    assert (await me(town, "9000000042")).json["name"] == "Asha Das"


async def test_a_log_out_is_felt_within_five_seconds_and_everywhere_when_asked_so(town):
    here = await logged_in(town, "9000000042", name="here")
    await logged_in(town, "9000000042", name="there", portal="two")
    path = f"/sessions/{here['session_id']}"
    assert (await town.ask("DELETE", path, portal="here")).status == 204
    town.clock.push(5.1)
    assert (await me(town, "here")).status == 401
    assert (await me(town, "there")).status == 200
    third = await logged_in(town, "9000000042", name="third")
    await town.ask("DELETE", f"/sessions/{third['session_id']}?all=true", portal="third")
    town.clock.push(5.1)
    assert [(await me(town, name)).status for name in ("there", "third")] == [401, 401]


async def test_a_new_number_needs_codes_on_both_and_holds_sensitive_changes_for_a_day(town):
    await logged_in(town, "9000000042", name="asha")
    await patch(town, "asha", **ASHA)
    bare = await patch(town, "asha", mobile="9000000077")
    assert (bare.status, bare.json["code"]) == (409, "confirmation-needed")
    old = await confirmation(town, "asha", "CONFIRM", "+919000000042")
    assert (await patch(town, "asha", mobile="9000000077", confirmations=[old])).status == 409
    old = await confirmation(town, "asha", "CONFIRM", "+919000000042")
    new = await confirmation(town, "asha", "NEW_MOBILE", "+919000000077", mobile="9000000077")
    got = await patch(town, "asha", mobile="9000000077", confirmations=[old, new])
    assert (got.status, got.json["mobile"]) == (200, "+919000000077")
    assert "hold_until" in got.json
    code = await confirmation(town, "asha", "CONFIRM", "+919000000077")
    held = await patch(town, "asha", name="Asha Mohanty", confirmations=[code])
    assert (held.status, held.json["code"]) == (409, "confirmation-needed")
    await later(town, 86_401)
    await logged_in(town, "9000000077", name="asha")
    code = await confirmation(town, "asha", "CONFIRM", "+919000000077")
    assert (await patch(town, "asha", name="Asha Mohanty", confirmations=[code])).status == 200
    changes = (await town.ask("GET", "/citizens/me/changes", portal="asha")).json["items"]
    assert [line["fields"] for line in changes][:2] == [["name"], ["mobile"]]


async def test_a_confirmation_stands_for_one_change_and_for_nobody_else(town):
    await logged_in(town, "9000000042", name="asha")
    await patch(town, "asha", **ASHA)
    await logged_in(town, "9000000043", name="bina")
    await patch(town, "bina", **ASHA)
    code = await confirmation(town, "bina", "CONFIRM", "+919000000043")
    assert (await patch(town, "asha", name="Asha X", confirmations=[code])).status == 409
    assert (await patch(town, "bina", name="Bina X", confirmations=[code])).status == 200
    assert (await patch(town, "bina", name="Bina Y", confirmations=[code])).status == 409


async def test_a_user_name_and_a_password_log_in_and_a_wrong_one_tells_nothing(town):
    await logged_in(town, "9000000042", name="asha")
    code = await confirmation(town, "asha", "CONFIRM", "+919000000042")
    weak = await patch(town, "asha", username="asha.das", password="asha.das1", confirmations=[code])
    assert (weak.status, weak.json["errors"][0]["code"]) == (400, "weak_password")
    good = {"username": "asha.das", "password": "rice boats at dawn"}
    assert (await patch(town, "asha", **good, confirmations=[code])).status == 200
    body = {"purpose": "PASSWORD", "device": DEVICE}
    got = await town.ask("POST", "/sessions", json={**body, **good, "username": "Asha.Das"})
    assert (got.status, got.json["state"]) == (201, "OPEN")
    wrong = await town.ask("POST", "/sessions", json={**body, **good, "password": "rice boats at dusk"})
    nobody = await town.ask("POST", "/sessions", json={**body, **good, "username": "nobody.here"})
    assert wrong.status == nobody.status == 409
    hidden = {"request_id", "instance"}
    assert {k: v for k, v in wrong.json.items() if k not in hidden} == {
        k: v for k, v in nobody.json.items() if k not in hidden
    }
    rows = await town.store.read("select password from citizen where password <> ''")
    assert rows[0]["password"].startswith("scrypt$")


async def test_who_lost_the_number_comes_back_by_e_mail_and_adds_a_new_number(town):
    await logged_in(town, "9000000042", name="asha")
    old = await confirmation(town, "asha", "CONFIRM", "+919000000042")
    mail = await confirmation(town, "asha", "NEW_EMAIL", "asha@mail.example", email="Asha@mail.example")
    got = await patch(town, "asha", email="asha@mail.example", confirmations=[old, mail])
    assert got.json["email"] == "asha@mail.example"
    await later(town, 3601)
    began = await town.ask(
        "POST", "/sessions", json={"purpose": "RECOVERY", "email": "asha@mail.example", "device": DEVICE}
    )
    opened = await give(town, began.json["session_id"], town.codes.code("asha@mail.example"))
    town.tokens["back"] = opened.json["access_token"]
    new = await confirmation(town, "back", "NEW_MOBILE", "+919000000088", mobile="9000000088")
    assert (await patch(town, "back", mobile="9000000088", confirmations=[new])).status == 200
    stranger = await town.ask(
        "POST", "/sessions", json={"purpose": "RECOVERY", "email": "nobody@mail.example", "device": DEVICE}
    )
    assert {**stranger.json, "session_id": 0}.keys() == {**began.json, "session_id": 0}.keys()
    nobody = await give(town, stranger.json["session_id"], town.codes.code("nobody@mail.example"))
    assert (nobody.status, nobody.json["code"]) == (409, "code-not-accepted")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("date_of_birth", "2090-01-01", "not_a_birthday"),
        ("gender", "YES", "choose_one"),
        ("residency", "ALIEN", "choose_one"),
        ("name", "1234", "not_a_name"),
        ("address", {**HOME, "pin_code": "051007"}, "not_a_pin_code"),
    ],
)
async def test_what_cannot_be_so_is_said_in_the_citizen_s_language(town, field, value, code):
    await logged_in(town, "9000000042")
    etag = (await me(town, "9000000042")).headers["ETag"]
    got = await town.ask(
        "PATCH", "/citizens/me", portal="9000000042", json={field: value}, If_Match=etag, Accept_Language="or"
    )
    assert (got.status, got.json["errors"][0]["code"]) == (400, code)
    assert any("\u0b00" <= char <= "\u0b7f" for char in got.json["errors"][0]["detail"])


async def test_a_change_names_the_version_it_changes(town):
    await logged_in(town, "9000000042")
    bare = await town.ask("PATCH", "/citizens/me", portal="9000000042", json={"gender": "FEMALE"})
    assert (bare.status, bare.json["code"]) == (428, "precondition-required")
    stale = await town.ask("PATCH", "/citizens/me", portal="9000000042", json={"gender": "FEMALE"}, If_Match='"77"')
    assert (stale.status, stale.json["code"]) == (412, "precondition-failed")


async def test_numbers_of_other_countries_log_in_and_landlines_do_not(town):
    assert (await begin(town, "+44 7400 123456")).status == 201
    for typed in ("0674 2391010", "12345678", "9000000000000000"):
        got = await begin(town, typed)
        assert (got.status, got.json["errors"][0]["code"]) == (400, "not_a_mobile"), typed


async def test_the_portal_alone_sees_nothing_a_citizen_said(town):
    logged = await logged_in(town, "9000000042")
    for path in (f"/citizens/{logged['citizen_id']}", f"/citizens/{logged['citizen_id']}/changes"):
        got = await town.ask("GET", path)
        assert (got.status, got.json["code"]) == (403, "wrong-token")
