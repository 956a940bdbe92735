"""Whether a citizen is that record at that agency, by the agency's own proof: an identifier and a second factor.

The agency is asked as for any enquiry; of its answer only yes or no leaves. An agency that is away proves nothing, so
that is a 503 and never a no. Guessing is counted: whoever was wrong too often waits.
"""

from dataclasses import replace

from aggregator.api.call import Call
from aggregator.api.decode import invalid
from aggregator.api.enquiries import LEAST_S, SHED_S, asked_service, spend
from aggregator.api.form_view import form_lines
from aggregator.api.leave import leave_of
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.service_shapes import LinkChecked
from aggregator.api.shapes import EnquiryAsked
from aggregator.api.shared_limits import allowance, refusal, standing
from aggregator.cases.enquire import Line
from aggregator.citizens.allowances import Allowance
from aggregator.discovery.forms import violations
from aggregator.registry.agency import Service

FACTORS = 2
"""Fields a form must ask for before its answer proves anything: who knows a number plate does not own the car."""


async def check(call: Call) -> Answer:
    """POST /services/{service_id}/link-checks."""
    asked: EnquiryAsked = call.body
    service = asked_service(call, asked)
    if len(service.form.get("required", ())) < FACTORS:
        raise Problem("action-not-possible", about={"why": call.say("problem.action_not_possible.why_proves_nothing")})
    errors = form_lines(call, service, violations(service.form, asked.form))
    if errors:
        raise invalid(errors)
    agency = service.agencies[0]
    guesses, allowances = _guesses(call), call.rooms.citizens.allowances
    over = refusal(await allowances.take(guesses))
    if over is not None:
        call.budget(standing(over), "rate-limited")
    try:
        spend(call, agency)
        line = await _asked(call, replace(service, agencies=(agency,)), asked)
    except Problem:
        await allowances.give_back(guesses)  # nobody has said no
        raise
    verified = line.result == "value"
    if verified:
        await allowances.give_back(guesses)
    words = call.say("link.verified" if verified else "link.not_verified", agency=call.agency_title(agency))
    return Answer(LinkChecked(service_id=service.id, agency=agency, verified=verified, explanation=words))


async def _asked(call: Call, service: Service, asked: EnquiryAsked) -> Line:
    """What the agency says now. Raises Problem where it says nothing now: an old answer is no proof."""
    with call.waiting as admitted:
        if not admitted:
            raise Problem("overloaded", retry_after_s=SHED_S)
        [line] = await call.rooms.enquire(
            call.rooms.registry(),
            service,
            asked.form,
            person=f"{call.caller.portal_id}/link",
            deadline_s=max(LEAST_S, float(call.patience.seconds)),
            leave=await leave_of(call, service, asked.citizen_id),
        )
    if line.result == "unavailable" or line.stale:
        about = {"agency": call.agency_title(line.agency), "reason": line.reason_code}
        raise Problem("agency-unavailable", about=about, agency=line.agency, retry_after_s=SHED_S)
    return line


def _guesses(call: Call) -> Allowance:
    return allowance(call.rooms.limits.misses, f"{call.caller.portal_id}/links")
