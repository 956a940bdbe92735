"""The signed receipt of a payment: what was paid to whom, under which numbers, and nothing about the citizen."""

from typing import Any

from aggregator.cases.number import shown
from aggregator.payments.payment import CURRENCY, Payment
from aggregator.store import Store


async def receipt_claims(store: Store, payment: Payment) -> dict[str, Any]:
    """The claims of a payment's receipt, in the form of a case's (`aggregator.cases.receipt`). Times in seconds."""
    case = (await store.read("select number, service_id, livemode from cases where id = $1", payment.case_id))[0]
    operations = await store.read(
        "select agency, name, reference, agency_reference from operation where case_id = $1 or id = $2"
        " order by created_ms, id",
        payment.case_id,
        payment.post_id,
    )
    applied = await store.read("select number from cases where id = $1", payment.for_case_id)
    return {
        "iss": "citizen-service-aggregator",
        "sub": payment.id,
        "iat": (payment.closed_ms or payment.updated_ms) // 1000,
        "number": shown(case["number"]),
        "service": case["service_id"],
        "kind": "PAYMENT",
        "livemode": bool(case["livemode"]),
        "phase": payment.phase,
        "payee": payment.agency,
        "bill": payment.bill_key,
        **({"fee_of": shown(applied[0]["number"])} if applied else {}),
        "amount_paise": payment.amount_paise,
        "currency": CURRENCY,
        "paid_at": (payment.collected_ms or 0) // 1000,
        "bank_reference": payment.bank_reference,
        "references": [
            {
                "agency": row["agency"],
                "operation": row["name"],
                "ours": row["reference"],
                **({"theirs": row["agency_reference"]} if row["agency_reference"] else {}),
            }
            for row in operations
        ],
    }
