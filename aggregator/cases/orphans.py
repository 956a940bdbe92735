"""Callbacks nobody could place: matched again whenever their agency answers something, before people after a day.

A person says whose it is by our reference, and then it takes effect like any other hint; or that it is nobody's.
Source: docs/outcomes.md section 10.
"""

from datetime import datetime

from aggregator.cases.attempt import Desktop
from aggregator.cases.items import Decision, Item, NewItem, Undecidable, close_item, open_item
from aggregator.cases.settle import DAY_MS, queue_of
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import epoch_ms, new_id
from aggregator.store import Run

ORPHAN = "orphan"
ATTACH, DISMISS = "ATTACH", "DISMISS"
BATCH = 100


class OrphanDecider:
    """What a decision about a callback without a case does."""

    def actions(self, item: Item) -> tuple[str, ...]:  # noqa: ARG002 - every orphan can be decided alike
        return (ATTACH, DISMISS)

    async def carry_out(self, run: Run, item: Item, decision: Decision, at: datetime) -> list[NewEvent]:
        """ATTACH gives it our reference and lets the inbox place it; DISMISS is done with it. Raises Undecidable."""
        if decision.action == ATTACH:
            reference = decision.agency_reference.strip()
            known = await run(
                "select id from operation where agency = $1"
                " and (reference = $2 or agency_reference = $2 and agency_reference <> '')",
                item.agency,
                reference,
            )
            if not reference or not known:
                raise Undecidable("reference_missing")
            await run(
                "update inbox set agency_reference = $1, state = 'NEW', tries = 0, next_ms = $2 where id = $3",
                reference,
                epoch_ms(at),
                item.about,
            )
        else:
            await run("update inbox set state = 'DONE', why = 'dismissed' where id = $1", item.about)
        await close_item(run, item.id, at)
        return []


async def before_people(desk: Desktop) -> int:
    """Puts orphans of more than a day on the worklist; how many."""
    at = desk.clock.now()
    rows = await desk.store.read(
        "select id, agency from inbox where state in ('NEW', 'ORPHAN') and state = 'ORPHAN'"
        " and received_ms < $1 and not exists"
        " (select 1 from worklist_item w where w.kind = 'orphan' and w.about = inbox.id) order by received_ms limit $2",
        epoch_ms(at) - DAY_MS,
        BATCH,
    )
    for row in rows:
        new = NewItem(
            id=new_id("itm", desk.clock, desk.chance),
            kind=ORPHAN,
            about=row["id"],
            agency=row["agency"],
            reason_code="orphan",
            owner=queue_of(row["agency"]),
        )

        async def put(run: Run, new: NewItem = new) -> None:
            await events.append(run, await open_item(run, new, at))

        await desk.store.write(put)
    return len(rows)
