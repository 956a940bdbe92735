"""A city with very many looks, written as `Accesses` writes them but many batches in one commit; a process of its own.

`python many_looks.py DATA REGISTRY COUNT KEYS` fills the database of DATA with looks at COUNT citizens, each looked at
once, 25 to an event as the city does, over the hour before now. Our public key is written to KEYS.
"""

import asyncio
import json
import sys
from argparse import Namespace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aggregator.citizens.pairwise import OPERATIONS, Pairwise
from aggregator.cli.places import settings_of
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.looks import digest, line_hash
from aggregator.sdk.clock import SystemChance, SystemClock, epoch_ms, from_ms, new_id
from aggregator.settings import Settings
from aggregator.store import Run, open_store
from aggregator.wiring.keys import signer_of, vault_keys, vault_of

AT_ONCE = 25
"""Lines under one event, as `aggregator.citizens.accesses` has it."""
EVENTS_AT_ONCE = 200
_ROWS = 23
_COLUMNS = "id, citizen_id, at_ms, portal_id, by_whom, what, purpose, agency, consent_id, assistant, event_seq"


class At(SystemClock):
    """A clock that says what it is told."""

    ms = 0

    def now(self) -> Any:
        return from_ms(self.ms)


async def filled(settings: Settings, count: int, keys: Path) -> None:
    chance, clock = SystemChance(), At()
    names = Pairwise(vault_keys(settings, chance)[0])
    store = open_store(settings.database_url, clock=SystemClock())
    await store.open()
    signer = await signer_of(store, vault_of(settings, vault_keys(settings, chance)))
    await asyncio.to_thread(keys.write_text, json.dumps(signer.jwks()))
    begin = epoch_ms(SystemClock().now() - timedelta(minutes=59))
    try:
        for first in range(0, count, AT_ONCE * EVENTS_AT_ONCE):
            rows = []
            for person in range(first, min(first + AT_ONCE * EVENTS_AT_ONCE, count)):
                clock.ms = begin + person * 3_500_000 // count
                citizen_id = f"psn_{person:026d}"
                rows.append((new_id("acc", clock, chance), citizen_id, clock.ms, names.of(citizen_id, OPERATIONS)))
            await store.write(lambda run, rows=rows: _written(run, clock, rows))
    finally:
        await store.close()


async def _written(run: Run, clock: At, rows: list[tuple[str, str, int, str]]) -> None:
    batches = [sorted(rows[at : at + AT_ONCE]) for at in range(0, len(rows), AT_ONCE)]
    told = [{"looks": len(batch), "digest": digest(line_hash(_line(row)) for row in batch)} for batch in batches]
    made = [NewEvent(type="access.recorded", at=clock.now(), data=one) for one in told]
    last = await events.append(run, made)
    values = [
        (row[0], row[1], row[2], "prt_bad", "PORTAL", "BILLS", "", "", "", "", last - len(batches) + 1 + at)
        for at, batch in enumerate(batches)
        for row in batch
    ]
    for at in range(0, len(values), _ROWS):
        part = values[at : at + _ROWS]
        marks = ", ".join(f"({', '.join(f'${n}' for n in range(k * 11 + 1, k * 11 + 12))})" for k in range(len(part)))
        flat = [value for row in part for value in row]
        await run(f"insert into access_record ({_COLUMNS}) values {marks}", *flat)  # noqa: S608 - placeholders


def _line(row: tuple[str, str, int, str]) -> tuple[str | int, ...]:
    return row[0], row[2], row[3], "prt_bad", "PORTAL", "BILLS", "", "", "", ""


if __name__ == "__main__":
    data, registry, wanted, keys = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    asyncio.run(filled(settings_of(Namespace(data=data, registry=registry)), wanted, keys))
