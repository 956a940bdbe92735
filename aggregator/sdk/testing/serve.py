"""A simulated agency as a process: its own port, the control port, and the other host of fault 308.

`run` is the whole command line. It prints one JSON line with both ports and then serves until SIGTERM, which ends
it at once: everything answered is on the disk already. The control port listens on loopback only.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from aggregator.sdk.clock import SystemClock
from aggregator.sdk.testing.callbacks import posting
from aggregator.sdk.testing.codes import inbox
from aggregator.sdk.testing.delivery import deliver, gone
from aggregator.sdk.testing.exchange import Exchange, menu_without
from aggregator.sdk.testing.faults import rules_from
from aggregator.sdk.testing.ledger import Book
from aggregator.sdk.testing.simulator import META_KIND, Arrived, Dialect, SettableClock, World

LOOPBACK = "127.0.0.1"
MakeDialect = Callable[[World, argparse.Namespace], Dialect]
_LARGEST_REQUEST = 16 * 1_048_576


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a running simulator listens."""

    port: int
    control_port: int
    told: Mapping[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def serving(make: MakeDialect, options: argparse.Namespace) -> AsyncIterator[Ports]:
    """A running simulator. `options`: port, control_port, data (a folder), seed, and the dialect's own."""
    book = Book(Path(options.data) / "simulator.db")
    await book.open()
    clock = SettableClock(SystemClock(), float(book.shelf(META_KIND).get("offset_s", 0.0)))
    world = World(book, clock, options.seed)
    dialect = make(world, options)
    exchange = Exchange(dialect, world, book)
    await exchange.open()
    async with posting(world.outbox, world.now) as session, _serving(exchange, options, session) as ports:
        yield ports


@asynccontextmanager
async def _serving(exchange: Exchange, options: argparse.Namespace, session: ClientSession) -> AsyncIterator[Ports]:
    runners: list[web.AppRunner] = []
    keeper = asyncio.create_task(exchange.keep_time())
    try:
        elsewhere = await _listen(_elsewhere(exchange), 0, runners)
        # By name where the agency is by number: another host to everyone who compares hosts.
        exchange.elsewhere_url = f"http://localhost:{elsewhere}"
        port = await _listen(_agency(exchange, session), options.port, runners)
        control_port = await _listen(_control(exchange), options.control_port, runners)
        yield Ports(port, control_port, exchange.dialect.announced())
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, *(runner.cleanup() for runner in runners), return_exceptions=True)
        await exchange.book.close()


async def _listen(app: web.Application, port: int, runners: list[web.AppRunner]) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    runners.append(runner)
    site = web.TCPSite(runner, LOOPBACK, port, backlog=1024)
    await site.start()
    return int(runner.addresses[0][1])


def _agency(exchange: Exchange, session: ClientSession) -> web.Application:
    in_hand: dict[int, web.Request] = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        exchange.calls.enter()
        in_hand[id(request)] = request
        try:
            arrived = Arrived(
                request.method,
                request.path,
                {name.lower(): value for name, value in request.headers.items()},
                await request.read(),
                request.remote or "",
                sum(not gone(other) for other in in_hand.values()),
                request.rel_url.raw_query_string,
            )
            reaction = await exchange.react(arrived)
            await exchange.world.outbox.before_the_answer(session)
            return await deliver(request, reaction.answer, reaction.way)
        finally:
            del in_hand[id(request)]
            exchange.calls.together -= 1

    app = web.Application(client_max_size=_LARGEST_REQUEST)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def _elsewhere(exchange: Exchange) -> web.Application:
    async def arrive(_: web.Request) -> web.Response:
        exchange.calls.elsewhere += 1
        return web.json_response({"requestNo": "R1"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", arrive)
    return app


class _Control:
    """The second port: what a test asks of the simulator, never what a driver does."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_post("/reset", self._reset)
        app.router.add_get("/ledger", self._ledger)
        app.router.add_get("/duplicates", self._duplicates)
        app.router.add_post("/clock", self._clock)
        app.router.add_post("/advance", self._advance)
        app.router.add_put("/faults", self._faults)
        app.router.add_get("/calls", self._calls)
        app.router.add_get("/inbox", self._inbox)
        app.router.add_post("/callback-url", self._callback_url)
        return app

    async def _health(self, _: web.Request) -> web.Response:
        dialect, world = self._exchange.dialect, self._exchange.world
        return web.json_response(
            {
                "status": "ok",
                "driver": dialect.driver,
                "seed": world.seed,
                "clock": world.now().isoformat(),
                "not_applicable": menu_without(dialect),
            }
        )

    async def _reset(self, _: web.Request) -> web.Response:
        await self._exchange.reset()
        return web.json_response({"status": "ok"})

    async def _ledger(self, request: web.Request) -> web.Response:
        await self._exchange.act_on_late()
        asked = request.query
        rows = await self._exchange.book.rows(asked.get("operation", ""), asked.get("ref", ""))
        return web.json_response(rows)

    async def _duplicates(self, _: web.Request) -> web.Response:
        await self._exchange.act_on_late()
        return web.json_response(await self._exchange.book.duplicates())

    async def _clock(self, request: web.Request) -> web.Response:
        asked, clock = await request.json(), self._exchange.world.clock
        if "set" in asked:
            clock.set(datetime.fromisoformat(asked["set"]).astimezone())
        clock.offset_s += float(asked.get("advance_s", 0))
        self._exchange.world.table(META_KIND)["offset_s"] = clock.offset_s
        await self._exchange.act_on_late()
        await self._exchange.book.settled()
        return web.json_response({"clock": clock.now().isoformat()})

    async def _advance(self, request: web.Request) -> web.Response:
        asked = await request.json()
        known = self._exchange.dialect.advance(str(asked["ref"]), str(asked["to"]))
        await self._exchange.book.settled()
        return web.json_response({"known": known}, status=200 if known else 404)

    async def _faults(self, request: web.Request) -> web.Response:
        lines = await request.json()
        late = [line for line in lines if line.get("phase") == "callback"]
        try:
            rules = rules_from([line for line in lines if line not in late], self._exchange.menu)
        except KeyError as exc:
            return web.json_response({"error": f"no such fault or key: {exc.args[0]}"}, status=400)
        self._exchange.faults.replace(rules)
        self._exchange.dialect.callback_faults(late)
        return web.json_response({"rules": len(lines)})

    async def _callback_url(self, request: web.Request) -> web.Response:
        """Where pushes go from now on; empty: nowhere."""
        self._exchange.world.outbox.url = str((await request.json())["url"]).rstrip("/")
        return web.json_response({"url": self._exchange.world.outbox.url})

    async def _inbox(self, request: web.Request) -> web.Response:
        """What the agency wrote to people's telephones by itself."""
        return web.json_response({"messages": inbox(self._exchange.world, request.query.get("to", ""))})

    async def _calls(self, _: web.Request) -> web.Response:
        calls = self._exchange.calls
        return web.json_response(
            {
                "operations": dict(calls.operations),
                "statuses": dict(calls.statuses),
                "concurrent": calls.together,
                "concurrent_peak": calls.peak,
                "elsewhere": calls.elsewhere,
                "callbacks": list(self._exchange.world.outbox.statuses),
            }
        )


def _control(exchange: Exchange) -> web.Application:
    return _Control(exchange).application()


def parser(driver: str) -> argparse.ArgumentParser:
    """The options every simulator has; a driver adds its own."""
    options = argparse.ArgumentParser(prog=f"{driver} simulator", description="A simulated agency on real sockets.")
    options.add_argument("--port", type=int, default=0, help="the agency's port; 0 = any free one")
    options.add_argument("--control-port", type=int, default=0, help="the control port, loopback only")
    options.add_argument("--data", required=True, help="folder of the durable ledger")
    options.add_argument("--seed", type=int, default=1, help="same seed, same people and amounts")
    return options


def run(make: MakeDialect, options: argparse.ArgumentParser | None = None, argv: Sequence[str] | None = None) -> None:
    """Serves until SIGTERM or SIGINT."""
    chosen = (options or parser("agency")).parse_args(argv)
    # A client that hangs up is this trade's daily bread; a simulator that stumbles is news.
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    asyncio.run(_until_told(make, chosen))


async def _until_told(make: MakeDialect, options: argparse.Namespace) -> None:
    told = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told.set)
    async with serving(make, options) as ports:
        sys.stdout.write(json.dumps({"port": ports.port, "control_port": ports.control_port, **ports.told}) + "\n")
        sys.stdout.flush()
        await told.wait()
