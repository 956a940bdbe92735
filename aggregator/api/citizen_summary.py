"""What a citizen has going, everywhere, in one look: counted from the store, whatever the agencies are doing.

A portal sees what came through it, as in its list of cases; with the citizen's token or without it makes no
difference to the counts.
"""

from collections.abc import Iterable

from msgspec import UNSET

from aggregator.api.call import Call
from aggregator.api.case_view import second
from aggregator.api.citizen_of import citizen_of, shown_name
from aggregator.api.citizen_shapes import AgencySum, CitizenSummary, StatusCount
from aggregator.api.looked import looked
from aggregator.api.problem import Problem
from aggregator.api.route import Answer
from aggregator.cases.record import STALE_AFTER
from aggregator.cases.sums import WAITS_FOR_CITIZEN, AtAgency, Count
from aggregator.sdk.status import FINAL


async def summary(call: Call) -> Answer:
    """GET /citizens/{citizen_id}/summary."""
    sums = await call.rooms.desk.sums(call.caller.portal_id, await _names(call))
    cases = sum(count.count for count in sums.cases)
    still = sum(count.count for count in sums.cases if count.status not in FINAL)
    waiting = sum(count.count for count in sums.cases if count.status in WAITS_FOR_CITIZEN)
    key = "none" if not cases else "waits" if waiting else "open" if still else "done"
    told = call.say(f"summary.{key}", cases=str(cases), open=str(still), waiting=str(waiting))
    return Answer(
        CitizenSummary(
            citizen_id=await shown_name(call),
            cases=cases,
            open=still,
            waiting_for_citizen=waiting,
            by_status=_counts(call, sums.cases),
            agencies=tuple(_agency(call, one) for one in sums.agencies),
            explanation=told,
            counted_at=second(call.now()),
        )
    )


async def _names(call: Call) -> list[str]:
    """The ids the citizen's cases lie under. Raises Problem not-found, the same for a foreign citizen and for none."""
    asked, register = call.params["citizen_id"], call.rooms.citizens.register
    if call.caller.citizen_id:
        citizen_id = await citizen_of(call)
        looked(call, citizen_id, "SUMMARY")
        return await register.names_in(citizen_id, call.caller.names_for)
    if call.rooms.links.of(asked) is not None:
        return [asked]  # a sample citizen
    found = await register.found(asked, call.caller.names_for)
    if found is None:
        raise Problem("not-found")
    looked(call, found, "SUMMARY")
    return await register.names_in(found, call.caller.names_for)


def _agency(call: Call, one: AtAgency) -> AgencySum:
    open_parts = sum(count.count for count in one.counts if count.status not in FINAL)
    stale = one.as_of is not None and call.now() - one.as_of > STALE_AFTER
    return AgencySum(
        agency=one.agency,
        agency_title=call.agency_title(one.agency),
        parts=sum(count.count for count in one.counts),
        open=open_parts,
        by_status=_counts(call, one.counts),
        as_of=UNSET if one.as_of is None else second(one.as_of),
        stale=stale or (open_parts > 0 and call.rooms.checking(one.agency)),
    )


def _counts(call: Call, counts: Iterable[Count]) -> tuple[StatusCount, ...]:
    return tuple(
        StatusCount(status=one.status.value, status_text=call.say(f"status.{one.status}"), count=one.count)
        for one in counts
    )
