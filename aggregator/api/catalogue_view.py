"""An entry of the catalogue on the wire, in the caller's language: what it takes and costs, and who says so."""

from collections.abc import Iterable, Mapping

from msgspec import UNSET, UnsetType

from aggregator.api.agencies import availability, state_of
from aggregator.api.call import Call
from aggregator.api.catalogue_shapes import (
    AppealLadder,
    FactSource,
    LinkOffered,
    Named,
    Period,
    PeriodCase,
    ServiceDetail,
    ServiceLine,
)
from aggregator.api.guarantee import guarantee_of
from aggregator.api.link_proof import proofs_of
from aggregator.api.service_shapes import AgencyLine, FeeLine, Money
from aggregator.citizens.link_kinds import kind_of
from aggregator.discovery.browse import Now, SearchHit, agencies_of
from aggregator.discovery.catalogue.model import (
    CatalogueFeeRow,
    Entry,
    LimitVariant,
    Provenance,
    Term,
)
from aggregator.registry.agency import Agency, Fee, Service, TimeLimit, Words

_STATES = {"UP": "AVAILABLE", "DEGRADED": "DEGRADED", "DOWN": "DOWN", "DISABLED": "CLOSED"}


def now_of(call: Call) -> Now:
    """Every agency's availability, from our own calls and the planned windows; no agency is asked."""
    at = call.rooms.clock.now()
    agencies = call.rooms.registry().agencies.values()
    return Now({agency.id: _state(agency, paused=agency.closed_at(at) is not None) for agency in agencies})


def line_of(call: Call, entry: Entry, hit: SearchHit, now: Now) -> ServiceLine:
    """A line of the list."""
    return ServiceLine(
        id=entry.id,
        title=call.titled(entry.titles),
        kind=entry.case_kind,
        agency=entry.responsible,
        category=entry.category or UNSET,
        department=entry.department or UNSET,
        time_limit=period_of(call, entry),
        maturity=entry.maturity,
        availability=now.of(entry),
        matched=hit.matched,
        why=hit.why or UNSET,
    )


def detail_of(call: Call, entry: Entry) -> ServiceDetail:
    """All of an entry."""
    agencies = call.rooms.registry().agencies
    words = call.rooms.catalogue().vocabulary
    own = entry.own
    return ServiceDetail(
        id=entry.id,
        title=call.titled(entry.titles),
        description=call.titled(entry.descriptions),
        kind=entry.case_kind,
        category=entry.category or UNSET,
        agencies=tuple(_agency(call, agencies[name]) for name in agencies_of(entry) if name in agencies),
        documents=documents_of(call, entry),
        fees=fees_of(call, entry),
        fee_rules=_fee_rules(call, entry),
        time_limit=period_of(call, entry),
        delivery_guarantee=UNSET if own is None else guarantee_of(own, agencies),
        link=UNSET if own is None else _linked_by(own),
        department=named(call, words.departments, entry.department),
        organisation=named(call, words.organisations, entry.organisation),
        group=named(call, words.groups, entry.group),
        life_events=_all_named(call, words.life_events, entry.life_events),
        audience=_all_named(call, words.audiences, entry.audiences),
        channels=_all_named(call, words.channels, entry.channels),
        appeal=_appeal(call, entry),
        maturity=entry.maturity,
        abilities=entry.abilities,
        availability=now_of(call).of(entry),
        offered_as=tuple(service.id for service in entry.offered),
        form_page_url=_form_page(call, own),
        blank_form_url=_form_page(call, own, "/blank"),
        superseded_by=entry.superseded_by,
        also_known_as=entry.aliases,
        sources=tuple(_source(call, one) for one in entry.provenance),
        translation_unverified=call.language in entry.unverified,
    )


def _linked_by(own: Service) -> LinkOffered | UnsetType:
    """What can be linked with this form; none where nothing would prove it."""
    named, proofs = kind_of(own.form.get("properties", {})), proofs_of(own)
    return LinkOffered(kind=named[1].name, proofs=proofs) if named is not None and proofs else UNSET


def _form_page(call: Call, own: Service | None, which: str = "") -> str | UnsetType:
    """The address of a service's plain page, in the caller's language; none for what has no form with us."""
    return UNSET if own is None else f"{call.origin}/forms/{own.id}{which}?lang={call.language}"


def documents_of(call: Call, entry: Entry) -> tuple[str, ...]:
    """What to have at hand: as the operator offers it, else as the facts say."""
    own = entry.own
    if own is not None and own.documents:
        return tuple(call.titled(words) for words in own.documents)
    known = call.rooms.catalogue().vocabulary.documents
    return tuple(call.titled(known[id_].title) for id_ in entry.documents)


def period_of(call: Call, entry: Entry) -> Period | UnsetType:
    """The statutory limit: the facts' structure, else the operator's."""
    limit = entry.time_limit
    words = call.rooms.catalogue().vocabulary
    if limit is None or limit.start_event not in words.start_events:
        return _plain_period(call, entry.own.time_limit if entry.own is not None else None)
    return Period(
        amount=limit.amount,
        unit=limit.unit,
        start_event=call.titled(words.start_events[limit.start_event].title),
        exclusions=tuple(call.titled(words.exclusions[id_].title) for id_ in limit.exclusions),
        cases=tuple(_case(call, one, words.start_events) for one in limit.variants),
        wording=limit.text or UNSET,
    )


def fees_of(call: Call, entry: Entry) -> tuple[FeeLine, ...]:
    """Rows of amounts: as the operator offers it, else as the facts say."""
    own = entry.own
    if own is not None and own.fee is not None:
        return _offered_fees(call, own.fee)
    rows = () if entry.fee is None else entry.fee.rows
    currency = "" if entry.fee is None else entry.fee.currency
    return tuple(_fee(call, row, row.amount_paise, currency) for row in rows if row.amount_paise is not None)


def named(call: Call, terms: Mapping[str, Term], id_: str) -> Named | UnsetType:
    """A word of the vocabulary with its title; absent when there is none."""
    term = terms.get(id_)
    return UNSET if term is None else Named(id=id_, title=call.titled(term.title))


def title_of(call: Call, terms: Mapping[str, Term], id_: str) -> str:
    term = terms.get(id_)
    return id_ if term is None else call.titled(term.title)


def rupees(paise: int) -> str:
    """Integer paise as text with two decimals: no float ever holds money."""
    return f"{paise // 100}.{paise % 100:02d}"


def _all_named(call: Call, terms: Mapping[str, Term], ids: Iterable[str]) -> tuple[Named, ...]:
    return tuple(Named(id=id_, title=title_of(call, terms, id_)) for id_ in ids)


def _state(agency: Agency, *, paused: bool) -> str:
    return "PLANNED_PAUSE" if paused and agency.enabled else _STATES[state_of(agency)]


def _agency(call: Call, agency: Agency) -> AgencyLine:
    return AgencyLine(
        id=agency.id,
        title=call.titled(agency.title),
        state=state_of(agency),
        availability=availability(call, agency),
    )


def _plain_period(call: Call, limit: TimeLimit | None) -> Period | UnsetType:
    if limit is None:
        return UNSET
    return Period(amount=limit.amount, unit=limit.unit, start_event=call.titled(limit.start_event))


def _case(call: Call, variant: LimitVariant, events: Mapping[str, Term]) -> PeriodCase:
    event = title_of(call, events, variant.start_event) if variant.start_event else ""
    return PeriodCase(
        case=call.titled(variant.case), amount=variant.amount, unit=variant.unit, start_event=event or UNSET
    )


def _offered_fees(call: Call, fee: Fee) -> tuple[FeeLine, ...]:
    return tuple(
        FeeLine(title=call.titled(row.title), amount=Money(amount=rupees(row.amount_paise), currency=fee.currency))
        for row in fee.rows
    )


def _fee(call: Call, row: CatalogueFeeRow, paise: int, currency: str) -> FeeLine:
    most = row.most_paise
    return FeeLine(
        title=call.titled(row.title),
        amount=Money(amount=rupees(paise), currency=currency),
        up_to=UNSET if most is None else Money(amount=rupees(most), currency=currency),
    )


def _fee_rules(call: Call, entry: Entry) -> tuple[str, ...]:
    own = entry.own
    if entry.fee is None or (own is not None and own.fee is not None):
        return ()
    return tuple(_joined(call, row.title, row.rule) for row in entry.fee.rows if row.rule)


def _joined(call: Call, title: Words, rule: Words) -> str:
    return f"{call.titled(title)}: {call.titled(rule)}"


def _appeal(call: Call, entry: Entry) -> AppealLadder | UnsetType:
    ladder = entry.officers
    if not (ladder.designated or ladder.appeal or ladder.revision):
        return UNSET
    rules = call.rooms.catalogue().facts.rules
    days = {id_: rule.days for id_, rule in rules.items() if rule.days is not None}
    return AppealLadder(
        designated_officer=ladder.designated or UNSET,
        appeal=ladder.appeal or UNSET,
        appeal_within_days=days.get("appeal_window", UNSET) if ladder.appeal else UNSET,
        revision=ladder.revision or UNSET,
        revision_within_days=days.get("revision_window", UNSET) if ladder.revision else UNSET,
    )


def _source(call: Call, one: Provenance) -> FactSource:
    source = call.rooms.catalogue().vocabulary.sources.get(one.source)
    return FactSource(
        fact=one.fact,
        source=one.source,
        reference="" if source is None else source.title,
        as_of=one.as_of,
        verified=one.verified.upper(),
        superseded_by=one.superseded_by or UNSET,
    )
