"""The answer, read: found, not there, or something nobody described; and the paper inside it.

Base64 is read strictly and must begin like a PDF. What else the file is, is looked at where documents are kept.
"""

import base64
import binascii

from aggregator.sdk.dialect import trouble
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Absent, Document, Order
from aggregator.sdk.reading import need
from aggregator.sdk.wire import Reply
from aggregator.sdk.xml import Element, local, need_child, text

NOT_FOUND = "0"
_PDF = b"%PDF-"


def refuse_fault(_reply: Reply, root: Element) -> bool:
    """A SOAP fault where none belongs is the framework in trouble. Raises OutcomeUnknown: ask again."""
    if local(root) == "Envelope" and any(local(part) == "Fault" for part in root.iter()):
        raise trouble("a SOAP fault instead of an answer", effect=False)
    return False


def paper(answer: Element, order: Order) -> Document | Absent:
    """The document that was asked for. Raises ContractBroken for another one, and for none where one is promised."""
    if local(answer) != ("PullDocResponse" if order.form.get("uri") else "PullURIResponse"):
        raise ContractBroken("the answer is to another kind of request")
    status = need_child(answer, "ResponseStatus")
    if status.get("txn") != order.reference:
        raise ContractBroken("the answer is to another request")
    match status.get("Status"):
        case word if word == NOT_FOUND:
            return Absent(NOT_FOUND)
        case "1":
            return _content(need_child(answer, "DocDetails"), order)
        case _:
            raise ContractBroken("ResponseStatus has a Status that is not listed")


def _content(details: Element, order: Order) -> Document:
    asked, kind = str(order.form.get("uri", "")), str(order.form.get("document_type", ""))
    uri, shown_kind = text(details, "URI"), text(details, "DocType")
    if asked and uri not in {"", asked}:
        raise ContractBroken("the answer holds another document than the one asked for")
    if kind and shown_kind not in {"", kind}:
        raise ContractBroken("the answer holds another kind of document than the one asked for")
    owner = text(details, "DigiLockerId")
    if owner and owner.lower() != str(order.form["locker_id"]).lower():
        raise ContractBroken("the answer holds somebody else's document")
    named = kind or shown_kind or "document"
    return Document(f"{named}.pdf", "application/pdf", _pdf(str(need(details, "DocContent"))))


def _pdf(told: str) -> bytes:
    """Strict Base64, line breaks aside."""
    try:
        content = base64.b64decode("".join(told.split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ContractBroken("DocContent is not Base64") from exc
    if not content.startswith(_PDF):
        raise ContractBroken("DocContent is not a PDF")
    return content
