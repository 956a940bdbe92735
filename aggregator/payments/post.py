"""The second leg: what was verified is posted at the biller, in the biller's class, and entered when it is proved.

The operation is born in the commit that enters the money as held: there is no instant in which money is held and
nobody is to pass it on.
"""

from datetime import datetime

from aggregator.cases import standing
from aggregator.cases.opening import insert_leg, insert_operation
from aggregator.cases.operation import Operation
from aggregator.cases.orders import seal_more
from aggregator.feed.events import NewEvent
from aggregator.payments.ledger import Entry, Fact, enter, sums
from aggregator.payments.payment import Payment
from aggregator.payments.till import POST, Till, asked, begun
from aggregator.registry.agency import Agency
from aggregator.sdk.clock import new_id
from aggregator.store import Run


async def begin(run: Run, till: Till, payment: Payment, at: datetime) -> tuple[Operation, list[NewEvent]]:
    """The biller's leg and its one operation, READY; the caller appends the events."""
    biller: Agency = till.registry().agencies[payment.agency]
    desk = till.desk
    services = await run("select service_id from cases where id = $1", payment.case_id)
    service = till.registry().services.get(services[0]["service_id"])
    offer = service.offer if service is not None else POST
    op = asked(till, payment, new_id("leg", desk.clock, desk.chance), agency=biller.id, name=POST, service=offer)
    await insert_leg(run, op, position=2)
    more = seal_more(desk.vault, op.id, {"bank_ref": payment.gateway_payment})
    await insert_operation(run, op, biller.operations[POST].effective.value, more)
    return op, [begun(op, at), *await standing.refresh(run, op, at)]


async def enter_posted(run: Run, till: Till, payment: Payment, op: Operation, at: datetime) -> bool:
    """Enters what the biller confirmed; False when it had no more money to come, and owes us some now."""
    money = await sums(run, payment.id)
    owed = money.held < payment.amount_paise
    known = await run(
        "select id from money_entry where payment_id = $1 and fact = 'posted' and subject = $2", payment.id, op.id
    )
    if known:
        return True
    entry = Entry(
        payment_id=payment.id,
        fact=Fact.RECOVERABLE if owed else Fact.POSTED,
        subject=op.id,
        amount_paise=payment.amount_paise,
        operation_id=op.id,
        attempt=op.attempt,
        evidence=op.agency_reference,
    )
    await enter(run, till.pen, entry, at)
    return not owed
