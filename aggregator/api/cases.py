"""Cases: opened once per key, read as they are, changed only where the record allows it.

After a case is accepted the agency's trouble is in the case, never in an HTTP error: with every agency down a
submission is still 202 and HELD.
"""

import msgspec
from msgspec import UNSET

from aggregator.api.audit_routes import proof_view
from aggregator.api.call import Call, Seen
from aggregator.api.case_shapes import (
    CaseList,
    CaseQuery,
    CaseReceipt,
    CasesQuery,
    EventList,
    EventsQuery,
    LegList,
    NewCaseAsked,
)
from aggregator.api.case_view import case_view, etag_of, event_view, leg_view, version_in
from aggregator.api.citizen_of import case_citizen, case_names, is_of_caller
from aggregator.api.decode import explained
from aggregator.api.edge import seconds_up
from aggregator.api.form_view import form_lines
from aggregator.api.keyed import kept, key_of, once, replayed
from aggregator.api.leave import require_leave
from aggregator.api.link_fill import filled
from aggregator.api.paging import asked_from, page, plain
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.shapes import ErrorLine
from aggregator.cases.desk import (
    AgencyNotOffered,
    FormInvalid,
    Key,
    NewCase,
    NotForCases,
    Opened,
    UnknownService,
)
from aggregator.cases.number import shown
from aggregator.cases.record import CaseRecord

_UNMOVED = (FormInvalid, UnknownService, NotForCases, AgencyNotOffered)
RETRY_AFTER_S = 2.0
SHOWN_AGAIN_S = 1.0
"""How long an encoded answer may be shown again while the case's version stands still. A poll that brought nothing new
moves only the time of the last check, and ages are told in minutes: a second is within both."""


async def open_case(call: Call) -> Answer:
    """POST /cases."""
    asked: NewCaseAsked = call.body
    citizen = await case_citizen(call, asked.citizen_id)
    service = call.rooms.registry().services.get(asked.service_id)
    if service is not None:
        await require_leave(call, service, service.agencies if asked.agency is UNSET else (asked.agency,), citizen)
    new = NewCase(
        portal_id=call.caller.portal_id,
        citizen_id=citizen,
        service_id=call.case_service(asked.service_id),
        agency=None if asked.agency is UNSET else asked.agency,
        form=asked.form if service is None else await filled(call, service, asked.form),
        channel=asked.channel,
        source_ref=asked.source_ref,
    )
    key = key_of(call, citizen)
    opened = await _opened(call, new, key)
    if opened.answer is not None:
        return replayed(opened.answer)
    return await kept(call, key, _accepted(await _as_settled(call, opened.record), call))


async def show(call: Call) -> Answer:
    """GET /cases/{case_id}; with `wait` and the tag last seen, when it changes."""
    query: CaseQuery = call.query
    who = (call.caller.portal_id, call.caller.citizen_id)
    place = (call.params["case_id"], *who, call.language, call.rooms.registry().digest)
    if not query.wait and (fresh := await _seen(call, place)) is not None:
        return fresh
    record = await mine(call)
    if query.wait and call.if_none_match and version_in(call.if_none_match) == record.version:
        waited = await call.while_there(call.rooms.desk.changed(record.id, record.version, float(query.wait)))
        record = waited or await mine(call)
    until = call.rooms.clock.monotonic() + SHOWN_AGAIN_S
    body, etag = msgspec.json.encode(case_view(record, call)), etag_of(record, call)
    call.rooms.seen.put(place, Seen(record.version, body, etag, until))
    return Answer(body, etag=etag)


async def _seen(call: Call, place: tuple[str, str, str, str, str]) -> Answer | None:
    """The answer given a moment ago, if the case has not moved since: one indexed read instead of a whole case."""
    seen = call.rooms.seen.get(place)
    if seen is None or seen.until < call.rooms.clock.monotonic():
        return None
    version = await call.rooms.desk.version(place[0], portal_id=place[1])
    return Answer(seen.body, etag=seen.etag) if version == seen.version else None


async def listing(call: Call) -> Answer:
    """GET /cases."""
    query: CasesQuery = call.query
    after = asked_from(call)
    found = await call.rooms.desk.cases(
        portal_id=call.caller.portal_id,
        citizen_ids=await case_names(call),
        status=plain(query.status),
        kind=plain(query.kind),
        service_id=plain(query.service_id),
        updated_since=plain(query.updated_since),
        after=after or None,
        limit=query.limit + 1,
    )
    records, link, headers = page(call, list(found), query.limit, lambda record: record.id)
    return Answer(CaseList(items=tuple(case_view(record, call) for record in records), next=link), headers=headers)


async def events(call: Call) -> Answer:
    """GET /cases/{case_id}/events."""
    record = await mine(call)
    query: EventsQuery = call.query
    after = asked_from(call)
    found = await call.rooms.desk.history(
        record.id,
        portal_id=call.caller.portal_id,
        after_seq=int(after) if after.isdigit() else 0,
        limit=query.limit + 1,
    )
    lines, link, headers = page(call, list(found), query.limit, lambda event: str(event.seq))
    return Answer(EventList(items=tuple(event_view(event, call) for event in lines), next=link), headers=headers)


async def legs(call: Call) -> Answer:
    """GET /cases/{case_id}/legs."""
    record = await mine(call)
    return Answer(LegList(items=tuple(leg_view(leg, call) for leg in record.legs)))


async def receipt(call: Call) -> Answer:
    """GET /cases/{case_id}/receipt."""
    record = await mine(call)
    signed = await call.rooms.desk.receipt(record.id, portal_id=call.caller.portal_id)
    audit = call.rooms.audit
    logged = await audit.proof_of_case(record.id) if audit is not None else None
    return Answer(
        CaseReceipt(
            case_id=record.id,
            number=shown(record.number),
            format="JWS",
            receipt=signed,
            audit=UNSET if logged is None else proof_view(logged),
        )
    )


async def _opened(call: Call, new: NewCase, key: Key) -> Opened:
    try:
        return await once(call, call.rooms.desk.open(new, key), unmoved=lambda exc: isinstance(exc, _UNMOVED))
    except FormInvalid as exc:
        service = call.rooms.registry().services.get(new.service_id)
        raise Problem("validation-failed", errors=form_lines(call, service, exc.errors)) from exc
    except UnknownService as exc:
        raise Problem("validation-failed", errors=[_line(call, "/service_id", "no_such_service")]) from exc
    except NotForCases as exc:
        raise Problem("validation-failed", errors=[_line(call, "/service_id", "only_enquiries")]) from exc
    except AgencyNotOffered as exc:
        raise Problem("validation-failed", errors=[_line(call, "/agency", "agency_not_offered")]) from exc


async def _as_settled(call: Call, record: CaseRecord) -> CaseRecord:
    if call.patience.seconds == 0 or record.settled:
        return record
    settled = await call.while_there(call.rooms.desk.settled(record.id, float(call.patience.seconds)))
    return settled or record


def _accepted(record: CaseRecord, call: Call) -> Answer:
    """201 when the agency has spoken, 202 while it has not: the same body, with the time to look again."""
    headers = {"Location": f"/v1/cases/{record.id}"}
    if not record.settled:
        headers["Retry-After"] = str(look_again_s(record, call))
    body = msgspec.json.encode(case_view(record, call))
    return Answer(body, status=201 if record.settled else 202, headers=headers, etag=etag_of(record, call))


def look_again_s(record: CaseRecord, call: Call) -> int:
    if record.next_check_at is None:
        return seconds_up(RETRY_AFTER_S)
    return seconds_up((record.next_check_at - call.rooms.clock.now()).total_seconds())


async def mine(call: Call) -> CaseRecord:
    """The case of the path, if it is this portal's; somebody else's is as absent as none (one query, one answer)."""
    record = await call.rooms.desk.case(call.params["case_id"], portal_id=call.caller.portal_id)
    if record is None or not await is_of_caller(call, record.citizen_id):
        raise Problem("not-found")
    return record


def _line(call: Call, pointer: str, code: str) -> ErrorLine:
    return explained(pointer, code, {}, call.rooms.say, call.language)
