"""How often something may be tried, counted in the database: as often with ten processes as with one.

A try is taken before anything is looked at and given back when it was right: a limit that counts afterwards lets
through whoever asks in parallel. One number a row says it all, the moment at which the allowance is whole again (the
generic cell rate algorithm); one statement moves it, so no two processes can take the last one. A refusal is remembered
here until it ends: a flood costs the database nothing.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from aggregator.citizens.seals import Seals
from aggregator.sdk.clock import Clock, epoch_ms
from aggregator.store import Run, Store

_REFUSED_MOST = 50_000
_TAKE = (
    "insert into allowance (name, who, full_us) values ($1, $2, $3) on conflict (name, who) do update set full_us ="
    " case when allowance.full_us > $4 then allowance.full_us + $5 else $3 end where allowance.full_us <= $6"
    " returning full_us"
)
_ADD = (
    "insert into allowance (name, who, full_us) values ($1, $2, $3) on conflict (name, who) do update set full_us ="
    " case when allowance.full_us + $5 > $6 then $6 when allowance.full_us > $4 then allowance.full_us + $5"
    " else $3 end returning full_us"
)
_FULL = "select full_us from allowance where name = $1 and who = $2"
_BACK = "update allowance set full_us = full_us - $3 where name = $1 and who = $2"


@dataclass(frozen=True, slots=True)
class Allowance:
    """`limit` in `window_s` seconds, all at once if need be, for `who`: an address, a number, a portal, "" for all."""

    name: str
    who: str
    limit: int
    window_s: int

    @property
    def one_us(self) -> int:
        """How long one of them takes to come back."""
        return self.window_s * 1_000_000 // self.limit


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of it; less than nothing is a debt. `wait_s` > 0: it was not granted."""

    allowance: Allowance
    left: float
    reset_s: int
    wait_s: float = 0.0


class Allowances:
    """The city's allowances, in its database."""

    def __init__(self, store: Store, seals: Seals, clock: Clock, most: int = _REFUSED_MOST) -> None:
        self._store = store
        self._seals = seals
        self._clock = clock
        self._most = most
        self._refused: OrderedDict[tuple[str, str], int] = OrderedDict()

    def refused(self, *asked: Allowance) -> Left | None:
        """A refusal that still stands, without asking the database; None where there is none we know of."""
        now_us = self._now_us()
        for one in asked:
            until_us = self._refused.get((one.name, one.who), 0)
            if until_us > now_us:
                return Left(one, 0, _seconds(until_us - now_us), (until_us - now_us) / 1e6)
        return None

    async def take(self, *asked: Allowance) -> list[Left]:
        """One of each, in this order, up to the first that is refused, which ends the list."""
        known = self.refused(*asked)
        if known is not None:
            return [known]
        now_us = self._now_us()
        rows = [(one, self._who(one)) for one in asked]

        async def work(run: Run) -> list[Left]:
            found: list[Left] = []
            for one, who in rows:
                window_us = one.window_s * 1_000_000
                step = (one.one_us, now_us + window_us - one.one_us)
                got = await run(_TAKE, one.name, who, now_us + one.one_us, now_us, *step)
                if not got:
                    full_us = int((await run(_FULL, one.name, who))[0]["full_us"])
                    found.append(_left(one, full_us, now_us, refused=True))
                    break
                found.append(_left(one, int(got[0]["full_us"]), now_us))
            return found

        found = await self._store.write(work)
        if found and found[-1].wait_s > 0:
            self._remember(found[-1], now_us)
        return found

    async def give_back(self, *asked: Allowance) -> None:
        """Who was right has used nothing."""
        rows = [(one.name, self._who(one), one.one_us) for one in asked]

        async def work(run: Run) -> None:
            for row in rows:
                await run(_BACK, *row)

        await self._store.write(work)

    async def spent(self, used: Sequence[tuple[Allowance, int]]) -> list[Left]:
        """Notes what was granted elsewhere already, so many of each, and tells what is left with everybody's in it.

        What was too much becomes a debt of at most one window.
        """
        now_us = self._now_us()
        rows = [(one, self._who(one), count * one.one_us) for one, count in used]

        async def work(run: Run) -> list[Left]:
            found = []
            for one, who, us in rows:
                most_us = now_us + 2 * one.window_s * 1_000_000
                got = await run(_ADD, one.name, who, min(now_us + us, most_us), now_us, us, most_us)
                found.append(_left(one, int(got[0]["full_us"]), now_us))
            return found

        return await self._store.write(work)

    async def tidy(self) -> None:
        """Forgets what is whole again, and what counted once and has had its time."""
        now_us = self._now_us()

        async def work(run: Run) -> None:
            await run("delete from allowance where full_us <= $1", now_us)
            await run("delete from used_once where until_ms <= $1", now_us // 1000)

        await self._store.write(work)

    async def first_use(self, kind: str, value: str, life_s: float) -> bool:
        """Whether nobody, in no process, has shown this before. It is remembered for `life_s`."""
        now_ms = epoch_ms(self._clock.now())
        digest, until_ms = self._seals.index(f"{kind}/{value}", "once"), now_ms + ceil(life_s * 1000)

        async def work(run: Run) -> bool:
            got = await run(
                "insert into used_once (digest, until_ms) values ($1, $2) on conflict (digest) do update"
                " set until_ms = excluded.until_ms where used_once.until_ms <= $3 returning digest",
                digest, until_ms, now_ms,
            )  # fmt: skip
            return bool(got)

        return await self._store.write(work)

    async def fresh_use(self, kind: str, value: str, *, made_s: float, fresh_s: float) -> bool:
        """The same for what says when it was made and is taken within `fresh_s` of that, and no disk is waited for.

        What may have been shown before the memory began is refused: after a power loss that takes as long to pass.
        """
        now_ms, fresh_ms = epoch_ms(self._clock.now()), ceil(fresh_s * 1000)
        return await self._store.first_use(
            self._seals.index(f"{kind}/{value}", "once"),
            from_ms=ceil(made_s * 1000) - fresh_ms, until_ms=now_ms + 2 * fresh_ms, now_ms=now_ms,
        )  # fmt: skip

    def _now_us(self) -> int:
        return int(self._clock.now().timestamp() * 1_000_000)

    def _who(self, one: Allowance) -> str:
        return self._seals.index(f"{one.name}/{one.who}", "allowance")

    def _remember(self, refusal: Left, now_us: int) -> None:
        key = (refusal.allowance.name, refusal.allowance.who)
        self._refused[key] = now_us + int(refusal.wait_s * 1e6)
        self._refused.move_to_end(key)
        if len(self._refused) > self._most:
            self._refused.popitem(last=False)


def _left(one: Allowance, full_us: int, now_us: int, *, refused: bool = False) -> Left:
    window_us = one.window_s * 1_000_000
    wait_s = max(1, full_us - now_us - window_us + one.one_us) / 1e6 if refused else 0.0
    left = (now_us + window_us - full_us) / one.one_us
    return Left(one, left, _seconds(full_us - now_us), wait_s)


def _seconds(us: int) -> int:
    return max(0, ceil(us / 1e6))
