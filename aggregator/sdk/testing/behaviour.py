"""What a driver makes of answers it is given without a socket: its own recorded ones, and those nobody should give.

The names of the people in the orders are looked for wherever a driver could have put them: what it raised, what it
logged, what its transcript shows.
"""

import importlib
import logging
import pkgutil
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aggregator.sdk.adapter import Class
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.model import Order, Reading
from aggregator.sdk.status import Status
from aggregator.sdk.testing.conformance import (
    Answering,
    Candidate,
    Ended,
    call,
    promised,
    reads_as,
    recorded,
)
from aggregator.sdk.testing.hostile import HOSTILE
from aggregator.sdk.testing.people import left_in, personal, spellings
from aggregator.sdk.testing.quality import Finding, Result
from aggregator.sdk.trace import TraceWire


async def behaviour(candidate: Candidate) -> list[Result]:
    """Every rule that needs answers and no socket."""
    samples, codes = await _samples(candidate)
    hostile, leaks = await _hostile(candidate)
    return [samples, _clean_samples(candidate), hostile, leaks, _sample_per_word(candidate, codes)]


async def _samples(candidate: Candidate) -> tuple[Result, list[str]]:
    """The result, and the status words the samples showed."""
    passed, found, codes = 0, [], []
    for sample in _recorded(candidate):
        operation, expected = promised(sample)
        ended = await _ended(candidate, operation, recorded(sample))
        names = reads_as(ended, read=candidate.operations[operation].cls is Class.SAFE)
        codes += _codes(ended.got)
        if expected in names:
            passed += 1
        else:
            found.append(_unlisted(candidate, ended) or _misread(candidate, sample, names))
    return Result("samples", passed, tuple(found)), codes


def _unlisted(candidate: Candidate, ended: Ended) -> Finding | None:
    """For a status word that has no meaning yet: where the table is, and what it may mean."""
    got, words = ended.got, [place for _, place in status_words(candidate)]
    if not isinstance(got, Reading) or got.status is not Status.UNKNOWN or not words:
        return None
    allowed = " ".join(status.name for status in Status if status is not Status.UNKNOWN)
    return Finding(words[0], f"agency code {got.agency_code!r} is in no status table", f"Allowed: {allowed}")


def _misread(candidate: Candidate, sample: Path, names: set[str]) -> Finding:
    says = f"reads as {' or '.join(sorted(names))}"
    return Finding(_shown(candidate, sample), says, "Change the driver, or the name if that is true")


def _clean_samples(candidate: Candidate) -> Result:
    passed, found = 0, []
    for sample in _recorded(candidate):
        operation, _ = promised(sample)
        text = sample.read_bytes().decode("utf-8", "replace")
        order = candidate.order(operation)
        # What the simulator's published people are called is nobody's secret; what a person typed would be.
        left = [name for name in left_in(text, order) if not _invented(personal(order)[name])]
        if left:
            found.append(Finding(_shown(candidate, sample), f"the form's {', '.join(left)} stand in it"))
        else:
            passed += 1
    return Result("clean_samples", passed, tuple(found))


async def _hostile(candidate: Candidate) -> tuple[Result, Result]:
    """Hostile answers: what they end as, and whether anything of the form is left anywhere."""
    passed, wrong = 0, []
    leaks: dict[str, str] = {}
    for operation in candidate.sandbox["orders"]:
        read = candidate.operations[operation].cls is Class.SAFE
        where = f"{candidate.module}.{operation}"
        for name, hostile in HOSTILE[candidate.dialect].items():
            ended, told = await _overheard(candidate, operation, hostile.reply)
            allowed = candidate.deviation(operation, name) or (hostile.read if read else hostile.write).split("|")
            if ended.word(read=read) in allowed:
                passed += 1
            else:
                says = f"{name} ended as {ended.word(read=read)}, expected {' or '.join(allowed)}"
                wrong.append(Finding(where, says))
            if left := left_in(told, candidate.order(operation)):
                leaks.setdefault(where, f"after {name}: the form's {', '.join(left)} can be read")
    found = tuple(
        Finding(where, says, "Name the operation and the field, never the citizen") for where, says in leaks.items()
    )
    clean = len(candidate.sandbox["orders"]) - len(found)
    return Result("hostile", passed, tuple(wrong)), Result("leaks", clean, found)


async def _overheard(candidate: Candidate, operation: str, reply: Any) -> tuple[Ended, str]:
    """How the call ended, and all that could be read of it: errors, log lines, the transcript."""
    wire = TraceWire(Answering(reply, candidate.before(operation)), SystemClock())
    with _listening() as lines:
        driver = candidate.make(wire)
        ended = await call(driver, operation, candidate.operations[operation], candidate.order(operation))
    told = [*_chain(ended.got), *lines, *(str(exchanged) for exchanged in wire.transcript)]
    return ended, "\n".join(told)


def _chain(exc: Any) -> Iterator[str]:
    """What the exception and those it came from say. A wire's own errors hold no texts."""
    while isinstance(exc, BaseException):
        yield f"{exc} {exc.args}"
        exc = exc.__cause__


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Every log line, also those below the level anybody reads."""
    lines: list[str] = []

    class _Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    keeper, root = _Keeper(level=logging.DEBUG), logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(level)
        root.removeHandler(keeper)


def _sample_per_word(candidate: Candidate, codes: list[str]) -> Result:
    words = dict(status_words(candidate))
    seen = {
        word: any(re.fullmatch(word, code) or _plain(word) == _plain(code) for code in codes if code)
        if _is_pattern(word)
        else any(_plain(word) == _plain(code) for code in codes)
        for word in words
    }
    found = [
        Finding(words[word], f"no sample has the word {word!r}", "aggregator adapter call AGENCY track --record")
        for word, known in seen.items()
        if not known
    ]
    return Result("sample_per_word", sum(seen.values()), tuple(found))


def status_words(candidate: Candidate) -> Iterator[tuple[str, str]]:
    """Each word of the driver's status tables, with file and line."""
    package = importlib.import_module(candidate.module)
    for info in pkgutil.iter_modules(package.__path__):
        if not info.name.startswith("simulator"):
            importlib.import_module(f"{candidate.module}.{info.name}")
    for path in sorted(candidate.folder.glob("*.py")):
        name = candidate.module if path.stem == "__init__" else f"{candidate.module}.{path.stem}"
        if path.stem.startswith("simulator"):
            continue
        lines = path.read_text("utf-8").splitlines()
        for attribute, table in vars(importlib.import_module(name)).items():
            # Where it is written, not where it is imported.
            if _is_status_table(table) and any(re.match(rf"{attribute}\b.*=", line) for line in lines):
                for word in table:
                    line = next((n for n, text in enumerate(lines, 1) if f'"{word}"' in text), 1)
                    yield word, f"adapters/{candidate.kind}/{candidate.name}/{path.name}:{line}"


def _is_status_table(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) for key in value)
        and all(isinstance(each[0] if isinstance(each, tuple) and each else each, Status) for each in value.values())
    )


def _is_pattern(word: str) -> bool:
    return any(sign in word for sign in "|\\+*?()[]")


def _plain(word: str) -> str:
    return " ".join(word.split()).removesuffix(".").casefold()


def _codes(got: Any) -> list[str]:
    each = got if isinstance(got, list) else [got]
    return [one.agency_code for one in each if isinstance(one, Reading)]


def _invented(value: str) -> bool:
    """Whether every spelling is one of the sandbox's: the published mobiles, Test Citizen, Plot 1."""
    marks = ("test", "demo", "sim", "plot ", "9000000", "900s", "900000", "1990-01-01", "od99", "od02", "99-")
    return any(mark in each.casefold() for each in spellings(value) for mark in marks)


async def _ended(candidate: Candidate, operation: str, reply: Any) -> Ended:
    driver = candidate.make(Answering(reply, candidate.before(operation)))
    order: Order = candidate.order(operation)
    return await call(driver, operation, candidate.operations[operation], order)


def _recorded(candidate: Candidate) -> list[Path]:
    return [
        path
        for path in candidate.samples
        if not path.name.endswith(".http.json") and path.name.partition(".")[0] in candidate.sandbox["orders"]
    ]


def _shown(candidate: Candidate, sample: Path) -> str:
    return f"adapters/{candidate.kind}/{candidate.name}/samples/{sample.name}"
