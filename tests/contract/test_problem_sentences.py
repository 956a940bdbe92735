"""Every refusal the API can give has its sentence, in every language; none of them is a key in disguise."""

import re
from pathlib import Path

import pytest

import aggregator.api
from aggregator.api.problem import KINDS
from aggregator.api.violations import CODES as BODY_CODES
from aggregator.cases.act import OPERATIONS
from aggregator.cases.lifecycle import State
from aggregator.cases.number import Slip
from aggregator.discovery.forms import CODES
from aggregator.texts import has, languages, texts

SOURCE = "".join(path.read_text() for path in Path(aggregator.api.__file__).parent.glob("*.py"))
VARIANTS = set(re.findall(r'Problem\(\s*"([a-z-]+)", variant="([a-z]+)"', SOURCE))


@pytest.mark.parametrize("language", languages)
@pytest.mark.parametrize("code", KINDS)
def test_a_problem_has_title_detail_and_advice_in_every_language(code, language):
    for part in ("title", "detail", "do"):
        assert texts(language)[f"problem.{code.replace('-', '_')}.{part}"]


def test_every_variant_in_the_source_has_detail_and_advice():
    assert len(VARIANTS) >= 4
    for code, variant in VARIANTS | {("not-authenticated", "token"), ("not-authenticated", "sandbox")}:
        assert has(f"problem.{code}.detail_{variant}"), (code, variant)
        assert has(f"problem.{code}.do_{variant}"), (code, variant)


def test_every_rule_of_a_form_or_body_has_a_sentence():
    for rule in CODES | BODY_CODES | {"control", "invalid"} | {f"number_{slip}" for slip in Slip}:
        assert has(f"problem.violation.{rule}"), rule


def test_every_sentence_the_source_asks_for_by_name_exists():
    asked = set(re.findall(r'say\(\s*"([a-z_.]+)"', SOURCE))
    assert "bills.due" in asked
    assert [key for key in asked if not has(key)] == []


def test_every_reason_an_action_or_a_question_can_be_refused_for_has_a_sentence():
    cases = Path(aggregator.api.__file__).parents[1] / "cases"
    source = "".join((cases / name).read_text() for name in ("withdraw.py", "act.py", "ask_leg.py"))
    reasons = set(re.findall(r'(?:ActionNotPossible|NotAskable)\("([a-z_]+)"', source))
    assert {"not_now", "already_done", "not_offered", "with_a_person"} <= reasons
    for reason in reasons | {"unknown", "not_enquiry", "said_no", "proves_nothing"}:
        assert has(f"problem.action_not_possible.why_{reason}"), reason


def test_every_action_and_every_step_of_one_has_its_words():
    for action in OPERATIONS:
        assert has(f"action.{action.lower()}"), action
    for step in [state.lower() for state in State] + ["held"]:
        assert has(f"event.operation.{step}"), step


def test_what_is_owed_and_what_is_free_has_its_words_whatever_it_is():
    for verdict in ("nobody_asked", "incomplete", "complete", "nothing", "due", "none_here"):
        assert has(f"bills.{verdict}"), verdict
    for found in ("stale", "found", "none"):
        assert has(f"slots.{found}"), found
