"""`aggregator citizens`: records that may be one person, joined and parted by a person. Works on the database itself.

Citizens are named by their citizen number, as they say it at a counter. Nothing here shows what a citizen said beyond
what is needed to tell two records apart: initials, year of birth, and the last digits of the number.
"""

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import Any

from aggregator.citizens import number
from aggregator.citizens.duplicates import MergeRefused
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.person import Person
from aggregator.citizens.room import CitizenRoom, furnished
from aggregator.cli.database import opened
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.table import table
from aggregator.registry.agency import City, Registry
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.wiring.keys import vault_keys, vault_of
from aggregator.wiring.privacy import key_ring


def add(groups: Any) -> None:
    group = groups.add_parser("citizens", help="records that may be one person: look, merge, part again")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    looking = commands.add_parser("duplicates", help="what waits for a decision")
    looking.set_defaults(run=lambda arguments: _on_room(arguments, _duplicates))
    dismissing = commands.add_parser("dismiss", help="two people after all")
    dismissing.add_argument("duplicate", help="dup_..., from the list")
    merging = commands.add_parser("merge", help="join two records; both numbers go on being valid")
    merging.add_argument("into", help="citizen number that stays")
    merging.add_argument("gone", help="citizen number of the record that is joined to it")
    parting = commands.add_parser("unmerge", help="take a merge back")
    parting.add_argument("gone", help="citizen number of the record that was joined")
    for command, do in ((dismissing, _dismiss), (merging, _merge), (parting, _unmerge)):
        command.add_argument("--by", required=True, help="who decides")
        command.set_defaults(run=lambda arguments, do=do: _on_room(arguments, do))
    for command in (looking, dismissing, merging, parting):
        add_places(command)


def _on_room(arguments: Namespace, do: Callable[[CitizenRoom, Namespace], Awaitable[int]]) -> int:
    return asyncio.run(_opened(arguments, do))


async def _opened(arguments: Namespace, do: Callable[[CitizenRoom, Namespace], Awaitable[int]]) -> int:
    clock, chance = SystemClock(), SystemChance()
    settings = settings_of(arguments)
    nobody = Registry(City("", "Asia/Kolkata"), {}, {}, "")
    try:
        async with opened(settings) as store:
            known = vault_keys(settings, chance)
            keys = await key_ring(settings, store, vault_of(settings, known), clock, chance)
            room = furnished(store, keys, Pairwise(known[0]), lambda: nobody, clock=clock, chance=chance)
            return await do(room, arguments)
    except MergeRefused as exc:
        raise Failure(f"{exc}. Nothing was changed", BAD_USAGE) from exc


async def _duplicates(room: CitizenRoom, _: Namespace) -> int:
    rows = []
    for found in await room.duplicates.waiting():
        pair = [await room.register.person(each) for each in (found.older_id, found.newer_id)]
        told = [_told(person) for person in pair if person is not None]
        rows.append((found.id, found.why, str(found.score), *told, found.found_at.date().isoformat()))
    print(table(("ID", "WHY", "ALIKE", "ONE", "OTHER", "FOUND"), rows) if rows else "  nothing waits for a decision")
    return 0


async def _dismiss(room: CitizenRoom, arguments: Namespace) -> int:
    if not await room.duplicates.dismiss(arguments.duplicate, arguments.by, ""):
        raise Failure(f"nothing waits under {arguments.duplicate}. `aggregator citizens duplicates` shows what does")
    print(f"  {arguments.duplicate}: two people. They are not shown again")
    return 0


async def _merge(room: CitizenRoom, arguments: Namespace) -> int:
    into, gone = await _known(room, arguments.into), await _known(room, arguments.gone)
    await room.duplicates.merge(into, gone, arguments.by)
    print(f"  joined; `aggregator citizens unmerge {arguments.gone}` takes it back")
    return 0


async def _unmerge(room: CitizenRoom, arguments: Namespace) -> int:
    digits = number.read(arguments.gone)
    citizen_id = await room.register.record_of(digits) if digits else None
    if citizen_id is None:
        raise _nobody(arguments.gone)
    await room.duplicates.unmerge(citizen_id, arguments.by)
    print("  parted; both records answer for themselves again")
    return 0


async def _known(room: CitizenRoom, typed: str) -> str:
    found = await room.register.by_number(typed)
    if found is None:
        raise _nobody(typed)
    return found


def _nobody(typed: str) -> Failure:
    slip = "" if number.read(typed) else ": its check digit is wrong, look at it again"
    return Failure(f"no citizen has this number{slip}", BAD_USAGE)


def _told(person: Person) -> str:
    initials = "".join(word[0] for word in person.profile.name.split())
    return f"{initials} {person.profile.date_of_birth[:4]} {number.shown(person.number)}"
