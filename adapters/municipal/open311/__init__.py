"""Civic reports to any city that speaks Open311 GeoReport v2, in XML or JSON. Facts, marks and gaps: README.md.

What may be promised depends on the city's service, and a class is declared per operation: so reports that can be read
back are one operation, reports to a blackbox another. Why none is called unique: README.md, "The class".
"""

from typing import Any

from adapters.municipal.open311 import reports
from adapters.municipal.open311.catalogue import Catalogue
from adapters.municipal.open311.face import Face, Row
from adapters.municipal.open311.records import Records, only
from adapters.municipal.open311.vocabulary import DEFINITION, DISCOVERY, REQUESTS, SERVICES, UPDATES
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt
from aggregator.sdk.reading import clean, need, need_rows, value_of
from aggregator.sdk.rest import segment
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Wire

TOKEN = "token:"  # noqa: S105 - a mark before a number, not a secret
"""Stands before the number of a report that has no request id yet."""
_NONE = "404"
_WRITE: dict[str, Any] = {"timeout_s": 20, "max_apply_delay_s": 300, "query_lag_s": 120}


class Driver:
    """Reports, their status and their comments."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.face = Face(wire, settings)
        self.catalogue = Catalogue(settings)
        self.records = Records(self.face, by_list=settings.option("track", "single") == "list")
        self._with_updates = bool(settings.option("updates", default=False))

    @operation(Class.SAFE, timeout_s=5)
    async def probe(self, order: Order) -> None:  # noqa: ARG002 - every operation takes its order
        need_rows(only(await self.face.ask("/discovery", DISCOVERY)), "endpoints")

    @operation(Class.SAFE, timeout_s=10, fresh_s=3600)
    async def list_services(self, order: Order) -> list[Facts]:  # noqa: ARG002
        """What the city takes reports for. Asked at the start, it finds an offer configured as another kind."""
        rows = await self.face.ask("/services", SERVICES)
        return [self.catalogue.service(row) for row in rows or []]

    @operation(Class.SAFE, timeout_s=10, fresh_s=3600)
    async def form(self, order: Order) -> list[Facts] | Absent:
        """The questions the city adds to the form of one service, in their order."""
        code = self.catalogue.code(order.service)
        rows = await self.face.ask(f"/services/{segment(code)}", DEFINITION)
        if rows is None:
            return Absent(_NONE)
        row = only(rows)
        if self.catalogue.known(str(need(row, "service_code"))) != code:
            raise ContractBroken("the definition is another service's")
        return [reports.attribute(one) for one in value_of(row, "attributes", []) or []]

    @operation(Class.QUERYABLE, ref_in="text:description", **_WRITE)
    async def submit(self, order: Order) -> Receipt:
        self.catalogue.refuse_unsettled(order.service)
        row = await self._report(order)
        number, token = str(value_of(row, "service_request_id", "")), str(value_of(row, "token", ""))
        if not (number or token):
            if not self.catalogue.is_blackbox(order.service):
                raise ContractBroken("the answer has neither a request id nor a token")
            number = order.reference
        notice = clean(value_of(row, "service_notice", ""))
        return Receipt(number or TOKEN + token, reference=order.reference, facts={"notice": notice} if notice else {})

    @operation(Class.OPAQUE, timeout_s=20, ref_in="text:description")
    async def submit_blackbox(self, order: Order) -> Receipt:
        """A report nobody will number: our own reference is the only one it will ever have."""
        await self._report(order)
        return Receipt(order.reference, reference=order.reference)

    @operation(Class.QUERYABLE, ref_in="text:description", **_WRITE)
    async def reply(self, order: Order) -> Receipt:
        """A comment on a report: form `comment`."""
        text = reports.marked(order.form["comment"], order.reference)
        fields = [("service_request_id", order.agency_reference), ("description", text)]
        if order.at is not None:
            fields.append(("updated_datetime", order.at.isoformat(timespec="seconds")))
        row = await self.face.tell("/servicerequestupdates", UPDATES, fields)
        return Receipt(str(need(row, "update_id")), reference=order.reference)

    @operation(Class.SAFE, timeout_s=15, by_form=True)
    async def find(self, order: Order) -> list[Receipt]:
        """Every record or comment whose text carries our reference; without one, the record of the number, or alike."""
        if order.agency_reference and not order.reference:
            row = await self.records.record(order.agency_reference)
            return [] if row is None else [reports.found(row)]
        if "comment" in order.form:
            rows = await self.records.updates(order.agency_reference, **reports.window(order))
            return [
                Receipt(str(need(row, "update_id")), reference=order.reference)
                for row in rows
                if reports.carries(row, order.reference)
            ]
        code = self.catalogue.code(order.service)
        rows = [row async for row in self.records.search(service_code=code, **reports.window(order))]
        if not order.reference:
            return [reports.found(row, reports.mark_of(row)) for row in rows if reports.says_the_same(row, order)]
        return [reports.found(row, order.reference) for row in rows if reports.carries(row, order.reference)]

    @operation(Class.SAFE, timeout_s=12, fresh_s=60)
    async def track(self, order: Order) -> Reading | Absent:
        number = order.agency_reference or str(order.form.get("request_id", ""))
        if order.reference and number == order.reference:
            return Reading(Status.SUBMITTED, "", detail="BLACKBOX")
        if number.startswith(TOKEN):
            known = await self.records.resolved(number.removeprefix(TOKEN))
            if not known:
                return Absent(_NONE) if known is None else Reading(Status.SUBMITTED, "", detail="TOKEN")
            number = known
        row = await self.records.record(number)
        if row is None:
            return Absent(_NONE)
        got = reports.reading(row, order)
        if not (self._with_updates and got.status is Status.SUBMITTED):
            return got
        latest = max(map(reports.update, await self.records.updates(number)), key=_when, default=None)
        return latest if latest is not None and latest.agency_code else got

    @operation(Class.SAFE, timeout_s=15)
    async def changes(self, order: Order) -> list[Receipt]:
        """The reports made between form `from` and `to` (RFC 3339, at most 90 days apart)."""
        wanted = {"start_date": str(order.form["from"]), "end_date": str(order.form["to"])}
        rows = [row async for row in self.records.search(**wanted)]
        return [reports.listed(row, self.catalogue.offer(str(value_of(row, "service_code", "")))) for row in rows]

    @operation(Class.SAFE, timeout_s=12)
    async def history(self, order: Order) -> list[Reading]:
        """What happened to one report, oldest first."""
        return sorted(map(reports.update, await self.records.updates(order.agency_reference)), key=_when)

    async def _report(self, order: Order) -> Row:
        code = self.catalogue.code(order.service)
        fields = reports.report(order, code, self.catalogue.attributes(order.service))
        return await self.face.tell("/requests", REQUESTS, fields)


def _when(step: Reading) -> float:
    return step.at.timestamp() if step.at else 0.0
