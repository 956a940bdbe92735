"""The first leg: the bill anew, the lock on it, and an order at the gateway, journaled before anybody may pay it.

One open payment per bill is a unique index of the database, so no race of two requests can be lost. The number of the
account is only in the sealed form; the lock knows it by a keyed blind index. Source: docs/outcomes.md section 12.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aggregator.cases import number, opening
from aggregator.cases.consolidate import case_view, leg_view
from aggregator.cases.keys import Key
from aggregator.cases.opening import AgencyNotOffered, FormInvalid, NewCase, Plan, UnknownService
from aggregator.cases.operation import ready
from aggregator.cases.orders import seal_form, seal_more
from aggregator.discovery.forms import violations
from aggregator.feed import events
from aggregator.payments import payment as rows
from aggregator.payments.payment import COLUMNS, Payment, Phase, payment_of
from aggregator.payments.till import BILL, POST, Till, told
from aggregator.registry.agency import Agency, Service
from aggregator.resilience.pipeline import Answer
from aggregator.sdk.clock import epoch_ms, new_id
from aggregator.sdk.errors import AgencyError, NotAttempted, Refused
from aggregator.sdk.model import Facts, Order
from aggregator.store import Run

ORDER_LIFE = timedelta(minutes=30)
"""How long the citizen may take at the bank."""
ACCOUNT_FIELDS = ("account", "consumer_code", "holding_no", "consumer_no", "consumer")
FILLED = ("amount_paise", "bill_number", "bill_id", "business_service", "bank_ref")
"""Fields of a biller's payment form that the bill or the gateway fills in, never the portal."""
_SIGNS = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """What a portal asks for: a bill by its service and the biller's payment form, or a case's fee by its case.

    `variant`: which of a fee's variants, where the agency named none. `return_url`: where the citizen's browser goes in
    the end; `origin`: ours, to which the gateway sends it first.
    """

    portal_id: str
    citizen_id: str
    service_id: str
    agency: str | None
    form: Mapping[str, Any]
    origin: str
    return_url: str = ""
    channel: str = ""
    case_id: str = ""
    variant: int | None = None


class NotPayable(Exception):
    """Nothing can be paid here; `reason` has a sentence in texts: no_gateway, no_bill, nothing_due, past_due ..."""

    def __init__(self, reason: str, agency: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.agency = agency


class BillUnanswered(Exception):
    """The biller did not show the bill. Without it nothing is collected."""

    def __init__(self, agency: str, retry_after_s: float | None) -> None:
        super().__init__(agency)
        self.agency = agency
        self.retry_after_s = retry_after_s


class BillTaken(Exception):
    """Another payment for this bill is open."""

    def __init__(self, first: Payment) -> None:
        super().__init__(first.id)
        self.first = first


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill as the biller shows it now. `key` tells two bills of an account apart."""

    key: str
    amount_paise: int
    values: Mapping[str, str]
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What is to be paid to whom, and what of it is sealed with the payment's own case.

    `account`: the blind index that the lock knows it by. `case_id`, `leg_id`: of the case whose fee it is.
    """

    service: Service
    biller: Agency
    gateway: Agency
    account: str
    bill: Bill
    form: dict[str, Any]
    case_id: str = ""
    leg_id: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A payment ready to be written."""

    payment: Payment
    plan: Plan
    more_sealed: str


async def draft(till: Till, new: NewPayment) -> Draft:
    """Checks what is asked, fetches the bill anew and mints every identifier; writes nothing.

    Raises UnknownService, AgencyNotOffered, FormInvalid, NotPayable, BillUnanswered, BillTaken.
    """
    service, biller, gateway = _parties(till, new)
    account = account_index(till, new.form)
    bill = await shown(till, biller, Order("", _bill_offer(till, biller, new.form), new.form), account)
    form = _filled(service, new.form, bill)
    errors = violations(service.form, form)
    if errors:
        raise FormInvalid(errors)
    return await drafted(
        till, new, Owed(service=service, biller=biller, gateway=gateway, account=account, bill=bill, form=form)
    )


def _parties(till: Till, new: NewPayment) -> tuple[Service, Agency, Agency]:
    registry = till.registry()
    service = registry.services.get(new.service_id)
    if service is None:
        raise UnknownService(new.service_id)
    if new.agency is not None and new.agency not in service.agencies:
        raise AgencyNotOffered(service.agencies)
    biller = registry.agencies[new.agency or service.agencies[0]]
    if service.kind != "PAYMENT" or service.operation != POST or BILL not in biller.operations:
        raise NotPayable("not_a_payment")
    gateway = till.gateway()
    if gateway is None:
        raise NotPayable("no_gateway")
    placeholders = {name: "0" for name in FILLED if name in service.form.get("required", ())}
    placeholders |= {"amount_paise": 100} if "amount_paise" in placeholders else {}  # type: ignore[dict-item]  # a form's values are Any
    errors = violations(service.form, {**placeholders, **new.form})
    if errors:
        raise FormInvalid(errors)
    return service, biller, gateway


def account_index(till: Till, form: Mapping[str, Any]) -> str:
    """The blind index of the account in a form, however it was spaced. Raises NotPayable for a form without one."""
    for name in ACCOUNT_FIELDS:
        found = _SIGNS.sub("", str(form.get(name, "")).upper())
        if found:
            return till.desk.vault.index(found, "payment.account")
    raise NotPayable("not_a_payment")


async def told_now(agency: Agency, operation: str, order: Order) -> Answer:
    """What the agency says at this moment. Raises NotPayable, BillUnanswered."""
    try:
        return await agency.guarded.read(operation, order, cached=False)
    except Refused as refused:
        raise NotPayable(refused.reason, agency.id) from refused
    except (AgencyError, NotAttempted) as away:
        raise BillUnanswered(agency.id, getattr(away, "retry_after_s", None)) from away


async def shown(till: Till, biller: Agency, order: Order, account: str) -> Bill:
    """The bill as the biller shows it now. Raises NotPayable, BillUnanswered, BillTaken."""
    answer = await told_now(biller, BILL, order)
    values = answer.value.values if isinstance(answer.value, Facts) else {}
    amount = str(values.get("amount_paise", ""))
    if not (amount.isdecimal() and int(amount) > 0):
        # Nothing is due any more: perhaps because a payment of it is on its way to us.
        open_now = await open_for(till, biller.id, account)
        if open_now is not None:
            raise BillTaken(open_now)
        raise NotPayable("nothing_due")
    if values.get("payable_here") == "no":
        raise NotPayable("past_due")
    key = values.get("bill_number") or values.get("bill_period") or values.get("period_from") or "advance"
    return Bill(str(key), int(amount), values, answer.as_of)


def _bill_offer(till: Till, biller: Agency, form: Mapping[str, Any]) -> str:
    """The offer under which this biller shows bills to such a form."""
    for service in till.registry().services.values():
        asks = service.operation == BILL and biller.id in service.agencies
        if asks and set(service.form.get("required", ())) <= form.keys():
            return service.offer
    return BILL


def _filled(service: Service, form: Mapping[str, Any], bill: Bill) -> dict[str, Any]:
    """The biller's payment form: what the portal gave, and what the bill says. The bill's amount decides."""
    fields = service.form.get("properties", {})
    told_by_bill = {name: bill.values[name] for name in FILLED if name in fields and name in bill.values}
    given = {name: value for name, value in form.items() if name not in FILLED}
    return {**given, **told_by_bill, "amount_paise": bill.amount_paise}


async def drafted(till: Till, new: NewPayment, owed: Owed) -> Draft:
    """A payment of what is owed, with its own case; nothing is written but the citizen's key, if it is the first."""
    gateway, biller, bill, form = owed.gateway, owed.biller, owed.bill, owed.form
    desk = till.desk
    owner = await desk.vault.key_for(new.citizen_id)
    at = desk.clock.now()
    payment_id, case_id = (new_id(prefix, desk.clock, desk.chance) for prefix in ("pay", "case"))
    order = replace(
        ready(
            desk.clock, desk.chance, case_id=case_id, leg_id=new_id("leg", desk.clock, desk.chance),
            agency=gateway.id, name="order", service="collect", sealed_for=owner,
        ),
        reference=payment_id.removeprefix("pay_"),
    )  # fmt: skip
    plan = Plan(
        case_id=case_id,
        number=number.mint(desk.chance),
        new=NewCase(new.portal_id, new.citizen_id, owed.service.id, biller.id, form, new.channel, ""),
        service=owed.service,
        operation=order,
        operation_class=gateway.operations["order"].effective.value,
        case=case_view([leg_view(order, [], epoch_ms(at))]),
        form_sealed=seal_form(desk.vault, owner, case_id, form),
        sealed_for=owner,
        livemode=biller.livemode or gateway.livemode,
        at=at,
    )
    expires = at + ORDER_LIFE
    back = f"{new.origin.rstrip('/')}/payments/{payment_id}/return"
    more = {"expires_at": expires.replace(microsecond=0).isoformat(), "return_url": back}
    payment = Payment(
        id=payment_id, case_id=case_id, portal_id=new.portal_id, citizen_id=new.citizen_id, agency=biller.id,
        gateway=gateway.id, account_index=owed.account, bill_key=bill.key, amount_paise=bill.amount_paise,
        bill_as_of_ms=epoch_ms(bill.as_of), order_id=order.id, post_id="", refund_id="",
        phase=Phase.PREPARING.value, reason_code="accepted", owner="system", word="", bank_reference="",
        gateway_payment="", pay_url="", return_url=new.return_url, asked=0, misses=0, missed_ms=None, disagreed=0,
        late=0, refund_wanted=0, warned=0, seen="", next_action_ms=epoch_ms(at), expires_ms=epoch_ms(expires),
        collected_ms=None, matched_ms=None, closed_ms=None, created_ms=epoch_ms(at), updated_ms=epoch_ms(at), version=1,
        for_case_id=owed.case_id, for_leg_id=owed.leg_id,
    )  # fmt: skip
    return Draft(payment, plan, seal_more(desk.vault, order, more))


async def write(run: Run, till: Till, made: Draft, key: Key) -> None:
    """T1 in one commit. Raises Conflict when the key, the number or the bill is taken."""
    await opening.write(run, till.desk, made.plan, key)
    await run("update operation set form_sealed = $1 where id = $2", made.more_sealed, made.payment.order_id)
    await rows.insert(run, made.payment)
    await events.append(run, [told("opened", made.payment, made.plan.at, phase=made.payment.phase)])


async def open_for(till: Till, agency: str, account: str, bill_key: str = "") -> Payment | None:
    """The open payment of an account, of this bill if one is named."""
    where = "agency = $1 and account_index = $2 and closed_ms is null and late = 0"
    args = [agency, account]
    if bill_key:
        where, args = f"{where} and bill_key = $3", [*args, bill_key]
    found = await till.desk.store.read(f"select {COLUMNS} from payment where {where} order by id limit 1", *args)  # noqa: S608 - our own clauses
    return payment_of(found[0]) if found else None
