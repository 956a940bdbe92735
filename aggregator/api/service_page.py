"""One entry of the catalogue as its page tells it: what to do first, then what it takes, how long, who, and whence.

Plain values in the reader's language for the template. What is not known has no line; a fact that only the English
notification has keeps its own wording.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.api.catalogue_view import rupees
from aggregator.api.problem import Says
from aggregator.discovery.catalogue.model import (
    Catalogue,
    CatalogueFeeRow,
    Entry,
    Ladder,
    LimitVariant,
    StatutoryLimit,
    Term,
    Vocabulary,
)
from aggregator.registry.agency import Words


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list that leads somewhere. `here`: what can be done of it with us; `why`: why it was found."""

    address: str
    title: str
    here: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder: who, and how long one may wait before going there."""

    title: str
    who: str
    within: str = ""


def said(words: Words, language: str) -> str:
    """The words in the reader's language, else in English."""
    return words.get(language) or words.get("en", "")


@dataclass(frozen=True, slots=True)
class ServicePage:
    """What the page of an entry says."""

    catalogue: Catalogue
    language: str
    says: Says

    def values(self, entry: Entry) -> Mapping[str, Any]:
        """Everything the template `service.html` wants."""
        online = entry.own is not None and entry.maturity != "INFO" and not entry.superseded_by
        return {
            "title": said(entry.titles, self.language),
            "about": said(entry.descriptions, self.language),
            "form": f"/forms/{entry.own.id}?lang={self.language}" if online and entry.own is not None else "",
            "blank": f"/forms/{entry.own.id}/blank?lang={self.language}" if online and entry.own is not None else "",
            "replaced_by": [self.link(one) for one in self._entries(entry.superseded_by)],
            "also": [] if online else [self._offer(one.id, one.title) for one in entry.offered],
            "who": self._who(entry),
            "documents": self._documents(entry),
            "fees": self._fees(entry),
            "periods": self._periods(entry.time_limit),
            "ladder": self._ladder(entry.officers),
            "rules": list(dict.fromkeys(said(one.because, self.language) for one in entry.eligibility)),
            "events": self.named(self._words.life_events, "life_event", entry.life_events),
            "sources": list(dict.fromkeys(self._words.sources[one.source].title for one in entry.provenance)),
            "unread": self.language in entry.unverified,
        }

    def link(self, entry: Entry, why: str = "") -> Line:
        """A line that leads to an entry."""
        here = bool(entry.offered) and entry.maturity != "INFO"
        return Line(
            f"/catalogue/{entry.id}?lang={self.language}",
            said(entry.titles, self.language),
            self._say(f"catalogue.maturity.{entry.maturity}") if here else "",
            why,
        )

    def named(self, terms: Mapping[str, Term], parameter: str, ids: Iterable[str]) -> list[Line]:
        """Lines that lead to the lists of these words, by title."""
        lines = [
            Line(f"/catalogue?{parameter}={id_}&lang={self.language}", title) for id_, title in self._named(terms, ids)
        ]
        return sorted(lines, key=lambda line: line.title)

    @property
    def _words(self) -> Vocabulary:
        return self.catalogue.vocabulary

    def _say(self, key: str, **args: str) -> str:
        return self.says(key, self.language, **args)

    def _named(self, terms: Mapping[str, Term], ids: Iterable[str]) -> list[tuple[str, str]]:
        return [(id_, said(terms[id_].title, self.language)) for id_ in ids if id_ in terms]

    def _entries(self, ids: Iterable[str]) -> list[Entry]:
        return [found for found in map(self.catalogue.entry, ids) if found is not None]

    def _offer(self, id_: str, title: Words) -> Line:
        return Line(f"/forms/{id_}?lang={self.language}", said(title, self.language))

    def _who(self, entry: Entry) -> list[str]:
        organisation = self._named(self._words.organisations, [entry.organisation])
        department = self._named(self._words.departments, [entry.department])
        return list(dict.fromkeys(title for _, title in (*organisation, *department)))

    def _documents(self, entry: Entry) -> list[str]:
        own = entry.own
        if own is not None and own.documents:
            return [said(one, self.language) for one in own.documents]
        return [title for _, title in self._named(self._words.documents, entry.documents)]

    def _fees(self, entry: Entry) -> list[str]:
        own = entry.own
        if own is not None and own.fee is not None:
            return [self._fee(said(row.title, self.language), rupees(row.amount_paise)) for row in own.fee.rows]
        return [] if entry.fee is None else [self._fee_row(row) for row in entry.fee.rows]

    def _fee_row(self, row: CatalogueFeeRow) -> str:
        title = said(row.title, self.language)
        if row.amount_paise is None:
            return f"{title}: {said(row.rule, self.language)}"
        most = row.most_paise
        amount = rupees(row.amount_paise) + ("" if most is None else f"\N{EN DASH}{rupees(most)}")
        return self._fee(title, amount)

    def _fee(self, title: str, amount: str) -> str:
        return self._say("form.fee", title=title, amount=amount)

    def _periods(self, limit: StatutoryLimit | None) -> list[str]:
        """The limit as sentences: one a case where it depends on the case."""
        if limit is None:
            return []
        cases = [self._case(one) for one in limit.variants] or [self._period(limit.amount, limit.unit)]
        event = self._named(self._words.start_events, [limit.start_event])
        started = [self._say("catalogue.page.counted_from", event=title) for _, title in event]
        left_out = [title for _, title in self._named(self._words.exclusions, limit.exclusions)]
        not_counted = [self._say("catalogue.page.not_counted", what=", ".join(left_out))] if left_out else []
        return [*cases, *started, *not_counted]

    def _case(self, variant: LimitVariant) -> str:
        return f"{said(variant.case, self.language)}: {self._period(variant.amount, variant.unit)}"

    def _period(self, amount: int, unit: str) -> str:
        return self._say(f"catalogue.period.{unit}" + ("_one" if amount == 1 else ""), amount=str(amount))

    def _ladder(self, officers: Ladder) -> list[Step]:
        days = {id_: rule.days for id_, rule in self.catalogue.facts.rules.items() if rule.days is not None}
        steps = (
            ("designated", officers.designated, None),
            ("appeal", officers.appeal, days.get("appeal_window")),
            ("revision", officers.revision, days.get("revision_window")),
        )
        return [
            Step(self._say(f"catalogue.page.{name}"), who, "" if within is None else self._within(within))
            for name, who, within in steps
            if who
        ]

    def _within(self, days: int) -> str:
        return self._say("catalogue.page.within", period=self._period(days, "DAY"))
