"""One list of order, group and widget; two UI schemas and a plain page read it."""

from typing import Any

from aggregator.discovery.forms import localised, violations
from aggregator.discovery.forms.answers import form_of, understood, western
from aggregator.discovery.forms.layout import FIELDS_TOGETHER, fields_of, layout
from aggregator.discovery.forms.prefill import prefill
from aggregator.discovery.forms.renderers import data_schema, ui_schema


def form(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    titled = {name: {"title": {"en": name.title(), "or": f"or {name}"}, **field} for name, field in properties.items()}
    return {"type": "object", "title": {"en": "F"}, "additionalProperties": False, "properties": titled, **more}


TEXT = {"type": "string", "maxLength": 50}
CHOICE = {
    "type": "string",
    "oneOf": [{"const": "A", "title": {"en": "Zone A", "or": "ଅଞ୍ଚଳ କ"}}, {"const": "B", "title": {"en": "Zone B"}}],
}
CONDITIONAL = form(
    {"holder": CHOICE, "firm": TEXT},
    **{"if": {"properties": {"holder": {"const": "B"}}}, "then": {"required": ["firm"]}},
)


def test_a_long_form_falls_into_parts_nobody_gets_lost_in() -> None:
    groups = layout(localised(form({f"f{n}": TEXT for n in range(22)}), "en"))
    assert [len(group.fields) for group in groups] == [11, 11]
    assert all(len(group.fields) <= FIELDS_TOGETHER for group in groups)


def test_groups_of_the_form_stand_as_written_and_no_field_gets_lost() -> None:
    given = form({"a": TEXT, "b": TEXT, "c": TEXT}, **{"x-groups": [{"title": {"en": "You"}, "fields": ["c", "a"]}]})
    groups = layout(localised(given, "en"))
    assert [(group.title, [one.name for one in group.fields]) for group in groups] == [("You", ["c", "a"]), ("", ["b"])]


def test_widgets_follow_from_the_rules_and_hints_overrule_them() -> None:
    fields = form({
        "few": CHOICE,
        "many": {"type": "string", "oneOf": [{"const": str(n), "title": {"en": str(n)}} for n in range(11)]},
        "story": {"type": "string", "maxLength": 1000},
        "code": {"type": "string", "maxLength": 1000, "pattern": "^[0-9]+$"},
        "born": {"type": "string", "format": "date"},
        "agreed": {"type": "boolean"},
        "paper": {"type": "string", "format": "uri", "contentMediaType": "application/pdf"},
        "told": {**CHOICE, "x-widget": "select"},
    })  # fmt: skip
    made = {one.name: one.widget for one in fields_of(localised(fields, "en"))}
    assert made == {
        "few": "radio", "many": "select", "story": "textarea", "code": "text", "born": "date", "agreed": "checkbox",
        "paper": "file", "told": "select",
    }  # fmt: skip


def test_json_forms_hides_by_a_rule_and_rjsf_by_where_the_field_stands() -> None:
    told = localised(CONDITIONAL, "en")
    controls = {one["scope"]: one for one in ui_schema(told, "jsonforms")["elements"]}
    assert controls["#/properties/firm"]["rule"]["condition"] == {
        "scope": "#/properties/holder", "schema": {"const": "B"}, "failWhenUndefined": True,
    }  # fmt: skip
    moved = data_schema(told, "rjsf")
    assert set(moved["properties"]) == {"holder"}
    assert moved["then"]["properties"]["firm"]["title"] == "Firm"
    assert "additionalProperties" not in moved
    assert data_schema(told, "jsonforms")["additionalProperties"] is False


def test_digits_of_every_script_are_digits_and_words_stay_words() -> None:
    assert western("୯୪୩୭") == "9437"
    assert western("४२ घर") == "42 घर"
    fields = {one.name: one for one in fields_of(localised(form({
        "mobile": {"type": "string", "pattern": "^[0-9]{10}$"}, "house": TEXT, "count": {"type": "integer"},
        "share": {"type": "number"}, "born": {"type": "string", "format": "date"},
        "seen": {"type": "string", "format": "date-time"},
    }), "en"))}  # fmt: skip
    assert understood(fields["mobile"], ["୯୪୩୭୦୦୦୦୦୦"]) == "9437000000"
    assert understood(fields["house"], ["ଘର ୪୨"]) == "ଘର ୪୨"
    assert understood(fields["count"], [" ୧୨ "]) == 12
    assert understood(fields["share"], ["20.25"]) == 20.25
    assert understood(fields["born"], ["28-2-1990"]) == "1990-02-28"
    assert understood(fields["seen"], ["2026-11-20T10:30"]) == "2026-11-20T10:30:00+05:30"


def test_what_cannot_be_read_is_told_as_wrong_and_never_guessed() -> None:
    given = form({"count": {"type": "integer"}, "zone": CHOICE, "born": {"type": "string", "format": "date"}})
    made = form_of(localised(given, "or"), {"count": ["a few"], "zone": ["C"], "born": ["30-02-1990"], "extra": ["x"]})
    assert {(error.pointer, error.code) for error in violations(given, made)} == {
        ("/form/count", "not_a_whole_number"), ("/form/zone", "choose_one"), ("/form/born", "not_a_date"),
        ("/form/extra", "unknown_field"),
    }  # fmt: skip


def test_an_empty_field_is_a_missing_one() -> None:
    given = form({"name": TEXT, "agreed": {"type": "boolean"}}, required=["name"])
    made = form_of(localised(given, "en"), {"name": ["   "]})
    assert made == {"agreed": False}
    assert [error.code for error in violations(given, made)] == ["required"]


def test_what_is_known_fills_the_form_only_where_the_form_would_take_it() -> None:
    given = localised(form({
        "vehicle_number": TEXT, "mobile": {"type": "string", "pattern": "^[6-9][0-9]{9}$"}, "name": TEXT,
        "email": {"type": "string", "format": "email"},
    }), "en")  # fmt: skip
    links = [{"vehicle_number": "OD02AB1234", "mobile": ""}]
    made = prefill(
        given, links, {"name": ["Test Citizen"], "mobile": ["+919000000000", "9000000000"], "email": ["none"]}
    )
    assert {name: (known.value, known.source) for name, known in made.items()} == {
        "vehicle_number": ("OD02AB1234", "LINK"), "name": ("Test Citizen", "PROFILE"),
        "mobile": ("9000000000", "PROFILE"),
    }  # fmt: skip


def test_of_two_linked_vehicles_none_is_chosen_for_the_citizen() -> None:
    given = localised(form({"vehicle_number": TEXT}), "en")
    assert prefill(given, [{"vehicle_number": "OD02AB1234"}, {"vehicle_number": "OD02ZZ0001"}], {}) == {}
