"""Where a citizen's money is, in one pack: every identifier, every time, both files' lines, the ledger, the looks.

No form, no name and no account number is in it: an operator may hand it to a bank or a biller as it is.
"""

from collections.abc import Iterable
from typing import Any

from aggregator.cases.number import shown
from aggregator.payments.ledger import SUMS, summed
from aggregator.payments.payment import CURRENCY, Payment
from aggregator.sdk.clock import from_ms
from aggregator.store import Row, Store

_OPERATIONS = (
    "select id, agency, name, reference, agency_reference, state, attempt, sends, looks, reason_code, owner,"
    " created_ms as created_at, first_sent_ms as first_sent_at, updated_ms as updated_at"
    " from operation where case_id = $1 or id = $2 order by created_ms, id"
)
_ATTEMPTS = (
    "select a.operation_id, a.n, a.started_ms as started_at, a.ended_ms as ended_at, a.request_sha256, a.sent,"
    " a.answered, a.outcome, a.why, a.driver_version, a.reply_status from attempt a"
    " join operation o on o.id = a.operation_id where o.case_id = $1 or o.id = $2 order by a.started_ms, a.n"
)
_LOOKS = (
    "select k.operation_id, k.n, k.at_ms as at, k.result, k.counted, k.control, k.matches from look k"
    " join operation o on o.id = k.operation_id where o.case_id = $1 or o.id = $2 order by k.at_ms, k.n"
)
_WORDS = (
    "select source, kind, word, paid_paise, gateway_payment, agrees, at_ms as at from payment_word"
    " where payment_id = $1 order by at_ms, id"
)
_ENTRIES = (
    "select e.fact, e.subject, e.operation_id, e.attempt, e.evidence, e.at_ms as at, l.account, l.paise"
    " from money_entry e join money_line l on l.entry_id = e.id where e.payment_id = $1"
    " order by e.at_ms, e.id, l.account"
)
LINES = (
    "select agency, side, day, kind, reference, number, amount_paise, fee_paise, utr, at from money_file_line"
    " where reference = $1 or (agency = $2 and number in ($3, $4)) or (agency = $5 and number = $6)"
    " order by day, side, line_key"
)
_ITEMS = (
    "select kind, agency, owner, day, amount_paise, state, resolution, opened_ms as opened_at, closed_ms as closed_at"
    " from money_item where payment_id = $1 order by opened_ms, id"
)
_CHECKS = (
    "select round, state, asked, answered, absent, opened_ms as opened_at, due_ms as due_at, closed_ms as closed_at"
    " from posting_check where payment_id = $1 order by round"
)


async def evidence_of(store: Store, payment: Payment) -> dict[str, Any]:
    """The pack. Times in RFC 3339, amounts in integer paise."""
    case = (await store.read("select number, service_id from cases where id = $1", payment.case_id))[0]
    mine = (payment.case_id, payment.post_id)
    return {
        "payment": _payment(payment, case),
        "operations": _rows(await store.read(_OPERATIONS, *mine)),
        "attempts": _rows(await store.read(_ATTEMPTS, *mine)),
        "looks": _rows(await store.read(_LOOKS, *mine)),
        "gateway_words": _rows(await store.read(_WORDS, payment.id)),
        "ledger": _rows(await store.read(_ENTRIES, payment.id)),
        "held_paise": summed(await store.read(SUMS, payment.id)).held,
        "file_lines": _rows(await lines_of(store, payment)),
        "posting_checks": _rows(await store.read(_CHECKS, payment.id)),
        "items": _rows(await store.read(_ITEMS, payment.id)),
    }


async def lines_of(store: Store, payment: Payment) -> list[Row]:
    """The lines of both files that speak of this payment: by our reference, or by either side's number."""
    found = await store.read("select agency_reference from operation where id = $1", payment.post_id)
    posted = found[0]["agency_reference"] if found else ""
    return await store.read(
        LINES,
        payment.reference,
        payment.gateway,
        payment.gateway_payment or "-",
        payment.bank_reference or "-",
        payment.agency,
        posted or "-",
    )


def _payment(payment: Payment, case: Row) -> dict[str, Any]:
    told = {
        "id": payment.id,
        "number": shown(case["number"]),
        "case_id": payment.case_id,
        "for_case_id": payment.for_case_id,
        "service_id": case["service_id"],
        "biller": payment.agency,
        "gateway": payment.gateway,
        "bill": payment.bill_key,
        "amount_paise": payment.amount_paise,
        "currency": CURRENCY,
        "reference": payment.reference,
        "phase": payment.phase,
        "reason_code": payment.reason_code,
        "owner": payment.owner,
        "gateway_payment": payment.gateway_payment,
        "bank_reference": payment.bank_reference,
        "bill_as_of": payment.bill_as_of_ms,
        "created_at": payment.created_ms,
        "expires_at": payment.expires_ms,
        "collected_at": payment.collected_ms,
        "matched_at": payment.matched_ms,
        "closed_at": payment.closed_ms,
    }
    return _readable(told)


def _rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [_readable({key: row[key] for key in row.keys()}) for row in rows]  # noqa: SIM118 - a row iterates over values


def _readable(told: dict[str, Any]) -> dict[str, Any]:
    """Times as text; what is not there is left out."""
    return {
        key: from_ms(value).isoformat(timespec="milliseconds") if _is_time(key, value) else value
        for key, value in told.items()
        if value is not None and value != ""
    }


def _is_time(key: str, value: Any) -> bool:
    return isinstance(value, int) and (key in {"at", "bill_as_of"} or key.endswith("_at"))
