"""T1: what becomes durable before anybody is told a number.

Source: docs/outcomes.md section 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from aggregator.cases import number
from aggregator.cases.attachments import hold
from aggregator.cases.attempt import Desktop
from aggregator.cases.consolidate import CaseView, case_view, leg_view
from aggregator.cases.keys import Key, spend
from aggregator.cases.lifecycle import State
from aggregator.cases.operation import Operation, ready
from aggregator.cases.orders import seal_form
from aggregator.discovery.forms import FormError, violations
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.registry.agency import Agency, Registry, Service
from aggregator.sdk.clock import IST, epoch_ms, new_id
from aggregator.store import Run


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a portal asks for. `agency` may be left to routing; `form` is checked against the service's form."""

    portal_id: str
    citizen_id: str
    service_id: str
    agency: str | None
    form: Mapping[str, Any]
    channel: str = ""
    source_ref: str = ""


class UnknownService(Exception):
    """The registry has no such service."""


class NotForCases(Exception):
    """The service answers enquiries; there is nothing to apply for."""


class AgencyNotOffered(Exception):
    """The agency asked for does not offer this service. `offered` lists those that do."""

    def __init__(self, offered: tuple[str, ...]) -> None:
        super().__init__("not offered")
        self.offered = offered


class FormInvalid(Exception):
    """The form breaks its rules; every violation at once."""

    def __init__(self, errors: list[FormError]) -> None:
        super().__init__(f"{len(errors)} violations")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Plan:
    """A case ready to be written."""

    case_id: str
    number: str
    new: NewCase
    service: Service
    operation: Operation
    operation_class: str
    case: CaseView
    form_sealed: str
    sealed_for: str
    livemode: bool
    at: datetime


async def plan(desk: Desktop, registry: Registry, new: NewCase) -> Plan:
    """Checks what is asked and mints its identifiers; writes nothing but the citizen's key, if it is the first.

    Raises UnknownService, NotForCases, AgencyNotOffered, FormInvalid, Erased.
    """
    service = registry.services.get(new.service_id)
    if service is None:
        raise UnknownService(new.service_id)
    if service.kind == "ENQUIRY":
        raise NotForCases(new.service_id)
    agency = _route(registry, service, new.agency)
    errors = violations(service.form, new.form)
    if errors:
        raise FormInvalid(errors)
    owner = await desk.vault.key_for(new.citizen_id)
    at = desk.clock.now()
    case_id = new_id("case", desk.clock, desk.chance)
    operation = ready(
        desk.clock,
        desk.chance,
        case_id=case_id,
        leg_id=new_id("leg", desk.clock, desk.chance),
        agency=agency.id,
        name=service.operation,
        service=service.offer,
        sealed_for=owner,
    )
    operation = replace(operation, ends_ms=_end_ms(agency, service, new.form))
    leg = leg_view(operation, [], epoch_ms(at))
    return Plan(
        case_id=case_id,
        number=number.mint(desk.chance),
        new=new,
        service=service,
        operation=operation,
        operation_class=agency.operations[service.operation].effective.value,
        case=case_view([leg]),
        form_sealed=seal_form(desk.vault, owner, case_id, dict(new.form)),
        sealed_for=owner,
        livemode=agency.livemode,
        at=at,
    )


def _end_ms(agency: Agency, service: Service, form: Mapping[str, Any]) -> int | None:
    """When what is asked for is over by itself, as the offer declares: the end of a day in India, or a moment."""
    offer = agency.manifest.offers.get(service.offer)
    told = str(form.get(offer.ends_with, "")) if offer is not None and offer.ends_with else ""
    if not told:
        return None
    end = datetime.fromisoformat(told) if "T" in told else datetime.fromisoformat(told) + timedelta(days=1)
    return epoch_ms(end if end.tzinfo is not None else end.replace(tzinfo=IST))


def _route(registry: Registry, service: Service, wanted: str | None) -> Agency:
    if wanted is not None and wanted not in service.agencies:
        raise AgencyNotOffered(service.agencies)
    return registry.agencies[wanted or service.agencies[0]]


async def write(run: Run, desk: Desktop, made: Plan, key: Key) -> None:
    """T1, in one commit. Raises Conflict when the key or the number is taken."""
    await spend(run, key, made.case_id, epoch_ms(desk.clock.now()))
    await insert_case(run, made)
    await insert_leg(run, made.operation)
    await insert_operation(run, made.operation, made.operation_class)
    await hold(run, made.case_id, made.service, made.new.form)
    await events.append(run, _told(made))


async def insert_case(run: Run, made: Plan) -> None:
    """The case's own row. Raises Conflict when the id or the number is taken."""
    now_ms = epoch_ms(made.at)
    new, view = made.new, made.case
    await run(
        "insert into cases (id, number, portal_id, citizen_id, service_id, kind, channel, source_ref, livemode,"
        " form_sealed, status, reason_code, text_key, text_args, since_ms, as_of_ms, next_check_ms, settled, version,"
        " created_ms, updated_ms, sealed_for) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
        " $16, $17, 0, 1, $18, $19, $20)",
        made.case_id,
        made.number,
        new.portal_id,
        new.citizen_id,
        made.service.id,
        made.service.kind,
        new.channel,
        new.source_ref,
        int(made.livemode),
        made.form_sealed,
        view.status.value,
        view.reason_code,
        view.text_key,
        orjson.dumps(dict(view.text_args)).decode(),
        now_ms,
        now_ms,
        view.next_check_ms,
        now_ms,
        now_ms,
        made.sealed_for,
    )


async def insert_leg(run: Run, op: Operation, *, position: int = 1) -> None:
    """The leg of a READY operation, as that operation makes it."""
    view = leg_view(op, [], op.created_ms)
    await run(
        "insert into leg (id, case_id, position, agency, status, detail, reason_code, text_key, text_args, effect,"
        " agency_reference, agency_code, agency_text_sealed, facts_sealed, source, flagged, as_of_ms, next_try_ms,"
        " polls, settled) values ($1, $2, $3, $4, $5, '', $6, $7, $8, $9, '', '', '', '', 'ours', 0, $10, $11, 0, 0)",
        op.leg_id,
        op.case_id,
        position,
        op.agency,
        view.status.value,
        view.reason_code,
        view.text_key,
        orjson.dumps(dict(view.text_args)).decode(),
        view.effect,
        view.as_of_ms,
        view.next_try_ms,
    )


async def insert_operation(run: Run, op: Operation, operation_class: str, form_sealed: str = "") -> None:
    """A READY operation's row. `form_sealed`: what it adds to the case's form. Raises Conflict."""
    await run(
        "insert into operation (id, leg_id, case_id, agency, name, class, service, reference, state, attempt, sends,"
        " holds, doubtful, epoch, worker, owner, reason_code, citizen_text_key, next_action_ms, looks, withdraw,"
        " agency_reference, created_ms, updated_ms, form_sealed, ends_ms, sealed_for) values ($1, $2, $3, $4, $5, $6,"
        " $7, $8, $9, 0, 0, 0, 0, 0, '', $10, $11, $12, $13, 0, 0, '', $14, $15, $16, $17, $18)",
        op.id,
        op.leg_id,
        op.case_id,
        op.agency,
        op.name,
        operation_class,
        op.service,
        op.reference,
        op.state.value,
        op.owner,
        op.reason_code,
        op.citizen_text_key,
        op.next_action_ms,
        op.created_ms,
        op.created_ms,
        form_sealed,
        op.ends_ms,
        op.sealed_for,
    )


def _told(made: Plan) -> list[NewEvent]:
    about = {"service": made.service.id, "kind": made.service.kind, "livemode": made.livemode}
    ready = {"operation": made.operation.name, "state": State.READY.value, "attempt": 0}
    return [
        NewEvent(
            type="case.accepted",
            at=made.at,
            case_id=made.case_id,
            agency=made.operation.agency,
            data={**about, "status": made.case.status.value},
        ),
        NewEvent(type="operation.ready", at=made.at, case_id=made.case_id, agency=made.operation.agency, data=ready),
    ]
