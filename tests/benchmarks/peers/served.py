"""How every Python peer is served: aiohttp on uvloop, no access log, a free port told on the first line."""

import asyncio
import json
import sys

import uvloop
from aiohttp import web


def serve(app: web.Application) -> None:
    uvloop.run(_served(app))


async def _served(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    sys.stdout.write(json.dumps({"port": runner.addresses[0][1]}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()
