"""How far a service can be done with us is computed from what its agencies' drivers can do, and never written.

INFO: we only tell of it. APPLY: it can be asked for. TRACK: and what became of it is told, or that alone is. PAY: what
is due can be paid. FULL: asked for, tracked, and paid where something is due.
"""

from collections.abc import Iterable, Mapping

from aggregator.registry.agency import AgencyFacts, Service

LADDER = ("INFO", "APPLY", "TRACK", "PAY", "FULL")
_ASKED_FOR = frozenset({"APPLICATION", "COMPLAINT", "SUGGESTION", "FEEDBACK", "BOOKING"})


def abilities(services: Iterable[Service], agencies: Mapping[str, AgencyFacts]) -> tuple[str, ...]:
    """What of APPLY, TRACK, PAY and ASK some enabled agency can do for these services, in this order."""
    found: set[str] = set()
    for service in services:
        for name in service.agencies:
            agency = agencies.get(name)
            if agency is not None and agency.enabled and service.operation in agency.operations:
                found |= _of(service, agency)
    return tuple(one for one in ("APPLY", "TRACK", "PAY", "ASK") if one in found)


def maturity(able: tuple[str, ...], *, fee_due: bool) -> str:
    """The highest rung reached; FULL only when nothing is left to be done elsewhere."""
    if "APPLY" in able and "TRACK" in able and ("PAY" in able or not fee_due):
        return "FULL"
    for rung in ("PAY", "TRACK", "APPLY"):
        if rung in able:
            return rung
    return "INFO"


def _of(service: Service, agency: AgencyFacts) -> set[str]:
    operations = agency.operations
    offer = agency.manifest.offers.get(service.offer)
    actions = offer.actions if offer is not None and offer.actions is not None else ("PAY",)
    if service.kind == "PAYMENT":
        return {"PAY"} | ({"TRACK"} if "track" in operations or "find" in operations else set())
    if service.kind in _ASKED_FOR:
        paid = "pay" in operations and "PAY" in actions
        return {"APPLY"} | ({"TRACK"} if "track" in operations else set()) | ({"PAY"} if paid else set())
    return {"TRACK"} if service.operation == "track" else {"ASK"}
