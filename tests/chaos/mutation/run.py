"""`PYTHONPATH=tests/chaos:tests python -m mutation.run cases/reconcile`: what the tests notice of one module's mutants.

The last line printed is JSON: how many there are, how many were noticed, and which were not.
"""

# ruff: noqa: T201 - a command line prints

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from mutation.bench import ARGUMENTS, Loaded, Verdict, judged_from_import
from mutation.forked import TIMED_OUT, Limit, told_by
from mutation.operators import Mutant, mutants_of
from mutation.targets import ROOT, Target, by_module

_OTHERS = (
    "aiohttp.web", "aiosqlite", "asyncpg", "hypothesis.stateful", "httpx", "jinja2", "joserfc.jwt", "jsonschema_rs",
    "lxml.etree", "msgspec", "orjson", "phonenumbers", "prometheus_client", "pybreaker", "rapidfuzz", "respx",
    "structlog", "tenacity", "trustme", "zeep",
)  # fmt: skip
"""Loaded once, before any process is forked: they are not ours and never mutated."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", help="such as cases/reconcile")
    parser.add_argument("--only", action="append", default=[], help="mutants whose name holds this text")
    parser.add_argument("--log", type=Path, default=Path(os.devnull), help="what noticed each, as soon as it is known")
    parser.add_argument("--seeds", type=int, help="of the simulation, instead of as many as the module is given")
    options = parser.parse_args(argv)
    target, begun = by_module(options.module), time.monotonic()
    if options.seeds is not None:
        target = replace(target, seeds=options.seeds)
    os.chdir(ROOT)
    mutants = mutants_of(target.path.read_text("utf-8"))
    chosen = [mutant for mutant in mutants if not options.only or any(text in mutant.id for text in options.only)]
    _get_ready()
    verdicts, tests = _judged(target, chosen, options.log.absolute())
    print(
        json.dumps(_summary(target, mutants, verdicts, tests) | {"minutes": round((time.monotonic() - begun) / 60, 1)})
    )
    return 0


def _get_ready() -> None:
    for name in _OTHERS:
        with suppress(ImportError):
            importlib.import_module(name)
    settings.register_profile("mutation", derandomize=True, database=None, deadline=None, phases=_NO_SHRINKING)
    settings.load_profile("mutation")


_NO_SHRINKING = (Phase.explicit, Phase.generate)


def _judged(target: Target, mutants: Sequence[Mutant], log: Path) -> tuple[list[Verdict], int]:
    inside = [mutant for mutant in mutants if mutant.scope]
    outside = [mutant for mutant in mutants if not mutant.scope]
    with tempfile.TemporaryDirectory() as folder:
        verdicts, tests = _judged_loaded(target, inside, Path(folder), log)
    begun = time.process_time() + os.times().children_user
    if outside and (wrong := judged_from_import(target, None, Limit(1200.0, 2400.0))):
        raise RuntimeError(f"the tree as it is does not survive: {wrong}")
    usual_s = time.process_time() + os.times().children_user - begun
    for mutant in outside:
        by = judged_from_import(target, mutant, Limit.after(usual_s))
        verdicts.append(Verdict(mutant.id, mutant.first_line, by))
        verdicts[-1].told(log)
    return verdicts, tests


def _judged_loaded(target: Target, mutants: Sequence[Mutant], folder: Path, log: Path) -> tuple[list[Verdict], int]:
    """In a child of its own, so that this process stays without our code."""
    book = folder / "verdicts.json"

    def work() -> str:
        loaded = Loaded(target, mutants, folder / "reach.json", log)
        code = pytest.main([*ARGUMENTS, *target.tests], plugins=[loaded])
        book.write_text(json.dumps([loaded.tests, [vars(one) for one in loaded.verdicts]]), "utf-8")
        return "" if code == pytest.ExitCode.OK else f"pytest ends with {code} {loaded.broken}"

    if wrong := told_by(work, Limit(36_000.0, 36_000.0)):
        raise RuntimeError(wrong)
    tests, rows = json.loads(book.read_text("utf-8"))
    return [Verdict(**row) for row in rows], tests


def _summary(target: Target, mutants: list[Mutant], verdicts: list[Verdict], tests: int) -> dict[str, object]:
    equivalent = target.equivalent()
    gone = sorted(set(equivalent) - {mutant.id for mutant in mutants})
    if gone:
        raise LookupError(f"no such mutants any more, take them out of equivalent.toml: {gone}")
    counted = [verdict for verdict in verdicts if verdict.mutant not in equivalent]
    alive = [f"{verdict.line}: {verdict.mutant}" for verdict in counted if not verdict.by]
    noticed = sorted(one.mutant for one in verdicts if one.mutant in equivalent and one.by)
    return {
        "module": target.module,
        "tests": tests,
        "mutants": len(counted),
        "killed": len(counted) - len(alive),
        "out_of_time": [verdict.mutant for verdict in counted if verdict.by == TIMED_OUT],
        "by_seeds": sum(verdict.by.startswith("seed ") for verdict in counted),
        "equivalent": len(verdicts) - len(counted),
        "equivalent_but_noticed": noticed,
        "alive": alive,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
