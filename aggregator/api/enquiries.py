"""A live question to every agency of a service, under one deadline: the caller's patience.

No case is made and nothing is stored. A dead agency costs its line, not the answer: the line shows what it told last
and how old that is, or a sentence.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any

from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.decode import explained, invalid
from aggregator.api.form_view import form_lines
from aggregator.api.leave import leave_of
from aggregator.api.limits import Quota, Standing
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.service_shapes import EnquiryAnswer, EnquiryLine, Value
from aggregator.api.shapes import EnquiryAsked
from aggregator.api.speaker import Speaker
from aggregator.cases.enquire import Line
from aggregator.discovery.forms import violations
from aggregator.registry.agency import Service
from aggregator.sdk.adapter import Class

LEAST_S = 0.1
SHED_S = 2.0


async def ask(call: Call) -> Answer:
    """POST /services/{service_id}/enquiries."""
    asked: EnquiryAsked = call.body
    service = asked_service(call, asked)
    errors = form_lines(call, service, violations(service.form, asked.form))
    if errors:
        raise invalid(errors)
    within = afforded(call, service.agencies)
    citizen = "" if asked.citizen_id is UNSET else asked.citizen_id
    leave = await leave_of(call, service, asked.citizen_id)
    with call.waiting as admitted:
        if not admitted:
            raise Problem("overloaded", retry_after_s=SHED_S)
        lines = await call.rooms.enquire(
            call.rooms.registry(),
            replace(service, agencies=within),
            asked.form,
            person=f"{call.caller.portal_id}/{citizen}",
            deadline_s=max(LEAST_S, float(call.patience.seconds)),
            leave=leave,
        )
    told = {line.agency: line for line in lines} | {
        agency: _spent(agency) for agency in set(service.agencies) - {*within}
    }
    return Answer(
        EnquiryAnswer(service_id=service.id, lines=tuple(_line(call, told[agency]) for agency in service.agencies))
    )


def asked_service(call: Call, asked: EnquiryAsked) -> Service:
    """The service, narrowed to the asked agency. Raises Problem for one that changes something."""
    service = call.service()
    agencies = call.rooms.registry().agencies
    if any(agencies[name].operations[service.operation].cls is not Class.SAFE for name in service.agencies):
        raise Problem("action-not-possible", about={"why": call.say("problem.action_not_possible.why_not_enquiry")})
    if asked.agency is UNSET:
        return service
    if asked.agency not in service.agencies:
        line = explained("/agency", "agency_not_offered", {}, call.rooms.say, call.language)
        raise invalid([line])
    return replace(service, agencies=(asked.agency,))


def spend(call: Call, agency_id: str) -> None:
    """One question from this portal's share of the agency's rate: the caller sees whose limit it met."""
    call.budget(_share(call, agency_id), "agency-budget-spent", agency_id)


def afforded(call: Call, agencies: Sequence[str]) -> tuple[str, ...]:
    """Those of the agencies this portal may ask now. One whose share is spent costs its line, not the answer.

    Raises Problem agency-budget-spent when none is left.
    """
    shares = {agency: _share(call, agency) for agency in agencies}
    within = tuple(agency for agency, share in shares.items() if share.wait_s <= 0)
    if not within:
        first = min(shares, key=lambda agency: shares[agency].wait_s)
        call.budget(shares[first], "agency-budget-spent", first)
    call.standings.extend(shares.values())
    return within


def _share(call: Call, agency_id: str) -> Standing:
    rps = call.rooms.registry().agencies[agency_id].guarded.rate.rps
    quota = Quota(agency_id, max(1, ceil(rps)), 1)
    return call.rooms.buckets.take(quota, f"{call.caller.portal_id}/{agency_id}")


def _spent(agency_id: str) -> Line:
    args = {"agency": agency_id, "reason": "throttled"}
    return Line(agency_id, "unavailable", reason_code="throttled", text_key="enquiry.unavailable", text_args=args)


def _line(call: Call, line: Line) -> EnquiryLine:
    return EnquiryLine(**line_members(call, line))


def line_members(speaker: Speaker, line: Line) -> dict[str, Any]:
    """What every line of every live question says, in the caller's language."""
    title = speaker.agency_title(line.agency)
    args = {"reason": line.reason_code, **{name: str(value) for name, value in line.text_args.items()}, "agency": title}
    if line.as_of is not None:
        args.setdefault("age", str(max(0, int((speaker.now() - line.as_of).total_seconds()))))
    return {
        "agency": line.agency,
        "agency_title": title,
        "result": line.result.upper(),
        "explanation": speaker.say("enquiry.stale" if line.stale else line.text_key, **args),
        "values": tuple(
            Value(name=name, label=speaker.say(f"fact.{name}"), value=value, masked=name in line.masked)
            for name, value in line.values.items()
        ),
        "as_of": UNSET if line.as_of is None else second(line.as_of),
        "stale": line.stale,
        "reason_code": line.reason_code or UNSET,
        "agency_code": line.agency_code or UNSET,
    }
