"""Whatever was asked or granted under a nomination ends in one place: by the citizen's word, or with the nomination."""

from datetime import datetime

from aggregator.citizens import four_eyes
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import epoch_ms
from aggregator.store import Run

_SESSIONS = (
    "update session set state = 'CLOSED' where id in"
    " (select session_id from assistance where consent_id = $1 and consent_id <> '')"
)


async def end_claims(run: Run, nomination_id: str, now: datetime) -> bool:
    """Inside a write. Whether there was something to end; the consent, the sessions and the motion end with it."""
    rows = await run(
        "update nominee_claim set state = 'STOPPED' where nomination_id = $1 and state in ('ASKED', 'GRANTED')"
        " returning id, consent_id",
        nomination_id,
    )
    for row in rows:
        await run(
            "update consent set withdrawn_ms = coalesce(withdrawn_ms, $1) where id = $2",
            epoch_ms(now),
            row["consent_id"],
        )
        await run(_SESSIONS, row["consent_id"])
        await four_eyes.drop(run, row["id"], now)
        await events.append(run, [NewEvent(type="nominee.stopped", at=now, data={"item": row["id"]})])
    return bool(rows)
