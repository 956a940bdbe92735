"""What every driver must survive, with no line of test code per driver: a folder with an adapter.toml is found.

Facts of one driver that the shared tables cannot know stand in its `sandbox.toml` (orders, settings, deviations
with reasons; keys in `aggregator.sdk.testing.simulator`). This module finds drivers, makes their orders, calls an
operation as the pipeline would, and names how it ended in the words of `faults.EXPECTED`.
"""

import importlib
import importlib.util
import inspect
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from yarl import URL

from aggregator.sdk.adapter import Class, Declared, Settings, operations_of
from aggregator.sdk.callback import Mailbox
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.errors import AgencyError, ContractBroken, Misconfigured, OutcomeUnknown, Refused, Unavailable
from aggregator.sdk.model import Absent, Order
from aggregator.sdk.testing.callbacks import Letterbox
from aggregator.sdk.testing.faults import MENU, Way
from aggregator.sdk.testing.simulator import request_sha256
from aggregator.sdk.wire import TRAIL, Reply, Sent, Trail, Wire, WireError, effect_trail

HANGING = frozenset({"408", "604", "605", "606", "607"})
"""Faults that end by our own timeout; run with a short one."""
FOUND_AFTER = frozenset({"408", "501", "504", "506", "601", "602", "603", "604", "605"})
ABSENT_AFTER = frozenset({"210", "500", "502", "600", "607", "608"})
NAIVE_TRAPS = ("408", "501", "504", "506", "601", "602", "603", "806")
"""Where a client that simply repeats submits twice."""
SEARCH_FAULTS = ("808", "809")
WITHOUT_IDENTIFIER = frozenset({"203", "205", "700"}) | {
    fault.code for fault in MENU.values() if fault.way not in {Way.ANSWER, Way.REFUSAL}
}
"""Faults that need nothing of the content: what an operation that asks for no record can meet."""
_LABELS = {".xml": "text/xml; charset=utf-8", ".zip": "application/zip", ".pb": "application/x-protobuf"}
_WORDS = (
    (Refused, "refused"),
    (Misconfigured, "misconfigured"),
    (Unavailable, "unavailable"),
    (OutcomeUnknown, "unknown"),
    (ContractBroken, "broken"),
    (Absent, "absent"),
)


@dataclass(frozen=True)
class Candidate:
    """A driver folder: `adapters/<kind>/<name>`."""

    kind: str
    name: str
    folder: Path

    @property
    def module(self) -> str:
        return f"adapters.{self.kind}.{self.name}"

    @cached_property
    def driver(self) -> type:
        found: type = importlib.import_module(self.module).Driver
        return found

    @cached_property
    def operations(self) -> Mapping[str, Declared]:
        return operations_of(self.driver)

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        return tomllib.loads((self.folder / "adapter.toml").read_text("utf-8"))

    @cached_property
    def sandbox(self) -> Mapping[str, Any]:
        return tomllib.loads((self.folder / "sandbox.toml").read_text("utf-8"))

    @property
    def dialect(self) -> str:
        """The hostile list that concerns it."""
        told = self.manifest["driver"]["protocol"].upper()
        return "xml" if "SOAP" in told or "XML" in told else "json"

    def before(self, operation: str) -> Mapping[str, Reply]:
        """What comes before the answer in question, by end of path: `[before]` and `[before_of.<operation>]`.

        A table is sent as JSON (a login), a text names a file beside sandbox.toml (the archive a feed refers to).
        """
        told = self.sandbox.get("before", {}) | self.sandbox.get("before_of", {}).get(operation, {})
        return {path: self._prepared(one) for path, one in told.items()}

    def _prepared(self, told: Any) -> Reply:
        if isinstance(told, str):
            return Reply(200, {"content-type": "application/octet-stream"}, (self.folder / told).read_bytes())
        return Reply(200, {"content-type": "application/json"}, json.dumps(told).encode())

    @property
    def samples(self) -> list[Path]:
        return sorted(path for path in (self.folder / "samples").glob("*.*.*") if path.is_file())

    def make(
        self,
        wire: Wire,
        url: str = "http://agency.example",
        *,
        mailbox: Mailbox | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Any:
        """The driver as the registry would make it, at this url. `secrets` replace those of sandbox.toml."""
        settings = self.sandbox.get("settings", {})
        given = {**settings.get("secrets", {}), **(secrets or {})}
        if any("_key}" in value for value in given.values()):
            given = _filled(given, _nobodys_keys())
        facts = Settings(url, settings.get("options", {}), given)
        if "mailbox" in inspect.signature(self.driver).parameters:
            return self.driver(wire, facts, mailbox=mailbox or Letterbox())
        return self.driver(wire, facts)

    def order(self, operation: str, *, fault: str = "000", ref: str = "REF-0001") -> Order:
        """The sandbox's order for this operation, under this fault's magic identifier."""
        given = _filled(self.sandbox["orders"][operation], {"{fault}": "0" + fault, "{ref}": ref})
        return Order(
            reference=given.get("reference", ref),
            service=given["service"],
            form=given.get("form", {}),
            agency_reference=given.get("agency_reference", ""),
            at=SystemClock().now(),
        )

    def is_magic(self, operation: str) -> bool:
        """Whether the order carries an identifier that chooses the fault; otherwise rules on the control port do."""
        return "{fault}" in json.dumps(self.sandbox["orders"][operation])

    def expected(self, operation: str, fault: str) -> frozenset[str]:
        """How the call must end, in words; empty where one call alone decides nothing."""
        row = MENU[fault]
        words = row.read if self.operations[operation].cls is Class.SAFE else row.write
        return frozenset(self.deviation(operation, fault) or words.split("|")) - {""}

    def deviation(self, operation: str, case: str) -> list[str]:
        """What sandbox.toml says instead of the shared table, for `operation.case` or `*.case`."""
        told = self.sandbox.get("deviations", {})
        found = told.get(f"{operation}.{case}") or told.get(f"*.{case}") or {}
        return str(found.get("expect", "")).split("|") if found else []


def candidates() -> list[Candidate]:
    """Every driver of the installation, in the order of their folders."""
    spec = importlib.util.find_spec("adapters")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    manifests = sorted(path for place in places for path in Path(place).glob("*/*/adapter.toml"))
    return [Candidate(path.parent.parent.name, path.parent.name, path.parent) for path in manifests]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one call ended: what the driver returned or raised, and what the wire saw."""

    got: Any
    trail: Trail

    def word(self, *, read: bool) -> str:
        """In the words of `faults.EXPECTED`; anything unforeseen by its class's name."""
        if isinstance(self.got, BaseException) and not isinstance(self.got, AgencyError):
            return type(self.got).__name__
        if isinstance(self.got, list) and not self.got:
            return "absent"
        word = next((word for kind, word in _WORDS if isinstance(self.got, kind)), "value")
        return "unavailable" if read and word == "unknown" else word


class Noting(Trail):
    """Keeps the hash of what was sent: the ledger's rows of an order are known by it, whatever reference they carry."""

    def __init__(self, volatile_fields: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._volatile_fields = volatile_fields

    async def journal(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:  # noqa: ARG002
        self.request_sha256 = request_sha256(URL(url).raw_query_string, body, self._volatile_fields)


async def call(driver: Any, operation: str, declared: Declared, order: Order) -> Ended:
    """One attempt, with the trail and the declared facts set as the pipeline sets them."""
    trail = Noting(declared.volatile_fields)
    told, current = TRAIL.set(trail), CURRENT.set(declared)
    try:
        got = await getattr(driver, operation)(order)
    except Exception as exc:  # noqa: BLE001 - whatever a driver raises is the finding
        got = exc
    finally:
        TRAIL.reset(told)
        CURRENT.reset(current)
    return Ended(got, trail)


class Answering:
    """A wire without sockets that gives one answer to everything and keeps what it was sent.

    `before` are the exceptions, by end of path: they lead up to the answer and are asked for without effect.
    """

    def __init__(self, reply: Reply, before: Mapping[str, Reply] | None = None) -> None:
        self._reply = reply
        self._before = before or {}
        self.bodies: list[bytes] = []

    async def send(  # noqa: PLR0913 - the port's parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        effect: bool = True,
        cap: int = 5 * 1_048_576,
    ) -> Reply:
        prepared = next((reply for path, reply in self._before.items() if URL(url).path.endswith(path)), None)
        reply = self._reply if prepared is None else prepared
        with effect_trail(effect=effect) as trail:
            await trail.journal(method, url, headers, body or b"")
            trail.recheck()
            trail.sent = Sent.MAYBE
            if prepared is None:
                self.bodies.append(body or b"")
            if len(reply.body) > cap:
                raise WireError(Sent.MAYBE, "TooBig", too_big=True)
            trail.answered, trail.reply = True, reply
            return reply


def recorded(sample: Path) -> Reply:
    """A recorded answer. A file beside it named `<sample>.http.json` gives another status or headers."""
    headers = {"content-type": _LABELS.get(sample.suffix, "application/json; charset=utf-8")}
    beside = sample.with_name(sample.name + ".http.json")
    told = json.loads(beside.read_text("utf-8")) if beside.exists() else {}
    return Reply(int(told.get("status", 200)), headers | told.get("headers", {}), sample.read_bytes())


def promised(sample: Path) -> tuple[str, str]:
    """Operation and expectation, from `<operation>.<expected>[.<note>].<suffix>`."""
    operation, expected = sample.name.split(".")[:2]
    return operation, expected


def reads_as(ended: Ended, *, read: bool) -> set[str]:
    """The names under which a sample of this answer may be filed: the word, the type, the status."""
    got = ended.got[0] if isinstance(ended.got, list) and ended.got else ended.got
    names = {ended.word(read=read), type(got).__name__.lower()}
    status = getattr(got, "status", None)
    return names | ({str(status).lower()} if status is not None else set())


def undeclared(candidate: Candidate) -> list[str]:
    """Public coroutines of the driver that are not declared operations: nobody would guard them."""
    return [
        name
        for name, member in inspect.getmembers(candidate.driver, inspect.iscoroutinefunction)
        if not name.startswith("_") and name not in candidate.operations
    ]


@cache
def _nobodys_keys() -> dict[str, str]:
    """A key pair for `{private_key}` and `{public_key}` where no simulator has made one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return {"{private_key}": private, "{public_key}": public}


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, words) for item in value]
    if isinstance(value, str):
        for mark, word in words.items():
            value = value.replace(mark, word)
    return value
