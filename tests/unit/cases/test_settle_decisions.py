"""When a silence counts, how long a doubt waits, and who is asked in the end: pure decisions."""

import pytest

from aggregator.cases.lifecycle import State
from aggregator.cases.operation import Operation
from aggregator.cases.settle import (
    Looked,
    after_absence,
    after_look,
    concluded,
    doubt,
    held,
    next_look_ms,
    resend,
    settle_at_ms,
)
from aggregator.resilience.outcome import Confirmed, NotSent, Rejected, Unknown
from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Receipt

NOW = 1_000_000_000
QUERYABLE = Declared(cls=Class.QUERYABLE, max_apply_delay_s=90, query_lag_s=60)
KEYED = Declared(cls=Class.KEYED, max_apply_delay_s=90, query_lag_s=60, key_ttl_s=3600)
NOTHING = Looked(0, control_found=True)


def op(**changes: object) -> Operation:
    values: dict[str, object] = {
        "id": "op_1", "leg_id": "leg_1", "case_id": "case_1", "agency": "rto", "name": "submit", "service": "to",
        "reference": "R1", "state": State.IN_DOUBT, "attempt": 1, "sends": 1, "holds": 0, "doubtful": True, "epoch": 1,
        "worker": "w", "owner": "system", "reason_code": "", "citizen_text_key": "", "next_action_ms": NOW,
        "first_sent_ms": NOW, "ended_ms": NOW, "looks": 0, "absent_ms": None, "withdraw": False,
        "agency_reference": "", "created_ms": NOW,
    }  # fmt: skip
    return Operation(**{**values, **changes})  # type: ignore[arg-type]


def test_an_absence_counts_from_settle_at_on_and_not_a_millisecond_earlier() -> None:
    settle = settle_at_ms(op(), QUERYABLE)
    assert settle == NOW + (90 + 60 + 5) * 1000
    assert after_look(op(), QUERYABLE, NOTHING, settle - 1).after is State.IN_DOUBT
    assert after_look(op(), QUERYABLE, NOTHING, settle).after is State.ABSENT_ONCE


def test_without_the_control_record_no_absence_counts() -> None:
    later = settle_at_ms(op(), QUERYABLE) + 10_000
    assert after_look(op(), QUERYABLE, Looked(0), later).after is State.IN_DOUBT
    once = op(state=State.ABSENT_ONCE, absent_ms=later)
    assert after_look(once, QUERYABLE, Looked(0), later + 400_000).after is State.IN_DOUBT


def test_the_second_absence_counts_only_after_the_gap() -> None:
    once = op(state=State.ABSENT_ONCE, absent_ms=NOW + 200_000)
    assert after_look(once, QUERYABLE, NOTHING, NOW + 200_000 + 299_999).after is State.ABSENT_ONCE
    assert after_look(once, QUERYABLE, NOTHING, NOW + 200_000 + 300_000).after is State.ABSENT


def test_an_early_look_counts_when_it_finds() -> None:
    assert after_look(op(), QUERYABLE, Looked(1, "N1"), NOW + 1).after is State.CONFIRMED


def test_looks_thin_out_and_end_with_a_person_after_a_day() -> None:
    settle = settle_at_ms(op(), QUERYABLE)
    times, now = [], NOW + 90_000
    while (due := next_look_ms(op(), QUERYABLE, now)) is not None:
        times.append((due - settle) // 1000)
        now = due
    assert times == [0, 300, 1800, 7200, 21_600, 86_400]
    assert after_look(op(), QUERYABLE, Looked(0), now).after is State.NEEDS_HUMAN


def test_a_doubt_about_an_opaque_write_is_for_a_person_and_one_without_a_bound_too() -> None:
    assert doubt(op(), Declared(cls=Class.OPAQUE, max_apply_delay_s=90), NOW).reason == "opaque_doubt"
    assert doubt(op(), Declared(cls=Class.QUERYABLE), NOW).reason == "opaque_doubt"


def test_a_key_is_used_again_only_while_the_agency_remembers_it() -> None:
    margin_ms = round((KEYED.timeout_s + 90 + 5) * 1000)
    end = NOW + 3_600_000 - margin_ms
    assert resend(op(), KEYED, end - 1) is not None
    assert resend(op(), KEYED, end) is None
    assert resend(op(sends=3), KEYED, NOW) is None


@pytest.mark.parametrize("cls", [Class.QUERYABLE, Class.OPAQUE, Class.SAFE])
def test_no_other_class_is_ever_sent_again_on_a_doubt(cls: Class) -> None:
    assert resend(op(), Declared(cls=cls, max_apply_delay_s=90), NOW) is None


def test_a_proven_absence_sends_once_more_unless_the_citizen_withdrew_or_it_was_tried_enough() -> None:
    absent = op(state=State.ABSENT)
    assert after_absence(absent, QUERYABLE, NOW).after is State.READY
    assert after_absence(op(state=State.ABSENT, withdraw=True), QUERYABLE, NOW).after is State.CANCELLED
    assert after_absence(op(state=State.ABSENT, sends=3), QUERYABLE, NOW).after is State.NEEDS_HUMAN
    stale = after_absence(absent, QUERYABLE, NOW + 8 * 86_400_000)
    assert (stale.after, stale.reason) == (State.NEEDS_HUMAN, "stale_intent")


def test_each_outcome_of_an_attempt_has_one_consequence() -> None:
    sending = op(state=State.SENDING, doubtful=False)
    receipt = Receipt("N1")
    no = Refused("102", "not_eligible")
    ends = {
        State.CONFIRMED: Confirmed(receipt),
        State.PENDING: Confirmed(Receipt("N1", pending=True)),
        State.REJECTED: Rejected("102", "not_eligible", no),
        State.READY: NotSent("Unavailable", 7.0, "unavailable"),
        State.IN_DOUBT: Unknown("OutcomeUnknown"),
    }
    for state, outcome in ends.items():
        assert concluded(sending, outcome, QUERYABLE, NOW, 0.5).after is state


def test_a_hold_waits_longer_each_time_and_never_less_than_the_agency_asks() -> None:
    waits = [held(op(state=State.READY, holds=n), "agency_away", None, 0, 1.0).next_action_ms for n in range(12)]
    assert waits == sorted(waits)
    assert waits[-1] <= 300_000
    assert held(op(state=State.READY), "agency_away", 60.0, 0, 0.0).next_action_ms == 60_000


def test_a_refusal_is_the_last_word_only_when_no_other_send_can_act_any_more() -> None:
    refused = Looked(1, "N1", refused_code="BAD")
    once, twice = op(sends=1), op(sends=2, citizen_text_key="state.in_doubt")
    settle = settle_at_ms(twice, KEYED)
    assert after_look(once, KEYED, refused, NOW).after is State.REJECTED
    waits = after_look(twice, KEYED, refused, settle - 1)
    assert (waits.after, waits.next_action_ms, waits.doubtful) == (State.IN_DOUBT, settle, True)
    assert after_look(twice, KEYED, refused, settle).after is State.REJECTED


def test_after_a_restore_a_refusal_waits_until_no_forgotten_send_can_act_any_more() -> None:
    refused = Looked(1, "N1", refused_code="BAD")
    remembered, restored = op(sends=1), op(sends=1, sends_unknown=True, citizen_text_key="state.in_doubt")
    settle = settle_at_ms(restored, KEYED)
    assert after_look(remembered, KEYED, refused, settle - 1).after is State.REJECTED
    waits = after_look(restored, KEYED, refused, settle - 1)
    assert (waits.after, waits.next_action_ms, waits.doubtful) == (State.IN_DOUBT, settle, True)
    assert after_look(restored, KEYED, refused, settle).after is State.REJECTED
    unbounded = Declared(cls=Class.KEYED, key_ttl_s=3600)
    assert after_look(restored, unbounded, refused, settle).after is State.NEEDS_HUMAN


def test_where_nothing_bounds_the_other_send_a_person_hears_of_the_refusal() -> None:
    unbounded = Declared(cls=Class.KEYED, key_ttl_s=3600)
    assert after_look(op(sends=2), unbounded, Looked(1, "N1", refused_code="BAD"), NOW).after is State.NEEDS_HUMAN


@pytest.mark.parametrize("cls", [Class.IDEMPOTENT, Class.KEYED, Class.UNIQUE])
def test_a_no_to_a_repeat_says_nothing_of_the_first_send(cls: Class) -> None:
    declared = Declared(cls=cls, max_apply_delay_s=90, key_ttl_s=3600, already_exists_codes=("EXISTS",))
    no = Rejected("BAD", "fields_invalid", Refused("BAD"))
    assert concluded(op(state=State.SENDING), no, declared, NOW, 0.0).after is State.IN_DOUBT
    assert concluded(op(state=State.SENDING, doubtful=False), no, declared, NOW, 0.0).after is State.REJECTED
