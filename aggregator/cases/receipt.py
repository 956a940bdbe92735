"""The signed receipt: enough to rebuild a case the database forgot, and nothing about the citizen.

A JWS (ES256) over number, service and references, verifiable offline with the keys at /oauth/jwks.json. Whose it is
stands in it as a keyed code of case and citizen together: we can tell whether the one who brings it is the one who got
it, and nobody can tell two receipts of one citizen apart from two of two.
Source: docs/outcomes.md section 13, where a restored store adopts cases from it.
"""

from typing import Any

from aggregator.cases.number import shown
from aggregator.cases.record import CaseRecord
from aggregator.citizens.envelopes import Envelopes
from aggregator.store import Store


def holder(vault: Envelopes, case_id: str, citizen_id: str) -> str:
    """The code of this citizen in the receipt of this case."""
    return vault.index(f"{case_id} {citizen_id}", "receipt")


async def receipt_claims(store: Store, vault: Envelopes, record: CaseRecord) -> dict[str, Any]:
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
        "portal": record.portal_id,
        "holder": holder(vault, record.id, record.citizen_id),
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
