"""The table of legal steps is the document's, every state has a way out, and terminal ones lead only to CONFLICT."""

import re
from pathlib import Path

import pytest

from aggregator.cases.lifecycle import EDGES, LOOKED_AT, TERMINAL, IllegalStep, State, event_for

DOCUMENT = Path(__file__).parents[3] / "docs" / "outcomes.md"
ROW = re.compile(r"^\| ([A-Z_*, -]+) \| ([A-Z_*]+) \| .* \| (operation\.[a-z_]+) \|$")


def documented() -> dict[tuple[str, str], str]:
    found = {}
    for line in DOCUMENT.read_text().splitlines():
        if row := ROW.match(line):
            for before in row[1].replace("*", "").split(","):
                if before.strip() != "-":
                    found[before.strip(), row[2].replace("*", "")] = row[3]
    return found


def test_the_code_and_the_document_name_the_same_steps_and_events() -> None:
    ours = {(before.value, after.value): event for (before, after), event in EDGES.items()}
    assert ours == documented()


def test_the_states_the_document_marks_with_a_star_are_the_terminal_ones() -> None:
    rows = [row for line in DOCUMENT.read_text().splitlines() if (row := ROW.match(line))]
    starred = {name for row in rows for name in re.findall(r"([A-Z_]+)\*", f"{row[1]} {row[2]}")}
    assert starred == {state.value for state in TERMINAL}


def test_a_doubt_that_a_look_may_find_absent_is_one_that_is_looked_at() -> None:
    assert {before for before, after in EDGES if after in {State.ABSENT_ONCE, State.ABSENT}} == LOOKED_AT


@pytest.mark.parametrize("state", list(State))
def test_no_state_waits_for_ever(state: State) -> None:
    out = {after for before, after in EDGES if before is state and after is not state}
    assert out == {State.CONFLICT} if state in TERMINAL else out


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.IN_DOUBT, State.SENDING),
        (State.SENDING, State.SENDING),
        (State.CONFIRMED, State.READY),
        (State.REJECTED, State.READY),
        (State.ABSENT_ONCE, State.READY),
        (State.CONFLICT, State.READY),
    ],
)
def test_a_step_nobody_decided_on_cannot_be_written(before: State, after: State) -> None:
    with pytest.raises(IllegalStep) as caught:
        event_for(before, after)
    assert str(caught.value) == f"{before.value} -> {after.value}"
