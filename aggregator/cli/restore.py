"""`aggregator restore`: a copy put back, and the city told that it has forgotten something.

A restored database cannot know what was sent after it was made. So putting one back always declares a quarantine, and
`--declare` does it for a copy that other tools put back.
"""

import asyncio
from argparse import Namespace
from pathlib import Path
from typing import Any

from aggregator.cases import quarantine
from aggregator.cli.backup import engine_of, examined, sqlite_file, told
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.table import paint
from aggregator.sdk.clock import SystemClock
from aggregator.settings import Settings
from aggregator.store import StoreError, backup, open_store
from aggregator.store.backup import BackupFailed
from aggregator.store.locks import FileLocks
from aggregator.store.watermark import Mark, Watermark

AFTERWARDS = """\
  Start the server now. It serves and accepts; to an agency it sends again when everything that may have been sent
  there since this copy is found out. GET /readyz and `aggregator restore --status` show what is still waiting."""


def add(groups: Any) -> None:
    command = groups.add_parser("restore", help="puts a backup back, or declares that one was put back")
    command.add_argument("copy", nargs="?", type=Path, help="the backup to put in the database's place")
    command.add_argument("--declare", action="store_true", help="the database was restored by other means")
    command.add_argument("--status", action="store_true", help="what is still being found out")
    add_places(command)
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Raises Failure."""
    settings = settings_of(arguments)
    asked = [arguments.copy is not None, arguments.declare, arguments.status]
    if sum(asked) != 1:
        raise Failure("say one of: restore FILE, restore --declare, restore --status", BAD_USAGE)
    try:
        if arguments.status:
            return asyncio.run(_status(settings))
        if arguments.copy is not None:
            asyncio.run(_put_back(settings, arguments.copy))
        asyncio.run(_declare(settings))
    except BackupFailed as exc:
        raise Failure(str(exc)) from exc
    except StoreError as exc:
        raise Failure(f"the database cannot be used: {exc}. `aggregator doctor` looks closer") from exc
    print(f"  {paint('declared', 'green')}: nothing is sent until it is known what was sent already")
    print(AFTERWARDS)
    return 0


async def _put_back(settings: Settings, copy: Path) -> None:
    """Raises Failure while a server works on the database, BackupFailed for a copy that is not to be trusted."""
    found = examined(settings, copy)
    working = await _workers(settings)
    if working:
        raise Failure(f"{working} still works on this database: stop the server first", BAD_USAGE)
    if engine_of(settings) == "sqlite":
        now = SystemClock().now()
        kept = backup.put_back(copy, sqlite_file(settings), f"before-{now:%Y%m%dT%H%M%SZ}")
        if kept is not None:
            print(f"  the database that was there is kept as {kept}")
    else:
        backup.restore_postgres(settings.database_url, copy)
    print(f"  put back {copy}: {told(found)}")


async def _workers(settings: Settings) -> str:
    """A living worker's name, or ""."""
    if engine_of(settings) == "sqlite":
        folder = sqlite_file(settings).parent
        locks = FileLocks(folder)
        names = (file.stem.removeprefix("worker-") for file in folder.glob("worker-*.lock"))
        return next((name for name in names if not locks.free(name)), "")
    store = open_store(settings.database_url, clock=SystemClock())
    try:
        await store.open()
        for row in await store.read("select id from worker order by started_ms desc limit 50"):
            if not await store.worker_is_dead(row["id"]):
                return str(row["id"])
        return ""
    finally:
        await store.close()


async def _declare(settings: Settings) -> None:
    clock = SystemClock()
    store = open_store(settings.database_url, clock=clock)
    try:
        await store.open()
        await quarantine.declare(store, clock, _remembered(settings))
    finally:
        await store.close()


def _remembered(settings: Settings) -> Mark | None:
    """How far the numbers went, where a watermark outlived the database."""
    try:
        return Watermark(settings.watermark).remembered()
    except OSError:
        return None


async def _status(settings: Settings) -> int:
    store = open_store(settings.database_url, clock=SystemClock())
    try:
        await store.open()
        standing = await quarantine.standing_by(store.read)
    finally:
        await store.close()
    told = standing.told()
    if told is None:
        print("  no quarantine: nothing is held back after a restore")
        return 0
    print(f"  quarantine ({told['reason']}) since {told['since']}")
    for agency, count in sorted(standing.waiting.items()):
        print(f"  {agency:<20} {count} requests to be found out before anything is sent")
    return 0
