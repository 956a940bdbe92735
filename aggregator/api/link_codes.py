"""A link proved by the agency's own code: asked for, sent again, and given; the code is the agency's to judge.

Who names a record that exists and one that does not gets what the agency says, and both cost a turn. Nothing tells
whether somebody else has linked it until the code was right.
"""

from msgspec import UNSET, UnsetType

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.enquiries import SHED_S, spend
from aggregator.api.link_proof import Claim
from aggregator.api.link_shapes import CodeAwaited
from aggregator.api.problem import Problem
from aggregator.citizens.codes import TooManyCodes
from aggregator.citizens.link_codes import DOUBTFUL, WAITING, LinkCode, Try
from aggregator.citizens.session_record import TooEarly
from aggregator.citizens.verified_links import KeptLink
from aggregator.resilience.outcome import Confirmed, NotSent, Outcome, Rejected, Unknown
from aggregator.sdk.adapter import CODE_REASONS


async def asked_for(call: Call, claim: Claim, link: KeptLink) -> None:
    """Has the agency send a code. Raises Problem where it knows no such record, or too many were asked for.

    An agency that is away has sent nothing: the link stays pending, and the code is asked for again.
    """
    room = call.rooms.citizens
    spend(call, claim.agency)
    try:
        turn = await room.link_codes.turn(link, call.caller.session_id, call.caller.portal_id)
    except TooEarly as exc:
        raise Problem("rate-limited", variant="codes", retry_after_s=exc.wait_s) from exc
    except TooManyCodes as exc:
        raise Problem("rate-limited", variant="codes", retry_after_s=exc.wait_s) from exc
    with call.waiting:
        outcome = await room.agency_codes.send(claim.agency, claim.service.offer, claim.form)
    match outcome:
        case Confirmed(receipt=receipt):
            await room.link_codes.sent(turn, receipt.agency_reference, receipt.facts)
        case Rejected():
            raise _refused(call, claim)
        case NotSent():
            await room.link_codes.unsent(turn)
        case Unknown():
            await room.link_codes.doubtful(turn)


async def right(call: Call, claim: Claim, link: KeptLink, code: str) -> Try:
    """The counted try whose code the agency called right. Raises Problem for every other end."""
    room = call.rooms.citizens
    spend(call, claim.agency)
    one = await room.link_codes.tried(link, call.caller.session_id)
    if one is None:
        raise Problem("code-not-accepted", variant="over")
    with call.waiting:
        outcome = await room.agency_codes.check(claim.agency, claim.service.offer, claim.form, one.handle, code)
    if isinstance(outcome, Confirmed):
        return one
    raise await _not_right(call, claim, one, outcome)


async def _not_right(call: Call, claim: Claim, one: Try, outcome: Outcome) -> Problem:
    codes, about = call.rooms.citizens.link_codes, {"agency": call.agency_title(claim.agency)}
    match outcome:
        case Rejected(reason="code_wrong") if one.left:
            return Problem("code-not-accepted", about={"left": str(one.left)})
        case Rejected(reason=reason):
            await codes.over(one)
            return Problem("code-not-accepted", variant="over") if reason in CODE_REASONS else _refused(call, claim)
        case NotSent(retry_after_s=wait_s):
            await codes.untried(one)  # nobody has looked at it
            about["reason"] = "agency_away"
            return Problem("agency-unavailable", about=about, agency=claim.agency, retry_after_s=wait_s or SHED_S)
        case _:
            return Problem("agency-unavailable", variant="code", about=about, agency=claim.agency, retry_after_s=SHED_S)


def _refused(call: Call, claim: Claim) -> Problem:
    return Problem("link-not-verified", variant="code", about={"agency": call.agency_title(claim.agency)})


def code_view(code: LinkCode | None) -> CodeAwaited | UnsetType:
    """What a citizen may know of the code he waits for."""
    if code is None:
        return UNSET
    usable = code.tries_left > 0
    return CodeAwaited(
        state="SENT" if usable else "DOUBTFUL" if code.state == DOUBTFUL else "NONE",
        sent_to=code.sent_to or UNSET,
        tries_left=code.tries_left,
        expires_at=second(code.until) if usable else UNSET,
        resend_at=second(code.next_send_at),
    )


def sentence_of(link: KeptLink, code: LinkCode | None) -> str:
    """Which sentence tells how the link stands."""
    if link.verified_at is not None or code is None:
        return f"link.state_{link.state.lower()}"
    if code.state == WAITING and code.tries_left:
        return "link.code_sent" if code.sent_to else "link.code_sent_somewhere"
    return "link.code_doubtful" if code.state == DOUBTFUL else "link.code_wanted"
