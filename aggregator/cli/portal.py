"""`aggregator portal`: who may call the API. Works on the database itself, whether or not a server is running."""

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aggregator.citizens.portal_keys import NewSecret, PortalRefused
from aggregator.citizens.portals import Portals
from aggregator.citizens.rights import KINDS, ON_REQUEST
from aggregator.cli.database import opened
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.table import paint, table
from aggregator.sdk.clock import SystemChance, SystemClock


def add(groups: Any) -> None:
    group = groups.add_parser("portal", help="clients of the API and their keys")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    adding = commands.add_parser("add", help="register one; its first key is shown once")
    adding.add_argument("name")
    adding.add_argument("--contact", required=True, help="who answers for it: an office, not a person")
    adding.add_argument(
        "--scopes", default="", help="rights, separated by spaces or commas; without it all of its kind"
    )
    adding.add_argument("--kind", default="PORTAL", choices=sorted(KINDS), help="bounds what it may ever hold")
    adding.add_argument("--bound", action="store_true", help="its tokens must be bound to a key or certificate")
    adding.add_argument(
        "--sector", default="", help="portals of one sector see the same citizen ids; without it the portal is alone"
    )
    adding.add_argument("--origin", action="append", default=[], help="a web page's origin that may call; repeatable")
    adding.set_defaults(run=lambda arguments: _on_store(arguments, _add))
    _add_keys(adding)
    listing = commands.add_parser("list", help="all of them, revoked ones too")
    listing.set_defaults(run=lambda arguments: _on_store(arguments, _list))
    rotating = commands.add_parser("rotate", help="a new key beside the old ones")
    rotating.add_argument("portal")
    _add_keys(rotating)
    rotating.set_defaults(run=lambda arguments: _on_store(arguments, _rotate))
    trusting = commands.add_parser("trust", help="take a portal's own log-in for citizens (token exchange)")
    trusting.add_argument("portal")
    trusting.add_argument("issuer", help="the https address in `iss` of its tokens")
    trusting.add_argument("--keys", required=True, help="file with the issuer's public keys, a JWK Set")
    trusting.set_defaults(run=lambda arguments: _on_store(arguments, _trust))
    revoking = commands.add_parser("revoke", help="end a portal (prt_...) or one of its keys (key_...)")
    revoking.add_argument("id")
    revoking.set_defaults(run=lambda arguments: _on_store(arguments, _revoke))
    for command in (adding, listing, rotating, trusting, revoking):
        add_places(command)


def _add_keys(command: Any) -> None:
    command.add_argument(
        "--public-keys", default="", metavar="FILE",
        help="it signs (private_key_jwt): file with the public half of its keys, a JWK Set; no secret is made",
    )  # fmt: skip


def _on_store(arguments: Namespace, do: Callable[[Portals, Namespace], Awaitable[int]]) -> int:
    return asyncio.run(_opened(arguments, do))


async def _opened(arguments: Namespace, do: Callable[[Portals, Namespace], Awaitable[int]]) -> int:
    try:
        async with opened(settings_of(arguments)) as store:
            return await do(Portals(store, SystemClock(), SystemChance()), arguments)
    except PortalRefused as exc:
        raise Failure(f"{exc}", BAD_USAGE) from exc


async def _add(portals: Portals, arguments: Namespace) -> int:
    given = await portals.add(
        arguments.name,
        contact=arguments.contact,
        scopes=arguments.scopes.replace(",", " ").split() or KINDS[arguments.kind] - ON_REQUEST,
        sector=arguments.sector,
        origins=arguments.origin,
        kind=arguments.kind,
        bound=arguments.bound,
        public_keys=await _file(arguments.public_keys),
    )
    return _shown(given)


async def _rotate(portals: Portals, arguments: Namespace) -> int:
    return _shown(await portals.rotate(arguments.portal, await _file(arguments.public_keys)))


async def _trust(portals: Portals, arguments: Namespace) -> int:
    await portals.trust_issuer(arguments.portal, arguments.issuer, await _file(arguments.keys))
    print(f"  {arguments.portal} may exchange log-ins of {arguments.issuer} for citizens' tokens at POST /oauth/token")
    return 0


async def _file(name: str) -> str:
    """What is in it; "" without a name."""
    try:
        return await asyncio.to_thread(Path(name).read_text, encoding="utf-8") if name else ""
    except OSError as exc:
        raise Failure(f"{name} cannot be read: {exc.strerror}", BAD_USAGE) from exc
    except UnicodeDecodeError as exc:
        raise Failure(f"{name} is no text: a JWK Set is JSON", BAD_USAGE) from exc


async def _revoke(portals: Portals, arguments: Namespace) -> int:
    ended = await (portals.revoke_key if arguments.id.startswith("key_") else portals.revoke)(arguments.id)
    if not ended:
        raise Failure(f"there is nothing to revoke under {arguments.id}. `aggregator portal list` shows what there is")
    print(f"  {arguments.id} is revoked; tokens of it end within five seconds")
    return 0


async def _list(portals: Portals, _: Namespace) -> int:
    rows = []
    for portal in await portals.everyone():
        keys = [key for key in await portals.keys(portal.id) if key.revoked_at is None]
        state = "revoked" if portal.revoked_at else "up"
        rows.append((portal.id, portal.name, state, portal.sector, str(len(keys)), " ".join(sorted(portal.scopes))))
    print(table(("PORTAL", "NAME", "STATE", "SECTOR", "KEYS", "SCOPES"), rows) if rows else "  no portals yet")
    return 0


def _shown(given: NewSecret) -> int:
    print(f"  client_id      {given.portal_id}")
    if not given.secret:
        print(f"  It signs with its own key ({given.key_id}); there is no secret. Tokens are at POST /oauth/token")
        print("  for a client_assertion (private_key_jwt): see docs/portals.md.")
        return 0
    print(f"  client_secret  {paint(given.secret, 'bold')}")
    print(f"  The secret of {given.key_id} is shown this once. Trade both for a token at POST /oauth/token.")
    return 0
