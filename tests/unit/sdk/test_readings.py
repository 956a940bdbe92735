"""Values out of answers: what must be there, dates in their documented form, money in paise, status words."""

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.reading import (
    clean,
    day,
    is_absent,
    moment,
    need,
    need_rows,
    once,
    paise,
    read_status,
    rupees,
    value_of,
)
from aggregator.sdk.status import Status
from aggregator.sdk.xml import parse


@pytest.mark.parametrize(
    "reply", [{}, {"a": None}, {"a": ""}, {"a": "  "}, [], "text", 7, None, SimpleNamespace(a=None)]
)
def test_what_is_needed_and_not_there_is_the_agencys_fault(reply):
    with pytest.raises(ContractBroken, match="'a'"):
        need(reply, "a")


def test_what_is_needed_is_found_in_objects_messages_and_elements():
    assert need({"a": 0}, "a") == 0
    assert need({"a": False}, "a") is False
    assert need(SimpleNamespace(a=" x "), "a") == "x"
    assert need(parse(b"<r><a>x</a></r>"), "a") == "x"
    assert need({"a": "e\u0301"}, "a") == "\u00e9"
    assert value_of({}, "a", "-") == "-"


def test_rows_are_a_list_or_the_agencys_fault():
    assert need_rows([]) == []
    assert need_rows({"rows": [1]}, "rows") == [1]
    for reply in ({"rows": None}, {"rows": {}}, {"rows": "x"}, {}):
        with pytest.raises(ContractBroken):
            need_rows(reply, "rows")
    with pytest.raises(ContractBroken):
        need_rows({"result": []})


def test_the_same_page_for_every_page_number_gives_each_row_once():
    assert once([{"k": "1"}, {"k": "2"}, {"k": "1"}], "k") == [{"k": "1"}, {"k": "2"}]


@pytest.mark.parametrize("word", [None, "", " ", "NA", "n/a", "null", "0001-01-01", "00/00/0000"])
def test_the_agencies_spellings_of_no_value_are_absent(word):
    assert is_absent(word)
    assert clean(word) == ""
    assert day(word, "dd/MM/yyyy") is None
    assert moment(word, "yyyy-MM-dd") is None


def test_shown_text_has_no_control_characters_but_its_lines():
    assert clean("a\x00b\x1b[31m\r\nc\u200b") == "ab[31m\nc"
    assert clean("क्‍ष") == "क्‍ष"  # a joiner is part of the writing


@pytest.mark.parametrize(
    ("text", "fmt", "expected"),
    [
        ("03-Feb-2026", "dd-MMM-yyyy", date(2026, 2, 3)),
        ("03-FEB-2026", "dd-MMM-yyyy", date(2026, 2, 3)),
        ("03-02-2026", "dd-MM-yyyy", date(2026, 2, 3)),
        ("03/02/2026", "dd-MM-yyyy", date(2026, 2, 3)),
        ("03-02-2026", "dd/MM/yyyy", date(2026, 2, 3)),
        ("3/2/2026", "dd/MM/yyyy", date(2026, 2, 3)),
        ("01/2019", "MM/yyyy", date(2019, 1, 1)),
        ("01-2019", "MM-yyyy", date(2019, 1, 1)),
        ("2026-02-03", "yyyy-MM-dd", date(2026, 2, 3)),
        ("03-Feb-2026 05:02:62604", "dd-MMM-yyyy HH:mm:sssss", date(2026, 2, 3)),
        ("15/01/2026 11:20:00", "dd/MM/yyyy HH:mm:ss", date(2026, 1, 15)),
        ("0001-01-01T00:00:00+05:30", "yyyy-MM-dd'T'HH:mm:ssXXX", None),
    ],
)
def test_a_day_is_read_in_the_form_its_field_is_documented_with(text, fmt, expected):
    assert day(text, fmt) == expected


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        ("03-02-26", "dd-MM-yyyy"),
        ("2026-02-03", "dd-MM-yyyy"),
        ("31/02/2026", "dd/MM/yyyy"),
        ("13/13/2026", "dd/MM/yyyy"),
        ("03-févr-2026", "dd-MMM-yyyy"),
        ("03-Xxx-2026", "dd-MMM-yyyy"),
        ("03.02.2026", "dd/MM/yyyy"),
        ("03/02/2026 x", "dd/MM/yyyy"),
        ("٠٣/٠٢/٢٠٢٦ and more", "dd/MM/yyyy"),
    ],
)
def test_a_day_in_another_form_is_never_guessed(text, fmt):
    with pytest.raises(ContractBroken) as caught:
        day(text, fmt)
    assert text not in str(caught.value)


def test_a_format_that_is_none_is_our_own_mistake():
    with pytest.raises(ValueError, match="unknown date format"):
        day("03/02/2026", "%d/%m/%Y")


@pytest.mark.parametrize(
    ("text", "fmt", "expected"),
    [
        ("15/01/2026 11:20:00", "dd/MM/yyyy HH:mm:ss", datetime(2026, 1, 15, 5, 50, tzinfo=UTC)),
        ("2026-01-15T10:00:00+05:30", "yyyy-MM-dd'T'HH:mm:ssXXX", datetime(2026, 1, 15, 4, 30, tzinfo=UTC)),
        ("2026-01-15T10:00:00.123Z", "yyyy-MM-dd'T'HH:mm:ssXXX", datetime(2026, 1, 15, 10, 0, tzinfo=UTC)),
        ("2026-01-15T10:00:00-0130", "yyyy-MM-dd'T'HH:mm:ssXXX", datetime(2026, 1, 15, 11, 30, tzinfo=UTC)),
        ("15/01/2026", "dd/MM/yyyy", datetime(2026, 1, 14, 18, 30, tzinfo=UTC)),
        ("1768453200000", "epoch_ms", datetime(2026, 1, 15, 5, 0, tzinfo=UTC)),
        (1768453200000, "epoch_ms", datetime(2026, 1, 15, 5, 0, tzinfo=UTC)),
        (0, "epoch_ms", None),
    ],
)
def test_a_moment_without_a_zone_is_indian_time_and_comes_in_utc(text, fmt, expected):
    assert moment(text, fmt) == expected


@pytest.mark.parametrize(
    ("text", "fmt"),
    [
        ("15/01/2026 25:00:00", "dd/MM/yyyy HH:mm:ss"),
        ("15/01/2026 11:20:62", "dd/MM/yyyy HH:mm:ss"),
        ("2026-01-15T10:00:00+99:00", "yyyy-MM-dd'T'HH:mm:ssXXX"),
        ("soon", "epoch_ms"),
        (True, "epoch_ms"),
        ("-5", "epoch_ms"),
    ],
)
def test_a_moment_that_is_not_on_the_clock_is_the_agencys_fault(text, fmt):
    with pytest.raises(ContractBroken):
        moment(text, fmt)


@pytest.mark.parametrize(
    ("given_rupees", "expected"),
    [
        ("664", 66400),
        ("664.5", 66450),
        (".41", 41),
        ("-.24", -24),
        ("550.00", 55000),
        ("1.1000", 110),
        (Decimal("0.1"), 10),
        (7, 700),
        (" 12. ", 1200),
    ],
)
def test_rupees_become_whole_paise(given_rupees, expected):
    assert paise(given_rupees) == expected


@pytest.mark.parametrize(
    "odd", ["", "NA", "1,234.00", "1e3", "1e999999999", Decimal("1e999999"), 0.1, True, "1.005", "٣"]
)
def test_an_amount_that_is_not_exactly_rupees_is_refused(odd):
    with pytest.raises(ContractBroken):
        paise(odd)


@given(st.integers(min_value=-(10**13), max_value=10**13))
def test_an_amount_survives_the_way_to_the_agency_and_back(amount):
    assert paise(rupees(amount)) == amount


TABLE = {
    "SCR": (Status.IN_PROGRESS, "SCRUTINY"),
    "Pending at RTO": Status.ASSIGNED,
    "DLV": Status.COMPLETED,
}
PHRASES = {
    r"Transferred to RTO .+": Status.TRANSFERRED,
    r"Dispatched on \d\d/\d\d/\d{4}": Status.DISPATCHED,
}


@pytest.mark.parametrize(
    ("word", "status", "detail"),
    [
        ("SCR", Status.IN_PROGRESS, "SCRUTINY"),
        ("scr", Status.IN_PROGRESS, "SCRUTINY"),
        ("  pending   AT rto. ", Status.ASSIGNED, ""),
        ("Transferred to RTO Cuttack.", Status.TRANSFERRED, ""),
        ("dispatched on 03/02/2026", Status.DISPATCHED, ""),
        ("It was Dispatched on 03/02/2026", Status.UNKNOWN, ""),
        ("DLVX", Status.UNKNOWN, ""),
        ("", Status.UNKNOWN, ""),
        (None, Status.UNKNOWN, ""),
        (".", Status.UNKNOWN, ""),
        ("स्वीकृत", Status.UNKNOWN, ""),
    ],
)
def test_an_unknown_or_blank_word_is_unknown_and_kept_verbatim(word, status, detail):
    reading = read_status(TABLE, word, phrases=PHRASES, remark="NA")
    assert (reading.status, reading.detail, reading.agency_code, reading.remark) == (status, detail, word or "", "")


def test_two_patterns_that_disagree_are_a_broken_table():
    with pytest.raises(ContractBroken):
        read_status({}, "Sent back", phrases={r"Sent.*": Status.DISPATCHED, r".*back": Status.AWAITING_CITIZEN})
