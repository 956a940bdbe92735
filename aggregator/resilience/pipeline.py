"""Everything between the city and a driver: the stages of docs/architecture.md section 4, in that order, in one place.

    metrics > cache > deadline > bulkhead > retry > breaker > attempt's timeout > driver

`read` is for safe operations and runs through all of it. `attempt` is for writes: one attempt, no cache, never
repeated, and its end is an outcome, not an exception. A cancellation passes through both without a verdict.
Why the order is this one, and what each number costs when it is wrong: docs/resilience.md.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from aggregator.resilience.breaker import CLOSED, OPEN, Breaker, BreakerChange
from aggregator.resilience.bulkhead import Bulkhead
from aggregator.resilience.cache import STAND_IN_FOR, Answers, cache_key
from aggregator.resilience.call import Call, functions_of
from aggregator.resilience.deadline import Deadline
from aggregator.resilience.health import AgencyHealth, Record
from aggregator.resilience.outcome import Outcome, ended_by, outcome_of
from aggregator.resilience.policy import Policy
from aggregator.resilience.rate import Rate
from aggregator.resilience.retry import RETRYABLE, Retry
from aggregator.resilience.share import Share
from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.clock import Chance, Clock
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import AgencyError, CircuitOpen, ContractBroken, DeadlinePassed, NotAttempted, Unavailable
from aggregator.sdk.model import Order
from aggregator.sdk.wire import TRAIL, Trail, WireError

HALTED_LOOK_AGAIN_S = 60.0
"""When to ask again about an agency an operator has switched off: nobody knows, so seldom."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a safe operation returned. `as_of` is when the agency said it, UTC; `why_stale` an error class's name."""

    value: Any
    as_of: datetime
    stale: bool
    why_stale: str = ""


class Meter(Protocol):
    """Where counts go. `outcome` is `ok` or the name of an error class; no label ever holds a path or an identifier."""

    def called(self, agency: str, operation: str, outcome: str, seconds: float) -> None: ...

    def gauge(self, name: str, agency: str, value: float) -> None: ...


class NullMeter:
    def called(self, agency: str, operation: str, outcome: str, seconds: float) -> None: ...

    def gauge(self, name: str, agency: str, value: float) -> None: ...


class Guarded:
    """A driver behind its agency's policy. Made for one event loop; `close` ends what runs in the background."""

    def __init__(  # noqa: PLR0913 - these are the parts of a guarded agency
        self,
        agency_id: str,
        driver: object,
        operations: Mapping[str, Declared],
        policy: Policy,
        *,
        clock: Clock,
        chance: Chance,
        meter: Meter,
        on_breaker: Callable[[BreakerChange], None] | None = None,
        leave: Mapping[str, frozenset[str]] | None = None,
        part: Share | None = None,
    ) -> None:
        """`leave`: operation -> the offers needing the citizen's consent in the order; `part`: of the agency's rate."""
        self.agency_id, self.driver, self.operations, self.policy = agency_id, driver, operations, policy
        self._clock, self._meter, self._on_breaker = clock, meter, on_breaker
        self._functions = functions_of(driver, operations, leave or {})
        self.rate = rate = Rate(policy, clock, part, agency_id)
        self._bulkhead = Bulkhead(policy, rate, clock)
        self._retry = Retry(policy, rate, clock=clock, chance=chance)
        self._breakers = {
            str(cls): Breaker(f"{agency_id}/{cls}", policy, clock=clock, chance=chance, on_change=self._turned)
            for cls in sorted({declared.cls for declared in operations.values()})
        }
        self._answers = {
            name: Answers(declared, clock) for name, declared in operations.items() if declared.cls is Class.SAFE
        }
        self._record = Record(clock)
        self._halts: dict[str, str] = {}

    async def read(  # noqa: PLR0913 - a read has this many ways to be asked for
        self,
        operation: str,
        order: Order,
        *,
        deadline_s: float | None = None,
        person: str = "",
        cached: bool = True,
        share: str = "interactive",
    ) -> Answer:
        """What the agency says now, or said last while it is away.

        `cached=False` asks the agency itself and takes no stand-in: looks that settle a doubt need that.
        Raises AgencyError or NotAttempted; LookupError for an operation that is not declared safe.
        """
        answers = self._answers[operation]
        deadline = Deadline(self._clock, self.policy.deadline_s if deadline_s is None else deadline_s)
        if not cached:
            self._turn_away(operation)
            value = await self._asked(self._call(operation, order, deadline, share, None))
            return Answer(value, self._clock.now(), stale=False)
        key = cache_key(self.agency_id, operation, person, order)
        if entry := answers.fresh(key):
            self._meter.called(self.agency_id, operation, "cached", 0.0)
            return Answer(entry.value, entry.as_of, stale=False)
        try:
            entry = await self._joined(answers, key, self._call(operation, order, deadline, share, None))
        except STAND_IN_FOR as away:
            if last := answers.last_good(key):
                return Answer(last.value, last.as_of, stale=True, why_stale=type(away).__name__)
            raise
        return Answer(entry.value, entry.as_of, stale=False)

    async def attempt(
        self, operation: str, order: Order, trail: Trail, *, deadline_s: float | None = None, share: str = "interactive"
    ) -> Outcome:
        """What one attempt at a write proved. Never repeats; raises nothing but cancellation.

        `trail` is the attempt's own; the wire writes on it. Without `deadline_s` the operation's own timeout is the
        patience: a write cut short by ours would only be one more doubt.
        """
        declared = self.operations[operation]
        patience_s = declared.timeout_s + self.policy.max_wait_s if deadline_s is None else deadline_s
        call = self._call(operation, order, Deadline(self._clock, patience_s), share, trail)
        return outcome_of(await self._ended(call), trail, declared)

    def admits_in_s(self, operation: str, share: str = "interactive") -> float:
        """0.0 when a call would be let through now, else seconds until it makes sense."""
        kept = self.keeps_back(operation, share)
        return kept[0] if kept is not None else 0.0

    def keeps_back(self, operation: str, share: str = "interactive") -> tuple[float, str] | None:
        """Why a call should not even be tried now, and in how many seconds it makes sense; None when it may.

        A wait for a turn that a call would sit out by itself (up to `max_wait_s`) is no reason.
        """
        patience_s = self.policy.max_wait_s
        reasons = (
            (HALTED_LOOK_AGAIN_S if self._halts else 0.0, "paused", 0.0),
            (self._breaker(operation).retry_after_s(), "circuit_open", 0.0),
            (patience_s if self._bulkhead.full else 0.0, "saturated", 0.0),
            (self._bulkhead.rate.wait_s(share), "throttled", patience_s),
        )
        return next(((wait_s, why) for wait_s, why, free_s in reasons if wait_s > free_s), None)

    def room(self, operation: str, share: str = "interactive") -> int:
        """How many calls could begin at once now; people who wait in the queue go first."""
        bulkhead, breaker = self._bulkhead, self._breaker(operation)
        places = self.policy.max_concurrency - bulkhead.talking - bulkhead.waiting
        trials = places if breaker.state == CLOSED else self.policy.breaker_trials - breaker.trials_in
        return max(0, min(places, trials, bulkhead.rate.room(share)))

    def halt(self, why: str, who: str = "registry") -> None:
        """The kill switch: holds from before the next send, also for calls under way and their repeats.

        `who` halts and resumes for themselves: an operator's word is not lifted by a reload, nor the other way round.
        """
        self._halts[who] = why

    def resume(self, who: str = "registry") -> None:
        self._halts.pop(who, None)

    @property
    def halted(self) -> bool:
        return bool(self._halts)

    def health(self) -> AgencyHealth:
        bulkhead = self._bulkhead
        return self._record.health(self._breakers, in_flight=bulkhead.talking, waiting=bulkhead.waiting)

    async def close(self) -> None:
        """Ends the loads that run for nobody in particular."""
        for answers in self._answers.values():
            await answers.close()

    def _turn_away(self, operation: str) -> None:
        """Raises CircuitOpen before anything is made for the call: turning away is the cheapest thing we do."""
        breaker = self._breaker(operation)
        if breaker.state != CLOSED and (wait_s := breaker.retry_after_s()) > 0.0:
            self._meter.called(self.agency_id, operation, "CircuitOpen", 0.0)
            raise CircuitOpen(breaker.name, wait_s)

    def _breaker(self, operation: str) -> Breaker:
        return self._breakers[self.operations[operation].cls]

    def _call(self, operation: str, order: Order, deadline: Deadline, share: str, trail: Trail | None) -> Call:
        call = Call(operation, order, deadline, share, trail)
        call.declared = self.operations[operation]
        call.breaker = self._breakers[call.declared.cls]
        call.function = self._functions[operation]
        return call

    async def _joined(self, answers: Answers, key: Any, call: Call) -> Any:
        """The entry of the shared load, waited for no longer than this caller's own deadline (CT-4)."""
        self._turn_away(call.operation)
        left_s = call.deadline.left_s()
        call.deadline = Deadline(self._clock, self.policy.deadline_s)
        try:
            return await answers.join(key, left_s, partial(self._asked, call))
        except TimeoutError:
            raise Unavailable("no answer within the caller's deadline; the agency is still being asked") from None

    async def _asked(self, call: Call) -> Any:
        """The value of a safe operation. Raises AgencyError or NotAttempted, whatever the driver did."""
        got = await self._ended(call)
        if isinstance(got, AgencyError | NotAttempted):
            raise got
        if isinstance(got, Exception):
            raise ContractBroken(f"the driver raised {type(got).__name__}") from got
        if got is None and call.operation != "probe":
            raise ContractBroken("the driver returned nothing")
        return got

    async def _ended(self, call: Call) -> Any:
        """What the driver returned or the exception that ended the call, counted and timed."""
        began = self._clock.monotonic()
        declared, trail = CURRENT.set(call.declared), TRAIL.set(call.trail)
        error: Exception | None = None
        got: Any = None
        try:
            got = await self._placed(call)
        except Exception as exc:  # noqa: BLE001 - "Unknown: also everything nobody thought of"; the one such place
            got = error = exc
        finally:
            TRAIL.reset(trail)
            CURRENT.reset(declared)
        now = self._clock.monotonic()
        seconds = now - began
        if call.attempts:
            self._record.note(now, seconds, error)
        self._meter.called(self.agency_id, call.operation, type(error).__name__ if error else "ok", seconds)
        return got

    async def _placed(self, call: Call) -> Any:
        """In one of the agency's places; safe operations may be repeated from there."""
        call.breaker.check()  # who would be turned away does not queue first
        if not self._bulkhead.enter_now(call.share):
            await self._bulkhead.queue(call.share, call.deadline, call.breaker.name)
        try:
            if call.trail is not None:
                return await self._once(call)
            self._retry.budget.called()
            try:
                return await self._once(call)
            except RETRYABLE as failure:
                return await self._retry.after(failure, partial(self._once, call), call.deadline, call.share)
        finally:
            self._bulkhead.leave()

    async def _once(self, call: Call) -> Any:
        """One attempt: the breaker's leave, the attempt's time, the driver."""
        if self._halts:
            raise NotAttempted(f"switched off: {next(iter(self._halts.values()))}", HALTED_LOOK_AGAIN_S)
        left_s = call.deadline.left_s()
        if left_s <= 0.0:
            raise DeadlinePassed("the deadline passed before the call")
        with call.breaker.guard() as guard:
            call.attempts += 1
            try:
                async with asyncio.timeout(min(left_s, call.declared.timeout_s)) as timer:
                    return await call.function(call.order)
            except (TimeoutError, WireError) as end:
                if timer.expired():
                    guard.excused = self._clock.monotonic() - guard.began < self._fair_s(call)
                short = left_s < call.declared.timeout_s
                raise ended_by(end, call.trail, ours=timer.expired(), short=short) from end

    def _fair_s(self, call: Call) -> float:
        """How long an agency must have been silent before a cut by its caller's patience is held against it.

        Half the deadline, because a last attempt gets only what the earlier ones left.
        """
        return min(call.declared.timeout_s, self.policy.slow_call_s, self.policy.deadline_s / 2) * 0.99

    def _turned(self, change: BreakerChange) -> None:
        if change.after == OPEN:
            self._bulkhead.expel(change.name, partial(CircuitOpen, change.name, change.retry_after_s))
        away = sum(breaker.state != CLOSED for breaker in self._breakers.values())
        self._meter.gauge("circuits_open", self.agency_id, away)
        if self._on_breaker:
            self._on_breaker(change)
