"""The counter of the house: where a case is opened, looked at, waited for and withdrawn.

Number first: case, leg, operation, events and the idempotency row are one commit, and only after it may anybody
answer. What an agency does next never changes that answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.cases import attachments, opening
from aggregator.cases.act import Wish, act, done, possible, waits
from aggregator.cases.ask_leg import NotAskable, Question, ask_leg
from aggregator.cases.attempt import Desktop
from aggregator.cases.deliver import Delivery
from aggregator.cases.followed import Followed, Followers
from aggregator.cases.keys import Key, KeyReused, KeyRunning, Keys, StoredAnswer, spend
from aggregator.cases.listing import listing
from aggregator.cases.opening import AgencyNotOffered, FormInvalid, NewCase, NotForCases, UnknownService
from aggregator.cases.operation import Operation
from aggregator.cases.receipt import receipt_claims
from aggregator.cases.record import CaseRecord, EventRecord, LegRecord, event_of, load
from aggregator.cases.settle import DOUBT_TEXTS
from aggregator.cases.sums import Summary
from aggregator.cases.takeout import Takeout
from aggregator.cases.withdraw import ActionNotPossible
from aggregator.citizens.documents import Owner
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Agency, Registry
from aggregator.resilience.pipeline import Answer
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.status import Status
from aggregator.sdk.waypoints import passing
from aggregator.store import Conflict, Run, Value

__all__ = [
    "ActionNotPossible",
    "AgencyNotOffered",
    "Desk",
    "Followed",
    "FormInvalid",
    "Key",
    "KeyReused",
    "KeyRunning",
    "NewCase",
    "NotAskable",
    "NotForCases",
    "Opened",
    "Question",
    "StoredAnswer",
    "UnknownCase",
    "UnknownService",
    "Wish",
]


@dataclass(frozen=True, slots=True)
class Opened:
    """A case, new or known; `answer` is set when this key was answered before."""

    record: CaseRecord
    answer: StoredAnswer | None


class UnknownCase(LookupError):
    """The portal has no such case."""


class Desk:
    """Use cases of one city. Everything is asked for in the name of a portal and shows only its own cases."""

    def __init__(
        self, desk: Desktop, registry: Callable[[], Registry], stream: Stream, delivery: Delivery, signer: Signer
    ) -> None:
        self._desk = desk
        self._registry = registry
        self._stream = stream
        self._delivery = delivery
        self._signer = signer
        self._keys = Keys(desk.store, desk.vault, desk.clock)
        self.sums = Summary(desk.store).of
        self.taken_along = Takeout(desk, signer).cases
        self.followed = Followers(desk.store, desk.vault, desk.clock).case

    async def open(self, new: NewCase, key: Key) -> Opened:
        """Accepts a case durably, or finds what the same key was given before.

        Raises UnknownService, NotForCases, AgencyNotOffered, FormInvalid, KeyReused, KeyRunning, StoreUnavailable.
        """
        known = await self._known(key)
        if known is not None:
            return known
        plan = await opening.plan(self._desk, self._registry(), new)
        await self._papers(plan)
        passing("before_t1")
        try:
            await self._desk.store.write(lambda run: opening.write(run, self._desk, plan, key))
        except Conflict:
            # The same key from another request, or (once in 10^15) the same number: the store knows which.
            raced = await self._known(key)
            return raced if raced is not None else await self.open(new, key)
        passing("after_t1")
        self._delivery.start(plan.operation)
        self._stream.wake(plan.case_id)
        return Opened(await self._one("id = $1", plan.case_id), None)

    async def _papers(self, plan: opening.Plan) -> None:
        """Raises FormInvalid for documents the form names and the case may not take along."""
        agency, new = self._registry().agencies[plan.operation.agency], plan.new
        errors = await attachments.wrong(
            self._desk, plan.service, agency, new.form, Owner(new.portal_id, new.citizen_id)
        )
        if errors:
            raise FormInvalid(errors)

    async def answered(self, key: Key, answer: StoredAnswer) -> None:
        """Keeps the answer the first caller is about to get; what was kept before stays."""
        await self._keys.answered(key, answer)

    async def _known(self, key: Key) -> Opened | None:
        spent = await self._keys.spent(key)
        return None if spent is None else Opened(await self._one("id = $1", spent.case_id), spent.answer)

    async def _own(self, case_id: str, portal_id: str) -> CaseRecord:
        record = await self.case(case_id, portal_id=portal_id)
        if record is None:
            raise UnknownCase
        return record

    async def _one(self, where: str, *args: str) -> CaseRecord:
        return (await self._load(where, *args))[0]

    async def _load(self, where: str, *args: Value) -> list[CaseRecord]:
        return await load(self._desk.store, self._desk.vault, self._desk.clock.now(), where, *args)

    async def case(self, case_id: str, *, portal_id: str) -> CaseRecord | None:
        """The portal's case; None alike for another's and for none."""
        found = await self._load("id = $1 and portal_id = $2", case_id, portal_id)
        return found[0] if found else None

    async def cases(  # noqa: PLR0913 - the filters of the resource
        self,
        *,
        portal_id: str,
        citizen_ids: Sequence[str] | None = None,
        status: str | None = None,
        kind: str | None = None,
        service_id: str | None = None,
        updated_since: datetime | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[CaseRecord]:
        """The portal's cases, newest first, after the case `after`; of one citizen where ids are given."""
        since_ms = None if updated_since is None else epoch_ms(updated_since)
        filters = {"status": status, "kind": kind, "service_id": service_id}
        where, values = listing(portal_id, citizen_ids, filters, since_ms, after, limit)
        return await self._load(where, *values)

    async def by_number(self, number: str) -> CaseRecord | None:
        """The case with this tracking number, 16 digits."""
        found = await self._load("number = $1", number)
        return found[0] if found else None

    async def history(self, case_id: str, *, portal_id: str, after_seq: int = 0, limit: int = 200) -> list[EventRecord]:
        """The case's timeline after an event number; empty where `case` would be None."""
        if await self.case(case_id, portal_id=portal_id) is None:
            return []
        rows = await self._desk.store.read(
            "select id, seq, agency, at_ms, body from event where case_id = $1 and seq > $2 order by seq limit $3",
            case_id,
            after_seq,
            limit,
        )
        return [event_of(row) for row in rows]

    async def version(self, case_id: str, *, portal_id: str) -> int | None:
        """The portal's case's version, by one indexed read; None where `case` would be None."""
        rows = await self._desk.store.read(
            "select version from cases where id = $1 and portal_id = $2", case_id, portal_id, inline=True
        )
        return rows[0]["version"] if rows else None

    async def settled(self, case_id: str, timeout_s: float) -> CaseRecord:
        """The case as soon as an agency has spoken, or nothing more will come within seconds; else after `timeout_s`.

        A doubt is looked into after a minute and more, so nobody is kept waiting for it; only where the same request
        is sent again at once (keyed operations) may its answer still come.
        """
        return await self._when(case_id, timeout_s, _spoken)

    async def carried_out(self, case_id: str, action: str, timeout_s: float) -> CaseRecord:
        """The case as soon as the last such wish has ended, or cannot within seconds; else after `timeout_s`."""
        return await self._when(case_id, timeout_s, lambda record: not waits(record, action))

    async def _when(self, case_id: str, timeout_s: float, enough: Callable[[CaseRecord], bool]) -> CaseRecord:
        deadline = self._desk.clock.monotonic() + timeout_s
        while True:
            record = await self._one("id = $1", case_id)
            left = deadline - self._desk.clock.monotonic()
            if enough(record) or left <= 0:
                return record
            await self._stream.changed(min(left, 1.0), case_id)

    async def changed(self, case_id: str, version: int, timeout_s: float) -> CaseRecord | None:
        """The case once its version is another than `version`; None when the time is over first."""
        deadline = self._desk.clock.monotonic() + timeout_s
        while True:
            record = await self._one("id = $1", case_id)
            if record.version != version:
                return record
            left = deadline - self._desk.clock.monotonic()
            if left <= 0:
                return None
            await self._stream.changed(min(left, 1.0), case_id)

    async def receipt(self, case_id: str, *, portal_id: str) -> str:
        """The signed receipt: a JWS, verifiable offline with the published keys. Raises UnknownCase."""
        record = await self._own(case_id, portal_id)
        return self._signer.sign(await receipt_claims(self._desk.store, self._desk.vault, record))

    async def withdraw(self, case_id: str, *, portal_id: str) -> CaseRecord:
        """Takes the application back as far as that is possible now. Raises UnknownCase, ActionNotPossible."""
        return await self.act(case_id, "WITHDRAW", {}, portal_id=portal_id)

    def actions(self, record: CaseRecord) -> list[str]:
        """What can be asked for in this case now."""
        return possible(self._registry(), record)

    async def act(self, case_id: str, action: str, form: Mapping[str, Any], *, portal_id: str) -> CaseRecord:
        """Asks for one thing more without a key, and leaves it to the scan to begin with it.

        Raises UnknownCase, ActionNotPossible; KeyError for no action of ours.
        """
        record = await self._own(case_id, portal_id)
        await act(self._desk, self._registry(), record, Wish(action, form))
        return await self._begun(case_id, None)

    async def ask(self, case_id: str, wish: Wish, key: Key) -> Opened:
        """Asks the agency for one thing more once per key, or finds what the same key was answered before.

        A withdrawal of what is withdrawn changes nothing and is no error.
        Raises UnknownCase, ActionNotPossible, KeyReused, KeyRunning, StoreUnavailable; KeyError for no action of ours.
        """
        known = await self._known(key)
        if known is not None:
            return known
        record = await self._own(case_id, key.portal_id)

        async def spending(run: Run) -> None:
            await spend(run, key, case_id, epoch_ms(self._desk.clock.now()))

        asked: Operation | None = None
        try:
            if wish.action == "WITHDRAW" and done(record, wish.action):
                await self._desk.store.write(spending)
            else:
                asked = await act(self._desk, self._registry(), record, wish, spending)
        except Conflict:
            raced = await self._known(key)
            if raced is None:
                raise
            return raced
        return Opened(await self._begun(case_id, asked), None)

    async def ask_leg(self, leg: LegRecord, agency: Agency, question: Question) -> Answer:
        """What the agency of a leg (`ask_leg.asked_leg`) answers live. Raises AgencyError, NotAttempted."""
        return await ask_leg(self._desk, leg, agency, question)

    async def _begun(self, case_id: str, asked: Operation | None) -> CaseRecord:
        """Whoever delivers and whoever waits hears of it; the case as it is now."""
        if asked is not None:
            self._delivery.start(asked)
        else:
            self._delivery.nudge()
        self._stream.wake(case_id)
        return await self._one("id = $1", case_id)


def _spoken(record: CaseRecord) -> bool:
    if record.settled or record.status is Status.HELD:
        return True
    return (
        record.status is Status.UNCONFIRMED and record.text_key in DOUBT_TEXTS and record.reason_code != "asking_again"
    )
