"""What a gateway pushed, read a second time from where the inbox keeps it: a hint, kept beside the gateway's answers.

The inbox verified and matched it; here it is remembered with the payment (the inbox forgets after a week) and makes
the cashier ask. Nothing is entered because of it.
"""

from typing import Any

import orjson

from aggregator.cases import ledger as journal
from aggregator.cases.lifecycle import LOOKED_AT, State
from aggregator.cases.settle import Step
from aggregator.feed.events import NewEvent
from aggregator.payments import payment as rows
from aggregator.payments.payment import Payment
from aggregator.payments.till import GATEWAY_KIND, Till
from aggregator.payments.verdict import PAID, Verdict, verdict_of
from aggregator.registry.agency import Agency
from aggregator.sdk.callback import Callback, Notifies, Unverified
from aggregator.sdk.clock import epoch_ms, from_ms
from aggregator.store import Run

_NEW = (
    "select i.id, i.agency, i.path_sealed, i.headers_sealed, i.body_sealed, i.received_ms, p.id as payment_id"
    " from inbox i left join payment p on p.order_id = i.operation_id"
    " where i.state = 'DONE' and i.noted = 0 and i.agency = $1 order by i.received_ms, i.id limit 50"
)


async def take(till: Till) -> list[Payment]:
    """Remembers what was pushed since; the payments it is about that are closed, and must be looked at again."""
    late: list[Payment] = []
    for agency in [one for one in till.registry().agencies.values() if one.kind == GATEWAY_KIND]:
        for row in await till.desk.store.read(_NEW, agency.id):
            found = await till.desk.store.write(_taking(till, agency, row))
            if found is not None:
                late.append(found)
    return late


def _taking(till: Till, agency: Agency, row: Any) -> Any:
    async def put(run: Run) -> Payment | None:
        return await _take(run, till, agency, row)

    return put


async def _take(run: Run, till: Till, agency: Agency, row: Any) -> Payment | None:
    first = await run("update inbox set noted = 1 where id = $1 and noted = 0 returning id", row["id"])
    payment = await rows.by_id(run, row["payment_id"] or "")
    if payment is None or not first:
        return None
    said = _said(till, agency, payment, row)
    await keep(run, row["id"], payment, said, from_ms(row["received_ms"]), source="webhook")
    at = till.desk.clock.now()
    if said.kind == "refund":
        await _look_at_refund(run, payment, at)
        return None
    if payment.closed_ms is not None:
        known = said.gateway_payment and said.gateway_payment == payment.gateway_payment
        return payment if said.word == PAID and not known else None
    if payment.collected_ms is None:
        await rows.move(run, payment, at, next_action_ms=epoch_ms(at))
    return None


def _said(till: Till, agency: Agency, payment: Payment, row: Any) -> Verdict:
    vault, name = till.desk.vault, row["id"]
    callback = Callback(
        vault.open(row["path_sealed"], table="inbox", row=name, column="path_sealed").decode(),
        orjson.loads(vault.open(row["headers_sealed"], table="inbox", row=name, column="headers_sealed")),
        vault.open(row["body_sealed"], table="inbox", row=name, column="body_sealed"),
        from_ms(row["received_ms"]),
    )
    driver = agency.guarded.driver
    if not isinstance(driver, Notifies):
        return Verdict("", trouble="word_unknown")
    try:
        return verdict_of(payment, driver.notified(callback).reading, str(agency.settings.option("payee", "")))
    except Unverified:
        return Verdict("", trouble="signature_outlived")


async def keep(  # noqa: PLR0913 - a word has this many circumstances
    run: Run, row_id: str, payment: Payment, said: Verdict, at: Any, *, source: str
) -> None:
    """One word of the gateway, answered or pushed, for the evidence pack."""
    await run(
        "insert into payment_word (id, payment_id, source, kind, word, paid_paise, gateway_payment, agrees, at_ms)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        row_id,
        payment.id,
        source,
        said.kind,
        said.word or "UNKNOWN",
        said.paid_paise,
        said.gateway_payment,
        int(not said.trouble),
        epoch_ms(at),
    )


async def _look_at_refund(run: Run, payment: Payment, at: Any) -> list[NewEvent]:
    """A word about the refund is no proof of it: its operation is looked up now."""
    op = await journal.operation(run, payment.refund_id) if payment.refund_id else None
    if op is None or not (op.state in LOOKED_AT or op.state is State.PENDING):
        return []
    look = Step(op.state, op.reason_code, op.citizen_text_key, epoch_ms(at), op.owner, op.doubtful)
    return (await journal.move(run, op, look, at)).events


_CLAIMED = (
    "select word, paid_paise, gateway_payment, agrees from payment_word where payment_id = $1 and source = 'webhook'"
    " and kind = 'payment' order by at_ms desc, id desc"
)


async def contradicts(run: Run, payment: Payment, answer: Verdict) -> bool:
    """Whether a signed webhook said something else than the gateway's answer says now."""
    claims = await run(_CLAIMED, payment.id)
    paid = [claim for claim in claims if claim["word"] == PAID]
    if answer.word == PAID:
        return any(
            (claim["gateway_payment"], claim["paid_paise"]) != (answer.gateway_payment, answer.paid_paise)
            for claim in paid
        )
    return bool(paid)
