"""One office: its driver in every class of operation, its own ledger of what it acted on, and the wire to it.

The office is told beforehand how each arriving write shall end.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wire_by_call import Asked, WireByCall, as_json

from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.errors import Refused
from aggregator.sdk.model import Order, Reading, Receipt
from aggregator.sdk.reading import need, need_rows, read_status
from aggregator.sdk.rest import RestClient
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Reply, Sent, Wire, WireError

STATUS = {
    "RCVD": Status.SUBMITTED,
    "DESK": Status.IN_PROGRESS,
    "DOCS": Status.AWAITING_CITIZEN,
    "GRANTED": Status.APPROVED,
    "DONE": Status.COMPLETED,
    "NO": Status.REJECTED,
    "ADVERSE": Status.IN_PROGRESS,
    "PV": (Status.IN_PROGRESS, "POLICE"),
    "PV OK": (Status.IN_PROGRESS, "POLICE_DONE"),
}


FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "title": {"en": "Form"}}


def judge(reply: Reply, body: Any) -> bool:
    if isinstance(body, dict) and "refused" in body:
        raise Refused(body["refused"], reason=body.get("reason", "refused"))
    return isinstance(body, dict) and ("number" in body or "rows" in body or "status" in body)


class Driver:
    """The office's interface; each class of operation is a subclass that declares `submit` anew."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.api = RestClient(wire, settings.url, judge=judge)

    async def _submit(self, order: Order) -> Receipt:
        reply = await self.api.post("/apply", {"ref": order.reference, "name": order.form["name"]})
        return Receipt(need(reply, "number"), pending=bool(reply.get("pending")))

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading:
        reply = await self.api.get("/status", number=order.agency_reference)
        reading = read_status(STATUS, need(reply, "status"), remark=reply.get("words"))
        return replace(reading, withheld=reading.agency_code == "ADVERSE")

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        reply = await self.api.get("/find", ref=order.reference)
        return [Receipt(need(row, "number"), reference=row.get("ref", "")) for row in need_rows(reply, "rows")]

    @operation(Class.IDEMPOTENT, max_apply_delay_s=60, query_lag_s=5)
    async def cancel(self, order: Order) -> Receipt:
        reply = await self.api.post("/cancel", {"ref": order.reference, "number": order.agency_reference})
        return Receipt(need(reply, "number"))

    @operation(Class.UNIQUE, max_apply_delay_s=60, query_lag_s=5)
    async def book(self, order: Order) -> Receipt:
        body = {"ref": order.reference, "number": order.agency_reference, "slot": order.form["slot_id"]}
        return Receipt(need(await self.api.post("/book", body), "number"))

    @operation(Class.OPAQUE)
    async def remind(self, order: Order) -> Receipt:
        reply = await self.api.post("/remind", {"ref": order.reference, "number": order.agency_reference})
        return Receipt(need(reply, "number"))

    @operation(Class.OPAQUE)
    async def pay(self, order: Order) -> Receipt:
        reply = await self.api.post("/pay", {"ref": order.reference, "number": order.agency_reference})
        return Receipt(need(reply, "number"))

    def notified(self, callback: Callback) -> Notice:
        """Signed with a word; says whom it is about."""
        ack = Ack(b'{"ok": true}')
        if callback.headers.get("x-signed") != "by the office":
            raise Unverified("the signature is wrong", ack)
        told = json.loads(callback.body)
        number = told.get("number", "")
        return Notice(
            ack=ack,
            event_id=told.get("event", ""),
            reference=told.get("ref", ""),
            echo={"text": told["echo_text"]} if "echo_text" in told else {},
            agency_reference=number,
            receipt=Receipt(number) if number and not told.get("refused") else None,
            refused=Refused(told["refused"], "not_eligible") if told.get("refused") else None,
        )


FACTS: dict[Class, dict[str, Any]] = {
    Class.OPAQUE: {},
    Class.QUERYABLE: {"max_apply_delay_s": 60, "query_lag_s": 5},
    Class.KEYED: {"max_apply_delay_s": 60, "query_lag_s": 5, "key_ttl_s": 86_400},
    Class.IDEMPOTENT: {"max_apply_delay_s": 60, "query_lag_s": 5},
    Class.UNIQUE: {
        "max_apply_delay_s": 60,
        "query_lag_s": 5,
        "already_exists_codes": {"DUP"},
        "refusal_codes": {"NO1"},
    },
}


class Lister(Driver):
    """An office that lists what it took, and looks for what a form says."""

    @operation(Class.SAFE, by_form=True)
    async def find(self, order: Order) -> list[Receipt]:
        if order.reference:
            return await super().find(order)
        rows = need_rows(await self.api.get("/list"), "rows")
        return [_listed(row) for row in rows if row["name"] == order.form["name"]]

    @operation(Class.SAFE)
    async def changes(self, order: Order) -> list[Receipt]:
        return [_listed(row) for row in need_rows(await self.api.get("/list"), "rows")]


def _listed(row: Mapping[str, str]) -> Receipt:
    return Receipt(need(row, "number"), "RCVD", reference=row["ref"], service="permit")


def driver_of(cls: Class, *, finds: bool = True, lists: bool = False) -> type:
    """A driver whose `submit` is declared to be of this class; one that cannot be asked if not `finds`."""

    async def submit(self: Driver, order: Order) -> Receipt:
        return await self._submit(order)

    members: dict[str, Any] = {"submit": operation(cls, **FACTS[cls])(submit)}
    if not finds:
        members["find"] = None
    return type(f"{cls.name.title()}Driver", (Lister if lists else Driver,), members)


@dataclass
class Office:
    """The agency's side. `script` holds how the next writes end; then everything is answered normally."""

    keyed: bool = False
    unique: bool = False
    script: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    acted: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    unlisted: bool = False
    hidden: bool = False
    down: bool = False
    words: dict[str, list[str]] = field(default_factory=dict)
    arrivals: int = 0
    bodies: list[bytes] = field(default_factory=list)
    records: list[tuple[str, str]] = field(default_factory=list)
    before_write: Callable[[], Any] | None = None
    """What happens after the journal and before the first byte."""
    on_arrival: Callable[[], Any] | None = None

    def act(self, ref: str) -> str:
        known = [number for seen, number in self.records if seen == ref]
        if known and (self.keyed or self.unique):
            return known[0]
        number = f"N{len(self.records) + 1}"
        self.acted.append(ref)
        self.records.append((ref, number))
        return number

    def answer(self, path: str, query: str, body: Mapping[str, Any]) -> Reply:
        if path in {"/list", "/find"}:
            return self.search(path, query)
        if path == "/status":
            words = self.words.get(query.partition("=")[2], ["RCVD"])
            return as_json({"status": words.pop(0) if len(words) > 1 else words[0], "words": "as told"})
        if path == "/cancel":
            self.acted.append(f"cancel {body['number']}")
            return as_json({"number": body["number"]})
        if path == "/pay":
            return self.write(body)
        if path in {"/book", "/remind"}:
            self.acted.append(f"{path[1:]} {body['number']} {body.get('slot', '')}".strip())
            return as_json({"number": body["number"]})
        return self.write(body)

    def search(self, path: str, query: str) -> Reply:
        wanted = [(ref, number) for ref, number in self.records if path == "/list" or query.endswith(ref)]
        rows = [{"ref": ref, "number": number, "name": self.names.get(ref, "")} for ref, number in wanted]
        if path == "/list" and self.unlisted:
            return Reply(503, {}, b"")
        return as_json({"rows": [] if self.hidden else rows})

    def write(self, body: Mapping[str, Any]) -> Reply:  # noqa: PLR0911 - one return for each fate
        self.names[body["ref"]] = body.get("name", "")
        mode = self.script.pop(0) if self.script else "normal"
        match mode:
            case "act then silence":
                self.act(body["ref"])
                raise WireError(Sent.MAYBE, "SocketTimeoutError")
            case "lost":
                raise WireError(Sent.MAYBE, "ServerDisconnectedError")
            case "act then 500":
                self.act(body["ref"])
                return Reply(500, {"content-type": "text/html"}, b"<html>oops</html>")
            case "refuse":
                return as_json({"refused": "NO1", "reason": "not_eligible"})
            case "duplicate":
                return as_json({"refused": "DUP", "reason": "duplicate"})
            case "stolen number":
                return as_json({"number": "N1"})
            case "twice":
                self.records += [(body["ref"], "N90"), (body["ref"], "N91")]
                self.acted += [body["ref"], body["ref"]]
                raise WireError(Sent.MAYBE, "ServerDisconnectedError")
            case "pending":
                return as_json({"number": self.act(body["ref"]), "pending": True})
        if self.unique and any(ref == body["ref"] for ref, _ in self.records):
            return as_json({"refused": "DUP", "reason": "duplicate"})
        return as_json({"number": self.act(body["ref"])})


@dataclass
class OfficeWire(WireByCall):
    office: Office

    def away(self) -> bool:
        return self.office.down

    async def before_write(self) -> None:
        if self.office.before_write is not None:
            await self.office.before_write()

    async def answer(self, asked: Asked) -> Reply:
        if asked.effect:
            self.office.arrivals += 1
            self.office.bodies.append(asked.body)
            if self.office.on_arrival is not None:
                await self.office.on_arrival()
        return self.office.answer(asked.path, asked.query, asked.told)
