"""What an agency said is kept and shown, also when it is not obeyed; the store keeps one end for every order (R24)."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.cases.track import Due
from aggregator.sdk.adapter import Class
from aggregator.sdk.model import Reading
from aggregator.sdk.status import Status

BEGAN = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
STORY = [
    Reading(Status.ACKNOWLEDGED, "RCVD", BEGAN),
    Reading(Status.APPROVED, "GRANTED", BEGAN + timedelta(hours=1)),
    Reading(Status.IN_PROGRESS, "DESK", BEGAN + timedelta(hours=2)),
    Reading(Status.UNKNOWN, "sent to Lokayukta", BEGAN + timedelta(hours=3)),
    Reading(Status.COMPLETED, "DONE", BEGAN + timedelta(hours=4)),
    Reading(Status.IN_PROGRESS, "DESK", BEGAN + timedelta(hours=5)),
]


async def told(town: Any, case: Any, order: list[Reading]) -> tuple[Any, ...]:
    """The readings arrive in this order, each one twice; what the case shows then."""
    [leg] = await town.store.read("select id, agency_reference from leg where case_id = $1", case.id)
    rows = await town.store.read("select id from operation where case_id = $1", case.id)
    from aggregator.cases import ledger  # noqa: PLC0415 - of this function alone

    op = await town.store.write(lambda run: ledger.operation(run, rows[0]["id"]))
    due = Due(leg["id"], leg["agency_reference"], 0, op)
    for reading in [*order, *order]:
        town.clock.advance(1)
        await town.tracking._take(town.registry.agencies["office"], due, reading, town.clock.now())
    seen = await town.see(case)
    kept = await town.store.read("select agency_code, at_ms from reading where leg_id = $1", leg["id"])
    shown = seen.legs[0]
    return (
        shown.status, shown.detail, shown.agency_code, shown.flagged,
        frozenset((row["agency_code"], row["at_ms"]) for row in kept),
    )  # fmt: skip


async def test_the_store_ends_alike_for_every_order_and_shows_that_something_is_being_checked(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    ends = set()
    for order in itertools.islice(itertools.permutations(STORY), 0, 720, 90):
        ends.add(await told(town, await town.apply(), list(order)))
    assert len(ends) == 1
    [(status, _, code, flagged, kept)] = ends
    assert (status, code, flagged) == (Status.COMPLETED, "DONE", True)
    assert len(kept) == len(STORY), "everything it said is in the history, once"


async def test_what_is_not_obeyed_is_an_event_with_the_agencys_own_code(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    case = await town.apply()
    await told(town, case, STORY)
    types = await town.types(case)
    assert types.count("status.out-of-order") == 1
    assert types.count("status.unmapped") == 1
    assert types.count("status.regressed") == 1, "repeated, and told once"
