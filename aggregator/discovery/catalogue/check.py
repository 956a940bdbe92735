"""What no single line can show: a default's look, places off the map, what has run out, facts and offers that disagree.

All of these are warnings: they may be true. Mistakes that cannot be true are refused where a line is read.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from statistics import median

from aggregator.discovery.browse_offices import distance_m
from aggregator.discovery.catalogue.compose import known_offers, links_of
from aggregator.discovery.catalogue.model import Entry, Facts
from aggregator.discovery.catalogue.places import Office
from aggregator.discovery.catalogue.slips import slips_in
from aggregator.registry.agency import Service
from aggregator.registry.problems import WARNING, Problem

FAR_M = 60_000
EXPIRES_SOON_DAYS = 60
DEFAULT_SHARE_PERCENT = 90
DEFAULT_LEAST = 15
LANGUAGES = {"or": "Odia", "hi": "Hindi"}


@dataclass(frozen=True, slots=True)
class Desk:
    """What facts are held against: today, and what the registry offers."""

    today: date
    offered: Mapping[str, Service]


def warnings_of(facts: Facts, desk: Desk) -> list[Problem]:
    """Everything an editor should look at, file by file and line by line."""
    entries = [*facts.entries.values(), *facts.superseded.values()]
    found = [
        *_positions(facts.offices.values()),
        *_run_out(facts, desk.today),
        *_defaults(facts),
        *_languages(facts),
        *(problem for entry in entries for problem in _slips(entry)),
        *_links(facts, desk.offered),
        *_disagreements(facts, desk.offered),
        *_unused(facts),
    ]
    return sorted(found, key=lambda one: (one.file, one.line))


def _warning(place: str, message: str) -> Problem:
    file, _, line = place.rpartition(":")
    return Problem(file or place, int(line) if line.isdigit() else 1, 1, message, severity=WARNING)


def _positions(offices: Iterable[Office]) -> Iterator[Problem]:
    placed = [(one, (one.latitude, one.longitude)) for one in offices if one.latitude and one.longitude]
    if not placed:
        return
    middle = (median(at[0] for _, at in placed), median(at[1] for _, at in placed))
    seen: dict[tuple[float, float], str] = {}
    for office, at in placed:
        if distance_m((at[1], at[0]), middle) < FAR_M:
            yield _warning(office.place, f'"{office.id}": latitude and longitude look exchanged')
        elif (far_m := distance_m(at, middle)) > FAR_M:
            yield _warning(office.place, f'"{office.id}" lies {far_m / 1000:.0f} km from the other offices')
        if at in seen:
            yield _warning(office.place, f'"{office.id}" has the very position of "{seen[at]}": a default?')
        if not office.accuracy_m:
            yield _warning(office.place, f'"{office.id}" does not say how far off its position may be (accuracy_m)')
        seen[at] = office.id


def _run_out(facts: Facts, today: date) -> Iterator[Problem]:
    for entry in facts.entries.values():
        if entry.expires is None:
            continue
        days = (entry.expires - today).days
        if days < 0:
            yield _warning(entry.place, f'"{entry.id}" expired {-days} days ago')
        elif days <= EXPIRES_SOON_DAYS:
            yield _warning(entry.place, f'"{entry.id}" expires in {days} days')
    years = {one.day.year for one in facts.holidays}
    if facts.holidays and not years & {today.year}:
        yield _warning(facts.holidays[-1].place, f"there are no holidays for {today.year}: no statutory clock is right")
    elif facts.holidays and today.month == 12 and today.year + 1 not in years:
        yield _warning(facts.holidays[-1].place, f"there are no holidays for {today.year + 1} yet")


def _defaults(facts: Facts) -> Iterator[Problem]:
    """One limit for nearly everything of a department was probably filled in, not notified."""
    by_department: dict[str, list[Entry]] = {}
    for entry in facts.entries.values():
        if entry.time_limit is not None:
            by_department.setdefault(entry.department, []).append(entry)
    for department, entries in by_department.items():
        counts = Counter((one.time_limit.amount, one.time_limit.unit) for one in entries if one.time_limit)
        (amount, unit), number = counts.most_common(1)[0]
        if len(entries) >= DEFAULT_LEAST and number * 100 >= len(entries) * DEFAULT_SHARE_PERCENT:
            yield _warning(
                entries[0].place,
                f"{number} of {len(entries)} limits of {department} are {amount} {unit}: a default?",
            )


def _languages(facts: Facts) -> Iterator[Problem]:
    """One warning for a file and a language; the first entry that lacks it is named."""
    for code, language in LANGUAGES.items():
        lacking: dict[str, list[Entry]] = {}
        for entry in facts.entries.values():
            if code not in entry.titles:
                lacking.setdefault(entry.place.rpartition(":")[0], []).append(entry)
        for entries in lacking.values():
            first = min(entries, key=lambda one: int(one.place.rpartition(":")[2]))
            yield _warning(first.place, f'{len(entries)} titles are not in {language}, first: "{first.id}"')


def _slips(entry: Entry) -> Iterator[Problem]:
    limit = entry.time_limit.text if entry.time_limit is not None else ""
    ladder = entry.officers
    texts = {
        "title": entry.titles["en"], "time_limit": limit, "designated": ladder.designated, "appeal": ladder.appeal,
        "revision": ladder.revision,
    }  # fmt: skip
    for name, text in texts.items():
        for stretch, what in slips_in(text):
            yield _warning(entry.place, f'"{entry.id}" {name}: {what}: "{stretch.strip()}"')


def _links(facts: Facts, offered: Mapping[str, Service]) -> Iterator[Problem]:
    for entry in facts.entries.values():
        for id_ in links_of(entry):
            if id_ != entry.id and id_ not in offered:
                yield _warning(entry.place, f'"{entry.id}" names "{id_}", which the registry does not offer')
    bare = sorted(set(offered) - known_offers(facts.entries.values()))
    for id_ in bare:
        yield _warning("registry.toml:1", f'"{id_}" is offered and has no entry of its own')


def _disagreements(facts: Facts, offered: Mapping[str, Service]) -> Iterator[Problem]:
    for entry in facts.entries.values():
        service = offered.get(entry.id) or offered.get(entry.same_as)
        if service is None:
            continue
        limit, theirs = entry.time_limit, service.time_limit
        if limit and theirs and (limit.amount, limit.unit) != (theirs.amount, theirs.unit):
            yield _warning(
                entry.place,
                f'"{entry.id}": the limit is {limit.amount} {limit.unit} here and {theirs.amount} {theirs.unit} '
                "where it is offered",
            )
        ours = {row.amount_paise for row in entry.fee.rows} if entry.fee else set()
        if ours and service.fee and ours != {row.amount_paise for row in service.fee.rows}:
            yield _warning(entry.place, f'"{entry.id}": the fee differs from the one where it is offered')


def _unused(facts: Facts) -> Iterator[Problem]:
    """A word nobody uses is a typing slip more often than a plan."""
    entries = [*facts.entries.values(), *facts.superseded.values()]
    words = facts.vocabulary
    used = {
        "life_events": {word for one in entries for word in one.life_events},
        "documents": {word for one in entries for word in one.documents},
        "channels": {word for one in entries for word in one.channels},
        "departments": {one.department for one in entries},
        "questions": {rule.question for one in entries for rule in one.eligibility},
    }
    for table, found in used.items():
        for id_ in getattr(words, table):
            if id_ not in found:
                yield _warning("vocabulary.toml:1", f'no entry uses "{id_}" of [{table}]')
