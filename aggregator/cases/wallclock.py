"""Whether the wall clock was set: it is compared with the monotonic one, which nobody can set.

Their difference is kept in the database, so that a clock set while nobody ran is noticed at the next start; a reboot or
another machine looks the same, and costs no more than one more wait. A clock set back takes the times we wait for with
it: what was due in an hour is due in an hour still, and a key that was sent an hour ago is an hour old.
Source: docs/outcomes.md section 8.
"""

from aggregator.cases.attempt import Desktop
from aggregator.store import Run

JUMP_S = 5.0
"""A difference of more than this is a clock that was set; less is its being kept right."""
_OPEN = "state not in ('CONFIRMED', 'REJECTED', 'EXPIRED', 'CANCELLED')"


class WallClock:
    """The wall clock of this process."""

    def __init__(self, desk: Desktop) -> None:
        self._desk = desk
        self._skew_s = self._skew()
        self._compared = False

    async def was_set(self) -> bool:
        """True once for every time it was set by more than `JUMP_S`. Raises StoreUnavailable."""
        remembered_s = None if self._compared else await self._remembered()
        skew_s = self._skew()
        moved_s = skew_s - self._skew_s
        if remembered_s is not None and abs(skew_s - remembered_s) > abs(moved_s):
            moved_s = skew_s - remembered_s
        if not self._compared or abs(moved_s) > JUMP_S:
            await self._desk.store.write(lambda run: _remember(run, skew_s))
        if abs(moved_s) > JUMP_S and moved_s < 0:
            await self._desk.store.write(lambda run: _shift(run, round(moved_s * 1000)))
        if abs(moved_s) > JUMP_S:
            self._skew_s = skew_s
        self._compared = True
        return abs(moved_s) > JUMP_S

    def _skew(self) -> float:
        return self._desk.clock.now().timestamp() - self._desk.clock.monotonic()

    async def _remembered(self) -> float | None:
        rows = await self._desk.store.read("select value from setting where name = 'clock_skew_ms'")
        return int(rows[0]["value"]) / 1000 if rows else None


async def _remember(run: Run, skew_s: float) -> None:
    await run(
        "insert into setting (name, value) values ('clock_skew_ms', $1)"
        " on conflict (name) do update set value = excluded.value",
        str(round(skew_s * 1000)),
    )


async def _shift(run: Run, by_ms: int) -> None:
    """The clock went back: what is waited for, and what grows too old to be repeated, keeps its true distance."""
    await run(
        "update operation set next_action_ms = next_action_ms + $1, first_sent_ms = first_sent_ms + $1,"  # noqa: S608 - a constant
        f" age_due_ms = age_due_ms + $1, doubt_since_ms = doubt_since_ms + $1 where {_OPEN}",
        by_ms,
    )
    await run("update leg set poll_due_ms = poll_due_ms + $1 where poll_due_ms is not null", by_ms)
