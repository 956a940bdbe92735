"""Live questions to agencies, fanned out under one deadline: a dead agency costs the caller its own line, no more.

Every line is a value, an absence, the agency's no, or a sentence; the last good answer stands in, marked with its age,
where the agency is away.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from aggregator.registry.agency import Agency, Registry, Service
from aggregator.resilience.pipeline import Answer
from aggregator.sdk.errors import (
    AgencyError,
    CircuitOpen,
    ContractBroken,
    Misconfigured,
    NotAttempted,
    Refused,
    Saturated,
)
from aggregator.sdk.model import Absent, ConsentPaper, Facts, Order, Reading


@dataclass(frozen=True, slots=True)
class Line:
    """What one agency answered. `result`: value, absent, refused or unavailable."""

    agency: str
    result: str
    values: Mapping[str, str] = field(default_factory=dict)
    masked: frozenset[str] = frozenset()
    as_of: datetime | None = None
    stale: bool = False
    reason_code: str = ""
    text_key: str = ""
    text_args: Mapping[str, str] = field(default_factory=dict)
    agency_code: str = ""


Leave = Callable[[str, str], ConsentPaper | None]
"""Agency and purpose -> the citizen's consent to it, if there is one."""


def no_leave(_agency: str, _purpose: str) -> None:
    return None


async def enquire(  # noqa: PLR0913 - who is asked what, for whom, on whose leave, and how long we wait
    registry: Registry,
    service: Service,
    form: Mapping[str, object],
    *,
    person: str,
    deadline_s: float,
    leave: Leave = no_leave,
) -> list[Line]:
    """One line per agency of the service, in the registry's order; never raises for an agency's trouble.

    `person` keeps one citizen's answers from another's. `deadline_s` covers all attempts at all agencies.
    """
    agencies = [registry.agencies[name] for name in service.agencies]
    order = Order(reference="", service=service.offer, form=dict(form))
    question = Question(service.operation, order, person, deadline_s, leave)
    if len(agencies) == 1:
        return [await _ask(agencies[0], question)]  # a task of its own would cost more than it gives
    return list(await asyncio.gather(*(_ask(agency, question) for agency in agencies)))


async def enquire_one(  # noqa: PLR0913 - who is asked what, for whom, and how long we wait
    registry: Registry,
    service: Service,
    agency: str,
    form: Mapping[str, object],
    *,
    person: str,
    deadline_s: float,
    leave: Leave = no_leave,
) -> Line:
    """One agency's line for a service it serves; never raises for the agency's trouble."""
    order = Order(reference="", service=service.offer, form=dict(form))
    return await _ask(registry.agencies[agency], Question(service.operation, order, person, deadline_s, leave))


@dataclass(frozen=True, slots=True)
class Question:
    """What every agency of the fan-out is asked."""

    operation: str
    order: Order
    person: str
    deadline_s: float
    leave: Leave


async def _ask(agency: Agency, question: Question) -> Line:
    order, purpose = question.order, agency.manifest.purpose_of(question.order.service, question.operation)
    if purpose:
        # Before anything kept is looked at: what was answered yesterday is shown on today's leave or not at all.
        order = replace(order, consent=question.leave(agency.id, purpose))
        if order.consent is None:
            return _line(agency, "refused", "consent_missing")
    try:
        answer = await agency.guarded.read(
            question.operation, order, deadline_s=question.deadline_s, person=question.person
        )
    except Refused as no:
        return _line(agency, "refused", no.reason, agency_code=no.code)
    except (AgencyError, NotAttempted) as error:
        return _line(agency, "unavailable", reason_of(error), retry_after_s=getattr(error, "retry_after_s", None))
    return _answered(agency, answer)


def reason_of(error: AgencyError | NotAttempted) -> str:
    """The reason code whose sentence tells a citizen why there is no answer."""
    match error:
        case CircuitOpen():
            return "circuit_open"
        case Saturated():
            return "saturated"
        case Misconfigured():
            return "misconfigured"
        case ContractBroken():
            return "unreadable"
        case _:
            return "agency_away"


def _line(agency: Agency, result: str, reason: str, **more: object) -> Line:
    args = {"agency": agency.id, "reason": reason}
    retry_after_s = more.pop("retry_after_s", None)
    if isinstance(retry_after_s, float | int):
        args["wait_s"] = str(round(retry_after_s))
    return Line(agency.id, result, reason_code=reason, text_key=f"enquiry.{result}", text_args=args, **more)  # type: ignore[arg-type]  # the keys are Line's own


def _answered(agency: Agency, answer: Answer) -> Line:
    seen = {"as_of": answer.as_of, "stale": answer.stale}
    match answer.value:
        case Absent(agency_code=code):
            return _line(agency, "absent", "not_found", agency_code=code, **seen)
        case Facts(values=values, masked=masked):
            return _line(agency, "value", "", values=values, masked=masked, **seen)
        case Reading() as reading:
            code = "" if reading.withheld else reading.agency_code
            return _line(agency, "value", "", values=_shown(reading), agency_code=code, **seen)
        case Mapping() as values:
            return _line(agency, "value", "", values={str(k): str(v) for k, v in values.items()}, **seen)
        case _:
            return _line(agency, "unavailable", "unreadable")


def _shown(reading: Reading) -> dict[str, str]:
    if reading.withheld:
        return {"status": reading.status.value}
    values = {"status": reading.status.value, "agency_words": reading.remark, **reading.facts}
    if reading.detail:
        values["detail"] = reading.detail
    if reading.at is not None:
        values["at"] = reading.at.isoformat()
    return {key: value for key, value in values.items() if value}
