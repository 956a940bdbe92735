"""An operator may make a driver's promise stricter, never weaker: the other way costs duplicates."""

import pytest

from aggregator.registry.problems import WARNING
from aggregator.registry.tighten import RULES
from aggregator.sdk.adapter import Class, Declared

GIVEN = "max_apply_delay_s = 300"

WEAKER = {
    "a shorter delay": (
        "max_apply_delay_s = 30",
        "max_apply_delay_s is shorter than the driver's 90, got 30. An agency block may only lengthen it",
    ),
    "a shorter lag": ("query_lag_s = 5", "query_lag_s is shorter than the driver's 60, got 5"),
    "more sends": (
        "max_sends = 4",
        "max_sends is greater than the driver's 3, got 4. An agency block may only lower it",
    ),
    "more looks": ("query_budget_per_hour = 601", "query_budget_per_hour is greater than the driver's 600, got 601"),
    "a longer life of an intent": (
        "stale_after_s = 999999",
        "stale_after_s is longer than the driver's 604800, got 999999",
    ),
    "a code that sheds": ("shed_unsent_codes = [429, 503]", "shed_unsent_codes adds 503 to the driver's list"),
    "a code that refuses": ('refusal_codes = ["E1"]', 'refusal_codes adds "E1" to the driver\'s list'),
    "a status of the gateway": ("gateway_unsent = [401, 404]", "gateway_unsent adds 404 to the driver's list"),
    "a better class": ('class = "keyed"', 'class is declared queryable by the driver, got "keyed"'),
    "a key nobody promised": ("key_ttl_s = 100", "key_ttl_s is not declared by the driver, got 100"),
}


@pytest.mark.parametrize("name", WEAKER)
def test_a_weaker_promise_is_refused(toytown, name: str) -> None:
    new, message = WEAKER[name]
    toytown.edit(GIVEN, new)
    problems = toytown.check()
    assert [problem.message.startswith(message) for problem in problems] == [True], problems


def test_a_stricter_promise_is_taken_over(toytown) -> None:
    toytown.edit(
        GIVEN,
        'max_apply_delay_s = 300\nquery_lag_s = 120\nmax_sends = 1\nshed_unsent_codes = ["429"]\ngateway_unsent = []\n'
        "stale_after_s = 3600\ntimeout_s = 45",
    )
    submit = toytown.load().agencies["rto"].operations["submit"]
    assert (submit.max_apply_delay_s, submit.query_lag_s, submit.max_sends) == (300.0, 120.0, 1)
    assert submit.shed_unsent_codes == frozenset({429})
    assert submit.gateway_unsent == frozenset()
    assert submit.cls is Class.QUERYABLE
    assert (submit.stale_after_s, submit.timeout_s) == (3600.0, 45.0)


def test_any_operation_may_be_called_opaque(toytown) -> None:
    toytown.edit(GIVEN, 'class = "opaque"')
    assert toytown.load().agencies["rto"].operations["submit"].cls is Class.OPAQUE


def test_an_agency_without_a_block_keeps_the_drivers_facts(toytown) -> None:
    toytown.edit("[agencies.rto.operations.submit]\n" + GIVEN, "")
    assert toytown.load().agencies["rto"].operations["submit"].max_apply_delay_s == 90


def test_a_declared_bound_cannot_be_promised_for_a_driver_that_has_none(toytown) -> None:
    """The control: with a bound of the operator's own, an opaque operation would be sent again."""
    naive = Declared(cls=Class.QUERYABLE)
    assert naive.effective is Class.OPAQUE
    toytown.edit("max_apply_delay_s=90, ", "", toytown.driver / "__init__.py")
    (problem,) = toytown.check()
    assert problem.message.startswith("max_apply_delay_s is not declared by the driver")


def test_numbers_that_leave_a_key_no_time_are_warned_of(toytown) -> None:
    toytown.edit("Class.QUERYABLE, max", "Class.KEYED, key_ttl_s=400, max", toytown.driver / "__init__.py")
    assert toytown.check() == []
    toytown.edit(GIVEN, "max_apply_delay_s = 375")
    (problem,) = toytown.check()
    assert problem.severity == WARNING
    assert problem.message == (
        "submit can never be sent again under its key: key_ttl_s 400 is not longer than "
        "timeout_s + max_apply_delay_s + 5 = 400"
    )


def test_every_key_of_the_table_is_a_fact_of_an_operation() -> None:
    fields = set(Declared.__dataclass_fields__)
    assert {"cls" if key == "class" else key for key in RULES} <= fields
