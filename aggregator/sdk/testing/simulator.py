r"""A simulated agency is a dialect over one shared machine: the machine owns sockets, faults, clock and ledger.

Whoever writes a driver writes its simulator as a `Dialect`: how requests read, what the agency then does, how it
says no, and how its documents look. Everything a hostile network does to those documents is done here, once, for
every agency. To build one:

    class Sewa(Dialect):
        driver = "sewa"
        not_applicable = {"*": frozenset({"107", "401"}), "slots": frozenset({"105"})}

        def read(self, arrived: Arrived) -> Call | Answer:
            asked = json.loads(arrived.body)                  # an Answer ends it here: no row, no fault
            return Call(
                operation="submit", write=True, our_ref=asked["clientRef"], natural_key=asked["clientRef"],
                magic=magic(r"900000(\d{4})", asked["mobile"]), counted_by=asked["clientRef"], args=asked,
            )

        def act(self, call: Call, fault: str) -> Done:        # synchronous; state goes to self.world.table(...)
            number = f"99-{self.world.number('arn'):010d}"
            self.world.table("applications")[number] = {"ref": call.our_ref, "at": self.world.now().isoformat()}
            return Done({"arn": number, "message": "Saved"}, acted=True, agency_ref=number)

        def refuse(self, call: Call, fault: str) -> Any:      # 101 to 106 and 108; None behaves as 000
            return {"error": "PSP-101: closed"}

        def bend(self, call: Call, document: Any, fault: str) -> Any:   # 206 to 209, 703 to 706: the content
            return {**document, "extra": "1"} if fault == "207" else document

    if __name__ == "__main__":
        run(lambda world, _options: Sewa(world))              # aggregator.sdk.testing.serve.run

`act` for a read sees content faults (100, 800 ...) and leaves `acted` False. Every search asks
`self.world.findable(ref)` (808, 809). `act` sees 810 (accept it twice) and 811 (one number for two citizens).

The driver's folder also holds `sandbox.toml`: how the shared conformance suite talks to this simulator.

    [settings.options]              # what registry.toml would say; the url is the simulator's
    [settings.secrets]
    [orders.submit]                 # one per operation; `{fault}` becomes 0FFF, `{ref}` our reference, in any string
    service = "fresh"
    agency_reference = ""
    form = { mobile = "900000{fault}" }
    [before]                        # recorded answers of what comes first, by end of path: a login, an archive
    "/user/login" = { token = "T" } # a table is JSON, a text names a file beside sandbox.toml
    [before_of.departures]          # the same for one operation alone
    [deviations]                    # operation.code, `*` for all: what the shared table cannot know, with its reason
    "track.104" = { expect = "absent", why = "a wrong birth date and an unknown number give one answer" }
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.clock import Chance, Clock, SeededChance
from aggregator.sdk.testing.callbacks import Outbox
from aggregator.sdk.testing.faults import Fault
from aggregator.sdk.testing.ledger import Book, Shelf

LAG_KIND = "_hidden"
META_KIND = "_meta"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it came: header names in lower case, `query` undecoded.

    `together`: requests in hand whose client still waits.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    caller: str = ""
    together: int = 1
    query: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the agency understands it.

    `magic`: `0FFF` or `1FFF` from the identifier (see `magic`), empty for an ordinary one. `counted_by`: what
    `once` is counted by: our reference for a write, the identifier asked for in a read. `natural_key`: what may
    exist once. `turned_away`: the door's answer to a request that is understood and not let in (too many at once);
    a write then leaves a row with `acted` 0.
    """

    operation: str
    write: bool
    our_ref: str = ""
    natural_key: str = ""
    magic: str = ""
    counted_by: str = ""
    args: Any = None
    turned_away: "Answer | None" = None


@dataclass(frozen=True, slots=True)
class Done:
    """`document` is the dialect's own; `acted` says whether the world changed (a repeat under a key did not)."""

    document: Any
    acted: bool = False
    agency_ref: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer whose body is ready."""

    body: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the driver declares of this operation, as far as the simulator must keep or break it. Seconds."""

    max_apply_delay_s: float = 120.0
    query_lag_s: float = 10.0


def request_sha256(query: str, body: bytes, volatile_fields: Iterable[str] = ()) -> str:
    """The hash of what a request says: its body, or its query for a GET that writes.

    `volatile_fields`: elements, by tag as written, that are new in every send and so say nothing.
    """
    for tag in volatile_fields:
        name = re.escape(tag.encode())
        body = re.sub(rb"<%b[\s>].*?</%b>" % (name, name), b"", body, flags=re.DOTALL)
    return hashlib.sha256(body or query.encode()).hexdigest()


def magic(pattern: str, text: str) -> str:
    """The four digits that `pattern`'s group finds in the whole of `text`, if they are a magic identifier's."""
    found = re.fullmatch(pattern, text)
    return found[1] if found is not None and found[1][0] in "01" else ""


class SettableClock:
    """The simulator's time: the machine's, plus what POST /clock added."""

    def __init__(self, inner: Clock, offset_s: float = 0.0) -> None:
        self._inner = inner
        self.offset_s = offset_s
        self.pinned: datetime | None = None
        """While something is done that was due earlier, the time it was due."""

    def monotonic(self) -> float:
        return self._inner.monotonic()

    def now(self) -> datetime:
        return self.pinned or self._inner.now() + timedelta(seconds=self.offset_s)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)

    def set(self, to: datetime) -> None:
        self.offset_s = (to - self._inner.now()).total_seconds()


class World:
    """What a dialect may know and keep: time, chance by identifier, numbers, and tables that survive `kill -9`."""

    def __init__(self, book: Book, clock: SettableClock, seed: int) -> None:
        self._book = book
        self.clock = clock
        self.seed = seed
        self.outbox = Outbox()

    def now(self) -> datetime:
        """UTC, aware, the simulator's."""
        return self.clock.now()

    def table(self, kind: str) -> Shelf:
        """A durable dictionary of JSON values, in the order of first writing."""
        return self._book.shelf(kind)

    def number(self, name: str) -> int:
        """1, 2, 3 ... per name, never given twice."""
        numbers = self.table("_numbers")
        numbers[name] = numbers.get(name, 0) + 1
        return int(numbers[name])

    def chance(self, identifier: str) -> Chance:
        """The same identifier meets the same chances under the same seed."""
        digest = hashlib.sha256(f"{self.seed}:{identifier}".encode()).digest()
        return SeededChance(int.from_bytes(digest[:8], "big"))

    def hide(self, ref: str, seconds: float) -> None:
        """Searches do not find `ref` for so long."""
        self.table(LAG_KIND)[ref] = (self.now() + timedelta(seconds=seconds)).isoformat()

    def break_search(self, seconds: float = 600.0) -> None:
        """Every search finds nothing for so long, not even the control record."""
        self.table(META_KIND)["search"] = (self.now() + timedelta(seconds=seconds)).isoformat()

    @property
    def search_works(self) -> bool:
        return self._past(self.table(META_KIND).get("search"))

    def findable(self, ref: str) -> bool:
        """Whether a search may show the record that carries `ref`."""
        return self.search_works and self._past(self.table(LAG_KIND).get(ref))

    def _past(self, moment: str | None) -> bool:
        return moment is None or self.now() >= datetime.fromisoformat(moment)


class Dialect:
    """What differs from agency to agency. `read` and `act` must be given; the rest has defaults."""

    driver = ""
    content_type = "application/json; charset=utf-8"
    not_applicable: Mapping[str, frozenset[str]] = {}
    """Per operation, `*` for all: codes without meaning here; they behave as 000 and /health lists them."""
    own_faults: Mapping[str, Fault] = {}
    """Faults of this agency alone, by code; the shared menu's rules hold for them too."""
    volatile_fields: tuple[str, ...] = ()
    """Elements of a request that are made anew for every send, as the driver declares them (`request_sha256`)."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def speaks_xml(self) -> bool:
        return "xml" in self.content_type

    def started(self) -> None:
        """Puts control records in place; called on an empty world, at the start and after /reset."""

    def read(self, arrived: Arrived) -> Call | Answer:
        """What is asked; an Answer for what the agency's door cannot even read."""
        raise NotImplementedError

    def act(self, call: Call, fault: str) -> Done:
        """Does it. `fault` is a code that concerns the content, or one it may ignore. No waiting in here."""
        raise NotImplementedError

    def refuse(self, call: Call, fault: str) -> Any:  # noqa: ARG002 - a hook takes what its overriders need
        """The document that says no (101 to 106, 108); None where the operation has no such no."""
        return None

    def bend(self, call: Call, document: Any, fault: str) -> Any:  # noqa: ARG002
        """The document with its content spoilt: 206, 207, 208, 209, 811; `words_for(fault)` for 703 to 706."""
        return document

    def text(self, document: Any) -> str:
        """The document as characters, before any encoding."""
        return json.dumps(document, ensure_ascii=False)

    def dress(self, call: Call, document: Any, fault: str) -> Answer | None:  # noqa: ARG002
        """A whole answer for dialects with inner layers (encrypted strings); None for the shared way."""
        return None

    def page(self, call: Call, fault: str) -> Answer | None:  # noqa: ARG002
        """The agency's own page for a fault of way PAGE; None for the shared one (`pages`)."""
        return None

    def bounds(self, operation: str) -> Bounds:  # noqa: ARG002
        return Bounds()

    def advance(self, ref: str, to: str) -> bool:  # noqa: ARG002
        """POST /advance: puts a record into a state of the agency; False for a record it does not know."""
        return False

    def announced(self) -> Mapping[str, Any]:
        """What else the JSON line at the start tells (the files of keys made in the data folder)."""
        return {}

    def callback_faults(self, rules: list[Mapping[str, Any]]) -> None:
        """The lines of PUT /faults with `"phase": "callback"`; they replace the earlier ones."""

    def applies(self, operation: str, fault: str) -> bool:
        return fault not in self.not_applicable.get("*", ()) and fault not in self.not_applicable.get(operation, ())
