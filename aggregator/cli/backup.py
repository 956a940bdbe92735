"""`aggregator backup`: a copy of the database while the city works, looked through before it is called one.

Neither the vault's key nor the citizens' keys are in it, on purpose: whoever finds the copy finds no citizen. Keep both
elsewhere.
"""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from aggregator.citizens.envelopes import Erased, KeyedEnvelopes, key_named
from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.vault import Tampered, Vault, keys_from
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.table import paint
from aggregator.sdk.clock import Clock, SystemChance, SystemClock
from aggregator.settings import Settings
from aggregator.store import backup
from aggregator.store.backup import BackupFailed, Copy
from aggregator.store.keyfile import KeyFile, KeyFileRefused


def add(groups: Any) -> None:
    command = groups.add_parser("backup", help="copies the database while the city works")
    command.add_argument("to", nargs="?", type=Path, help="the new file (unset: backups/ in the data folder)")
    command.add_argument(
        "--verify", nargs="?", const=True, default=None, metavar="FILE", help="only look through an existing copy"
    )
    add_places(command)
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Raises Failure."""
    settings = settings_of(arguments)
    try:
        if arguments.verify is None:
            made = make(settings, arguments.to, SystemClock())
        else:
            made = Path(arguments.verify) if arguments.verify is not True else arguments.to or newest(settings)
            print(f"  {made}: {told(examined(settings, made))}")
            return 0
    except BackupFailed as exc:
        raise Failure(str(exc)) from exc
    print(f"  {paint('kept', 'green')} {made}")
    print("  The vault's key is not in it, nor the citizens' keys: keep copies of those elsewhere.")
    return 0


def make(settings: Settings, to: Path | None, clock: Clock) -> Path:
    """The new copy, looked through and described beside it. Raises BackupFailed, Failure."""
    at = clock.now()
    engine = engine_of(settings)
    ending = "db" if engine == "sqlite" else "dump"
    target = to or settings.data_dir / "backups" / f"aggregator-{at:%Y%m%dT%H%M%SZ}.{ending}"
    if target.exists():
        raise Failure(f"{target} is there already; a backup never replaces another", BAD_USAGE)
    target.parent.mkdir(parents=True, exist_ok=True)
    if engine == "sqlite":
        backup.copy_sqlite(sqlite_file(settings), target, _progress)
    else:
        backup.dump_postgres(settings.database_url, target)
    copy = examined(settings, target)
    backup.describe(target, copy, engine, at.isoformat(timespec="seconds"))
    print(f"  {told(copy)}")
    return target


def examined(settings: Settings, file: Path) -> Copy | None:
    """What is in the copy; None for a dump, which is read to its end and says no more. Raises BackupFailed."""
    if not file.is_file():
        raise BackupFailed(f"there is no {file}")
    if not backup.digest_agrees(file):
        raise BackupFailed(f"{file} is not what its description says (sha256 differs). Take another backup")
    if engine_of(settings) == "postgres":
        backup.list_postgres(file)
        return None
    copy = backup.look_through(file)
    _key_fits(settings, file)
    return copy


def _key_fits(settings: Settings, file: Path) -> None:
    """A copy whose personal data nobody can open is none. Raises BackupFailed."""
    sample = backup.sealed_sample(file)
    if sample is None:
        return
    try:
        vault = Vault.of(keys_from(settings.vault_key, settings.env))
        if key_named(sample[1]) and not settings.keys.exists():
            raise BackupFailed(f"{settings.keys} is not there: nobody opens {file} without the citizens' keys")
        keys = KeyRing(vault, KeyFile(settings.keys), SystemClock(), SystemChance())
        KeyedEnvelopes(vault, keys, SystemChance()).open(
            sample[1], table="cases", row=sample[0], column="form_sealed"
        )  # fmt: skip
    except Erased:  # its citizen was forgotten since: so it should be
        return
    except (Tampered, KeyFileRefused, OSError, ValueError) as exc:
        raise BackupFailed(f"the vault's key does not open {file}: keep the key that was in use then") from exc


def told(copy: Copy | None) -> str:
    """What a copy holds, in a line."""
    if copy is None:
        return "read to its end, whole"
    return f"whole; {copy.cases} cases, {copy.events} events, {copy.sends} sends, tables of version {copy.schema}"


def newest(settings: Settings) -> Path:
    """The last copy in the data folder. Raises BackupFailed."""
    found = sorted((settings.data_dir / "backups").glob("aggregator-*[!n]"))
    if not found:
        raise BackupFailed(f"there is no backup in {settings.data_dir / 'backups'}; name the file")
    return found[-1]


def engine_of(settings: Settings) -> str:
    return "sqlite" if settings.database_url.startswith("sqlite:") else "postgres"


def sqlite_file(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _progress(left: int, whole: int) -> None:
    if sys.stderr.isatty() and whole:
        sys.stderr.write(f"\r  {100 * (whole - left) // whole} %" + ("\n" if not left else ""))
