"""`aggregator adapter test`: everything the kit knows against a driver, and the ledger of what it is worth.

The same rules the project's tests assert, without pytest: whoever writes a driver outside this repository has them
too. Exit code 0 when every bronze rule is kept, 1 when one is not, 2 when the driver cannot be tried at all.
"""

import asyncio
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aggregator.cli.adapter_guard import guarded, judged
from aggregator.cli.failure import BAD_USAGE, FAILED, Failure
from aggregator.cli.table import clean, paint
from aggregator.registry.manifest import read_manifest
from aggregator.registry.problems import errors_in, meant
from aggregator.sdk.testing import certificates
from aggregator.sdk.testing.behaviour import behaviour
from aggregator.sdk.testing.conformance import Candidate, candidates
from aggregator.sdk.testing.paperwork import paperwork
from aggregator.sdk.testing.proving import proved, results
from aggregator.sdk.testing.quality import RULES, Finding, Ledger, Result, Tier, ledger
from aggregator.sdk.testing.sandbox import started

_SHOWN = 12


def add(commands: Any) -> None:
    testing = commands.add_parser("test", help="try a driver: samples, hostile answers, forty faults, its class")
    testing.add_argument("driver", nargs="?", default="", help="its folder's name, as in adapters/<kind>/<name>")
    testing.add_argument("--all", action="store_true", help="every driver of the installation")
    testing.add_argument("--quick", action="store_true", help="one operation of each class before the bad line")
    testing.add_argument("--verbose", action="store_true", help="every finding, and the rules that were kept")
    testing.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    chosen = chosen_drivers(arguments.driver, everything=arguments.all)
    worst = 0
    for candidate in chosen:
        told = tried(candidate, thorough=not arguments.quick)
        print("\n".join(lines(told, verbose=arguments.verbose)))
        worst = max(worst, FAILED if told.failures else 0)
    return worst


def chosen_drivers(name: str, *, everything: bool) -> list[Candidate]:
    """The drivers asked for. Raises Failure for a name nobody has, and for no name at all."""
    known = {candidate.name: candidate for candidate in candidates()}
    if everything:
        return list(known.values())
    if not name:
        raise Failure("name a driver, or say --all. There are: " + ", ".join(sorted(known)), BAD_USAGE)
    if name.rpartition("/")[2] not in known:
        there_are = meant(name, known) or f" There are: {', '.join(sorted(known))}"
        raise Failure(f"no driver is called {name!r}.{there_are}", BAD_USAGE)
    return [known[name.rpartition("/")[2]]]


def tried(candidate: Candidate, *, thorough: bool) -> Ledger:
    """The ledger of one driver. Raises Failure for a driver or simulator that cannot be started."""
    try:
        quality = candidate.manifest.get("quality", {})
        written = [_as_the_registry_reads_it(candidate), *paperwork(candidate)]
    except (OSError, ValueError, KeyError, ImportError, AttributeError, SyntaxError) as exc:
        why = f"{type(exc).__name__}: {exc}"
        raise Failure(f"adapters/{candidate.kind}/{candidate.name} cannot be tried: {why}", BAD_USAGE) from exc
    with tempfile.TemporaryDirectory() as data:
        try:
            sandbox = started(f"{candidate.module}.simulator", Path(data))
        except RuntimeError as exc:
            raise Failure(str(exc), BAD_USAGE) from exc
        try:
            behaved = asyncio.run(behaviour(candidate))
            evidence = asyncio.run(proved(candidate, sandbox, guarded, judged, thorough=thorough))
        except SystemExit as exc:
            raise Failure(f"{candidate.module} tried to end the process that called it") from exc
        finally:
            sandbox.stop()
    skipped = [] if certificates.available() else [certificates.NEEDS]
    return ledger(candidate.module, [*written, *behaved, *results(evidence)], quality, skipped)


def _as_the_registry_reads_it(candidate: Candidate) -> Result:
    """adapter.toml as strictly as a city's server takes it."""
    read = read_manifest(candidate.folder, candidate.operations)
    problems = [problem for source in read.sources for problem in errors_in(source.problems)]
    found = tuple(Finding(f"{problem.file}:{problem.line}", problem.message) for problem in problems)
    return Result("manifest", int(not found), found)


def lines(told: Ledger, *, verbose: bool) -> list[str]:
    """The ledger as it is printed."""
    failed = told.failures
    if failed:
        head = f"{told.passed} passed, {len(failed)} failed"
        head = f"{told.driver}: {paint(head, 'red')}"
    else:
        head = f"{told.driver}: {told.passed} passed \N{MIDDLE DOT} {paint(told.tier or 'no tier', 'green')}"
    shown = failed if verbose else failed[:_SHOWN]
    body = [f"  {clean(str(one))}" for one in shown]
    if len(failed) > len(shown):
        body.append(f"  ... and {len(failed) - len(shown)} more: --verbose shows them")
    body += [f"  not looked at: {sentence}" for sentence in told.skipped]
    body += [f"  exempt from {rule}: {reason}" for rule, reason in told.exempt.items()]
    if failed:
        body.append(f"  Next: mend the first one, then aggregator adapter test {told.driver.rpartition('.')[2]}")
    return [head, *body, *_needs(told, verbose=verbose), *(_kept(told) if verbose else [])]


def _needs(told: Ledger, *, verbose: bool) -> list[str]:
    said = []
    for tier in (Tier.SILVER, Tier.GOLD):
        missing = told.needs(tier)
        if missing:
            said.append(f"  {tier} needs: " + "; ".join(RULES[result.rule].title for result in missing))
            said += _first_of(missing, verbose=verbose)
    return said


def _first_of(missing: Sequence[Any], *, verbose: bool) -> list[str]:
    return [
        f"    {clean(str(finding))}"
        for result in missing
        for finding in (result.findings if verbose else result.findings[:2])
    ]


def _kept(told: Ledger) -> list[str]:
    return [
        f"  kept: {RULES[result.rule].title} ({result.passed})"
        for result in told.results
        if not result.findings and result.passed
    ]
