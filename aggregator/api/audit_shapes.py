"""What the audit log looks like from outside (RFC 6962 under a signed root)."""

from typing import Annotated

from msgspec import Meta

from aggregator.api.shapes import Asked, Given
from aggregator.api.words import When, many, signed, text, whole

_SIZES = 9_007_199_254_740_991
_Signed = Annotated[
    str,
    signed("A compact JWS over origin, size and root; the keys are at `/oauth/jwks.json`."),
]
_Hash = Annotated[str, text("SHA-256 in Base64.", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", most=44)]
_Size = Annotated[
    int,
    Meta(description="How many entries.", examples=[812], ge=0, le=_SIZES, extra_json_schema={"format": "int64"}),
]


class AuditQuery(Asked, frozen=True, kw_only=True):
    """From which checkpoint on."""

    after_size: Annotated[int, whole("The size of the last checkpoint seen.", 812)] = 0
    limit: Annotated[int, whole("How many at most.", 50, least=1, most=200)] = 50


class AuditCheckpoint(Given, frozen=True, kw_only=True):
    """A signed root over the first `size` events (RFC 6962)."""

    size: _Size
    root: Annotated[str, text("The root, in hex.", "e3b0c442" * 8, most=64, pattern="^[0-9a-f]{64}$")]
    at: When
    signed: _Signed


class AuditCheckpoints(Given, frozen=True, kw_only=True):
    """Oldest first; ask again with the last `size`."""

    items: Annotated[tuple[AuditCheckpoint, ...], many("The checkpoints.", 200)]


class AuditProof(Given, frozen=True, kw_only=True):
    """That an event is in the log: hash the event as a leaf, fold the path, and compare with the signed root."""

    leaf_index: _Size
    event: Annotated[str, text("The event's bytes as they were logged.", '{"specversion":"1.0"}', most=8000)]
    path: Annotated[tuple[_Hash, ...], many("The other sides, from the leaf up.", 64)]
    checkpoint: _Signed
