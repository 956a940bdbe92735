"""The fee of a case: what the agency asks for now, collected like a bill and posted at the leg that applied.

A fee is payable while the agency itself, asked anew, says that it waits for money, and only where its interface has a
place for the payment: elsewhere nothing is collected, and that is said. The amount is the agency's own: its open bill,
else what it named when it took the application, else the city's table. Source: docs/decisions/041.
"""

from dataclasses import replace

from aggregator.cases.act import hindered, offering
from aggregator.cases.desk import UnknownCase
from aggregator.cases.opening import FormInvalid
from aggregator.cases.operation import COLUMNS, operation_of
from aggregator.cases.orders import order_of
from aggregator.cases.record import CaseRecord, LegRecord, load
from aggregator.discovery.fees import quoted
from aggregator.discovery.forms import FormError
from aggregator.payments.collect import (
    FILLED,
    Bill,
    BillTaken,
    Draft,
    NewPayment,
    NotPayable,
    Owed,
    drafted,
    open_for,
    shown,
    told_now,
)
from aggregator.payments.till import BILL, Till
from aggregator.registry.agency import Agency, Service
from aggregator.sdk.model import Order, Reading
from aggregator.sdk.status import Status

PAY = "PAY"
KEY = "fee"
"""The `bill_key` of every fee: a leg has one."""
_FIRST = f"select {COLUMNS} from operation where leg_id = $1 order by created_ms, id limit 1"  # noqa: S608 - a constant


async def draft(till: Till, new: NewPayment) -> Draft:
    """Asks the agency whether and how much it waits for, and mints every identifier; writes nothing.

    Raises UnknownCase, NotPayable, BillUnanswered, BillTaken, FormInvalid, NoSuchVariant.
    """
    record = await _case(till, new)
    service, gateway = till.registry().services.get(record.service_id), till.gateway()
    if service is None or record.kind == "PAYMENT":
        raise NotPayable("not_a_fee")
    if gateway is None:
        raise NotPayable("no_gateway")
    leg, agency = await _leg(till, record)
    order = await _order(till, leg)
    account = index_of(till, leg)
    bill = await _due(till, new, service, (agency, order, account))
    mobile = str(order.form.get("mobile") or new.form.get("mobile") or "")
    if not mobile:
        raise FormInvalid([FormError("/form/mobile", "required")])
    filled = {name: value for name, value in bill.values.items() if name in FILLED}
    owed = Owed(
        service=replace(service, kind="PAYMENT"),
        biller=agency,
        gateway=gateway,
        account=account,
        bill=bill,
        form={**filled, "mobile": mobile, "amount_paise": bill.amount_paise},
        case_id=record.id,
        leg_id=leg.id,
    )
    return await drafted(till, replace(new, citizen_id=record.citizen_id), owed)


async def _case(till: Till, new: NewPayment) -> CaseRecord:
    desk = till.desk
    mine = "id = $1 and portal_id = $2"
    found = await load(desk.store, desk.vault, desk.clock.now(), mine, new.case_id, new.portal_id)
    if not found:
        raise UnknownCase
    return found[0]


async def _leg(till: Till, record: CaseRecord) -> tuple[LegRecord, Agency]:
    """The leg whose agency takes the fee. A payment that is under way answers for itself."""
    found = list(offering(till.registry(), record, PAY))
    takes = [(leg, agency) for leg, agency in found if PAY.lower() in agency.operations]
    if not takes:
        raise NotPayable("no_posting", record.legs[0].agency)
    for leg, agency in takes:
        first = await open_for(till, agency.id, index_of(till, leg), KEY)
        if first is not None:
            raise BillTaken(first)
    why = [(hindered(PAY, leg, agency, record), leg, agency) for leg, agency in takes]
    for hindrance, leg, agency in why:
        if not hindrance:
            return leg, agency
    raise NotPayable(f"fee_{why[0][0]}", why[0][2].id)


def index_of(till: Till, leg: LegRecord) -> str:
    """By what the lock knows a fee: the agency's own number of the application, blind."""
    return till.desk.vault.index(leg.agency_reference or leg.id, "payment.fee")


async def _order(till: Till, leg: LegRecord) -> Order:
    found = await till.desk.store.read(_FIRST, leg.id)
    return await order_of(till.desk.store, till.desk.vault, operation_of(found[0]))


async def _due(till: Till, new: NewPayment, service: Service, asked: tuple[Agency, Order, str]) -> Bill:
    """What the agency waits for now. Raises NotPayable, BillUnanswered, BillTaken, NoSuchVariant."""
    agency, order, account = asked
    told = await told_now(agency, "track", order)
    if not isinstance(told.value, Reading) or told.value.status is not Status.AWAITING_PAYMENT:
        raise NotPayable("fee_not_awaited", agency.id)
    if BILL in agency.operations:
        return replace(await shown(till, agency, order, account), key=KEY)
    named = await till.desk.store.read(
        "select fee_paise from leg where agency = $1 and agency_reference = $2 and agency_reference <> ''"
        " and fee_paise is not null",
        agency.id,
        order.agency_reference,
    )
    paise = named[0]["fee_paise"] if named else quoted(service.fee, order.form, new.variant).total_paise
    if not paise:
        raise NotPayable("fee_unknown", agency.id)
    return Bill(KEY, paise, {}, told.as_of)
