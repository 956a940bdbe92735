"""Questions about a case that its agency answers live: free slots, the paper it issued, its own history.

Asked with the leg's journaled order, so the agency sees its own number and the citizen's second factor as it did when
the case was opened. Nothing is stored; what a question adds to the form (a week, a place) is forgotten after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aggregator.cases.attempt import Desktop
from aggregator.cases.consolidate import WATCHED
from aggregator.cases.operation import COLUMNS, operation_of
from aggregator.cases.orders import order_of
from aggregator.cases.record import CaseRecord, LegRecord
from aggregator.registry.agency import Agency, Registry
from aggregator.resilience.pipeline import Answer
from aggregator.sdk.adapter import Class


class NotAskable(Exception):
    """No leg of the case can be asked this; `reason` has a sentence in texts, `agency` is the one meant."""

    def __init__(self, reason: str, agency: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.agency = agency


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: a safe operation by its name, what it adds to the form, and how long to wait for the answer.

    `kept`: the last good answer may stand in while the agency is away.
    """

    operation: str
    more: Mapping[str, Any]
    deadline_s: float
    kept: bool = True


def asked_leg(registry: Registry, record: CaseRecord, operation: str) -> tuple[LegRecord, Agency]:
    """The first leg whose agency can be asked. Raises NotAskable with the reason."""
    offering = [
        (leg, agency)
        for leg in record.legs
        if leg.source != WATCHED and (agency := registry.agencies.get(leg.agency)) is not None
        if operation in agency.operations and agency.operations[operation].cls is Class.SAFE
    ]
    if not offering:
        raise NotAskable("not_offered", record.legs[0].agency)
    for leg, agency in offering:
        if leg.agency_reference and leg.effect == "done":
            return leg, agency
    raise NotAskable("not_there_yet", offering[0][0].agency)


async def ask_leg(desk: Desktop, leg: LegRecord, agency: Agency, question: Question) -> Answer:
    """What the leg's agency answers now, or answered last. Raises AgencyError, NotAttempted, Tampered."""
    rows = await desk.store.read(
        f"select {COLUMNS} from operation where leg_id = $1 order by created_ms, id limit 1",  # noqa: S608 - a constant
        leg.id,
        inline=True,
    )
    order = await order_of(desk.store, desk.vault, operation_of(rows[0]))
    return await agency.guarded.read(
        question.operation,
        replace(order, form={**order.form, **question.more}),
        deadline_s=question.deadline_s,
        person=leg.id,
        cached=question.kept,
    )
