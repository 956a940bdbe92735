"""An agency as it really is: it acts or not, says so or not, late or twice, and its ledger is the only truth.

The ledger is what the judge counts. It is kept by the world, not by the city, so no crash of ours touches it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import orjson

from simulation.around import Call, World

PAGE = b"<html><body>Session expired</body></html>"


@dataclass
class Effect:
    """One thing the agency did. `copy`: it did it again by itself; `theirs`: somebody else had asked for it."""

    number: str
    ref: str
    wish: str
    subject: str
    at: float
    seen_from: float
    copy: bool = False
    cancelled: bool = False
    pending_until: float = 0.0
    refused: bool = False
    regresses: bool = False


@dataclass
class Temper:
    """How this agency behaves in this seed: weights of its faults, and the facts it really keeps to."""

    mix: dict[str, float]
    apply_delay_s: float
    query_lag_s: float
    key_ttl_s: float
    pushes: float = 0.0
    lies: float = 0.0
    copies: float = 0.0
    misses: float = 0.0
    flaps: float = 0.0
    """How often a search is answered with a page or an error."""
    elsewhere: float = 0.0
    """How often a citizen has applied at the counter before."""
    decides: float = 0.0
    regresses: float = 0.0
    slow: float = 0.0
    down: list[tuple[float, float, str]] = field(default_factory=list)
    search_down: list[tuple[float, float, str]] = field(default_factory=list)


class Agency:
    """One agency of one class."""

    def __init__(self, world: World, name: str, temper: Temper, random: Random) -> None:
        self.world, self.name, self.temper, self.random = world, name, temper, random
        self.cls = name
        self.ledger: list[Effect] = []
        self.arrivals: dict[str, int] = {}
        self.keys: dict[str, tuple[float, str]] = {}
        self.promised: set[str] = set()
        """References it will act on later."""
        self.told_twice: set[str] = set()
        """References for which a look was answered with more than one record."""
        self.hidden: set[str] = set()
        self.peace = False

    def remember(self, subject: str) -> None:
        """Perhaps this citizen has applied here already, without us."""
        if self.cls == "unique" and self.random.random() < self.temper.elsewhere:
            self._file("COUNTER", "counter", subject)

    # what arrives

    def receive(self, call: Call) -> None:
        mode = self._mode(self.temper.down)
        if mode == "hang":
            return
        if mode == "maintenance":
            call.reply(503, PAGE, "text/html")
            return
        said = orjson.loads(call.body) if call.body else {}
        if call.method == "POST" and call.path == "/requests":
            self._submit(call, said)
        elif call.method == "POST":
            self._cancel(call, call.path.split("/")[2])
        elif call.path == "/requests":
            self._find(call)
        else:
            self._track(call, call.path.split("/")[2])

    def refuses(self) -> bool:
        """Whether nobody even takes the connection."""
        return self._mode(self.temper.down) == "refused"

    def _mode(self, periods: list[tuple[float, float, str]]) -> str:
        now = self.world.now()
        return next((mode for start, end, mode in periods if start <= now < end), "") if not self.peace else ""

    def _fault(self) -> str:
        if self.peace:
            return "well"
        names, weights = zip(*self.temper.mix.items(), strict=True)
        return str(self.random.choices(names, weights)[0])

    # writes

    def _submit(self, call: Call, said: dict[str, str]) -> None:
        ref = said["extRef"]
        self.arrivals[ref] = self.arrivals.get(ref, 0) + 1
        fault = self._fault()
        self.world.note("arrives", self.name, ref[-6:], fault)
        if fault in {"reset_before", "hang_before", "shed_503", "shed_429", "page_before"}:
            self._unacted(call, said, fault)
            return
        if fault == "refuse" and self._known(said) is None and ref not in self.promised:
            call.reply(422, b'{"error":"BAD"}')
            return
        if fault.startswith("late"):
            self.promised.add(ref)
            delay = self.temper.apply_delay_s * (0.3 + 0.7 * self.random.random())
            self.world.later(delay, lambda: self._late(said))
            if fault == "late_reset":
                call.reset()
            return
        effect = self._act(said)
        self._answer(call, effect, said, fault)

    def _unacted(self, call: Call, said: dict[str, str], fault: str) -> None:
        match fault:
            case "reset_before":
                call.reset()
            case "shed_503":
                call.reply(503, b'{"message":"busy"}')
            case "shed_429":
                call.reply(429, b'{"message":"slow down"}')
            case "page_before":
                call.reply(200, PAGE, "text/html")
        if self.cls in {"keyed", "queryable"} and self.random.random() < self.temper.lies:
            # The front office thanks for what the back office never got.
            self._push(said["extRef"], "N-LOST-" + said["extRef"][-6:], "ok", self.random.random() * 3)

    def _answer(self, call: Call, effect: Effect | None, said: dict[str, str], fault: str) -> None:
        if effect is None:
            known = self._known(said)
            number = known.number if known else ""
            call.reply(409, orjson.dumps({"error": "EXISTS", "requestNo": number}))
            return
        match fault:
            case "act_hang":
                return
            case "act_500":
                call.reply(500, b'{"message":"oops"}')
            case "act_503":
                call.reply(503, b'{"message":"busy"}')
            case "act_reset":
                call.reset()
            case "act_page":
                call.reply(200, PAGE, "text/html")
            case "act_torn":
                call.reply(200, b'{"requestNo": "R')
            case _:
                slow = 20.0 * self.random.random() if self.random.random() < self.temper.slow else 0.0
                call.reply(200, self._row(effect), after_s=slow)

    def _late(self, said: dict[str, str]) -> None:
        self._act(said)
        self.promised.discard(said["extRef"])

    def _known(self, said: dict[str, str]) -> Effect | None:
        """The record this request would be another copy of, as far as this class of agency can tell."""
        match self.cls:
            case "idempotent":
                return self._by(lambda effect: effect.ref == said["extRef"])
            case "keyed":
                at, number = self.keys.get(said["extRef"], (0.0, ""))
                alive = number and self.world.now() < at + self.temper.key_ttl_s
                return self._by(lambda effect: effect.number == number) if alive else None
            case "unique":
                return self._by(lambda effect: effect.subject == said["subject"])
            case _:
                return None

    def _by(self, matches: Callable[[Effect], bool]) -> Effect | None:
        return next((effect for effect in self.ledger if matches(effect) and not effect.refused), None)

    def _act(self, said: dict[str, str]) -> Effect | None:
        """What it holds now for this request; None when it refuses to hold it twice."""
        known = self._known(said)
        if known is not None:
            return None if self.cls == "unique" else known
        effect = self._file(said["extRef"], said["wish"], said["subject"])
        if self.cls == "keyed":
            self.keys[effect.ref] = (self.world.now(), effect.number)
        if self.cls in {"queryable", "opaque"} and self.random.random() < self.temper.copies and not self.peace:
            self._file(effect.ref, effect.wish, effect.subject).copy = True
        if not effect.pending_until and self.random.random() < self.temper.pushes:
            for _ in range(self.random.choice((1, 1, 2, 3))):
                self._push(effect.ref, effect.number, "ok", self.random.random() * 6 * self.random.random())
        return effect

    def _file(self, ref: str, wish: str, subject: str) -> Effect:
        now = self.world.now()
        effect = Effect(
            number=f"{self.name[0].upper()}{len(self.ledger) + 1:04d}",
            ref=ref,
            wish=wish,
            subject=subject,
            at=now,
            seen_from=now + self.temper.query_lag_s * self.random.random(),
            regresses=self.random.random() < self.temper.regresses,
        )
        if self.random.random() < self.temper.decides and not self.peace:
            effect.pending_until = now + 5 + 60 * self.random.random()
            refused = self.random.random() < 0.3
            self.world.later(effect.pending_until - now, lambda: self._decide(effect, refused=refused))
        self.ledger.append(effect)
        self.world.note("acts", self.name, ref[-6:], effect.number)
        return effect

    def _decide(self, effect: Effect, *, refused: bool) -> None:
        effect.pending_until = 0.0
        effect.refused = refused
        if self.random.random() < self.temper.pushes:
            self._push(effect.ref, effect.number, "no" if refused else "ok", self.random.random())

    def _cancel(self, call: Call, number: str) -> None:
        effect = self._by(lambda one: one.number == number)
        fault = self._fault()
        if effect is None:
            call.reply(404, b'{"error":"GONE"}')
        elif fault in {"reset_before", "late_reset"}:
            call.reset()
        elif fault in {"hang_before", "late_hang"}:
            pass
        else:
            effect.cancelled = True
            self._answer(call, effect, {"extRef": effect.ref, "subject": effect.subject}, fault)

    # reads

    def _find(self, call: Call) -> None:
        mode = self._mode(self.temper.search_down)
        if not mode and not self.peace and self.random.random() < self.temper.flaps:
            mode = self.random.choice(("page", "error"))
        if mode == "page":
            call.reply(200, PAGE, "text/html")
        elif mode == "error":
            call.reply(500, b'{"message":"search"}')
        elif mode == "empty":
            call.reply(200, b'{"rows":[]}')
        else:
            self._found(call, call.query.get("extRef", ""), call.query.get("subject", ""))

    def _found(self, call: Call, ref: str, subject: str) -> None:
        now = self.world.now()
        mine = [effect for effect in self.ledger if effect.ref == ref or (subject and effect.subject == subject)]
        seen = [effect for effect in mine if effect.seen_from <= now]
        if seen and ref not in self.hidden and not self.peace and self.random.random() < self.temper.misses:
            # An index being rebuilt hides a record once; the next look sees it.
            self.hidden.add(ref)
            seen = []
        if len(seen) > 1:
            call.told = lambda: self._two(ref)
        call.reply(200, b'{"rows":[' + b",".join(self._row(effect) for effect in seen) + b"]}")

    def _two(self, ref: str) -> None:
        if self.world.doubted(self.name, ref):
            self.told_twice.add(ref)

    def _track(self, call: Call, number: str) -> None:
        effect = next((one for one in self.ledger if one.number == number), None)
        if effect is None:
            call.reply(404, b'{"error":"GONE"}')
            return
        age = self.world.now() - effect.at
        word = "RCVD" if age < 20 else "WORK" if age < 60 else "DONE"
        if effect.regresses and age > 90:
            word = "WORK"
        call.reply(200, orjson.dumps({"requestNo": number, "status": word}))

    def _row(self, effect: Effect) -> bytes:
        word = "REFUSED" if effect.refused else "QUEUED" if effect.pending_until else "RCVD"
        return orjson.dumps(
            {"requestNo": effect.number, "extRef": effect.ref, "status": word, "subject": effect.subject}
        )

    def _push(self, ref: str, number: str, verdict: str, after_s: float) -> None:
        event = f"ev-{ref[-8:]}-{number}-{verdict}"
        body = orjson.dumps({"extRef": ref, "requestNo": number, "verdict": verdict, "event": event})
        sig = "bad" if self.random.random() < 0.1 else "good"
        self.world.later(after_s, lambda: self.world.push(self.name, body, sig))
