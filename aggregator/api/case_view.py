"""A case in the caller's language. Machine values in the record become words here, the last moment they can.

Every sentence says what happened, what it means, whether to do anything and when we look next.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import UNSET, UnsetType

from aggregator.api.call import Call
from aggregator.api.case_shapes import AskedLine, Case, CaseAction, CaseEvent, CaseLinks, Leg, TrackedCase
from aggregator.api.speaker import Speaker
from aggregator.api.words import Effect
from aggregator.cases.act import OPERATIONS
from aggregator.cases.number import shown
from aggregator.cases.record import AskedRecord, CaseRecord, EventRecord, LegRecord
from aggregator.sdk.clock import from_ms
from aggregator.sdk.status import FINAL

MINUTE_S = 60
BLACKBOX = "BLACKBOX"
"""The detail of a leg whose agency takes reports and says nothing of them afterwards: nobody can follow it."""
ASKED_SHOWN = 200
WITHDRAW = "WITHDRAW"
_ACTIONS = {operation: action for action, operation in OPERATIONS.items()}


def second(at: datetime) -> datetime:
    """Whole seconds, UTC: what people and clients compare."""
    return at.replace(microsecond=0)


def _maybe(at: datetime | None) -> datetime | UnsetType:
    return UNSET if at is None else second(at)


def age_s(record: CaseRecord, now: datetime) -> int:
    """How old the knowledge is, in steps of a minute: a text that changed every second could not be compared."""
    return max(0, int((now - record.as_of).total_seconds()) // MINUTE_S * MINUTE_S)


def etag_of(record: CaseRecord, call: Call) -> str:
    """Strong: another version, language, age of knowledge or address gives another tag."""
    age = age_s(record, call.rooms.clock.now())
    as_of = int(record.as_of.timestamp())
    checked = "c" * sum(call.rooms.checking(leg.agency) for leg in record.legs)
    return f'"{record.version}.{as_of}.{age}.{int(record.stale)}{checked}.{call.language}"'


def version_in(if_none_match: str) -> int | None:
    """The version in a tag of ours: a long poll waits for the next one."""
    version = if_none_match.strip().removeprefix("W/").strip('"').partition(".")[0]
    return int(version) if version.isascii() and version.isdigit() and len(version) < 16 else None


def case_view(record: CaseRecord, call: Call) -> Case:
    """The whole case."""
    legs = tuple(leg_view(leg, call) for leg in record.legs)
    place = f"/v1/cases/{record.id}"
    return Case(
        id=record.id,
        number=shown(record.number),
        kind=record.kind,
        service_id=record.service_id,
        status=record.status.value,
        status_text=call.say(f"status.{record.status}"),
        explanation=explained_case(record, call),
        reason_code=record.reason_code or UNSET,
        effect=_joint(record.legs),
        since=second(record.since),
        as_of=second(record.as_of),
        stale=record.stale,
        next_check_at=_maybe(record.next_check_at),
        created_at=second(record.created_at),
        updated_at=second(record.updated_at),
        settled=record.settled,
        livemode=record.livemode,
        legs=legs,
        actions=_actions(record, call),
        asked=tuple(_asked(one, call) for one in record.asked[-ASKED_SHOWN:]),
        links=CaseLinks(self=place, events=f"{place}/events", legs=f"{place}/legs", receipt=f"{place}/receipt"),
    )


def leg_view(leg: LegRecord, call: Call) -> Leg:
    """One agency's part."""
    return Leg(
        id=leg.id,
        agency=leg.agency,
        agency_title=call.agency_title(leg.agency),
        status=leg.status.value,
        status_text=call.say(f"status.{leg.status}"),
        explanation=_sentence(leg.text_key, leg.text_args, leg, call),
        effect=_effect(leg.effect),
        reference=leg.agency_reference or UNSET,
        reason_code=leg.reason_code or UNSET,
        detail_code=leg.detail or UNSET,
        agency_code=leg.agency_code or UNSET,
        agency_text=leg.agency_text or UNSET,
        as_of=second(leg.as_of),
        checked_at=_maybe(leg.checked_at),
        next_try_at=_maybe(leg.next_try_at),
        stale=leg.stale,
        known_from=leg.source.upper(),
        being_checked=leg.flagged or call.rooms.checking(leg.agency),
    )


def tracked(record: CaseRecord, call: Call) -> TrackedCase:
    """What the number alone may show."""
    return TrackedCase(
        number=shown(record.number),
        kind=record.kind,
        status=record.status.value,
        status_text=call.say(f"status.{record.status}"),
        since=second(record.since),
        as_of=second(record.as_of),
        stale=record.stale or any(call.rooms.checking(leg.agency) for leg in record.legs),
        next_check_at=_maybe(record.next_check_at),
        created_at=second(record.created_at),
        livemode=record.livemode,
    )


def event_view(event: EventRecord, call: Call) -> CaseEvent:
    """A line of the timeline; the raw facts beside the sentence."""
    args = {name: str(event.data[name]) for name in ("reason", "status", "attempt") if name in event.data}
    if event.agency:
        args["agency"] = call.agency_title(event.agency)
    return CaseEvent(
        id=event.id,
        type=event.type,
        at=second(event.at),
        text=call.say(f"event.{event.type}", **args),
        agency=event.agency or UNSET,
        data=dict(event.data),
    )


def why_not(record: CaseRecord, call: Call) -> str:
    """Why a withdrawal would be refused now, as a reason code; "" where it would be taken."""
    open_legs = [leg for leg in record.legs if leg.status not in FINAL]
    if not open_legs:
        return "already_final"
    agencies = call.rooms.registry().agencies
    for leg in open_legs:
        agency = agencies.get(leg.agency)
        if leg.effect == "done" and (agency is None or "cancel" not in agency.operations):
            return "agency_cannot_cancel"
    return ""


def why_not_text(reason: str, record: CaseRecord, call: Call) -> str:
    """The reason as a sentence."""
    return call.say(f"problem.action_not_possible.why_{reason}", agency=call.agency_title(record.legs[0].agency))


def _actions(record: CaseRecord, call: Call) -> tuple[CaseAction, ...]:
    """What can be done, and of a withdrawal always why not: it is what citizens look for."""
    possible = call.rooms.desk.actions(record)
    reason = "" if WITHDRAW in possible else why_not(record, call) or "already_asked"
    first = CaseAction(
        action=WITHDRAW, title=_action(WITHDRAW, call), why_not=why_not_text(reason, record, call) if reason else UNSET
    )
    rest = (CaseAction(action=action, title=_action(action, call)) for action in possible if action != WITHDRAW)
    return (first, *rest)


def _action(action: str, call: Call) -> str:
    return call.say(f"action.{action.lower()}")


def _asked(asked: AskedRecord, call: Call) -> AskedLine:
    """How far it got, in a sentence. A refusal's reason is the agency's no, not the case's end."""
    action = _ACTIONS.get(asked.name, asked.name.upper())
    agency = call.agency_title(asked.agency)
    step = "held" if asked.held else asked.state.lower()
    told = call.say(f"event.operation.{step}", reason=asked.reason_code, reference=asked.agency_reference)
    return AskedLine(
        action=action,
        title=f"{_action(action, call)}: {agency}",
        agency=asked.agency,
        state=asked.state.value,
        explanation=told,
        reason_code=asked.reason_code or UNSET,
        reference=asked.agency_reference or UNSET,
        at=second(asked.at),
    )


def explained_case(record: CaseRecord, speaker: Speaker) -> str:
    """What happened, what it means, whether to do anything and when we look next."""
    told = next((leg for leg in record.legs if leg.text_key == record.text_key), None)
    return _sentence(record.text_key, record.text_args, told or record.legs[0], speaker)


def _sentence(key: str, recorded: Mapping[str, str], leg: LegRecord, speaker: Speaker) -> str:
    if key == "state.confirmed" and leg.detail == BLACKBOX:
        key = "state.confirmed_unfollowed"
    age = int((speaker.now() - leg.as_of).total_seconds()) // MINUTE_S * MINUTE_S
    args = {
        "agency": leg.agency,
        "reason": leg.reason_code,
        "reference": leg.agency_reference,
        "words": leg.status.value if leg.source == "agency" else "",
        "age": str(max(0, age)),
        "since": leg.as_of.isoformat(),
        "date": leg.as_of.isoformat(),
        "desk": "default",
        **_times(recorded),
    }
    if leg.next_try_at is not None:
        args.setdefault("time", leg.next_try_at.isoformat())
    args["agency"] = speaker.agency_title(args["agency"])
    return speaker.say(key, **args)


def _times(recorded: Mapping[str, str]) -> dict[str, str]:
    """The recorded arguments; a time kept in milliseconds (`time_ms`) becomes `time`."""
    made = {}
    for name, value in recorded.items():
        if name.endswith("_ms") and value.isdigit():
            made[name.removesuffix("_ms")] = from_ms(int(value)).isoformat()
        else:
            made[name] = str(value)
    return made


def _joint(legs: tuple[LegRecord, ...]) -> Effect:
    """Doubt anywhere is doubt; then done anywhere is done."""
    effects = {leg.effect for leg in legs}
    return "unknown" if "unknown" in effects else "done" if "done" in effects else "none"


def _effect(word: str) -> Effect:
    return "none" if word == "none" else "done" if word == "done" else "unknown"
