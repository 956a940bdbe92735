"""Time, randomness and identifiers enter the house through this one door.

Everything else takes a `Clock` and a `Chance`, so that a whole city can be simulated in virtual time
and every random test can be replayed from its seed. A test walks the syntax trees of `aggregator`
and refuses `time`, `datetime.now`, `random`, `secrets` and `uuid` anywhere but here.
"""

import asyncio
import random
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

IST = ZoneInfo("Asia/Kolkata")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [high + low for high in _CROCKFORD for low in _CROCKFORD]


class Clock(Protocol):
    """`monotonic()` for durations, in seconds; `now()` for records, aware and in UTC."""

    def monotonic(self) -> float: ...

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class Chance(Protocol):
    """`random()` in [0, 1); `bytes(n)` unguessable in production."""

    def random(self) -> float: ...

    def bytes(self, count: int) -> bytes: ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SystemChance:
    """The operating system's randomness."""

    def random(self) -> float:
        return secrets.SystemRandom().random()

    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


class ManualClock:
    """A clock that moves only when told; `sleep` moves it and yields once."""

    def __init__(self, start: datetime = datetime(2026, 1, 15, 4, 30, tzinfo=UTC)) -> None:
        self._wall = start
        self._mono = 1000.0

    def monotonic(self) -> float:
        return self._mono

    def now(self) -> datetime:
        return self._wall

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self._mono += seconds
        self._wall += timedelta(seconds=seconds)

    def jump_wall(self, seconds: float) -> None:
        """The wall clock is set; durations know nothing of it."""
        self._wall += timedelta(seconds=seconds)


class SeededChance:
    """Replayable randomness for tests and simulators. Never for secrets."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the point is that it can be replayed

    def random(self) -> float:
        return self._random.random()

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970, the form every table keeps times in."""
    return round(at.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The aware UTC time of `epoch_ms`."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def new_id(prefix: str, clock: Clock, chance: Chance) -> str:
    """A prefixed ULID such as `case_01JCZ5...`: 48 bits of time, 80 of chance.

    Source: the ULID specification; prefixes in docs/api.md.
    """
    value = (epoch_ms(clock.now()) << 80) | int.from_bytes(chance.bytes(10), "big")
    return prefix + "_" + "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])


def ulid_time(at: datetime) -> str:
    """What the ULID of an id made at this time (UTC) begins with: every id of before sorts below it."""
    value = epoch_ms(at) << 80
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, 70, -10)])


def random_digits(count: int, chance: Chance) -> str:
    """`count` decimal digits without the bias of a modulus over few bytes."""
    return str(int.from_bytes(chance.bytes(count + 8), "big") % 10**count).zfill(count)
