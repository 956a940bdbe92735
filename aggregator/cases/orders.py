"""From the journal back to what an agency is asked: the sealed form and the row make the same order every time."""

from collections.abc import Mapping
from typing import Any

import orjson

from aggregator.cases.operation import Operation
from aggregator.citizens.envelopes import Envelopes, Erased
from aggregator.sdk.clock import from_ms
from aggregator.sdk.model import Order
from aggregator.store import Store


def seal_form(vault: Envelopes, owner: str, case_id: str, form: dict[str, Any]) -> str:
    """The citizen's form as table `cases` keeps it."""
    return vault.seal(orjson.dumps(form), owner=owner, table="cases", row=case_id, column="form_sealed")


def seal_more(vault: Envelopes, op: Operation, form: Mapping[str, Any]) -> str:
    """What one operation adds to the case's form, as table `operation` keeps it; "" for nothing."""
    if not form:
        return ""
    more = orjson.dumps(dict(form))
    return vault.seal(more, owner=op.sealed_for, table="operation", row=op.id, column="form_sealed")


async def order_of(store: Store, vault: Envelopes, op: Operation) -> Order:
    """The order of an operation, with the agency's number once its leg has one.

    Raises Tampered when the stored form is not the one that was sealed.
    """
    rows = await store.read(
        "select c.form_sealed, l.agency_reference, o.form_sealed as more_sealed from cases c"
        " join leg l on l.case_id = c.id join operation o on o.leg_id = l.id"
        " where c.id = $1 and l.id = $2 and o.id = $3",
        op.case_id,
        op.leg_id,
        op.id,
        inline=True,
    )
    row = rows[0]
    try:
        form = orjson.loads(vault.open(row["form_sealed"], table="cases", row=op.case_id, column="form_sealed"))
        if row["more_sealed"]:
            more = vault.open(row["more_sealed"], table="operation", row=op.id, column="form_sealed")
            form = {**form, **orjson.loads(more)}
    except Erased:  # forgotten this moment: what erasure leaves of a form
        form = {}
    return Order(
        reference=op.reference,
        service=op.service,
        form=form,
        agency_reference=op.agency_reference or row["agency_reference"],
        at=from_ms(op.created_ms),
    )
