"""A leg's status is a function of the set of its readings; a case's of its legs (docs/outcomes.md section 11)."""

import itertools
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.cases.consolidate import LegView, Read, case_view, fold, legal
from aggregator.sdk.status import FINAL, OURS, Status

AGENCYS = [status for status in Status if status not in OURS]
READ = st.builds(
    Read,
    status=st.sampled_from(AGENCYS),
    detail=st.just(""),
    agency_code=st.text("ABC", min_size=1, max_size=2),
    stamp_ms=st.integers(0, 5),
    polled_ms=st.integers(10, 15),
    dedupe=st.uuids().map(str),
)


def last_write_wins(readings: list[Read]) -> Status:
    """The control: what most trackers do."""
    return readings[-1].status


@given(st.lists(READ, min_size=2, max_size=6, unique_by=lambda read: read.dedupe), st.randoms())
@settings(max_examples=400, deadline=None)
def test_any_order_and_any_repetition_of_readings_gives_the_same_status(readings: list[Read], random: object) -> None:
    once = fold(readings)
    for order in itertools.islice(itertools.permutations(readings), 24):
        assert fold([*order, order[0]]) == once


def test_the_control_ends_differently_when_readings_overtake_each_other() -> None:
    early = Read(Status.IN_PROGRESS, "", "A", 1, 10, "1")
    late = Read(Status.COMPLETED, "", "B", 2, 11, "2")
    assert last_write_wins([early, late]) is not last_write_wins([late, early])
    assert fold([early, late]) == fold([late, early])


def test_a_final_status_never_regresses_and_the_attempt_is_told() -> None:
    done = Read(Status.COMPLETED, "", "DLV", 5, 10, "done")
    back = Read(Status.IN_PROGRESS, "", "SCR", 6, 11, "back")
    folded = fold([done, back])
    assert folded.current == done
    assert folded.regressed == {"back"}


def test_a_status_that_goes_backwards_is_history_and_not_obeyed() -> None:
    granted = Read(Status.APPROVED, "", "granted", 1, 10, "1")
    review = Read(Status.IN_PROGRESS, "", "review", 2, 11, "2")
    folded = fold([granted, review])
    assert folded.current == granted
    assert folded.out_of_order == {"2"}


def test_a_word_nobody_listed_keeps_the_last_known_status() -> None:
    known = Read(Status.ASSIGNED, "", "04", 1, 10, "1")
    odd = Read(Status.UNKNOWN, "", "Sent to Lokayukta", 2, 11, "2")
    folded = fold([known, odd])
    assert folded.current == known
    assert folded.unmapped == {"2"}


def test_returned_by_post_and_reopened_are_the_legal_ways_back() -> None:
    assert legal(Status.DISPATCHED, Status.AWAITING_CITIZEN)
    assert legal(Status.RESOLVED_BY_AGENCY, Status.IN_PROGRESS)
    assert not any(legal(final, after) for final in FINAL for after in AGENCYS if after is not Status.UNKNOWN)


LEG = LegView(
    Status.COMPLETED, "", "", "state.confirmed", {}, "done", "", 100, "agency", None, settled=True, flagged=False
)


@given(st.lists(st.sampled_from([status for status in Status if status is not Status.UNKNOWN]), min_size=1, max_size=4))
def test_one_leg_that_was_not_sent_is_never_hidden_by_others_that_were(statuses: list[Status]) -> None:
    legs = [replace(LEG, status=status) for status in statuses]
    told = case_view(legs).status
    if Status.UNCONFIRMED in statuses:
        assert told is Status.UNCONFIRMED
    elif Status.HELD in statuses:
        assert told is Status.HELD
    elif not set(statuses) <= FINAL:
        assert told not in FINAL
    assert case_view(list(reversed(legs))).status is told
