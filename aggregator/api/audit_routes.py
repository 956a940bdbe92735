"""The audit log from outside: the roots that were signed, and the proof that an event is under one of them."""

import base64
from datetime import UTC, datetime

from aggregator.api.audit_shapes import AuditCheckpoint, AuditCheckpoints, AuditProof, AuditQuery
from aggregator.api.call import Call
from aggregator.api.problem import Problem
from aggregator.api.route import Answer, Route
from aggregator.feed.audit import Audit, Checkpoint, Proof
from aggregator.feed.events import seq_of


async def checkpoints(call: Call) -> Answer:
    """GET /audit."""
    query: AuditQuery = call.query
    found = await _audit(call).checkpoints(after_size=query.after_size, limit=query.limit)
    return Answer(AuditCheckpoints(items=tuple(checkpoint_view(one) for one in found)))


async def proof(call: Call) -> Answer:
    """GET /audit/proofs/{event_id}."""
    seq = seq_of(call.params["event_id"])
    found = None if seq is None else await _audit(call).proof(seq)
    if found is None:
        raise Problem("not-found")
    return Answer(proof_view(found))


def proof_view(found: Proof) -> AuditProof:
    return AuditProof(
        leaf_index=found.leaf_index,
        event=found.event,
        path=tuple(base64.b64encode(one).decode() for one in found.path),
        checkpoint=found.checkpoint.signed,
    )


def checkpoint_view(made: Checkpoint) -> AuditCheckpoint:
    at = datetime.fromtimestamp(made.at_ms // 1000, UTC)
    return AuditCheckpoint(size=made.size, root=made.root, at=at, signed=made.signed)


def _audit(call: Call) -> Audit:
    if call.rooms.audit is None:
        raise Problem("not-found")
    return call.rooms.audit


AUDIT = (
    Route(
        method="GET", path="/audit", operation_id="listAuditCheckpoints", handle=checkpoints, scope="audit.read",
        summary="Signed roots of the log",
        about="Keep them where the city's operators cannot reach: a later export is checked against them.",
        query=AuditQuery, result=AuditCheckpoints, document="operations",
    ),
    Route(
        method="GET", path="/audit/proofs/{event_id}", operation_id="getAuditProof", handle=proof, scope="audit.read",
        summary="Proof that an event is in the log", about="At most a minute after it happened.", result=AuditProof,
        document="operations",
    ),
)  # fmt: skip
