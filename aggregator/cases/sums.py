"""A citizen's cases counted, over all agencies, from the store alone: no agency is asked, so none can hold it up.

Two counts of one moment each: cases by status, and parts of cases by agency and status, with the age of the oldest
knowledge among the open ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.sdk.clock import from_ms
from aggregator.sdk.status import FINAL, Status
from aggregator.store import Row, Store

WAITS_FOR_CITIZEN = frozenset({Status.AWAITING_CITIZEN, Status.AWAITING_PAYMENT})


@dataclass(frozen=True, slots=True)
class Count:
    """So many of one status."""

    status: Status
    count: int


@dataclass(frozen=True, slots=True)
class AtAgency:
    """A citizen's parts at one agency. `as_of`: of the oldest knowledge of an open one; None when none is open."""

    agency: str
    counts: tuple[Count, ...]
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Sums:
    """What there is, by status and by agency; the commonest status first."""

    cases: tuple[Count, ...]
    agencies: tuple[AtAgency, ...]


class Summary:
    """Counts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, portal_id: str, citizen_ids: Sequence[str]) -> Sums:
        """The cases this portal has of the citizen with these ids."""
        whose = f"c.portal_id = $1 and c.citizen_id in ({', '.join(f'${at + 2}' for at in range(len(citizen_ids)))})"
        cases = await self._store.read(
            # By an expression: to group by the column SQLite would walk through all of the portal's, in their order.
            f"select substr(c.status, 1) as status, count(*) as n from cases c where {whose}"  # noqa: S608 - our own marks
            " group by substr(c.status, 1) order by 2 desc, 1",
            portal_id,
            *citizen_ids,
        )
        parts = await self._store.read(
            "select l.agency, l.status, count(*) as n, min(case when l.checked_ms > l.as_of_ms then l.checked_ms"  # noqa: S608 - our own marks
            f" else l.as_of_ms end) as known_ms from leg l join cases c on c.id = l.case_id where {whose}"
            " group by l.agency, l.status order by l.agency, n desc, l.status",
            portal_id,
            *citizen_ids,
        )
        agencies: dict[str, list[tuple[Count, int]]] = {}
        for row in parts:
            agencies.setdefault(row["agency"], []).append((_count(row), row["known_ms"]))
        return Sums(tuple(_count(row) for row in cases), tuple(_at(name, rows) for name, rows in agencies.items()))


def _count(row: Row) -> Count:
    return Count(Status(row["status"]), int(row["n"]))


def _at(agency: str, rows: list[tuple[Count, int]]) -> AtAgency:
    known = [ms for count, ms in rows if count.status not in FINAL]
    return AtAgency(agency, tuple(count for count, _ in rows), from_ms(min(known)) if known else None)
