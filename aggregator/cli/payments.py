"""`aggregator payments`: money on its way, from the city's own database, whether or not a server is running.

Reconciling takes files in and marks what the running server has to ask; no agency is called from here.
"""

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from aggregator.cases.attempt import Desktop
from aggregator.cases.number import shown
from aggregator.cases.operation import Operation
from aggregator.cases.worker import Worker
from aggregator.citizens.envelopes import KeyedEnvelopes
from aggregator.cli.database import opened
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.places import add_places, settings_of
from aggregator.cli.table import table
from aggregator.feed.stream import Stream
from aggregator.payments import files
from aggregator.payments.evidence import evidence_of
from aggregator.payments.items import open_items
from aggregator.payments.payment import COLUMNS, Payment, payment_of
from aggregator.payments.reconcile import reconcile
from aggregator.payments.till import Till
from aggregator.registry.agency import Registry
from aggregator.sdk.clock import IST, SystemChance, SystemClock, from_ms
from aggregator.sdk.reading import rupees
from aggregator.store import Store
from aggregator.wiring.keys import vault_keys, vault_of
from aggregator.wiring.privacy import key_ring

HEADINGS = ("PAYMENT", "NUMBER", "BILLER", "RUPEES", "PHASE", "WHY", "OWNER", "COLLECTED")


def add(groups: Any) -> None:
    group = groups.add_parser("payments", help="money on its way: who has it, what does not match, and the proofs")
    commands = group.add_subparsers(metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="payments, newest first")
    listing.add_argument("--phase", default="", help="only these, for example POSTING")
    listing.add_argument("--open", action="store_true", help="only those that are not over")
    listing.add_argument("--limit", type=int, default=50)
    listing.set_defaults(run=lambda arguments: _on_store(arguments, _list))
    showing = commands.add_parser("show", help="one payment: its operations, its ledger, its items")
    showing.add_argument("payment", help="pay_...")
    showing.set_defaults(run=lambda arguments: _on_store(arguments, _show))
    packing = commands.add_parser("evidence", help="every id, every time and both files' lines, as JSON")
    packing.add_argument("payment", help="pay_...")
    packing.add_argument("--to", type=Path, help="a file; else it is printed")
    packing.set_defaults(run=lambda arguments: _on_store(arguments, _evidence))
    waiting = commands.add_parser("items", help="what does not match and waits for a person")
    waiting.set_defaults(run=lambda arguments: _on_store(arguments, _items))
    comparing = commands.add_parser("reconcile", help="take in the day's files and compare the three books")
    comparing.add_argument("--file", action="append", default=[], metavar="AGENCY=PATH", help="repeatable; JSON or CSV")
    comparing.add_argument("--day", default="", help="ISO, in India; yesterday when not given")
    comparing.set_defaults(run=lambda arguments: _on_store(arguments, _reconcile))
    for command in (listing, showing, packing, waiting, comparing):
        add_places(command)


def _on_store(arguments: Namespace, do: Callable[[Till, Namespace], Awaitable[int]]) -> int:
    return asyncio.run(_opened(arguments, do))


async def _opened(arguments: Namespace, do: Callable[[Till, Namespace], Awaitable[int]]) -> int:
    clock, chance = SystemClock(), SystemChance()
    settings = settings_of(arguments)
    async with opened(settings) as store:
        vault = vault_of(settings, vault_keys(settings, chance))
        keys = await key_ring(settings, store, vault, clock, chance)
        desk = Desktop(store, KeyedEnvelopes(vault, keys, chance), clock, chance, Worker("cli", 0))
        return await do(Till(desk, _no_registry, Stream(store, clock), _NoSends()), arguments)


def _no_registry() -> Registry:
    raise Failure("this command asks no agency")  # pragma: no cover - nothing here looks at one


class _NoSends:
    """The running server sends; this process only writes down."""

    def start(self, op: Operation) -> None:
        """Left to the server's scan."""

    def nudge(self) -> None:
        """Left to the server's scan."""


async def _list(till: Till, arguments: Namespace) -> int:
    clauses = {
        "phase = $1": arguments.phase.upper(),
        "closed_ms is null": "yes" if arguments.open else "",
    }
    where = " and ".join(clause for clause, wanted in clauses.items() if wanted) or "1 = 1"
    args = [arguments.phase.upper()] if arguments.phase else []
    columns = ", ".join(f"p.{name.strip()}" for name in COLUMNS.split(","))
    rows = await till.desk.store.read(
        f"select {columns}, c.number as case_number from payment p join cases c on c.id = p.case_id"  # noqa: S608 - our own clauses
        f" where {where} order by p.id desc limit {max(1, arguments.limit)}",
        *args,
    )
    lines = [_line(payment_of(row), row["case_number"]) for row in rows]
    print(table(HEADINGS, lines) if lines else "  no payments")
    return 0


def _line(payment: Payment, number: str) -> tuple[str, ...]:
    collected = _at(payment.collected_ms)
    amount = rupees(payment.amount_paise)
    return (
        payment.id, shown(number), payment.agency, amount, payment.phase, payment.reason_code, payment.owner, collected,
    )  # fmt: skip


def _at(ms: int | None) -> str:
    return from_ms(ms).astimezone(IST).strftime("%Y-%m-%d %H:%M:%S") if ms else "-"


async def _found(store: Store, payment_id: str) -> Payment:
    rows = await store.read(f"select {COLUMNS} from payment where id = $1", payment_id)  # noqa: S608 - a constant
    if not rows:
        raise Failure(f"there is no payment {payment_id}. `aggregator payments list` shows what there is", BAD_USAGE)
    return payment_of(rows[0])


async def _show(till: Till, arguments: Namespace) -> int:
    pack = await evidence_of(till.desk.store, await _found(till.desk.store, arguments.payment))
    for name, value in pack["payment"].items():
        print(f"  {name:16} {value}")
    print(f"  {'held':16} Rs {rupees(pack['held_paise'])}\n")
    for title in ("operations", "gateway_words", "ledger", "file_lines", "items"):
        rows = pack[title]
        if rows:
            keys = list(dict.fromkeys(key for row in rows for key in row))
            print(f"  {title}")
            print(table(tuple(keys), (tuple(str(row.get(key, "-")) for key in keys) for row in rows)) + "\n")
    return 0


async def _evidence(till: Till, arguments: Namespace) -> int:
    pack = await evidence_of(till.desk.store, await _found(till.desk.store, arguments.payment))
    text = orjson.dumps(pack, option=orjson.OPT_INDENT_2).decode()
    if arguments.to is None:
        print(text)
    else:
        arguments.to.write_text(text + "\n", "utf-8")
    return 0


async def _items(till: Till, _arguments: Namespace) -> int:
    rows = await open_items(till.desk.store)
    lines = [
        (
            row["id"],
            row["kind"],
            row["agency"],
            row["day"],
            rupees(row["amount_paise"]),
            row["owner"],
            row["payment_id"],
        )
        for row in rows
    ]
    headings = ("ITEM", "WHAT", "AGENCY", "DAY", "RUPEES", "OWNER", "PAYMENT")
    print(table(headings, lines) if lines else "  everything matches")
    return 0


async def _reconcile(till: Till, arguments: Namespace) -> int:
    day = arguments.day or (till.desk.clock.now().astimezone(IST).date() - timedelta(days=1)).isoformat()
    for given in arguments.file:
        await _take_in(till, given, day)
    try:
        report = await reconcile(till, day)
    except ValueError:
        raise Failure(f"--day {day} is no day; write it like 2026-01-31", BAD_USAGE) from None
    for found, count in sorted(report.found.items()):
        print(f"  {count:6} {found.value.replace('_', ' ')}")
    print(f"  {report.waiting:6} wait for a file of the gateway or the biller")
    print(f"  {report.strays:6} lines are about no payment of ours")
    return await _items(till, arguments)


async def _take_in(till: Till, given: str, day: str) -> None:
    agency, sign, path = given.partition("=")
    if not sign:
        raise Failure(f"--file {given}: write AGENCY=PATH, for example paygate=settlement.csv", BAD_USAGE)
    content = Path(path).read_bytes()  # noqa: ASYNC240 - nobody else waits in this process
    try:
        statement = files.read_file(content, agency=agency, side=files.side_of(content), day=day)
    except files.BadFile as bad:
        told = "\n  ".join(bad.problems[:20])
        raise Failure(f"{path}: nothing was taken in\n  {told}", BAD_USAGE) from bad
    new = await till.desk.store.write(lambda run: files.keep(run, statement, till.desk.clock.now()))
    print(f"  {path}: {len(statement.lines)} lines of {agency} for {day}, {new} new")
