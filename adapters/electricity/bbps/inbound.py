"""What the central unit posts to us: verified with its pinned key first, then fresh, then read; a hint in any case.

One table says which message it is and who waits for it. A payment's answer waits for nobody: it carries our own
reference, and the core looks before anything final. Source: the electricity protocol, sections 1.2, 3 and 4.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from adapters.electricity.bbps import answers, codes
from adapters.electricity.bbps.acknowledgement import acknowledged, turned_away
from adapters.electricity.bbps.identity import Identity
from adapters.electricity.bbps.messages import NAMESPACE
from adapters.electricity.bbps.signature import NotSigned, verified
from aggregator.sdk.callback import Callback, Notice, Unverified
from aggregator.sdk.dialect import http_charset
from aggregator.sdk.errors import ContractBroken, OutcomeUnknown, Refused
from aggregator.sdk.model import Reading
from aggregator.sdk.reading import moment
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Reply
from aggregator.sdk.xml import Element, local, parse

_WINDOW = timedelta(minutes=5)
_URN = "urn:referenceId:"
_TS = "yyyy-MM-dd'T'HH:mm:ssXXX"
AWAITED = frozenset(
    {
        "BillFetchResponse",
        "BillValidationResponse",
        "BillerFetchResponse",
        "TxnStatusResponse",
        "TxnStatusComplainResponse",
        "ResDiagnostic",
    }
)
_KNOWN = AWAITED | {"BillPaymentResponse", "BillerStatusUpdate"}


def notice_of(callback: Callback, identity: Identity) -> Notice:
    """What it says. Raises Unverified for what is not provably the central unit's, fresh, and of a known kind."""
    document = _genuine(callback, identity)
    name = local(document)
    head = document.find("Head")
    ref_id = head.get("refId", "") if head is not None else ""
    if head is None or not ref_id or name not in _KNOWN or document.tag != f"{{{NAMESPACE}}}{name}":
        raise Unverified("the message is none we know", turned_away(callback.path, callback.received_at))
    _refuse_stale(head.get("ts", ""), callback)
    _refuse_another_path(ref_id, callback)
    txn = document.find("Txn")
    msg_id = txn.get("msgId", "") if txn is not None else ""
    kind = txn.get("type", "") if txn is not None else ""
    notice = Notice(
        ack=acknowledged(name, ref_id, msg_id, callback.received_at),
        event_id=" ".join(part for part in (name, ref_id, kind) if part),
        awaited=ref_id if name in AWAITED else "",
        content=document,
    )
    return _payment(notice, document, kind) if name == "BillPaymentResponse" else notice


def _genuine(callback: Callback, identity: Identity) -> Element:
    try:
        return verified(parse(callback.body, charset=_charset(callback)), identity.central_key)
    except (NotSigned, ContractBroken) as exc:
        raise Unverified(str(exc), turned_away(callback.path, callback.received_at)) from exc


def _charset(callback: Callback) -> str:
    return http_charset(Reply(200, callback.headers, b""))


def _refuse_stale(ts: str, callback: Callback) -> None:
    at = _moment(ts)
    if at is None or abs(callback.received_at - at) > _WINDOW:
        raise Unverified(
            "the message is older or newer than 5 minutes", turned_away(callback.path, callback.received_at)
        )


def _moment(ts: str) -> datetime | None:
    try:
        return moment(ts, _TS)
    except ContractBroken:
        return None


def _refuse_another_path(ref_id: str, callback: Callback) -> None:
    """A genuine message sent again under another reference's path is a replay."""
    _, urn, named = callback.path.partition(_URN)
    if urn and named.strip("/") != ref_id:
        raise Unverified("the path names another message", turned_away(callback.path, callback.received_at))


def _payment(notice: Notice, document: Element, kind: str) -> Notice:
    """The same notice with what the payment's answer says: a receipt, a listed no, or a reading."""
    txn = document.find("Txn")
    if txn is None:
        return notice
    said = replace(notice, reference=txn.get("paymentRefId", ""), agency_reference=txn.get("txnReferenceId", ""))
    if kind == codes.REVERSAL:
        return replace(said, reading=Reading(Status.REJECTED, kind, detail="REVERSED"))
    try:
        return replace(said, receipt=answers.paid(document))
    except Refused as no:
        return replace(said, refused=no)
    except (OutcomeUnknown, ContractBroken):
        return replace(said, reading=Reading(Status.UNKNOWN, _code(document)))


def _code(document: Element) -> str:
    """What the network said in place of a code we know, for people."""
    told = document.find("Reason")
    return "" if told is None else told.get("complianceRespCd", "") or told.get("responseCode", "")
