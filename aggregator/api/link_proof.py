"""Whether a citizen is that record, by the agency's own proof. Only yes or no leaves, and never a no from silence.

The proof is the identifier with a second factor the agency knows: a date of birth, part of a chassis number, the mobile
number, which must be the citizen's own, proved one; or the sum of the last bill where the form has no factor; or the
agency's own code (`link_codes`). Tries are counted before the agency is asked, per record and per citizen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aggregator.api.call import Call
from aggregator.api.decode import explained, invalid
from aggregator.api.enquiries import LEAST_S, SHED_S, spend
from aggregator.api.form_view import form_lines
from aggregator.api.leave import leave_of
from aggregator.api.problem import Problem
from aggregator.cases.enquire import Line
from aggregator.cases.everything import BILL
from aggregator.citizens.codes import TooManyCodes
from aggregator.citizens.link_kinds import kind_of, proves
from aggregator.citizens.person import mobile_of
from aggregator.citizens.verified_links import KeptLink
from aggregator.discovery.forms import violations
from aggregator.registry.agency import AGENCY_CODE, FACTOR, Service

_AMOUNT = "amount_paise"


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed, ready to be asked. `amount_paise` is None where the form itself proves."""

    service: Service
    agency: str
    form: Mapping[str, Any]
    amount_paise: int | None
    by_code: bool = False
    """The agency proves it by its own code."""


async def claimed(  # noqa: PLR0913, PLR0917 - what a claim is made of
    call: Call, service_id: str, agency: str, form: Mapping[str, Any], amount: str, proof: str = ""
) -> Claim:
    """The claim. Raises Problem for what cannot be asked or would prove nothing."""
    service = call.rooms.registry().services.get(service_id)
    if service is None or service.kind != "ENQUIRY" or not service.agencies:
        raise invalid([explained("/service_id", "no_such_service", {}, call.rooms.say, call.language)])
    if agency and agency not in service.agencies:
        raise invalid([explained("/agency", "agency_not_offered", {}, call.rooms.say, call.language)])
    whole = await _with_own_mobile(call, service, form)
    errors = form_lines(call, service, violations(service.form, whole))
    if errors:
        raise invalid(errors)
    named = kind_of(whole)
    if named is None:
        raise Problem("link-not-verified", variant="unprovable")
    knows = bool(amount) or proves(whole, named[0])
    asked, by_code = _way(call, service, agency, proof, knows=knows)
    if by_code:
        return Claim(service, asked, whole, None, by_code=True)
    by_bill = not proves(whole, named[0])
    if by_bill and service.operation != BILL:
        raise Problem("link-not-verified", variant="unprovable")
    if by_bill and not amount:
        raise invalid([explained("/amount", "required", {}, call.rooms.say, call.language)])
    return Claim(service, asked, whole, _paise(amount) if by_bill else None)


def _way(call: Call, service: Service, agency: str, proof: str, *, knows: bool) -> tuple[str, bool]:
    """Which agency proves it, and whether by its code. `knows`: the claim brings what only the owner knows.

    Raises Problem for a proof that none of the agencies takes.
    """
    able = {one: _proofs_at(call, service, one) for one in ([agency] if agency else service.agencies)}
    ways = [proof] if proof else [FACTOR, AGENCY_CODE] if knows else [AGENCY_CODE, FACTOR]
    for way in ways:
        found = next((one for one, proofs in able.items() if way in proofs), "")
        if found:
            return found, way == AGENCY_CODE
    raise invalid([explained("/proof", "proof_not_taken", {}, call.rooms.say, call.language)])


def _proofs_at(call: Call, service: Service, agency: str) -> tuple[str, ...]:
    offer = call.rooms.registry().agencies[agency].manifest.offers.get(service.offer)
    return service.proofs if offer is None else tuple(one for one in offer.proofs if one in service.proofs)


async def proved(call: Call, claim: Claim, link: KeptLink) -> bool | None:
    """What the agency says now: yes, no, or nothing. Raises Problem rate-limited for guessing."""
    links = call.rooms.citizens.links
    try:
        spent = await links.guess(link, call.caller.portal_id)
    except TooManyCodes as exc:
        raise Problem("rate-limited", variant="codes", retry_after_s=exc.wait_s) from exc
    spend(call, claim.agency)
    line = await _asked(call, claim)
    if line.result == "unavailable" or line.stale:
        await links.guessed_right(spent)
        return None
    said = line.result == "value" and (
        claim.amount_paise is None or line.values.get(_AMOUNT, "") == str(claim.amount_paise)
    )
    if said:
        await links.guessed_right(spent)
    return said


async def _asked(call: Call, claim: Claim) -> Line:
    with call.waiting as admitted:
        if not admitted:
            raise Problem("overloaded", retry_after_s=SHED_S)
        [line] = await call.rooms.enquire(
            call.rooms.registry(),
            replace(claim.service, agencies=(claim.agency,)),
            claim.form,
            person=f"{call.caller.portal_id}/{call.caller.citizen_name}/link",
            deadline_s=max(LEAST_S, float(call.patience.seconds)),
            leave=await leave_of(call, claim.service),
        )
    return line


async def _with_own_mobile(call: Call, service: Service, form: Mapping[str, Any]) -> dict[str, Any]:
    """A mobile number proves something only where it is the citizen's own. Raises Problem for another one."""
    if "mobile" not in service.form.get("properties", {}):
        return dict(form)
    person = await call.rooms.citizens.register.person(call.caller.citizen_id)
    own = person.profile.mobile if person is not None else ""
    if "mobile" in form and mobile_of(str(form["mobile"])) != own:
        raise invalid([explained("/form/mobile", "not_your_mobile", {}, call.rooms.say, call.language)])
    return {**form, "mobile": own.removeprefix("+91")} if own else dict(form)


def proofs_of(service: Service) -> tuple[str, ...]:
    """How a link to this service's record can be proved; empty where it cannot be linked."""
    fields = service.form.get("properties", {})
    named = kind_of(fields)
    if service.kind != "ENQUIRY" or named is None:
        return ()
    knows = proves(fields, named[0]) or service.operation == BILL
    return tuple(proof for proof in service.proofs if proof != FACTOR or knows)


def _paise(amount: str) -> int:
    rupees, _, paise = amount.partition(".")
    return int(rupees) * 100 + int(paise or 0)
