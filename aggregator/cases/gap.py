"""The time a restored database has lost: from the last thing it remembers to the quarantine that followed.

Whatever asks "may this have been forgotten?" asks here. Gaps that lie close together are one: a restore may be put
back twice. Source: docs/outcomes.md section 13.
"""

from dataclasses import dataclass
from datetime import datetime

from aggregator.sdk.clock import from_ms
from aggregator.store import Run

LOOKED_FOR_MS = 7 * 86_400_000
"""How long after a restore a first send is looked for before it is made, and agencies are asked for lists."""
SKEW_MS = 3_600_000
"""How far an agency's clock may differ from ours when it says when something was made."""
_GAP = (
    "select max(id) as id, min(remembers_ms) as remembers_ms, max(since_ms) as since_ms from quarantine"
    " where since_ms > $1 and since_ms <= $2 having count(*) > 0"
)
_AT = "select 1 from quarantine where remembers_ms - $1 <= $2 and since_ms + $1 >= $2 limit 1"


@dataclass(frozen=True, slots=True)
class Gap:
    """Epoch ms. `id`: of the quarantine; what was made at or after `remembers_ms` may be forgotten."""

    id: int
    remembers_ms: int
    since_ms: int

    @property
    def begins(self) -> datetime:
        """From when an agency is asked, by its own clock."""
        return from_ms(max(self.remembers_ms, self.since_ms - 30 * 86_400_000) - SKEW_MS)


async def gap_of(ask: Run, now_ms: int) -> Gap | None:
    """What was lost by restores of the last seven days; None where there was none."""
    rows = await ask(_GAP, now_ms - LOOKED_FOR_MS, now_ms)
    return Gap(rows[0]["id"], rows[0]["remembers_ms"], rows[0]["since_ms"]) if rows else None


async def was_lost(ask: Run, at_ms: int) -> bool:
    """Whether something made at this moment lies in a time the database has ever lost."""
    return bool(await ask(_AT, 60_000, at_ms))
