"""Agencies as citizens see them (one sentence) and as operators see them (the numbers behind it)."""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil

from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.route import Answer
from aggregator.api.service_shapes import AgencyDetail, AgencyLine, AgencyList, HealthDetail, HealthList, PlannedPause
from aggregator.citizens.messages import KIND as NOTIFIER
from aggregator.registry.agency import Agency, Organisation


def state_of(agency: Agency) -> str:
    """UP, DEGRADED, DOWN or DISABLED, from our own calls; the agency is not asked."""
    return agency.guarded.health().state.upper() if agency.enabled else "DISABLED"


def availability(call: Call, agency: Agency) -> str:
    """One sentence a citizen can act on."""
    pause = agency.closed_at(call.rooms.clock.now())
    if pause is not None and agency.enabled:
        until = pause.ends.isoformat(timespec="minutes")
        return call.say(
            "agency_state.paused", agency=call.titled(agency.title), time=until, why=call.titled(pause.reason)
        )
    wait_s = agency.guarded.health().retry_after_s
    at = call.rooms.clock.now() + timedelta(seconds=wait_s)
    time = at.isoformat(timespec="minutes") if wait_s else ""
    return call.say(f"agency_state.{state_of(agency)}", agency=call.titled(agency.title), time=time)


async def listing(call: Call) -> Answer:
    """GET /agencies: back ends, and the organisations that have several of them."""
    registry = call.rooms.registry()
    found = [_detail(call, agency) for agency in registry.agencies.values() if agency.kind != NOTIFIER]
    found += [_organisation(call, one) for one in registry.organisations.values()]
    return Answer(AgencyList(items=tuple(sorted(found, key=lambda one: one.id))))


async def show(call: Call) -> Answer:
    """GET /agencies/{agency_id}."""
    organisation = call.rooms.registry().organisations.get(call.params["agency_id"])
    return Answer(_detail(call, call.agency()) if organisation is None else _organisation(call, organisation))


async def health_listing(call: Call) -> Answer:
    """GET /health."""
    agencies = sorted(call.rooms.registry().agencies.values(), key=lambda one: one.id)
    return Answer(HealthList(items=tuple(_health(call, agency) for agency in agencies)))


async def health(call: Call) -> Answer:
    """GET /health/{agency_id}."""
    return Answer(_health(call, call.agency()))


def _organisation(call: Call, organisation: Organisation) -> AgencyDetail:
    """One organisation over its back ends: each has its own state, and it is as well as they are together."""
    agencies = [call.rooms.registry().agencies[name] for name in organisation.backends]
    title = call.titled(organisation.title)
    state = joint_state([state_of(agency) for agency in agencies])
    return AgencyDetail(
        id=organisation.id,
        title=title,
        kind=organisation.kind,
        state=state,
        availability=call.say(f"agency_state.{state}", agency=title),
        capabilities=tuple(dict.fromkeys(name for agency in agencies for name in agency.capabilities)),
        livemode=any(agency.livemode for agency in agencies),
        backends=tuple(
            AgencyLine(
                id=agency.id,
                title=call.titled(agency.title),
                state=state_of(agency),
                availability=availability(call, agency),
            )
            for agency in agencies
        ),
    )


def joint_state(states: Sequence[str]) -> str:
    """All alike, that; some of it working, DEGRADED."""
    if len(set(states)) == 1:
        return states[0]
    return "DEGRADED" if {"UP", "DEGRADED"} & set(states) else "DOWN"


def _belongs_to(call: Call, agency: Agency) -> str:
    organisations = call.rooms.registry().organisations.values()
    return next((one.id for one in organisations if agency.id in one.backends), "")


def _detail(call: Call, agency: Agency) -> AgencyDetail:
    return AgencyDetail(
        id=agency.id,
        title=call.titled(agency.title),
        kind=agency.kind,
        state=state_of(agency),
        availability=availability(call, agency),
        capabilities=agency.capabilities,
        livemode=agency.livemode,
        organisation=_belongs_to(call, agency) or UNSET,
        maintenance=tuple(
            PlannedPause(begins=second(one.begins), ends=second(one.ends), reason=call.titled(one.reason))
            for one in agency.maintenance
            if one.ends > call.rooms.clock.now()
        ),
    )


def _health(call: Call, agency: Agency) -> HealthDetail:
    seen = agency.guarded.health()
    return HealthDetail(
        agency=agency.id,
        title=call.titled(agency.title),
        state=state_of(agency),
        explanation=availability(call, agency),
        breakers={str(name): str(state) for name, state in seen.breakers.items()},
        in_flight=seen.in_flight,
        waiting=seen.waiting,
        calls=seen.calls,
        failed=seen.failed,
        p50_ms=UNSET if seen.p50_s is None else round(seen.p50_s * 1000),
        p95_ms=UNSET if seen.p95_s is None else round(seen.p95_s * 1000),
        retry_after_s=ceil(seen.retry_after_s) or UNSET,
        last_ok_at=UNSET if seen.last_ok_at is None else second(seen.last_ok_at),
        last_failure=seen.last_failure or UNSET,
    )
