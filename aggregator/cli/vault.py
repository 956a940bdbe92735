"""`aggregator vault`: the vault's key is exchanged while the city works.

    aggregator vault keys        how many keys there are, and how many citizens' keys each one wraps
    aggregator vault add         a new key behind the old ones; a server hears of it when it meets it
    aggregator vault rewrap      wraps every citizen's key under the newest one

The first key stays: indexes and the names portals know citizens by are made with it.
"""

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aggregator.citizens.keyring import rotated
from aggregator.citizens.vault import KeyRefused, Tampered, Vault, add_key, keys_from, version_of
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.table import table
from aggregator.settings import Settings
from aggregator.store.keyfile import KeyFile, KeyFileRefused


def add(groups: Any) -> None:
    group = groups.add_parser("vault", help="the vault's key: look, add a new one, wrap citizens' keys under it")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    for name, about, run in (
        ("keys", "how many there are, and what each still wraps", _keys),
        ("add", "a new key behind the old ones", _add),
        ("rewrap", "wraps every citizen's key under the newest one; the city works on", _rewrap),
    ):
        command = commands.add_parser(name, help=about)
        command.set_defaults(run=run)
        add_places(command)


def _keys(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    with _vault(settings) as (vault, file):
        wraps = Counter(version_of(wrapped) for _, wrapped in file.everything())
    rows = [(str(number), _use(number, len(vault)), str(wraps[number])) for number in range(1, len(vault) + 1)]
    print(table(("KEY", "USE", "CITIZENS' KEYS IT WRAPS"), rows))
    return 0


def _add(arguments: Namespace) -> int:
    reference = settings_of(arguments).vault_key
    if "file" not in reference:
        raise Failure(
            f"the vault's key comes from {reference['env']}: put a new one behind it there, with a space between, in "
            "every process; restart them; then `aggregator vault rewrap`",
            BAD_USAGE,
        )
    try:
        number = add_key(Path(reference["file"]))
    except KeyRefused as exc:
        raise Failure(f"the vault's key cannot be used: {exc}", BAD_USAGE) from exc
    print(f"  key {number} is in {reference['file']}. Copy that file anew: older copies do not open what comes")
    print("  On several hosts put the file on each of them now. Then: aggregator vault rewrap")
    return 0


def _rewrap(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    with _vault(settings) as (keys, file):
        whole = file.count()
        done = rotated(file, Vault.of(keys), lambda so_far: _progress(so_far, whole))
    print(f"  {done} citizens' keys are wrapped by key {len(keys)}; copy {settings.keys} anew")
    print("  Older keys still open what they sealed of the city itself (switches, officers' notes): leave them there.")
    return 0


@contextmanager
def _vault(settings: Settings) -> Iterator[tuple[tuple[bytes, ...], KeyFile]]:
    """The vault's keys and the file of citizens' keys. Raises Failure."""
    if not settings.keys.exists():
        raise Failure(f"there is no {settings.keys}: nothing is wrapped yet, the first start makes it", BAD_USAGE)
    try:
        keys, file = keys_from(settings.vault_key, settings.env), KeyFile(settings.keys)
        try:
            yield keys, file
        finally:
            file.close()
    except KeyRefused as exc:
        raise Failure(f"the vault's key cannot be used: {exc}", BAD_USAGE) from exc
    except KeyFileRefused as exc:
        raise Failure(f"the citizens' keys cannot be used: {exc}", BAD_USAGE) from exc
    except Tampered as exc:
        raise Failure(f"{settings.keys} belongs to another vault key, find that one: {exc}", BAD_USAGE) from exc


def _use(number: int, newest: int) -> str:
    return " and ".join(["seals"] * (number == newest) + ["makes indexes"] * (number == 1)) or "opens what it sealed"


def _progress(done: int, whole: int) -> None:
    if sys.stderr.isatty():
        print(f"\r  {done} of {whole}", end="" if done < whole else "\n", file=sys.stderr, flush=True)
