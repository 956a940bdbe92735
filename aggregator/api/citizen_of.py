"""Whose things a path speaks of: the citizen's own, with the citizen's token. Everything else is not there.

A foreign id, an id of another sector and an id of nobody take the same steps and get the same bytes. The internal id
comes out of here and goes into no answer.
"""

from msgspec import UNSET, UnsetType

from aggregator.api.call import Call
from aggregator.api.decode import explained, invalid
from aggregator.api.problem import Problem

ME = "me"


async def citizen_of(call: Call) -> str:
    """The internal id of the citizen of the path. Raises Problem not-found for everybody but the citizen."""
    asked, caller = call.params["citizen_id"], call.caller
    if asked == ME and caller.citizen_id:
        return caller.citizen_id
    found = await call.rooms.citizens.register.found(asked, caller.names_for)
    if found is None or found != caller.citizen_id:
        raise Problem("not-found")
    return found


async def case_citizen(call: Call, asked: str | UnsetType) -> str:
    """Whose case is opened: the citizen of the token, else the one the portal names; "" for nobody's.

    Raises Problem validation-failed for an id this portal was never given, or another than the token's.
    """
    caller = call.caller
    if asked is UNSET or not isinstance(asked, str):
        return caller.citizen_name
    found = await call.rooms.citizens.register.found(asked, caller.names_for)
    sample = not caller.citizen_id and call.rooms.links.of(asked) is not None
    if not sample and (found is None or (caller.citizen_id and found != caller.citizen_id)):
        raise invalid([explained("/citizen_id", "no_such_citizen", {}, call.rooms.say, call.language)])
    return asked


async def case_names(call: Call) -> list[str] | None:
    """Under which ids the citizen's cases lie; None for the portal itself, which sees all of its own."""
    caller = call.caller
    if not caller.citizen_id:
        return None
    return await call.rooms.citizens.register.names_in(caller.citizen_id, caller.names_for)


async def is_of_caller(call: Call, citizen_name: str) -> bool:
    """Whether a case of this citizen may be shown to the caller."""
    names = await case_names(call)
    return names is None or citizen_name in names


async def shown_name(call: Call) -> str:
    """The citizen's present pairwise id for this caller: what `citizen_id` says in answers."""
    if not call.caller.citizen_id:
        return call.params["citizen_id"]
    return await call.rooms.citizens.register.name_for(call.caller.citizen_id, call.caller.names_for)
