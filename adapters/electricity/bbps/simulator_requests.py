"""Requests as the central unit understands them: which operation, about what, and which fault their numbers choose."""

from adapters.electricity.bbps.simulator_state import MAGIC_ACCOUNT, MAGIC_COMPLAINT, MAGIC_MOBILE, MAGIC_TXN, Books
from aggregator.sdk.testing.simulator import Call, magic
from aggregator.sdk.xml import Element


class Asked:
    """One request, understood."""

    def __init__(self, api: str, document: Element, *, cms: bool) -> None:
        self.api, self.document, self.cms = api, document, cms
        self.ref_id = self.of("Head", "refId")
        self.msg_id = self.of("Txn", "msgId")

    def of(self, path: str, name: str) -> str:
        found = self.document.find(path)
        return "" if found is None else str(found.get(name, ""))

    @property
    def account(self) -> str:
        return self.of("BillDetails/CustomerParams/Tag", "value")


def call_of(asked: Asked, books: Books) -> Call:
    """What is asked, by message; which of the three complaint messages it is goes by its attributes."""
    match asked.api:
        case "BillPaymentRequest":
            txn, account = asked.of("Txn", "txnReferenceId"), asked.account
            key = books.bill_key(account)
            return Call("pay", True, txn, key, magic(MAGIC_ACCOUNT, account), txn, asked)  # noqa: FBT003
        case "TxnStatusRequest":
            txn = asked.of("TxnStatusReq", "txnReferenceId")
            return Call("payment_status", write=False, magic=magic(MAGIC_TXN, txn), counted_by=txn, args=asked)
        case "TxnStatusComplainRequest":
            return _complaint_call(asked)
        case "BillFetchRequest" | "BillValidationRequest":
            name = "bill" if asked.api == "BillFetchRequest" else "validate"
            found = magic(MAGIC_ACCOUNT, asked.account)
            return Call(name, write=False, magic=found, counted_by=asked.account, args=asked)
        case _:
            return Call("probe" if asked.api == "ReqDiagnostic" else "list_services", write=False, args=asked)


def _complaint_call(asked: Asked) -> Call:
    request = "TxnStatusComplainReq"
    number, disposition = asked.of(request, "complaintId"), asked.of(request, "disposition")
    txn = asked.of(request, "txnReferenceId")
    if number:
        return Call("track", write=False, magic=magic(MAGIC_COMPLAINT, number), counted_by=number, args=asked)
    if disposition:
        key = f"{txn}/{disposition}"
        found = magic(MAGIC_MOBILE, asked.of(request, "mobile"))
        return Call("complain", True, key, key, found, key, asked)  # noqa: FBT003
    return Call("transactions", write=False, counted_by=txn, args=asked)
