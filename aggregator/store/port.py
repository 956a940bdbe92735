"""What the rest of the house may know of a database, and what it may be told when one fails.

* StoreError
  - StoreUnavailable   the database did not do it (effect "none"), or nobody can know (effect "unknown")
    - Damaged          what is stored is not what was written: nothing more is written, so nothing is sent
  - Conflict           a unique, foreign-key or not-null rule of the schema refused the row
  - StatementRefused   the statement or its arguments are wrong: our mistake
  - SchemaTooNew       a newer program has already changed the tables
  - WorkerHeld         another living process holds this worker's lock

Messages carry engine codes and names of constraints, never values: a driver's own text may quote a citizen.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")
Value = str | int | None
Effect = Literal["none", "unknown"]
READY_AGE_S = 5.0
_BIGINT = 2**63


class Row(Protocol):
    """One row, read by column name: `row["status"]`."""

    def __getitem__(self, key: str | int, /) -> Any: ...

    def __len__(self) -> int: ...

    def keys(self) -> Iterable[str]: ...


class Run(Protocol):
    """Executes one statement inside the transaction that is being written."""

    async def __call__(self, sql: str, *args: Value) -> list[Row]: ...


Work = Callable[[Run], Awaitable[T]]


class StoreError(Exception):
    """Anything this room may raise."""


class StoreUnavailable(StoreError):
    """The database could not be used. `effect` says whether the write may nevertheless be kept."""

    def __init__(self, why: str, effect: Effect = "none") -> None:
        super().__init__(f"{why} (effect: {effect})")
        self.why = why
        self.effect: Effect = effect


class Damaged(StoreUnavailable):
    """What is stored is not what was written. A store that has seen it refuses every later write."""


class Conflict(StoreError):
    """A rule of the schema refused the row. `rule` names the constraint as the engine does."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class StatementRefused(StoreError):
    """The statement cannot be run with these arguments on this schema."""


class SchemaTooNew(StoreError):
    """The tables are of a later version than this program knows."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the database is at schema version {found}, this program knows {known}: "
            "start the newer program, or restore a backup made before the upgrade"
        )
        self.found = found
        self.known = known


class WorkerHeld(StoreError):
    """Another living process works under this worker id."""


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """What readiness and the gauges look at.

    `queue`: writes waiting or being committed. `oldest_s`: age of the oldest of them. `last_error`: why the
    newest group was lost, "" once a group is committed again; in trouble the store tries by itself every second.
    `durable` is False from a COMMIT whose outcome is unknown until the next one that succeeds. `damage`: what was found
    not to be what was written; "" while nothing was.
    """

    queue: int
    oldest_s: float
    last_error: str
    durable: bool = True
    damage: str = ""

    @property
    def ready(self) -> bool:
        return self.durable and not self.damage and self.oldest_s <= READY_AGE_S


class Store(Protocol):
    """One database. `skip_locked` is the one fragment of SQL that differs: append it to a claiming select."""

    engine: str
    skip_locked: str
    lineage: str
    """A statement whose one column `lineage` tells this server's history from another's; "" where it has none."""

    async def open(self) -> None:
        """Connects and brings the tables up to date. Raises StoreUnavailable, SchemaTooNew."""
        ...

    async def close(self) -> None:
        """Commits what is queued, then lets go of every connection and lock. Never hangs; may be repeated."""
        ...

    async def write(self, fn: Callable[[Run], Awaitable[T]]) -> T:
        """The value of `fn`, after the transaction it ran in is on disk.

        `fn` awaits nothing but `run` and touches nothing but the database: it may be run, rolled back and run
        again. An exception of `fn` undoes its own statements only and is raised here. A failed `run` dooms its
        `fn` even if `fn` catches the error (PostgreSQL knows no other way). Once submitted, a write is carried
        out: cancelling the caller only stops the waiting.
        Raises StoreUnavailable, Conflict, StatementRefused.
        """
        ...

    async def read(self, sql: str, *args: Value, inline: bool = False) -> list[Row]:
        """The rows of one statement that changes nothing; sees every acknowledged write.

        `inline`: for look-ups by key. SQLite answers on the event loop's thread and falls back to a reading
        thread by itself when the statement turns out long or the file is locked; PostgreSQL ignores it.
        Raises StoreUnavailable, StatementRefused.
        """
        ...

    def beside(self, keep: Callable[[Mapping[str, int]], Awaitable[None]], first: Work[None]) -> None:
        """From now on `keep` is told the counters after each commit, before anybody else hears of that commit.

        `first` is run before any other write on each new session with a server; a file has but one session.
        """
        ...

    async def first_use(self, name: str, *, from_ms: int, until_ms: int, now_ms: int) -> bool:
        """Whether nobody, in no process, has shown this before; remembered until `until_ms`, and no disk is waited for.

        `from_ms` is the first moment at which it may have been shown: where a power loss (here) or a crash of the
        server (PostgreSQL) may have taken the memory of that moment, it counts as shown. Raises StoreUnavailable.
        """
        ...

    def health(self) -> StoreHealth: ...

    async def integrity_check(self) -> list[str]:
        """What is wrong with the stored data or the server's promises; empty when nothing is.

        Looks through everything and may take long, beside all other work; what it finds in a file is damage.
        Raises StoreUnavailable when it could not be finished.
        """
        ...

    async def claim_worker(self, worker_id: str) -> None:
        """Holds the worker's lock until `close()` or death. Raises WorkerHeld, ValueError.

        A stopped process keeps its lock, a dead one does not: the lock tells late from dead, a lease cannot.
        """
        ...

    async def worker_is_dead(self, worker_id: str) -> bool:
        """True when no process holds that worker's lock. Raises StoreUnavailable, ValueError."""
        ...


def checked(args: Sequence[Value]) -> Sequence[Value]:
    """`args` again, when both engines keep them alike.

    SQLite would coerce, keep NUL characters and count True as 1 where PostgreSQL refuses: here both refuse.
    Raises StatementRefused.
    """
    for value in args:
        if isinstance(value, str):
            if "\x00" in value:
                raise StatementRefused("an argument contains a NUL character")
        elif value is None:
            continue
        elif isinstance(value, bool) or not isinstance(value, int):
            raise StatementRefused(f"an argument of type {type(value).__name__}; tables hold text and bigint")
        elif not -_BIGINT <= value < _BIGINT:
            raise StatementRefused("an argument does not fit a bigint")
    return args
