"""That somebody looked at something of a citizen's is noted where it is shown."""

from aggregator.api.call import Call
from aggregator.citizens.accesses import Look
from aggregator.citizens.consents import Purpose


def looked(  # noqa: PLR0913 - who looked at what, where, why and by whose leave
    call: Call,
    citizen_id: str,
    what: str,
    *,
    agency: str = "",
    consent_id: str = "",
    purpose: Purpose = Purpose.ASK_AGENCIES,
) -> None:
    """Notes that this caller looked at something of the citizen's; `citizen_id` is the internal one."""
    room = call.rooms.privacy
    if room is None or not citizen_id or call.caller.assistance_id:
        return  # what an assistant does is recorded whole, before it is done: `aggregator.api.assisted`
    by_citizen = call.caller.citizen_id == citizen_id
    room.accesses.note(
        Look(
            citizen_id=citizen_id, portal_id=call.caller.portal_id, by_whom="CITIZEN" if by_citizen else "PORTAL",
            what=what, purpose=purpose.value if consent_id else "", agency=agency, consent_id=consent_id,
        )
    )  # fmt: skip
