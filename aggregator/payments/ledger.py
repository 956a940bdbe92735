"""The ledger: integer paise, appended to and never changed; every entry sums to 0 and names its evidence.

Nothing is entered that is not proved: a doubtful collection has no entry. One entry per (payment, fact, subject), so
a repeated webhook or a file read twice adds nothing. Source: docs/outcomes.md section 12.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aggregator.sdk.clock import Chance, Clock, epoch_ms, new_id
from aggregator.store import Row, Run


class Fact(StrEnum):
    """What was proved. A debit is positive, a credit negative."""

    COLLECTED = "collected"  # gateway / held
    POSTED = "posted"  # held / biller
    REFUNDED = "refunded"  # held / gateway
    SETTLED = "settled"  # bank and fees / gateway
    PAID_OUT = "paid_out"  # biller / bank
    UNPOSTED = "unposted"  # biller / held: what it had confirmed is proved absent
    RECOVERABLE = "recoverable"  # recoverable from the biller / biller


ACCOUNTS: Mapping[Fact, tuple[str, str]] = {
    Fact.COLLECTED: ("gateway", "held"),
    Fact.POSTED: ("held", "biller"),
    Fact.REFUNDED: ("held", "gateway"),
    Fact.SETTLED: ("bank", "gateway"),
    Fact.PAID_OUT: ("biller", "bank"),
    Fact.UNPOSTED: ("biller", "held"),
    Fact.RECOVERABLE: ("recoverable", "biller"),
}
"""The account a fact debits, and the one it credits."""


class Unbalanced(Exception):
    """The ledger would not balance; nothing was written. A fault of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One proved fact. `subject` tells two of a kind apart: a gateway's payment id, an operation, a file's line.

    `fees_paise` of a settlement: what the gateway kept.
    """

    payment_id: str
    fact: Fact
    subject: str
    amount_paise: int
    operation_id: str = ""
    attempt: int = 0
    evidence: str = ""
    fees_paise: int = 0

    def lines(self) -> dict[str, int]:
        """Paise by account. Raises Unbalanced for an amount that is none."""
        if self.amount_paise <= 0 or not 0 <= self.fees_paise <= self.amount_paise:
            raise Unbalanced(f"{self.fact.value}: an amount of {self.amount_paise} paise")
        debit, credit = ACCOUNTS[self.fact]
        found = {debit: self.amount_paise - self.fees_paise, credit: -self.amount_paise, "fees": self.fees_paise}
        return {account: paise for account, paise in found.items() if paise}


@dataclass(frozen=True, slots=True)
class Sums:
    """A payment's money by fact, in paise. `held` is the money in doubt."""

    collected: int = 0
    posted: int = 0
    refunded: int = 0
    recoverable: int = 0
    held: int = 0

    @property
    def balances(self) -> bool:
        """The law of every payment: nothing comes from nowhere, nothing goes twice."""
        return self.held >= 0 and self.collected + self.recoverable == self.posted + self.refunded + self.held


@dataclass(frozen=True, slots=True)
class Pen:
    """What an entry is written with."""

    clock: Clock
    chance: Chance


async def enter(run: Run, pen: Pen, entry: Entry, at: datetime) -> bool:
    """Appends the entry; False when this very fact is in the ledger already. Raises Unbalanced, Conflict."""
    known = await run(
        "select id from money_entry where payment_id = $1 and fact = $2 and subject = $3",
        entry.payment_id,
        entry.fact.value,
        entry.subject,
    )
    if known:
        return False
    entry_id = new_id("ent", pen.clock, pen.chance)
    lines = entry.lines()
    if sum(lines.values()):
        raise Unbalanced(entry.fact.value)
    await run(
        "insert into money_entry (id, payment_id, fact, subject, operation_id, attempt, evidence, at_ms)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        entry_id,
        entry.payment_id,
        entry.fact.value,
        entry.subject,
        entry.operation_id,
        entry.attempt,
        entry.evidence,
        epoch_ms(at),
    )
    for account, paise in lines.items():
        await run("insert into money_line (entry_id, account, paise) values ($1, $2, $3)", entry_id, account, paise)
    await run("update payment set held_paise = held_paise - $1 where id = $2", lines.get("held", 0), entry.payment_id)
    if not (await sums(run, entry.payment_id)).balances:
        raise Unbalanced(f"{entry.fact.value} of {entry.payment_id}")
    return True


SUMS = (
    "select e.fact, l.account, cast(sum(l.paise) as bigint) as paise from money_entry e"
    " join money_line l on l.entry_id = e.id where e.payment_id = $1 group by e.fact, l.account"
)


async def sums(run: Run, payment_id: str) -> Sums:
    """A payment's money as the ledger has it."""
    return summed(await run(SUMS, payment_id))


def summed(rows: list[Row]) -> Sums:
    """The sums in rows of fact, account and paise."""
    by = {(row["fact"], row["account"]): int(row["paise"]) for row in rows}
    return Sums(
        collected=by.get(("collected", "gateway"), 0),
        posted=-sum(by.get((fact, "biller"), 0) for fact in ("posted", "unposted", "recoverable")),
        refunded=-by.get(("refunded", "gateway"), 0),
        recoverable=by.get(("recoverable", "recoverable"), 0),
        held=-sum(paise for (_, account), paise in by.items() if account == "held"),
    )


HELD = "select gateway, cast(sum(held_paise) as bigint) as paise from payment where held_paise <> 0 group by gateway"
"""Money in doubt by gateway, where there is any."""

UNBALANCED = "select entry_id from money_line group by entry_id having sum(paise) <> 0"
"""Entries that do not sum to 0: none, ever."""
