"""What msgspec and JSON Schema would let through, and what ours does not (docs/libraries.md section 3.8)."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

import msgspec
import pytest
from api_town import GOOD_FORM
from msgspec import Meta, Struct

from aggregator.api.decode import Reader
from aggregator.api.problem import Problem
from aggregator.api.shapes import EnquiryAsked, FormData
from aggregator.api.table import TABLE
from aggregator.texts import say


def read(shape, raw):
    return Reader(shape).read(raw, say, "en")


def refused(shape, raw):
    with pytest.raises(Problem) as caught:
        read(shape, raw)
    return caught.value


def test_ms1_every_violation_is_told_not_only_the_first():
    raw = b'{"form": 5, "agency": "NO", "surprise": 1}'
    with pytest.raises(msgspec.ValidationError) as control:
        msgspec.json.decode(raw, type=EnquiryAsked)
    assert str(control.value).count("`$") == 1
    assert {line.pointer for line in refused(EnquiryAsked, raw).errors} == {"/form", "/agency", "/surprise"}


def test_ms5_digits_of_other_scripts_and_a_trailing_newline_are_no_digits():
    class Control(Struct):
        x: Annotated[str, Meta(pattern=r"^\d{2}$")]

    assert msgspec.json.decode('{"x": "\u0967\u0968"}', type=Control).x
    assert msgspec.json.decode('{"x": "12\\n"}', type=Control).x
    raw = b'{"form": {}, "agency": "rto\\n"}'
    assert [line.code for line in refused(EnquiryAsked, raw).errors] == ["control"]


def test_ms5_no_pattern_of_the_contract_uses_the_shorthand_for_digits():
    types = [shape for route in TABLE for shape in (route.body, route.result, route.query) if shape is not None]
    _, parts = msgspec.json.schema_components(types)
    assert "\\d" not in str(parts)
    assert "\\w" not in str(parts)


@pytest.mark.parametrize("control", ["\\u0000", "\\u001b", "\\b", "\\u007f"])
def test_control_characters_are_refused_in_every_string_names_included(control):
    assert refused(FormData, f'{{"form": {{"name": "a{control}b"}}}}'.encode()).errors[0].pointer == "/form/name"
    assert refused(FormData, f'{{"form": {{"na{control}me": "x"}}}}'.encode()).errors[0].pointer == "/form"


def test_line_ends_are_text_in_free_text_and_nowhere_else():
    assert read(FormData, b'{"form": {"remarks": "one\\ntwo"}}').form["remarks"] == "one\ntwo"


async def test_ms6_times_leave_in_utc_with_a_z(town):
    case = (await town.open()).json
    for name in ("since", "as_of", "created_at", "updated_at"):
        assert case[name].endswith("Z")
        assert datetime.fromisoformat(case[name]).tzinfo == UTC
    ist = timezone(timedelta(hours=5, minutes=30))
    assert b"+05:30" in msgspec.json.encode(datetime(2026, 1, 1, tzinfo=ist))  # the control


def test_ms8_no_float_is_in_any_shape():
    types = [shape for route in TABLE for shape in (route.body, route.result, route.query) if shape is not None]
    _, parts = msgspec.json.schema_components(types)
    assert "'type': 'number'" not in str(parts)
    assert msgspec.json.encode(float("nan")) == b"null"  # the control


async def test_ms9_a_huge_integer_is_refused(town):
    got = await town.ask("GET", "/cases?limit=99999999999999999999999")
    assert (got.status, got.json["errors"][0]["parameter"]) == (400, "limit")


def test_ms10_a_lone_surrogate_is_refused_without_repeating_it():
    problem = refused(FormData, b'{"form": {"name": "\\ud800"}}')
    assert problem.code in {"malformed-request", "validation-failed"}


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=5.0", "limit=+5", "limit=", "limit=5&limit=6", "x=1"])
async def test_a_query_is_as_strict_as_a_body(town, query):
    got = await town.ask("GET", f"/cases?{query}")
    assert (got.status, got.json["code"]) == (400, "validation-failed")


async def test_ms2_what_is_absent_is_absent_and_never_null(town):
    town.office.down = True
    for got in (await town.open(), await town.ask("GET", "/health"), await town.ask("GET", "/services/office.bill")):
        assert b"null" not in got.body


async def test_a_form_that_is_not_an_object_is_refused_with_its_pointer(town):
    got = await town.ask("POST", "/services/office.permit/form-checks", json={"form": [GOOD_FORM]})
    assert got.json["errors"][0]["pointer"] == "/form"
