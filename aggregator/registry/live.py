"""The registry in use can be exchanged while calls run; a broken file changes nothing.

An agency whose calls would go the same way keeps its guard, and with it breaker, cache and connections. One that
changed or went is closed only when the calls it is in have ended: a connection cut under a write is a doubt.
"""

import asyncio
from collections.abc import Mapping
from glob import glob
from pathlib import Path
from typing import Any

from aggregator.registry.agency import Agency, Registry
from aggregator.registry.driver import ROOT
from aggregator.registry.load import Draft, Parts, construct, guarded, read, refuse_broken, registry_of, wire_for
from aggregator.sdk.wire import Wire

RETIRE_LOOK_S = 0.5
Stamp = dict[str, tuple[int, int]]


class Live:
    """`current` is always a whole registry: a reader takes it once and uses that one."""

    def __init__(
        self,
        path: Path,
        parts: Parts,
        *,
        env: Mapping[str, str],
        sandbox_urls: Mapping[str, str] | None = None,
        drivers: str = ROOT,
    ) -> None:
        self._path = path
        self._parts = parts
        self._env = env
        self._urls = {} if sandbox_urls is None else sandbox_urls
        self._root = drivers
        self._current: Registry | None = None
        self._wires: dict[str, Wire] = {}
        self._watched: list[Path] = [path]
        self._patterns: list[str] = []
        self._stamp: Stamp = {}
        self._one_at_a_time = asyncio.Lock()
        self._retiring: dict[asyncio.Task[None], tuple[Agency, Wire]] = {}

    @property
    def current(self) -> Registry:
        """Raises LookupError before the first successful `reload`."""
        if self._current is None:
            raise LookupError("the registry has not been loaded")
        return self._current

    def changed(self) -> bool:
        """Whether a file differs from what was last read, well or badly. Cheap; call it every few seconds."""
        return self._look() != self._stamp

    async def reload(self) -> Registry:
        """Reads the files again and takes over what they say.

        Raises RegistryRefused, and then everything is as it was before.
        """
        async with self._one_at_a_time:
            before = self._look()
            draft = await asyncio.to_thread(
                read, self._path, env=self._env, sandbox_urls=dict(self._urls), drivers=self._root
            )
            self._watch(draft, before)
            draft.refuse_errors()
            return await self._take_over(draft)

    async def aclose(self) -> None:
        """Closes every wire at once, also those still retiring."""
        retiring = dict(self._retiring)
        for task in retiring:
            task.cancel()
        await asyncio.gather(*retiring, return_exceptions=True)
        # Here and not in the task: one that is cancelled before its first step never runs its own finally.
        for agency, wire in retiring.values():
            await _close(wire, agency)
        for name, wire in self._wires.items():
            await _close(wire, self.current.agencies[name])
        self._wires.clear()
        self._current = None

    async def _take_over(self, draft: Draft) -> Registry:
        before = self._current.agencies if self._current else {}
        kept = {name: before[name] for name, facts in draft.facts.items() if _same(before.get(name), facts)}
        wires = {name: wire_for(facts, self._parts) for name, facts in draft.facts.items() if name not in kept}
        made = await self._construct(draft, wires)
        agencies = {
            name: guarded(facts, made.get(name), self._parts, kept[name].guarded if name in kept else None)
            for name, facts in draft.facts.items()
        }
        gone = [(agency, self._wires.pop(name)) for name, agency in before.items() if name not in kept]
        self._wires.update(wires)
        self._current = registry_of(draft, agencies)
        for agency, wire in gone:
            self._retire(agency, wire)
        return self._current

    async def _construct(self, draft: Draft, wires: Mapping[str, Wire]) -> dict[str, Any]:
        """Drivers by agency, made in threads: parsing a contract takes long enough to be felt by every citizen."""
        try:
            mailbox = self._parts.mailbox
            drivers = await asyncio.gather(
                *(asyncio.to_thread(construct, draft, name, wires[name], mailbox(name)) for name in wires)
            )
            made = dict(zip(wires, drivers, strict=True))
            refuse_broken(draft, made)
        except BaseException:
            for wire in wires.values():
                await _close(wire)
            raise
        return made

    def _retire(self, agency: Agency, wire: Wire) -> None:
        task = asyncio.create_task(self._close_when_quiet(agency, wire), name=f"retire {agency.id}")
        self._retiring[task] = (agency, wire)
        task.add_done_callback(lambda done: self._retiring.pop(done, None))

    async def _close_when_quiet(self, agency: Agency, wire: Wire) -> None:
        """A reader who took the agency just before the exchange may still be about to call: one deadline's grace."""
        clock = self._parts.clock
        grace_ends = clock.monotonic() + agency.policy.deadline_s
        while clock.monotonic() < grace_ends or _busy(agency):
            await clock.sleep(RETIRE_LOOK_S)
        await _close(wire, agency)

    def _watch(self, draft: Draft, before: Stamp) -> None:
        self._watched = draft.watched
        self._patterns = draft.tree.patterns
        # What was seen before reading wins: a file written while we read it must look changed.
        now = self._look()
        self._stamp = {file: before.get(file, age) for file, age in now.items()}

    def _look(self) -> Stamp:
        found = {str(file) for file in self._watched}
        for pattern in self._patterns:
            found.update(glob(pattern))  # noqa: PTH207 - a pattern may be absolute, which Path.glob refuses
        return {file: _age(Path(file)) for file in found}


def _age(file: Path) -> tuple[int, int]:
    try:
        stat = file.stat()
    except OSError:
        return 0, -1
    return stat.st_mtime_ns, stat.st_size


def _same(before: Agency | None, facts: Any) -> bool:
    return before is not None and before.calls_like(facts)


def _busy(agency: Agency) -> bool:
    health = agency.guarded.health()
    return health.in_flight + health.waiting > 0


async def _close(wire: Wire, agency: Agency | None = None) -> None:
    if agency:
        await agency.guarded.close()
    close = getattr(wire, "close", None)
    if close is not None:
        await close()
