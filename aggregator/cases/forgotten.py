"""What an agency holds of ours and the database does not: one row each, open until somebody comes for it.

A machine cannot say whose such a record is: it names no citizen. So it stands on the worklist with its evidence, and
goes from there when the citizen brings the receipt, repeats the wish, or a person says that it is nobody's any more.
Source: docs/outcomes.md section 13.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.cases import dossier
from aggregator.cases.attempt import Desktop
from aggregator.cases.dossier import NewEvidence
from aggregator.cases.items import Decision, Item, NewItem, close_item, open_item
from aggregator.cases.settle import queue_of
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import epoch_ms, new_id
from aggregator.sdk.model import Receipt
from aggregator.store import Run

FORGOTTEN = "forgotten"
DISMISS = "DISMISS"
LISTED, RECEIPT = "listed", "receipt"
_OURS = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def minted_ms(reference: str) -> int | None:
    """When a reference of ours was made, epoch ms; None for one that is not of our making (a ULID)."""
    if not _OURS.fullmatch(reference):
        return None
    value = 0
    for digit in reference[:10]:
        value = value * 32 + _DIGITS.index(digit)
    return value


async def unknown(run: Run, agency: str, receipts: Sequence[Receipt], since_ms: int) -> list[Receipt]:
    """Those that carry a reference we must have made since then, and that no operation of ours has."""
    found = []
    for receipt in receipts:
        made_ms = minted_ms(receipt.reference)
        if made_ms is None or made_ms < since_ms:
            continue
        known = await run(
            "select 1 from operation where agency = $1"
            " and (reference = $2 or agency_reference = $3 and agency_reference <> '')",
            agency,
            receipt.reference,
            receipt.agency_reference,
        )
        if not known:
            found.append(receipt)
    return found


@dataclass(frozen=True, slots=True)
class Record:
    """A forgotten one. `name` is the operation's if that is known; `case_id` what it was part of, or empty."""

    agency: str
    receipt: Receipt
    name: str = ""
    source: str = LISTED
    case_id: str = ""


async def keep(run: Run, desk: Desktop, record: Record) -> list[NewEvent]:
    """Puts it before people, once; the events that tell of it."""
    at, receipt = desk.clock.now(), record.receipt
    rows = await run(
        "insert into forgotten (id, agency, name, reference, agency_reference, service, agency_code, at_ms, found_ms,"
        " case_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning id",
        new_id("fgt", desk.clock, desk.chance),
        record.agency,
        record.name,
        receipt.reference,
        receipt.agency_reference,
        receipt.service,
        receipt.agency_code,
        None if receipt.at is None else epoch_ms(receipt.at),
        epoch_ms(at),
        record.case_id,
    )
    if not rows:
        return []
    item = NewItem(
        id=new_id("itm", desk.clock, desk.chance),
        kind=FORGOTTEN,
        about=rows[0]["id"],
        agency=record.agency,
        reason_code="forgotten" if record.source == LISTED else "forgotten_more",
        owner=queue_of(record.agency),
        case_id=record.case_id,
    )
    said = f"our reference {receipt.reference}; service {receipt.service or '-'}; code {receipt.agency_code or '-'}"
    fact = NewEvidence(
        item=item.id,
        source=record.source,
        kind=record.name or FORGOTTEN,
        agency_reference=receipt.agency_reference,
        body=said.encode(),
    )
    await dossier.keep(run, desk.vault, desk.clock, desk.chance, fact)
    return await open_item(run, item, at)


async def claimed(run: Run, agency: str, reference: str, case_id: str, at: datetime) -> None:
    """Somebody has come for it: it belongs to this case now, and waits for nobody."""
    rows = await run(
        "update forgotten set case_id = $1 where agency = $2 and reference = $3 and case_id = '' returning id",
        case_id,
        agency,
        reference,
    )
    for row in rows:
        items = await run(
            "select id from worklist_item where kind = $1 and about = $2 and closed_ms is null", FORGOTTEN, row["id"]
        )
        for item in items:
            await close_item(run, item["id"], at)


class ForgottenDecider:
    """What a person decides about one: that nobody will come for it. Whose it is only its receipt can say."""

    def actions(self, item: Item) -> tuple[str, ...]:  # noqa: ARG002 - all of them can be decided alike
        return (DISMISS,)

    async def carry_out(self, run: Run, item: Item, decision: Decision, at: datetime) -> list[NewEvent]:  # noqa: ARG002 - the only decision there is
        await close_item(run, item.id, at)
        return []
