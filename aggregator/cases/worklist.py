"""The worklist: what machines may not decide, before people, with all there is to decide by.

A decision is recorded, agreed to and carried out in one commit, under an Idempotency-Key like any other order: a
repeated click decides nothing twice. Where money moves, the first name only proposes (four_eyes.py). Every proposal and
every decision is an event. Source: docs/outcomes.md sections 6 and 14.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.cases import dossier, ledger, verdict
from aggregator.cases.attempt import Desktop
from aggregator.cases.dossier import Dossier, NewEvidence, dossier_of
from aggregator.cases.items import Decider, Decision, Item, Undecidable, item_in, one_item, open_items
from aggregator.cases.keys import Key, Keys, StoredAnswer, spend
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import COLUMNS, Operation, operation_of
from aggregator.citizens import four_eyes
from aggregator.citizens.four_eyes import Agreement, Motion
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.stream import Stream
from aggregator.sdk.clock import epoch_ms, new_id
from aggregator.store import Conflict, Run

OPERATION = "operation"
PROPOSED, CARRIED_OUT, NOTED = "PROPOSED", "CARRIED_OUT", "NOTED"


class UnknownItem(LookupError):
    """Nothing of this id waits for a person: it never did, or it is settled."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An item with its evidence. `op` is None for items of other rooms; `number` is the case's, "" without one."""

    item: Item
    dossier: Dossier
    actions: tuple[str, ...]
    suggested: str
    number: str
    service_id: str
    op: Operation | None


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision; `answer` is set when this key was answered before."""

    item_id: str
    outcome: str
    case_id: str = ""
    answer: StoredAnswer | None = None


class Worklist:
    """The worklist of one city. `deciders`: what decisions about other rooms' items do, by kind."""

    def __init__(
        self, desk: Desktop, stream: Stream, nudge: Callable[[], None], deciders: Mapping[str, Decider] | None = None
    ) -> None:
        self._desk = desk
        self._stream = stream
        self._nudge = nudge
        self._deciders = dict(deciders or {})
        self._keys = Keys(desk.store, desk.vault, desk.clock)

    async def items(self, *, agency: str = "", after: tuple[int, str] = (0, ""), limit: int = 50) -> list[Item]:
        """What waits, the oldest first, after the item of this age (epoch ms) and id."""
        return await open_items(self._desk.store, agency=agency, after=after, limit=limit)

    async def show(self, item_id: str) -> Shown:
        """One item with everything known about it. Raises UnknownItem."""
        item = await one_item(self._desk.store, item_id)
        if item is None:
            raise UnknownItem(item_id)
        facts = await dossier_of(self._desk.store, self._desk.vault, item_id)
        number, service = await self._case(item.case_id)
        if item.kind != OPERATION:
            actions = (*self._decider(item).actions(item), verdict.NOTE)
            return Shown(item, facts, actions, actions[0], number, service, None)
        op = await self._operation(item_id)
        return Shown(item, facts, verdict.possible(op), verdict.suggested(op, facts), number, service, op)

    async def decide(self, item_id: str, decision: Decision, key: Key) -> Decided:
        """Records the decision and carries it out once it has the names it needs; a note is only kept.

        Raises UnknownItem, Undecidable, SameName, NoName, KeyReused, KeyRunning, StoreUnavailable.
        """
        known = await self._known(key)
        if known is not None:
            return known
        try:
            decided = await self._desk.store.write(lambda run: self._decide(run, item_id, decision, key))
        except Conflict:
            raced = await self._known(key)
            if raced is None:
                raise
            return raced
        except ledger.Stale as moved:
            raise UnknownItem(item_id) from moved
        self._nudge()
        self._stream.wake(decided.case_id)
        return decided

    async def answered(self, key: Key, answer: StoredAnswer) -> None:
        """Keeps the answer the first caller is about to get; what was kept before stays."""
        await self._keys.answered(key, answer)

    async def _known(self, key: Key) -> Decided | None:
        spent = await self._keys.spent(key)
        return None if spent is None else Decided("", NOTED, spent.case_id, spent.answer)

    async def _decide(self, run: Run, item_id: str, decision: Decision, key: Key) -> Decided:
        at = self._desk.clock.now()
        item = await item_in(run, item_id)
        if item is None:
            raise UnknownItem(item_id)
        await spend(run, key, item.case_id, epoch_ms(at))
        if not decision.note.strip():
            raise Undecidable("evidence_missing")
        await self._note(run, item, decision)
        if decision.action == verdict.NOTE:
            await events.append(run, [_told("worklist.noted", item, decision, self._alone(decision), at)])
            return Decided(item.id, NOTED, item.case_id)
        await self._make_sense(run, item, decision)
        agreement = await four_eyes.agree(run, self._desk.vault.own, self._motion(item, decision), at, names=item.names)
        if not agreement.carried_out:
            await events.append(run, [_told("worklist.proposed", item, decision, agreement, at)])
            return Decided(item.id, PROPOSED, item.case_id)
        told = await self._carry_out(run, item, decision, at)
        await four_eyes.drop(run, item.id, at)
        await events.append(run, [_told("worklist.decided", item, decision, agreement, at), *told])
        return Decided(item.id, CARRIED_OUT, item.case_id)

    async def _make_sense(self, run: Run, item: Item, decision: Decision) -> None:
        """Nobody proposes what could not be carried out. Raises Undecidable."""
        if item.kind != OPERATION:
            if decision.action not in self._decider(item).actions(item):
                raise Undecidable("not_possible_here")
            return
        op = await self._moving(run, item.id)
        _, mark = verdict.verdict(op, decision, epoch_ms(self._desk.clock.now()))
        if mark.agency_reference and await ledger.claimed(run, op, mark.agency_reference):
            raise Undecidable("number_taken")

    async def _carry_out(self, run: Run, item: Item, decision: Decision, at: datetime) -> list[NewEvent]:
        if item.kind != OPERATION:
            return await self._decider(item).carry_out(run, item, decision, at)
        op = await self._moving(run, item.id)
        step, mark = verdict.verdict(op, decision, epoch_ms(at))
        return (await ledger.move(run, op, step, at, mark)).events

    async def _note(self, run: Run, item: Item, decision: Decision) -> None:
        """The words behind a decision are evidence, whether or not it is carried out."""
        code = four_eyes.code_of(self._desk.vault.own, decision.by)
        fact = NewEvidence(
            item=item.id,
            source=dossier.PERSON,
            kind=decision.action.lower(),
            agency_reference=decision.agency_reference,
            by_code=code,
            body=decision.note.strip().encode(),
        )
        await dossier.keep(run, self._desk.vault, self._desk.clock, self._desk.chance, fact)

    def _motion(self, item: Item, decision: Decision) -> Motion:
        motion_id = new_id("dec", self._desk.clock, self._desk.chance)
        return Motion(motion_id, item.id, decision.action, decision.content, decision.by)

    def _alone(self, decision: Decision) -> Agreement:
        return Agreement(carried_out=True, by_code=four_eyes.code_of(self._desk.vault.own, decision.by))

    def _decider(self, item: Item) -> Decider:
        """Raises UnknownItem for a kind whose room is not here."""
        try:
            return self._deciders[item.kind]
        except KeyError:
            raise UnknownItem(item.id) from None

    async def _moving(self, run: Run, item_id: str) -> Operation:
        op = await ledger.operation(run, item_id)
        if op is None or op.state is not State.NEEDS_HUMAN:
            raise UnknownItem(item_id)
        return op

    async def _operation(self, item_id: str) -> Operation:
        rows = await self._desk.store.read(f"select {COLUMNS} from operation where id = $1", item_id)  # noqa: S608 - a constant
        if not rows:
            raise UnknownItem(item_id)
        return operation_of(rows[0])

    async def _case(self, case_id: str) -> tuple[str, str]:
        rows = await self._desk.store.read("select number, service_id from cases where id = $1", case_id)
        return (rows[0]["number"], rows[0]["service_id"]) if rows else ("", "")


def _told(kind: str, item: Item, decision: Decision, agreement: Agreement, at: datetime) -> NewEvent:
    about = {"case_id": item.case_id, "agency": item.agency, "operation": item.about if item.kind == OPERATION else ""}
    motion = Motion("", item.id, decision.action, {}, "")
    return four_eyes.told(kind, motion, agreement, about, at)
