"""The table of legal steps is the document's, every state has a way out, and terminal ones lead only to CONFLICT."""

import re
from pathlib import Path

import pytest

from aggregator.cases.lifecycle import EDGES, TERMINAL, IllegalStep, State, event_for

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
    with pytest.raises(IllegalStep):
        event_for(before, after)
