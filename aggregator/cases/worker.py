"""Who is writing: a process with a lock for life, an epoch of its own, and a last look before each write.

The lock tells *late* from *dead*; a lease cannot: a stopped process keeps its lock, a killed one loses it. At boot
and while running, every SENDING row of a worker whose lock is free becomes IN_DOUBT, never READY.
Source: docs/outcomes.md section 8.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from aggregator.cases import ledger
from aggregator.cases.lifecycle import State
from aggregator.cases.settle import doubt
from aggregator.feed import events
from aggregator.registry.agency import Registry
from aggregator.sdk.adapter import Declared
from aggregator.sdk.clock import Chance, Clock, epoch_ms, new_id
from aggregator.sdk.waypoints import passing
from aggregator.store import Run, Store


def _open(_agency: str) -> bool:
    return False


@dataclass(slots=True)
class Worker:
    """The process that writes, as the journal knows it. `fenced` once it may no longer write to agencies."""

    id: str
    epoch: int
    fenced: bool = False
    sending: set[str] = field(default_factory=set)
    """Operations a task of this process is attempting now."""
    shut_to: Callable[[str], bool] = _open
    """Whether a quarantine keeps this process from sending to an agency."""
    quarantine_id: int = 0
    """The last quarantine there ever was, as far as this process has heard."""


async def boot(store: Store, clock: Clock, chance: Chance) -> Worker:
    """Takes the lock for life and commits the next epoch."""
    worker_id = new_id("wrk", clock, chance)
    await store.claim_worker(worker_id)
    passing("boot_after_lock")

    async def next_epoch(run: Run) -> int:
        rows = await run(
            "insert into setting (name, value) values ('epoch', '1') on conflict (name) do update"
            " set value = cast(cast(setting.value as bigint) + 1 as text) returning value"
        )
        epoch = int(rows[0]["value"])
        await run(
            "insert into worker (id, epoch, started_ms) values ($1, $2, $3)", worker_id, epoch, epoch_ms(clock.now())
        )
        return epoch

    epoch = await store.write(next_epoch)
    passing("boot_after_epoch")
    return Worker(worker_id, epoch)


async def sweep(store: Store, registry: Registry, me: Worker, clock: Clock) -> int:
    """Puts what dead workers left SENDING in doubt; how many rows. A living zombie's rows are not touched.

    A row of our own that no task of ours holds any more (its task ended by a fault) is such a row too.
    """
    rows = await store.read("select id, worker from operation where state = 'SENDING'")
    dead: dict[str, bool] = {me.id: False}
    swept = 0
    for row in rows:
        worker = row["worker"]
        if worker not in dead:
            dead[worker] = await store.worker_is_dead(worker)
        if dead[worker] or (worker == me.id and row["id"] not in me.sending):
            await _in_doubt(store, registry, row["id"], clock)
            passing("boot_inside_sweep")
            swept += 1
    return swept


async def _in_doubt(store: Store, registry: Registry, operation_id: str, clock: Clock) -> None:
    async def put(run: Run) -> None:
        at = clock.now()
        op = await ledger.operation(run, operation_id)
        if op is None or op.state is not State.SENDING:
            return
        declared = declared_of(registry, op.agency, op.name)
        ended_ms = epoch_ms(at) + round(declared.wire_linger_s * 1000)
        # Its trail died with it: the attempt may have been sent.
        mark = ledger.Mark(sends=op.sends + 1, ended_ms=ended_ms, first_sent_ms=op.first_sent_ms or epoch_ms(at))
        counted = replace(op, sends=op.sends + 1)
        moved = await ledger.move(run, op, doubt(counted, declared, ended_ms), at, mark)
        await events.append(run, moved.events)

    await store.write(put)


def declared_of(registry: Registry, agency: str, name: str) -> Declared:
    """The facts of an operation; of one whose agency left the registry, those of an opaque one."""
    known = registry.agencies.get(agency)
    return known.operations[name] if known and name in known.operations else Declared(name=name)
