"""The two requests, to the byte: the signature covers what is on the wire, so there is one way to write them.

The citizen's Aadhaar number has a place in the interface (`UID`) and is never sent.
Source: API description "issuer" 3.0.0, as far as README.md says.
"""

from datetime import date

from aggregator.sdk.clock import IST
from aggregator.sdk.model import Order
from aggregator.sdk.xml import element, to_bytes

URI, DOCUMENT = "PullURI", "PullDoc"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'


def pull_uri(order: Order, org_id: str, wanted: str = "pdf") -> bytes:
    """The request for a paper by its kind and the issuer's own number. `wanted`: xml, pdf or both."""
    parts = [("DocType", str(order.form["document_type"])), *_whose(order), ("UDF1", str(order.form["number"]))]
    return _written(f"{URI}Request", order, org_id, wanted, parts)


def pull_document(order: Order, org_id: str, wanted: str = "pdf") -> bytes:
    """The request for the paper that has this URI."""
    return _written(f"{DOCUMENT}Request", order, org_id, wanted, [("URI", str(order.form["uri"])), *_whose(order)])


def _whose(order: Order) -> list[tuple[str, str]]:
    """The owner, as far as it is known: the issuer compares it with its record."""
    born = str(order.form.get("date_of_birth", ""))
    parts = [
        ("DigiLockerId", str(order.form["locker_id"])),
        ("FullName", str(order.form.get("full_name", ""))),
        ("DOB", date.fromisoformat(born).strftime("%d-%m-%Y") if born else ""),
    ]
    return [(name, value) for name, value in parts if value]


def _written(root: str, order: Order, org_id: str, wanted: str, parts: list[tuple[str, str]]) -> bytes:
    details = element("DocDetails", *(element(name, text=value) for name, value in parts))
    document = element(root, details, ver="3.0", ts=_stamp(order), txn=order.reference, orgId=org_id, format=wanted)
    return _DECLARATION + to_bytes(document, declaration=False)


def _stamp(order: Order) -> str:
    """When it was asked, in India. The same order is the same bytes, so it is the order's time."""
    return "" if order.at is None else order.at.astimezone(IST).isoformat(timespec="seconds")
