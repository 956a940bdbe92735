"""A case rebuilt from its receipt: what we signed is believed, what it does not say is found out, and nothing is sent.

The receipt proves that we accepted the case and under which references; whether the agency has it, only the agency can
say. So its application comes back in doubt and is looked for; where nobody can look, a person gets it. Its form is not
in the receipt: what the citizen adds helps to look, and is never sent on. Source: docs/outcomes.md section 13.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aggregator.cases import forgotten, gap, ledger
from aggregator.cases import number as numbers
from aggregator.cases.attempt import Desktop
from aggregator.cases.consolidate import case_view, leg_view
from aggregator.cases.forgotten import RECEIPT, Record
from aggregator.cases.ledger import Mark
from aggregator.cases.lifecycle import State
from aggregator.cases.opening import FormInvalid, NewCase, Plan, insert_case, insert_leg, insert_operation
from aggregator.cases.operation import Operation, ready
from aggregator.cases.orders import seal_form
from aggregator.cases.receipt import holder
from aggregator.cases.record import CaseRecord, load
from aggregator.cases.settle import Step, doubt
from aggregator.cases.worker import declared_of
from aggregator.discovery.forms import violations
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.feed.stream import Stream
from aggregator.registry.agency import Registry, Service
from aggregator.sdk.auth import Signer, Unverified
from aggregator.sdk.clock import epoch_ms, from_ms
from aggregator.sdk.model import Receipt
from aggregator.store import Conflict, Run

NEVER_FIRST_SENT = 1
"""An intent of nobody knows when (epoch ms): too old to be sent without asking the citizen."""


class NotAccepted(Exception):
    """The receipt gives no case: `reason` has a sentence in texts."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Presented:
    """A receipt and who brings it. `form`: what the citizen knows again of it; only for looking."""

    token: str
    portal_id: str
    citizen_id: str
    form: Mapping[str, Any]


class Rebuilding:
    """Receipts that are brought back to one city."""

    def __init__(self, desk: Desktop, registry: Callable[[], Registry], stream: Stream, signer: Signer) -> None:
        self._desk = desk
        self._registry = registry
        self._stream = stream
        self._signer = signer

    async def present(self, brought: Presented) -> tuple[CaseRecord, bool]:
        """The receipt's case, and whether it was rebuilt just now. Bringing it again changes nothing.

        Raises NotAccepted, FormInvalid, StoreUnavailable.
        """
        claims = self._claims(brought)
        known = await self._known(claims, brought)
        if known is not None:
            return known, False
        if claims.get("kind") == "PAYMENT":
            await self._before_people(claims)
            raise NotAccepted("receipt_of_payment")
        service = self._registry().services.get(str(claims["service"]))
        first = claims["references"][0]
        if service is None or first["agency"] not in self._registry().agencies:
            raise NotAccepted("receipt_service_gone")
        if not await gap.was_lost(self._desk.store.read, round(claims["iat"]) * 1000):
            raise NotAccepted("receipt_not_forgotten")
        errors = violations(service.form, brought.form) if brought.form else []
        if errors:
            raise FormInvalid(errors)
        plan = await self._plan(claims, brought, service)
        try:
            await self._desk.store.write(lambda run: self._write(run, plan, claims["references"]))
        except Conflict:  # brought twice at once: the other one has rebuilt it
            known = await self._known(claims, brought)
            if known is None:
                raise
            return known, False
        self._stream.wake(plan.case_id)
        return await self._one(plan.case_id), True

    def _claims(self, brought: Presented) -> dict[str, Any]:
        """Raises NotAccepted for anything but a receipt we gave to this portal for this citizen."""
        try:
            claims = self._signer.receipt(brought.token)
        except Unverified as exc:
            raise NotAccepted("receipt_not_ours") from exc
        if not (claims.get("references") and {"sub", "number", "service", "portal", "holder", "iat"} <= claims.keys()):
            raise NotAccepted("receipt_not_of_a_case")
        ours = holder(self._desk.vault, str(claims["sub"]), brought.citizen_id)
        if claims["portal"] != brought.portal_id or claims["holder"] != ours:
            raise NotAccepted("receipt_of_another")
        return claims

    async def _known(self, claims: Mapping[str, Any], brought: Presented) -> CaseRecord | None:
        """The case, if it was never forgotten, or came back; also where the citizen's repeated wish has taken it up.

        Raises NotAccepted where that wish came from somebody else.
        """
        first = claims["references"][0]
        rows = await self._desk.store.read(
            "select case_id as id from operation where agency = $1 and name = $2 and reference = $3"
            " union all select id from cases where id = $4",
            first["agency"],
            first["operation"],
            first["ours"],
            claims["sub"],
        )
        if not rows:
            return None
        record = await self._one(rows[0]["id"])
        if record.portal_id != brought.portal_id or record.citizen_id != brought.citizen_id:
            raise NotAccepted("receipt_of_another")
        return record

    async def _before_people(self, claims: Mapping[str, Any]) -> None:
        """Money is never rebuilt by a machine: each of its operations is listed for people, with its references."""
        if await gap.was_lost(self._desk.store.read, round(claims["iat"]) * 1000):
            references = claims["references"]

            async def put(run: Run) -> None:
                await events.append(run, await self._listed(run, references, ""))

            await self._desk.store.write(put)

    async def _listed(self, run: Run, references: Sequence[Mapping[str, str]], case_id: str) -> list[NewEvent]:
        told: list[NewEvent] = []
        for one in references:
            receipt = Receipt(one.get("theirs", ""), reference=one["ours"])
            told += await forgotten.keep(
                run, self._desk, Record(one["agency"], receipt, one["operation"], RECEIPT, case_id)
            )
        return told

    async def _one(self, case_id: str) -> CaseRecord:
        return (await load(self._desk.store, self._desk.vault, self._desk.clock.now(), "id = $1", case_id))[0]

    async def _plan(self, claims: Mapping[str, Any], brought: Presented, service: Service) -> Plan:
        case_id, first = str(claims["sub"]), claims["references"][0]
        owner = await self._desk.vault.key_for(brought.citizen_id)
        made = ready(
            self._desk.clock,
            self._desk.chance,
            case_id=case_id,
            leg_id="leg_" + first["ours"],
            agency=first["agency"],
            name=first["operation"],
            service=service.offer,
            sealed_for=owner,
        )
        at_ms = round(claims["iat"]) * 1000
        op = replace(
            made, id="op_" + first["ours"], reference=first["ours"], created_ms=at_ms, reason_code="quarantine"
        )
        declared = declared_of(self._registry(), op.agency, op.name)
        return Plan(
            case_id=case_id,
            number=str(numbers.read(str(claims["number"]))),
            new=NewCase(brought.portal_id, brought.citizen_id, service.id, op.agency, brought.form, channel="receipt"),
            service=service,
            operation=op,
            operation_class=declared.effective.value,
            case=case_view([leg_view(op, [], epoch_ms(made_at := self._desk.clock.now()))]),
            form_sealed=seal_form(self._desk.vault, owner, case_id, dict(brought.form)),
            sealed_for=owner,
            livemode=bool(claims.get("livemode")),
            at=from_ms(min(at_ms, epoch_ms(made_at))),
        )

    async def _write(self, run: Run, plan: Plan, references: Sequence[Mapping[str, str]]) -> None:
        """All of it in one commit: the case as accepted, its application in doubt, and what else was asked for."""
        at, op = self._desk.clock.now(), plan.operation
        await insert_case(run, plan)
        await insert_leg(run, op)
        await insert_operation(run, op, plan.operation_class)
        told = [
            NewEvent(
                type="case.rebuilt",
                at=at,
                case_id=plan.case_id,
                agency=op.agency,
                data={"service": plan.service.id, "kind": plan.service.kind, "livemode": plan.livemode},
            )
        ]
        told += await self._doubt(run, op, references[0].get("theirs", ""))
        await forgotten.claimed(run, op.agency, op.reference, plan.case_id, at)
        told += await self._listed(run, references[1:], plan.case_id)
        await events.append(run, told)

    async def _doubt(self, run: Run, op: Operation, theirs: str) -> list[NewEvent]:
        """Looked for at once, never sent: not again, and not for the first time.

        Where the receipt carries the agency's own number, we had its confirmation when we signed: that is settled.
        """
        at = self._desk.clock.now()
        now_ms, number = epoch_ms(at), ledger.claimable(op, theirs)
        if number and await ledger.claimed(run, op, number):
            number = ""
        mark = Mark(
            sends=1, sends_unknown=True, first_sent_ms=op.created_ms, ended_ms=now_ms, intent_ms=NEVER_FIRST_SENT
        )
        step = doubt(replace(op, sends=1), declared_of(self._registry(), op.agency, op.name), now_ms)
        if number or step.reason != "opaque_doubt":
            step = Step(State.IN_DOUBT, "already_exists", "state.in_doubt", now_ms, doubtful=True)
        moved = await ledger.move(run, op, step, at, mark)
        if not number:
            return moved.events
        known = Step(State.CONFIRMED, "confirmed", "state.confirmed", now_ms)
        confirmed = await ledger.move(run, moved.op, known, at, Mark(agency_reference=number))
        return moved.events + confirmed.events
