"""JSON answers: what is read, and what two readers could read differently and is therefore refused."""

import json
from decimal import Decimal

import orjson
import pytest

from aggregator.sdk.auth import ApiKey, Basic, Bearer
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.rest import RestClient, parse_json, segment

URL = "http://agency.example/api/"


async def test_a_post_sends_json_once_and_gives_the_parsed_answer(canned):
    wire = canned(201, b'{"requestNo":"R1"}')
    client = RestClient(wire, URL, headers={"X-Portal": "city"}, auth=ApiKey("k-1"))
    assert await client.post("/v2/requests", {"extRef": "A-1"}) == {"requestNo": "R1"}
    ((method, url, headers, body, effect, _cap),) = wire.asked
    assert (method, url, body, effect) == ("POST", "http://agency.example/api/v2/requests", b'{"extRef":"A-1"}', True)
    assert (headers["Content-Type"], headers["X-Portal"], headers["X-Api-Key"]) == ("application/json", "city", "k-1")


async def test_a_get_has_no_effect_and_leaves_out_what_is_not_given(canned):
    wire = canned(200, b"[]")
    await RestClient(wire, URL).get("/v2/requests", extRef="A 1", page=None, tag=["a", "b"])
    ((method, url, _headers, body, effect, _cap),) = wire.asked
    assert (method, body, effect) == ("GET", None, False)
    assert url == "http://agency.example/api/v2/requests?extRef=A+1&tag=a&tag=b"


async def test_a_form_goes_out_as_a_form(canned):
    wire = canned(200, b"{}")
    await RestClient(wire, URL).post_form("/requests.json", {"description": "a & ଓ"}, effect=True)
    assert wire.asked[0][3] == b"description=a+%26+%E0%AC%93"
    assert wire.asked[0][2]["Content-Type"] == "application/x-www-form-urlencoded"


async def test_the_cap_is_the_operations_unless_the_call_has_its_own(canned, declared):
    declared(cap_bytes=1234)
    wire = canned(200, b"{}")
    await RestClient(wire, URL).get("/x")
    await RestClient(wire, URL).get("/x", cap=99)
    assert [asked[5] for asked in wire.asked] == [1234, 99]


def test_a_value_in_a_path_stays_one_segment():
    assert segment("OD/99 ?x#../") == "OD%2F99%20%3Fx%23..%2F"


def test_credentials_do_not_show_in_a_repr():
    assert "hunter2" not in repr([ApiKey("hunter2"), Bearer("hunter2"), Basic("u", "hunter2")])


def test_a_password_with_other_scripts_goes_out_as_utf8():
    assert Basic("u", "ଓ").headers("GET", "", b"")["Authorization"] == "Basic dTrgrJM="


def test_oj1_amounts_arrive_as_decimals_and_never_as_floats():
    assert orjson.loads(b"0.1") + orjson.loads(b"0.2") != Decimal("0.3")  # the naive control
    read = parse_json(b'{"a":0.1,"b":0.2,"n":7}')
    assert read["a"] + read["b"] == Decimal("0.3")
    assert isinstance(read["n"], int)


def test_oj2_a_key_given_twice_is_refused_at_any_depth():
    twice = b'{"r":[{"status":"APPROVED","status":"REJECTED"}]}'
    assert orjson.loads(twice) == json.loads(twice)  # the naive control: both readers silently take the last
    with pytest.raises(ContractBroken, match="twice"):
        parse_json(twice)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_oj3_a_number_that_is_none_is_refused(number):
    assert json.loads(number) is not None  # the naive control takes it
    with pytest.raises(ContractBroken):
        parse_json(b'{"amount":' + number + b"}")


@pytest.mark.parametrize(
    "body",
    [b"", b"   ", b'{"status": "RC', b"{'a':1}", b"{} {}", b"undefined", b"\xff\xfe", b'{"a":1,}', b"1" * 5000],
)
def test_what_is_no_json_is_garbled(body):
    with pytest.raises(ContractBroken) as caught:
        parse_json(body)
    assert caught.value.garbled


@pytest.mark.parametrize("levels", [65, 900, 100_000])
@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_without_end_is_refused(levels, opens, closes):
    with pytest.raises(ContractBroken):
        parse_json(opens * levels + b"1" + closes * levels)


def test_nesting_of_a_reasonable_answer_is_read():
    deep = b"[" * 60 + b"]" * 60
    assert parse_json(b'{"a":' + deep + b',"rows":[' + b"{}," * 500 + b"{}]}")["rows"][0] == {}


def test_a_lone_surrogate_is_refused_and_a_pair_is_a_character():
    with pytest.raises(ContractBroken):
        parse_json(b'{"name":"\\ud83d"}')
    with pytest.raises(ContractBroken):
        parse_json(b'{"\\uD83D":1}')
    assert parse_json(b'{"name":"\\ud83d\\ude00","fee":1.5}')["name"] == "😀"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b'{"requestNo":"R1"}'),
        ("application/xml", b'{"requestNo":"R1"}'),
        ("application/pdf", b"%PDF"),
        ("application/json", b"<html>login</html>"),
        (None, b"<!doctype html><form>captcha</form>"),
    ],
)
async def test_a_page_or_a_wrong_label_with_200_is_no_answer(canned, kind, body):
    with pytest.raises(ContractBroken) as caught:
        await RestClient(canned(200, body, kind), URL).get("/x")
    assert caught.value.garbled


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/vnd.city+json", "text/plain", None])
async def test_usual_labels_of_json_are_read(canned, kind):
    assert await RestClient(canned(200, b'\xef\xbb\xbf\n{"a":1}', kind), URL).get("/x") == {"a": 1}


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_accepted_and_empty_is_no_answer(canned, status):
    with pytest.raises(ContractBroken):
        await RestClient(canned(status, b""), URL).post("/x", {})
