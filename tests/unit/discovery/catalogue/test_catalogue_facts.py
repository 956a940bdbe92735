"""What the city's own catalogue holds, and what becomes of a mistake in it."""

import pytest

from aggregator.discovery.catalogue import load
from aggregator.discovery.catalogue.load import read
from aggregator.registry.problems import RegistryRefused, errors_in


def services(facts):
    return [one for one in facts.entries.values() if one.kind == "service"]


def test_the_citys_own_catalogue_has_no_mistake(desk) -> None:
    reading = read(desk.folder)
    assert (errors_in(reading.problems), reading.broken) == ([], 0)


def test_the_catalogue_counts_407_services_and_303_complaint_types_after_what_was_superseded(facts) -> None:
    complaints = [one for one in facts.entries.values() if one.kind == "complaint"]
    assert (len(services(facts)), len(complaints), len(facts.superseded)) == (407, 303, 86)


def test_every_entry_is_named_in_three_languages_and_says_what_no_native_reader_has_seen(facts) -> None:
    assert {tuple(sorted(entry.titles)) for entry in facts.entries.values()} == {("en", "hi", "or")}
    assert all(title.strip() for entry in facts.entries.values() for title in entry.titles.values())
    native = [entry.id for entry in facts.entries.values() if "or" not in entry.unverified]
    assert len(native) == 18  # names of the state portal and the departments
    assert all("hi" in entry.unverified for entry in facts.entries.values())


def test_every_superseded_row_leads_to_a_service_that_stands(facts) -> None:
    for row in facts.superseded.values():
        assert row.superseded_by
        assert all(facts.entries[id_].kind == "service" for id_ in row.superseded_by)


def test_every_service_has_a_category_a_department_and_somebody_who_is_responsible(facts) -> None:
    lacking = [one.id for one in facts.entries.values() if not (one.category and one.department and one.organisation)]
    assert lacking == []


def test_every_fact_names_its_source(facts) -> None:
    for entry in facts.entries.values():
        told = {one.fact for one in entry.provenance}
        assert "title" in told
        assert entry.time_limit is None or "time_limit" in told
        assert entry.fee is None or "fee" in told


def test_a_limit_says_what_starts_the_clock(facts) -> None:
    limit = facts.entries["rto.transfer_ownership"].time_limit
    assert (limit.amount, limit.unit, limit.start_event) == (4, "DAY", "both_parties_appeared")
    assert limit.text == "4 Days(after appearance of both seller & purchaser)"


def test_a_limit_with_cases_promises_no_less_time_than_the_law_gives_the_office(facts) -> None:
    limit = facts.entries["water.tubewell_repair"].time_limit
    assert [(one.case["en"], one.amount) for one in limit.variants] == [("Minor repair", 7), ("Major repair", 14)]
    assert limit.amount == 14


def test_what_is_not_counted_in_a_limit_is_said(facts) -> None:
    assert facts.entries["revenue.caste_sc_st"].time_limit.exclusions == ("objections",)


def test_a_later_notification_replaces_a_limit_and_the_earlier_one_stays_on_record(facts) -> None:
    entry = facts.entries["rto.registration_new"]
    earlier = [one for one in entry.provenance if one.superseded_by]
    assert entry.time_limit.amount == 5
    assert [(one.fact, one.source, one.superseded_by, one.value["amount"]) for one in earlier] == [
        ("time_limit", "ORTPSA", "ORTPSA2020", 7)
    ]


def test_a_fee_may_be_an_amount_a_range_or_a_rule(facts) -> None:
    water = facts.entries["water.bill_payment"].fee.rows[0]
    cesspool = facts.entries["municipal.cesspool"].fee.rows[0]
    freehold = facts.entries["bda.freehold_conversion"].fee.rows[0]
    assert (water.amount_paise, cesspool.amount_paise, cesspool.most_paise) == (583, 10_000, 100_000)
    assert freehold.rule["en"] == "3% of benchmark valuation 2024"


def test_a_broken_entry_is_left_out_whole_and_told_with_file_and_line(desk) -> None:
    line = desk.change("rto.noc", lambda row: row["time_limit"].update(amount="four"))
    reading = read(desk.folder)
    reading.refuse(broken="skip")
    assert "rto.noc" not in reading.facts.entries
    assert len(services(reading.facts)) == 406
    [problem] = reading.problems
    assert problem.file.endswith("services.jsonl")
    assert problem.line == line
    assert problem.excerpt[problem.column - 1 : problem.column + 5] == '"four"'


def test_a_city_may_ask_to_refuse_the_whole_catalogue_for_one_broken_entry(desk) -> None:
    desk.change("rto.noc", lambda row: row.pop("title"))
    with pytest.raises(RegistryRefused):
        read(desk.folder).refuse(broken="refuse")


def test_all_mistakes_are_told_at_once(desk) -> None:
    desk.change("rto.noc", lambda row: row.update(category="vehicel"))
    desk.change("dl.renewal", lambda row: row.update(fees=[]))
    desk.change("dl.new", lambda row: row["sources"].update(fee=["CMV23"]))
    told = [one.message for one in read(desk.folder).problems]
    assert len(told) == 3
    assert any('Did you mean "vehicle"?' in one for one in told)
    assert any('Did you mean "fee"?' in one for one in told)
    assert any('Did you mean "CMV32"?' in one for one in told)


def test_a_line_that_is_no_json_costs_that_line_alone(desk) -> None:
    lines = desk.lines()
    lines[4] = lines[4][:-1]
    desk.write(lines)
    reading = read(desk.folder)
    assert (len(services(reading.facts)), reading.broken, reading.problems[0].line) == (406, 1, 5)


def test_an_id_that_stands_twice_refuses_everything(desk) -> None:
    lines = desk.lines()
    desk.write([*lines, lines[0]])
    with pytest.raises(RegistryRefused, match="1 error"):
        read(desk.folder).refuse(broken="skip")


def test_a_mistake_in_the_vocabulary_refuses_everything(desk) -> None:
    file = desk.folder / load.VOCABULARY
    file.write_text(file.read_text(encoding="utf-8").replace("[channels]", "[chanels]", 1), encoding="utf-8")
    with pytest.raises(RegistryRefused) as refused:
        read(desk.folder).refuse(broken="skip")
    assert 'Did you mean "channels"?' in refused.value.problems[0].message


def test_a_superseded_row_that_leads_nowhere_refuses_everything(desk) -> None:
    desk.change("ortps.comm.06", lambda row: row.update(superseded_by=["rto.gone"]), load.SUPERSEDED)
    with pytest.raises(RegistryRefused):
        read(desk.folder).refuse(broken="skip")


def test_more_than_one_broken_line_in_twenty_is_the_wrong_file(desk) -> None:
    desk.write(["{}" for _ in desk.lines()])
    with pytest.raises(RegistryRefused):
        read(desk.folder).refuse(broken="skip")


def test_a_missing_file_refuses_everything_and_is_named(desk) -> None:
    (desk.folder / load.HOLIDAYS).unlink()
    with pytest.raises(RegistryRefused) as refused:
        read(desk.folder).refuse(broken="skip")
    assert refused.value.problems[0].file.endswith("holidays.jsonl")


def test_two_readings_of_the_same_files_are_the_same(desk) -> None:
    first, second = read(desk.folder).facts, read(desk.folder).facts
    assert first == second
    assert list(first.entries) == list(second.entries)
