"""A payment gateway's orders: made under our own number, verified server to server, refunded under the same number.

Our reference is the order's and the refund's id, so a repeat can only be the same one, and everything can be asked for
by it. `verify` asks twice, for the order and for its payments: an order that ended proves nothing while a payment of it
may have gone through. Source: the gateway's public documentation, versions in README.md.
"""

from typing import Any

from adapters.gateway.cashfree import answers
from adapters.gateway.cashfree.face import Face
from adapters.gateway.cashfree.inbound import notice_of
from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.callback import Callback, Notice
from aggregator.sdk.model import Absent, Facts, Order, Reading, Receipt
from aggregator.sdk.reading import need_rows
from aggregator.sdk.rest import segment
from aggregator.sdk.wire import Wire

_MONTH_S = 30 * 86_400.0
_KEYED: dict[str, Any] = {
    "timeout_s": 20,
    "max_apply_delay_s": 120,
    "query_lag_s": 10,
    "key_ttl_s": _MONTH_S,
    "max_sends": 5,
}


def _path(order: Order) -> str:
    return f"/pg/orders/{segment(order.reference)}"


class Driver:
    """Orders, payments and refunds of one merchant account."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._face = Face(wire, settings)
        self._checkout = str(settings.option("checkout_url") or f"{settings.url.rstrip('/')}/checkout").rstrip("/")
        self._secret = settings.secret("client_secret")

    @operation(Class.KEYED, ref_in="body:order_id", already_exists_codes={"order_already_exists"}, **_KEYED)
    async def order(self, order: Order) -> Receipt:
        """Form `amount_paise`, `mobile`, `expires_at`, `return_url`. Nothing is charged by it."""
        row = await self._face.tell("/pg/orders", order, answers.new_order(order))
        return answers.ordered(row, order.reference)

    @operation(Class.KEYED, ref_in="body:refund_id", already_exists_codes={"refund_already_exists"}, **_KEYED)
    async def refund(self, order: Order) -> Receipt:
        """Form `refund_paise`. The bank decides later: pending until then."""
        return answers.refunded(
            await self._face.tell(f"{_path(order)}/refunds", order, answers.new_refund(order)), order.reference
        )

    @operation(Class.SAFE, timeout_s=15)
    async def verify(self, order: Order) -> Reading | Absent:
        row = await self._face.ask(_path(order))
        if row is None:
            return Absent("order_not_found")
        payments = [] if answers.is_open(row) else await self._face.ask(f"{_path(order)}/payments")
        return answers.standing(row, need_rows(payments or []), order.reference, self._checkout)

    @operation(Class.SAFE, timeout_s=15)
    async def track(self, order: Order) -> Reading | Absent:
        return await self.verify(order)

    @operation(Class.SAFE, timeout_s=15)
    async def find(self, order: Order) -> list[Receipt]:
        """The refund of an order, or the order itself, by our reference."""
        path = _path(order)
        if order.service == "refund":
            row = await self._face.ask(f"{path}/refunds/{segment(order.reference)}")
            return [] if row is None else [answers.refunded(row, order.reference)]
        row = await self._face.ask(path)
        return [] if row is None else [answers.ordered(row, order.reference)]

    @operation(Class.SAFE, timeout_s=60)
    async def settlement(self, order: Order) -> list[Facts]:
        """Form `day`, ISO: the lines the gateway settled on that day, in the columns of a payments file."""
        lines: list[Facts] = []
        cursor = ""
        for _ in range(answers.PAGES):
            page = await self._face.look("/pg/settlement/recon", answers.recon(order, cursor))
            lines += answers.settled(page)
            cursor = answers.cursor_of(page)
            if not cursor:
                break
        return lines

    def notified(self, callback: Callback) -> Notice:
        return notice_of(callback, self._secret)
