"""Each rule is needed: taken out of the real code, a seed or a named test finds it missing (R3).

Also the controls of the simulation itself: three planted bugs that it must find before its green counts.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from figures import Figure

from simulation.mutant import Mutant, plant
from simulation.mutants import COMMENT, MUTANTS, SLOW_SETTLE, UNTOUCHED, by_number
from simulation.seeds import PROCESSES, heard, start

PLANTED = (by_number(1), SLOW_SETTLE, by_number(5))
TESTED = sorted({mutant.test for mutant in MUTANTS if mutant.test})


def death(mutant: Mutant, folder: Path) -> str:
    """What killed it: "seed 17: doubled ..." or the test; "" when it lives."""
    folder.mkdir()
    tree = plant(mutant, folder)
    if mutant.test:
        env = {**os.environ, "PYTHONPATH": str(tree)}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.test]
        ran = subprocess.run(command, check=False, cwd=tree, env=env, capture_output=True, text=True, timeout=300)
        assert ran.returncode in {0, 1}, ran.stdout[-2000:] + ran.stderr[-2000:]
        return mutant.test[-1] if ran.returncode else ""
    profile = ["--profile", mutant.profile] if mutant.profile else []
    said = heard(start("--count", str(mutant.seeds), "--stop", *profile, tree=tree))
    assert Path(said["core"]).is_relative_to(tree), "the seeds ran on another tree"
    return next((f"seed {seed}: {wrong[0]}" for seed, wrong in said["failed"].items()), "")


def deaths(mutants: tuple[Mutant, ...], folder: Path) -> dict[str, str]:
    with ThreadPoolExecutor(PROCESSES) as pool:
        places = [folder / f"tree{place}" for place in range(len(mutants))]
        found = list(pool.map(death, mutants, places))
    return {f"{mutant.number} {mutant.name}": how for mutant, how in zip(mutants, found, strict=True)}


@pytest.mark.slow
@pytest.mark.figure("R2")
def test_three_planted_bugs_are_each_found_within_a_thousand_seeds(tmp_path: Path, figure: Figure) -> None:
    found = deaths(PLANTED, tmp_path)
    assert all(found.values()), found
    figure.control("; ".join(f"{name}: {how.partition(':')[0]}" for name, how in found.items()))


@pytest.mark.slow
@pytest.mark.figure("R3")
def test_the_tree_as_it_is_and_with_a_comment_more_survive(tmp_path: Path, figure: Figure) -> None:
    tested = tuple(Mutant(0, " ".join(test), (), test=test) for test in TESTED)
    unharmed = tuple(Mutant(0, f"{one.name}, {name}", one.edits, name, 40) for one in (UNTOUCHED, COMMENT)
                     for name in ("zombies", "search", "late", ""))  # fmt: skip
    found = deaths((*unharmed, *tested), tmp_path)
    assert not any(found.values()), found
    figure.control(f"unmutated tree and a comment: {len(found)} of {len(found)} runs survive")


@pytest.mark.slow
@pytest.mark.figure("R3")
def test_every_rule_that_is_taken_away_is_missed(tmp_path: Path, figure: Figure) -> None:
    assert sorted(mutant.number for mutant in MUTANTS) == list(range(1, 25))
    found = deaths(MUTANTS, tmp_path)
    alive = [name for name, how in found.items() if not how]
    assert not alive, f"alive: {alive}"
    told = ", ".join(
        f"{name.split()[0]} by {how.partition(':')[0]}" for name, how in sorted(found.items(), key=_number)
    )
    figure.measured(f"{len(found)} of {len(MUTANTS)} killed: {told}", seeds="by name")


def _number(entry: tuple[str, str]) -> int:
    return int(entry[0].split()[0])
