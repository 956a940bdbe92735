"""Whoever has somebody's open session for a minute is not that person: what matters needs a code given for it now.

A code stands for ten minutes and is spent by what it was for. After a new mobile number everything of this kind waits a
day, so that a stolen number is not enough. Source: figures S4.
"""

from collections.abc import Mapping, Sequence

from aggregator.api.call import Call
from aggregator.api.problem import Problem
from aggregator.citizens.person import Person
from aggregator.citizens.session_record import Purpose


def not_held(call: Call, person: Person) -> None:
    """Raises Problem confirmation-needed while the citizen's number is new."""
    if person.held(call.rooms.clock.now()):
        assert person.hold_until is not None  # noqa: S101 - held says so
        raise Problem("confirmation-needed", variant="held", about={"time": person.hold_until.isoformat()})


async def codes_given(call: Call, person: Person, wanted: Mapping[Purpose, str], sessions: Sequence[str]) -> None:
    """Spends the confirmations among `sessions`. Raises Problem confirmation-needed unless each purpose has its own.

    `wanted`: purpose -> where its code must have gone to.
    """
    room = call.rooms.citizens
    given = {}
    for purpose in wanted:
        for session_id in sessions:
            target = await room.sessions.confirmed(session_id, call.caller.portal_id, purpose, person.id)
            if target is not None:
                given[purpose] = target
    if given != wanted:
        lacking = [purpose.value for purpose in wanted if given.get(purpose) != wanted[purpose]]
        raise Problem("confirmation-needed", about={"purposes": ", ".join(sorted(lacking))})


async def stepped_up(call: Call, sessions: Sequence[str]) -> Person:
    """The citizen of the token, who gave a code for this just now. Raises Problem confirmation-needed."""
    person = await call.rooms.citizens.register.person(call.caller.citizen_id)
    assert person is not None  # noqa: S101 - the token's session said so
    not_held(call, person)
    target = person.profile.mobile or person.profile.email
    if not target:
        raise Problem("confirmation-needed", variant="nowhere")
    await codes_given(call, person, {Purpose.CONFIRM: target}, sessions)
    return person
