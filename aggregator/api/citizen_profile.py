"""A citizen's own record: registered, looked at, changed with the codes a change needs.

A portal alone sees that it registered somebody, and nothing else: what a citizen says is shown to the citizen.
"""

from datetime import date

import msgspec
from msgspec import UNSET, UnsetType

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_changes import changed
from aggregator.api.citizen_of import citizen_of, shown_name
from aggregator.api.decode import explained, invalid
from aggregator.api.looked import looked
from aggregator.api.paging import asked_from, page
from aggregator.api.problem import Problem
from aggregator.api.profile_fields import said
from aggregator.api.profile_shapes import (
    AddressGiven,
    ChangeLine,
    ChangeList,
    CitizenGiven,
    CitizenLine,
    CitizenList,
    CitizensQuery,
    ProfileChange,
    RegistrationAsked,
)
from aggregator.api.route import Answer
from aggregator.api.session_view import view
from aggregator.api.sessions import begun
from aggregator.citizens import number
from aggregator.citizens.person import Person, Profile, mobile_of
from aggregator.citizens.session_record import Begin, Purpose


async def register(call: Call) -> Answer:
    """POST /citizens: everything at once, kept until the code is given; a known number logs in and keeps its record."""
    asked: RegistrationAsked = call.body
    profile, wrong = said(call, Profile(language=call.language), asked)
    mobile = mobile_of(asked.mobile)
    if mobile is None:
        wrong.append(explained("/mobile", "not_a_mobile", {}, call.rooms.say, call.language))
    if wrong or mobile is None:
        raise invalid(wrong)
    session = await begun(
        call,
        Begin(
            purpose=Purpose.REGISTRATION, portal_id=call.caller.portal_id, device=asked.device, channel="SMS",
            target=mobile, address=asked.client_address if isinstance(asked.client_address, str) else "",
            draft=profile, language=call.language,
        ),
    )  # fmt: skip
    location = {"Location": f"/v1/sessions/{session.id}"}
    return Answer(view(call, session, "session.code_by_sms"), status=201, headers=location)


async def listing(call: Call) -> Answer:
    """GET /citizens."""
    query: CitizensQuery = call.query
    room = call.rooms.citizens.register
    # The cursor holds the pairwise id of the last line: the internal one leaves in no disguise.
    after = await room.found(asked_from(call), call.caller.names_for) or ""
    rows = await room.of_portal(call.caller.portal_id, after, query.limit + 1)
    found = [
        CitizenLine(
            citizen_id=await room.name_for(citizen_id, call.caller.names_for),
            state=state.value,
            registered_at=second(at),
        )
        for citizen_id, state, at in rows
    ]
    lines, link, headers = page(call, found, query.limit, lambda line: line.citizen_id)
    return Answer(CitizenList(items=tuple(lines), next=link), headers=headers)


async def show(call: Call) -> Answer:
    """GET /citizens/{citizen_id}."""
    person = await own(call)
    looked(call, person.id, "PROFILE")
    return await _shown(call, person)


async def change(call: Call) -> Answer:
    """PATCH /citizens/{citizen_id}."""
    asked: ProfileChange = call.body
    person = await own(call)
    if call.if_match.strip() != "*" and call.if_match.strip().strip('"').partition(".")[0] != str(person.version):
        raise Problem("precondition-failed")
    return await _shown(call, await changed(call, person, asked))


async def history(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/changes."""
    lines = await call.rooms.citizens.register.history(await citizen_of(call))
    return Answer(
        ChangeList(
            items=tuple(
                ChangeLine(
                    at=second(line.at),
                    what=line.what,
                    fields=line.fields,
                    explanation=call.say(f"citizen.change_{line.what.lower()}"),
                )
                for line in lines
            )
        )
    )


async def own(call: Call) -> Person:
    """The citizen of the path. Raises Problem not-found."""
    person = await call.rooms.citizens.register.person(await citizen_of(call))
    if person is None:
        raise Problem("not-found")
    return person


async def _shown(call: Call, person: Person) -> Answer:
    profile, held = person.profile, person.held(call.rooms.clock.now())
    missing = person.missing()
    given = CitizenGiven(
        citizen_id=await shown_name(call),
        number=number.shown(person.number),
        state=person.state.value,
        missing=tuple(missing),
        name=_told(profile.name),
        date_of_birth=date.fromisoformat(profile.date_of_birth) if profile.date_of_birth else UNSET,
        gender=_told(profile.gender),
        residency=_told(profile.residency),
        mobile=_told(profile.mobile),
        email=_told(profile.email),
        username=_told(profile.username),
        has_password=person.has_password,
        address=_address(profile),
        language=_told(profile.language),
        hold_until=second(person.hold_until) if held and person.hold_until else UNSET,
        created_at=second(person.created_at),
        updated_at=second(person.updated_at),
        explanation=call.say("citizen.held" if held else "citizen.pending" if missing else "citizen.active"),
    )
    return Answer(given, etag=f'"{person.version}.{call.language}"')


def _told(value: str) -> str | UnsetType:
    return value or UNSET


def _address(profile: Profile) -> AddressGiven | UnsetType:
    if profile.address is None:
        return UNSET
    kept = msgspec.to_builtins(profile.address)
    return AddressGiven(**{name: value for name, value in kept.items() if value})
