"""What an editor is warned of: each look is planted and found, and the city's own catalogue is told of fairly."""

from dataclasses import replace
from datetime import date

import pytest

from aggregator.discovery.catalogue import load
from aggregator.discovery.catalogue.check import Desk as Against
from aggregator.discovery.catalogue.check import warnings_of
from aggregator.discovery.catalogue.load import read
from aggregator.discovery.catalogue.slips import slips_in
from aggregator.registry.agency import Fee, FeeRow, Service, TimeLimit

TODAY = date(2026, 11, 22)


def warned(desk, today=TODAY, **offered):
    reading = read(desk.folder)
    assert reading.problems == []
    return [one.message for one in warnings_of(reading.facts, Against(today, offered))]


def office(desk, id_, **changed):
    desk.change(id_, lambda row: row.update(changed), load.OFFICES)


def test_an_office_far_from_the_others_is_told_with_its_distance(desk) -> None:
    office(desk, "rto_office", latitude=28.61, longitude=77.21)
    assert any(one.startswith('"rto_office" lies 12') and "km" in one for one in warned(desk))


def test_exchanged_coordinates_are_recognised(desk) -> None:
    office(desk, "rto_office", latitude=85.8335, longitude=20.2955)
    assert '"rto_office": latitude and longitude look exchanged' in warned(desk)


def test_two_offices_at_the_very_same_place_look_like_a_default(desk) -> None:
    office(desk, "rto_office", latitude=20.26, longitude=85.839)
    assert '"rto_office" has the very position of "bmc_office": a default?' in warned(desk)


@pytest.mark.parametrize(
    ("expires", "told"),
    [("2026-11-01", "expired 21 days ago"), ("2026-12-22", "expires in 30 days"), ("2027-12-31", None)],
)
def test_what_runs_out_is_told_before_and_after(desk, expires, told) -> None:
    desk.change("dl.renewal", lambda row: row.update(expires=expires))
    about = [one for one in warned(desk) if one.startswith('"dl.renewal" expire')]
    assert about == ([f'"dl.renewal" {told}'] if told else [])


def test_a_year_without_holidays_is_told(desk) -> None:
    assert any("no holidays for 2028" in one for one in warned(desk, date(2028, 3, 1)))
    assert any("no holidays for 2027 yet" in one for one in warned(desk, date(2026, 12, 1)))


def test_one_limit_for_nearly_everything_of_a_department_looks_like_a_default(desk, facts) -> None:
    ours = [one.id for one in facts.entries.values() if one.department == "msme"]
    for id_ in ours:
        desk.change(id_, lambda row: row.update(time_limit={"amount": 48, "unit": "HOUR", "start_event": "received"}))
    assert f"{len(ours)} of {len(ours)} limits of msme are 48 HOUR: a default?" in warned(desk)


def test_the_citys_own_limits_do_not_look_like_defaults(desk) -> None:
    assert not [one for one in warned(desk) if one.endswith("a default?")]


def test_missing_languages_are_counted_once_a_file(desk) -> None:
    told = [one for one in warned(desk) if one.endswith('"') and "titles are not in" in one]
    assert len(told) <= 4


@pytest.mark.parametrize(
    "text",
    ["Other lnstitutions", "ln Govt", "Block GranV GIA", "Certficate", "the the office", "(DIC", "Engineer0in charge"],
)
def test_a_slip_of_a_scan_is_recognised(text) -> None:
    assert list(slips_in(text))


@pytest.mark.parametrize(
    "text",
    [
        "Record of Rights (RoR)",
        "Act, 1961 i) Registration ii) Renewal (annual)",
        "Form 28",
        "RuPay ATM card",
        "minor (below 18)",
    ],
)
def test_sound_text_is_left_alone(text) -> None:
    assert list(slips_in(text)) == []


def test_links_to_what_nobody_offers_and_offers_without_an_entry_are_told(desk) -> None:
    lone = Service(
        id="zoo.ticket", title={"en": "Zoo"}, description={"en": "Zoo"}, kind="BOOKING", agencies=("zoo",),
        offer="ticket", operation="book", form={}, category="booking",
    )  # fmt: skip
    told = warned(desk, **{"zoo.ticket": lone})
    assert '"zoo.ticket" is offered and has no entry of its own' in told
    assert '"rto.rc_address_change" names "rto.change_of_address", which the registry does not offer' in told


def test_facts_and_offers_that_disagree_are_told(desk) -> None:
    offered = Service(
        id="dl.renewal", title={"en": "Renewal"}, description={"en": "Renewal"}, kind="APPLICATION", agencies=("rto",),
        offer="dl", operation="submit", form={}, category="driving_licence",
        fee=Fee("INR", (FeeRow({"en": "Renewal"}, 20_000),)), time_limit=TimeLimit(9, "DAY", {"en": "x"}),
    )  # fmt: skip
    told = warned(desk, **{"dl.renewal": offered})
    assert '"dl.renewal": the limit is 5 DAY here and 9 DAY where it is offered' in told
    assert '"dl.renewal": the fee differs from the one where it is offered' in told
    agreeing = replace(
        offered, time_limit=TimeLimit(5, "DAY", {"en": "x"}), fee=Fee("INR", (*offered.fee.rows, FeeRow({}, 30_000)))
    )
    assert not [one for one in warned(desk, **{"dl.renewal": agreeing}) if one.startswith('"dl.renewal"')]
