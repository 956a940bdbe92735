"""What a service can promise follows from the weakest operation behind it, and is never written by hand.

Source: docs/outcomes.md section 1: with a key, a look-up with a bound, or a uniqueness rule, exactly one effect; with
none of them, at most one by machine, then a person with evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from msgspec import UNSET, UnsetType

from aggregator.api.service_shapes import Guarantee
from aggregator.cases.act import OPERATIONS
from aggregator.cases.settle import queue_of
from aggregator.registry.agency import Agency, Service
from aggregator.sdk.adapter import Class, Declared

By = Literal["key", "lookup", "uniqueness", "idempotence", "nothing"]
_BY: Mapping[Class, By] = {
    Class.KEYED: "key",
    Class.QUERYABLE: "lookup",
    Class.UNIQUE: "uniqueness",
    Class.IDEMPOTENT: "idempotence",
}
_WEAKEST_FIRST = (Class.OPAQUE, Class.QUERYABLE, Class.UNIQUE, Class.KEYED, Class.IDEMPOTENT)


ANSWER_WITHIN_S = 86_400
"""How long a desk may take: an item is paged to its owner by then (outcomes.md section 14)."""
_ON_THE_WAY = ("BOOK", "PAY")
"""Actions without which the application does not come to its end: their promise is the service's too."""


@dataclass(frozen=True, slots=True)
class Part:
    """One write behind a service, at one agency."""

    declared: Declared
    agency: Agency

    @property
    def strength(self) -> int:
        """What is not certified promises nothing, whatever it declares."""
        cls = self.declared.effective if self.agency.manifest.certified_on else Class.OPAQUE
        return _WEAKEST_FIRST.index(cls)


def guarantee_of(service: Service, agencies: Mapping[str, Agency]) -> Guarantee | UnsetType:
    """The promise of a service that changes something; a look-up needs none."""
    parts = _parts(service, [agencies[name] for name in service.agencies if name in agencies])
    if not parts:
        return UNSET
    weakest = min(parts, key=lambda part: part.strength)
    by: By = _BY.get(weakest.declared.effective, "nothing") if weakest.agency.manifest.certified_on else "nothing"
    day = weakest.agency.manifest.certified_on
    certified = date.fromisoformat(day) if day else UNSET
    if by == "nothing":
        return Guarantee(
            effect="at_most_once",
            by=by,
            then="a_person_checks",
            weakest_operation=weakest.declared.name,
            certified_on=certified,
            desk=queue_of(weakest.agency.id),
            answer_within_s=ANSWER_WITHIN_S,
        )
    return Guarantee(
        effect="exactly_once",
        by=by,
        then="we_check",
        doubt_settled_within_s=_settled_s(weakest.declared),
        weakest_operation=weakest.declared.name,
        certified_on=certified,
    )


def _parts(service: Service, agencies: list[Agency]) -> list[Part]:
    """Every write on the way of the service's applications; none for a service that only asks."""
    first = [
        Part(agency.operations[service.operation], agency)
        for agency in agencies
        if service.operation in agency.operations
    ]
    if not first or any(part.declared.effective is Class.SAFE for part in first):
        return []
    return first + [
        Part(agency.operations[OPERATIONS[action]], agency)
        for agency in agencies
        for action in _ON_THE_WAY
        if OPERATIONS[action] in agency.operations and _offered(service, agency, action)
    ]


def _offered(service: Service, agency: Agency, action: str) -> bool:
    offer = agency.manifest.offers.get(service.offer)
    return offer is not None and offer.actions is not None and action in offer.actions


def _settled_s(declared: Declared) -> int:
    """The last moment at which it may still act, the look's own lag, and the looks that count."""
    late = (declared.max_apply_delay_s or 0.0) + declared.query_lag_s + declared.timeout_s
    return int(max(declared.first_look_s, late) + declared.absences_needed * declared.look_gap_s)
