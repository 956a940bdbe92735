"""`aggregator doctor`: what has to hold before a city can run, looked at one by one, each with its remedy."""

import asyncio
import os
import sqlite3
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aggregator.citizens.vault import load_or_create_key
from aggregator.cli.doctor_quarantine import Held, quarantine_line, quarantine_rows
from aggregator.cli.finding import Finding
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.simulated import recorded
from aggregator.cli.table import paint
from aggregator.registry.load import Draft, check, read
from aggregator.registry.problems import errors_in
from aggregator.sdk.clock import SystemClock
from aggregator.settings import Settings
from aggregator.store import StoreError, open_store

_MARKS = {"good": ("\N{CHECK MARK}", "green"), "doubtful": ("!", "yellow"), "bad": ("\N{BALLOT X}", "red")}
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""A machine whose clock is before this has lost its time."""
_CONNECT_S = 3.0


def add(groups: Any) -> None:
    doctor = groups.add_parser("doctor", help="looks at database, secrets, clock, registry and agencies")
    add_places(doctor)
    doctor.set_defaults(run=examine)


def examine(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    findings = [_clock(), *asyncio.run(_database(settings)), *_vault(settings)]
    draft, registry = _registry(settings)
    findings += [registry, *(asyncio.run(_agencies(draft, settings)) if draft else ())]
    for finding in findings:
        mark, tone = _MARKS[finding.grade]
        print(f"  {paint(mark, tone)} {finding.what:<14} {finding.said}")
    return int(any(finding.grade == "bad" for finding in findings))


def _clock() -> Finding:
    now = SystemClock().now()
    if now < _BUILT:
        return Finding("bad", "clock", f"says {now:%Y-%m-%d}: set it, tokens and statutory limits depend on it")
    return Finding("good", "clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


async def _database(settings: Settings) -> list[Finding]:
    if settings.database_url.startswith("sqlite:"):
        file = Path(settings.database_url.removeprefix("sqlite:///"))
        found = await asyncio.to_thread(_sqlite, file)
        return [found] if found.grade != "good" else [found, quarantine_line(await asyncio.to_thread(_held, file))]
    store = open_store(settings.database_url, clock=SystemClock())
    try:
        await store.open()
        health = store.health()
        database = Finding("good", "database", f"{store.engine}, {health.queue} writes waiting")
        return [database, quarantine_line(await quarantine_rows(store.read))]
    except StoreError as exc:
        return [Finding("bad", "database", f"{exc}: check AGGREGATOR_DATABASE and that the server is up")]
    finally:
        await store.close()


def _sqlite(file: Path) -> Finding:
    """Only looked at, never opened as a store: a diagnosis must not migrate anything."""
    if not file.exists():
        return Finding("doubtful", "database", f"{file} is not there yet: the first `aggregator serve` makes it")
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
            (mode,) = connection.execute("pragma journal_mode").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as exc:
        return Finding("bad", "database", f"{file} cannot be read ({type(exc).__name__}): restore the last backup")
    if verdict != "ok":
        return Finding("bad", "database", f"{file} is damaged: restore the last backup")
    return Finding("good", "database", f"sqlite, journal {mode}, integrity ok")


def _held(file: Path) -> Held | None:
    """The same question to a file that is only looked at; a database of an older schema has no answer."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row

    async def ask(sql: str, *args: Any) -> list[Any]:
        numbered = {str(n): value for n, value in enumerate(args, 1)}
        return connection.execute(sql.replace("$", ":"), numbered).fetchall()

    try:
        return asyncio.run(quarantine_rows(ask))
    except sqlite3.Error:
        return None
    finally:
        connection.close()


def _vault(settings: Settings) -> Iterator[Finding]:
    reference = settings.vault_key.get("file")
    if reference is None:
        yield Finding("good", "vault key", "from the environment")
    elif not Path(reference).exists():
        yield Finding(
            "doubtful", "vault key", f"{reference} is not there yet: the first `aggregator serve` makes it; back it up"
        )
    else:
        try:
            load_or_create_key(Path(reference))
        except (OSError, ValueError) as exc:
            yield Finding("bad", "vault key", f"{exc}")
        else:
            yield Finding("good", "vault key", f"{reference}, readable by its owner alone")


def _registry(settings: Settings) -> tuple[Draft | None, Finding]:
    problems = check(settings.registry_path, os.environ)
    wrong = errors_in(problems)
    if wrong:
        said = f"{len(wrong)} errors, first {wrong[0].file}:{wrong[0].line}: run `aggregator registry check`"
        return None, Finding("bad", "registry", said)
    draft = read(settings.registry_path, env=os.environ)
    secrets = sum(len(facts.settings.secrets) for facts in draft.facts.values())
    said = (
        f"{len(draft.facts)} agencies, {len(draft.services)} services, {secrets} secrets present, contracts as pinned"
    )
    return draft, Finding("good", "registry", said)


async def _agencies(draft: Draft, settings: Settings) -> list[Finding]:
    places = recorded(settings.data_dir)
    asked = [
        _reachable(
            facts.id, places[facts.id].url if facts.id in places else facts.settings.url, sandbox=not facts.livemode
        )
        for facts in draft.facts.values()
        if facts.enabled
    ]
    return list(await asyncio.gather(*asked))


async def _reachable(agency: str, url: str, *, sandbox: bool) -> Finding:
    """A connection and nothing more: looking must not cost an agency a request."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
        writer.close()
        await writer.wait_closed()
    except (OSError, TimeoutError) as exc:
        remedy = "start it with `aggregator sandbox start`" if sandbox else "cases for it are held until it is back"
        return Finding("doubtful", agency, f"does not take connections ({type(exc).__name__}): {remedy}")
    return Finding("good", agency, f"takes connections{' (simulated)' if sandbox else ''}")
