"""Nothing waits in silence: after two hours its owner is warned, after a day paged, and every day again until settled.

A failure that is told once and then hushed up is a known bug elsewhere; here the next telling is a column of the row,
so neither a restart nor a second process forgets or doubles it. Source: docs/outcomes.md section 14.
"""

from datetime import datetime
from functools import partial
from typing import Any

from aggregator.cases.attempt import Desktop
from aggregator.cases.operation import SYSTEM
from aggregator.cases.settle import DAY_MS, queue_of
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

BATCH = 50
WARN, PAGE = "warn", "page"
_OPERATIONS = (
    "select id, 'operation' as kind, name as operation, case_id, agency, reason_code, owner,"
    " doubt_since_ms as since_ms, age_due_ms from operation where age_due_ms is not null and age_due_ms <= $1"
    " order by age_due_ms limit $2"
)
_ITEMS = (
    "select id, kind, about as operation, case_id, agency, reason_code, owner, since_ms, age_due_ms from worklist_item"
    " where age_due_ms is not null and age_due_ms <= $1 order by age_due_ms limit $2"
)


async def tell(desk: Desktop) -> int:
    """Tells the owners of what has waited long enough; how many items."""
    at = desk.clock.now()
    count = 0
    for table, query in (("operation", _OPERATIONS), ("worklist_item", _ITEMS)):
        for row in await desk.store.read(query, epoch_ms(at), BATCH):
            await desk.store.write(partial(_tell, table=table, row=row, at=at))
            count += 1
    return count


async def _tell(run: Run, table: str, row: Any, at: datetime) -> None:
    now_ms = epoch_ms(at)
    waited_ms = now_ms - row["since_ms"]
    due = row["since_ms"] + DAY_MS if waited_ms < DAY_MS else now_ms + DAY_MS
    mine = await run(
        f"update {table} set age_due_ms = $1 where id = $2 and age_due_ms = $3 returning id",  # noqa: S608 - one of two names
        due,
        row["id"],
        row["age_due_ms"],
    )
    if not mine:
        return
    data = {
        "item": row["id"],
        "kind": row["kind"],
        "operation": row["operation"] if row["kind"] == "operation" else "",
        "reason": row["reason_code"],
        "owner": queue_of(row["agency"]) if row["owner"] == SYSTEM else row["owner"],
        "level": WARN if waited_ms < DAY_MS else PAGE,
        "age_s": max(0, waited_ms // 1000),
    }
    told = NewEvent(type="worklist.ageing", at=at, case_id=row["case_id"], agency=row["agency"], data=data)
    await events.append(run, [told])
