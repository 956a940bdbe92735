"""Every history of payments that a few citizens, a gateway and a biller can have, with crashes in between (R27)."""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from money_books import Books
from money_town import MoneyTown, money_town

from aggregator.payments import check
from aggregator.payments import payment as rows
from aggregator.payments.cashier import Cashier
from aggregator.payments.collect import BillTaken, BillUnanswered, NotPayable
from aggregator.payments.payment import COLUMNS, Payment, payment_of
from aggregator.payments.till import Standing
from aggregator.sdk import waypoints
from aggregator.sdk.adapter import Class
from aggregator.sdk.clock import ManualClock, SystemClock
from aggregator.store import Run, Store, open_store

ACCOUNTS = ("1111", "2222")


CITIZENS = ("ctz_a", "ctz_b")


FATES = ("normal", "lost", "act then silence", "act then 500", "act late", "refuse")


POINTS = (
    "payment_order_made", "payment_after_verify", "payment_before_post", "payment_before_refund",
    "payment_before_delivery", "payment_refund_seen", "payment_before_second_look", "payment_after_second_look",
)  # fmt: skip


SHM = Path("/dev/shm")  # noqa: S108 - a database in memory: what is proved here is not the disk


class Crash(BaseException):
    """The process ends here."""


class Hasty(Cashier):
    """The naive control: what the biller does not confirm at once is given back."""

    async def serve(self, standing: Standing) -> None:
        if standing.post == "IN_DOUBT":
            await self._till.desk.store.write(lambda run: self._give_up(run, standing.payment))
        await super().serve(standing)

    async def _give_up(self, run: Run, payment: Payment) -> None:
        await run("update operation set state = 'CANCELLED' where id = $1", payment.post_id)
        await rows.move(run, payment, self._till.desk.clock.now(), refund_wanted=2)


class Money(RuleBasedStateMachine):
    """One town; every rule is something that happens to it."""

    locked, hasty = True, False
    counted: dict[str, int]
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(dir=SHM if SHM.exists() else None))
        shutil.copy(self.template, self.folder / "city.db")
        self.clock = ManualClock()
        self.books = Books(self.clock)
        self.said: list[tuple[str, str, dict[str, Any]]] = []
        self.crash_at = ""

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    @initialize(
        cls=st.sampled_from([Class.QUERYABLE, Class.KEYED, Class.OPAQUE]),
        paid=st.booleans(),
        fate=st.sampled_from(FATES),
    )
    def begin(self, cls: Class, paid: bool, fate: str) -> None:
        """A town in which the first payment is under way, perhaps paid already and about to go wrong."""
        self.cls = cls
        for account in ACCOUNTS:
            self.books.owe(account)
        self.store: Store = open_store(f"sqlite:///{self.folder}/city.db", clock=SystemClock())
        self.do(self.store.open())
        if not self.locked:
            self.do(self.store.write(lambda run: run("drop index one_open_payment_per_bill")))
        self.town = self.do(self._town())
        self.counted["histories"] += 1
        self.pay(ACCOUNTS[0], CITIZENS[0])
        self.books.script["pay"] = [fate]
        if paid:
            self.books.capture(self.do(self._payments())[0].reference)

    async def _town(self) -> MoneyTown:
        town = await money_town(self.store, cls=self.cls, clock=self.clock, books=self.books)
        if self.hasty:
            town.cashier = Hasty(town.till)
        return town

    async def _payments(self) -> list[Payment]:
        return [payment_of(row) for row in await self.store.read(f"select {COLUMNS} from payment order by id")]  # noqa: S608

    def _one(self, data: Any) -> Payment | None:
        known = self.do(self._payments())
        return data.draw(st.sampled_from(known)) if known else None

    @rule(account=st.sampled_from(ACCOUNTS), citizen=st.sampled_from(CITIZENS))
    def pay(self, account: str, citizen: str) -> None:
        """A citizen begins to pay a bill; perhaps another is paying it already."""
        known = self.do(self._payments())
        index = self.town.till.desk.vault.index(account, "payment.account")
        taken = [one for one in known if one.account_index == index and one.closed_ms is None and not one.late]
        try:
            self.do(self.town.open(account, citizen=citizen))
        except BillTaken:
            self.counted["blocked"] += 1
        except (BillUnanswered, NotPayable):
            pass
        else:
            self.counted["payments"] += 1
            assert not taken or not self.locked, "a second payment was begun while the first is open"
        self._turn(1)

    @rule(data=st.data())
    def capture(self, data: Any) -> None:
        """The citizen pays at the bank."""
        found = self._one(data)
        if found is not None and found.reference in self.books.orders:
            self.books.capture(found.reference)

    @rule(data=st.data())
    def capture_late(self, data: Any) -> None:
        """The bank captures although the order is over."""
        found = self._one(data)
        order = self.books.orders.get(found.reference) if found is not None else None
        if order is not None and found is not None and self.books.word(found.reference) == "EXPIRED":
            order["payments"].append({"id": self.books.number("P"), "amount": order["amount"]})

    @rule(data=st.data())
    def webhook(self, data: Any) -> None:
        """The gateway pushes where the order stands."""
        found = self._one(data)
        if found is not None and found.reference in self.books.orders:
            event, body = self.books.number("evt"), self.books.said(found.reference)
            self.said.append((found.reference, event, body))
            self.do(self.town.webhook(found.reference, event))
            self._turn(1)

    @rule(data=st.data())
    def webhook_again(self, data: Any) -> None:
        """An old webhook comes once more, under its own event or a new one."""
        if self.said:
            ref, event, body = data.draw(st.sampled_from(self.said))
            fresh = data.draw(st.booleans())
            self.do(self.town.webhook(ref, self.books.number("evt") if fresh else event, **body))
            self._turn(1)

    @rule(path=st.sampled_from(("order", "refund", "pay", "pay")), fates=st.lists(st.sampled_from(FATES), max_size=3))
    def next_writes(self, path: str, fates: list[str]) -> None:
        """How the next writes will end."""
        self.books.script[path] = list(fates)

    @rule(side=st.sampled_from(("bank", "board")))
    def outage(self, side: str) -> None:
        """One side goes away, or comes back."""
        self.books.down ^= {side}

    @rule(lags=st.booleans())
    def verify_lags(self, lags: bool) -> None:
        """The gateway's answers run behind what it pushed."""
        self.books.twisted = {"word": "OPEN"} if lags else {}

    @rule(seconds=st.sampled_from((1, 20, 61, 130, 400, 1900, 90_000)))
    def time(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.books.act_late()
        self._turn(2)

    @rule(data=st.data())
    def give_back(self, data: Any) -> None:
        """Somebody wants the money back."""
        found = self._one(data)
        if found is not None:
            try:
                self.do(self.town.counter.give_back(found.id))
            except NotPayable:
                return

    @rule()
    def files(self) -> None:
        """Both files of the day."""
        self.do(self.town.files())
        self._turn(1)

    @rule(data=st.data())
    def board_loses(self, data: Any) -> None:
        """The board confirmed a posting and has it no more; its bill is open again."""
        known = [one for one in self.do(self._payments()) if one.phase == "POSTED" and one.matched_ms is None]
        found = data.draw(st.sampled_from(known)) if known else None
        if found is None or self.do(check.latest(self.store.read, found.id))[1] == check.CheckState.FOUND:
            return
        lost = [one for one in self.books.posts if one["ref"] == found.reference]
        self.books.posts = [one for one in self.books.posts if one not in lost]
        for one in lost:
            self.counted["lost"] += 1
            self.books.owe(one["account"])

    @rule(misses=st.integers(0, 2))
    def search_misses(self, misses: int) -> None:
        """The board's search does not find what is there, once or twice."""
        self.books.misses = misses

    @precondition(lambda self: not self.crash_at)
    @rule(point=st.sampled_from(POINTS))
    def crash(self, point: str) -> None:
        """The process will end at this point, and another one starts."""
        self.crash_at = point

    def _turn(self, times: int) -> None:
        waypoints.watch = self._passing if self.crash_at else None
        try:
            self.do(self.town.turn(times))
        except Crash:
            self.counted["crashes"] += 1
            self.crash_at = ""
            self.town = self.do(self._town())
        finally:
            waypoints.watch = None

    def _passing(self, point: str) -> None:
        if point == self.crash_at:
            raise Crash

    @invariant()
    def nothing_twice(self) -> None:
        for account in ACCOUNTS:
            assert self.books.posted(f"B-{account}") <= 1, "a bill was posted twice"
        both = {one["ref"] for one in self.books.posts} & set(self.books.refunds)
        assert not both, "a posted payment was refunded"

    @invariant()
    def the_ledger_balances(self) -> None:
        if not hasattr(self, "town"):
            return
        assert self.do(self.town.unbalanced()) == []
        for one in self.do(self._payments()):
            money = self.do(self.town.money(one.id))
            assert money.balances, money
            assert one.closed_ms is None or money.held == 0, "closed with money held"

    def teardown(self) -> None:
        try:
            if hasattr(self, "town") and sys.exc_info()[0] is None:
                self._ends_explained()
        finally:
            if hasattr(self, "town"):
                self.do(self.town.delivery.stop())
                self.do(self.store.close())
            self.runner.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _ends_explained(self) -> None:
        """Everything comes back, time passes: every rupee is posted, given back, or somebody's."""
        self.books.down, self.books.twisted, self.crash_at, self.books.misses = set(), {}, "", 0
        self.books.script = {"order": [], "refund": [], "pay": []}
        for seconds in (61, 130, 400, 400, 2000, 400, 400):
            self.time(seconds)
        self.do(self.town.files())
        for seconds in (61, 400, 400, 400, 8_000, 8_000):
            self.time(seconds)
        self.do(self.town.files())  # the three books are compared every quarter of an hour
        self.time(61)
        self.nothing_twice()
        self.the_ledger_balances()
        items = {row["payment_id"] for row in self.do(self.store.read("select payment_id from money_item"))}
        for one in self.do(self._payments()):
            paid = bool(self.books.orders.get(one.reference, {}).get("payments"))
            posted = one.reference in {post["ref"] for post in self.books.posts}
            ended = {(True, True): "POSTED", (True, False): "REFUNDED", (False, False): "NOT_PAID"}.get((paid, posted))
            self.counted["posted"] += posted
            self.counted["refunded"] += one.phase == "REFUNDED"
            explained = one.phase == ended or one.id in items or one.owner != "system"
            assert explained, f"{one.phase} {one.reason_code}: paid {paid}, posted {posted}"
