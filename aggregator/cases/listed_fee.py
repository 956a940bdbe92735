"""The fee an agency lists now: its own price list, asked at most once an hour and never waited for long.

The list is the same for everybody, so one answer serves all, and the last good one, with its age, stands in while the
agency is away. A list that has no row of the service, or no amount in it, says nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from aggregator.registry.agency import Registry, Service
from aggregator.sdk.errors import AgencyError, NotAttempted
from aggregator.sdk.model import Facts, Order

LIST = "list_services"
PATIENCE_S = 3.0
_ALL = Order(reference="", service="", form={})


@dataclass(frozen=True, slots=True)
class ListedFee:
    """What one agency lists for a service. `as_of` is when it said so."""

    agency: str
    amount_paise: int
    as_of: datetime
    stale: bool


async def listed_fee(registry: Registry, service: Service, *, deadline_s: float) -> ListedFee | None:
    """From the first agency of the service that tells; None where none does, and never an error."""
    for name in service.agencies:
        agency = registry.agencies[name]
        if LIST not in agency.operations:
            continue
        try:
            answer = await agency.guarded.read(LIST, _ALL, deadline_s=min(PATIENCE_S, deadline_s))
        except (AgencyError, NotAttempted):
            continue
        for row in answer.value if isinstance(answer.value, list) else ():
            amount = row.values.get("fee_paise", "") if isinstance(row, Facts) else ""
            if amount.isascii() and amount.isdigit() and row.values.get("service") == service.offer:
                return ListedFee(name, int(amount), answer.as_of, answer.stale)
    return None
