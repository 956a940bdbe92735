"""A checked line becomes an entry or nothing: words it uses must be in the vocabulary, and numbers must make sense."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from aggregator.discovery.catalogue.lines import Line, placed
from aggregator.discovery.catalogue.model import (
    CatalogueFee,
    CatalogueFeeRow,
    Condition,
    Entry,
    EntryKind,
    Ladder,
    LimitVariant,
    Provenance,
    StatutoryLimit,
    Vocabulary,
)
from aggregator.registry.locate import Path
from aggregator.registry.problems import errors_in

Row = Mapping[str, Any]
_HOURS = {"HOUR": 1, "WORKING_HOUR": 1, "DAY": 24, "WORKING_DAY": 24, "MONTH": 720}
_LISTS = {
    "life_events": "life_events", "audience": "audiences", "channels": "channels", "documents": "documents",
}  # fmt: skip
_ONES = {
    "category": "categories", "department": "departments", "organisation": "organisations", "group": "groups",
}  # fmt: skip


def read_entry(line: Line, kind: EntryKind, words: Vocabulary) -> Entry | None:
    """The entry; None when the line has a mistake, which is then in its source."""
    if not errors_in(line.source.problems):
        _check_words(line, words)
        _check_limit(line, words)
        _check_fee(line)
        _check_sources(line, words)
        _check_conditions(line, words)
        _check_day(line)
    if errors_in(line.source.problems):
        return None
    return _entry(line, kind, words)


def longest(variants: Iterable[LimitVariant]) -> LimitVariant:
    """The variant that gives the office most time."""
    return max(variants, key=lambda one: one.amount * _HOURS[one.unit])


def _check_words(line: Line, words: Vocabulary) -> None:
    for key, table in _LISTS.items():
        known: Mapping[str, Any] = getattr(words, table)
        for index, word in enumerate(line.data.get(key, ())):
            _known(line, (key, index), table, word, known)
    for key, table in _ONES.items():
        if key in line.data:
            _known(line, (key,), table, line.data[key], getattr(words, table))


def _known(line: Line, path: Path, table: str, word: str, known: Mapping[str, Any]) -> None:
    if word not in known:
        placed(line).unknown_value(path, f"word of [{table}]", word, known)


def _check_limit(line: Line, words: Vocabulary) -> None:
    limit = line.data.get("time_limit")
    if limit is None:
        return
    _known(line, ("time_limit", "start_event"), "start_events", limit["start_event"], words.start_events)
    for index, word in enumerate(limit.get("exclusions", ())):
        _known(line, ("time_limit", "exclusions", index), "exclusions", word, words.exclusions)
    variants = [_variant(one) for one in limit.get("variants", ())]
    for index, one in enumerate(variants):
        if one.start_event:
            path: Path = ("time_limit", "variants", index, "start_event")
            _known(line, path, "start_events", one.start_event, words.start_events)
    if variants and (limit["amount"], limit["unit"]) != ((most := longest(variants)).amount, most.unit):
        placed(line).wrong(("time_limit", "amount"), f"must be the longest of the variants, {most.amount} {most.unit}")


def _check_fee(line: Line) -> None:
    fee = line.data.get("fee")
    for index, row in enumerate(fee["rows"] if fee else ()):
        path: Path = ("fee", "rows", index)
        if ("amount_paise" in row) == ("rule" in row):
            placed(line).wrong(path, "needs either amount_paise or rule, and not both", bare=True)
        elif row.get("most_paise", row.get("amount_paise", 0)) < row.get("amount_paise", 0):
            placed(line).wrong((*path, "most_paise"), "must not be less than amount_paise")


def _check_sources(line: Line, words: Vocabulary) -> None:
    for fact, names in line.data["sources"].items():
        for index, name in enumerate(names):
            _known(line, ("sources", fact, index), "sources", name, words.sources)
    for fact in line.data:
        if fact in {"fee", "time_limit", "eligibility"} and fact not in line.data["sources"]:
            placed(line).wrong((fact,), f'has no source: name it under sources, "{fact}"', on_key=True)
    for index, earlier in enumerate(line.data.get("earlier", ())):
        for key in ("source", "superseded_by"):
            _known(line, ("earlier", index, key), "sources", earlier[key], words.sources)


def _check_conditions(line: Line, words: Vocabulary) -> None:
    for index, condition in enumerate(line.data.get("eligibility", ())):
        path: Path = ("eligibility", index)
        question = words.questions.get(condition["question"])
        if question is None:
            _known(line, (*path, "question"), "questions", condition["question"], words.questions)
            continue
        if ("one_of" in condition) != bool(question.answers):
            wanted = "one_of" if question.answers else "least or most"
            placed(line).wrong(path, f'the question "{question.id}" is answered with {wanted}', bare=True)
        for place, answer in enumerate(condition.get("one_of", ())):
            _known(line, (*path, "one_of", place), f"questions.{question.id}.answers", answer, question.answers)


def _check_day(line: Line) -> None:
    if "expires" in line.data:
        try:
            date.fromisoformat(line.data["expires"])
        except ValueError:
            placed(line).wrong(("expires",), "is no day of the calendar")


def _entry(line: Line, kind: EntryKind, words: Vocabulary) -> Entry:
    row = line.data
    organisation = words.organisations.get(row.get("organisation", ""))
    return Entry(
        id=row["id"],
        kind=kind,
        titles=row["title"],
        descriptions=row.get("description", {}),
        category=row["category"],
        department=row.get("department", ""),
        organisation=row.get("organisation", ""),
        agency=row.get("agency") or (organisation.agency if organisation is not None else ""),
        group=row.get("group", ""),
        life_events=tuple(row.get("life_events", ())),
        audiences=tuple(row.get("audience", ())),
        channels=tuple(row.get("channels", ())),
        documents=tuple(row.get("documents", ())),
        fee=_fee(row.get("fee")),
        time_limit=_limit(row.get("time_limit")),
        officers=Ladder(**row.get("officers", {})),
        eligibility=tuple(_condition(one) for one in row.get("eligibility", ())),
        same_as=row.get("same_as", ""),
        parts=tuple(row.get("parts", ())),
        statutory_refs=tuple(row.get("statutory_refs", ())),
        aliases=tuple(row.get("aliases", ())),
        keywords={language: tuple(found) for language, found in row.get("keywords", {}).items()},
        provenance=tuple(_provenance(row, words)),
        unverified=tuple(row.get("unverified", ())),
        superseded_by=tuple(row.get("superseded_by", ())),
        catch_all=row.get("catch_all", False),
        expires=date.fromisoformat(row["expires"]) if "expires" in row else None,
        place=line.place,
    )


def _limit(given: Row | None) -> StatutoryLimit | None:
    if given is None:
        return None
    return StatutoryLimit(
        amount=given["amount"],
        unit=given["unit"],
        start_event=given["start_event"],
        exclusions=tuple(given.get("exclusions", ())),
        variants=tuple(_variant(one) for one in given.get("variants", ())),
        text=given.get("text", ""),
    )


def _variant(given: Row) -> LimitVariant:
    return LimitVariant(given["case"], given["amount"], given["unit"], given.get("start_event", ""))


def _fee(given: Row | None) -> CatalogueFee | None:
    if given is None:
        return None
    rows = tuple(CatalogueFeeRow(**row) for row in given["rows"])
    return CatalogueFee(given["currency"], rows, given.get("rule", ""))


def _condition(given: Row) -> Condition:
    return Condition(
        question=given["question"],
        least=given.get("least"),
        most=given.get("most"),
        one_of=tuple(given.get("one_of", ())),
        because=given["because"],
        source=given.get("source", ""),
    )


def _provenance(row: Row, words: Vocabulary) -> Iterable[Provenance]:
    for fact, names in row["sources"].items():
        for name in names:
            source = words.sources[name]
            yield Provenance(fact, name, source.as_of, source.verified)
    for earlier in row.get("earlier", ()):
        source = words.sources[earlier["source"]]
        yield Provenance(
            earlier["fact"], source.id, source.as_of, source.verified, earlier["superseded_by"], earlier["value"]
        )
