"""Everybody has a budget and sees it: token buckets per portal, per tracking number, per agency, per address.

The header names whose limit was met. A bucket costs a few words of memory and their number is bounded:
the one not asked for longest is forgotten first, which at worst forgives it.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from aggregator.sdk.clock import Clock

TOLD_FROM_S = 10
"""Shorter windows are over before another process could have been told."""


@dataclass(frozen=True)
class Quota:
    """`limit` requests in `window_s` seconds, all at once if need be."""

    name: str
    limit: int
    window_s: int

    @cached_property
    def policy(self) -> str:
        """Its member of `RateLimit-Policy`."""
        return f'"{self.name}";q={self.limit};w={self.window_s}'


@dataclass(frozen=True, slots=True)
class Limits:
    """The operator's numbers for this server. Sizes in bytes, times in seconds."""

    sandbox: Quota = Quota("default", 300_000, 60)
    number: Quota = Quota("number", 30, 300)
    misses: Quota = Quota("number-misses", 60, 3600)
    probes: Quota = Quota("number-probes", 2, 57_600)
    """Misses on one number, whoever asks: two at once and three more in a day."""
    all_misses: Quota = Quota("all-misses", 20_000, 3600)
    track_portal: Quota = Quota("track-portal", 600, 3600)
    """Wrong tries at a number with its second factor; all five of misses hold for all processes together."""
    track_network: Quota = Quota("track-network", 240, 3600)
    track_address: Quota = Quota("track-address", 60, 3600)
    citizen: Quota = Quota("citizen", 600, 60)
    address: Quota = Quota("address", 300, 60)
    body_bytes: int = 1_048_576
    body_s: float = 20.0
    upload_bytes: int = 5 * 1_048_576
    upload_s: float = 300.0
    first_request_s: float = 10.0
    connections_per_address: int = 1024
    in_flight: int = 512
    browsing_in_flight: int = 384
    waiting: int = 2048
    not_found_floor_s: float = 0.02


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a quota after this request; `wait_s` > 0 when it was not admitted."""

    quota: Quota
    left: int
    reset_s: int
    wait_s: float = 0.0

    @property
    def header(self) -> str:
        """Its member of `RateLimit`."""
        return f'"{self.quota.name}";r={self.left};t={self.reset_s}'


class Buckets:
    """Token buckets by (quota, who)."""

    def __init__(self, clock: Clock, most: int = 50_000) -> None:
        self._clock = clock
        self._most = most
        self._levels: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._untold: dict[tuple[str, str], tuple[Quota, int]] = {}

    def take(self, quota: Quota, who: str) -> Standing:
        """Takes one token if there is one."""
        now = self._clock.monotonic()
        level = self._level(quota, who, now)
        rate = quota.limit / quota.window_s
        admitted = level >= 1.0
        if admitted:
            level -= 1.0
            if quota.window_s >= TOLD_FROM_S:
                known = self._untold.get((quota.name, who))
                self._untold[quota.name, who] = (quota, known[1] + 1 if known else 1)
        self._keep((quota.name, who), level, now)
        wait_s = 0.0 if admitted else (1.0 - level) / rate
        return Standing(quota, max(0, int(level)), ceil((quota.limit - level) / rate), wait_s)

    def untold(self) -> list[tuple[Quota, str, int]]:
        """What was let through since this was asked last: for other processes to hear."""
        told, self._untold = self._untold, {}
        return [(quota, who, count) for (_, who), (quota, count) in told.items()]

    def told(self, quota: Quota, who: str, left: float) -> None:
        """What is left with everybody's use in it; less than nothing where several let a burst through at once."""
        since = self._untold.get((quota.name, who), (quota, 0))[1]
        self._keep((quota.name, who), left - since, self._clock.monotonic())

    def look(self, quota: Quota, who: str) -> Standing:
        """The standing without taking anything."""
        level = self._level(quota, who, self._clock.monotonic())
        rate = quota.limit / quota.window_s
        wait_s = 0.0 if level >= 1.0 else (1.0 - level) / rate
        return Standing(quota, max(0, int(level)), ceil((quota.limit - level) / rate), wait_s)

    def _keep(self, key: tuple[str, str], level: float, now: float) -> None:
        """Who was not seen for longest is forgotten first, and begins with a full bucket."""
        self._levels[key] = (level, now)
        self._levels.move_to_end(key)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)

    def _level(self, quota: Quota, who: str, now: float) -> float:
        level, at = self._levels.get((quota.name, who), (float(quota.limit), now))
        return min(quota.limit, level + (now - at) * quota.limit / quota.window_s)
