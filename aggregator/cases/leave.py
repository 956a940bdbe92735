"""A send that needs the citizen's leave carries it, and without it does not go: looked at when it is sent, not before.

A citizen who withdraws before an agency came back to life has withdrawn in time. The journal looks once more in the
commit that claims the send, so that nothing begins on a consent that was gone by then.
"""

from dataclasses import replace

from aggregator.cases.attempt import Desktop
from aggregator.cases.operation import Operation
from aggregator.cases.settle import Step, held
from aggregator.registry.agency import Agency
from aggregator.sdk.clock import epoch_ms
from aggregator.sdk.model import Order

LOOK_AGAIN_S = 60.0


async def allowed(desk: Desktop, agency: Agency, op: Operation, order: Order) -> Order | Step:
    """The order with the consent it rests on, where it needs one; or that it is held."""
    purpose = agency.manifest.purpose_of(op.service, op.name)
    if not purpose:
        return order
    rows = await desk.store.read("select portal_id, citizen_id from cases where id = $1", op.case_id, inline=True)
    whose = rows[0] if rows else {"citizen_id": "", "portal_id": ""}
    if desk.consents is not None and whose["citizen_id"]:
        leave = await desk.consents.leave_by_name(whose["citizen_id"], whose["portal_id"])
        if (paper := leave(agency.id, purpose)) is not None:
            return replace(order, consent=paper)
    return held(op, "consent_missing", LOOK_AGAIN_S, epoch_ms(desk.clock.now()), desk.chance.random())
