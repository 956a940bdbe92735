"""Every mistake in a filled-in form is told at once, by code and place, and nobody's answer is repeated."""

import copy
import json
import logging
from pathlib import Path

import jsonschema_rs
import pytest

from aggregator.discovery.forms import CODES, FormError, localised, pointer, violations
from aggregator.registry.form import Form, checked
from aggregator.registry.source import Source

ROOT = Path(__file__).parents[3]
T = {"en": "A title", "or": "ଶୀର୍ଷକ", "hi": "शीर्षक"}
ID = {"definitions": {}, "additionalProperties": False}


def _form(properties: dict, **more) -> Form:
    titled = {name: {"title": T, **one} for name, one in properties.items()}
    return Form({"type": "object", "title": T, "additionalProperties": False, "properties": titled, **more})


def _codes(form: Form, data: object) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in violations(form, data)]


CASES = {
    "required": ({"type": "string"}, None, "required"),
    "pattern": ({"type": "string", "pattern": "^[0-9]{3}$"}, "12x", "pattern"),
    "too short": ({"type": "string", "minLength": 2}, "1", "too_short"),
    "too long": ({"type": "string", "maxLength": 2}, "123", "too_long"),
    "no date": ({"type": "string", "format": "date"}, "1990-02-30", "not_a_date"),
    "no moment": ({"type": "string", "format": "date-time"}, "yesterday", "not_a_moment"),
    "no e-mail": ({"type": "string", "format": "email"}, "me at home", "not_an_email"),
    "no link": ({"type": "string", "format": "uri"}, "not a link", "not_a_link"),
    "no text": ({"type": "string"}, 1, "not_text"),
    "no number": ({"type": "number"}, "1", "not_a_number"),
    "a fraction": ({"type": "integer"}, 1.5, "not_a_whole_number"),
    "neither yes nor no": ({"type": "boolean"}, "yes", "not_yes_or_no"),
    "too small": ({"type": "integer", "minimum": 2}, 1, "too_small"),
    "too large": ({"type": "integer", "maximum": 2}, 3, "too_large"),
    "no choice": ({"oneOf": [{"const": "a", "title": T}, {"const": "b", "title": T}]}, "c", "choose_one"),
    "no consent": ({"const": True}, False, "must_agree"),
    "too many": ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a", "b"], "too_many"),
    "twice the same": ({"type": "array", "uniqueItems": True}, ["a", "a"], "repeated"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_mistake_has_its_own_code(name: str) -> None:
    schema, answer, code = CASES[name]
    form = _form({"f": schema}, required=["f"])
    assert _codes(form, {} if answer is None else {"f": answer}) == [("/form/f", code)]
    assert code in CODES


def test_a_field_nobody_asked_for_is_pointed_at() -> None:
    assert _codes(_form({"a": {}}), {"a": 1, "b": 2, "c/~": 3}) == [
        ("/form/b", "unknown_field"),
        ("/form/c~1~0", "unknown_field"),
    ]


def test_one_of_several_fields_is_asked_for_by_their_names() -> None:
    form = _form({"plate": {}, "chassis": {}}, anyOf=[{"required": ["plate"]}, {"required": ["chassis"]}])
    assert violations(form, {}) == [FormError("/form", "one_of_these", {"fields": "plate, chassis"})]


def test_a_field_that_only_sometimes_matters_is_asked_for_when_it_does() -> None:
    condition = {"properties": {"scheme": {"const": "Tatkaal"}}, "required": ["scheme"]}
    form = _form(
        {"scheme": {"type": "string"}, "why": {"type": "string"}}, **{"if": condition, "then": {"required": ["why"]}}
    )
    assert _codes(form, {"scheme": "Normal"}) == []
    assert _codes(form, {"scheme": "Tatkaal"}) == [("/form/why", "required")]


def test_all_mistakes_come_at_once_in_the_order_of_the_form() -> None:
    form = _form({"z": {"type": "string"}, "a": {"maxLength": 1}, "m": {}}, required=["z", "m"])
    assert _codes(form, {"a": "xx", "q": 1}) == [
        ("/form/z", "required"),
        ("/form/a", "too_long"),
        ("/form/m", "required"),
        ("/form/q", "unknown_field"),
    ]


def test_limits_are_told_and_answers_are_not() -> None:
    form = _form({"f": {"type": "string", "maxLength": 3}})
    (error,) = violations(form, {"f": "9437000000"})
    assert error.params == {"limit": "3"}
    assert "9437" not in repr(error)


def test_something_that_is_no_form_at_all_is_said_so() -> None:
    assert _codes(_form({}), []) == [("/form", "not_a_group")]


def test_pointers_escape_what_rfc_6901_escapes() -> None:
    assert pointer(["a/b", "c~d", 0]) == "/form/a~1b/c~0d/0"


def test_js1_a_form_without_a_draft_still_checks_its_dates() -> None:
    schema = {"properties": {"f": {"type": "string", "format": "date"}}}
    naive = jsonschema_rs.validator_for(schema)
    assert naive.is_valid({"f": "30-02-1990"})
    assert _codes(_form(schema["properties"]), {"f": "30-02-1990"}) == [("/form/f", "not_a_date")]


def test_js2_a_form_never_opens_a_file_or_the_network(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"type": "integer"}', encoding="utf-8")
    schema = {"properties": {"f": {"$ref": other.as_uri()}}}
    naive = jsonschema_rs.Draft7Validator(schema)
    assert not naive.is_valid({"f": "text"})
    with pytest.raises(ValueError, match="Retrieval is disabled"):
        Form(schema)
    source = Source("form.json", tmp_path / "form.json", data={"type": "object", "title": T, **schema})
    assert checked(source) is None
    assert any("must stay in this form" in problem.message for problem in source.problems)


def test_js3_a_citizen_is_told_to_choose_and_not_about_schemas() -> None:
    schema = {"oneOf": [{"const": "a", "title": T}, {"const": "b", "title": T}]}
    (naive,) = jsonschema_rs.Draft7Validator({"oneOf": [{"const": "a"}, {"const": "b"}]}).iter_errors("c")
    assert "schemas listed in the 'oneOf' keyword" in naive.message
    assert _codes(_form({"f": schema}), {"f": "c"}) == [("/form/f", "choose_one")]


def test_js4_no_log_and_no_error_repeats_what_the_citizen_typed(caplog: pytest.LogCaptureFixture) -> None:
    form = _form({"mobile": {"type": "string", "pattern": "^[6-9][0-9]{9}$"}})
    data = {"mobile": "94370-SECRET"}
    (naive,) = form.validator.iter_errors(data)
    assert "94370-SECRET" in naive.message
    with caplog.at_level(logging.DEBUG):
        found = violations(form, data)
    assert "SECRET" not in repr(found)
    assert "SECRET" not in caplog.text


def test_js5_a_pattern_with_nested_quantifiers_is_answered_at_once() -> None:
    form = _form({"f": {"type": "string", "pattern": "^(a+)+$"}})
    assert _codes(form, {"f": "a" * 50_000 + "b"}) == [("/form/f", "pattern")]


def test_a_form_speaks_one_language_and_stays_the_same_form() -> None:
    form = _form({
        "f": {"oneOf": [{"const": "a", "title": T}], "description": T, "x-error-message": T, "default": {"en": "kept"}},
        "title": {"type": "string"},
    })  # fmt: skip
    odia = localised(form, "or")
    field = odia["properties"]["f"]
    assert (odia["title"], field["title"], field["description"]) == ("ଶୀର୍ଷକ",) * 3
    assert field["oneOf"] == [{"const": "a", "title": "ଶୀର୍ଷକ"}]
    assert field["x-error-message"] == "ଶୀର୍ଷକ"
    assert field["default"] == {"en": "kept"}
    assert odia["properties"]["title"]["title"] == "ଶୀର୍ଷକ"
    assert form["title"] == T


def test_a_copy_of_a_form_can_be_changed_without_the_form() -> None:
    form = _form({"f": {"type": "string"}})
    copied = copy.deepcopy(form)
    copied["properties"]["f"]["type"] = "integer"
    assert type(copied) is dict
    assert _codes(form, {"f": "text"}) == []


def test_a_missing_translation_gives_way_to_english_text_by_text() -> None:
    form = Form({"type": "object", "title": {"en": "Only English"}, "properties": {"f": {"title": T}}})
    hindi = localised(form, "hi")
    assert hindi["title"] == "Only English"
    assert hindi["properties"]["f"]["title"] == "शीर्षक"


REAL = sorted(ROOT.glob("adapters/*/*/forms/*.json"))


@pytest.mark.parametrize("file", REAL, ids=[f"{file.parts[-3]}-{file.stem}" for file in REAL])
def test_every_form_of_the_city_is_pure_draft_7_in_every_language(file: Path) -> None:
    form = Form(json.loads(file.read_text(encoding="utf-8")))
    for language in ("en", "or", "hi"):
        spoken = localised(form, language)
        jsonschema_rs.meta.validate({**spoken, "$schema": "http://json-schema.org/draft-07/schema#"})
        assert all(isinstance(field["title"], str) for field in spoken["properties"].values())
    assert violations(form, {}) or not form.get("required")
    assert len(json.dumps(spoken)) < 65_536
