"""The second leg: what was verified is posted at the biller, in the biller's class, and entered when it is proved.

The operation is born in the commit that enters the money as held: there is no instant in which money is held and
nobody is to pass it on. A fee's is born at the leg that applied, so that the agency finds its own number in it.
"""

from dataclasses import replace
from datetime import datetime

import orjson

from aggregator.cases import standing
from aggregator.cases.opening import insert_leg, insert_operation
from aggregator.cases.operation import Operation
from aggregator.cases.orders import seal_more
from aggregator.feed.events import NewEvent
from aggregator.payments.ledger import Entry, Fact, enter, sums
from aggregator.payments.payment import Payment
from aggregator.payments.till import POST, SETTLED_NO, Till, asked, begun
from aggregator.registry.agency import Agency
from aggregator.sdk.clock import epoch_ms, from_ms, new_id
from aggregator.sdk.status import FINAL, Status
from aggregator.store import Run


async def begin(run: Run, till: Till, payment: Payment, at: datetime) -> tuple[Operation | None, list[NewEvent]]:
    """The biller's operation, READY, or None where it wants no money any more; the caller appends the events."""
    if payment.for_leg_id:
        return await _for_fee(run, till, payment, at)
    biller: Agency = till.registry().agencies[payment.agency]
    desk = till.desk
    [case] = await run("select service_id, sealed_for from cases where id = $1", payment.case_id)
    service = till.registry().services.get(case["service_id"])
    offer = service.offer if service is not None else POST
    leg_id, owner = new_id("leg", desk.clock, desk.chance), case["sealed_for"]
    op = asked(till, payment, leg_id, agency=biller.id, name=POST, service=offer, sealed_for=owner)
    await insert_leg(run, op, position=2)
    more = seal_more(desk.vault, op, {"bank_ref": payment.gateway_payment})
    await insert_operation(run, op, biller.operations[POST].effective.value, more)
    return op, [begun(op, at), *await standing.refresh(run, op, at)]


async def _for_fee(run: Run, till: Till, payment: Payment, at: datetime) -> tuple[Operation | None, list[NewEvent]]:
    """None when the application has ended or its fee was paid in another way: then the money goes back."""
    desk = till.desk
    leg = (await run("select status from leg where id = $1", payment.for_leg_id))[0]
    asked_before = await run("select state from operation where leg_id = $1 and name = $2", payment.for_leg_id, POST)
    if Status(leg["status"]) in FINAL or any(row["state"] not in SETTLED_NO for row in asked_before):
        return None, []
    first = await standing.first_operation(run, payment.for_leg_id)
    op = asked(
        till,
        payment,
        first.leg_id,
        agency=payment.agency,
        name=POST,
        service=first.service,
        sealed_for=first.sealed_for,
    )
    op = replace(op, case_id=payment.for_case_id)
    rows = await run("select form_sealed from cases where id = $1", payment.case_id)
    sealed = desk.vault.open(rows[0]["form_sealed"], table="cases", row=payment.case_id, column="form_sealed")
    paid_at = from_ms(payment.collected_ms or epoch_ms(at)).isoformat(timespec="seconds")
    more = {**orjson.loads(sealed), "bank_ref": payment.gateway_payment, "paid_at": paid_at}
    biller: Agency = till.registry().agencies[payment.agency]
    await insert_operation(run, op, biller.operations[POST].effective.value, seal_more(desk.vault, op, more))
    await run("update cases set version = version + 1 where id = $1", op.case_id)
    return op, [begun(op, at)]


async def enter_posted(run: Run, till: Till, payment: Payment, op: Operation, at: datetime) -> bool:
    """Enters what the biller confirmed; False when it had no more money to come, and owes us some now."""
    money = await sums(run, payment.id)
    owed = money.held < payment.amount_paise
    unsaid = await run("select id from money_entry where payment_id = $1 and fact = 'unposted'", payment.id)
    # Posted, unsaid by the biller and posted again is another fact than the first time.
    subject = op.id if not unsaid else f"{op.id} {len(unsaid) + 1}"
    known = await run(
        "select id from money_entry where payment_id = $1 and fact = 'posted' and subject = $2", payment.id, subject
    )
    if known:
        return True
    entry = Entry(
        payment_id=payment.id,
        fact=Fact.RECOVERABLE if owed else Fact.POSTED,
        subject=subject,
        amount_paise=payment.amount_paise,
        operation_id=op.id,
        attempt=op.attempt,
        evidence=op.agency_reference,
    )
    await enter(run, till.pen, entry, at)
    return not owed
