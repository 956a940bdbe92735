"""Events are numbered in commit order, with no gap a reader could fall into, on both engines.

The number comes from one counter row that each writing transaction updates: its row lock is held to the commit,
so a visible number means every lower one is visible too (a sequence would skip a late committer for ever).
An event is written in the same commit as the fact it tells. Its types have no field for personal data.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from aggregator.feed.schemas import EVENTS
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

SOURCE = "/aggregator"
TYPE_PREFIX = "in.gov.odisha.city."
_AT_ONCE = 30
"""Events of one statement: a statement takes 255 values."""
DIGITS = 13
"""Commit numbers are zero-padded to this width, so that text order is commit order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """A fact to append. `type` is short (`case.status-changed`); `data` holds only the fields this type has."""

    type: str
    at: datetime
    case_id: str = ""
    agency: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class PersonalField(ValueError):
    """An event was given a field the log has no place for."""


def event_id(seq: int) -> str:
    """`0000000000042-5f3a9c21`: the commit number, and a suffix that makes a mistyped position recognisable."""
    digits = str(seq).zfill(DIGITS)
    return f"{digits}-{hashlib.sha256(digits.encode()).hexdigest()[:8]}"


def seq_of(position: str) -> int | None:
    """The commit number in an event id, or None if it is not one of ours."""
    digits, _, _ = position.partition("-")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    seq = int(digits)
    return seq if event_id(seq) == position else None


@cache
def _insert(count: int) -> str:
    rows = (f"({', '.join(f'${n}' for n in range(at, at + 7))})" for at in range(1, 7 * count, 7))
    return f"insert into event (seq, id, type, case_id, agency, at_ms, body) values {', '.join(rows)}"  # noqa: S608 - placeholders


async def append(run: Run, events: list[NewEvent]) -> int:
    """Writes the events in order; the last number given out. Call it once per transaction, with everything."""
    if not events:
        return 0
    rows = await run("update event_counter set last = last + $1 where name = 'event' returning last", len(events))
    last = int(rows[0]["last"])
    numbered = list(enumerate(events, last - len(events) + 1))
    for at in range(0, len(numbered), _AT_ONCE):
        values: list[str | int] = []
        for seq, event in numbered[at : at + _AT_ONCE]:
            values += [seq, event_id(seq), event.type, event.case_id, event.agency, epoch_ms(event.at)]
            values.append(cloud_event(seq, event))
        await run(_insert(len(values) // 7), *values)
    return last


def cloud_event(seq: int, event: NewEvent) -> str:
    """The event as CloudEvents 1.0 JSON, encoded once and served as it is stored.

    Raises KeyError for a type that is not in the list, PersonalField for a field the type does not have.
    """
    strangers = event.data.keys() - EVENTS[event.type]
    if strangers:
        raise PersonalField(f"{event.type} has no field {', '.join(sorted(strangers))}")
    name = TYPE_PREFIX + event.type + ".v1"
    body = {
        "specversion": "1.0",
        "id": event_id(seq),
        "source": SOURCE,
        "type": name,
        "subject": event.case_id or event.agency,
        "time": event.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{event.at.microsecond // 1000:03d}Z",
        "datacontenttype": "application/json",
        "dataschema": f"/schemas/events/{event.type}.v1.json",
        "sequence": str(seq).zfill(DIGITS),
        "data": dict(event.data),
    }
    return orjson.dumps(body).decode()
