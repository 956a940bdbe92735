"""What counts once and ends within minutes, in an unlogged table: shared by all processes, and no disk is waited for.

PostgreSQL empties such a table itself whenever its content could not be trusted: after a crash of the server, on a
promoted replica. With it goes the row that says since when the table remembers, so a gap is always known; whatever may
have been shown before the memory began anew counts as shown.
"""

import asyncio
from typing import Any

from aggregator.store.once import MEMORY
from aggregator.store.port import Run, StoreUnavailable
from aggregator.store.postgres_session import SESSION, TROUBLE, connect, let_go, translated

_BEGAN = ""
"""The name of the row whose `until_ms` says since when."""
_TABLES = (
    f"create unlogged table if not exists {MEMORY} (name text primary key, until_ms bigint not null)",
    f"create index if not exists {MEMORY}_by_end on {MEMORY} (until_ms)",
)
_BEGIN = f"insert into {MEMORY} (name, until_ms) values ('{_BEGAN}', $1) on conflict (name) do nothing"  # noqa: S608 - constants
_IS_BEGUN = f"select until_ms from {MEMORY} where name = '{_BEGAN}'"  # noqa: S608 - constants
_USE = (
    f"insert into {MEMORY} as u (name, until_ms) select $1::text, $2::bigint from {MEMORY}"  # noqa: S608 - constants
    f" where name = '{_BEGAN}' and until_ms < $3"
    " on conflict (name) do update set until_ms = excluded.until_ms where u.until_ms <= $4 returning 1"
)
_FORGET = f"delete from {MEMORY} where name <> '{_BEGAN}' and until_ms <= $1"  # noqa: S608 - constants
_FORGET_EVERY = 1000


async def made(run: Run, *, lock: str, now_ms: int) -> None:
    """The table, once; a new city knows that nothing was shown before."""
    await run(lock)
    for statement in _TABLES:
        await run(statement)
    started = await run("select id from worker limit 1")
    if not await run(_IS_BEGUN):
        await run(_BEGIN, now_ms if started else 0)


class PostgresOnce:
    """The memory of one PostgreSQL city, on a session of its own: groups of writes wait for the disk, this does not."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: Any = None
        self._turn = asyncio.Lock()
        self._uses = 0

    async def first_use(self, name: str, *, from_ms: int, until_ms: int, now_ms: int) -> bool:
        """As `Store.first_use` says."""
        async with self._turn:
            try:
                return await self._use(name, from_ms, until_ms, now_ms)
            except TROUBLE as exc:
                raise _unavailable(exc) from None

    async def close(self) -> None:
        session, self._session = self._session, None
        await let_go(session)

    async def _use(self, name: str, from_ms: int, until_ms: int, now_ms: int) -> bool:
        if self._session is None or self._session.is_closed():
            self._session = await connect(self._url, SESSION | {"synchronous_commit": "off"})
        session = self._session
        first = bool(await session.fetch(_USE, name, until_ms, from_ms, now_ms))
        if not first and not await session.fetch(_IS_BEGUN):
            await session.execute(_BEGIN, now_ms)  # emptied: from now on it remembers again
        self._uses += 1
        if self._uses % _FORGET_EVERY == 0:
            await session.execute(_FORGET, now_ms)
        return first


def _unavailable(exc: BaseException) -> StoreUnavailable:
    error = translated(exc)
    return error if isinstance(error, StoreUnavailable) else StoreUnavailable("the memory of what counts once")
