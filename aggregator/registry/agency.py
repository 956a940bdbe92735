"""What a loaded registry holds: frozen facts about agencies and services, and each agency's guarded driver.

The core reads these and never the files. Titles are mappings by language (en, or, hi); English is always there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from aggregator.resilience.pipeline import Guarded
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Declared, Settings
from aggregator.sdk.trust import Trust

Words = Mapping[str, str]
FACTOR, AGENCY_CODE = "FACTOR", "AGENCY_CODE"
PROOFS = (FACTOR, AGENCY_CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How often statuses are read. `final_every_s` 0: a final leg is not read again."""

    every_s: float = 3600.0
    final_every_s: float = 0.0
    max_per_day: int = 50_000


@dataclass(frozen=True, slots=True)
class Watched:
    """A leg of the case that the agency itself runs elsewhere and only tells of: the police's part of a passport.

    Readings whose detail begins with `begins` are its news; one of the details in `done` ends it.
    """

    begins: str
    done: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing a driver can do for a citizen: an entry of `[services]` in its adapter.toml."""

    key: str
    kind: str
    operation: str
    title: Words
    form: Mapping[str, Any]
    watched: Watched | None = None
    actions: tuple[str, ...] | None = None
    """Which actions a case of it may have afterwards; None: whatever the driver can do."""
    ends_with: str = ""
    """The field of the form, a date or a moment, after which it is not first sent; "": it has no end of its own."""
    consent: str = ""
    """The purpose for which the citizen must have given leave before `operation` is called; empty: none is needed."""
    proofs: tuple[str, ...] = (FACTOR,)
    """How its record may be proved to be the citizen's: what only the owner knows, or the agency's own code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A value a driver asks of an agency's block, by its adapter.toml."""

    type: str
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """What of citizens' documents a driver passes on. Sizes in bytes, before any encoding."""

    max_bytes: int
    max_total_bytes: int
    media_types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The author's facts of one driver. `secrets` maps a secret's name to whether it is required."""

    name: str
    kind: str
    version: str
    protocol: str
    title: Words
    summary: str
    options: Mapping[str, Option] = field(default_factory=dict)
    secrets: Mapping[str, bool] = field(default_factory=dict)
    offers: Mapping[str, Offer] = field(default_factory=dict)
    quality: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""

    @property
    def certified_on(self) -> str:
        """The day, YYYY-MM-DD, on which the kit held *this* version to its declared classes; "" without certificate."""
        version, _, day = self.quality.get("certified", "").partition(" ")
        return day if version == self.version else ""

    @property
    def leave(self) -> Mapping[str, frozenset[str]]:
        """Operation -> its offers that need the citizen's consent."""
        asking = [offer for offer in self.offers.values() if offer.consent]
        return {
            name: frozenset(offer.key for offer in asking if offer.operation == name)
            for name in {offer.operation for offer in asking}
        }

    def purpose_of(self, offer: str, operation: str) -> str:
        """What the citizen must have allowed before this operation of the offer is called; "" for nothing."""
        found = self.offers.get(offer)
        return found.consent if found is not None and found.operation == operation else ""

    documents: Forwarding | None = None
    """None: this driver passes none on, and no form of it may ask for one."""


@dataclass(frozen=True, slots=True)
class Window:
    """A planned time in which the agency will not answer; what citizens send meanwhile is kept. Times are aware."""

    begins: datetime
    ends: datetime
    reason: Words


@dataclass(frozen=True, kw_only=True)
class AgencyFacts:
    """All that the files say of one agency, checked and with its secrets resolved. `driver` is a dotted name."""

    id: str
    kind: str
    driver: str
    title: Words
    enabled: bool
    livemode: bool
    settings: Settings
    policy: Policy
    operations: Mapping[str, Declared]
    manifest: Manifest
    capabilities: tuple[str, ...]
    poll: Poll
    maintenance: tuple[Window, ...] = ()
    trust: Trust = field(default_factory=Trust)
    forwarding: Forwarding | None = None
    """What operators left of the driver's word on documents; None: all of it."""

    @property
    def documents(self) -> Forwarding | None:
        """What of citizens' documents this agency gets; None: nothing."""
        return self.forwarding or self.manifest.documents

    def closed_at(self, at: datetime) -> Window | None:
        """The planned window that `at` falls into."""
        return next((one for one in self.maintenance if one.begins <= at < one.ends), None)

    def calls_like(self, other: "AgencyFacts") -> bool:
        """Whether calls would go the same way: then breaker, cache and connections may be kept over a reload."""
        return self.way == other.way

    @property
    def way(self) -> tuple[Any, ...]:
        """All that decides how a call goes; titles and poll cadence do not."""
        told = (self.driver, self.enabled, self.settings, self.policy, self.operations)
        return (*told, self.manifest.digest, self.trust)


@dataclass(frozen=True, kw_only=True)
class Agency(AgencyFacts):
    """An agency that can be called, through `guarded` only."""

    guarded: Guarded


@dataclass(frozen=True, slots=True)
class FeeRow:
    """An amount. `when`: answers of the form that make it due; `per`: a whole-number field it is multiplied by."""

    title: Words
    amount_paise: int
    when: Mapping[str, Any] = field(default_factory=dict)
    per: str = ""


@dataclass(frozen=True, slots=True)
class Fee:
    currency: str
    rows: tuple[FeeRow, ...]


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The statutory limit. `unit` is MINUTE, HOUR, DAY or WORKING_DAY; `start_event` says what starts the clock."""

    amount: int
    unit: str
    start_event: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A public service. `kind`, `operation` and `form` are its offer's; `source` is where its facts were read."""

    id: str
    title: Words
    description: Words
    kind: str
    agencies: tuple[str, ...]
    offer: str
    operation: str
    form: Mapping[str, Any]
    category: str
    documents: tuple[Words, ...] = ()
    fee: Fee | None = None
    time_limit: TimeLimit | None = None
    source: str = ""
    unverified: tuple[str, ...] = ()
    proofs: tuple[str, ...] = (FACTOR,)
    """How its record may be linked at one of its agencies: their offers' proofs, narrowed by the city."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """One agency with several back ends: each is called, guarded and told of by itself; their failures stay apart."""

    id: str
    kind: str
    title: Words
    backends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class City:
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class CataloguePlace:
    """Where the catalogue's facts are, and what to do with a broken one: skip or refuse."""

    folder: Path
    broken: str = "skip"


@dataclass(frozen=True, slots=True)
class Registry:
    """One consistent reading of the files. `digest` changes when any of them does."""

    city: City
    agencies: Mapping[str, Agency]
    services: Mapping[str, Service]
    digest: str
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    catalogue: CataloguePlace | None = None
    document_bytes: int = 5 * 1_048_576
    """The largest document that is taken in."""
