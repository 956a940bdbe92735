"""`aggregator audit breach-pack`: who was affected by a breach, what was read, and the notices the law wants.

    aggregator audit breach-pack FOLDER --from 2026-11-20T09:00 --to 2026-11-20T18:00 --portal prt_...
    aggregator audit breach-verify FOLDER --keys FILE

Times are Asia/Kolkata unless they say otherwise. The folder gets the lines, their proofs, a signature over both, and
drafts of the notices to the Board and to citizens in every language of the city, without anybody's data in them.
Source: DPDP Rules 2025, rule 7; CERT-In directions of 28 April 2022 (six hours).
"""

import asyncio
from argparse import ArgumentTypeError, Namespace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from aggregator import texts
from aggregator.cli.database import opened
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.table import paint
from aggregator.feed.breach_verifier import verify_pack
from aggregator.sdk.clock import IST, SystemChance, SystemClock
from aggregator.settings import Settings

NOTICES = "notices"


def add(commands: Any) -> None:
    pack = commands.add_parser("breach-pack", help="who was affected by a breach, what was read, drafts of the notices")
    pack.add_argument("folder", type=Path)
    pack.add_argument("--from", dest="begin", type=_time, required=True, help="such as 2026-11-20T09:00")
    pack.add_argument("--to", dest="end", type=_time, required=True)
    pack.add_argument("--portal", default="", help="only what went through this client (prt_...)")
    pack.add_argument("--agency", default="", help="only what concerns this agency, and what it was sent")
    pack.add_argument("--assistant", default="", help="only what this assistant did (ast_...)")
    pack.add_argument("--noticed", type=_time, help="when it was noticed: the law's clock runs from then; default now")
    add_places(pack)
    pack.set_defaults(run=_pack)
    check = commands.add_parser("breach-verify", help="judges a breach pack; needs no city, no database and no network")
    check.add_argument("folder", type=Path)
    check.add_argument("--keys", type=Path, required=True, help="our public key, as noted down from /oauth/jwks.json")
    check.set_defaults(run=_verify)


def _time(typed: str) -> datetime:
    try:
        read = datetime.fromisoformat(typed)
    except ValueError:
        raise ArgumentTypeError(f"{typed} is no time such as 2026-11-20T09:00") from None
    return read if read.tzinfo else read.replace(tzinfo=IST)


def _pack(arguments: Namespace) -> int:
    folder = arguments.folder
    if folder.exists() and any(folder.iterdir()):
        raise Failure(f"{folder} is not empty; name a new folder", BAD_USAGE)
    if arguments.begin >= arguments.end:
        raise Failure("--from must be before --to", BAD_USAGE)
    folder.mkdir(parents=True, exist_ok=True)
    told, noticed, city = asyncio.run(_written(settings_of(arguments), arguments))
    _notices(folder / NOTICES, arguments, told, noticed, city)
    print(f"  {told.people} citizens; {told.looks} looks and {told.sent} sends are in {folder}")
    if told.unproved:
        print(f"  {told.unproved} lines have no proof: from before lines had proofs, or after the last signed root")
    if told.nobody:
        print(f"  {told.nobody} sends were for people who are no citizens by record: ask the agency who they are")
    from aggregator.citizens.breach import BOARD_WITHIN, CERT_WITHIN  # noqa: PLC0415 - `breach-verify` needs no city

    print(
        f"  CERT-In by {_shown(noticed + CERT_WITHIN)}; the Board at once, in full by {_shown(noticed + BOARD_WITHIN)}"
    )
    print(f"  Drafts of the notices are in {folder / NOTICES}: fill in what stands in square brackets.")
    return 0


async def _written(settings: Settings, arguments: Namespace) -> tuple[Any, datetime, str]:
    from aggregator.citizens.accesses import Accesses, Span  # noqa: PLC0415 - `breach-verify` must not need the city's own rooms
    from aggregator.citizens.breach import BreachPack  # noqa: PLC0415 - the same
    from aggregator.citizens.pairwise import Pairwise  # noqa: PLC0415 - the same
    from aggregator.feed.audit import Audit  # noqa: PLC0415 - the same
    from aggregator.wiring.keys import signer_of, vault_keys, vault_of  # noqa: PLC0415 - the same

    clock, chance = SystemClock(), SystemChance()
    async with opened(settings) as store:
        known = vault_keys(settings, chance)
        signer = await signer_of(store, vault_of(settings, known))
        audit = Audit(store, signer, clock, settings.checkpoints)
        names = Pairwise(known[0])
        pack = BreachPack(store, Accesses(store, clock, chance, names.of), audit, signer, clock, names.of)
        span = Span(
            begin=arguments.begin, end=arguments.end, portal_id=arguments.portal, agency=arguments.agency,
            assistant=arguments.assistant,
        )  # fmt: skip
        noticed = arguments.noticed or clock.now()
        return await pack.write(arguments.folder, span, noticed), noticed, _city(settings)


def _city(settings: Settings) -> str:
    """The city's name as the registry has it; a registry that cannot be read leaves a gap to fill in."""
    import tomllib  # noqa: PLC0415 - only here

    try:
        return str(tomllib.loads(settings.registry_path.read_text("utf-8"))["city"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return "[city]"


def _notices(folder: Path, arguments: Namespace, told: Any, noticed: datetime, city: str) -> None:
    """A draft for the Board and one for citizens, in every language: counts and kinds of data, and nobody's."""
    from aggregator.citizens.breach import BOARD_WITHIN  # noqa: PLC0415 - `breach-verify` needs no city

    folder.mkdir()
    what = ", ".join(sorted(told.what)) or texts.UNSAID
    for language in texts.languages:
        words = {
            "city": city, "noticed": _shown(noticed), "due": _shown(noticed + BOARD_WITHIN),
            "begin": _shown(arguments.begin), "end": _shown(arguments.end), "whom": _whom(arguments, language),
            "count": str(told.people), "looks": str(told.looks), "sent": str(told.sent), "what": what,
        }  # fmt: skip
        for reader in ("board", "citizen"):
            text = texts.say(f"breach.{reader}", language, **words)
            (folder / f"{reader}.{language}.txt").write_text(text.lstrip() + "\n", encoding="utf-8")


def _whom(arguments: Namespace, language: str) -> str:
    given = {"portal": arguments.portal, "agency": arguments.agency, "assistant": arguments.assistant}
    named = [texts.say(f"breach.{kind}", language, name=name) for kind, name in given.items() if name]
    return ", ".join(named) or texts.say("breach.anybody", language)


def _shown(at: datetime) -> str:
    return at.astimezone(IST).strftime("%d-%m-%Y %H:%M IST")


def _verify(arguments: Namespace) -> int:
    try:
        keys = dict(orjson.loads(arguments.keys.read_bytes()))
        verdict = verify_pack(arguments.folder, keys)
    except (ValueError, TypeError, KeyError) as exc:
        raise Failure(
            f"{arguments.folder} or {arguments.keys} cannot be read ({type(exc).__name__})", BAD_USAGE
        ) from exc
    for finding in verdict.findings:
        print(f"  {paint('not as it was', 'red')}  {finding}")
    if verdict.good:
        lines = verdict.looks + verdict.sent
        print(f"  {verdict.citizens} citizens; {verdict.proved} of {lines} lines are in the log as they were signed")
    return 0 if verdict.good else 1
