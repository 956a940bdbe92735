"""The ledger: tiers follow from rules, an exemption needs a reason, and nobody is exempt by being old."""

from aggregator.cli.adapter_test import lines
from aggregator.sdk.testing.quality import RULES, Finding, Result, Tier, exemptions, ledger

KEPT = [Result(rule, 1) for rule in RULES]


def _with(rule, *found):
    return [Result(one.rule, 0, found) if one.rule == rule else one for one in KEPT]


def test_a_driver_that_keeps_everything_is_gold():
    told = ledger("adapters.x.y", KEPT, {})
    assert (told.tier, told.failures, told.passed) == ("gold", [], len(RULES))


def test_a_broken_bronze_rule_is_a_failure_and_no_tier():
    told = ledger("adapters.x.y", _with("size", Finding("adapters/x/y/__init__.py:150", "180 lines, at most 150")), {})
    assert told.tier == ""
    assert lines(told, verbose=False)[:2] == [
        f"adapters.x.y: {len(RULES) - 1} passed, 1 failed",
        "  adapters/x/y/__init__.py:150: 180 lines, at most 150",
    ]


def test_what_gold_wants_is_no_failure():
    told = ledger("adapters.x.y", _with("find", Finding("adapters/x/y/__init__.py", "submit and no find")), {})
    assert (told.tier, told.failures) == ("silver", [])
    assert "gold needs: " + RULES["find"].title in lines(told, verbose=False)[1]


def test_a_rule_is_exempt_with_a_reason_and_the_reason_is_printed():
    why = "the portal of this agency cannot be asked about a complaint"
    told = ledger("adapters.x.y", _with("bounds", Finding("y:1", "opaque")), {"exempt_bounds": why})
    assert told.tier == "gold"
    assert f"  exempt from bounds: {why}" in lines(told, verbose=False)


def test_an_exemption_without_a_reason_or_a_rule_is_itself_a_failure():
    exempt, wrong = exemptions({"exempt_bounds": "later", "exempt_nothing": "a long and honest reason", "contract": ""})
    assert exempt == {}
    assert len(wrong) == 2
    assert ledger("adapters.x.y", KEPT, {"exempt_size": "no"}).tier == ""


def test_every_tier_has_its_rules():
    assert {rule.tier for rule in RULES.values()} == set(Tier)
