"""Agencies that implement our own Agency API instead of waiting for a driver: four calls and a signed push.

The whole contract is docs/agency-api.md and the OpenAPI file beside this one; the simulator is its reference
implementation. Our reference is the idempotency key, so nothing here ever has to be looked for after a doubt.
"""

import json
from typing import Any

from adapters.agencyapi.standard.face import Face, digest_of, echoed, papers, reading, receipt, record
from adapters.agencyapi.standard.signature import NotSigned, key_of, verified
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Order, Reading, Receipt
from aggregator.sdk.reading import need_rows, value_of
from aggregator.sdk.rest import parse_json, segment
from aggregator.sdk.wire import Wire

_MONTH_S = 30 * 86_400.0
_EVER, _NEVER = "2000-01-01T00:00:00Z", "2999-12-31T00:00:00Z"
_NONE = "not_found"
_WRITE: dict[str, Any] = {"ref_in": "header:Idempotency-Key", "shed_unsent_codes": {"429"}}


class Driver:
    """Submit, status, find, list and cancel; notices of every change."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.face = Face(wire, settings)
        secrets = (settings.secrets.get(name, "") for name in ("callback_secret", "callback_secret_next"))
        self._keys = [key_of(secret) for secret in secrets if secret]

    @operation(Class.KEYED, timeout_s=20, max_apply_delay_s=300, query_lag_s=60, key_ttl_s=_MONTH_S, **_WRITE)
    async def submit(self, order: Order) -> Receipt:
        form = {name: value for name, value in order.form.items() if name not in order.documents}
        body: dict[str, Any] = {"service": order.service, "reference": order.reference, "form": form}
        if order.documents:
            body["documents"] = papers(order)
        return receipt(echoed(await self.face.tell("/v1/requests", order, body), order))

    @operation(Class.SAFE, timeout_s=10, by_form=True)
    async def find(self, order: Order) -> list[Receipt]:
        """Every request under our reference; without one, the request of the number, or those with the same form."""
        if order.agency_reference and not order.reference:
            row = await self._one(order)
            return [] if row is None else [receipt(row)]
        if not order.reference:
            since = order.at.isoformat() if order.at else _EVER
            rows = await self.face.listed(since, _NEVER)
            return [receipt(row) for row in rows if value_of(row, "form_digest") == digest_of(order)]
        body = await self.face.ask("/v1/requests", reference=order.reference)
        rows = [record(row) for row in need_rows(body, "requests")] if body is not None else []
        if any(row["reference"] != order.reference for row in rows):
            raise ContractBroken("the search shows another reference than the one asked for")
        return [receipt(row) for row in rows]

    @operation(Class.SAFE, timeout_s=20)
    async def changes(self, order: Order) -> list[Receipt]:
        """Every request they took between form `from` and `to`, RFC 3339."""
        return [receipt(row) for row in await self.face.listed(str(order.form["from"]), str(order.form["to"]))]

    @operation(Class.SAFE, timeout_s=10, fresh_s=30)
    async def track(self, order: Order) -> Reading | Absent:
        row = await self._one(order)
        if row is None:
            return Absent(_NONE)
        if order.reference and row["reference"] != order.reference:
            raise ContractBroken("the record of this number is another citizen's")
        return reading(row)

    @operation(Class.IDEMPOTENT, timeout_s=15, max_apply_delay_s=60, query_lag_s=5, **_WRITE)
    async def cancel(self, order: Order) -> Receipt:
        body = {"reference": order.reference, "reason": str(order.form.get("reason", ""))[:500]}
        row = await self.face.tell(f"/v1/requests/{segment(order.agency_reference)}/cancel", order, body)
        got = receipt(echoed(row, order))
        if got.agency_code != "WITHDRAWN":
            raise ContractBroken("the request is not withdrawn")
        return got

    def notified(self, callback: Callback) -> Notice:
        """A notice of one change. The number, the state and our reference are told; nothing about the citizen."""
        if not self._keys:
            raise Unverified("no callback secret is set", _refusal("not_accepted", 404))
        try:
            event_id = verified(callback, self._keys)
        except NotSigned as no:
            raise Unverified(no.why, _refusal("signature_invalid", 401)) from no
        try:
            body = parse_json(callback.body)
            row = record(value_of(body, "request"))
            told = reading(row)
        except ContractBroken as broken:
            raise Unverified("the notice cannot be read", _refusal("notice_unreadable", 400)) from broken
        return Notice(
            ack=Ack(b'{"received":true}'),
            event_id=event_id,
            reference=row["reference"],
            agency_reference=row["id"],
            reading=told,
            content=row,
        )

    async def _one(self, order: Order) -> Any:
        body = await self.face.ask(f"/v1/requests/{segment(order.agency_reference)}")
        return None if body is None else echoed(record(body), order)


def _refusal(code: str, status: int) -> Ack:
    return Ack(json.dumps({"error": {"code": code}}).encode(), status=status)
