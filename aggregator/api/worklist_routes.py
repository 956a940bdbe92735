"""The rows of the route table that people at the worklist and the switches use."""

from aggregator.api import switches, worklist_items
from aggregator.api.route import Route
from aggregator.api.worklist_shapes import (
    DecisionAsked,
    DecisionTaken,
    OverrideAsked,
    OverrideLine,
    OverrideList,
    WorkItemDetail,
    WorkItemList,
    WorklistQuery,
)

WORKLIST = (
    Route(
        method="GET", path="/worklist", operation_id="listWorklist", handle=worklist_items.listing,
        scope="operations.read", summary="What waits for people", about="The oldest first; an item stays until solved.",
        query=WorklistQuery, result=WorkItemList, document="operations",
    ),
    Route(
        method="GET", path="/worklist/{item_id}", operation_id="getWorkItem", handle=worklist_items.show,
        scope="operations.read", summary="One item with its evidence",
        about="Attempts, trails, looks and late facts, what the evidence speaks for, and what can be decided.",
        result=WorkItemDetail, document="operations",
    ),
    Route(
        method="POST", path="/worklist/{item_id}/decisions", operation_id="decideWorkItem",
        handle=worklist_items.decide, scope="operations.write", summary="Decide an item",
        about="Where money moves the first name proposes and another one carries out; the same name twice is refused.",
        body=DecisionAsked, result=DecisionTaken, keyed=True, document="operations",
    ),
    Route(
        method="GET", path="/overrides", operation_id="listOverrides", handle=switches.listing,
        scope="operations.read", summary="Agencies that are stopped", about="By an operator's word, with its end.",
        result=OverrideList, document="operations",
    ),
    Route(
        method="POST", path="/health/{agency_id}/overrides", operation_id="overrideAgency", handle=switches.override,
        scope="operations.write", summary="Stop an agency, or let it go on",
        about="Holds from before the next send, over restarts and reloads; what is held keeps its number.",
        body=OverrideAsked, result=OverrideLine, success=(201,), document="operations",
    ),
)  # fmt: skip
