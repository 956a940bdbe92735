"""Payments: opened once per key and once per bill or fee, read as they are, given back only after proof.

A second payment for a bill is refused with the first one's words for the same citizen, and with nothing that says who
pays for anybody else.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
import orjson
from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizens import money
from aggregator.api.decode import explained
from aggregator.api.form_view import form_lines
from aggregator.api.keyed import kept, key_of, once, replayed
from aggregator.api.paging import asked_from, page
from aggregator.api.payment_shapes import PaymentAsked, PaymentEvidence, PaymentList, PaymentReceipt, PaymentsQuery
from aggregator.api.payment_view import payment_view, words_of
from aggregator.api.ports import PaymentsPort
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.shapes import ErrorLine
from aggregator.cases.number import shown
from aggregator.cases.opening import AgencyNotOffered, FormInvalid, UnknownService
from aggregator.discovery.fees import NoSuchVariant
from aggregator.payments.counter import BillTaken, BillUnanswered, NewPayment, NoReceipt, NotPayable, UnknownCase
from aggregator.payments.payment import Payment, Phase
from aggregator.sdk.clock import epoch_ms, from_ms
from aggregator.sdk.model import Document

_UNMOVED = (
    UnknownService, UnknownCase, NoSuchVariant, AgencyNotOffered, FormInvalid, NotPayable, BillUnanswered, BillTaken,
)  # fmt: skip
AGAIN_S = 5.0


async def pay(call: Call) -> Answer:
    """POST /payments."""
    counter = _counter(call)
    asked: PaymentAsked = call.body
    new = _new(call, asked)
    key = key_of(call, new.citizen_id)
    try:
        opened = await once(call, counter.open(new, key), unmoved=lambda exc: isinstance(exc, _UNMOVED))
    except _UNMOVED as exc:
        raise await _refusal(call, new, exc) from exc
    if opened.answer is not None:
        return replayed(opened.answer)
    payment, number = opened.payment, opened.number
    if call.patience.seconds:
        waited = await call.while_there(counter.until(payment.id, float(call.patience.seconds)))
        payment, number = waited or (payment, number)
    ready = payment.phase != Phase.PREPARING.value
    headers = {"Location": f"/v1/payments/{payment.id}"} | ({} if ready else {"Retry-After": "2"})
    body = msgspec.json.encode(payment_view(payment, number, call))
    return await kept(call, key, Answer(body, status=201 if ready else 202, headers=headers))


def _counter(call: Call) -> PaymentsPort:
    if call.rooms.payments is None:
        raise Problem("action-not-possible", about={"why": call.say("payment_why.no_gateway")})
    return call.rooms.payments


def _origin_in(address: str) -> str:
    """Scheme and host of an address; empty for one that is none (`https://[x]`)."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _new(call: Call, asked: PaymentAsked) -> NewPayment:
    if (asked.service_id is UNSET) == (asked.case_id is UNSET):
        raise Problem("validation-failed", errors=[_line(call, "/case_id", "bill_or_fee")])
    back = "" if asked.return_url is UNSET else asked.return_url
    if back and _origin_in(back) not in call.caller.origins:
        detail = call.say("payment_why.return_url")
        raise Problem(
            "validation-failed", errors=[ErrorLine(pointer="/return_url", code="not_registered", detail=detail)]
        )
    return NewPayment(
        portal_id=call.caller.portal_id,
        citizen_id="" if asked.citizen_id is UNSET else asked.citizen_id,
        service_id="" if asked.service_id is UNSET else asked.service_id,
        case_id="" if asked.case_id is UNSET else asked.case_id,
        variant=None if asked.variant is UNSET else asked.variant,
        agency=None if asked.agency is UNSET else asked.agency,
        form=_form(call, asked),
        origin=call.origin,
        return_url=back,
        channel=asked.channel,
    )


def _form(call: Call, asked: PaymentAsked) -> dict[str, object]:
    """The form, filled up from what the citizen has linked at the agency."""
    service = call.rooms.registry().services.get(asked.service_id) if asked.service_id is not UNSET else None
    links = call.rooms.links.of(asked.citizen_id) if asked.citizen_id is not UNSET else None
    if service is None or not links:
        return dict(asked.form)
    agency = service.agencies[0] if asked.agency is UNSET else asked.agency
    fields = service.form.get("properties", {})
    linked = next((link.identifiers for link in links if link.agency == agency), {})
    return {name: value for name, value in linked.items() if name in fields} | dict(asked.form)


async def _refusal(call: Call, new: NewPayment, exc: Exception) -> Problem:
    match exc:
        case BillTaken(first=first):
            return await taken(call, first, theirs=_theirs(new, first))
        case NotPayable(reason=reason, agency=agency):
            why = call.say(f"payment_why.{reason}", agency=call.agency_title(agency))
            return Problem("action-not-possible", about={"why": why})
        case BillUnanswered(agency=agency, retry_after_s=wait_s):
            about = {"agency": call.agency_title(agency), "reason": "agency_away"}
            return Problem("agency-unavailable", about=about, agency=agency, retry_after_s=wait_s or AGAIN_S)
        case _:
            return Problem("validation-failed", errors=_mistakes(call, new, exc))


def _mistakes(call: Call, new: NewPayment, exc: Exception) -> Sequence[ErrorLine]:
    match exc:
        case FormInvalid(errors=errors):
            return form_lines(call, call.rooms.registry().services.get(new.service_id), errors)
        case NoSuchVariant(count=count):
            return [explained("/variant", "too_large", {"limit": str(count)}, call.rooms.say, call.language)]
        case AgencyNotOffered():
            return [_line(call, "/agency", "agency_not_offered")]
        case UnknownCase():
            return [_line(call, "/case_id", "no_such_case")]
        case _:
            return [_line(call, "/service_id", "no_such_service")]


def _theirs(new: NewPayment, first: Payment) -> bool:
    """Whether who asks may hear of the first payment: the same citizen, or whoever holds the case of the fee."""
    if new.case_id:
        return (first.portal_id, first.for_case_id) == (new.portal_id, new.case_id)
    return (first.portal_id, first.citizen_id) == (new.portal_id, new.citizen_id) and bool(new.citizen_id)


async def taken(call: Call, first: Payment, *, theirs: bool) -> Problem:
    """To the same citizen the first payment's own words; to anybody else when to ask again, and nothing more."""
    now_ms = epoch_ms(call.rooms.clock.now())
    until = max(first.next_action_ms, first.expires_ms if first.collected_ms is None else 0, now_ms + 1000)
    wait_s = (until - now_ms) / 1000
    if not theirs:
        about = {"time": from_ms(until).isoformat(timespec="seconds")}
        return Problem("payment-in-doubt", about=about, retry_after_s=wait_s, agency=first.agency)
    number = shown(await _counter(call).case_number(first.case_id))
    about = {"number": number, "words": words_of(first, call)}
    variant = "yours_fee" if first.for_case_id else "yours"
    return Problem(
        "payment-in-doubt", variant=variant, about=about, retry_after_s=wait_s, agency=first.agency,
        case_id=first.case_id, number=number,
    )  # fmt: skip


def _line(call: Call, pointer: str, code: str) -> ErrorLine:
    return explained(pointer, code, {}, call.rooms.say, call.language)


async def _mine(call: Call) -> tuple[Payment, str]:
    """The payment of the path, if it is this portal's; somebody else's is as absent as none."""
    if call.rooms.payments is None:
        raise Problem("not-found")
    found = await call.rooms.payments.show(call.params["payment_id"], portal_id=call.caller.portal_id)
    if found is None:
        raise Problem("not-found")
    return found


async def listing(call: Call) -> Answer:
    """GET /payments."""
    query: PaymentsQuery = call.query
    phase = "" if query.phase is UNSET else query.phase
    rooms = call.rooms.payments
    after = asked_from(call)
    asked = {"portal_id": call.caller.portal_id, "phase": phase, "after": after}
    found = await rooms.payments(**asked, limit=query.limit + 1) if rooms is not None else []
    rows, link, headers = page(call, list(found), query.limit, lambda one: one[0].id)
    items = tuple(payment_view(payment, number, call) for payment, number in rows)
    return Answer(PaymentList(items=items, next=link), headers=headers)


async def show(call: Call) -> Answer:
    """GET /payments/{payment_id}."""
    payment, number = await _mine(call)
    return Answer(payment_view(payment, number, call), etag=f'"{payment.version}.{call.language}"')


async def check(call: Call) -> Answer:
    """POST /payments/{payment_id}/checks: the gateway is asked soon, not by everybody's impatience."""
    payment, number = await _mine(call)
    looked = await _counter(call).look_again(payment.id)
    return Answer(payment_view(looked or payment, number, call), status=202)


async def give_back(call: Call) -> Answer:
    """POST /payments/{payment_id}/refunds."""
    payment, number = await _mine(call)
    try:
        wanted = await _counter(call).give_back(payment.id)
    except NotPayable as exc:
        why = call.say(f"payment_why.{exc.reason}")
        raise Problem("action-not-possible", about={"why": why}, case_id=payment.case_id, number=shown(number)) from exc
    return Answer(payment_view(wanted, number, call), status=202)


async def receipt(call: Call) -> Answer:
    """GET /payments/{payment_id}/receipt."""
    payment, number = await _mine(call)
    try:
        signed = await _counter(call).receipt(payment)
    except NoReceipt as exc:
        raise Problem("not-found") from exc
    return Answer(PaymentReceipt(payment_id=payment.id, number=shown(number), format="JWS", receipt=signed))


async def evidence(call: Call) -> Answer:
    """GET /payments/{payment_id}/evidence."""
    payment, number = await _mine(call)
    pack = await _counter(call).evidence(payment)
    paper = Document(f"{payment.id}.json", "application/json", orjson.dumps(pack, option=orjson.OPT_INDENT_2))
    path, until = call.rooms.downloads.put(paper)
    return Answer(
        PaymentEvidence(
            payment_id=payment.id,
            number=shown(number),
            held=money(pack["held_paise"]),
            explanation=words_of(payment, call),
            download_url=call.origin + path,
            until=second(until),
        )
    )
