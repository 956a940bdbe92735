"""One ACID database behind one face: every write is a function run in a durable, grouped transaction.

`write(fn)` is acknowledged only after a COMMIT that survives power loss; many concurrent writes share one
commit. `read(sql, ...)` sees every acknowledged write. The same SQL text ($1..$n, bigint and text only) serves
SQLite and PostgreSQL. Nothing of a database library leaves this room: rows are read by name, errors are ours.
"""

from aggregator.sdk.clock import Clock
from aggregator.store.port import (
    Conflict,
    Damaged,
    Row,
    Run,
    SchemaTooNew,
    StatementRefused,
    Store,
    StoreError,
    StoreHealth,
    StoreUnavailable,
    Value,
    Work,
    WorkerHeld,
)

__all__ = [
    "Conflict",
    "Damaged",
    "Row",
    "Run",
    "SchemaTooNew",
    "StatementRefused",
    "Store",
    "StoreError",
    "StoreHealth",
    "StoreUnavailable",
    "Value",
    "Work",
    "WorkerHeld",
    "open_store",
]


def open_store(url: str, *, clock: Clock) -> Store:
    """The store that `url` names, not yet opened: call `await store.open()`.

    `sqlite:///data/city.db` is relative to the working directory, `sqlite:////var/lib/city.db` (four strokes)
    is absolute; `postgresql://user@host/name` needs the `postgres` extra. Raises ValueError for anything else.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and rest[1:]:
        from aggregator.store.sqlite import SqliteStore  # noqa: PLC0415 - one engine's driver is enough

        return SqliteStore(rest[1:], clock=clock)
    if scheme in {"postgresql", "postgres"} and rest:
        from aggregator.store.postgres import PostgresStore  # noqa: PLC0415 - asyncpg is an optional extra

        return PostgresStore(url, clock=clock)
    raise ValueError("a store is sqlite:///<file> or postgresql://<user>@<host>/<database>")
