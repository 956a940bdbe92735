"""What a citizen allowed the asking portal, for calls to agencies that want it in writing.

Read from the database for each request and kept nowhere: a withdrawal holds from the next call on.
"""

from collections.abc import Iterable

from msgspec import UnsetType

from aggregator.api.call import Call
from aggregator.api.problem import Problem
from aggregator.cases.enquire import Leave, no_leave
from aggregator.registry.agency import Service


async def leave_of(call: Call, service: Service | None, named: str | UnsetType = "") -> Leave:
    """The leave of the token's citizen, else of the one the portal names; asked for only where a call needs it.

    `service` None: for many services at once.
    """
    room, caller = call.rooms.privacy, call.caller
    if room is None or (service is not None and not purposes(call, service, service.agencies)):
        return no_leave
    citizen_id: str | None = caller.citizen_id
    if not citizen_id and isinstance(named, str):
        citizen_id = await call.rooms.citizens.register.found(named, caller.names_for)
    return await room.consents.leave_of(citizen_id, caller.portal_id) if citizen_id else no_leave


def purposes(call: Call, service: Service, agencies: Iterable[str]) -> dict[str, str]:
    """Agency -> the purpose its offer wants the citizen's consent for, for those that want one."""
    known = call.rooms.registry().agencies
    asked = {
        name: known[name].manifest.purpose_of(service.offer, service.operation) for name in agencies if name in known
    }
    return {name: purpose for name, purpose in asked.items() if purpose}


async def require_leave(call: Call, service: Service, agencies: tuple[str, ...], citizen: str) -> None:
    """Raises Problem consent-required where no agency that could take the case may be called for this citizen."""
    wanted = purposes(call, service, agencies)
    if not wanted or len(wanted) < len(agencies):
        return
    leave = await leave_of(call, service, citizen)
    if not any(leave(agency, purpose) for agency, purpose in wanted.items()):
        agency, purpose = next(iter(wanted.items()))
        about = {"agency": call.agency_title(agency), "purpose": purpose, "agency_id": agency}
        raise Problem("consent-required", variant="agency", agency=agency, about=about)
