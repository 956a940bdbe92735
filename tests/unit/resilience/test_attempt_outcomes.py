"""What an attempt at a write proves: every row of docs/outcomes.md section 4."""

import asyncio

import pytest

from aggregator.resilience.outcome import Confirmed, NotSent, Rejected, Unknown, ended_by, outcome_of
from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.errors import (
    CircuitOpen,
    ContractBroken,
    DeadlinePassed,
    Misconfigured,
    NotAttempted,
    OutcomeUnknown,
    Refused,
    Saturated,
    Unavailable,
)
from aggregator.sdk.model import Receipt
from aggregator.sdk.wire import SecondEffect, Sent, Trail, WireError

DECLARED = Declared(
    name="submit",
    cls=Class.QUERYABLE,
    refusal_codes=frozenset({"E17"}),
    already_exists_codes=frozenset({"DUP"}),
)
ANYTHING = [
    Receipt("RTO-1"),
    Refused("E17"),
    Misconfigured("api_key"),
    Unavailable("away", retry_after_s=7.0),
    OutcomeUnknown("silent"),
    ContractBroken("shape"),
    CircuitOpen("rto", 3.0),
    Saturated("full"),
    DeadlinePassed("late"),
    KeyError("status"),
    SecondEffect("two"),
    WireError(Sent.MAYBE, "reset"),
    asyncio.CancelledError(),
    None,
    "a string",
]


def name_of(value):
    return type(value).__name__


def trail(*, sent=Sent.MAYBE, answered=True):
    made = Trail()
    made.sent, made.answered = sent, answered
    return made


def silent():
    return trail(answered=False)


@pytest.mark.parametrize("got", ANYTHING, ids=name_of)
def test_what_never_got_a_connection_was_not_sent_whatever_the_driver_says(got):
    outcome = outcome_of(got, trail(sent=Sent.NO, answered=False), DECLARED)
    assert isinstance(outcome, NotSent)
    assert outcome.why == name_of(got)


@pytest.mark.parametrize("got", ANYTHING, ids=name_of)
def test_a_silence_after_the_first_byte_is_a_doubt_whatever_the_driver_says(got):
    outcome = outcome_of(got, silent(), DECLARED)
    assert isinstance(outcome, Unknown)
    believable = not isinstance(got, Receipt | KeyError | SecondEffect | str | None)
    assert outcome.alarm is not believable


ANSWERED = [
    (Receipt("RTO-1"), Confirmed),
    (Refused("E17"), Rejected),
    (Refused("DUP", "duplicate"), Rejected),
    (Refused("E99"), Unknown),
    (Unavailable("shed"), NotSent),
    (Misconfigured("api_key"), NotSent),
    (OutcomeUnknown("500"), Unknown),
    (ContractBroken("shape"), Unknown),
    (KeyError("status"), Unknown),
    (None, Unknown),
    (Receipt("  "), Unknown),
    (CircuitOpen("a driver may not say so"), Unknown),
]


@pytest.mark.parametrize(("got", "kind"), ANSWERED, ids=lambda value: str(value)[:40])
def test_an_answer_is_judged_by_what_it_says(got, kind):
    assert type(outcome_of(got, trail(), DECLARED)) is kind


@pytest.mark.parametrize(
    ("got", "alarm"),
    [
        (OutcomeUnknown("500"), False),
        (OutcomeUnknown("308", alarm=True), True),
        (ContractBroken("shape"), True),
        (KeyError("status"), True),
        (Refused("E99"), True),
    ],
)
def test_the_drivers_owner_is_called_for_what_nobody_can_read(got, alarm):
    assert outcome_of(got, trail(), DECLARED).alarm is alarm


def test_a_driver_that_declares_no_codes_keeps_its_own_list():
    assert isinstance(outcome_of(Refused("ANY"), trail(), Declared()), Rejected)


@pytest.mark.parametrize(
    ("got", "kind", "retry_after_s"),
    [
        (CircuitOpen("rto", 3.0), "not_attempted", 3.0),
        (NotAttempted("switched off"), "not_attempted", None),
        (Unavailable("away", retry_after_s=7.0), "unavailable", 7.0),
        (Misconfigured("api_key"), "misconfigured", None),
        (KeyError("x"), "other", None),
    ],
)
def test_what_was_not_sent_says_whose_turn_it_is_and_when(got, kind, retry_after_s):
    outcome = outcome_of(got, trail(sent=Sent.NO, answered=False), DECLARED)
    assert (outcome.kind, outcome.retry_after_s) == (kind, retry_after_s)


def test_an_outcome_never_carries_a_text_from_outside():
    outcome = outcome_of(ValueError("Asha Devi, 9876543210"), trail(), DECLARED)
    assert outcome == Unknown("ValueError", alarm=True)


@pytest.mark.parametrize(
    ("of_a_write", "ours", "short", "named"),
    [
        (None, True, False, Unavailable),
        (None, False, False, Unavailable),
        (silent(), True, False, OutcomeUnknown),
        (silent(), True, True, OutcomeUnknown),
        (silent(), False, False, OutcomeUnknown),
        (trail(sent=Sent.NO, answered=False), True, True, DeadlinePassed),
        (trail(sent=Sent.NO, answered=False), True, False, Unavailable),
        (trail(sent=Sent.NO, answered=False), False, False, Unavailable),
    ],
)
def test_the_end_of_time_is_named_by_whether_a_byte_was_sent(of_a_write, ours, short, named):
    assert type(ended_by(TimeoutError(), of_a_write, ours=ours, short=short)) is named


@pytest.mark.parametrize("odd", [{"too_big": True}, {"tls": True}])
def test_a_silence_that_no_waiting_mends_calls_somebody(odd):
    broken = WireError(Sent.MAYBE, "odd", **odd)
    assert outcome_of(ended_by(broken, silent(), ours=False, short=False), silent(), DECLARED).alarm
    assert not outcome_of(ended_by(TimeoutError(), silent(), ours=True, short=False), silent(), DECLARED).alarm


def test_a_certificate_that_does_not_fit_sends_nothing_and_calls_the_operator():
    unsent = trail(sent=Sent.NO, answered=False)
    why = ended_by(WireError(Sent.NO, "certificate", tls=True), unsent, ours=False, short=False)
    assert outcome_of(why, unsent, DECLARED) == NotSent("Unavailable", None, "unavailable", alarm=True)


def test_an_answer_beyond_the_cap_is_unreadable_not_away():
    error = ended_by(WireError(Sent.MAYBE, "cap", too_big=True), None, ours=False, short=False)
    assert isinstance(error, ContractBroken)
    assert error.too_big
