"""What a driver is: a plain class whose public coroutines are declared operations.

No base class. What it defines is what it can do; the Protocols below are the names of those abilities, and
nothing throws "not supported". The class of an operation says what repeating it would do, because that is a
fact of the agency's API; undeclared means opaque. What follows from it is decided once, elsewhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

from aggregator.sdk.model import Absent, Document, Facts, Order, Reading, Receipt, Slot

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__operation__"


MONEY = frozenset({"pay", "post", "refund"})
"""Operations that move money: their absence needs three counted looks, and people decide about them in pairs."""


class Class(StrEnum):
    """What the agency guarantees about a repeated request. Source: docs/outcomes.md section 2."""

    SAFE = "safe"
    IDEMPOTENT = "idempotent"
    KEYED = "keyed"
    UNIQUE = "unique"
    QUERYABLE = "queryable"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The declared facts of one operation. Durations in seconds.

    An agency's block in registry.toml may only make them stricter (`aggregator.registry.tighten`).
    Source: docs/outcomes.md section 3, which says what a wrong value costs.
    """

    name: str = ""
    cls: Class = Class.OPAQUE
    timeout_s: float = 30.0
    max_apply_delay_s: float | None = None
    query_lag_s: float = 60.0
    key_ttl_s: float | None = None
    ref_in: str = ""
    resend: str = "same_bytes"
    volatile_fields: tuple[str, ...] = ()
    match_fields: tuple[str, ...] = ()
    match_window_s: float | None = None
    refusal_codes: frozenset[str] = frozenset()
    already_exists_codes: frozenset[str] = frozenset()
    shed_unsent_codes: frozenset[str] = frozenset()
    gateway_unsent: frozenset[int] = frozenset({401, 403, 412})
    answer_due_s: float = 86_400.0
    stale_after_s: float = 7 * 86_400.0
    first_look_s: float = 90.0
    look_gap_s: float = 300.0
    max_sends: int = 3
    query_budget_per_hour: int = 600
    control_reference: str = "auto"
    wire_linger_s: float = 30.0
    fresh_s: float = 0.0
    """For a safe operation: how long an answer may be shown again without asking."""
    stale_s: float = 86_400.0
    """For a safe operation: how long the last good answer may stand in while the agency is away."""
    cap_bytes: int = 1_048_576
    by_form: bool = False
    """For `find`: without a reference and a number it searches for what the form says, from `order.at` on."""

    @property
    def moves_money(self) -> bool:
        return self.name in MONEY

    @property
    def absences_needed(self) -> int:
        """Counted looks that prove an absence. Source: docs/outcomes.md section 9."""
        return 3 if self.moves_money else 2

    @property
    def effective(self) -> Class:
        """The class after its own conditions: no bound on late acting means opaque.

        A look-up proves absence only after the last moment at which the agency may still act.
        """
        needs_bound = self.cls in {Class.QUERYABLE, Class.UNIQUE, Class.IDEMPOTENT, Class.KEYED}
        if needs_bound and self.max_apply_delay_s is None:
            return Class.OPAQUE
        if self.cls is Class.KEYED and self.key_ttl_s is None:
            return Class.OPAQUE
        return self.cls


def operation(cls: Class, **facts: Any) -> Callable[[F], F]:
    """Declares a driver's coroutine as an operation of this class.

    `facts` are fields of `Declared`; sets may be given as any iterable.
    Raises TypeError at import for a fact that does not exist.
    """
    frozen: dict[str, Any] = {
        key: frozenset(value) if key.endswith(("_codes", "_unsent")) else value for key, value in facts.items()
    }
    declared = Declared(cls=cls, **frozen)

    def mark(function: F) -> F:
        setattr(function, _MARK, replace(declared, name=function.__name__))
        return function

    return mark


def operations_of(driver: type) -> dict[str, Declared]:
    """The declared operations of a driver class, by name."""
    return {
        name: member.__operation__
        for name, member in vars(driver).items()
        if isinstance(getattr(member, _MARK, None), Declared)
    }


@dataclass(frozen=True, slots=True)
class Settings:
    """What an agency's block in registry.toml gives its driver. Secrets are resolved values here."""

    url: str
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def secret(self, name: str) -> str:
        """Raises KeyError for a secret adapter.toml does not declare; the registry checks the rest at load."""
        return self.secrets[name]

    def option(self, name: str, default: Any = None) -> Any:
        return self.options.get(name, default)


@runtime_checkable
class Submits(Protocol):
    async def submit(self, order: Order) -> Receipt: ...


@runtime_checkable
class Tracks(Protocol):
    async def track(self, order: Order) -> Reading: ...


@runtime_checkable
class Finds(Protocol):
    """`find` returns *every* match by our reference: the second one is the news.

    Declared `by_form`, an order without reference and number is looked for by its form: what the same citizen
    filed of the same matter since `order.at`, whosever reference it carries, shown in `Receipt.reference`.
    """

    async def find(self, order: Order) -> list[Receipt]: ...


@runtime_checkable
class Lists(Protocol):
    """`changes` returns what the agency took between form `from` and `to` (RFC 3339), each with our reference if it
    carries one. After a restore it tells what the database has forgotten.
    """

    async def changes(self, order: Order) -> list[Receipt]: ...


@runtime_checkable
class LooksUp(Protocol):
    async def lookup(self, order: Order) -> Facts | Absent: ...


@runtime_checkable
class Pays(Protocol):
    async def pay(self, order: Order) -> Receipt: ...


@runtime_checkable
class Books(Protocol):
    async def slots(self, order: Order) -> list[Slot]: ...

    async def book(self, order: Order) -> Receipt: ...


@runtime_checkable
class Cancels(Protocol):
    async def cancel(self, order: Order) -> Receipt: ...


@runtime_checkable
class Reminds(Protocol):
    async def remind(self, order: Order) -> Receipt: ...


@runtime_checkable
class Documents(Protocol):
    async def document(self, order: Order) -> Document | Absent: ...


CODE_REASONS = frozenset({"code_wrong", "code_expired", "code_used", "code_blocked"})
"""How an agency may say no to a code it sent: the `reason` of `Refused`. After the first one it may be tried again."""


@runtime_checkable
class SendsCodes(Protocol):
    """The agency proves whose a record is by its own code, sent to the mobile number it has on record.

    `send_code` takes the form that names the record. Its receipt's `agency_reference` is the sending as the agency
    knows it: sealed, never shown. Facts: `sent_to` where it went (`aggregator.sdk.form.masked_mobile`), `tries` and
    `life_s` as far as the agency says. `check_code` takes that reference and the same form with `code` in it; a
    receipt means that the code was right, Refused with one of CODE_REASONS that it was not. A code is never kept.
    """

    async def send_code(self, order: Order) -> Receipt: ...

    async def check_code(self, order: Order) -> Receipt: ...


@runtime_checkable
class Probes(Protocol):
    async def probe(self, order: Order) -> None: ...


CAPABILITIES: dict[str, type] = {
    "submits": Submits,
    "tracks": Tracks,
    "finds": Finds,
    "lists": Lists,
    "looks_up": LooksUp,
    "pays": Pays,
    "books": Books,
    "cancels": Cancels,
    "reminds": Reminds,
    "documents": Documents,
    "sends_codes": SendsCodes,
    "probes": Probes,
}


def capabilities_of(driver: object) -> tuple[str, ...]:
    """The names of what this driver can do, from what it defines."""
    return tuple(name for name, protocol in CAPABILITIES.items() if isinstance(driver, protocol))
