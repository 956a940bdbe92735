"""A refused body says what would have been right, and never repeats what was sent."""

import orjson
import pytest
from jsonschema_rs import Draft202012Validator

from aggregator.api.case_shapes import NewCaseAsked
from aggregator.api.decode import Reader
from aggregator.api.problem import Problem
from aggregator.api.violations import violated
from aggregator.texts import languages, say

READER = Reader(NewCaseAsked)


def refused(body, language="en"):
    with pytest.raises(Problem) as caught:
        READER.read(orjson.dumps(body), say, language)
    return {line.pointer: line for line in caught.value.errors}


@pytest.mark.parametrize("language", languages)
def test_a_service_written_wrongly_is_told_with_an_example(language):
    line = refused({"service_id": "Transfer of Ownership", "form": {}}, language)["/service_id"]
    assert line.code == "pattern"
    assert "rto.transfer_ownership" in line.detail
    assert "Transfer of" not in line.detail


@pytest.mark.parametrize("language", languages)
def test_a_word_outside_the_vocabulary_is_told_with_the_words_there_are(language):
    line = refused({"service_id": "rto.noc", "form": {}, "channel": "whatsapp"}, language)["/channel"]
    assert line.code == "choose_one"
    assert "WEB, COUNTER, PHONE, CHAT" in line.detail
    assert "whatsapp" not in line.detail


@pytest.mark.parametrize(
    ("wrong", "code"), [({"form": 3}, "not_a_group"), ({"service_id": 3}, "not_text"), ({"form": None}, "not_a_group")]
)
def test_a_value_of_the_wrong_kind_is_told_by_the_kind_that_is_wanted(wrong, code):
    (pointer,) = wrong
    line = refused({"service_id": "rto.noc", "form": {}, **wrong})[f"/{pointer}"]
    assert line.code == code


ALTERNATIVES = {
    "$defs": {"Day": {"type": "string", "pattern": "^[0-9]{4}$", "examples": ["2026"]}},
    "properties": {
        "maybe": {"anyOf": [{"$ref": "#/$defs/Day"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "many": {"enum": list(range(30))},
    },
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"maybe": "26"}, ("pattern", {"example": "2026"})),
        ({"either": []}, ("invalid", {})),
        ({"many": 99}, ("choose_one", {})),
    ],
    ids=["the alternative that was meant", "none was meant", "too many to tell"],
)
def test_of_alternatives_the_one_that_was_meant_is_told(given, expected):
    (error,) = Draft202012Validator(ALTERNATIVES).iter_errors(given)
    assert violated(error, ALTERNATIVES) == expected
