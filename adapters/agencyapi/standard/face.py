"""JSON over HTTPS with one error document; what an answer means is decided by its code before its status.

Four calls share everything here: the token, the idempotency key, the record and its echo. Source: docs/agency-api.md.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from adapters.agencyapi.standard.vocabulary import CODES, STATUS
from aggregator.sdk.adapter import Settings
from aggregator.sdk.auth import Bearer
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.model import Order, Reading, Receipt
from aggregator.sdk.reading import moment, need, need_rows, read_status, value_of
from aggregator.sdk.rest import RestClient
from aggregator.sdk.wire import Wire

Record = Mapping[str, Any]
_PAGES, _PAGE = 1000, 200
_STAMP = "yyyy-MM-dd'T'HH:mm:ssXXX"


class Face:
    """One agency's Agency API."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self._api = RestClient(wire, settings.url, auth=Bearer(settings.secret("token")))

    async def ask(self, path: str, **query: str) -> Any:
        """The body of a read; None where they have no such request."""
        return CODES.read_or_none(await self._api.fetch("GET", path, query=query))

    async def listed(self, since: str, until: str) -> list[Record]:
        """Every request they took between two moments, page by page until one brings nothing new.

        Raises ContractBroken where that one is full: they do not honour `after`, and nobody knows what else there is.
        """
        found: dict[str, Record] = {}
        for _ in range(_PAGES):
            after = {"after": next(reversed(found))} if found else {}
            body = await self.ask("/v1/requests", **{"from": since, "to": until}, **after)
            page = {row["id"]: row for row in map(record, need_rows(body or {}, "requests"))}
            if page.keys() - found.keys():
                found |= page
            elif len(page) >= _PAGE:
                raise ContractBroken("the list does not go on after the last request of its page")
            else:
                return list(found.values())
        raise ContractBroken(f"the list has more than {_PAGES} pages")

    async def tell(self, path: str, order: Order, body: Mapping[str, Any]) -> Record:
        """The record after a write under our reference as its key."""
        headers = {
            **({"Form-Digest": digest_of(order)} if "form" in body else {}),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Idempotency-Key": order.reference,
        }
        if order.consent is not None:
            headers["Consent-Artefact"] = order.consent.artefact
        reply = await self._api.fetch("POST", path, body=orjson.dumps(body), headers=headers, effect=True)
        return record(CODES.read(reply, effect=True))


def digest_of(order: Order) -> str:
    """SHA-256, hex, of service and form without its documents: the same wish has the same digest, whoever files it."""
    form = {name: value for name, value in order.form.items() if name not in order.documents}
    return hashlib.sha256(orjson.dumps([order.service, form], option=orjson.OPT_SORT_KEYS)).hexdigest()


def papers(order: Order) -> list[dict[str, str]]:
    """The citizen's documents as they travel: the same bytes for the same order."""
    return [
        {
            "field": field,
            "name": document.name,
            "media_type": document.media_type,
            "sha256": hashlib.sha256(document.content).hexdigest(),
            "content": base64.b64encode(document.content).decode(),
        }
        for field, document in sorted(order.documents.items())
    ]


def record(body: Any) -> Record:
    """A request as the agency shows it. Raises ContractBroken for anything that is not one."""
    if not isinstance(body, Mapping):
        raise ContractBroken("the answer is not a record")
    for name in ("id", "reference"):
        if not isinstance(need(body, name), str):
            raise ContractBroken(f"{name!r} is not text")
    return body


def echoed(row: Record, order: Order) -> Record:
    """The record, if it is the one that was asked for: by our reference, by their number, or by both."""
    if order.reference and row["reference"] != order.reference and not order.agency_reference:
        raise ContractBroken("the record carries another reference")
    if order.agency_reference and row["id"] != order.agency_reference:
        raise ContractBroken("the record is another request's")
    return row


def receipt(row: Record) -> Receipt:
    service = str(value_of(row, "service", ""))
    return Receipt(row["id"], status_of(row), reference=row["reference"], at=at_of(row), service=service)


def reading(row: Record) -> Reading:
    """Where the request is. A blank status is UNKNOWN, a missing one a broken contract."""
    if "status" not in row:
        raise ContractBroken("the record has no status")
    facts = {"due_on": str(row["due_on"])} if value_of(row, "due_on") else {}
    return read_status(STATUS, status_of(row), at=at_of(row), remark=value_of(row, "message", ""), facts=facts)


def status_of(row: Record) -> str:
    return str(value_of(row, "status", ""))


def at_of(row: Record) -> Any:
    return moment(value_of(row, "updated_at"), _STAMP)
