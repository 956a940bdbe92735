"""One simulator process per driver for the whole suite; the menu is played once and asked about often."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aggregator.sdk.adapter import Class
from aggregator.sdk.testing.conformance import Candidate, candidates
from aggregator.sdk.testing.menu import Played, player
from aggregator.sdk.testing.sandbox import Sandbox, started


@dataclass
class Evidence:
    """What playing the menu against one driver showed."""

    played: dict[tuple[str, str], Played] = field(default_factory=dict)
    naive: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    certified: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    elsewhere: int = 0


@pytest.fixture(scope="session")
def sandbox_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Candidate], Sandbox]]:
    running: dict[str, Sandbox] = {}

    def of(candidate: Candidate) -> Sandbox:
        if candidate.module not in running:
            data: Path = tmp_path_factory.mktemp(candidate.name)
            running[candidate.module] = started(f"{candidate.module}.simulator", data)
        return running[candidate.module]

    yield of
    for sandbox in running.values():
        sandbox.stop()


@pytest.fixture(scope="session")
def evidence_of(sandbox_of: Callable[[Candidate], Sandbox]) -> Callable[[Candidate], Evidence]:
    gathered: dict[str, Evidence | BaseException] = {}

    def of(candidate: Candidate) -> Evidence:
        if not gathered:
            gathered.update(asyncio.run(_all_gathered(sandbox_of)))
        evidence = gathered[candidate.module]
        if isinstance(evidence, BaseException):
            raise evidence
        return evidence

    return of


async def _all_gathered(sandbox_of: Callable[[Candidate], Sandbox]) -> dict[str, Evidence | BaseException]:
    """All drivers at once: most of the time goes by waiting for answers that never come."""
    found = candidates()
    running = [sandbox_of(candidate) for candidate in found]
    told = await asyncio.gather(*map(_gathered, found, running), return_exceptions=True)
    return {candidate.module: evidence for candidate, evidence in zip(found, told, strict=True)}


async def _gathered(candidate: Candidate, sandbox: Sandbox) -> Evidence:
    async with player(candidate, sandbox) as playing:
        played = {(one.operation, one.fault): one for one in await playing.everything()}
        naive = await playing.naive()
        certified = {
            name: await playing.certified(name)
            for name, declared in candidate.operations.items()
            if declared.cls in {Class.KEYED, Class.UNIQUE, Class.IDEMPOTENT}
        }
        return Evidence(played, naive, certified, playing.elsewhere)
