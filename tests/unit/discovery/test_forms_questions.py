"""What is asked next, and what an answer said aloud means."""

from typing import Any

import pytest

from aggregator.discovery.forms import localised
from aggregator.discovery.forms.layout import Field, fields_of
from aggregator.discovery.forms.questions import answered, asked_for, next_question

FORM: dict[str, Any] = {
    "type": "object", "title": {"en": "F"}, "additionalProperties": False, "required": ["holder", "agreed"],
    "properties": {
        "holder": {
            "type": "string", "title": {"en": "Who holds it", "hi": "किसके नाम"},
            "oneOf": [
                {"const": "SELF", "title": {"en": "I do", "hi": "मेरे"}},
                {"const": "FIRM", "title": {"en": "A firm", "hi": "फ़र्म के"}},
            ],
        },
        "firm": {"type": "string", "title": {"en": "Firm"}, "maxLength": 50},
        "days": {
            "type": "array", "title": {"en": "Days"}, "uniqueItems": True,
            "items": {"type": "string", "oneOf": [{"const": d, "title": {"en": d}} for d in ("Mon", "Tue", "Wed")]},
        },
        "agreed": {"type": "boolean", "title": {"en": "Agreed"}},
    },
    "if": {"properties": {"holder": {"const": "FIRM"}}, "required": ["holder"]},
    "then": {"required": ["firm"]},
}  # fmt: skip


def field(name: str, language: str = "en") -> Field:
    return next(one for one in fields_of(localised(FORM, language)) if one.name == name)


@pytest.mark.parametrize("words", ["2", "A firm", "a FIRM", "FIRM", "\u0b68", " \u0968 "])
def test_a_choice_is_made_by_number_words_or_value(words: str) -> None:
    assert answered(localised(FORM, "en"), field("holder"), words) == ("FIRM", [])


def test_a_choice_in_the_citizens_language_is_understood() -> None:
    assert answered(localised(FORM, "hi"), field("holder", "hi"), "फ़र्म के")[0] == "FIRM"


def test_an_answer_that_is_none_of_the_choices_is_told_so() -> None:
    _, errors = answered(localised(FORM, "en"), field("holder"), "3")
    assert [error.code for error in errors] == ["choose_one"]


def test_several_choices_come_in_one_breath() -> None:
    assert answered(localised(FORM, "en"), field("days"), "1, Wed") == (["Mon", "Wed"], [])


@pytest.mark.parametrize(("words", "meant"), [("ହଁ", True), ("no", False), ("हाँ", True), ("2", False)])
def test_yes_and_no_are_understood_in_three_languages(words: str, meant: bool) -> None:
    assert answered(localised(FORM, "en"), field("agreed"), words) == (meant, [])


def test_a_mumbled_yes_is_asked_again() -> None:
    _, errors = answered(localised(FORM, "en"), field("agreed"), "perhaps")
    assert [error.code for error in errors] == ["not_yes_or_no"]


def test_what_an_answer_makes_needless_is_not_asked() -> None:
    form = localised(FORM, "en")
    assert [one.name for one in asked_for(form, {"holder": "SELF"})] == ["holder", "days", "agreed"]
    question = next_question(form, {"holder": "FIRM"}, ())
    assert question is not None
    assert (question.field.name, question.count) == ("firm", 4)
