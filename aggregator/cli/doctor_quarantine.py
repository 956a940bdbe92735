"""`aggregator doctor` on a restored city: what is held back, since when, how much of it is open, and what to do."""

from dataclasses import dataclass

from aggregator.cases import quarantine
from aggregator.cases.forgotten import FORGOTTEN
from aggregator.cases.gap import gap_of
from aggregator.cli.finding import Finding
from aggregator.sdk.clock import SystemClock, epoch_ms, from_ms
from aggregator.store import Run


@dataclass(frozen=True, slots=True)
class Held:
    """`reason` is empty outside a quarantine; `waiting` counts unsettled requests by agency."""

    epoch: int
    reason: str
    since: str
    waiting: dict[str, int]
    lost_from: str
    """From when something was lost by a restore of the last seven days; empty for none."""
    lost_until: str
    forgotten: int
    """Records that agencies hold and nobody has come for."""
    unlisted: tuple[str, ...]
    """Agencies whose list could not be had yet."""


async def quarantine_rows(ask: Run) -> Held:
    """Raises whatever `ask` raises."""
    standing = await quarantine.standing_by(ask)
    gap = await gap_of(ask, epoch_ms(SystemClock().now()))
    epoch = await ask("select value from setting where name = 'epoch'")
    open_items = await ask("select count(*) as n from worklist_item where kind = $1 and closed_ms is null", FORGOTTEN)
    unlisted = await ask("select distinct agency from agency_listed where outcome <> 'listed' order by agency")
    return Held(
        epoch=int(epoch[0]["value"]) if epoch else 0,
        reason=standing.reason,
        since=f"{from_ms(standing.since_ms):%Y-%m-%d %H:%M} UTC",
        waiting=dict(standing.waiting),
        lost_from=f"{from_ms(gap.remembers_ms):%Y-%m-%d %H:%M}" if gap else "",
        lost_until=f"{from_ms(gap.since_ms):%Y-%m-%d %H:%M} UTC" if gap else "",
        forgotten=open_items[0]["n"],
        unlisted=tuple(row["agency"] for row in unlisted) if gap else (),
    )


def quarantine_line(held: Held | None) -> Finding:
    """One line; bad never: a quarantine is the city being careful."""
    if held is None:
        return Finding("doubtful", "quarantine", "the database is of an older version: `aggregator serve` updates it")
    if held.reason:
        open_now = ", ".join(f"{agency} {count}" for agency, count in sorted(held.waiting.items())) or "none open"
        said = (
            f"since {held.since} ({held.reason}), epoch {held.epoch}: {sum(held.waiting.values())} requests to be "
            f"found out before anything is sent ({open_now}). Leave the server running; decide what is on "
            "`aggregator worklist`"
        )
        return Finding("doubtful", "quarantine", said)
    if held.lost_from:
        said = (
            f"left; what was filed from {held.lost_from} to {held.lost_until} may be forgotten: {held.forgotten} "
            "records at agencies wait for their citizens. Ask portals to send receipts to POST /v1/receipts"
        )
        if held.unlisted:
            said += f"; no list yet from {', '.join(held.unlisted)}"
        return Finding("doubtful", "quarantine", said)
    return Finding("good", "quarantine", f"none, epoch {held.epoch}")
