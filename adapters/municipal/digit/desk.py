"""The complaints desk: every write is queued behind its 200, so what is not shown yet is not yet missing.

A complaint with our reference that the search does not show is SUBMITTED for ten minutes from the first look that
missed it; after that it is `confirmed_but_missing`, which moves nothing and calls people.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.municipal.digit import complaints
from adapters.municipal.digit.complaints import HISTORY, SEARCH, UPDATE
from adapters.municipal.digit.gateway import Platform
from adapters.municipal.digit.records import number_of
from adapters.municipal.digit.vocabulary import MISSING, PGR, QUEUED
from adapters.municipal.digit.workflow import Vocabulary
from aggregator.sdk.errors import ContractBroken, Refused, Unavailable
from aggregator.sdk.model import Absent, Order, Reading, Receipt
from aggregator.sdk.reading import need
from aggregator.sdk.status import Status

_PAGE, _PAGES = 100, 5
_PATIENCE_S = 600.0
_REMEMBERED = 10_000
_LAG = timedelta(seconds=30)

Rows = list[Mapping[str, Any]]


class Desk:
    """Complaints of one tenant."""

    def __init__(self, platform: Platform, words: Vocabulary) -> None:
        self._platform = platform
        self._words = words
        self._missed: dict[str, float] = {}

    async def find(self, order: Order) -> list[Receipt]:
        """By its number, or by mobile number and our reference; a later step by our reference in its history."""
        if not order.agency_reference:
            return [complaints.receipt(one) for one in await self._of_mobile(order)]
        found = [complaints.receipt(one) for one in await self._numbered(order)]
        if not order.reference or any(one.reference == order.reference for one in found):
            return found
        return complaints.step(order, order.agency_reference, await self._process(order))

    async def track(self, order: Order) -> Reading | Absent:
        number = number_of(order)
        found = await self._numbered(order)
        if not found:
            return self._not_shown(order, number)
        self._missed.pop(number, None)
        service = found[0]
        if not order.reference and complaints.another_citizen(service, complaints.mobile_of(order)):
            return Absent("not found")
        changed = complaints.stamp(service, "lastModifiedTime")
        return await self._words.reading(PGR, service.get("applicationStatus"), at=changed)

    async def history(self, order: Order) -> list[Reading]:
        """Every step, in their order; the action is the remark."""
        steps = []
        for row in await self._process(order):
            state = row.get("state")
            word = state.get("applicationStatus") if isinstance(state, Mapping) else state
            at, action = complaints.stamp(row, "createdTime"), row.get("action")
            steps.append(await self._words.reading(PGR, word, at=at, remark=action))
        return steps

    async def update(self, order: Order, action: str, **changed: Any) -> Receipt:
        """A step on a complaint as it stands: the whole record goes back, with a note that carries our reference."""
        found = await self._numbered(order)
        if not found and self._young(order.agency_reference):
            raise Unavailable("the complaint still waits in their queue", _LAG.total_seconds())
        if not found:
            raise Refused("not found", "not_found")
        created = complaints.stamp(found[0], "createdTime")
        young = created is not None and self._platform.clock.now() - created < _LAG
        service = {**complaints.sent_back(found[0]), **changed}
        workflow = {"action": action, "comments": complaints.note(order), "verificationDocuments": []}
        body = {"service": service, "workflow": workflow}
        tenant = self._platform.tenant
        reply = await self._platform.tell(order, UPDATE, body, young=young, tenantId=tenant)
        got = complaints.receipt(only(reply))
        if got.agency_reference.upper() != number_of(order):
            raise ContractBroken("the reply shows another complaint")
        code, at = got.agency_code, complaints.stamp(only(reply), "lastModifiedTime")
        return Receipt(got.agency_reference, agency_code=code, reference=order.reference, at=at)

    async def _numbered(self, order: Order) -> Rows:
        """The complaint of this number, or none. Raises ContractBroken for another one, or another citizen's."""
        number, mobile = number_of(order), complaints.mobile_of(order)
        found = await self._search(order, serviceRequestId=number)
        if any(str(need(one, "serviceRequestId")).upper() != number for one in found):
            raise ContractBroken("the reply shows another complaint")
        if order.agency_reference and any(complaints.another_citizen(one, mobile) for one in found):
            raise ContractBroken("the complaint shows another citizen")
        return found

    async def _of_mobile(self, order: Order) -> Rows:
        """Page by page until nothing new comes: some answer every page number with the same page."""
        asked = {"mobileNumber": complaints.mobile_of(order), "fromDate": complaints.since(order), "limit": _PAGE}
        known: dict[str, Mapping[str, Any]] = {}
        for page in range(_PAGES):
            got = await self._search(order, **asked, offset=page * _PAGE)
            fresh = {str(need(one, "serviceRequestId")): one for one in got}
            full = len(got) >= _PAGE and fresh.keys() - known.keys()
            known |= fresh
            if not full:
                return [one for one in known.values() if complaints.may_be_ours(one, order)]
        raise ContractBroken(f"the search shows more than {_PAGE * _PAGES} complaints of one citizen")

    async def _search(self, order: Order, **query: Any) -> Rows:
        tenant = self._platform.tenant
        rows = await self._platform.rows(order, SEARCH, "ServiceWrappers", tenantId=tenant, **query)
        return [complaints.service_in(row) for row in rows]

    async def _process(self, order: Order) -> Rows:
        number = number_of(order)
        query = {"tenantId": self._platform.tenant, "businessIds": number, "history": "true"}
        rows = await self._platform.rows(order, HISTORY, "ProcessInstances", **query)
        if any(str(need(row, "businessId")).upper() != number for row in rows):
            raise ContractBroken("the history shows another complaint")
        return rows

    def _not_shown(self, order: Order, number: str) -> Reading | Absent:
        if not order.reference:
            return Absent("not found")
        return Reading(Status.SUBMITTED, "", detail=QUEUED) if self._young(number) else Absent(MISSING)

    def _young(self, number: str) -> bool:
        """Whether it is too early to call this one missing; the first look that misses it starts the time."""
        now = self._platform.clock.monotonic()
        if len(self._missed) >= _REMEMBERED:
            self._missed.clear()
        return now - self._missed.setdefault(number, now) < _PATIENCE_S


def only(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one complaint of a write's answer."""
    rows = reply.get("ServiceWrappers")
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], Mapping):
        raise ContractBroken("one complaint was sent and the reply shows another number of them")
    return complaints.service_in(rows[0])
