"""Nothing without an explanation: every open operation has a reason, a sentence, an owner and an exit timer.

Checked every minute, by tests at their end, and shown as a gauge that must be 0. Source: docs/outcomes.md section 14.
"""

from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.store import Store

AHEAD_MS = 24 * 3_600_000
OVERDUE_MS = 5 * 60_000


async def unexplained(store: Store, clock: Clock) -> list[str]:
    """The ids of operations that wait without an explanation, or were due five minutes ago and nobody came."""
    now_ms = epoch_ms(clock.now())
    rows = await store.read(
        "select id from operation where state not in ('CONFIRMED', 'REJECTED', 'EXPIRED', 'CANCELLED')"
        " and (reason_code = '' or citizen_text_key = '' or owner = ''"
        " or next_action_ms > $1 or next_action_ms < $2)",
        now_ms + AHEAD_MS + 1000,
        now_ms - OVERDUE_MS,
    )
    return sorted(row["id"] for row in rows)


async def open_work(store: Store, clock: Clock, agency: str) -> dict[str, float]:
    """What waits at one agency: held, in_doubt, needs_human (counts) and oldest_s, the age of the oldest of them."""
    rows = await store.read(
        "select state, count(*) as n, min(created_ms) as oldest from operation where agency = $1"
        " and state not in ('CONFIRMED', 'REJECTED', 'EXPIRED', 'CANCELLED')"  # the words of its index
        " and state in ('READY', 'IN_DOUBT', 'ABSENT_ONCE', 'ABSENT', 'NEEDS_HUMAN') group by state",
        agency,
    )
    counts = {row["state"]: row["n"] for row in rows}
    oldest_ms = min((row["oldest"] for row in rows), default=epoch_ms(clock.now()))
    return {
        "held": counts.get("READY", 0),
        "in_doubt": sum(counts.get(state, 0) for state in ("IN_DOUBT", "ABSENT_ONCE", "ABSENT")),
        "needs_human": counts.get("NEEDS_HUMAN", 0),
        "oldest_s": (epoch_ms(clock.now()) - oldest_ms) / 1000,
    }
