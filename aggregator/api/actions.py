"""POST /cases/{case_id}/actions: one more thing asked of the agency, once per key.

200 when it has come to its end, whichever that was; 202 while the agency has it; 409 with the reason when it makes no
sense now. What became of it is in the case: `asked` beside the status, which only the agency's own words move.
"""

import msgspec

from aggregator.api.call import Call
from aggregator.api.case_shapes import ActionAsked
from aggregator.api.case_view import case_view, etag_of, why_not_text
from aggregator.api.cases import look_again_s, mine
from aggregator.api.keyed import kept, key_of, once, replayed
from aggregator.api.payments import taken
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.cases.act import NOTE, OPERATIONS, done
from aggregator.cases.desk import ActionNotPossible, UnknownCase, Wish
from aggregator.cases.number import shown
from aggregator.cases.record import CaseRecord


async def act(call: Call) -> Answer:
    """A second withdrawal of a withdrawn case changes nothing and is no error."""
    record = await mine(call)
    asked: ActionAsked = call.body
    if asked.action not in OPERATIONS:
        raise _impossible("unknown", record, call)
    key = key_of(call, record.citizen_id)
    if asked.action == "PAY":
        await _paid_through_us(call, record)
    try:
        opened = await once(
            call,
            call.rooms.desk.ask(record.id, _wish(asked), key),
            unmoved=lambda exc: isinstance(exc, ActionNotPossible | UnknownCase),
        )
    except ActionNotPossible as exc:
        raise _impossible(exc.reason, record, call) from exc
    except UnknownCase as exc:
        raise Problem("not-found") from exc
    if opened.answer is not None:
        return replayed(opened.answer)
    return await kept(call, key, _answer(call, await _carried_out(call, opened.record), asked.action))


async def _paid_through_us(call: Call, record: CaseRecord) -> None:
    """While a payment of the case's fee is open, another one would be a second. Raises Problem."""
    first = await call.rooms.payments.for_fee(record.id) if call.rooms.payments is not None else None
    if first is not None:
        raise await taken(call, first, theirs=True)


def _wish(asked: ActionAsked) -> Wish:
    """The note goes to the agency under the name its forms use, unless the form has that field itself."""
    note = {NOTE.get(asked.action, "note"): asked.note} if asked.note else {}
    return Wish(asked.action, {**note, **asked.form})


async def _carried_out(call: Call, record: CaseRecord) -> CaseRecord:
    asked: ActionAsked = call.body
    if call.patience.seconds == 0:
        return record
    work = call.rooms.desk.carried_out(record.id, asked.action, float(call.patience.seconds))
    return await call.while_there(work) or record


def _answer(call: Call, record: CaseRecord, action: str) -> Answer:
    ended = done(record, action)
    headers = {} if ended else {"Location": f"/v1/cases/{record.id}", "Retry-After": str(look_again_s(record, call))}
    body = msgspec.json.encode(case_view(record, call))
    return Answer(body, status=200 if ended else 202, headers=headers, etag=etag_of(record, call))


def _impossible(reason: str, record: CaseRecord, call: Call) -> Problem:
    about = {"why": why_not_text(reason, record, call)}
    return Problem("action-not-possible", about=about, case_id=record.id, number=shown(record.number))
