"""Documents a case takes along: checked when it is opened, held on to while it lives, lent to a driver in its order.

A form names a document in an upload field. It must be the applicant's own, of a kind and size the agency takes, and not
refused; whether it has been looked through may still be open, and then the case is accepted and waits. Nothing that
nobody looked through is ever in an order.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aggregator.cases.attempt import Desktop
from aggregator.cases.lifecycle import State as OperationState
from aggregator.cases.operation import Operation
from aggregator.cases.settle import Step, held
from aggregator.citizens.documents import DocumentRecord, NoSuchDocument, Owner, State, named_in
from aggregator.citizens.documents.scan import NoScanner
from aggregator.citizens.documents.shelf import DocumentShelf
from aggregator.discovery.forms import FormError
from aggregator.registry.agency import Agency, Forwarding, Service
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.model import Document, Order
from aggregator.store import Run

LOOK_AGAIN_S = 5.0


def _shelf(desk: Desktop) -> DocumentShelf:
    """The documents, read only: looking them through is not this room's work."""
    return DocumentShelf(desk.store, desk.vault, desk.clock, desk.chance, NoScanner())


async def wrong(
    desk: Desktop, service: Service, agency: Agency, form: Mapping[str, Any], owner: Owner
) -> list[FormError]:
    """Every mistake in the documents a form names; empty for a form that names none."""
    named = {name: value for name, value in form.items() if _is_upload(service, name)}
    if not named:
        return []
    limits = agency.documents
    errors, total = [], 0
    known = named_in(named)
    for field in named:
        error, size = await _one(_shelf(desk), known.get(field, ""), owner, _media_type(service, field), limits)
        total += size
        if error:
            errors.append(FormError(f"/form/{field}", error, _about(error, limits)))
    if limits is not None and not errors and total > limits.max_total_bytes:
        errors.append(FormError(f"/form/{next(iter(named))}", "documents_too_large", _about("total", limits)))
    return errors


async def _one(
    shelf: DocumentShelf, document_id: str, owner: Owner, wanted: str, limits: Forwarding | None
) -> tuple[str, int]:
    """What is wrong with one document, "" for nothing, and its size."""
    try:
        found = await shelf.get(document_id, owner)
    except NoSuchDocument:
        return "no_such_document", 0
    return _judged(found, wanted, limits), found.size_bytes


def _judged(found: DocumentRecord, wanted: str, limits: Forwarding | None) -> str:
    if found.state is State.ARRIVING:
        return "document_incomplete"
    if found.state is State.REFUSED:
        return "document_refused"
    if limits is None or (wanted and found.media_type != wanted) or found.media_type not in limits.media_types:
        return "document_kind"
    return "document_too_large" if found.size_bytes > limits.max_bytes else ""


async def hold(run: Run, case_id: str, service: Service, form: Mapping[str, Any]) -> None:
    """In the commit that opens the case: the documents its upload fields name are kept for it."""
    uploads = {name: value for name, value in form.items() if _is_upload(service, name)}
    for field, document_id in named_in(uploads).items():
        await run(
            "insert into case_document (case_id, field, document_id) values ($1, $2, $3)", case_id, field, document_id
        )
        await run("update document set expires_ms = null where id = $1", document_id)


async def lent(desk: Desktop, agency: Agency, op: Operation, order: Order) -> Order | Step:
    """The order with its documents, or why it is not sent now."""
    offer = agency.manifest.offers.get(op.service)
    if not named_in(order.form) or agency.documents is None or offer is None or offer.operation != op.name:
        return order
    rows = await desk.store.read(
        "select c.field, d.id, d.portal_id, d.citizen_id, d.state from case_document c"
        " left join document d on d.id = c.document_id where c.case_id = $1 order by c.field",
        op.case_id,
    )
    now_ms = epoch_ms(desk.clock.now())
    states = {row["state"] for row in rows}
    if not rows or None in states or State.REFUSED in states:
        reason = "document_refused" if State.REFUSED in states else "document_gone"
        return Step(OperationState.EXPIRED, reason, "state.not_passed_on", now_ms)
    if states != {State.READY}:
        return held(op, "document_check", LOOK_AGAIN_S, now_ms, 0.0)
    shelf = _shelf(desk)
    papers = {}
    for row in rows:
        owner = Owner(row["portal_id"], row["citizen_id"])
        record = await shelf.get(row["id"], owner)
        name = record.name or f"{row['field']}.{record.media_type.partition('/')[2]}"
        papers[row["field"]] = Document(name, record.media_type, await shelf.content(row["id"], owner))
    return replace(order, documents=papers)


def _is_upload(service: Service, field: str) -> bool:
    return "contentMediaType" in service.form.get("properties", {}).get(field, {})


def _media_type(service: Service, field: str) -> str:
    wanted = str(service.form["properties"][field]["contentMediaType"])
    return "" if wanted == "application/octet-stream" else wanted


def _about(error: str, limits: Forwarding | None) -> dict[str, str]:
    """The limit that was met, in MiB with one decimal."""
    if limits is None or error not in {"document_too_large", "total"}:
        return {}
    limit = limits.max_total_bytes if error == "total" else limits.max_bytes
    return {"limit": f"{limit / 1_048_576:.1f}"}
