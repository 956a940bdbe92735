"""What the catalogue holds: frozen facts. An entry is the same shape for a service and for a complaint type.

Titles are mappings by language (en, or, hi); English is always there. Amounts are whole paise. A fact knows its
sources; a time limit is never one number, because what starts the clock belongs to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from aggregator.discovery.catalogue.places import ActRule, Holiday, Locality, Office
from aggregator.registry.agency import Service, Words

EntryKind = Literal["service", "complaint"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts were read. `as_of` is a date, a month or a year; `verified` is yes, partly or no."""

    id: str
    title: str
    as_of: str
    verified: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """One fact of an entry and where it comes from. `superseded_by` names the source that replaced it."""

    fact: str
    source: str
    as_of: str
    verified: str
    superseded_by: str = ""
    value: Mapping[str, Any] | None = None
    """The replaced fact itself, where it is kept beside the one in force."""


@dataclass(frozen=True, slots=True)
class LimitVariant:
    """The limit in one case: `case` says which, in words."""

    case: Words
    amount: int
    unit: str
    start_event: str = ""


@dataclass(frozen=True, slots=True)
class StatutoryLimit:
    """The time limit of the Act.

    `unit`: HOUR, WORKING_HOUR, DAY, WORKING_DAY or MONTH. `start_event` and `exclusions` are ids of the vocabulary.
    With `variants`, `amount` is the longest of them: nobody is promised less than the law gives the office.
    `text` is the notification's own wording.
    """

    amount: int
    unit: str
    start_event: str
    exclusions: tuple[str, ...] = ()
    variants: tuple[LimitVariant, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who has to act, and to whom a citizen goes when they do not. Empty: not known."""

    designated: str = ""
    appeal: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueFeeRow:
    """One row of a fee: an amount, a range (`most_paise`), or a rule in words. Exactly one of amount and rule."""

    title: Words
    amount_paise: int | None = None
    most_paise: int | None = None
    rule: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CatalogueFee:
    currency: str
    rows: tuple[CatalogueFeeRow, ...]
    rule: str = ""
    """The rule of law the rows stand in, such as CMVR 32."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Who may have a service: an answer to one question of the vocabulary must be one of these, or lie between."""

    question: str
    least: float | None = None
    most: float | None = None
    one_of: tuple[str, ...] = ()
    because: Words = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A service or a complaint type.

    `agency`: the registry's agency that serves it, empty when none is connected; `organisation`: who is responsible,
    an id of the vocabulary. `same_as`: the registry's service that is this one under another id. `parts`: services of
    the registry that do a part of it, such as telling its status. `offered`: the registry's services that carry it
    out, itself included; filled in by `compose`. `place` is file:line.
    """

    id: str
    kind: EntryKind
    titles: Words
    descriptions: Words = field(default_factory=dict)
    category: str = ""
    department: str = ""
    organisation: str = ""
    agency: str = ""
    group: str = ""
    life_events: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    fee: CatalogueFee | None = None
    time_limit: StatutoryLimit | None = None
    officers: Ladder = Ladder()
    eligibility: tuple[Condition, ...] = ()
    same_as: str = ""
    parts: tuple[str, ...] = ()
    statutory_refs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other English names: of rows this one supersedes, and of the same thing elsewhere."""
    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Words people look for it with, by language; data of the editors."""
    provenance: tuple[Provenance, ...] = ()
    unverified: tuple[str, ...] = ()
    superseded_by: tuple[str, ...] = ()
    catch_all: bool = False
    expires: date | None = None
    place: str = ""
    offered: tuple[Service, ...] = ()
    abilities: tuple[str, ...] = ()
    maturity: str = "INFO"

    @property
    def own(self) -> Service | None:
        """The registry's service that is this entry, under its own id or the registry's."""
        first = self.offered[0] if self.offered else None
        return first if first is not None and first.id in {self.id, self.same_as} else None

    @property
    def case_kind(self) -> str:
        """What a case of it would be: APPLICATION, COMPLAINT, ENQUIRY ..."""
        if self.own is not None:
            return self.own.kind
        return "COMPLAINT" if self.kind == "complaint" else "APPLICATION"

    @property
    def responsible(self) -> str:
        """Who provides it: the connected agency, else the organisation, else the department."""
        return self.agency or self.organisation or self.department


@dataclass(frozen=True, slots=True)
class Question:
    """Asked to find out whether somebody may have a service. `answers` is empty for a number."""

    id: str
    title: Words
    answers: Mapping[str, Words] = field(default_factory=dict)
    least: float = 0
    most: float = 0


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a vocabulary, with what belongs to it."""

    id: str
    title: Words
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Organisation(Term):
    """Who is responsible. `agency` is its id in the registry once it is connected there."""

    agency: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words entries are made of, by id; each an id, titles in the city's languages, and what belongs to it."""

    categories: Mapping[str, Term] = field(default_factory=dict)
    groups: Mapping[str, Term] = field(default_factory=dict)
    life_events: Mapping[str, Term] = field(default_factory=dict)
    audiences: Mapping[str, Term] = field(default_factory=dict)
    departments: Mapping[str, Term] = field(default_factory=dict)
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    channels: Mapping[str, Term] = field(default_factory=dict)
    documents: Mapping[str, Term] = field(default_factory=dict)
    start_events: Mapping[str, Term] = field(default_factory=dict)
    exclusions: Mapping[str, Term] = field(default_factory=dict)
    questions: Mapping[str, Question] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """One reading of the catalogue's files. `digest` changes when any of them does."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    superseded: Mapping[str, Entry] = field(default_factory=dict)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    offices: Mapping[str, Office] = field(default_factory=dict)
    wards: tuple[str, ...] = ()
    localities: tuple[Locality, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    rules: Mapping[str, ActRule] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Facts and registry as one: what citizens are shown.

    `entries` holds every service and complaint type, also offered ones without a fact of their own, in order of id.
    `other_ids` leads from the registry's ids of the same thing to the entry's.
    """

    entries: Mapping[str, Entry]
    facts: Facts = field(default_factory=Facts)
    other_ids: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""

    @property
    def vocabulary(self) -> Vocabulary:
        return self.facts.vocabulary

    def entry(self, service_id: str) -> Entry | None:
        """The entry of an id, also of an id it is known by in the registry, or of a row that was superseded."""
        found = self.entries.get(self.other_ids.get(service_id, service_id))
        return found or self.facts.superseded.get(service_id)

    def services(self) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.kind == "service"]

    def complaint_types(self) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.kind == "complaint"]
