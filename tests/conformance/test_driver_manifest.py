"""A driver folder says in data what it is, in three languages, and its samples read as their names say."""

import json

import pytest

from aggregator.sdk.adapter import Class
from aggregator.sdk.testing.conformance import (
    Answering,
    call,
    candidates,
    promised,
    reads_as,
    recorded,
    undeclared,
)
from aggregator.sdk.testing.hostile import HOSTILE
from aggregator.sdk.wire import Sent

LANGUAGES = {"en", "or", "hi"}
DRIVERS = [pytest.param(candidate, id=candidate.module) for candidate in candidates()]
OPERATIONS = [
    pytest.param(candidate, operation, id=f"{candidate.module}.{operation}")
    for candidate in candidates()
    for operation in candidate.sandbox["orders"]
]
RESENT = [
    param
    for param in OPERATIONS
    for declared in [param.values[0].operations[param.values[1]]]
    if declared.cls is not Class.SAFE and not declared.volatile_fields
]
SAMPLES = [
    pytest.param(candidate, sample, id=f"{candidate.module}-{sample.name}")
    for candidate in candidates()
    for sample in candidate.samples
    if not sample.name.endswith(".http.json")
]


def _words(form):
    for name, value in form.items():
        if name in {"title", "description", "x-error-message"} and not isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _words(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from _words(item)


def test_there_are_drivers_to_examine():
    assert len(DRIVERS) >= 2


@pytest.mark.parametrize("candidate", DRIVERS)
def test_a_driver_is_filed_under_its_own_name(candidate):
    told = candidate.manifest["driver"]
    assert (told["kind"], told["name"]) == (candidate.kind, candidate.name)
    assert set(told["title"]) >= LANGUAGES
    assert candidate.manifest["quality"]


@pytest.mark.parametrize("candidate", DRIVERS)
def test_every_offer_is_an_operation_with_a_form_in_three_languages(candidate):
    for offer, told in candidate.manifest.get("services", {}).items():
        assert told["operation"] in candidate.operations, offer
        form = json.loads((candidate.folder / told["form"]).read_text("utf-8"))
        assert [
            words for words in [told["title"], *_words(form)] if not set(words) >= LANGUAGES or "" in words.values()
        ] == []


@pytest.mark.parametrize("candidate", DRIVERS)
def test_every_operation_is_declared_and_has_a_sandbox_order(candidate):
    assert undeclared(candidate) == []
    assert set(candidate.sandbox["orders"]) == set(candidate.operations)


@pytest.mark.parametrize("candidate", DRIVERS)
def test_a_settling_class_declares_the_bounds_it_settles_by(candidate):
    for name, declared in candidate.operations.items():
        if declared.cls not in {Class.SAFE, Class.OPAQUE}:
            assert declared.effective is declared.cls, name
        if declared.cls is Class.QUERYABLE:
            assert "find" in candidate.operations, name


@pytest.mark.parametrize(("candidate", "sample"), SAMPLES)
async def test_recorded_answers_read_as_their_file_names_say(candidate, sample):
    operation, expected = promised(sample)
    declared = candidate.operations[operation]
    driver = candidate.make(Answering(recorded(sample), candidate.before(operation)))
    ended = await call(driver, operation, declared, candidate.order(operation))
    assert expected in reads_as(ended, read=declared.cls is Class.SAFE), ended.got


@pytest.mark.parametrize(("candidate", "operation"), OPERATIONS)
async def test_a_hostile_answer_is_neither_a_yes_nor_a_no(candidate, operation):
    declared = candidate.operations[operation]
    read = declared.cls is Class.SAFE
    wrong = {}
    for name, hostile in HOSTILE[candidate.dialect].items():
        driver = candidate.make(Answering(hostile.reply, candidate.before(operation)))
        ended = await call(driver, operation, declared, candidate.order(operation))
        allowed = candidate.deviation(operation, name) or (hostile.read if read else hostile.write).split("|")
        if ended.word(read=read) not in allowed:
            wrong[name] = (ended.word(read=read), str(ended.got)[:100])
    assert wrong == {}


@pytest.mark.parametrize(("candidate", "operation"), RESENT)
async def test_the_same_order_gives_the_same_bytes(candidate, operation):
    declared = candidate.operations[operation]
    order, bodies = candidate.order(operation), []
    for _ in range(2):
        wire = Answering(HOSTILE[candidate.dialect]["ok and empty"].reply, candidate.before(operation))
        ended = await call(candidate.make(wire), operation, declared, order)
        assert ended.trail.sent is Sent.MAYBE
        bodies.append(wire.bodies[-1])
    assert bodies[0] == bodies[1]
