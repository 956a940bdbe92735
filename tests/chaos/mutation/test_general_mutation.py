"""Each line of the four modules that everything rests on is needed: a small mistake in it is noticed (R3).

What lives is for a person to look at: a missing test, code that nobody needs, or in `equivalent.toml` with a reason.
"""

import ast
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from figures import Figure, night_only

from mutation.forked import TIMED_OUT, Limit, told_by
from mutation.operators import mutants_of
from mutation.targets import ROOT, TARGETS, Target

SOURCE = '''
"""A counter."""
STEPS: dict[str, int] = {"on": 1, "back": 2}


def few(seen: int, *, most: int = 3) -> bool:
    """Docstrings stay."""
    if not seen:
        raise ValueError("none")
    return seen < most and seen != 2
'''


def result_of(target: Target) -> dict[str, Any]:
    path = os.pathsep.join(str(ROOT / part) for part in ("tests/chaos", "tests"))
    log = ROOT / ".figures" / f"mutants-{target.module.replace('/', '-')}.log"
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "mutation.run", target.module, "--log", str(log)]
    ran = subprocess.run(
        command, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
@night_only
@pytest.mark.figure("R3", "general mutation")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.module)
def test_a_mistake_anywhere_in_what_everything_rests_on_is_noticed(target: Target, figure: Figure) -> None:
    found = result_of(target)
    percent = 100 * found["killed"] / found["mutants"]
    assert percent >= target.percent, found["alive"]
    assert not found["equivalent_but_noticed"], "these can be noticed: take them out of equivalent.toml"
    equivalent = f", {found['equivalent']} more change nothing" if found["equivalent"] else ""
    figure.measured(f"{target.module} {percent:.1f} % ({found['killed']} of {found['mutants']}{equivalent})")
    figure.control(f"compiled anew and unchanged: {target.module} passes its {found['tests']} tests")


def test_every_small_mistake_is_made_once_and_can_be_compiled() -> None:
    mutants = {mutant.id: mutant for mutant in mutants_of(SOURCE)}
    assert len({ast.unparse(mutant.tree) for mutant in mutants.values()}) == len(mutants)
    for mutant in mutants.values():
        compile(mutant.tree, "mutant", "exec")
    assert {
        "module: {'on': 1, 'back': 2} => {'back': 2}",
        "module: 3 => 4",
        "few: not seen => seen",
        "few: raise ValueError('none') => nothing",
        "few: seen < most => seen <= most",
        "few: seen < most and seen != 2 => seen < most or seen != 2",
    } <= set(mutants)
    assert not any("Docstrings" in name or "int =>" in name for name in mutants)


def test_a_mutant_that_never_ends_is_ended_and_the_tests_go_on() -> None:
    def turns_round() -> str:
        while True:
            pass

    assert told_by(turns_round, Limit(cpu_s=10.0, real_s=0.1)) == TIMED_OUT
    assert told_by(lambda: "", Limit(cpu_s=10.0, real_s=60.0)) == ""
    assert told_by(lambda: "a test", Limit(cpu_s=10.0, real_s=60.0)) == "a test"
    assert told_by(lambda: str(1 // 0), Limit(cpu_s=10.0, real_s=60.0)).startswith("ZeroDivisionError")
