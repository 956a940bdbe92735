"""Requests to the central unit: roots in the network's namespace, children in none, attributes everywhere.

No PAN or AADHAAR tag is ever written. Order of children as listed in the electricity protocol, section 2.
"""

from collections.abc import Mapping

from adapters.electricity.bbps.codes import DISPOSITIONS
from adapters.electricity.bbps.identity import Identity, Ids
from aggregator.sdk.errors import Refused
from aggregator.sdk.form import fits, normal
from aggregator.sdk.model import Order
from aggregator.sdk.reading import clean
from aggregator.sdk.xml import Element, element

NAMESPACE = "http://bbps.org/schema"
_CURRENCY = "356"
_DESCRIPTION_MAX = 255


def part(tag: str, /, *children: Element, **attributes: str) -> Element:
    """An element without namespace; attributes may be called anything, `name` and `text` too."""
    made = element(tag, *children)
    made.attrib.update(attributes)
    return made


def root(tag: str, /, *children: Element, **attributes: str) -> Element:
    made = element(f"{{{NAMESPACE}}}{tag}", *children, nsmap={"bbps": NAMESPACE})
    made.attrib.update(attributes)
    return made


def head(identity: Identity, ids: Ids) -> Element:
    return part("Head", ver="1.0", ts=ids.ts, origInst=identity.institution, refId=ids.ref_id)


def tags(values: Mapping[str, str]) -> list[Element]:
    return [part("Tag", name=name, value=value) for name, value in values.items() if value]


def account(order: Order) -> str:
    """The account number, without what people type between the digits. Raises Refused."""
    found = normal("discom_account", str(order.form.get("account", "")))
    if not fits("discom_account", found):
        raise Refused("account", "number_invalid", fields={"account": "12 digits, as on the bill"})
    return found


def fetch(identity: Identity, ids: Ids, order: Order) -> Element:
    txn = part("Txn", ts=ids.ts, msgId=ids.msg_id)
    who = _customer(order), _agent(identity)
    return root(
        "BillFetchRequest", head(identity, ids), _analytics("FETCH", ids), txn, *who, _bill_details(identity, order)
    )


def validation(identity: Identity, ids: Ids, order: Order) -> Element:
    return root("BillValidationRequest", head(identity, ids), _agent(identity), _bill_details(identity, order))


def payment(identity: Identity, ids: Ids, order: Order, txn_reference: str) -> Element:
    """`paymentRefId` is our own reference: the answer shows it back."""
    amount = str(amount_paise(order))
    txn = part(
        "Txn",
        ts=ids.ts,
        msgId=ids.msg_id,
        type="FORWARD TYPE REQUEST",
        txnReferenceId=txn_reference,
        paymentRefId=order.reference,
    )
    bill = {"amount": amount, "billNumber": clean(order.form.get("bill_number", ""))}
    how = {"quickPay": "No", "splitPay": "No", "OFFUSPay": "No", "paymentMode": "Internet Banking"}
    paid = part("Amt", amount=amount, custConvFee="0", currency=_CURRENCY)
    return root(
        "BillPaymentRequest",
        head(identity, ids),
        _analytics("PAY", ids),
        txn,
        _customer(order),
        _agent(identity),
        _bill_details(identity, order),
        part("BillerCategory", category="Electricity"),
        part("BillerResponse", **{name: value for name, value in bill.items() if value}),
        part("PaymentMethod", **how),
        part("Amount", paid),
        part("PaymentInformation", *tags({"Remarks": str(order.form.get("bank_ref", "")) or order.reference})),
    )


def amount_paise(order: Order) -> int:
    """Raises Refused for anything but a positive whole number of paise."""
    given = str(order.form.get("amount_paise", ""))
    if not (given.isascii() and given.isdecimal() and 0 < int(given) < 10**12):
        raise Refused("amount_paise", "fields_invalid", fields={"amount_paise": "a positive number of paise"})
    return int(given)


def status(identity: Identity, ids: Ids, txn_reference: str) -> Element:
    asked = part("TxnStatusReq", txnReferenceId=txn_reference)
    return root("TxnStatusRequest", head(identity, ids), part("Txn", ts=ids.ts, msgId=ids.msg_id), asked)


def complaint(identity: Identity, ids: Ids, order: Order) -> Element:
    disposition = str(order.form.get("disposition", ""))
    if disposition not in DISPOSITIONS:
        raise Refused("disposition", "fields_invalid", fields={"disposition": "one of the listed ones"})
    return _complain(
        identity,
        ids,
        complaintType="Transaction",
        txnReferenceId=str(order.form.get("txn_reference_id", "")),
        mobile=_mobile(order),
        disposition=disposition,
        description=clean(order.form.get("details", ""))[:_DESCRIPTION_MAX],
    )


def complaint_status(identity: Identity, ids: Ids, complaint_id: str) -> Element:
    return _complain(identity, ids, complaintType="Transaction", complaintId=complaint_id)


def billers(identity: Identity, ids: Ids) -> Element:
    search = part("Search", element("billerCategoryName", text="Electricity"))
    return root("BillerFetchRequest", head(identity, ids), search)


def diagnostic(identity: Identity, ids: Ids) -> Element:
    return root("ReqDiagnostic", head(identity, ids))


def _complain(identity: Identity, ids: Ids, **asked: str) -> Element:
    given = {name: value for name, value in asked.items() if value}
    request = part("TxnStatusComplainReq", msgId=ids.msg_id, **given)
    txn = part("Txn", ts=ids.ts, msgId=ids.msg_id)
    return root("TxnStatusComplainRequest", head(identity, ids), txn, request)


def _analytics(what: str, ids: Ids) -> Element:
    return part("Analytics", *tags({f"{what}REQUESTSTART": ids.ts, f"{what}REQUESTEND": ids.ts}))


def _customer(order: Order) -> Element:
    email = str(order.form.get("email", ""))
    return part("Customer", *tags({"EMAIL": email}), mobile=_mobile(order))


def _mobile(order: Order) -> str:
    return normal("mobile", str(order.form.get("mobile", "")))


def _agent(identity: Identity) -> Element:
    device = {name: str(value) for name, value in identity.device.items() if value}
    return part("Agent", part("Device", *tags(device)), id=identity.agent)


def _bill_details(identity: Identity, order: Order) -> Element:
    parameters = part("CustomerParams", *tags({identity.parameter: account(order)}))
    return part("BillDetails", part("Biller", id=identity.biller), parameters)
