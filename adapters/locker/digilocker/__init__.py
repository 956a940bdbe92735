"""Issued documents by DigiLocker's pull interface: signed XML over HTTPS, one round trip, nothing changed.

A paper is asked for by its URI (`pulldoc`) or, where the citizen knows only its kind and number, by both (`pulluri`).
What comes back counts only if it answers this very request (`txn`) and is the paper that was asked for.
"""

from adapters.locker.digilocker.messages import pull_document, pull_uri
from adapters.locker.digilocker.records import paper, refuse_fault
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.auth import BodyHmac
from aggregator.sdk.model import Absent, Document, Order
from aggregator.sdk.wire import Wire
from aggregator.sdk.xml import XmlClient

_HEADERS = {"Content-Type": "application/xml"}
CAP_BYTES = 8 * 1_048_576
"""Five mebibytes of document are seven in Base64."""


class Driver:
    """Documents by reference, from one issuer."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._org_id = str(settings.option("org_id", ""))
        signed = BodyHmac(settings.secret("hmac_key"))
        self._api = XmlClient(wire, settings.url, auth=signed, headers=_HEADERS, judge=refuse_fault)

    @operation(Class.SAFE, timeout_s=10, cap_bytes=CAP_BYTES)
    async def document(self, order: Order) -> Document | Absent:
        path, body = ("/pulldoc", pull_document) if order.form.get("uri") else ("/pulluri", pull_uri)
        answer = await self._api.post(path, body(order, self._org_id), effect=False, cap=CAP_BYTES)
        return paper(answer, order)
