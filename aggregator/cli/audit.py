"""`aggregator audit`: the log taken out, and judged by anybody, without the city.

    aggregator audit export FOLDER                     every event, every signed root, our public key
    aggregator audit verify FOLDER [--checkpoints FILE] [--keys FILE]
    aggregator audit receipt FILE --keys FILE          the proof in a citizen's receipt
    aggregator audit breach-pack FOLDER --from T --to T   who was affected, what was read (`aggregator.cli.breach`)
    aggregator audit breach-verify FOLDER --keys FILE

`verify`, `receipt` and `breach-verify` open nothing but the files they are given.
"""

import asyncio
import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from aggregator.cli import breach
from aggregator.cli.database import opened
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.table import paint
from aggregator.feed.audit import Audit
from aggregator.feed.verifier import Verdict, verify, verify_proof
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.settings import Settings
from aggregator.store import Store

EVENTS, CHECKPOINTS, KEYS = "events.jsonl", "checkpoints.jsonl", "keys.json"
_BATCH = 1000


def add(groups: Any) -> None:
    group = groups.add_parser("audit", help="the log of everything, so that a change to it is found out")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    export = commands.add_parser("export", help="writes events, signed roots and our public key into a folder")
    export.add_argument("folder", type=Path)
    add_places(export)
    export.set_defaults(run=_export)
    check = commands.add_parser("verify", help="judges an export; needs no city, no database and no network")
    check.add_argument("folder", type=Path)
    check.add_argument("--checkpoints", type=Path, help="the signed roots from the second place they were written to")
    check.add_argument("--keys", type=Path, help="our public key, as noted down from /oauth/jwks.json before")
    check.set_defaults(run=_verify)
    receipt = commands.add_parser("receipt", help="judges the proof in a citizen's receipt")
    receipt.add_argument("file", type=Path)
    receipt.add_argument("--keys", type=Path, required=True)
    receipt.set_defaults(run=_receipt)
    breach.add(commands)


def _export(arguments: Namespace) -> int:
    settings, folder = settings_of(arguments), arguments.folder
    if folder.exists() and any(folder.iterdir()):
        raise Failure(f"{folder} is not empty; name a new folder", BAD_USAGE)
    folder.mkdir(parents=True, exist_ok=True)
    events, checkpoints = asyncio.run(_written(settings, folder))
    print(f"  {events} events and {checkpoints} signed roots are in {folder}")
    print("  Judge it with: aggregator audit verify, with the roots from their second place.")
    return 0


async def _written(settings: Settings, folder: Path) -> tuple[int, int]:
    from aggregator.wiring.keys import (  # noqa: PLC0415 - `verify` must not need the city's own rooms
        signer_of,
        vault_keys,
        vault_of,
    )

    async with opened(settings) as store:
        signer = await signer_of(store, vault_of(settings, vault_keys(settings, SystemChance())))
        (folder / KEYS).write_text(json.dumps(signer.jwks(), indent=1), encoding="utf-8")
        audit = Audit(store, signer, SystemClock(), settings.checkpoints)
        await audit.catch_up()
        return await _events(store, folder / EVENTS), await _roots(audit, folder / CHECKPOINTS)


async def _events(store: Store, file: Path) -> int:
    count = last = 0
    with file.open("wb") as out:
        while rows := await store.read(
            "select seq, body from event where seq > $1 order by seq limit $2", last, _BATCH
        ):
            out.writelines(row["body"].encode() + b"\n" for row in rows)
            count, last = count + len(rows), int(rows[-1]["seq"])
    return count


async def _roots(audit: Audit, file: Path) -> int:
    count = size = 0
    with file.open("w", encoding="utf-8") as out:
        while made := await audit.checkpoints(after_size=size, limit=_BATCH):
            out.writelines(one.line() + "\n" for one in made)
            count, size = count + len(made), made[-1].size
    return count


def _verify(arguments: Namespace) -> int:
    folder = arguments.folder
    checkpoints, keys = arguments.checkpoints or folder / CHECKPOINTS, arguments.keys or folder / KEYS
    verdict = verify(_lines(folder / EVENTS), _lines(checkpoints), _keys(keys))
    for finding in verdict.findings:
        print(f"  {paint('not as it was', 'red')}  {finding}")
    print(f"  {_summary(verdict)}")
    if arguments.checkpoints is None or arguments.keys is None:
        print("  Judged by roots or a key from the export itself: name both from elsewhere to judge the export.")
    return 0 if verdict.good else 1


def _summary(verdict: Verdict) -> str:
    later = verdict.entries - verdict.covered
    words = f"{verdict.covered} of {verdict.entries} events are as they were signed ({verdict.checkpoints} roots)"
    return words + (f"; {later} are under no good root" if later else "")


def _receipt(arguments: Namespace) -> int:
    try:
        receipt = orjson.loads(arguments.file.read_bytes())
        proof = receipt["audit"]
    except (ValueError, TypeError, KeyError) as exc:
        raise Failure(f"{arguments.file} is no receipt with a proof; fetch it again a minute later", BAD_USAGE) from exc
    wrong = verify_proof(proof, _keys(arguments.keys))
    print(
        f"  {paint('does not hold', 'red')}: {wrong}" if wrong else "  the acceptance is in the log, as it was signed"
    )
    return 1 if wrong else 0


def _lines(file: Path) -> Iterator[bytes]:
    """Raises FileNotFoundError."""
    with file.open("rb") as lines:
        for line in lines:
            yield line.rstrip(b"\n")


def _keys(file: Path) -> dict[str, Any]:
    try:
        return dict(orjson.loads(file.read_bytes()))
    except (ValueError, TypeError) as exc:
        raise Failure(f"{file} is no JWK Set", BAD_USAGE) from exc
