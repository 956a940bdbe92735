"""Tracking by number: status and dates for the portal the case came through, nothing for anybody else.

An unknown number and a foreign one give the same bytes at the same moment: every miss leaves when a fixed time since
its arrival has passed, whatever was found. A slip of the fingers is told as such without asking the store.
"""

import asyncio

from aggregator.api.call import Call
from aggregator.api.case_view import tracked
from aggregator.api.citizen_of import is_of_caller
from aggregator.api.decode import invalid
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.shapes import ErrorLine
from aggregator.cases.number import Slip, read
from aggregator.cases.record import CaseRecord


async def track(call: Call) -> Answer:
    """GET /track/{number}."""
    started = asyncio.get_running_loop().time()
    limits, buckets = call.rooms.limits, call.rooms.buckets
    number = read(call.params["number"])
    if isinstance(number, Slip):
        raise _slip(number, call)
    call.budget(buckets.take(limits.number, number), "rate-limited")
    misses = buckets.look(limits.misses, call.caller.portal_id)
    if misses.wait_s > 0:
        call.budget(misses, "rate-limited")
    record = await call.rooms.desk.by_number(number)
    if record is None or not await _own(record, call):
        buckets.take(limits.misses, call.caller.portal_id)
        spent = [buckets.take(limits.probes, number), buckets.take(limits.all_misses, "")]
        await asyncio.sleep(started + limits.not_found_floor_s - asyncio.get_running_loop().time())
        for standing in spent:
            # Counted on misses alone: whoever follows his own case is in nobody's way and nobody in his.
            if standing.wait_s > 0:
                raise Problem("rate-limited", retry_after_s=standing.wait_s)
        raise Problem("not-found", variant="number")
    return Answer(tracked(record, call))


async def _own(record: CaseRecord, call: Call) -> bool:
    # Both are looked at whatever the first one says: a foreign number costs what an unknown one of one's portal costs.
    return await is_of_caller(call, record.citizen_id) and record.portal_id == call.caller.portal_id


def _slip(slip: Slip, call: Call) -> Problem:
    detail = call.say(f"problem.violation.number_{slip}")
    problem = invalid([ErrorLine(parameter="number", code=f"number_{slip}", detail=detail)])
    problem.variant = "number"
    return problem
