"""Everything of one citizen's: what is owed, and what the agencies hold, asked live over all links.

One deadline for all of them, the caller's patience. A dead agency costs its own line, and the sum says that it is not
complete. Nothing is stored. An unknown citizen is as absent as anything else that is not there.
"""

from collections.abc import Callable, Coroutine, Sequence
from datetime import date
from typing import Any

from msgspec import UNSET, UnsetType

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_of import citizen_of, shown_name
from aggregator.api.citizen_shapes import BillLine, BillList, EverythingAsked, EverythingFound, FoundLine
from aggregator.api.enquiries import LEAST_S, SHED_S, afforded, line_members
from aggregator.api.leave import leave_of
from aggregator.api.looked import looked
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.api.service_shapes import Money
from aggregator.cases.everything import Asked
from aggregator.citizens.consents import Purpose
from aggregator.citizens.links import Link
from aggregator.citizens.verified_links import VERIFIED

CURRENCY = "INR"
_AMOUNT, _DUE = "amount_paise", "due_date"
Work = Callable[..., Coroutine[Any, Any, list[Asked]]]


async def bills(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/bills."""
    asked = await _asked(call, call.rooms.everything.bills, await _links(call, "BILLS"))
    lines = tuple(_bill(call, one) for one in asked)
    paise = sum(_paise(one) or 0 for one in asked)
    complete = _complete(asked)
    return Answer(
        BillList(
            citizen_id=await shown_name(call),
            lines=lines,
            total=money(paise),
            complete=complete,
            explanation=call.say(_verdict(lines, paise, complete=complete), amount=rupees(paise)),
            asked_at=second(call.rooms.clock.now()),
        )
    )


async def enquiries(call: Call) -> Answer:
    """POST /citizens/{citizen_id}/enquiries."""
    wanted: EverythingAsked = call.body
    links = [link for link in await _links(call, "ENQUIRIES") if wanted.agency in {UNSET, link.agency}]
    asked = await _asked(call, call.rooms.everything.enquiries, links)
    lines = tuple(
        FoundLine(service_id=one.service_id, service_title=_title(call, one), **line_members(call, one.line))
        for one in asked
    )
    return Answer(
        EverythingFound(
            citizen_id=await shown_name(call),
            lines=lines,
            complete=_complete(asked),
            asked_at=second(call.rooms.clock.now()),
        )
    )


def _verdict(lines: Sequence[BillLine], paise: int, *, complete: bool) -> str:
    if not lines:
        return "bills.nobody_asked"
    if not complete:
        return "bills.incomplete"
    return "bills.complete" if paise else "bills.nothing"


async def _links(call: Call, what: str) -> Sequence[Link]:
    """The citizen's links to agencies the city has; for the portal alone, those it has the citizen's consent for.

    Raises Problem not-found, consent-required.
    """
    links: Sequence[Link] | None
    if call.caller.citizen_id:
        links = await _verified(call, await citizen_of(call))
        looked(call, call.caller.citizen_id, what)
    else:
        links = call.rooms.links.of(call.params["citizen_id"])  # a sample citizen's
    if links is None:
        links = await _allowed(call, what)
    agencies = call.rooms.registry().agencies
    return [link for link in links if link.agency in agencies]


async def _verified(call: Call, citizen_id: str) -> list[Link]:
    kept = await call.rooms.citizens.links.of(citizen_id)
    return [link.as_link() for link in kept if link.state == VERIFIED]


async def _allowed(call: Call, what: str) -> list[Link]:
    """What the portal may ask about without the citizen. Each consent it rests on is noted."""
    citizen_id = await call.rooms.citizens.register.found(call.params["citizen_id"], call.caller.names_for)
    room = call.rooms.privacy
    if citizen_id is None or room is None:
        raise Problem("not-found")
    links = await _verified(call, citizen_id)
    agencies = sorted({link.agency for link in links})
    consents = await room.consents.allowing(citizen_id, Purpose.ASK_AGENCIES, call.caller.portal_id, agencies)
    if not consents:
        raise Problem("consent-required")
    for agency, consent_id in consents.items():
        looked(call, citizen_id, what, agency=agency, consent_id=consent_id)
    return [link for link in links if link.agency in consents]


async def _asked(call: Call, work: Work, links: Sequence[Link]) -> list[Asked]:
    if links:
        # The agency's own limit makes a line of one that is asked too often; a portal is refused when all of them are.
        afforded(call, sorted({link.agency for link in links}))
    with call.waiting as admitted:
        if not admitted:
            raise Problem("overloaded", retry_after_s=SHED_S)
        return await work(
            call.rooms.registry(),
            links,
            person=f"{call.caller.portal_id}/{call.caller.citizen_name or call.params['citizen_id']}",
            deadline_s=max(LEAST_S, float(call.patience.seconds)),
            leave=await leave_of(call, None, call.params["citizen_id"]),
        )


def _bill(call: Call, one: Asked) -> BillLine:
    paise = _paise(one)
    members = line_members(call, one.line)
    amount: Money | UnsetType = UNSET
    if paise is not None:
        amount = money(paise)
        members["values"] = tuple(value for value in members["values"] if value.name not in {_AMOUNT, _DUE})
        if not one.line.stale:
            about = {"agency": call.agency_title(one.line.agency), "amount": rupees(paise)}
            members["explanation"] = call.say("bills.due", **about, day=one.line.values.get(_DUE, ""))
    elif one.line.result == "absent" and not one.line.stale:
        members["explanation"] = call.say("bills.none_here", agency=call.agency_title(one.line.agency))
    return BillLine(
        service_id=one.service_id, service_title=_title(call, one), amount=amount,
        due_date=_day(one.line.values.get(_DUE, "")), **members,
    )  # fmt: skip


def _title(call: Call, one: Asked) -> str:
    service = call.rooms.registry().services.get(one.service_id)
    return call.titled(service.title) if service is not None else one.service_id


def _complete(asked: Sequence[Asked]) -> bool:
    return all(one.line.result in {"value", "absent"} and not one.line.stale for one in asked)


def _paise(one: Asked) -> int | None:
    """What the line says is due; None where it says no sum."""
    told = one.line.values.get(_AMOUNT, "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else None


def _day(told: str) -> date | UnsetType:
    try:
        return date.fromisoformat(told[:10])
    except ValueError:
        return UNSET


def rupees(paise: int) -> str:
    """Rupees with two decimals, without a float in between."""
    return f"{paise // 100}.{paise % 100:02d}"


def money(paise: int) -> Money:
    """An amount on the wire."""
    return Money(amount=rupees(paise), currency=CURRENCY)
