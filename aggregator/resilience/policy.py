"""How much patience one agency gets is written down as numbers, and the numbers are checked against each other.

One `[agencies.<id>.policy]` block of registry.toml. Every field has a unit in its name, a default that suits a
government back end of middling health, and a row in docs/resilience.md saying what a wrong value costs.
"""

from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

Problem = tuple[str, str]
"""The field, and what is wrong with it: a sentence an operator can act on."""

_MAY_BE_ZERO = {"max_waiting", "max_wait_s", "retry_budget_percent", "retry_budget_floor_per_min"}
_PERCENT = {"retry_budget_percent", "breaker_fail_percent"}
SHARES = ("interactive", "settling", "polling")
"""Who shares an agency's rate: people waiting, doubts being settled, routine polling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The patience of one agency. Seconds, calls, percent: the unit is in each name."""

    deadline_s: float = 20.0
    max_concurrency: int = 8
    max_waiting: int = 32
    max_wait_s: float = 2.0
    max_rps: float = 5.0
    share_interactive: float = 0.7
    share_settling: float = 0.2
    share_polling: float = 0.1
    retry_max_attempts: int = 3
    retry_budget_percent: float = 10.0
    retry_budget_floor_per_min: int = 10
    retry_wait_min_s: float = 0.05
    retry_wait_max_s: float = 2.0
    breaker_fail_max: int = 5
    breaker_reset_s: float = 5.0
    breaker_reset_max_s: float = 300.0
    breaker_trials: int = 1
    breaker_success_threshold: int = 1
    breaker_window_s: float = 10.0
    breaker_window_calls: int = 10
    breaker_fail_percent: float = 50.0
    slow_call_s: float = 10.0

    def problems(self) -> list[Problem]:
        """Everything wrong with these numbers at once; empty when they can be used."""
        found = [problem for field in fields(self) if (problem := _problem_of(field.name, field.type, self))]
        return found or _contradictions(self)


def _problem_of(name: str, kind: Any, policy: Policy) -> Problem | None:
    value = getattr(policy, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return name, f"must be a number, got {value!r}"
    if kind is int and not isinstance(value, int):
        return name, f"must be a whole number, got {value!r}"
    if not isfinite(value):
        return name, f"must be finite, got {value!r}"
    return _out_of_range(name, value)


def _out_of_range(name: str, value: float) -> Problem | None:
    if value < 0 or (value == 0 and name not in _MAY_BE_ZERO):
        return name, f"must be {'at least' if name in _MAY_BE_ZERO else 'more than'} 0, got {value!r}"
    if name in _PERCENT and value > 100:
        return name, f"is a percentage, got {value!r}"
    if name == "retry_max_attempts" and value > 3:
        return name, f"may be at most 3: more only multiplies an outage, got {value!r}"
    return None


def _contradictions(p: Policy) -> list[Problem]:
    shares = p.share_interactive + p.share_settling + p.share_polling
    rules = (
        (abs(shares - 1.0) > 1e-6, "share_interactive", f"the three shares must add up to 1, got {shares:g}"),
        (p.max_wait_s >= p.deadline_s, "max_wait_s", "must be shorter than deadline_s: waiting is part of it"),
        (p.retry_wait_min_s > p.retry_wait_max_s, "retry_wait_min_s", "must not be longer than retry_wait_max_s"),
        (
            p.retry_wait_max_s >= p.deadline_s,
            "retry_wait_max_s",
            "must be shorter than deadline_s, or nothing is retried",
        ),
        (p.breaker_reset_s > p.breaker_reset_max_s, "breaker_reset_s", "must not be longer than breaker_reset_max_s"),
        (p.breaker_trials > p.max_concurrency, "breaker_trials", "must not be more than max_concurrency"),
        (
            p.breaker_trials > 3,
            "breaker_trials",
            "may be at most 3: a half-open circuit is a question, not a load",
        ),
    )
    return [(name, message) for broken, name, message in rules if broken]
