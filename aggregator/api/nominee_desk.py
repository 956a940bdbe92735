"""GET /nominee-claims, GET /nominee-claims/{claim_id}, POST .../decisions: whether the day has come.

The list names nobody. Whoever opens one sees whom the paper must speak of, and that look is on record with the citizen
before it is shown. Two officers grant, each with a name and a key of their own; the second cannot be the first.
"""

from datetime import date
from typing import Any

from msgspec import UNSET

from aggregator.api.auth import SANDBOX_PORTAL
from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.decode import explained, invalid
from aggregator.api.nominee_shapes import (
    NomineeDecided,
    NomineeDecision,
    NomineeItem,
    NomineeItemDetail,
    NomineeItemList,
    NomineeProposal,
)
from aggregator.api.privacy import room_of
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.citizens.accesses import Look
from aggregator.citizens.consents import Purpose
from aggregator.citizens.four_eyes import NoName, SameName, folded
from aggregator.citizens.nominations import NotThere
from aggregator.citizens.nominee_claims import NAMES, Officer, Settled
from aggregator.citizens.nominee_record import Claim


async def listing(call: Call) -> Answer:
    """GET /nominee-claims."""
    found = await room_of(call).claims.waiting()
    return Answer(NomineeItemList(items=tuple(NomineeItem(**_line(call, one)) for one in found)))


async def show(call: Call) -> Answer:
    """GET /nominee-claims/{claim_id}."""
    room = room_of(call)
    found = await room.claims.dossier(call.params["claim_id"])
    if found is None:
        raise Problem("not-found")
    claim, nomination, proposal = found
    look = Look(
        citizen_id=claim.citizen_id, portal_id=call.caller.portal_id, by_whom="OFFICER", what="NOMINEE_CLAIM",
        purpose=Purpose.NOMINEE.value,
    )  # fmt: skip
    await room.accesses.record(look)
    register = call.rooms.citizens.register
    citizen, nominee = await register.person(claim.citizen_id), await register.person(claim.nominee_id)
    born = citizen.profile.date_of_birth if citizen is not None else ""
    return Answer(
        NomineeItemDetail(
            **_line(call, claim), phase=claim.phase(call.now()).value, certificate_number=claim.certificate_number,
            citizen_name=(citizen.profile.name if citizen is not None else "") or "-",
            citizen_born=date.fromisoformat(born) if born else UNSET, nominee_named=nomination.name,
            nominee_name=nominee.profile.name if nominee is not None and nominee.profile.name else UNSET,
            proposal=UNSET if proposal is None else NomineeProposal(by=proposal.by, at=second(proposal.at)),
        )
    )  # fmt: skip


async def decide(call: Call) -> Answer:
    """POST /nominee-claims/{claim_id}/decisions."""
    asked: NomineeDecision = call.body
    if asked.decision not in NAMES:
        allowed = {"allowed": ", ".join(NAMES)}
        raise invalid([explained("/decision", "enum", allowed, call.rooms.say, call.language)])
    room, claim_id = room_of(call), call.params["claim_id"]
    try:
        outcome = await room.claims.decide(claim_id, asked.decision, _officer(call, asked.by), asked.note)
    except NotThere as exc:
        raise Problem("not-found") from exc
    except SameName as exc:
        raise _impossible(call, "worklist.why_not.same_name") from exc
    except NoName as exc:
        raise _impossible(call, "worklist.why_not.no_name") from exc
    except Settled as exc:
        raise _impossible(call, "nominee.why_not_settled") from exc
    await room.notices.tell(room.claims.words)
    told = call.say(f"nominee.decision_{outcome.lower()}")
    return Answer(NomineeDecided(claim_id=claim_id, outcome=outcome, explanation=told), status=201)


def _officer(call: Call, name: str) -> Officer:
    """Raises NoName. The sandbox's published key is everybody's and tells nobody apart: there the name has to do."""
    caller = call.caller
    apart = folded(name) if caller.portal_id == SANDBOX_PORTAL else caller.key_id
    return Officer(name, f"{caller.portal_id}/{apart}")


def _line(call: Call, one: Claim) -> dict[str, Any]:
    return {
        "claim_id": one.id, "why": one.why.value, "certificate": one.certificate.value,
        "asked_at": second(one.asked_at), "age_s": max(0, int((call.now() - one.asked_at).total_seconds())),
    }  # fmt: skip


def _impossible(call: Call, key: str) -> Problem:
    return Problem("action-not-possible", variant="nominee", about={"why": call.say(key)})
