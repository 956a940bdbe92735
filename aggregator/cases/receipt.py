"""The signed receipt: enough to rebuild a case the database forgot, and nothing about the citizen.

A JWS (ES256) over number, service and references, verifiable offline with the keys at /oauth/jwks.json.
Source: docs/outcomes.md section 13, where a restored store adopts cases from it.
"""

from typing import Any

from aggregator.cases.number import shown
from aggregator.cases.record import CaseRecord
from aggregator.store import Store


async def receipt_claims(store: Store, record: CaseRecord) -> dict[str, Any]:
    """The claims of a case's receipt. Times are NumericDate (RFC 7519), in seconds."""
    rows = await store.read(
        "select agency, name, reference, agency_reference from operation where case_id = $1 order by created_ms, id",
        record.id,
    )
    return {
        "iss": "citizen-service-aggregator",
        "sub": record.id,
        "iat": int(record.created_at.timestamp()),
        "number": shown(record.number),
        "service": record.service_id,
        "kind": record.kind,
        "livemode": record.livemode,
        "references": [
            {
                "agency": row["agency"],
                "operation": row["name"],
                "ours": row["reference"],
                **({"theirs": row["agency_reference"]} if row["agency_reference"] else {}),
            }
            for row in rows
        ],
    }
