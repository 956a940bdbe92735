"""`aggregator serve`: one process that accepts, sends, settles and tells; with `--sandbox` its agencies beside it."""

import asyncio
import gc
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, TextIO, TypeVar

from aggregator.api.app import DOOR
from aggregator.api.door import listen
from aggregator.api.tls import TlsRefused, server_tls
from aggregator.citizens.links import BadLinks
from aggregator.citizens.vault import KeyRefused
from aggregator.cli.failure import BAD_USAGE, Failure
from aggregator.cli.over_http import SANDBOX_KEY
from aggregator.cli.places import add_places, data_dir_of, settings_of, simulators_of
from aggregator.cli.sandbox import until_told
from aggregator.cli.simulated import SimulatedCity, recorded, simulated_city
from aggregator.cli.table import paint
from aggregator.ops import logs
from aggregator.settings import Settings
from aggregator.store import StoreError
from aggregator.store.keyfile import KeyFileRefused
from aggregator.wiring import City, running

T = TypeVar("T")


def add(groups: Any) -> None:
    serve = groups.add_parser("serve", help="run the aggregator")
    serve.add_argument("--sandbox", action="store_true", help="start the simulated agencies too")
    add_address(serve)
    add_places(serve)
    serve.set_defaults(run=run)


def add_address(parser: Any) -> None:
    parser.add_argument("--host", default="", help="address to listen on (AGGREGATOR_HOST, else 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=None, help="port to listen on (AGGREGATOR_PORT, else 8080); 0 = any"
    )


def run(arguments: Namespace) -> int:
    return on_a_loop(_with_sandbox(arguments) if arguments.sandbox else _alone(arguments))


def on_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """Runs it on uvloop where that extra is installed; it is a matter of speed alone."""
    # Contracts, forms and texts live as long as the process: looking them over again and again frees nothing.
    gc.set_threshold(50_000, 20, 50)
    try:
        import uvloop  # noqa: PLC0415 - an optional extra
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def addressed(
    arguments: Namespace, sandbox_urls: Mapping[str, str], sandbox_env: Mapping[str, str] | None = None
) -> Settings:
    """The settings with the address the command line asks for."""
    settings = settings_of(arguments, sandbox_urls, sandbox_env)
    port = settings.port if arguments.port is None else arguments.port
    return replace(settings, host=arguments.host or settings.host, port=port)


@asynccontextmanager
async def on_the_web(settings: Settings, log_to: TextIO = sys.stderr) -> AsyncIterator[tuple[City, str]]:
    """The running city and its address. Raises Failure for what an operator can put right."""
    logs.configure(log_to, level=settings.log_level, as_json=settings.log_format == "json")
    try:
        async with running(settings) as city, _listening(city, settings) as address:
            yield city, address
    except (KeyRefused, KeyFileRefused) as exc:
        raise Failure(f"a key cannot be used: {exc}", BAD_USAGE) from exc
    except BadLinks as exc:
        raise Failure(f"the sample citizens cannot be read: {exc}", BAD_USAGE) from exc
    except StoreError as exc:
        raise Failure(f"the database cannot be used: {exc}. `aggregator doctor` looks closer") from exc


@asynccontextmanager
async def sandbox_on_the_web(
    arguments: Namespace, log_to: TextIO = sys.stderr
) -> AsyncIterator[tuple[SimulatedCity, City, str]]:
    """Simulated agencies and the city that speaks to them."""
    simulators = simulators_of(arguments)
    async with AsyncExitStack() as stack:
        simulated = await stack.enter_async_context(simulated_city(simulators, data_dir_of(arguments)))
        settings = addressed(arguments, simulated.urls(), simulated.env())
        city, address = await stack.enter_async_context(on_the_web(settings, log_to))
        await simulated.pushes_to(address)
        yield simulated, city, address


def welcome(address: str, city: City, simulated: Sequence[str] = ()) -> str:
    """Where to go from here."""
    services = len(city.catalogue.current.services())
    told = f"{len(simulated)} agencies simulated ({', '.join(sorted(simulated))}) · " if simulated else ""
    lines = [
        f"  {told}{services} services",
        f"  API   {paint(address + '/v1', 'cyan')}     Contract  {paint(address + '/openapi.json', 'cyan')}",
    ]
    if simulated:
        lines.append(f"  Key   {paint(SANDBOX_KEY, 'bold')} (all scopes)  Stop  Ctrl-C")
    return "\n".join(lines)


async def until_over(city: City) -> int:
    """Waits for the signal to stop, or for a part of the city to fail."""
    signalled, failed = asyncio.create_task(until_told()), asyncio.create_task(city.failed.wait())
    await asyncio.wait({signalled, failed}, return_when=asyncio.FIRST_COMPLETED)
    for task in (signalled, failed):
        task.cancel()
    if city.failed.is_set():
        raise Failure("a part of the aggregator failed and everything was stopped in order; the log says which")
    return 0


async def _alone(arguments: Namespace) -> int:
    places = recorded(data_dir_of(arguments))
    urls = {agency: place.url for agency, place in places.items()}
    env = {name: value for place in places.values() for name, value in place.env.items()}
    async with on_the_web(addressed(arguments, urls, env)) as (city, address):
        print(welcome(address, city, tuple(places)), flush=True)
        return await until_over(city)


async def _with_sandbox(arguments: Namespace) -> int:
    async with sandbox_on_the_web(arguments) as (simulated, city, address):
        print(welcome(address, city, tuple(simulated.places)), flush=True)
        return await until_over(city)


@asynccontextmanager
async def _listening(city: City, settings: Settings) -> AsyncIterator[str]:
    host, port = settings.host, settings.port
    try:
        tls = server_tls(settings.env)
        server = await listen(city.app, city.app[DOOR], host=host, port=port, tls=tls)
    except TlsRefused as exc:
        raise Failure(f"{exc}", BAD_USAGE) from exc
    except OSError as exc:
        why = exc.strerror or type(exc).__name__
        raise Failure(f"{host}:{port} cannot be listened on ({why}). Choose another with --port", BAD_USAGE) from exc
    try:
        yield f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{server.port}"
    finally:
        await server.close()
