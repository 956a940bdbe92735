"""Tracking by number: status and dates for the portal the case came through, nothing for anybody else.

An unknown number and a foreign one give the same bytes at the same moment: every miss leaves when a fixed time since
its arrival has passed, whatever was found. A slip of the fingers is told as such without asking the store. With
something only the citizen knows it is open to every portal; then the try is taken before anything is looked at, and
given back to who was right.
"""

import asyncio

from aggregator.api.call import Call
from aggregator.api.case_shapes import TrackAsked
from aggregator.api.case_view import tracked
from aggregator.api.citizen_of import is_of_caller
from aggregator.api.decode import explained, invalid
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.shapes import ErrorLine
from aggregator.api.shared_limits import allowance, network_of, refusal, standing
from aggregator.cases.desk import Followed
from aggregator.cases.number import Slip, read
from aggregator.cases.record import CaseRecord
from aggregator.citizens.allowances import Allowance


async def track(call: Call) -> Answer:
    """GET /track/{number}."""
    started = asyncio.get_running_loop().time()
    limits, allowances = call.rooms.limits, call.rooms.citizens.allowances
    number = read(call.params["number"])
    if isinstance(number, Slip):
        raise _slip(number, call)
    call.budget(call.rooms.buckets.take(limits.number, number), "rate-limited")
    misses = allowance(limits.misses, call.caller.portal_id)
    known = allowances.refused(misses)
    if known is not None:
        call.budget(standing(known), "rate-limited")
    record = await call.rooms.desk.by_number(number)
    if record is None or not await _own(record, call):
        # Counted on misses alone: whoever follows his own case is in nobody's way and nobody in his.
        spent = await allowances.take(allowance(limits.all_misses, ""), misses, allowance(limits.probes, number))
        await _floor(started, call)
        if (over := refusal(spent)) is not None:
            raise Problem("rate-limited", retry_after_s=over.wait_s)
        raise Problem("not-found", variant="number")
    return Answer(tracked(record, call))


async def track_by_factor(call: Call) -> Answer:
    """POST /track."""
    started = asyncio.get_running_loop().time()
    asked = _followed(call)
    tries, allowances = _tries(call, asked), call.rooms.citizens.allowances
    over = refusal(await allowances.take(*tries))
    if over is not None:
        raise Problem("rate-limited", variant="codes", retry_after_s=over.wait_s)
    record = await call.rooms.desk.followed(asked)
    if record is None:
        await _floor(started, call)
        raise Problem("not-found", variant="factor")
    await allowances.give_back(*tries)
    return Answer(tracked(record, call))


def _followed(call: Call) -> Followed:
    """What was typed. Raises Problem where it names no second factor, or two."""
    body: TrackAsked = call.body
    agency = body.agency if isinstance(body.agency, str) else ""
    mobile = body.mobile if isinstance(body.mobile, str) else ""
    born = body.date_of_birth.isoformat() if body.date_of_birth else ""
    if bool(mobile) == bool(born):
        raise invalid([explained("/mobile", "one_factor", {}, call.rooms.say, call.language)])
    return Followed(number=body.number, agency=agency, mobile=mobile, born=born)


def _tries(call: Call, asked: Followed) -> list[Allowance]:
    """What one try takes from. Everybody's first: in a flood nothing more is even counted."""
    limits = call.rooms.limits
    return [
        allowance(limits.all_misses, ""),
        allowance(limits.track_portal, call.caller.portal_id),
        allowance(limits.track_network, network_of(call.address)),
        allowance(limits.track_address, call.address),
        allowance(limits.probes, asked.counted_as),
    ]


async def _floor(started: float, call: Call) -> None:
    """Every miss leaves at the same moment after its arrival."""
    await asyncio.sleep(started + call.rooms.limits.not_found_floor_s - asyncio.get_running_loop().time())


async def _own(record: CaseRecord, call: Call) -> bool:
    # Both are looked at whatever the first one says: a foreign number costs what an unknown one of one's portal costs.
    return await is_of_caller(call, record.citizen_id) and record.portal_id == call.caller.portal_id


def _slip(slip: Slip, call: Call) -> Problem:
    detail = call.say(f"problem.violation.number_{slip}")
    problem = invalid([ErrorLine(parameter="number", code=f"number_{slip}", detail=detail)])
    problem.variant = "number"
    return problem
