"""What waits for a person, whatever it is: an operation in need of one, a callback nobody could place, money that
does not match.

Operations are read from their own rows: the row *is* the item. Other rooms open and close items of their own kind here,
in the commit that makes or settles the trouble, and say with a `Decider` what a decision about one does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from aggregator.cases.ledger import AGE_WARNS_MS
from aggregator.cases.lifecycle import State
from aggregator.citizens import four_eyes
from aggregator.feed.events import NewEvent
from aggregator.sdk.adapter import MONEY
from aggregator.sdk.clock import epoch_ms, from_ms
from aggregator.store import Run, Store

DAY_MS = 86_400_000
_MONEY = ", ".join(f"'{name}'" for name in sorted(MONEY))
_OPERATIONS = (
    "select o.id, 'operation' as kind, o.name as about, o.case_id, o.agency, o.reason_code, o.owner,"  # noqa: S608 - constants
    f" case when o.name in ({_MONEY}) then 1 else 0 end as money,"
    f" coalesce(o.doubt_since_ms, o.updated_ms) as since_ms from operation o where o.state = '{State.NEEDS_HUMAN}'"
)
_OTHERS = (
    "select id, kind, about, case_id, agency, reason_code, owner, money, since_ms from worklist_item"
    " where closed_ms is null"
)
OPEN = f"select * from ({_OPERATIONS} union all {_OTHERS}) as item"  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Item:
    """One thing a person must decide. `about`: the operation's name, or what another room calls it by."""

    id: str
    kind: str
    about: str
    case_id: str
    agency: str
    reason_code: str
    owner: str
    money: bool
    since: datetime

    @property
    def names(self) -> int:
        """How many different names a decision needs."""
        return 2 if self.money else 1

    def level(self, now: datetime) -> str:
        """new; warned after 2 hours; paged after 24."""
        age_ms = epoch_ms(now) - epoch_ms(self.since)
        return "new" if age_ms < AGE_WARNS_MS else "warned" if age_ms < DAY_MS else "paged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person wants done. `note` is the evidence or the reason in their words; it is sealed."""

    action: str
    by: str
    note: str
    agency_reference: str = ""
    agency_code: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, Any]:
        """What a second name stands for. The words of the note may differ; what is done may not."""
        return {"reference": self.agency_reference, "code": self.agency_code, "more": dict(self.more)}


class Undecidable(Exception):
    """The decision makes no sense for this item as it stands; `reason` has a sentence in texts."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Decider(Protocol):
    """What another room does with decisions about its items, inside the transaction that records them."""

    def actions(self, item: Item) -> tuple[str, ...]:
        """What can be decided, the suggested one first."""
        ...

    async def carry_out(self, run: Run, item: Item, decision: Decision, at: datetime) -> list[NewEvent]:
        """The decision's effect; closes the item if that settles it. Raises Undecidable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """Something for people. One open item per (kind, about)."""

    id: str
    kind: str
    about: str
    agency: str
    reason_code: str
    owner: str
    case_id: str = ""
    money: bool = False


async def open_item(run: Run, new: NewItem, at: datetime) -> list[NewEvent]:
    """Puts it before people, once; the event that tells of it, or none when it is there already."""
    now_ms = epoch_ms(at)
    rows = await run(
        "insert into worklist_item (id, kind, about, case_id, agency, reason_code, owner, money, since_ms, age_due_ms,"
        " closed_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, null) on conflict do nothing returning id",
        new.id,
        new.kind,
        new.about,
        new.case_id,
        new.agency,
        new.reason_code,
        new.owner,
        int(new.money),
        now_ms,
        now_ms + AGE_WARNS_MS,
    )
    data = {"item": new.id, "kind": new.kind, "reason": new.reason_code}
    return [NewEvent(type="worklist.opened", at=at, case_id=new.case_id, agency=new.agency, data=data)] if rows else []


async def close_item(run: Run, item_id: str, at: datetime) -> None:
    """It is settled, by a decision or by itself; what waited for a second name is void."""
    await run(
        "update worklist_item set closed_ms = $1, age_due_ms = null where id = $2 and closed_ms is null",
        epoch_ms(at),
        item_id,
    )
    await four_eyes.drop(run, item_id, at)


async def open_items(
    store: Store, *, agency: str = "", after: tuple[int, str] = (0, ""), limit: int = 50
) -> list[Item]:
    """What waits, the oldest first; after the item of this age and id."""
    rows = await store.read(
        f"{OPEN} where (since_ms > $1 or (since_ms = $1 and id > $2)) and ($3 = '' or agency = $3)"
        " order by since_ms, id limit $4",
        *after,
        agency,
        limit,
    )
    return [item_of(row) for row in rows]


async def one_item(store: Store, item_id: str) -> Item | None:
    rows = await store.read(f"{OPEN} where id = $1", item_id)
    return item_of(rows[0]) if rows else None


async def item_in(run: Run, item_id: str) -> Item | None:
    """The same inside a transaction."""
    rows = await run(f"{OPEN} where id = $1", item_id)
    return item_of(rows[0]) if rows else None


def item_of(row: Any) -> Item:
    return Item(
        id=row["id"],
        kind=row["kind"],
        about=row["about"],
        case_id=row["case_id"],
        agency=row["agency"],
        reason_code=row["reason_code"],
        owner=row["owner"],
        money=bool(row["money"]),
        since=from_ms(row["since_ms"]),
    )
