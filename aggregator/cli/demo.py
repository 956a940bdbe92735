"""`aggregator demo`: the sandbox city, the story, and then a server that stays up to be played with."""

import os
import shutil
import sys
from argparse import Namespace
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aggregator.cli.over_http import SANDBOX_KEY, Server
from aggregator.cli.places import add_places, data_dir_of
from aggregator.cli.serve import add_address, on_a_loop, sandbox_on_the_web, until_over, welcome
from aggregator.cli.story import Story
from aggregator.cli.table import paint

REGISTRY = Path("demo.toml")
LOG_FILE = "aggregator.log"
_PAUSE_S = 1.5
_TO_TRY = ("sandbox stop rto", "cases list", "feed tail")


def add(groups: Any) -> None:
    demo = groups.add_parser("demo", help="a city in half a minute: an outage, a silence, nothing lost")
    demo.add_argument("--exit", action="store_true", help="end after the story: 0 when every step came true")
    add_address(demo)
    add_places(demo)
    demo.set_defaults(run=run, registry=REGISTRY)


def run(arguments: Namespace) -> int:
    return on_a_loop(_demonstrated(arguments))


def _ourselves() -> str:
    """How this very command is called from another terminal: it may stand in an environment that is not on the PATH."""
    return "aggregator" if shutil.which("aggregator") else os.path.relpath(sys.argv[0])


async def _demonstrated(arguments: Namespace) -> int:
    print("  Starting the simulated agencies and the aggregator ...", flush=True)
    folder = data_dir_of(arguments)
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        # The story's table is redrawn in place; what the server has to say goes to a file meanwhile.
        log = stack.enter_context((folder / LOG_FILE).open("a", encoding="utf-8"))
        simulated, city, address = await stack.enter_async_context(sandbox_on_the_web(arguments, log))
        story = Story(Server(address, SANDBOX_KEY), simulated, pause_s=0.0 if arguments.exit else _PAUSE_S)
        await story.tell()
        print()
        print(paint("  Every step came true.", "green"))
        if arguments.exit:
            return 0
        print(welcome(address, city, tuple(simulated.places)))
        print(f"  Try   {' · '.join(f'{_ourselves()} {words}' for words in _TO_TRY)}", flush=True)
        return await until_over(city)
