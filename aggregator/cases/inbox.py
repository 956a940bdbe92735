"""What agencies push to us: verified, stored durably, answered, and only then believed as far as it can be checked.

A callback is a hint. Where the operation can be looked up it is looked up before anything final; where it cannot, a
verified notice that carries our own reference is evidence, and anything less waits for a person.
Source: docs/outcomes.md section 10.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson

from aggregator.cases import ledger
from aggregator.cases.attempt import Desktop
from aggregator.cases.dossier import CALLBACK, NewEvidence, keep
from aggregator.cases.echo import ECHO, echo_mark
from aggregator.cases.lifecycle import LOOKED_AT, TERMINAL, State
from aggregator.cases.mailbox import Post
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.cases.orders import order_of
from aggregator.cases.orphans import before_people
from aggregator.cases.settle import Step, another_may_act
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Agency, Registry
from aggregator.sdk.adapter import MONEY
from aggregator.sdk.callback import Ack, Callback, Notice, Notifies, Unverified
from aggregator.sdk.clock import epoch_ms, from_ms, new_id
from aggregator.sdk.waypoints import passing
from aggregator.store import Conflict, Run, StoreUnavailable

SCAN_S = 0.5
BATCH = 50
BODY_CAP = 262_144
RETRY_MS = 2_000
TIDIED_AT_ONCE = 500  # nobody waits long for a write beside it
_OVER = (
    "delete from inbox where id in (select id from inbox where state in ('DONE', 'REFUSED') and received_ms < $1"
    " order by received_ms limit $2) returning path_sealed"
)
KEPT_MS = 7 * 86_400_000
"""How long a callback is kept once it is done with; orphans stay until somebody has placed them."""
CLOSED = TERMINAL - {State.CONFIRMED}
DONE, NEW, ORPHAN, REFUSED = "DONE", "NEW", "ORPHAN", "REFUSED"
ALTERED = "another body under a known event id"
WAITING_MOST = 2_000
"""Callbacks of one agency that are stored and not yet worked through; beyond it the agency is asked to come back."""


class Flooded(Exception):
    """An agency pushes faster than its pushes are worked through; nothing was stored."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("flooded")
        self.retry_after_s = retry_after_s


class NoSuchAgency(LookupError):
    """Nobody of this name pushes to us."""


class Inbox:
    """The inbox of this process: `receive` for the door, `run` for what follows."""

    def __init__(self, desk: Desktop, registry: Callable[[], Registry], stream: Stream, post: Post) -> None:
        self._desk = desk
        self._registry = registry
        self._stream = stream
        self._post = post

    async def receive(self, agency_id: str, callback: Callback) -> Ack:
        """How the agency is answered; what it pushed is durable by then.

        Raises NoSuchAgency, Flooded, StoreUnavailable.
        """
        agency = self._registry().agencies.get(agency_id)
        driver = agency.guarded.driver if agency is not None else None
        if agency is None or not isinstance(driver, Notifies):
            raise NoSuchAgency(agency_id)
        await self._not_flooded(agency.id)
        try:
            notice = driver.notified(callback)
        except Unverified as no:
            await self._keep(agency, callback, Notice(ack=no.ack, event_id="refused:" + _sha256(callback)), no.why)
            return no.ack
        await self._keep(agency, callback, notice, "")
        self._post.deliver(agency.id, notice)
        return notice.ack

    async def _keep(self, agency: Agency, callback: Callback, notice: Notice, refused: str) -> None:
        desk = self._desk
        row_id = new_id("inb", desk.clock, desk.chance)
        at = callback.received_at
        told = (
            [NewEvent(type="callback.refused", at=at, agency=agency.id, data={"why": refused[:80]})] if refused else []
        )

        key = notice.event_id or _sha256(callback)
        owner = await desk.vault.key_for("")  # whose case it is, if anybody's, is found out later

        async def put(run: Run) -> None:
            known = await run("select body_sha256 from inbox where agency = $1 and event_key = $2", agency.id, key)
            if known and known[0]["body_sha256"] == _sha256(callback):
                return  # the same event again: counted once
            if known:
                told.append(NewEvent(type="callback.altered", at=at, agency=agency.id))
            await run(
                "insert into inbox (id, agency, event_key, received_ms, state, why, path_sealed, headers_sealed,"
                " body_sealed, body_sha256, reference, agency_reference, awaited, operation_id, tries, next_ms)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', 0, $4)",
                row_id,
                agency.id,
                f"{key}#{_sha256(callback)}"[:400] if known else key,
                epoch_ms(at),
                REFUSED if refused or known else NEW,
                (refused or (ALTERED if known else echo_mark(notice.echo)))[:200],
                self._seal(callback.path.encode(), owner, row_id, "path_sealed"),
                self._seal(orjson.dumps(dict(callback.headers)), owner, row_id, "headers_sealed"),
                self._seal(callback.body[:BODY_CAP], owner, row_id, "body_sealed"),
                _sha256(callback),
                notice.reference,
                notice.agency_reference,
                notice.awaited,
            )
            await events.append(run, told)

        passing("before_the_inbox_commit")
        with suppress(Conflict):  # the same event twice at one moment, or an altered one again
            await desk.store.write(put)
        passing("after_the_inbox_commit")

    async def _not_flooded(self, agency: str) -> None:
        """Raises Flooded when too much of this agency's waits; other agencies' pushes are no reason."""
        rows = await self._desk.store.read(
            "select count(*) as n from (select id from inbox where agency = $1"
            " and state in ('NEW', 'ORPHAN') and state = 'NEW' limit $2) as waiting",
            agency,
            WAITING_MOST,
        )
        if rows[0]["n"] >= WAITING_MOST:
            raise Flooded(max(1.0, WAITING_MOST / BATCH * SCAN_S))

    def _seal(self, content: bytes, owner: str, row: str, column: str) -> str:
        return self._desk.vault.seal(content, owner=owner, table="inbox", row=row, column=column)

    async def run(self) -> None:
        """Works through what came until cancelled; a store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable):
                await self.work()
            await self._desk.clock.sleep(SCAN_S)

    async def tidy(self) -> None:
        """Forgets what has had its effect or its week (the log keeps that it came); shows people old orphans."""
        await before_people(self._desk)
        before_ms = epoch_ms(self._desk.clock.now()) - KEPT_MS
        while gone := await self._desk.store.write(lambda run: run(_OVER, before_ms, TIDIED_AT_ONCE)):
            self._desk.vault.forget(self._desk.vault.named(row["path_sealed"]) for row in gone)

    async def work(self) -> int:
        """Places what is due; how many were looked at."""
        rows = await self._desk.store.read(
            "select * from inbox where state in ('NEW', 'ORPHAN') and next_ms <= $1 order by received_ms, id limit $2",
            epoch_ms(self._desk.clock.now()),
            BATCH,
        )
        for row in rows:
            await self._place(row)
        return len(rows)

    async def _place(self, row: Any) -> None:
        agency = self._registry().agencies.get(row["agency"])
        op = await self._operation(row)
        if agency is None or op is None:
            await self._later(row, orphan=not row["awaited"])
        elif await self._our_own(op, row):
            await self._desk.store.write(lambda run: self._echo(run, op, row))
        elif op.state is State.SENDING:
            await self._later(row, orphan=False)
        else:
            passing("before_the_merge")
            await self._desk.store.write(lambda run: self._merge(run, agency, op, row))
            passing("after_the_merge")
            self._stream.wake(op.case_id)

    async def _operation(self, row: Any) -> Operation | None:
        for column, value in (("reference", row["reference"]), ("agency_reference", row["agency_reference"])):
            if value:
                found = await self._desk.store.read(
                    f"select {COLUMNS} from operation where agency = $1 and {column} = $2 and {column} <> ''"  # noqa: S608 - constants
                    " order by created_ms limit 1",
                    row["agency"],
                    value,
                )
                if found:
                    return operation_of(found[0])
        return None

    async def _our_own(self, op: Operation, row: Any) -> bool:
        """Whether this is what we wrote, coming back: two systems that tell each other everything never stop."""
        if not row["why"].startswith(ECHO):
            return False
        order = await order_of(self._desk.store, self._desk.vault, op)
        names = row["why"].split(":")[1].split(",")
        return bool(row["why"] == echo_mark({name: str(order.form.get(name, "")) for name in names}))

    async def _echo(self, run: Run, op: Operation, row: Any) -> None:
        await run("update inbox set state = $1, operation_id = $2 where id = $3", DONE, op.id, row["id"])
        told = NewEvent(type="callback.echo", at=self._desk.clock.now(), case_id=op.case_id, agency=op.agency)
        await events.append(run, [told])

    async def _later(self, row: Any, *, orphan: bool) -> None:
        """Not placed yet: it may have overtaken the answer that tells us the number."""
        now_ms = epoch_ms(self._desk.clock.now())
        waits_ms = min(RETRY_MS * 2 ** min(row["tries"], 10), 600_000)
        state = ORPHAN if orphan and row["tries"] > 0 else row["state"]
        if row["awaited"] and row["tries"] > 2:
            state = DONE
        await self._desk.store.write(
            lambda run: run(
                "update inbox set state = $1, tries = tries + 1, next_ms = $2 where id = $3",
                state,
                now_ms + waits_ms,
                row["id"],
            )
        )

    async def _merge(self, run: Run, agency: Agency, op: Operation, row: Any) -> None:
        """The hint takes effect: an open operation is looked up, or settled by the evidence; its leg is polled."""
        at = self._desk.clock.now()
        fresh = await ledger.operation(run, op.id) or op
        told = [NewEvent(type="callback.received", at=at, case_id=op.case_id, agency=op.agency)]
        if fresh.state in LOOKED_AT or fresh.state is State.PENDING:
            told += await self._settle(run, agency, fresh, row)
        elif fresh.state is State.NEEDS_HUMAN:
            told += await self._for_a_person(run, agency, fresh, row)
        elif fresh.state in CLOSED and "find" in agency.operations:
            # Something moves although we closed it: a look says whether it was done after all.
            await run("update operation set audit_due_ms = $1 where id = $2", epoch_ms(at), op.id)
        await run("update leg set poll_due_ms = $1 where id = $2 and agency_reference <> ''", epoch_ms(at), op.leg_id)
        await run("update inbox set state = $1, operation_id = $2 where id = $3", DONE, op.id, row["id"])
        await events.append(run, told)

    async def _settle(self, run: Run, agency: Agency, op: Operation, row: Any) -> list[NewEvent]:
        at = self._desk.clock.now()
        if "find" in agency.operations:
            look = Step(op.state, op.reason_code, op.citizen_text_key, epoch_ms(at), op.owner, op.doubtful)
            return (await ledger.move(run, op, look, at)).events
        if row["reference"] != op.reference:
            return []
        return await self._by_evidence(run, agency, op, row)

    async def _for_a_person(self, run: Run, agency: Agency, op: Operation, row: Any) -> list[NewEvent]:
        """It is evidence for whoever decides; a doubt about no money is settled by it, under our own reference."""
        callback = self._again(row)
        fact = NewEvidence(
            item=op.id, source=CALLBACK, kind="callback", agency_reference=row["agency_reference"], body=callback.body
        )
        await keep(run, self._desk.vault, self._desk.clock, self._desk.chance, fact)
        money = op.name in MONEY
        sure = row["reference"] == op.reference and op.doubtful and op.reason_code != "conflict"
        return await self._by_evidence(run, agency, op, row) if sure and not money else []

    async def _by_evidence(self, run: Run, agency: Agency, op: Operation, row: Any) -> list[NewEvent]:
        """No look-up exists: a verified notice with our own reference settles it."""
        at = self._desk.clock.now()
        driver = agency.guarded.driver
        assert isinstance(driver, Notifies)  # noqa: S101 - it was when the callback was kept
        notice = driver.notified(self._again(row))
        if notice.refused is not None:
            if another_may_act(op, agency.operations[op.name], epoch_ms(at)):
                return []  # the one was refused; the other one may still be carried out
            step = Step(State.REJECTED, notice.refused.reason, "state.rejected", epoch_ms(at))
            return (await ledger.move(run, op, step, at)).events
        receipt = notice.receipt
        if receipt is None or receipt.pending:
            return []
        reference = ledger.claimable(op, receipt.agency_reference)
        step = Step(State.CONFIRMED, "confirmed", "state.confirmed", epoch_ms(at))
        if reference and await ledger.claimed(run, op, reference):
            step, reference = replace(step, after=State.CONFLICT, reason="conflict", text="state.conflict"), ""
        return (await ledger.move(run, op, step, at, ledger.Mark(agency_reference=reference or None))).events

    def _again(self, row: Any) -> Callback:
        """The callback as it came, from its sealed row."""
        vault, name = self._desk.vault, row["id"]
        return Callback(
            vault.open(row["path_sealed"], table="inbox", row=name, column="path_sealed").decode(),
            orjson.loads(vault.open(row["headers_sealed"], table="inbox", row=name, column="headers_sealed")),
            vault.open(row["body_sealed"], table="inbox", row=name, column="body_sealed"),
            from_ms(row["received_ms"]),
        )


def _sha256(callback: Callback) -> str:
    return hashlib.sha256(callback.body).hexdigest()
