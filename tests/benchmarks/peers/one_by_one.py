"""Submissions as they are usually kept: an aiohttp server that inserts the application and commits, through aiosqlite.

One row per request and nothing else, durable before the answer. Argument: the database file.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import aiosqlite
from aiohttp import web
from served import serve

DATABASE: web.AppKey[aiosqlite.Connection] = web.AppKey("database", aiosqlite.Connection)
TURN: web.AppKey[asyncio.Lock] = web.AppKey("turn", asyncio.Lock)


async def keep(request: web.Request) -> web.Response:
    key, body = request.headers["Idempotency-Key"], await request.text()
    database = request.app[DATABASE]
    async with request.app[TURN]:  # one connection has one transaction
        await database.execute("insert into application (key, body) values (?, ?)", (key, body))
        await database.commit()
    return web.json_response({"key": key}, status=202)


async def with_database(app: web.Application) -> AsyncIterator[None]:
    async with aiosqlite.connect(sys.argv[1]) as database:
        await database.execute("pragma journal_mode = wal")
        await database.execute("pragma synchronous = full")
        await database.execute("create table application (key text primary key, body text not null)")
        app[DATABASE], app[TURN] = database, asyncio.Lock()
        yield


if __name__ == "__main__":
    usual = web.Application()
    usual.cleanup_ctx.append(with_database)
    usual.router.add_post("/v1/cases", keep)
    serve(usual)
