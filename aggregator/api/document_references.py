"""POST /documents/references: a citizen names an issued document instead of sending a copy of it.

It is fetched with the citizen's leave, given with this very request or before; the leave, the look and the number of
our question are kept. From then on it is an upload like any other: looked through, sealed, known by its content.
"""

from datetime import timedelta

from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.decode import explained, invalid
from aggregator.api.enquiries import LEAST_S, SHED_S, spend
from aggregator.api.leg_questions import PATIENCE_S, away
from aggregator.api.looked import looked
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.upload_documents import detail, owner_of
from aggregator.api.upload_shapes import IssuerLine, IssuerList, ReferenceAsked
from aggregator.citizens.consents import Purpose
from aggregator.citizens.documents import Origin, TooLarge
from aggregator.citizens.documents.lockers import Issuer, Pulled, Reference
from aggregator.citizens.documents.shelf import Arriving
from aggregator.sdk.errors import AgencyError, NotAttempted

_LEAVE = timedelta(minutes=1)
"""How long a leave given with the request lasts: this request, and no later one."""


async def issuers(call: Call) -> Answer:
    """GET /documents/issuers."""
    lines = tuple(
        IssuerLine(
            agency=one.agency.id,
            agency_title=call.titled(one.agency.title),
            prefix=one.prefix,
            document_types=one.document_types,
        )
        for one in call.rooms.lockers.issuers()
    )
    return Answer(IssuerList(items=lines))


async def take(call: Call) -> Answer:
    """POST /documents/references."""
    asked: ReferenceAsked = call.body
    citizen_id = await _citizen(call, asked)
    reference = await _reference(call, asked, citizen_id)
    issuer = call.rooms.lockers.issuer_of(reference)
    if issuer is None:
        raise _wrong(call, "/uri" if reference.uri else "/document_type", "no_such_issuer")
    consent_id = await _leave(call, asked, citizen_id, issuer)
    looked(
        call, citizen_id, "DOCUMENT", agency=issuer.agency.id, consent_id=consent_id, purpose=Purpose.FETCH_DOCUMENTS
    )
    got = await _pulled(call, issuer, reference)
    if got is None:
        raise _wrong(call, "/uri" if reference.uri else "/number", "no_issued_document")
    new = Arriving(
        owner=owner_of(call, asked.citizen_id),
        size_bytes=len(got.paper.content),
        name=got.paper.name,
        source="REFERENCE",
        origin=Origin(issuer.agency.id, reference.words, got.request, consent_id),
    )
    try:
        record = await call.progress.commit(
            call.rooms.documents.put(new, got.paper.content), unmoved=lambda exc: isinstance(exc, TooLarge)
        )
    except TooLarge as exc:
        raise Problem("too-large", about={"limit": str(exc.limit)}) from exc
    return Answer(detail(record, call), status=201, headers={"Location": f"/v1/documents/{record.id}"})


async def _citizen(call: Call, asked: ReferenceAsked) -> str:
    """The internal id of the citizen it is for. Raises Problem: nobody's document is fetched for nobody."""
    if call.caller.citizen_id:
        return call.caller.citizen_id
    if not isinstance(asked.citizen_id, str):
        raise _wrong(call, "/citizen_id", "required")
    found = await call.rooms.citizens.register.found(asked.citizen_id, call.caller.names_for)
    if found is None:
        raise _wrong(call, "/citizen_id", "no_such_citizen")
    return found


async def _reference(call: Call, asked: ReferenceAsked, citizen_id: str) -> Reference:
    """What is asked for, with the second factors of the citizen's own record. Raises Problem."""
    by_number = asked.document_type is not UNSET and asked.number is not UNSET
    if (asked.uri is UNSET) is not by_number:
        raise _wrong(call, "/uri", "one_reference")
    person = await call.rooms.citizens.register.person(citizen_id)
    profile = None if person is None else person.profile
    return Reference(
        uri=asked.uri or "",
        document_type=asked.document_type or "",
        number=asked.number or "",
        locker_id=asked.locker_id,
        full_name="" if profile is None else profile.name,
        date_of_birth="" if profile is None else profile.date_of_birth,
    )


async def _leave(call: Call, asked: ReferenceAsked, citizen_id: str, issuer: Issuer) -> str:
    """The consent it rests on: one that holds, else one given now by the citizen. Raises Problem consent-required."""
    room = call.rooms.privacy
    if room is None:
        raise Problem("consent-required", variant="documents")
    agency, portal = issuer.agency.id, call.caller.portal_id
    held = await room.consents.allowing(citizen_id, Purpose.FETCH_DOCUMENTS, portal, [agency])
    if agency in held:
        return held[agency]
    if not asked.consent or call.caller.citizen_id != citizen_id or call.caller.assistance_id:
        # Whoever acts for a citizen at a counter has no right over consents.
        raise Problem("consent-required", variant="documents")
    given = await room.consents.give(
        citizen_id, Purpose.FETCH_DOCUMENTS, agency=agency, portal_id=portal, session_id=call.caller.session_id,
        until=call.now() + _LEAVE,
    )  # fmt: skip
    return given.id


async def _pulled(call: Call, issuer: Issuer, reference: Reference) -> Pulled | None:
    """Raises Problem for an issuer that is away, or whose answer nobody can read."""
    spend(call, issuer.agency.id)
    deadline_s = float(call.patience.seconds) if call.patience.asked else PATIENCE_S
    with call.waiting as admitted:
        if not admitted:
            raise Problem("overloaded", retry_after_s=SHED_S)
        try:
            return await call.rooms.lockers.pull(issuer, reference, deadline_s=max(LEAST_S, deadline_s))
        except (AgencyError, NotAttempted) as why:
            raise away(call, issuer.agency, why) from why


def _wrong(call: Call, pointer: str, code: str) -> Problem:
    return invalid([explained(pointer, code, {}, call.rooms.say, call.language)])
