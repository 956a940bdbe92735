"""One request through a simulated agency: understand, choose a fault, act or not, put it on record, answer.

The order is the point: the ledger row and the changed state are on the disk before any byte of an answer, and
before any other request can be told of the effect.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.testing.faults import MENU, NORMAL, Chooser, Fault, Way
from aggregator.sdk.testing.ledger import Book, Row
from aggregator.sdk.testing.pages import clothed, page
from aggregator.sdk.testing.simulator import META_KIND, Answer, Arrived, Call, Dialect, Done, World, request_sha256

_LATE_KIND = "_late"
_LIE_S = 60.0
"""How much later than declared a lying agency (807) acts."""
_UNANSWERED = frozenset({Way.RESET, Way.SILENT, Way.CLOSE, Way.LATE})


@dataclass(slots=True)
class Calls:
    """What GET /calls tells. `statuses`: an HTTP code, or the way in which no code was sent."""

    operations: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    together: int = 0
    peak: int = 0
    elsewhere: int = 0

    def enter(self) -> None:
        self.together += 1
        self.peak = max(self.peak, self.together)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What to send, and how."""

    answer: Answer
    way: Way


class Exchange:
    """The agency behind the door, without its sockets."""

    def __init__(self, dialect: Dialect, world: World, book: Book) -> None:
        self.dialect = dialect
        self.world = world
        self.book = book
        self.calls = Calls()
        self.elsewhere_url = ""
        self.menu: Mapping[str, Fault] = {**MENU, **dialect.own_faults}
        self.faults = Chooser(
            world.seed, book.shelf("_once"), lambda op, code: not dialect.applies(op, code), self.menu
        )

    async def open(self) -> None:
        """Puts control records into an empty world."""
        meta = self.world.table(META_KIND)
        if "started" not in meta:
            meta["started"] = True
            self.dialect.started()
            await self.book.settled()

    async def reset(self) -> None:
        """Empty ledger and state, the machine's time, no faults."""
        await self.book.reset()
        self.world.clock.offset_s = 0.0
        self.calls = Calls(together=self.calls.together)
        self.faults.replace([])
        self.dialect.callback_faults([])
        self.world.outbox.clear()
        await self.open()

    async def react(self, arrived: Arrived) -> Reaction:
        """Everything up to the first byte of the answer."""
        await self.act_on_late()
        understood = self.dialect.read(arrived)
        if isinstance(understood, Answer):
            self.calls.operations["-"] += 1
            return self._counted(understood, Way.ANSWER)
        call = understood
        self.calls.operations[call.operation] += 1
        if call.turned_away is not None:
            if call.write:
                await self._record(call, arrived, Done(None), "", self.world.now())
            return self._counted(call.turned_away, Way.ANSWER)
        fault = self.faults.choose(call.operation, write=call.write, magic=call.magic, counted_by=call.counted_by)
        reaction = await (self._write(call, arrived, fault) if call.write else self._read(call, fault))
        await self.book.settled()
        return reaction

    async def act_on_late(self) -> None:
        """Does what 806 and 807 promised, each at its own time and in order."""
        waiting = self.world.table(_LATE_KIND)
        due = [key for key, job in waiting.items() if datetime.fromisoformat(job["due"]) <= self.world.now()]
        for key in sorted(due, key=lambda key: str(waiting[key]["due"])):
            if key in waiting:  # another request may have done it while this one waited for the disk
                await self._act_late(waiting.pop(key))

    async def _act_late(self, job: Mapping[str, Any]) -> None:
        body, query = job["body"].encode("latin-1"), job["query"]
        arrived = Arrived(job["method"], job["path"], job["headers"], body, query=query)
        due = datetime.fromisoformat(job["due"])
        self.world.clock.pinned = due
        try:
            call = self.dialect.read(arrived)
            done = self.dialect.act(call, NORMAL.code) if isinstance(call, Call) else None
        finally:
            self.world.clock.pinned = None
        if isinstance(call, Call) and done is not None:
            await self._record(call, arrived, done, job["fault"], due)

    async def _write(self, call: Call, arrived: Arrived, fault: Fault) -> Reaction:
        refusal = self.dialect.refuse(call, fault.code) if fault.way is Way.REFUSAL else None
        if fault.way is Way.REFUSAL and refusal is None:
            fault = NORMAL
        done = Done(refusal)
        if fault.acts:
            done = self.dialect.act(call, fault.code)
        if fault.way is Way.LATE:
            self._postpone(call, arrived, fault)
        elif fault.code == "808":
            self.world.hide(call.our_ref, self.dialect.bounds(call.operation).query_lag_s)
        elif fault.code == "809":
            self.world.break_search()
        await self._record(call, arrived, done, fault.code, self.world.now())
        return self._reaction(call, done.document, fault)

    async def _read(self, call: Call, fault: Fault) -> Reaction:
        if fault.code in {"808", "809"}:
            return self._absent(call, fault)
        document = self.dialect.refuse(call, fault.code) if fault.way is Way.REFUSAL else None
        if document is None:
            fault = NORMAL if fault.way is Way.REFUSAL else fault
            document = self.dialect.act(call, fault.code).document
        return self._reaction(call, document, fault)

    def _absent(self, call: Call, fault: Fault) -> Reaction:
        """808: absent until the lag after the first look is over. 809: absent, as everything is."""
        if fault.code == "809":
            self.world.break_search()
        first = self.world.table("_first_seen")
        seen = first.setdefault(call.counted_by, self.world.now().isoformat())
        lag = timedelta(seconds=self.dialect.bounds(call.operation).query_lag_s)
        document = None
        if fault.code == "809" or self.world.now() < datetime.fromisoformat(seen) + lag:
            document = self.dialect.refuse(call, "101")
        if document is None:
            document = self.dialect.act(call, NORMAL.code).document
        return self._reaction(call, document, NORMAL)

    def _postpone(self, call: Call, arrived: Arrived, fault: Fault) -> None:
        delay_s = self.dialect.bounds(call.operation).max_apply_delay_s
        delay_s += _LIE_S if fault.code == "807" else -1.0
        self.world.table(_LATE_KIND)[f"{self.world.number('late')}"] = {
            "due": (self.world.now() + timedelta(seconds=delay_s)).isoformat(),
            "method": arrived.method,
            "path": arrived.path,
            "headers": dict(arrived.headers),
            "body": arrived.body.decode("latin-1"),
            "query": arrived.query,
            "fault": fault.code,
        }

    async def _record(self, call: Call, arrived: Arrived, done: Done, fault: str, at: datetime) -> None:
        await self.book.write(
            Row(
                at=at.isoformat(),
                operation=call.operation,
                our_ref=call.our_ref,
                natural_key=call.natural_key,
                acted=int(done.acted),
                fault=fault,
                request_sha256=request_sha256(arrived.query, arrived.body, self.dialect.volatile_fields),
                agency_ref=done.agency_ref,
            )
        )

    def _reaction(self, call: Call, document: Any, fault: Fault) -> Reaction:
        if fault.way is Way.PAGE:
            xml = self.dialect.speaks_xml
            own = self.dialect.page(call, fault.code)
            return self._counted(own or page(fault.code, xml=xml, elsewhere=self.elsewhere_url), fault.way)
        if fault.way in _UNANSWERED:
            return self._counted(Answer(b"", self.dialect.content_type), fault.way)
        bent = self.dialect.bend(call, document, fault.code)
        answer = self.dialect.dress(call, bent, fault.code)
        if answer is None:
            text = self.dialect.text(bent)
            answer = clothed(text, self.dialect.content_type, fault.code, xml=self.dialect.speaks_xml)
        return self._counted(answer, fault.way)

    def _counted(self, answer: Answer, way: Way) -> Reaction:
        told = way in {Way.ANSWER, Way.REFUSAL, Way.PAGE, Way.SLOW}
        self.calls.statuses[str(answer.status) if told else way.value] += 1
        return Reaction(answer, way)

    async def keep_time(self) -> None:
        """Late acts happen although nobody calls. Ends by cancellation."""
        while True:
            await asyncio.sleep(0.2)
            await self.act_on_late()


def menu_without(dialect: Dialect) -> dict[str, list[str]]:
    """For /health: what is on the menu and has no meaning here, by operation."""
    return {name: sorted(codes) for name, codes in dialect.not_applicable.items()}
