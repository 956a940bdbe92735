"""What the API asks of the rooms below it, and nothing more: tests can stand in for a room without patching one."""

from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from aggregator.cases.desk import Followed, Key, NewCase, Opened, Question, StoredAnswer, Wish
from aggregator.cases.enquire import Leave, Line, no_leave
from aggregator.cases.everything import Asked
from aggregator.cases.items import Decision, Item
from aggregator.cases.rebuild import Presented
from aggregator.cases.record import CaseRecord, EventRecord, LegRecord
from aggregator.cases.sums import Sums
from aggregator.cases.switch import Stop
from aggregator.cases.takeout import TakenCase
from aggregator.cases.worklist import Decided, Shown
from aggregator.citizens.links import Link
from aggregator.citizens.portals import Portal
from aggregator.citizens.session_record import Living
from aggregator.payments.counter import NewPayment, OpenedPayment
from aggregator.payments.payment import Payment
from aggregator.registry.agency import Agency, Registry, Service
from aggregator.resilience.pipeline import Answer


class DeskPort(Protocol):
    """`aggregator.cases.desk.Desk`."""

    async def open(self, new: NewCase, key: Key) -> Opened: ...

    async def answered(self, key: Key, answer: StoredAnswer) -> None: ...

    async def settled(self, case_id: str, timeout_s: float) -> CaseRecord: ...

    async def changed(self, case_id: str, version: int, timeout_s: float) -> CaseRecord | None: ...

    async def case(self, case_id: str, *, portal_id: str) -> CaseRecord | None: ...

    async def cases(  # noqa: PLR0913 - the filters of the list
        self,
        *,
        portal_id: str,
        citizen_ids: Sequence[str] | None = None,
        status: str | None = None,
        kind: str | None = None,
        service_id: str | None = None,
        updated_since: datetime | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Sequence[CaseRecord]: ...

    async def history(
        self, case_id: str, *, portal_id: str, after_seq: int = 0, limit: int = 200
    ) -> Sequence[EventRecord]: ...

    async def by_number(self, number: str) -> CaseRecord | None: ...

    def taken_along(self, citizen_ids: Sequence[str]) -> AsyncIterator[TakenCase]: ...

    async def sums(self, portal_id: str, citizen_ids: Sequence[str]) -> Sums: ...

    async def followed(self, asked: Followed) -> CaseRecord | None: ...

    async def receipt(self, case_id: str, *, portal_id: str) -> str: ...

    async def version(self, case_id: str, *, portal_id: str) -> int | None: ...

    def actions(self, record: CaseRecord) -> list[str]: ...

    async def ask(self, case_id: str, wish: Wish, key: Key) -> Opened: ...

    async def carried_out(self, case_id: str, action: str, timeout_s: float) -> CaseRecord: ...

    async def ask_leg(self, leg: LegRecord, agency: Agency, question: Question) -> Answer: ...


class ReceiptsPort(Protocol):
    """`aggregator.cases.rebuild.Rebuilding`."""

    async def present(self, brought: Presented) -> tuple[CaseRecord, bool]: ...


class PaymentsPort(Protocol):
    """`aggregator.payments.counter.Counter`."""

    async def open(self, new: NewPayment, key: Key) -> OpenedPayment: ...

    async def until(self, payment_id: str, timeout_s: float) -> tuple[Payment, str]: ...

    async def show(self, payment_id: str, *, portal_id: str) -> tuple[Payment, str] | None: ...

    async def payments(
        self, *, portal_id: str, phase: str = "", after: str = "", limit: int = 50
    ) -> list[tuple[Payment, str]]: ...

    async def of_citizen(self, citizen_ids: Sequence[str]) -> list[tuple[Payment, str]]: ...

    async def for_fee(self, case_id: str) -> Payment | None: ...

    async def case_number(self, case_id: str) -> str: ...

    async def look_again(self, payment_id: str) -> Payment | None: ...

    async def give_back(self, payment_id: str) -> Payment: ...

    async def receipt(self, payment: Payment) -> str: ...

    async def evidence(self, payment: Payment) -> Mapping[str, Any]: ...


class Enquire(Protocol):
    """`aggregator.cases.enquire.enquire`."""

    def __call__(  # noqa: PLR0913 - who is asked what, for whom, on whose leave, and how long we wait
        self,
        registry: Registry,
        service: Service,
        form: Mapping[str, Any],
        *,
        person: str,
        deadline_s: float,
        leave: Leave = no_leave,
    ) -> Awaitable[Sequence[Line]]: ...


class Everything(Protocol):
    """`aggregator.cases.everything.bills` and `.enquiries`."""

    async def bills(
        self, registry: Registry, links: Iterable[Link], *, person: str, deadline_s: float, leave: Leave = no_leave
    ) -> list[Asked]: ...

    async def enquiries(
        self, registry: Registry, links: Iterable[Link], *, person: str, deadline_s: float, leave: Leave = no_leave
    ) -> list[Asked]: ...


class WorklistPort(Protocol):
    """`aggregator.cases.worklist.Worklist`."""

    async def items(self, *, agency: str = "", after: tuple[int, str] = (0, ""), limit: int = 50) -> list[Item]: ...

    async def show(self, item_id: str) -> Shown: ...

    async def decide(self, item_id: str, decision: Decision, key: Key) -> Decided: ...

    async def answered(self, key: Key, answer: StoredAnswer) -> None: ...


class SwitchPort(Protocol):
    """`aggregator.cases.switch.Switches`."""

    async def stop(self, agency: str, *, by: str, reason: str, until: datetime | None = None) -> Stop: ...

    async def go(self, agency: str, *, by: str) -> bool: ...

    async def stops(self) -> list[Stop]: ...


class StreamPort(Protocol):
    """`aggregator.feed.stream.Stream`. Raises StalePosition."""

    async def batch(self, *, after: str | None, limit: int, timeout_s: float) -> Sequence[bytes]: ...


class PortalRegister(Protocol):
    """`aggregator.citizens.portals.Portals`."""

    async def authenticate(self, portal_id: str, secret: str) -> tuple[Portal, str] | None: ...

    async def public_keys(self, portal_id: str) -> list[tuple[str, str]]: ...

    async def active(self, portal_id: str, key_id: str) -> Portal | None: ...

    async def origins(self) -> frozenset[str]: ...

    async def issuer_keys(self, portal_id: str, issuer: str) -> str | None: ...


class LiveSessions(Protocol):
    """`aggregator.citizens.sessions.Sessions`, as far as a token's check needs it."""

    async def alive(self, session_id: str, portal_id: str) -> Living | None: ...


class Meter(Protocol):
    """`aggregator.resilience.pipeline.Meter`."""

    def called(self, agency: str, operation: str, outcome: str, seconds: float) -> None: ...

    def gauge(self, name: str, agency: str, value: float) -> None: ...
