"""One table of what was proved: docs/figures.md, written by `make figures` from what the proofs themselves record.

How a proof gets its row. Mark the test with the figure's id and take the fixture:

    @pytest.mark.slow
    @pytest.mark.figure("R4")                       # or ("R1", "on PostgreSQL") for a second row of one figure
    def test_the_log_is_synced_before_the_first_byte(figure: Figure) -> None:
        figure.control("sends before its log is synced: flagged 500 of 500")
        ...
        assert synced == 500
        figure.measured(f"{synced} of 500", seeds="4")

A control in a test of its own carries the same mark and calls `figure.control(...)` alone. A marked test that is
skipped, fails or is run again (patience.py) gets a row that says so; one that passes and says nothing fails. A proof
of a few seconds needs no `slow`: it runs in `make test` and again for its row. `sized(60, 300)` is 60 in the CI tier
and 300 under TIER=night; `night_only` marks what runs at night alone. Nothing is written unless FIGURES_TO names a
file, as `make figures` does. The pass figures are in `FIGURES` below: change one in the commit that shows why.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import patience
import pytest
from patience import Inconclusive

ROOT = Path(__file__).parents[1]
TIER = os.environ.get("TIER", "CI") or "CI"
NIGHT = TIER == "night"
night_only = pytest.mark.skipif(not NIGHT, reason="runs with TIER=night")

FIGURES = {
    "R1": ("crash safety", "0 lost, 0 doubled where the agency can tell, opaque ones with people; all settled or told"),
    "R2": ("deterministic simulation", "0 violations; same seed, same trace 100 of 100"),
    "R3": (
        "the rules are needed",
        "24 of 24 mutants killed; of small mistakes >= 85 %, in the vault >= 90 %; the unmutated tree survives",
    ),
    "R4": ("order of writes", "every send after its journal is synced, every 202 after its case is synced"),
    "R5": ("zombies", "0 doubled, 0 stale writes; no settle clock starts while the lock is held"),
    "R6": ("every fault is classified", "100 % as the table says"),
    "R7": ("isolation", "healthy p99 <= 1.2x alone + 5 ms; a dead one answered in <= 50 ms"),
    "R8": ("breaker", "<= 3 of 1,000 pass half-open; refusals never count"),
    "R9": ("no retry amplification", "upstream / logical <= 1.10; one layer repeats"),
    "R10": ("coming back", "never above max_rps; oldest first; nothing stale sent unasked"),
    "R15": ("PostgreSQL dies", "0 lost, 0 doubled; serving <= 3 s after it is back"),
    "R17": ("failover loses writes", "quarantine entered every time; 0 doubled"),
    "R18": ("backup and restore", "0 doubled; newer agency records adopted or listed; RTO <= 60 s"),
    "R19": ("disk full", "refused before acceptance; nothing sent unjournaled; healthy <= 5 s after; integrity holds"),
    "R20": ("corruption", "0 silently wrong answers; never sends from a suspect database"),
    "R22": ("rolling restart", "0 failed writes; exit <= 10 s; sends in flight finish or become doubt"),
    "R23": ("clocks", "leases unaffected; a jump only lengthens a wait"),
    "R24": ("order of events", "same end state in 100 % of examples"),
    "R25": ("idempotency keys", "1 effect; replay byte-identical; no leak"),
    "R26": ("static stability", "everything stored is served; boot <= 3 s; submissions held with honest text"),
    "R27": ("money", "ledger always balances; 0 double posts; 0 refunds of posted payments"),
    "S1": ("authorisation matrix", "100 % of routes present; 0 unexpected allows"),
    "S2": ("object and property level", "0 cross reads or writes; not yours = not there, in bytes and time"),
    "S3": ("tracking by number", "0 hits in 1,000,000 guesses; <= 5 probes per number and day; guessing is stopped"),
    "S4": ("one-time codes", "<= 5 of 1,000 guesses looked at; <= 5 in 100,000 a day; 0 codes stored or logged"),
    "S5": ("API fuzzing", "0 answers of 5xx, 0 schema violations, with and without authentication"),
    "S7": ("hostile XML", "0 files opened, 0 connections; each refused, memory flat"),
    "S8": ("signature wrapping", "0 of >= 30 accepted; only what is signed is read"),
    "S9": ("requests to places of others' choice", "0 connections to forbidden places in >= 150 tries"),
    "S10": ("nothing leaks", "0 canaries outside the vault's columns, in any encoding"),
    "S11": ("encryption at rest", "every swap and old ciphertext noticed; key rotated online"),
    "S12": ("erasure", "0 readable after a restored backup; the log verifies; holds listed"),
    "S13": ("audit chain", "100 % of 10,000 tampers noticed"),
    "S14": ("pairwise identifiers", "0 equal across sectors, 0 internal ids in any answer; two portals join nobody"),
    "S15": ("signed notices", "vectors agree; 100 % of changed, late, early and replayed ones without effect"),
    "S16": ("TLS and tokens", "100 % refused before any byte of the request; a bound token works for its holder alone"),
    "S17": ("browser side", "0 findings"),
    "S20": ("duties drill", "withdrawal effective <= 5 s everywhere; export and breach pack complete"),
    "D1": ("every form in a browser", "JSON Forms, rjsf and our pages show and judge each form alike; axe finds 0"),
    "D2": (
        "pages of the city",
        "0 axe violations in 3 languages, narrow and wide; the keyboard reaches all; nothing cut",
    ),
}
"""Id -> (claim, pass figure). R: reliability, S: security, D: discovery."""

HEAD = """\
# Figures

Generated by `make figures` (CI tier) and `make figures TIER=night`; change the proofs in `tests`, not this page. Each
proof first catches a deliberately wrong control. Counts of R come from the simulated agencies' own durable ledgers and
from strace, never from our tables; counts of S from what an attacker saw and got. What could not run here is shown with
its reason: skipped is not passed.
"""
TITLES = {"CI": "CI tier", "night": "Night tier"}
KINDS = {"R": "Reliability", "S": "Security", "D": "Discovery"}


@dataclass
class Figure:
    """The row of one figure, filled by its proof."""

    id: str
    part: str
    said: int = 0

    def measured(self, value: str, *, seeds: str = "-") -> None:
        """What was counted, in a few words; `seeds` as they were used."""
        self._note("measured", value, seeds)

    def control(self, value: str) -> None:
        """What the deliberately wrong variant did, after it was caught."""
        self._note("control", value)

    def _note(self, kind: str, value: str, seeds: str = "") -> None:
        self.said += 1
        note(self.id, self.part, kind, value, seeds)


def sized(ci: int, night: int) -> int:
    """How many, in this tier."""
    return night if NIGHT else ci


def note(figure_id: str, part: str, kind: str, value: str, seeds: str = "") -> None:
    """One line for the table, if a table is being made."""
    place = os.environ.get("FIGURES_TO")
    if place:
        at = datetime.now(UTC).strftime("%Y-%m-%d")
        line = {"id": figure_id, "part": part, "kind": kind, "value": value, "seeds": seeds, "at": at}
        with Path(place).open("a", encoding="utf-8") as book:
            book.write(json.dumps(line) + "\n")


def _mark_of(item: pytest.Item) -> tuple[str, str] | None:
    mark = item.get_closest_marker("figure")
    if mark is None:
        return None
    figure_id, part = (*mark.args, "")[:2]
    if figure_id not in FIGURES:
        raise pytest.UsageError(f"{item.nodeid}: there is no figure {figure_id}")
    return figure_id, part


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Iterator[Figure]:
    """This test's row in docs/figures.md."""
    found = _mark_of(request.node)
    assert found is not None, "mark the test: @pytest.mark.figure('R1')"
    row = Figure(*found)
    yield row
    report = request.node.stash.get(REPORT, None)
    assert row.said or report is None or not report.passed, "a proof that passed must say what it measured"


REPORT: pytest.StashKey[pytest.TestReport] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Rows for what did not pass."""
    report: Any = yield
    if patience.left_open(item, call, report):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, f"inconclusive twice: {call.excinfo.value if call.excinfo else ''}")
    if report.when == "call":
        item.stash[REPORT] = report
    found = _mark_of(item)
    if found is not None and report.skipped:
        note(*found, "skipped", str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr))
    elif found is not None and report.failed:
        note(*found, *_failed(item, call))
    return report  # type: ignore[return-value]


def _failed(item: pytest.Item, call: pytest.CallInfo[None]) -> tuple[str, str]:
    """What a failure is noted as; the first one that was only inconclusive is followed by a second run."""
    if call.excinfo is None or not call.excinfo.errisinstance(Inconclusive):
        return "failed", item.name
    first = getattr(item, "execution_count", 1) == 1
    return "again" if first else "failed", f"{item.name}: {call.excinfo.value}"


def rows_of(lines: list[dict[str, str]], commit: str) -> list[str]:
    """Both tables' lines, in the order of the ids; a figure that was not measured gets its line too."""
    told: list[str] = []
    for letter, title in KINDS.items():
        told += [f"### {title}", "", "| id | claim | date | commit | seeds | measured | pass figure | control |"]
        told += ["| --- " * 8 + "|"]
        for figure_id in (one for one in FIGURES if one.startswith(letter)):
            told += _rows_of_one(figure_id, [line for line in lines if line["id"] == figure_id], commit)
        told.append("")
    return told[:-1]


def _rows_of_one(figure_id: str, mine: list[dict[str, str]], commit: str) -> list[str]:
    """A row for each part of one figure."""
    claim, wanted = FIGURES[figure_id]
    if not mine:
        return [f"| {figure_id} | {claim} | - | - | - | not measured in this run | {wanted} | - |"]
    return [
        _row(figure_id, claim, wanted, [line for line in mine if line["part"] == part], commit)
        for part in dict.fromkeys(line["part"] for line in mine)
    ]


def _row(figure_id: str, claim: str, wanted: str, lines: list[dict[str, str]], commit: str) -> str:
    part = lines[0]["part"]

    def said(kind: str) -> str:
        return "; ".join(dict.fromkeys(line["value"] for line in lines if line["kind"] == kind))

    failed, skipped = said("failed"), said("skipped").replace("Skipped: ", "")
    measured = said("measured")
    if again := said("again"):
        measured = f"{measured} (run twice; first {again})"
    if failed:
        measured = f"**FAILED**: {failed}" + (f"; {measured}" if measured else "")
    if skipped:
        measured = f"{measured}; skipped: {skipped}" if measured else f"skipped: {skipped}"
    seeds = ", ".join(dict.fromkeys(line["seeds"] for line in lines if line["seeds"])) or "-"
    what = f"{claim}, {part}" if part else claim
    cells = (figure_id, what, lines[-1]["at"], commit, seeds, measured or "-", wanted, said("control") or "-")
    return f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in cells)} |"


def write(results: Path, page: Path) -> None:
    """Puts this tier's table on the page; the other tier's stays as it is."""
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    kept = page.read_text() if page.exists() else ""
    sections = []
    for tier, title in TITLES.items():
        heading = f"## {title}\n"
        if tier == TIER:
            sections.append(heading + "\n" + "\n".join(rows_of(lines, commit or "-")) + "\n")
        elif heading in kept:
            sections.append(heading + kept.split(heading, 1)[1].split("\n## ", 1)[0].rstrip("\n") + "\n")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(HEAD + "\n" + "\n".join(sections))


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
