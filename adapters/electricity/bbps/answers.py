"""Answers that came as callbacks, read after they were verified: each message to one value or one error.

Amounts are integer paise; `NA` and 0001-01-01 read as absent. Source: the electricity protocol, sections 2 and 3.
"""

from collections.abc import Mapping
from typing import Any

from adapters.electricity.bbps import codes
from aggregator.sdk.errors import AgencyError, ContractBroken, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Absent, Facts, Reading, Receipt
from aggregator.sdk.reading import clean, day, is_absent, moment, read_status
from aggregator.sdk.xml import Element, need_child, text

_DAY = "yyyy-MM-dd"
_TS = "yyyy-MM-dd'T'HH:mm:ssXXX"
_LATE_FEE = "Late Payment Fee"


def reason(answer: Element) -> tuple[str, str]:
    """The responseCode and the code that explains it. Raises ContractBroken for a code that is neither yes nor no."""
    told = need_child(answer, "Reason")
    code = told.get("responseCode", "")
    if code not in {codes.DONE, codes.FAILED}:
        raise ContractBroken("the answer has a responseCode nobody listed")
    return code, clean(told.get("complianceRespCd", ""))


def fetch_error(code: str) -> AgencyError:
    """What the network's no to a fetch or a validation means."""
    if code == codes.UNREACHABLE:
        return Unavailable("the biller could not be reached")
    if code in codes.REASONS.keys() - codes.PAYMENT_ONLY - codes.NOTHING_DUE:
        return Refused(code, codes.REASONS[code])
    return ContractBroken("the answer has a complianceRespCd nobody listed")


def payment_error(code: str) -> AgencyError:
    """What the network's no to a payment means: only a listed refusal says that nothing was paid."""
    if code == codes.UNREACHABLE:
        return OutcomeUnknown("the biller could not be reached")
    if code in codes.REASONS.keys() - codes.FETCH_ONLY:
        return Refused(code, codes.REASONS[code])
    return ContractBroken("the answer has a complianceRespCd nobody listed")


def read_bill(answer: Element, biller: str, account: str) -> Facts | Absent:
    """The bill of a BillFetchResponse, or Absent with the code of "nothing due". Of several bills the first to pay.

    Raises Refused for a listed no, Unavailable for BFR008, ContractBroken for another account's bill.
    """
    refuse_stranger(answer, biller, account)
    code, why = reason(answer)
    bills = answer.findall("BillerResponse")
    if code == codes.FAILED:
        if why in codes.NOTHING_DUE:
            return Absent(why)
        if why != codes.PAST_DUE or not bills:
            raise fetch_error(why)
    if not bills:
        raise ContractBroken("the answer has no bill")
    found = sorted((_bill(bill) for bill in bills), key=lambda bill: bill.get("due_date", "9999"))
    values = {**found[0], "payable_here": "no" if why == codes.PAST_DUE else "yes"}
    if len(found) > 1:
        values["bills"] = str(len(found))
        values["total_paise"] = str(sum(int(bill["amount_paise"]) for bill in found))
    return Facts(values, frozenset({"owner_name"} & values.keys()))


def refuse_stranger(answer: Element, biller: str, account: str) -> None:
    """Raises ContractBroken unless the answer echoes biller and account; several parameters must hold ours."""
    details = need_child(answer, "BillDetails")
    echoed = {tag.get("value") for tag in details.iterfind("CustomerParams/Tag")}
    if need_child(details, "Biller").get("id") != biller or account not in echoed:
        raise ContractBroken("the answer is about another account")


def _bill(bill: Element) -> dict[str, str]:
    more = {tag.get("name", ""): tag.get("value", "") for tag in bill.iterfind("Tag")}
    values = {
        "amount_paise": str(paise(bill.get("amount"))),
        "due_date": _iso(bill.get("dueDate")),
        "bill_date": _iso(bill.get("billDate")),
        "bill_number": clean(bill.get("billNumber", "")),
        "bill_period": clean(bill.get("billPeriod", "")),
        "late_fee_paise": str(paise(more[_LATE_FEE])) if not is_absent(more.get(_LATE_FEE)) else "",
        "owner_name": _masked(bill.get("customerName", "")),
    }
    return {key: value for key, value in values.items() if value}


def paise(value: str | None) -> int:
    """Digits only: this network counts in paise, and a point would be somebody's rupees."""
    if value is None or not (value.isascii() and value.isdecimal()) or len(value) > 15:
        raise ContractBroken("an amount is not in paise")
    return int(value)


def _iso(value: Any) -> str:
    found = day(value, _DAY)
    return found.isoformat() if found else ""


def _masked(name: str) -> str:
    """`T*** C******`: whoever types an account number has not proved to be its holder."""
    return " ".join(word[0] + "*" * (len(word) - 1) for word in clean(name).split())


def read_validation(answer: Element, biller: str, account: str) -> Facts:
    """What the biller says of an account it accepts."""
    if answer.find("BillDetails") is not None:
        refuse_stranger(answer, biller, account)
    code, why = reason(answer)
    if code == codes.FAILED:
        raise fetch_error(why)
    return Facts({"accepted": "yes"})


def paid(answer: Element) -> Receipt:
    """The receipt of a BillPaymentResponse; pending for BPR903. Raises what its no means."""
    code, why = reason(answer)
    txn = need_child(answer, "Txn")
    if code == codes.FAILED and why != codes.PENDING:
        raise payment_error(why)
    told = need_child(answer, "Reason")
    facts = {"approval_number": clean(told.get("approvalRefNum", ""))}
    return Receipt(
        txn_of(txn),
        why or code,
        reference=txn.get("paymentRefId", ""),
        pending=why == codes.PENDING,
        at=moment(txn.get("ts"), _TS),
        facts={key: value for key, value in facts.items() if value},
    )


def txn_of(txn: Element) -> str:
    """The transaction reference; empty is the central unit's fault."""
    found: str = txn.get("txnReferenceId", "")
    if not found:
        raise ContractBroken("the answer has no txnReferenceId")
    return found


def read_payment(answer: Element, txn_reference: str) -> Reading | Absent:
    """Where a payment is, by its status word and not by its code; Absent when they know of none."""
    if txn_of(need_child(answer, "Txn")) != txn_reference:
        raise ContractBroken("the answer is about another transaction")
    told = need_child(answer, "Reason")
    words = told.get("responseReason", "")
    code = told.get("responseCode", "")
    if code not in {codes.DONE, codes.FAILED}:
        raise ContractBroken("the answer has a responseCode nobody listed")
    if code == codes.FAILED and _same(words, codes.NO_TRANSACTION) and answer.find("BillerResponse") is None:
        return Absent(codes.FAILED)
    facts = {"approval_number": clean(told.get("approvalRefNum", ""))}
    return read_status(codes.PAYMENT, words, facts={key: value for key, value in facts.items() if value})


def complaint_of(answer: Element) -> Mapping[str, str]:
    """The attributes of TxnStatusComplainResp. Raises ContractBroken for a code that is neither yes nor no."""
    told = need_child(answer, "TxnStatusComplainResp")
    if told.get("responseCode", "") not in {codes.DONE, codes.FAILED}:
        raise ContractBroken("the answer has a responseCode nobody listed")
    return {str(name): str(value) for name, value in told.attrib.items()}


def raised(answer: Element) -> Receipt:
    """The receipt of a complaint. Raises Refused; `duplicate` names the first one."""
    told = complaint_of(answer)
    number, words = clean(told.get("complaintId", "")), told.get("responseReason", "")
    if told["responseCode"] == codes.DONE:
        if not number:
            raise ContractBroken("the complaint has no number")
        return Receipt(number, clean(told.get("complaintStatus", "")))
    if _same(words, codes.ALREADY_RAISED):
        raise Refused(codes.ALREADY_RAISED, "duplicate", reference=number)
    if not words:
        raise ContractBroken("the complaint is refused without a word")
    raise Refused(codes.FAILED, "refused")


def read_complaint(answer: Element, complaint_id: str) -> Reading | Absent:
    told = complaint_of(answer)
    if told["responseCode"] == codes.FAILED:
        if _same(told.get("responseReason", ""), codes.NO_COMPLAINT):
            return Absent(codes.FAILED)
        raise Refused(codes.FAILED, "refused")
    if told.get("complaintId") != complaint_id:
        raise ContractBroken("the answer is about another complaint")
    return read_status(codes.COMPLAINT, told.get("complaintStatus", ""), remark=told.get("remarks", ""))


def billers(answer: Element) -> list[Facts]:
    """Every biller with what a front end needs to ask for, by code."""
    rows = [
        {
            "code": text(row, "billerId"),
            "name": clean(text(row, "billerName")),
            "parameters": ", ".join(clean(text(one, "paramName")) for one in row.iterfind("billerCustomerParams")),
            "fetch": text(row, "fetchRequirement"),
        }
        for row in answer.iterfind("biller")
    ]
    if any(not row["code"] or not row["name"] for row in rows):
        raise ContractBroken("a biller has no id or no name")
    return [Facts({key: value for key, value in row.items() if value}) for row in rows]


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).removesuffix(".").casefold() == other.casefold()
