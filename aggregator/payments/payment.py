"""A payment as its row stands, and the only function that moves it: a compare-and-set on its version."""

from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from aggregator.sdk.clock import IST, epoch_ms, from_ms
from aggregator.store import Run

CURRENCY = "INR"


class Phase(StrEnum):
    """Where the money is, in a citizen's words. Source: docs/outcomes.md section 15."""

    PREPARING = "PREPARING"  # the gateway has not confirmed our order; nobody can pay it yet
    WAITING = "WAITING"  # the citizen may pay
    IN_DOUBT = "IN_DOUBT"  # whether the bank was charged is not known
    POSTING = "POSTING"  # paid; the biller has not recorded it yet
    POSTED = "POSTED"
    REFUNDING = "REFUNDING"
    REFUND_IN_DOUBT = "REFUND_IN_DOUBT"
    REFUNDED = "REFUNDED"
    NOT_PAID = "NOT_PAID"
    CONFLICT = "CONFLICT"  # recorded twice, or after a refund, or the two sides disagree
    WITH_PERSON = "WITH_PERSON"  # money is held, and no machine may decide


ENDED = frozenset({Phase.POSTED, Phase.REFUNDED, Phase.NOT_PAID})
CLOCKED = frozenset(Phase) - ENDED - {Phase.PREPARING, Phase.WAITING}
"""Phases in which the T+1 and T+5 clocks run."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A row of table `payment`. Times are epoch milliseconds, amounts integer paise."""

    id: str
    case_id: str
    portal_id: str
    citizen_id: str
    agency: str
    gateway: str
    account_index: str
    bill_key: str
    amount_paise: int
    bill_as_of_ms: int
    order_id: str
    """The operation at the gateway that made the order."""
    post_id: str
    """The operation at the biller; empty until the money was verified."""
    refund_id: str
    phase: str
    reason_code: str
    owner: str
    word: str
    """What the gateway said last: OPEN, PENDING, PAID, EXPIRED, CANCELLED, or "" before the first answer."""
    bank_reference: str
    gateway_payment: str
    pay_url: str
    return_url: str
    asked: int
    """Verifications the gateway answered."""
    misses: int
    """Counted negative verifications after the order ended."""
    missed_ms: int | None
    disagreed: int
    """Verifications in a row that contradicted a signed webhook."""
    late: int
    """1: money came for a payment that was closed. It holds no lock on its bill."""
    refund_wanted: int
    """1: give it back as soon as it is proved that the biller does not have it."""
    warned: int
    """0, 1 after T+1, 2 after T+5."""
    seen: str
    """The states of its operations when the cashier last looked."""
    next_action_ms: int
    expires_ms: int
    collected_ms: int | None
    matched_ms: int | None
    closed_ms: int | None
    created_ms: int
    updated_ms: int
    version: int
    for_case_id: str = ""
    """The case whose fee it is; "" for a bill."""
    for_leg_id: str = ""

    @property
    def reference(self) -> str:
        """What gateway and biller know it by: the key of its order, post and refund."""
        return self.id.removeprefix("pay_")

    @property
    def day(self) -> str:
        """The ISO day in India on which the money was collected, else the order made."""
        return from_ms(self.collected_ms or self.created_ms).astimezone(IST).date().isoformat()


_COLUMNS = tuple(field.name for field in fields(Payment))
COLUMNS = ", ".join(_COLUMNS)


class Moved(Exception):
    """Somebody else moved the payment first. Nothing was written."""


def payment_of(row: Any) -> Payment:
    """The payment in a row that holds `COLUMNS`."""
    return Payment(**{name: row[name] for name in _COLUMNS})


async def insert(run: Run, payment: Payment) -> None:
    """Raises Conflict when another payment for the bill is open."""
    marks = ", ".join(f"${n}" for n in range(1, len(_COLUMNS) + 1))
    values = asdict(payment)
    await run(f"insert into payment ({COLUMNS}) values ({marks})", *(values[name] for name in _COLUMNS))  # noqa: S608 - our own names


async def by_id(run: Run, payment_id: str) -> Payment | None:
    rows = await run(f"select {COLUMNS} from payment where id = $1", payment_id)  # noqa: S608 - a constant
    return payment_of(rows[0]) if rows else None


async def move(run: Run, before: Payment, at: Any, **changes: Any) -> Payment:
    """Writes what changed. Raises Moved when the row is no longer as `before` says."""
    after = replace(before, **changes, updated_ms=epoch_ms(at), version=before.version + 1)
    told = {name: value for name, value in asdict(after).items() if value != getattr(before, name)}
    sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(told, 1))
    rows = await run(
        f"update payment set {sets} where id = ${len(told) + 1} and version = ${len(told) + 2} returning id",  # noqa: S608 - our own names
        *told.values(),
        before.id,
        before.version,
    )
    if not rows:
        raise Moved(before.id)
    return after
