"""POST /receipts: who brings a receipt gets its case, also where a restored database has forgotten it.

The receipt is believed by its signature and by nothing else. What it does not say is found out at the agency; the case
says so until it is known. Bringing it again gives the same case: no key is needed.
"""

import msgspec

from aggregator.api.call import Call
from aggregator.api.case_view import case_view, etag_of
from aggregator.api.citizen_of import case_citizen
from aggregator.api.decode import explained, invalid
from aggregator.api.form_view import form_lines
from aggregator.api.problem import Problem
from aggregator.api.receipt_shapes import ReceiptBrought
from aggregator.api.route import Answer
from aggregator.cases.desk import FormInvalid
from aggregator.cases.rebuild import NotAccepted, Presented


async def bring(call: Call) -> Answer:
    """POST /receipts."""
    asked: ReceiptBrought = call.body
    rebuilding = call.rooms.receipts
    if rebuilding is None:
        raise Problem("not-found")
    citizen = await case_citizen(call, asked.citizen_id)
    brought = Presented(asked.receipt, call.caller.portal_id, citizen, asked.form)
    try:
        record, made = await rebuilding.present(brought)
    except NotAccepted as no:
        raise invalid([explained("/receipt", no.reason, {}, call.rooms.say, call.language)]) from no
    except FormInvalid as exc:
        raise Problem("validation-failed", errors=form_lines(call, None, exc.errors)) from exc
    body = msgspec.json.encode(case_view(record, call))
    headers = {"Location": f"/v1/cases/{record.id}"}
    return Answer(body, status=201 if made else 200, headers=headers, etag=etag_of(record, call))
