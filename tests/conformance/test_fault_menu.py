"""Every driver, every operation, every fault on a real socket: the driver's word and the simulator's ledger agree."""

from collections.abc import Callable

import pytest

from aggregator.resilience.outcome import Confirmed, NotSent, Rejected, Unknown, outcome_of
from aggregator.sdk.adapter import Class
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Receipt
from aggregator.sdk.testing.conformance import (
    ABSENT_AFTER,
    FOUND_AFTER,
    HANGING,
    NAIVE_TRAPS,
    Candidate,
    candidates,
)
from aggregator.sdk.testing.faults import MENU, Way
from aggregator.sdk.testing.menu import HASTY_S, PATIENT_S
from aggregator.sdk.wire import Sent

EvidenceOf = Callable[[Candidate], "Evidence"]  # noqa: F821 - tests/conformance/conftest.py
OPERATIONS = [
    pytest.param(candidate, operation, id=f"{candidate.module}.{operation}")
    for candidate in candidates()
    for operation in candidate.operations
]
WRITES = [param for param in OPERATIONS if param.values[0].operations[param.values[1]].cls is not Class.SAFE]
ONCE_ONLY = [
    param
    for param in WRITES
    if param.values[0].operations[param.values[1]].cls in {Class.KEYED, Class.UNIQUE, Class.IDEMPOTENT}
]
QUERYABLE = [param for param in WRITES if param.values[0].operations[param.values[1]].cls is Class.QUERYABLE]
DRIVERS = [pytest.param(candidate, id=candidate.module) for candidate in candidates()]


def _decided_later(candidate, one):
    """Received, and declared to be answered by callback: the driver's own tests compare that answer."""
    pending = isinstance(one.ended.got, Receipt) and one.ended.got.pending
    return pending and bool(candidate.deviation(one.operation, one.fault))


def _of(evidence, operation):
    return [one for (name, _), one in evidence.played.items() if name == operation]


@pytest.mark.parametrize(("candidate", "operation"), OPERATIONS)
def test_every_fault_ends_as_the_table_says(candidate, operation, evidence_of: EvidenceOf):
    read = candidate.operations[operation].cls is Class.SAFE
    wrong = {
        one.fault: (
            one.ended.word(read=read),
            str(one.ended.got)[:120],
            sorted(candidate.expected(operation, one.fault)),
        )
        for one in _of(evidence_of(candidate), operation)
        if one.ended.word(read=read) not in candidate.expected(operation, one.fault)
    }
    assert not wrong


@pytest.mark.parametrize(("candidate", "operation"), WRITES)
def test_a_write_is_confirmed_or_rejected_only_when_the_ledger_agrees(candidate, operation, evidence_of: EvidenceOf):
    kinds = {Confirmed: {1}, Rejected: {0}, NotSent: {0}, Unknown: {0, 1}}
    wrong = {}
    for one in _of(evidence_of(candidate), operation):
        outcome = outcome_of(one.ended.got, one.ended.trail, candidate.operations[operation])
        # A repeat under a natural key is confirmed without acting again: then the first one acted.
        if one.acted not in kinds[type(outcome)] and not _decided_later(candidate, one):
            wrong[one.fault] = (outcome, one.rows, one.acted)
    assert not wrong


@pytest.mark.parametrize(("candidate", "operation"), WRITES)
def test_the_simulator_acts_exactly_when_its_menu_says_so(candidate, operation, evidence_of: EvidenceOf):
    wrong = {}
    for one in _of(evidence_of(candidate), operation):
        refused = isinstance(one.ended.got, Refused)
        acts = MENU[one.fault].acts and not refused
        without_the_fault = MENU[one.fault].way is Way.REFUSAL and not refused and one.ended.word(read=False) == "value"
        agreed = one.acted == int(acts or without_the_fault) or _decided_later(candidate, one)
        if not agreed or one.rows < 1:
            wrong[one.fault] = (one.rows, one.acted)
    assert not wrong


@pytest.mark.parametrize(("candidate", "operation"), QUERYABLE)
def test_what_was_lost_is_found_by_our_reference_and_what_never_happened_is_not(
    candidate, operation, evidence_of: EvidenceOf
):
    looked = {one.fault: one.found for one in _of(evidence_of(candidate), operation) if one.found is not None}
    assert {fault: found for fault, found in looked.items() if fault in FOUND_AFTER and found != 1} == {}
    assert {fault: found for fault, found in looked.items() if fault in ABSENT_AFTER and found != 0} == {}
    assert looked.keys() >= FOUND_AFTER


@pytest.mark.parametrize(("candidate", "operation"), WRITES)
def test_a_lost_request_may_still_act_late(candidate, operation, evidence_of: EvidenceOf):
    late = [one for one in _of(evidence_of(candidate), operation) if MENU[one.fault].way is Way.LATE]
    assert late
    assert {one.fault: (one.acted, one.late) for one in late} == {one.fault: (0, 1) for one in late}


@pytest.mark.parametrize(("candidate", "operation"), WRITES)
def test_the_naive_client_is_caught(candidate, operation, evidence_of: EvidenceOf):
    """The control: a harness that cannot catch a client that simply repeats proves nothing."""
    naive = {fault: seen for (name, fault), seen in evidence_of(candidate).naive.items() if name == operation}
    doubles = candidate.operations[operation].cls in {Class.QUERYABLE, Class.OPAQUE}
    if doubles and not candidate.deviation(operation, "naive"):
        assert {fault: acted for fault, (_, acted) in naive.items() if acted < 2} == {}
    else:
        # The agency itself stops the second one: it is a row, and it did not act.
        assert {fault: (rows, acted) for fault, (rows, acted) in naive.items() if rows < 2 or acted != 1} == {}
    assert set(naive) == set(NAIVE_TRAPS)


@pytest.mark.parametrize(("candidate", "operation"), OPERATIONS)
def test_a_call_ends_when_its_time_is_over(candidate, operation, evidence_of: EvidenceOf):
    slow = {
        one.fault: round(one.took_s, 2)
        for one in _of(evidence_of(candidate), operation)
        if one.took_s > (HASTY_S if one.fault in HANGING else PATIENT_S) + 1.0
    }
    assert slow == {}


@pytest.mark.parametrize(("candidate", "operation"), ONCE_ONLY)
def test_the_declared_class_is_true_and_a_lying_agency_would_be_noticed(candidate, operation, evidence_of: EvidenceOf):
    acted, under_810, has_meaning = evidence_of(candidate).certified[operation]
    assert acted == 1
    # What is idempotent by nature (a cancellation) stays so even at a lying agency.
    doubles = has_meaning and candidate.operations[operation].cls in {Class.KEYED, Class.UNIQUE}
    assert under_810 == (3 if doubles else 1)


@pytest.mark.parametrize("candidate", DRIVERS)
def test_nobody_follows_a_redirect_to_another_host(candidate, evidence_of: EvidenceOf):
    assert evidence_of(candidate).elsewhere == 0


@pytest.mark.parametrize("candidate", DRIVERS)
def test_every_write_left_a_trail_that_outranks_the_driver(candidate, evidence_of: EvidenceOf):
    for one in evidence_of(candidate).played.values():
        if candidate.operations[one.operation].cls is not Class.SAFE and one.rows:
            assert one.ended.trail.sent is Sent.MAYBE, one.fault
