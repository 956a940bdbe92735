"""Runs the tests that reach a mutant, sharpest and quickest first, until one of them notices.

Two ways, both in a process forked for the mutant. Where the tests are loaded and waiting, a mistake in a function is
put in and they begin at once. Where nothing of ours is loaded yet, a mistake at module level is there from the first
import on; that takes a second more, and all tests of the module are asked.
"""

import ast
import json
import sys
import threading
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Self

import pytest

from mutation.forked import Limit, told_by
from mutation.operators import Mutant
from mutation.planting import Import, change_functions
from mutation.targets import Target

BASELINE = Limit(cpu_s=1200.0, real_s=2400.0)
ARGUMENTS = (
    "-q", "-x", "-o", "addopts=", "--strict-markers", "-m", "not slow and not bench and not figure",
    "-k", "not postgres", "-p", "no:cacheprovider", "-p", "no:rerunfailures", "-o", "tmp_path_retention_policy=failed",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant. `by`: the test or seed that noticed, "" where it lives."""

    mutant: str
    line: int
    by: str

    def told(self, log: Path) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{self.by or 'ALIVE'}\t{self.line}: {self.mutant}\n")


@dataclass
class Reach:
    """What a test usually takes and which lines of the module it passes."""

    seconds: float
    lines: set[int] = field(default_factory=set)


class Loaded:
    """A pytest plugin: takes the place of the test loop and judges mutants inside functions."""

    def __init__(self, target: Target, mutants: Sequence[Mutant], book: Path, log: Path) -> None:
        self._target, self._mutants, self._book, self._log = target, mutants, book, log
        self._failed: list[str] = []
        self._kills: Counter[str] = Counter()
        self._noticed: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.verdicts: list[Verdict] = []
        self.tests = 0
        self.broken = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.broken = f"{excinfo.value!r}"

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if said := told_by(lambda: self._survey(session.items), BASELINE):
            raise RuntimeError(f"the tree as it is does not survive: {said}")
        known = {name: Reach(cost, set(lines)) for name, cost, lines in json.loads(self._book.read_text("utf-8"))}
        self.tests = len(known)
        self._warm_up(session.items)
        for mutant in self._mutants:
            self.verdicts.append(Verdict(mutant.id, mutant.first_line, self._judged(mutant, session.items, known)))
            self.verdicts[-1].told(self._log)
        return True

    def _warm_up(self, items: list[pytest.Item]) -> None:
        """What is made once for all tests, such as a new city's database, is made before any child is forked.

        Where they lie in one folder: what is set up for a file or folder would be in the way of another's tests.
        """
        stored = [item for item in items if "new_city" in getattr(item, "fixturenames", ())]
        others = [item for item in items if stored and item.path != stored[0].path]
        if others and {item.path.parent for item in others} == {stored[0].path.parent}:
            stored[0].ihook.pytest_runtest_protocol(item=stored[0], nextitem=others[0])
        if threading.active_count() > 1:
            raise RuntimeError("a process with threads cannot be forked safely")

    def _judged(self, mutant: Mutant, items: list[pytest.Item], known: dict[str, Reach]) -> str:
        lines = set(range(mutant.first_line, mutant.last_line + 1))
        reaching = [item for item in items if known[item.nodeid].lines & lines]
        sharp = self._noticed[mutant.scope]
        reaching.sort(key=lambda item: (-sharp[item.nodeid], -self._kills[item.nodeid], known[item.nodeid].seconds))
        usual_s = sum(known[item.nodeid].seconds for item in reaching)
        by = told_by(lambda: self._tried(mutant, reaching), Limit.after(usual_s)) if reaching else ""
        self._believed(by, reaching)
        sharp[by] += 1
        if not by and self._target.seeds:
            by = told_by(lambda: self._lived_through(mutant), Limit.after(0.1 * self._target.seeds))
        return by

    def _believed(self, by: str, items: list[pytest.Item]) -> None:
        """A test that notices something for the first time must pass by itself, in a child like any mutant's."""
        witness = [item for item in items if item.nodeid == by]
        if witness and not self._kills[by]:
            wrong = told_by(lambda: self._unmutated(witness), Limit.after(60.0))
            if wrong:
                raise RuntimeError(f"notices a mistake where there is none: {wrong}")
        self._kills[by] += 1

    def _unmutated(self, items: list[pytest.Item]) -> str:
        change_functions(self._target, _unchanged(self._target))
        return self._run(items)

    def _tried(self, mutant: Mutant, items: list[pytest.Item]) -> str:
        change_functions(self._target, mutant.tree, mutant.scope)
        return self._run(items)

    def _lived_through(self, mutant: Mutant) -> str:
        change_functions(self._target, mutant.tree, mutant.scope)
        return noticed_by_seed(self._target.seeds)

    def _run(self, items: list[pytest.Item]) -> str:
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return self._failed[0]
        return ""

    def _survey(self, items: list[pytest.Item]) -> str:
        """Control and survey in one: the functions compiled anew and unchanged must pass, and show what is reached."""
        change_functions(self._target, _unchanged(self._target))
        rows = []
        for item, following in zip(items, [*items[1:], None], strict=True):
            with _Watch(str(self._target.path)) as watch:
                item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return self._failed[0]
            rows.append((item.nodeid, watch.seconds, sorted(watch.lines)))
        self._book.write_text(json.dumps(rows), "utf-8")
        return ""


class _Watch:
    """Which lines of one file are passed meanwhile, in any thread, and the processor seconds it takes."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.lines: set[int] = set()
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._begun = time.process_time()
        threading.settrace(self._called)
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        self.seconds = time.process_time() - self._begun

    def _called(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        return self._passed if frame.f_code.co_filename == self._file else None

    def _passed(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        self.lines.add(frame.f_lineno)
        return self._passed


class _First:
    """A pytest plugin: the first thing that went wrong, in loading or in a test."""

    def __init__(self) -> None:
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = f"loading {report.nodeid}"


def judged_from_import(target: Target, mutant: Mutant | None, limit: Limit) -> str:
    """What notices a mistake that is there from the import on; without a mutant, the module as it is."""
    tree = mutant.tree if mutant else _unchanged(target)

    def work() -> str:
        sys.meta_path.insert(0, Import(target, tree))
        first = _First()
        code = pytest.main([*ARGUMENTS, *target.tests], plugins=[first])
        return first.failed or ("" if code == pytest.ExitCode.OK else f"pytest ends with {code}")

    def lived_through() -> str:
        sys.meta_path.insert(0, Import(target, tree))
        return noticed_by_seed(target.seeds)

    by = told_by(work, limit)
    if not by and target.seeds:
        by = told_by(lived_through, Limit.after(0.1 * target.seeds))
    return by


def noticed_by_seed(seeds: int) -> str:
    """Lives of the simulated city with whatever mistake this process has in it (figure R2)."""
    warnings.simplefilter("ignore")
    from simulation.world import live  # noqa: PLC0415 - the core is imported with the mistake already in place

    return next((f"seed {seed}" for seed in range(seeds) if live(seed, "").wrong), "")


def _unchanged(target: Target) -> ast.Module:
    return ast.parse(target.path.read_text("utf-8"))
