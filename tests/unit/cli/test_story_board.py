"""The story's table: in place on a terminal of any width, a line per change in a log."""

import io
import sys

import pytest

from aggregator.cli.board import Board, rows_of
from aggregator.cli.cases import at, consolidated
from aggregator.cli.failure import Failure
from aggregator.cli.feed import line
from aggregator.cli.over_http import Answer
from aggregator.sdk.clock import ManualClock


def case(status, reference=""):
    leg = {"agency": "rto", "status": status, **({"reference": reference} if reference else {})}
    return {
        "id": "case_1", "number": "4071-9936-2185-0345", "service_id": "dl.renewal", "status": status,
        "status_text": status.title(), "legs": [leg],
    }  # fmt: skip


class OneCase:
    """A server whose only case moves on at every look."""

    def __init__(self, *states):
        self.states = list(states)

    async def later(self, method, path, body=None, headers=None):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        import json  # noqa: PLC0415 - of this stand-in alone

        return Answer(200, {}, json.dumps(case(*state)).encode())


async def test_a_log_gets_one_line_per_change_and_none_for_a_look_without_news(capsys):
    board = Board(OneCase(("ACCEPTED",), ("ACCEPTED",), ("SUBMITTED", "OD9")), ManualClock())
    board.add(case("ACCEPTED"))
    await board.until(lambda seen: seen["case_1"]["status"] == "SUBMITTED", 10, "it was sent")
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert "ACCEPTED -> SUBMITTED" in said[1]
    assert "their number OD9" in said[1]


async def test_a_story_that_does_not_come_true_says_what_was_hoped_for():
    board = Board(OneCase(("HELD",)), ManualClock())
    board.add(case("HELD"))
    with pytest.raises(Failure, match="after 10 s it was still not so that it was sent"):
        await board.until(lambda _: False, 10, "it was sent")


async def test_a_terminal_sees_the_same_table_redrawn_in_place(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    board = Board(OneCase(("SUBMITTED",)), ManualClock())
    board.add(case("ACCEPTED"))
    await board.until(lambda _: True, 10, "")
    assert screen.getvalue().count("\x1b[2A\x1b[J") == 1
    board.say("news")
    board.draw([case("COMPLETED")])
    assert screen.getvalue().count("\x1b[J") == 1


def test_a_narrow_terminal_needs_more_rows_for_the_same_table():
    drawn = "\x1b[2mNUMBER\x1b[0m\n" + "x" * 25
    assert rows_of(drawn, 80) == 2
    assert rows_of(drawn, 10) == 4


def test_times_are_told_on_the_city_s_clock():
    assert at("2026-11-21T04:30:00Z") == "10:00:00"
    assert at("") == "-"


def test_a_case_without_a_number_at_its_agency_shows_none():
    assert " - " in consolidated([case("HELD")])


def test_an_event_is_one_line_whatever_it_holds():
    event = {
        "id": "1", "type": "in.gov.odisha.city.case.status-changed.v1", "time": "2026-11-21T04:30:00Z",
        "subject": "case_1", "data": {"before": "HELD", "status": "SUBMITTED", "agency": "rto\n\x1b[2J"},
    }  # fmt: skip
    told = line(event)
    assert "case.status-changed" in told
    assert "HELD -> SUBMITTED" in told
    assert "\n" not in told
    assert "\x1b" not in told


def test_a_case_with_two_legs_at_one_agency_names_it_once():
    both = case("COMPLETED", "26-1")
    both["legs"] = [*both["legs"], {**both["legs"][0], "reference": ""}]
    assert "rto, rto" not in consolidated([both])
