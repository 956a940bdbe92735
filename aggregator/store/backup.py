"""A consistent copy of a database that goes on working, and what has to hold of one before it is trusted.

SQLite: its own backup interface over one pinned read snapshot, so that writers neither wait nor make it begin again.
PostgreSQL: `pg_dump` and `pg_restore` of the server's own version line, which copy one snapshot too; where an operator
has base backups and a shipped log, those lose less, and `aggregator restore --declare` is said after them.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from aggregator.store import soundness
from aggregator.store.once import MEMORY
from aggregator.store.sqlite_thread import reason

PAGES = 2_000
"""Pages copied between two words about progress."""
TOOLS = ("/usr/lib/postgresql", "/usr/pgsql")
Told = Callable[[int, int], None]
"""Told how many pages are left, of how many."""


class BackupFailed(Exception):
    """The copy could not be made, or is not to be trusted; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was looked through. `events`: the last event's number; `cases`: how many there are."""

    schema: int
    cases: int
    events: int
    sends: int


def copy_sqlite(source: Path, target: Path, told: Told) -> None:
    """The database at this moment in a new file, on disk when this returns. Raises BackupFailed."""
    if not source.is_file():
        raise BackupFailed(f"there is no database at {source}")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with _opened(source) as reading, _opened(part, mode="rwc") as writing:
            reading.execute("begin")
            reading.execute("select count(*) from sqlite_master").fetchone()  # pins the snapshot
            reading.backup(writing, pages=PAGES, progress=lambda _status, left, whole: told(left, whole))
            writing.execute("pragma journal_mode = delete")  # one file, whole by itself
        part.chmod(0o600)
        durable(part)
        part.rename(target)
        durable(target.parent)
    except (sqlite3.Error, OSError) as exc:
        part.unlink(missing_ok=True)
        why = reason(exc) if isinstance(exc, sqlite3.Error) else exc.strerror
        raise BackupFailed(f"{target} could not be written ({why}); nothing was left behind") from exc


def look_through(file: Path) -> Copy:
    """Reads the whole copy: pages, indexes, references, and whether its numbers agree. Raises BackupFailed."""
    try:
        with soundness.opened(file) as connection:
            wrong = soundness.look_through(connection).wrong or _contradictions(connection)
            if wrong:
                raise BackupFailed(f"{file} is damaged: {wrong[0]}. Take an older backup")
            return Copy(
                _one(connection, "select version from schema_version"),
                _one(connection, "select count(*) from cases"),
                _one(connection, "select last from event_counter where name = 'event'"),
                _one(connection, "select last from event_counter where name = 'send'"),
            )
    except (sqlite3.Error, UnicodeError) as exc:
        raise BackupFailed(f"{file} cannot be read as a database of ours ({reason(exc)})") from exc


def sealed_sample(file: Path) -> tuple[str, str] | None:
    """Id and sealed form of one case of the copy; None where it has none."""
    with _opened(file) as connection:
        row = connection.execute("select id, form_sealed from cases order by id desc limit 1").fetchone()
        return (row[0], row[1]) if row else None


def _contradictions(connection: sqlite3.Connection) -> list[str]:
    """What the tables say against each other."""
    checks = {
        "a case has no leg": "select count(*) from cases c where not exists"
        " (select 1 from leg l where l.case_id = c.id)",
        "a leg has no case": "select count(*) from leg l where not exists"
        " (select 1 from cases c where c.id = l.case_id)",
        "an operation has no leg": "select count(*) from operation o where not exists"
        " (select 1 from leg l where l.id = o.leg_id)",
        "an event is numbered past the counter": "select count(*) from event"
        " where seq > (select last from event_counter where name = 'event')",
    }
    return [f"{what} ({count} times)" for what, sql in checks.items() if (count := _one(connection, sql))]


def put_back(copy: Path, target: Path, aside: str) -> Path | None:
    """The copy in the database's place; what was there is kept under another name, which is returned.

    Raises BackupFailed. The caller has made sure that nobody works on `target`.
    """
    kept = target.with_name(f"{target.name}.{aside}") if target.exists() else None
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copy, part)
        part.chmod(0o600)
        durable(part)
        if kept is not None:
            for ending in ("", "-wal", "-shm", ".damaged"):
                with contextlib.suppress(FileNotFoundError):
                    target.with_name(target.name + ending).rename(kept.with_name(kept.name + ending))
        soundness.marker(target).unlink(missing_ok=True)
        part.rename(target)
        durable(target.parent)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise BackupFailed(f"{target} could not be put in place ({exc.strerror})") from exc
    return kept


def describe(file: Path, copy: Copy | None, engine: str, at: str) -> Path:
    """A small text beside the copy: when, of what, how far, and its digest."""
    beside = file.with_name(file.name + ".json")
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    facts = {"made_at": at, "engine": engine, "sha256": digest, "bytes": file.stat().st_size}
    if copy is not None:
        facts |= {"schema": copy.schema, "cases": copy.cases, "events": copy.events, "sends": copy.sends}
    beside.write_text(json.dumps(facts, indent=2) + "\n")
    return beside


def digest_agrees(file: Path) -> bool:
    """Whether the copy still is what its description says; True where there is none."""
    beside = file.with_name(file.name + ".json")
    if not beside.exists():
        return True
    with file.open("rb") as content:
        return bool(json.loads(beside.read_text())["sha256"] == hashlib.file_digest(content, "sha256").hexdigest())


def dump_postgres(url: str, target: Path) -> None:
    """One consistent snapshot by pg_dump, in its own format. Raises BackupFailed."""
    part = target.with_name(target.name + ".part")
    _tool(
        "pg_dump",
        url,
        "--format=custom",
        "--no-owner",
        f"--exclude-table-data=*.{MEMORY}",
        *_schema(url),
        f"--file={part}",
    )
    part.chmod(0o600)
    durable(part)
    part.rename(target)


def restore_postgres(url: str, copy: Path) -> None:
    """The copy in place of the tables of that database, in one transaction. Raises BackupFailed."""
    _tool("pg_restore", url, "--clean", "--if-exists", "--no-owner", "--single-transaction", str(copy))


def list_postgres(copy: Path) -> int:
    """How many entries a dump holds; reading them all proves that it is whole. Raises BackupFailed."""
    ran = _run([_found("pg_restore"), "--file=/dev/null", str(copy)], {})
    if ran.returncode:
        raise BackupFailed(f"{copy} is damaged or no dump of ours. Take an older backup")
    return len(_run([_found("pg_restore"), "--list", str(copy)], {}).stdout.splitlines())


def _tool(name: str, url: str, *options: str) -> None:
    arguments, env = _address(url)
    ran = _run([_found(name), *arguments, "--no-password", *options], env)
    if ran.returncode:
        # The last line names what failed; a dump's own text never holds rows.
        said = ran.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise BackupFailed(f"{name} failed: {said[0][:200]}")


def _run(command: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a tool found by its fixed name, arguments of our own
        command, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def _found(name: str) -> str:
    """The newest client tool on this machine. Raises BackupFailed."""
    places = [tool for root in TOOLS for tool in sorted(Path(root).glob(f"*/bin/{name}"))]
    found = str(places[-1]) if places else shutil.which(name)
    if found is None:
        raise BackupFailed(
            f"{name} is not on this machine: install PostgreSQL's client programs, or take base backups of the server "
            "and say `aggregator restore --declare` after putting one back"
        )
    return found


def _address(url: str) -> tuple[list[str], dict[str, str]]:
    """Where the server is, for its tools; the password by environment, where other users cannot read it."""
    parts = urlsplit(url)
    arguments = [f"--host={parts.hostname or 'localhost'}", f"--port={parts.port or 5432}"]
    arguments += [f"--dbname={unquote(parts.path.lstrip('/'))}"]
    if parts.username:
        arguments.append(f"--username={unquote(parts.username)}")
    return arguments, {"PGPASSWORD": unquote(parts.password)} if parts.password else {}


def _schema(url: str) -> list[str]:
    named = parse_qs(urlsplit(url).query).get("search_path", [])
    return [f"--schema={name}" for name in named]


@contextlib.contextmanager
def _opened(file: Path, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{file}?mode={mode}", uri=True, isolation_level=None, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def _one(connection: sqlite3.Connection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0


def durable(place: Path) -> None:
    """A file or a folder's entries on disk."""
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
