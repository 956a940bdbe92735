"""`aggregator doctor`: what has to hold before a city can run, looked at one by one, each with its remedy."""

import asyncio
import os
import sqlite3
import ssl
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aggregator.citizens.keyring import unwrapped
from aggregator.citizens.vault import KeyRefused, Tampered, Vault, keys_from, read_keys
from aggregator.cli.doctor_quarantine import Held, quarantine_line, quarantine_rows
from aggregator.cli.finding import Finding
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.simulated import recorded
from aggregator.cli.table import paint
from aggregator.registry.load import Draft, check, read
from aggregator.registry.problems import errors_in
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.trust import Trust, shown_pin
from aggregator.settings import Settings
from aggregator.store import StoreError, open_store, soundness
from aggregator.store.keyfile import KeyFile, KeyFileRefused

_MARKS = {"good": ("\N{CHECK MARK}", "green"), "doubtful": ("!", "yellow"), "bad": ("\N{BALLOT X}", "red")}
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""A machine whose clock is before this has lost its time."""
_CONNECT_S = 3.0
_REPAIR = (
    "nothing is written and nothing is sent. Stop the server, look at the disk, and put the last backup back "
    "(`aggregator restore FILE`); if you repaired {file} itself, delete {file}.damaged and say "
    "`aggregator restore --declare`"
)


def add(groups: Any) -> None:
    doctor = groups.add_parser("doctor", help="looks at database, secrets, clock, registry and agencies")
    add_places(doctor)
    doctor.set_defaults(run=examine)


def examine(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    findings = [_clock(), *asyncio.run(_database(settings)), *_vault(settings), _keys(settings)]
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
        wrong = [Finding("doubtful", "database", said) for said in await store.integrity_check()]
        return [database, *wrong, quarantine_line(await quarantine_rows(store.read))]
    except StoreError as exc:
        return [Finding("bad", "database", f"{exc}: check AGGREGATOR_DATABASE and that the server is up")]
    finally:
        await store.close()


def _sqlite(file: Path) -> Finding:
    """Only looked at, never opened as a store: a diagnosis must not migrate anything."""
    if not file.exists():
        return Finding("doubtful", "database", f"{file} is not there yet: the first `aggregator serve` makes it")
    if damage := soundness.known(file):
        return Finding("bad", "database", f"{file} was found damaged ({damage}): {_REPAIR.format(file=file)}")
    try:
        with soundness.opened(file) as connection:
            found = soundness.look_through(connection)
            (mode,) = connection.execute("pragma journal_mode").fetchone()
    except (sqlite3.Error, UnicodeError) as exc:
        return Finding("bad", "database", f"{file} cannot be read ({type(exc).__name__}): restore the last backup")
    if found.wrong:
        return Finding("bad", "database", f"{file} is damaged ({found.wrong[0]}): {_REPAIR.format(file=file)}")
    rest = f", rows of {len(found.unsealed)} tables not sealed yet" if found.unsealed else ", every row as sealed"
    return Finding("good", "database", f"sqlite, journal {mode}, integrity ok{rest}")


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
            read_keys(Path(reference))
        except KeyRefused as exc:
            yield Finding("bad", "vault key", f"{exc}")
        else:
            yield Finding("good", "vault key", f"{reference}, readable by its owner alone")


def _keys(settings: Settings) -> Finding:
    """The citizens' keys: there, nobody else's to read, and wrapped by this vault's key."""
    reference = settings.vault_key.get("file")
    if not settings.keys.exists():
        if reference is None or not Path(reference).exists():
            return Finding("doubtful", "citizens' keys", f"{settings.keys} is not there yet: made at the first start")
        return Finding("bad", "citizens' keys", f"{settings.keys} is not there: put it back, or no case opens again")
    try:
        vault = Vault.of(keys_from(settings.vault_key, settings.env))
        file = KeyFile(settings.keys)
        try:
            sample, count = file.sample(), file.count()
        finally:
            file.close()
        if sample is not None:
            unwrapped(vault, *sample)
    except Tampered:
        return Finding("bad", "citizens' keys", f"{settings.keys} belongs to another vault key: find that one")
    except (KeyFileRefused, KeyRefused, OSError, sqlite3.Error) as exc:
        return Finding("bad", "citizens' keys", f"{exc}")
    return Finding("good", "citizens' keys", f"{settings.keys}: {count} keys; copy it after every backup")


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
        reachable(
            facts.id,
            places[facts.id].url if facts.id in places else facts.settings.url,
            Trust() if facts.id in places else facts.trust,
            sandbox=not facts.livemode,
        )
        for facts in draft.facts.values()
        if facts.enabled
    ]
    return list(await asyncio.gather(*asked))


async def reachable(agency: str, url: str, trust: Trust, *, sandbox: bool) -> Finding:
    """A connection, with TLS as a call would make it, and nothing more: looking must not cost an agency a request."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        async with asyncio.timeout(_CONNECT_S):
            tls = trust.context() if secure else None
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
        shown = shown_pin(writer.transport)
        writer.transport.abort()
    except ssl.SSLError as exc:
        return Finding("bad", agency, f"TLS says no ({_tls_said(exc)}): nothing is sent to it. Look at tls and its url")
    except (OSError, TimeoutError) as exc:
        remedy = "start it with `aggregator sandbox start`" if sandbox else "cases for it are held until it is back"
        return Finding("doubtful", agency, f"does not take connections ({type(exc).__name__}): {remedy}")
    if trust.pins and shown not in trust.pins:
        said = f"shows a key that is not pinned ({shown}): nothing is sent to it. Ask the agency before you pin it"
        return Finding("bad", agency, said)
    pinned = f", its key is pinned ({trust.pins.index(shown) + 1} of {len(trust.pins)})" if trust.pins else ""
    return Finding("good", agency, f"takes connections{' (simulated)' if sandbox else ''}{pinned}")


def _tls_said(exc: ssl.SSLError) -> str:
    return str(getattr(exc, "verify_message", "") or exc.reason or type(exc).__name__)
