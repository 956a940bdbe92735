"""`aggregator agency`: the kill switch, on the database itself: it works whether or not a server runs.

Every send reads the switch in the commit that would begin it, so a running server obeys before its next send.
"""

import asyncio
import os
from argparse import Namespace
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aggregator.cases.switch import lift, stop_row, stops_of
from aggregator.citizens import four_eyes
from aggregator.citizens.vault import Vault
from aggregator.cli.database import opened
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, checked, registry_of, settings_of
from aggregator.cli.table import clean, table
from aggregator.sdk.clock import IST, SystemChance, SystemClock
from aggregator.store import Store
from aggregator.wiring.keys import vault_keys, vault_of

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add(groups: Any) -> None:
    group = groups.add_parser("agency", help="stop an agency, or let it go on")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    stopping = commands.add_parser("stop", help="nothing more is sent to it, from before the next send")
    stopping.add_argument("agency")
    stopping.add_argument("--reason", required=True, help="why, for those who come after")
    stopping.add_argument("--for", dest="time", default="", help="how long, as 30m or 2h; without it until `go`")
    stopping.set_defaults(run=lambda arguments: _on_store(arguments, _stop))
    going = commands.add_parser("go", help="work for it goes on")
    going.add_argument("agency")
    going.set_defaults(run=lambda arguments: _on_store(arguments, _go))
    listing = commands.add_parser("stopped", help="which are stopped, since when and why")
    listing.set_defaults(run=lambda arguments: _on_store(arguments, _list))
    for command in (stopping, going):
        command.add_argument("--by", default=os.environ.get("AGGREGATOR_OFFICER", ""), help="who says so")
    for command in (stopping, going, listing):
        add_places(command)


def _on_store(arguments: Namespace, do: Callable[[Store, Vault, Namespace], Awaitable[int]]) -> int:
    return asyncio.run(_opened(arguments, do))


async def _opened(arguments: Namespace, do: Callable[[Store, Vault, Namespace], Awaitable[int]]) -> int:
    settings = settings_of(arguments)
    try:
        async with opened(settings) as store:
            return await do(store, vault_of(settings, vault_keys(settings, SystemChance())), arguments)
    except four_eyes.NoName as exc:
        raise Failure("say who: --by NAME, or AGGREGATOR_OFFICER once for a session", BAD_USAGE) from exc


async def _stop(store: Store, vault: Vault, arguments: Namespace) -> int:
    known = checked(registry_of(arguments)).facts
    if arguments.agency not in known:
        raise Failure(f"the registry has no agency {arguments.agency}. It has {', '.join(sorted(known))}", BAD_USAGE)
    at = SystemClock().now()
    until = at + timedelta(seconds=_seconds(arguments.time)) if arguments.time else None
    await stop_row(store, vault, arguments.agency, at, by=arguments.by, reason=arguments.reason, until=until)
    print(f"  {arguments.agency} is stopped: nothing is sent to it from now on. Cases are held and citizens told so")
    return 0


async def _go(store: Store, vault: Vault, arguments: Namespace) -> int:
    code = four_eyes.code_of(vault, arguments.by)
    at = SystemClock().now()
    lifted = await store.write(lambda run: lift(run, arguments.agency, code, at))
    print(f"  {arguments.agency} goes on" if lifted else f"  {arguments.agency} was not stopped")
    return 0


async def _list(store: Store, vault: Vault, _: Namespace) -> int:
    found = await stops_of(store, vault, SystemClock().now())
    rows = [
        (one.agency, _when(one.since), _when(one.until) if one.until else "until go", clean(one.reason))
        for one in found
    ]
    print(table(("AGENCY", "SINCE", "UNTIL", "WHY"), rows) if rows else "  no agency is stopped")
    return 0


def _when(moment: Any) -> str:
    return str(moment.astimezone(IST).strftime("%d-%m %H:%M"))


def _seconds(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in _UNITS:
        raise Failure(f"{text!r} is no time. Write it like 30m, 2h or 1d", BAD_USAGE)
    return int(number) * _UNITS[unit]
