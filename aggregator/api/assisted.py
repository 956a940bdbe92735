"""What somebody does for a citizen is written down before it is done, under the pseudonym of who does it.

Each change is a line of its own in the citizen's access records, on disk before the route runs; looks are noted as all
looks are; a nominee's are on record first too, because nobody else is there to see. What was done is told to the log
afterwards, with the case it concerns.
"""

import re

from aggregator.api.call import Call
from aggregator.api.edge import SAFE
from aggregator.api.problem import Problem
from aggregator.api.route import Answer, Route
from aggregator.citizens.accesses import Look
from aggregator.citizens.assistance import ByWhom
from aggregator.citizens.consents import Purpose

_CASE = re.compile("case_[0-9A-HJKMNP-TV-Z]{26}")


async def done_for_citizen(call: Call) -> Answer:
    """The route's answer. Raises Problem not-found where nothing can be recorded, StoreUnavailable before the act."""
    room, caller = call.rooms.privacy, call.caller
    if room is None:
        raise Problem("not-found")
    act, nominee = act_of(call.route), caller.by_whom == ByWhom.NOMINEE
    purpose = Purpose.NOMINEE if nominee else Purpose.ASSISTANCE
    look = Look(
        citizen_id=caller.citizen_id, portal_id=caller.portal_id, by_whom=caller.by_whom, what=act,
        purpose=purpose.value, consent_id=caller.consent_id, assistant=caller.assistant,
    )  # fmt: skip
    if call.route.method in SAFE and not nominee:
        room.accesses.note(look)
        return await call.route.handle(call)
    await room.accesses.record(look)
    answer = await call.route.handle(call)
    place = _CASE.search(answer.headers.get("Location", ""))
    case_id = call.params.get("case_id", "") or (place[0] if place else "")
    await room.assistances.acted(caller.assistance_id, caller.assistant, act, case_id, caller.by_whom)
    return answer


def act_of(route: Route) -> str:
    """`openCase` is OPEN_CASE."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", route.operation_id).upper()
