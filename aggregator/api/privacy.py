"""A citizen's own rights: to allow and to withdraw, to see who looked, to take the data along, to be forgotten.

With the citizen's token alone; for everybody else these things are not there.
"""

import msgspec
from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_of import citizen_of, shown_name
from aggregator.api.citizen_profile import own
from aggregator.api.decode import explained, invalid
from aggregator.api.link_desk import link_view
from aggregator.api.looked import looked
from aggregator.api.privacy_shapes import (
    AccessLine,
    AccessList,
    CitizenExport,
    ConsentAsked,
    ConsentGiven,
    ConsentList,
    ErasureNotice,
    ExportedCase,
)
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.session_shapes import NothingGiven
from aggregator.cases.number import shown
from aggregator.citizens.accesses import Seen
from aggregator.citizens.assistance import ByWhom
from aggregator.citizens.consents import GIVEN_ALONE, Consent, Purpose
from aggregator.citizens.erasure import Notice
from aggregator.citizens.privacy import PrivacyRoom
from aggregator.sdk.clock import IST

_CASES_MOST = 200


async def give(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/consents."""
    asked: ConsentAsked = call.body
    citizen_id, agency = await citizen_of(call), "" if asked.agency is UNSET else asked.agency
    wrong = []
    if asked.purpose not in GIVEN_ALONE:
        wrong.append(explained("/purpose", "enum", {"allowed": ", ".join(GIVEN_ALONE)}, call.rooms.say, call.language))
    if agency and agency not in call.rooms.registry().agencies:
        wrong.append(explained("/agency", "no_such_agency", {}, call.rooms.say, call.language))
    if asked.until <= call.rooms.clock.now():
        wrong.append(explained("/until", "past", {}, call.rooms.say, call.language))
    if wrong:
        raise invalid(wrong)
    made = await room_of(call).consents.give(
        citizen_id, Purpose(asked.purpose), agency=agency, portal_id=call.caller.portal_id,
        session_id=call.caller.session_id, until=asked.until,
    )  # fmt: skip
    location = {"Location": f"/v1/citizens/{await shown_name(call)}/consents/{made.id}"}
    return Answer(await _given(call, made), status=201, headers=location)


async def consents(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/consents."""
    return Answer(ConsentList(items=await consents_given(call, await citizen_of(call), 500)))


async def consent(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/consents/{consent_id}."""
    found = await room_of(call).consents.one(await citizen_of(call), call.params["consent_id"])
    if found is None:
        raise Problem("not-found")
    return Answer(await _given(call, found))


async def withdraw(call: Call) -> Answer:
    """DELETE /citizens/{citizen_id}/consents/{consent_id}."""
    if not await room_of(call).consents.withdraw(await citizen_of(call), call.params["consent_id"]):
        raise Problem("not-found")
    return Answer(NothingGiven(), status=204)


async def looks(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/access-records."""
    room = room_of(call)
    citizen_id = await citizen_of(call)
    await room.accesses.flush()
    return Answer(AccessList(items=tuple(_look(one) for one in await room.accesses.of(citizen_id))))


async def export(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/export."""
    person, room = await own(call), room_of(call)
    looked(call, person.id, "EXPORT")
    await room.accesses.flush()
    given = CitizenExport(
        citizen_id=await shown_name(call),
        exported_at=second(call.rooms.clock.now()),
        profile=msgspec.to_builtins(person.profile),
        cases=await _cases(call, person.id),
        links=tuple(link_view(call, link) for link in await call.rooms.citizens.links.of(person.id)),
        consents=await consents_given(call, person.id, 500),
        looks=tuple(_look(one) for one in await room.accesses.of(person.id)),
    )
    return Answer(given)


async def forget(call: Call) -> Answer:
    """DELETE /citizens/{citizen_id}."""
    room, citizen_id = room_of(call), await citizen_of(call)
    notice = await room.erasure.ask(citizen_id)
    if call.caller.by_whom == ByWhom.NOMINEE:
        await room.notices.remember(citizen_id, "nominee_erases")
        await room.notices.tell(room.claims.words)
    return Answer(_notice(call, notice), status=202)


async def notice(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/erasure."""
    found = await room_of(call).erasure.notice(await citizen_of(call))
    if found is None:
        raise Problem("not-found")
    return Answer(_notice(call, found))


async def keep_after_all(call: Call) -> Answer:
    """DELETE /citizens/{citizen_id}/erasure."""
    if not await room_of(call).erasure.cancel(await citizen_of(call)):
        raise Problem("not-found")
    return Answer(NothingGiven(), status=204)


def room_of(call: Call) -> PrivacyRoom:
    """Raises Problem not-found where the city keeps no such room."""
    if call.rooms.privacy is None:
        raise Problem("not-found")
    return call.rooms.privacy


async def consents_given(call: Call, citizen_id: str, most: int = 1_000_000) -> tuple[ConsentGiven, ...]:
    """The newest first, each that holds with its artefact."""
    return tuple([await _given(call, one) for one in await room_of(call).consents.of(citizen_id, most)])


async def _given(call: Call, one: Consent) -> ConsentGiven:
    holds = one.holds(call.rooms.clock.now())
    subject = await shown_name(call)
    artefact = room_of(call).consents.artefact(one, subject=subject, audience=one.portal_id) if holds else UNSET
    key = "consent.holds" if holds else "consent.withdrawn" if one.withdrawn_at else "consent.ended"
    day = one.until.astimezone(IST).date().isoformat()
    return ConsentGiven(
        id=one.id, purpose=one.purpose.value, agency=one.agency or UNSET, portal_id=one.portal_id,
        given_at=second(one.given_at), until=second(one.until),
        withdrawn_at=UNSET if one.withdrawn_at is None else second(one.withdrawn_at), holds=holds,
        explanation=call.say(key, what=call.say(f"consent.for_{one.purpose.value.lower()}"), day=day),
        artefact=artefact,
    )  # fmt: skip


def _look(seen: Seen) -> AccessLine:
    look = seen.look
    return AccessLine(
        at=second(seen.at), portal_id=look.portal_id, by_whom=look.by_whom, what=look.what,
        purpose=look.purpose or UNSET, agency=look.agency or UNSET, consent_id=look.consent_id or UNSET,
        assistant=look.assistant or UNSET,
    )  # fmt: skip


def _notice(call: Call, found: Notice) -> ErasureNotice:
    due = found.due.astimezone(IST).date().isoformat()
    numbers = tuple(shown(one) for one in found.held_by)
    key = "erasure.held" if numbers else "erasure.due"
    return ErasureNotice(due_at=second(found.due), held_by=numbers, explanation=call.say(key, day=due))


async def _cases(call: Call, citizen_id: str) -> tuple[ExportedCase, ...]:
    names = await call.rooms.citizens.register.names_in(citizen_id, call.caller.names_for)
    portal_id, desk = call.caller.portal_id, call.rooms.desk
    found = []
    after: str | None = None
    while page := await desk.cases(portal_id=portal_id, citizen_ids=names, after=after, limit=_CASES_MOST):
        found += [
            ExportedCase(
                number=shown(one.number), service_id=one.service_id, status=one.status.value,
                created_at=second(one.created_at),
            )
            for one in page
        ]  # fmt: skip
        after = page[-1].id
    return tuple(found)
