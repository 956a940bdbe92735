"""The numbers of a policy: checked against each other, and documented as they are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from aggregator.resilience.policy import Policy

PAGE = Path(__file__).parents[3] / "docs" / "resilience.md"


def test_the_defaults_contradict_nothing():
    assert Policy().problems() == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"deadline_s": 0}, "deadline_s"),
        ({"deadline_s": "20"}, "deadline_s"),
        ({"deadline_s": float("nan")}, "deadline_s"),
        ({"deadline_s": float("inf")}, "deadline_s"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"max_concurrency": 2.5}, "max_concurrency"),
        ({"max_concurrency": True}, "max_concurrency"),
        ({"max_waiting": -1}, "max_waiting"),
        ({"max_rps": 0.0}, "max_rps"),
        ({"max_wait_s": 30.0}, "max_wait_s"),
        ({"share_interactive": 0.9}, "share_interactive"),
        ({"retry_max_attempts": 4}, "retry_max_attempts"),
        ({"retry_budget_percent": 101.0}, "retry_budget_percent"),
        ({"retry_wait_min_s": 0.0}, "retry_wait_min_s"),
        ({"retry_wait_min_s": 3.0}, "retry_wait_min_s"),
        ({"retry_wait_max_s": 20.0}, "retry_wait_max_s"),
        ({"breaker_reset_s": 400.0}, "breaker_reset_s"),
        ({"breaker_trials": 4}, "breaker_trials"),
        ({"breaker_trials": 2, "max_concurrency": 1}, "breaker_trials"),
    ],
)
def test_a_wrong_number_is_named_with_its_field(wrong, field):
    (problem,) = Policy(**wrong).problems()
    assert problem[0] == field
    assert "must" in problem[1] or "may" in problem[1] or "is a" in problem[1]


def test_all_that_is_wrong_is_said_at_once():
    assert len(Policy(deadline_s=-1, max_rps=0, breaker_fail_max=0).problems()) == 3


def test_nothing_that_may_be_zero_is_refused():
    assert Policy(max_waiting=0, max_wait_s=0, retry_budget_percent=0, retry_budget_floor_per_min=0).problems() == []


def test_the_page_lists_every_number_with_its_default_and_its_price():
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE)
    written = {name: default.strip() for name, _, default, _, _ in rows}
    assert written == {field.name: str(field.default) for field in fields(Policy)}
    assert all(unit.strip() and small.strip() and large.strip() for _, unit, _, small, large in rows)
