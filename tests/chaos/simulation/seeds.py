"""Runs seeds in processes of their own, on this tree or on a changed copy of it, and adds up what they say."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
REGRESSIONS = Path(__file__).with_name("seeds.txt")
PROCESSES = 2


@dataclass
class Ran:
    """What a run of seeds came to. `failed` maps a seed to its first sentences; `seconds` are of CPU."""

    seeds: int = 0
    hours: float = 0.0
    seconds: float = 0.0
    crashes: int = 0
    effects: int = 0
    doubts: int = 0
    failed: dict[str, list[str]] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)

    def add(self, said: dict[str, Any]) -> None:
        self.seeds += said["seeds"]
        self.hours += said["hours"]
        self.seconds += said["cpu_s"]
        self.crashes += said["crashes"]
        self.effects += said["effects"]
        self.doubts += said["doubts"]
        self.failed |= said["failed"]
        self.digests += said["digests"]

    @property
    def told(self) -> str:
        """The failures with the command that replays each."""
        replay = "PYTHONPATH=tests/chaos:tests python -m simulation.run --trace --seed"
        return "\n".join(f"{wrong[0]}\n  {replay} {seed}" for seed, wrong in self.failed.items())


def start(*arguments: str, tree: Path = ROOT, hash_seed: str = "random") -> subprocess.Popen[str]:
    """A run in a process of its own. `tree`: where the package `aggregator` is."""
    path = os.pathsep.join(map(str, (tree, ROOT / "tests" / "chaos", ROOT / "tests")))
    env = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-W", "ignore", "-m", "simulation.run", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=tree)


def heard(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the run said last. Raises AssertionError when it did not come to an end of its own."""
    out, _ = process.communicate()
    assert process.returncode in {0, 1}, out[-2000:]
    said: dict[str, Any] = json.loads(out.splitlines()[-1])
    return said


def run(first: int, count: int, *more: str, into: Ran | None = None) -> Ran:
    """`count` seeds from `first` on, shared by the processors; added to what was there."""
    share = -(-count // PROCESSES)
    begun = [
        start("--first", str(first + n), "--count", str(share), "--step", str(PROCESSES), *more)
        for n in range(PROCESSES)
    ]
    ran = into or Ran()
    for process in begun:
        ran.add(heard(process))
    return ran


def these(seeds: Iterable[int], *more: str, hash_seed: str = "random") -> Ran:
    ran = Ran()
    ran.add(heard(start(*(f"--seed={seed}" for seed in seeds), *more, hash_seed=hash_seed)))
    return ran


def regressions() -> dict[str, list[int]]:
    """The kept seeds by profile."""
    kept: dict[str, list[int]] = {}
    for line in REGRESSIONS.read_text().splitlines():
        if line and not line.startswith("#"):
            number, profile, _ = line.split(maxsplit=2)
            kept.setdefault(profile, []).append(int(number))
    return kept
