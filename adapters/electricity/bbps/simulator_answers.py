"""What the central unit answers by callback: the children of each response, good news and bad, as text.

`@TS@` stands for the moment the message leaves. Source: the electricity protocol, sections 2 to 4.
"""

from collections.abc import Mapping
from typing import Any

from adapters.electricity.bbps.simulator_state import BILLER, Books, tag

TS = "@TS@"
RESPONSES = {
    "BillFetchRequest": "BillFetchResponse",
    "BillValidationRequest": "BillValidationResponse",
    "BillPaymentRequest": "BillPaymentResponse",
    "BillerFetchRequest": "BillerFetchResponse",
    "TxnStatusRequest": "TxnStatusResponse",
    "TxnStatusComplainRequest": "TxnStatusComplainResponse",
    "ReqDiagnostic": "ResDiagnostic",
}
FETCH_CODES = {"100": "BFR004", "101": "BFR001", "102": "BFR002", "103": "BFR777", "106": "BFR005", "502": "BFR008"}
PAY_CODES = {**FETCH_CODES, "105": "BPR902", "108": "BPR901"}
SETTLES_NOTHING = frozenset({"BFR008", "BFR777"})
"""The biller was not reached, or nobody knows what it means: a status finds no transaction."""
COMPLAIN_WORDS = {
    "101": "Transaction not found",
    "102": "Disposition not allowed",
    "106": "Complaint window closed",
    "105": "complaint already exists",
}
TRACK_WORDS = {**COMPLAIN_WORDS, "101": "Complaint not found"}
BAD_CODE = "377"
_PARAMETER = "Consumer Number"


def reason(code: str = "000", words: str = "Successful", why: str = "", approval: str = "NA") -> str:
    told = {"approvalRefNum": approval, "responseCode": code, "responseReason": words}
    return tag("Reason", **told, **({"complianceRespCd": why} if why else {}))


def no(why: str) -> str:
    return reason("200", "Failure", why)


def txn(msg_id: str, **more: str) -> str:
    return tag("Txn", ts=TS, msgId=msg_id, **more)


def bill_details(account: str) -> str:
    parameters = tag("CustomerParams", tag("Tag", name=_PARAMETER, value=account))
    return tag("BillDetails", tag("Biller", id=BILLER) + parameters)


def bill(books: Books, account: str, fault: str) -> str:
    told = books.bill(account)
    if fault == "805":
        told["customerName"] = "T**T C*****N"
    if fault == "812":
        told |= {"dueDate": "0001-01-01", "billDate": "NA"}
    return tag("BillerResponse", books.late_fee(), **told)


def fetched(books: Books, msg_id: str, account: str, fault: str) -> str:
    nothing = books.paid.get(books.bill_key(account), 0)
    if fault == "800":
        said = reason("")
    elif fault in FETCH_CODES or nothing:
        return no(FETCH_CODES.get(fault, "BFR004")) + txn(msg_id) + bill_details(account)
    else:
        said = reason(approval="SIMAPPR0000000000001")
    return said + txn(msg_id) + bill_details(account) + bill(books, account, fault)


def payment_answer(asked: Mapping[str, str], msg_id: str, account: str, said: str, kind: str = "FORWARD") -> str:
    names = ("txnReferenceId", "paymentRefId")
    echoed = {name: asked[name] for name in names if asked.get(name)}
    return said + txn(msg_id, type=f"{kind} TYPE RESPONSE", **echoed) + bill_details(account)


def status(books: Books, msg_id: str, reference: str, fault: str) -> str:
    """By the word; the code beside it says less."""
    told = txn(msg_id, txnReferenceId=reference)
    record = books.payment(reference)
    if fault == "103":
        return reason(BAD_CODE, "?") + told
    if record is None or fault == "101":
        return reason("200", "No transaction found") + told
    word = {"800": "", "801": "SETTLING", "102": "FAILURE", "106": "FAILURE", "107": "PENDING", "804": "सफल"}.get(
        fault, books.word(record)
    )
    code = "200" if word in {"FAILURE", "REVERSED"} else "000"
    paid = tag("BillerResponse", amount=record["amount"])
    return reason(code, word, approval=record["approval"]) + told + bill_details(record["account"]) + paid


def complaint(msg_id: str, code: str, words: str, **more: str) -> str:
    told = tag("TxnStatusComplainResp", msgId=msg_id, responseCode=code, responseReason=words, **more)
    return txn(msg_id) + told


def tracked(books: Books, msg_id: str, number: str, fault: str) -> str:
    record: dict[str, Any] | None = books.complaint(number)
    if fault == "103":
        return complaint(msg_id, BAD_CODE, "?")
    if record is None or fault in TRACK_WORDS:
        return complaint(msg_id, "200", TRACK_WORDS.get(fault, TRACK_WORDS["101"]))
    word = {"800": "", "801": "GONE_FISHING", "804": "जाँच जारी है"}.get(fault, books.complaint_word(record))
    return complaint(msg_id, "000", "Successful", complaintId=number, complaintStatus=word)


def transactions(books: Books, msg_id: str, reference: str) -> str:
    """The CMS form of a status: `000` with or without a transaction."""
    record = books.payment(reference)
    rows = ""
    if record is not None:
        told = {"txnReferenceId": reference, "txnDate": record["at"], "amount": record["amount"]}
        rows = tag("TxnList", tag("TxnDetail", **told, txnStatus=books.word(record)))
    told = {"msgId": msg_id, "responseCode": "000", "responseReason": "Successful"}
    return txn(msg_id) + tag("TxnStatusComplainResp", rows, **told)


def billers() -> str:
    def field(name: str, text: str) -> str:
        return tag(name, text)

    parameter = field("paramName", _PARAMETER) + field("dataType", "NUMERIC") + field("optional", "false")
    told = {
        "billerId": BILLER,
        "billerName": "Simulated Central Odisha Distribution",
        "billerCategoryName": "Electricity",
        "billerCoverage": "ODI",
        "fetchRequirement": "MANDATORY",
        "supportBillValidation": "MANDATORY",
        "Status": "ACTIVE",
    }
    rows = "".join(field(name, text) for name, text in told.items())
    return tag("biller", rows + tag("billerCustomerParams", parameter)) + tag("searchResult", "1")
