"""One seed, from the first citizen to the last explanation.

The world decides when processes die, freeze and come back; agencies and the network have their own tempers. After
`peace_at` nothing breaks any more, and everything has to come to an end that can be explained.
"""

import gc
from collections.abc import Callable
from contextvars import Context
from random import Random
from typing import Any

from aggregator.cases.watchdog import unexplained
from aggregator.citizens.vault import Vault
from aggregator.sdk import waypoints
from aggregator.sdk.auth import Signer
from aggregator.sdk.callback import Callback
from simulation.agency import Agency
from simulation.disk import Disk, Platter
from simulation.judge import Judge
from simulation.knobs import Knobs, facts_of, knobs_of, services_of
from simulation.loop import OWNER, Owner, VirtualLoop, abroad, spawn
from simulation.portal import Portal
from simulation.process import BEGIN, Process, SimChance, SimClock
from simulation.seed_outcome import Outcome

KEY = bytes(range(32))


SIGNER = Signer.generate()


MOST_CRASHES = 12


LONGEST_DRAIN_S = 4 * 86_400.0


_BEGIN_MS = round(BEGIN.timestamp() * 1000)


_OPEN = (
    "select 1 from operation where state not in ('CONFIRMED', 'REJECTED', 'EXPIRED', 'CANCELLED', 'NEEDS_HUMAN')"
    " union all select 1 from operation where state = 'CONFIRMED' and withdraw = 1"
    " union all select 1 from inbox where state = 'NEW' limit 1"
)


class City:
    """Everything of one seed."""

    def __init__(self, knobs: Knobs, platter: Platter) -> None:
        self.knobs = knobs
        self.random = Random(f"city {knobs.seed}")
        self.trace: list[str] = []
        self.wall_jump_s = 0.0
        self.crashes = 0
        self.loop = VirtualLoop(lambda scan: self.disk.next_due(scan))  # noqa: PLW0108 - there is no disk yet
        self.disk = Disk(platter, self.loop, Random(f"disk {knobs.seed}"), self.virtual)
        self.disk.full = knobs.disk_full
        self.disk.committed = self._committed if knobs.freeze else self.disk.committed
        self._begun = self.frozen = 0
        self.judge = Judge(self)
        self.vault = Vault(KEY, chance=SimChance(Random(f"vault {knobs.seed}")))
        self.signer = SIGNER
        self.facts, self.services = facts_of(knobs), services_of(knobs)
        self.agencies = {
            name: Agency(self, name, temper, Random(f"{name} {knobs.seed}")) for name, temper in knobs.tempers.items()
        }
        waypoints.watch = self._passed
        self.owners: list[Owner] = []
        self.processes: dict[str, Process] = {}

    # the surroundings of agencies

    def now(self) -> float:
        return self.loop.now

    def later(self, delay_s: float, do: Callable[[], None]) -> None:
        abroad(self.loop, do, delay=delay_s)

    def note(self, *what: Any) -> None:
        self.trace.append(f"{self.loop.now:.3f} {' '.join(map(str, what))}")

    def doubted(self, agency: str, ref: str) -> bool:
        """Whether the operation with this reference is being looked for now."""
        query = "select state from operation where agency = ? and reference = ?"
        row = self.disk.connection.execute(query, (agency, ref)).fetchone()
        return row is not None and row["state"] in {"IN_DOUBT", "ABSENT_ONCE"}

    def push(self, agency: str, body: bytes, sig: str) -> None:
        """A callback knocks at the door; unanswered, it comes again."""
        process = self.anybody()
        if process is not None:
            task = spawn(self.loop, process.owner, self._receive(process, agency, body, sig))
            answered = {"yes": False}
            task.add_done_callback(lambda done: answered.update(yes=done.exception() is None))
            abroad(self.loop, lambda: None if answered["yes"] else self.push(agency, body, sig), delay=10.0)
        else:
            abroad(self.loop, self.push, agency, body, sig, delay=5.0)

    async def _receive(self, process: Process, agency: str, body: bytes, sig: str) -> None:
        callback = Callback("done", {"x-sig": sig}, body, SimClock(self).now())
        await process.inbox.receive(agency, callback)

    # time and chance

    def virtual(self, ms: int) -> float:
        return (ms - _BEGIN_MS) / 1000 - self.wall_jump_s

    def chance(self, part: float) -> bool:
        return part > 0.0 and self.loop.now < self.knobs.peace_at and self.random.random() < part

    def outside(self, do: Callable[[], None]) -> Callable[[], None]:
        """`do`, in nobody's context."""
        return lambda: Context().run(do)

    # life and death

    def start(self, name: str) -> None:
        process = self.processes[name] = Process(self, name)
        self.owners.append(process.owner)
        self.note("boots", name)
        knobs, owner = self.knobs, process.owner
        if self.chance(knobs.crash) and self.crashes < MOST_CRASHES:
            self._after(owner, 1 + int(self.random.expovariate(1 / knobs.crash_steps)), lambda: self.crash(name))
        elif self.chance(knobs.terminate):
            abroad(self.loop, self._terminate, process, delay=self.random.random() * 60.0)

    def _after(self, owner: Owner, steps: int, do: Callable[[], Any]) -> None:
        """Does it just before that many more steps of the process are over."""
        at = owner.steps + steps

        def step() -> None:
            if owner.steps >= at:
                owner.step = None
                do()

        owner.step = step

    def crash(self, name: str) -> None:
        """SIGKILL."""
        process = self.processes[name]
        if process.owner.dead or self.loop.now >= self.knobs.peace_at:
            return
        self._died(process)
        self.crashes += 1
        self.note("crashes", name, process.owner.steps)

    def _died(self, process: Process) -> None:
        owner = process.owner
        owner.dead, owner.died_at, process.up = True, self.loop.now, False
        away = self.random.choice((0.1, 2.0, 2.0, 20.0)) * (0.5 + self.random.random())
        abroad(self.loop, self.start, owner.name, delay=away)

    def _terminate(self, process: Process) -> None:
        """SIGTERM."""
        if process.up and not process.owner.dead:
            self.note("terminates", process.owner.name)
            task = spawn(self.loop, process.owner, process.stop())
            died = self.outside(lambda: self._died(process))
            task.add_done_callback(lambda _: died())

    def freeze(self, owner: Owner, *, drop_locks: bool) -> float:
        """SIGSTOP, and SIGCONT after the returned seconds. `drop_locks`: its session at the database ends meanwhile."""
        lease = self.knobs.lease_s
        seconds = lease + 1.0 + self.random.random() * 200.0
        owner.frozen = True
        self.frozen += 1
        self.note("freezes", owner.name, f"{seconds:.1f}")
        if drop_locks:
            abroad(self.loop, self.disk.drop_locks, owner, delay=lease + 0.5)
        abroad(self.loop, self._thaw, owner, delay=seconds)
        return seconds

    def _thaw(self, owner: Owner) -> None:
        if owner.dead:
            return
        self.note("thaws", owner.name)
        if self.chance(self.knobs.die_after_thaw):
            self._after(owner, 1 + self.random.randrange(40), lambda: self.crash(owner.name))
        if owner.step_again is not None and not owner.step_again.done():
            owner.step_again.set_result(None)
        self.loop.thaw(owner)

    def _passed(self, point: str) -> None:
        """The process of this moment is at a named point of a write."""
        owner = OWNER.get()
        if point == "after_t2" and owner is not None:
            self.stop_perhaps(owner)

    def _committed(self, owner: Owner) -> None:
        """A commit is on disk; was it the beginning of an attempt?"""
        begun = self.disk.connection.execute("select count(*) from attempt").fetchone()[0]
        if begun > self._begun:
            self._begun = begun
            self.stop_perhaps(owner)

    async def thawed(self, owner: Owner) -> None:
        """Until the process goes on, and then before its timers: it was stopped in the middle of a step."""
        owner.step_again = self.loop.create_future()
        await owner.step_again

    def stop_perhaps(self, owner: Owner) -> bool:
        """One of the moments at which a stopped process does most harm."""
        enough = self.knobs.profile == "fenced" and self.frozen
        if not owner.frozen and not enough and self.chance(self.knobs.freeze):
            self.freeze(owner, drop_locks=True)
            return True
        return False

    def anybody(self) -> Process | None:
        serving = [one for one in self.processes.values() if one.up and not one.owner.dead]
        return self.random.choice(serving) if serving else None

    # the whole story

    def live(self) -> None:
        """Runs the seed to its end."""
        self.portal = Portal(self)
        for count in range(self.knobs.workers):
            self.start(f"worker{count}")
        abroad(self.loop, self._peace, delay=self.knobs.peace_at)
        self.loop.run(self._quiet, self.knobs.peace_at + LONGEST_DRAIN_S)
        self._watchdog()
        self.judge.conclude()

    def _peace(self) -> None:
        self.note("peace")
        self.disk.full = 0.0
        for agency in self.agencies.values():
            agency.peace = True
        abroad(self.loop, self._stop_polling, delay=600.0)

    def _stop_polling(self) -> None:
        """The last days of a seed are for doubts that take long; polling thousands of times proves nothing more."""
        self.disk.connection.execute("update leg set poll_due_ms = null")
        self.disk.commits += 1
        abroad(self.loop, self._stop_polling, delay=600.0)

    def _quiet(self) -> bool:
        if self.loop.now <= self.knobs.peace_at + self.knobs.apply_delay_s or not self.portal.content:
            return False
        if not any(one.up and not one.owner.dead for one in self.processes.values()):
            return False  # it is booting just now
        if any(owner.frozen and not owner.dead for owner in self.owners):
            return False
        if any(agency.promised for agency in self.agencies.values()):
            return False
        if any(one.pending_until for agency in self.agencies.values() for one in agency.ledger):
            return False
        return self.disk.connection.execute(_OPEN).fetchone() is None

    def _watchdog(self) -> None:
        """The product's own watchdog must have nothing to say."""
        process = self.anybody()
        if process is None:
            self.judge.fault("nobody serves at the end")
            return
        task = spawn(self.loop, process.owner, unexplained(process.store, SimClock(self)))
        self.loop.run(task.done, self.loop.now + 60.0)
        if not task.done() or task.result():
            self.judge.fault(f"unexplained: {task.result() if task.done() else 'nobody says'}")


_PLATTERS: list[Platter] = []


def live(seed: int, profile: str = "") -> Outcome:
    """The seed's outcome."""
    if not _PLATTERS:
        _PLATTERS.append(Platter())
        gc.freeze()  # what was imported lives to the end: nobody looks through it for rubbish again
    gc.disable()
    city = City(knobs_of(seed, profile), _PLATTERS[0])
    try:
        city.live()
    finally:
        city.loop.bury(city.owners)
    doubts = city.disk.connection.execute("select count(*) from event where type = 'operation.in-doubt'").fetchone()[0]
    steps = sum(owner.steps for owner in city.owners)
    city.note("end", steps)
    if seed % 25 == 0:
        gc.collect()
    return Outcome(
        seed=seed,
        profile=city.knobs.profile,
        wrong=list(city.judge.wrong),
        trace=city.trace,
        hours=city.loop.now / 3600,
        steps=steps,
        crashes=city.crashes,
        effects=city.judge.effects,
        doubts=doubts,
    )
