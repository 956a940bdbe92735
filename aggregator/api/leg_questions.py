"""Free slots and issued papers of a case: its agency is asked now, as whoever opened the case.

Slots may be the last good answer, marked as old; without one, 503. A paper is always asked for anew, because what is
issued may be corrected, and it is never stored.
"""

import hashlib
from datetime import UTC, date, timedelta
from typing import Any

from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second, why_not_text
from aggregator.api.cases import mine
from aggregator.api.decode import invalid
from aggregator.api.downloads import file_name_of, media_type_of
from aggregator.api.enquiries import SHED_S, spend
from aggregator.api.leg_shapes import CaseDocument, SlotLine, SlotList, SlotsQuery
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.shapes import ErrorLine
from aggregator.cases.ask_leg import NotAskable, Question, asked_leg
from aggregator.cases.enquire import reason_of
from aggregator.cases.number import shown
from aggregator.cases.record import CaseRecord
from aggregator.registry.agency import Agency
from aggregator.resilience.pipeline import Answer as Told
from aggregator.sdk.clock import IST
from aggregator.sdk.errors import AgencyError, NotAttempted, Refused
from aggregator.sdk.model import Absent, Document, Slot

PATIENCE_S = 10.0
"""How long an agency is waited for when the caller does not say."""
LOOK_AHEAD = timedelta(days=14)
SPAN_MOST = timedelta(days=92)


async def slots(call: Call) -> Answer:
    """GET /cases/{case_id}/slots."""
    first, last = _days(call)
    record = await mine(call)
    agency, told = await _asked(call, record, "slots", {"from": first.isoformat(), "to": last.isoformat()}, kept=True)
    found = [] if isinstance(told.value, Absent) else list(told.value)
    title = call.agency_title(agency.id)
    age = str(max(0, int((call.rooms.clock.now() - told.as_of).total_seconds())))
    key = "slots.stale" if told.stale else "slots.found" if found else "slots.none"
    items = tuple(_slot(slot) for slot in sorted(found, key=lambda one: one.starts_at)[:1000])
    return Answer(
        SlotList(
            case_id=record.id,
            agency=agency.id,
            agency_title=title,
            explanation=call.say(key, agency=title, age=age),
            items=items,
            as_of=second(told.as_of),
            stale=told.stale,
        )
    )


async def document(call: Call) -> Answer:
    """GET /cases/{case_id}/document."""
    record = await mine(call)
    agency, told = await _asked(call, record, "document", {}, kept=False)
    title = call.agency_title(agency.id)
    if not isinstance(told.value, Document):
        words = call.say("document.not_yet", agency=title)
        return Answer(
            CaseDocument(case_id=record.id, agency=agency.id, agency_title=title, ready=False, explanation=words)
        )
    paper = told.value
    path, expires_at = call.rooms.downloads.put(paper)
    return Answer(
        CaseDocument(
            case_id=record.id,
            agency=agency.id,
            agency_title=title,
            ready=True,
            explanation=call.say("document.ready", agency=title),
            name=file_name_of(paper),
            media_type=media_type_of(paper),
            size_bytes=len(paper.content),
            sha256=hashlib.sha256(paper.content).hexdigest(),
            download_url=call.origin + path,
            expires_at=second(expires_at),
        )
    )


async def _asked(
    call: Call, record: CaseRecord, operation: str, more: dict[str, Any], *, kept: bool
) -> tuple[Agency, Told]:
    """The agency and what it told. Raises Problem for a case without such an agency, and for one that is away."""
    try:
        leg, agency = asked_leg(call.rooms.registry(), record, operation)
    except NotAskable as exc:
        why = why_not_text(exc.reason, record, call)
        raise _impossible(record, why, agency=exc.agency) from exc
    spend(call, agency.id)
    deadline_s = float(call.patience.seconds) if call.patience.asked else PATIENCE_S
    question = Question(operation=operation, more=more, deadline_s=max(0.1, deadline_s), kept=kept)
    with call.waiting as admitted:
        if not admitted:
            raise Problem("overloaded", retry_after_s=SHED_S)
        try:
            return agency, await call.rooms.desk.ask_leg(leg, agency, question)
        except Refused as no:
            why = call.say(
                "problem.action_not_possible.why_said_no", agency=call.titled(agency.title), reason=no.reason
            )
            raise _impossible(record, why, agency=agency.id, agency_code=no.code[:200]) from no
        except (AgencyError, NotAttempted) as silent:
            raise away(call, agency, silent) from silent


def _impossible(record: CaseRecord, why: str, **members: str) -> Problem:
    return Problem("action-not-possible", about={"why": why}, case_id=record.id, number=shown(record.number), **members)  # type: ignore[arg-type]  # the members are the problem's own


def away(call: Call, agency: Agency, why: AgencyError | NotAttempted) -> Problem:
    """agency-unavailable, with why and when asking again makes sense."""
    about = {"agency": call.titled(agency.title), "reason": reason_of(why)}
    wait_s = getattr(why, "retry_after_s", None) or SHED_S
    return Problem("agency-unavailable", about=about, agency=agency.id, retry_after_s=wait_s)


def _days(call: Call) -> tuple[date, date]:
    """From today on unless said otherwise. Raises Problem for days that end before they begin, or are too many."""
    query: SlotsQuery = call.query
    first = call.rooms.clock.now().astimezone(IST).date() if query.from_date is UNSET else query.from_date
    last = first + LOOK_AHEAD if query.to_date is UNSET else query.to_date
    if first <= last <= first + SPAN_MOST:
        return first, last
    detail = call.say("problem.violation.days", limit=str(SPAN_MOST.days))
    raise invalid([ErrorLine(parameter="to_date", code="days", detail=detail)])


def _slot(slot: Slot) -> SlotLine:
    starts_at = second(slot.starts_at.astimezone(UTC))
    return SlotLine(slot_id=slot.slot_id, place=slot.place[:300], starts_at=starts_at, free=max(0, slot.free))
