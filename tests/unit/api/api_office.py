"""The office of the town: its driver, and what it remembers behind a wire that is a short-cut."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wire_by_call import Asked, WireByCall, as_json

from aggregator.sdk.adapter import Class, Settings, operation
from aggregator.sdk.callback import Ack, Callback, Notice, Unverified
from aggregator.sdk.clock import SystemChance, random_digits
from aggregator.sdk.errors import Refused
from aggregator.sdk.form import masked_mobile
from aggregator.sdk.model import Absent, Document, Facts, Order, Reading, Receipt, Slot
from aggregator.sdk.reading import need, need_rows, read_status
from aggregator.sdk.rest import RestClient
from aggregator.sdk.status import Status
from aggregator.sdk.wire import Reply, Sent, Wire, WireError

STATUS = {"RCVD": Status.ACKNOWLEDGED, "DONE": Status.COMPLETED}


class Driver:
    """The office's interface."""

    def __init__(self, wire: Wire, settings: Settings) -> None:
        self.api = RestClient(wire, settings.url, judge=_judge)

    @operation(Class.QUERYABLE, max_apply_delay_s=60, query_lag_s=5)
    async def submit(self, order: Order) -> Receipt:
        papers = {field: len(paper.content) for field, paper in order.documents.items()}
        body = {"ref": order.reference, "name": order.form["name"], **({"papers": papers} if papers else {})}
        if order.consent is not None:
            body["consent"] = order.consent.artefact
        reply = await self.api.post("/apply", body)
        return Receipt(need(reply, "number"))

    @operation(Class.SAFE)
    async def track(self, order: Order) -> Reading:
        reply = await self.api.get("/status", number=order.agency_reference)
        return read_status(STATUS, need(reply, "status"))

    @operation(Class.SAFE)
    async def find(self, order: Order) -> list[Receipt]:
        reply = await self.api.get("/find", ref=order.reference)
        return [Receipt(need(row, "number"), reference=row["ref"]) for row in need_rows(reply, "rows")]

    @operation(Class.SAFE)
    async def lookup(self, order: Order) -> Facts | Absent:
        consent = {"consent": order.consent.artefact} if order.consent is not None else {}
        reply = await self.api.post("/bill", {"consumer": order.form["consumer"], **consent}, effect=False)
        return Facts({"amount_due": need(reply, "status")})

    @operation(Class.SAFE)
    async def bill(self, order: Order) -> Facts | Absent:
        if order.form.get("mobile", "9000000000") != "9000000000":
            return Absent("another number")
        reply = await self.api.post("/dues", {"account": order.form["account"]}, effect=False)
        return Facts({"amount_paise": reply["due"], "due_date": "2026-12-01"}) if reply["due"] else Absent("nothing")

    @operation(Class.SAFE)
    async def slots(self, order: Order) -> list[Slot]:
        days = {"first": order.form["from"], "last": order.form["to"]}
        reply = await self.api.get("/slots", number=order.agency_reference, **days)
        return [Slot(row["id"], "Counter 1", datetime.fromisoformat(row["at"]), row["free"]) for row in reply["slots"]]

    @operation(Class.SAFE)
    async def document(self, order: Order) -> Document | Absent:
        reply = await self.api.get("/document", number=order.agency_reference)
        text = reply["paper"]
        return Document("../Permit of\r\nX.pdf", "application/pdf", text.encode()) if text else Absent("not yet")

    @operation(Class.UNIQUE, max_apply_delay_s=60, query_lag_s=5)
    async def book(self, order: Order) -> Receipt:
        return Receipt(need(await self.api.post("/book", {"slot": order.form["slot_id"]}), "number"))

    @operation(Class.OPAQUE)
    async def remind(self, order: Order) -> Receipt:
        return Receipt(need(await self.api.post("/remind", {"text": order.form.get("text", "")}), "number"))

    @operation(Class.OPAQUE)
    async def send_code(self, order: Order) -> Receipt:
        reply = await self.api.post(
            "/code", {"account": next(order.form[name] for name in RECORDS if name in order.form)}
        )
        return Receipt(need(reply, "number"), facts={"sent_to": masked_mobile(reply["to"]), "life_s": "300"})

    @operation(Class.OPAQUE)
    async def check_code(self, order: Order) -> Receipt:
        body = {"number": order.agency_reference, "code": order.form["code"]}
        return Receipt(need(await self.api.post("/code-check", body), "number"))

    def notified(self, callback: Callback) -> Notice:
        """Signed with a word; says whom it is about."""
        if callback.headers.get("x-signed") != "by the office":
            raise Unverified("the signature is wrong", Ack(b'{"taken": false}', status=403))
        told = json.loads(callback.body)
        number = told.get("number", "")
        return Notice(ack=Ack(b'{"taken": true}'), event_id=told.get("event", ""), agency_reference=number)


def _judge(reply: Reply, body: Any) -> bool:
    if isinstance(body, dict) and "refused" in body:
        raise Refused(body["refused"], reason=CODE_WORDS.get(body["refused"], "not_eligible"))
    return isinstance(body, dict) and bool({"number", "rows", "status", "due", "slots", "paper"} & body.keys())


RECORDS = ("account", "consumer_code", "file_no")


CODE_WORDS = {"WRONG": "code_wrong", "USED": "code_used", "OLD": "code_expired", "BLOCKED": "code_blocked"}


@dataclass
class Office(WireByCall):
    """The agency's side of the wire. `script` says how the next writes end; `held` keeps them waiting."""

    script: list[str] = field(default_factory=list)
    down: bool = False
    acted: list[str] = field(default_factory=list)
    papers: list[dict[str, int]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    dues: dict[str, str] = field(default_factory=lambda: {"A1": "66400"})
    paper: str = ""
    consents: list[str] = field(default_factory=list)
    mobiles: dict[str, str] = field(default_factory=lambda: {"A1": "+91 90000 41234", "A2": "9000049876"})
    texts: list[tuple[str, str]] = field(default_factory=list)
    """The codes it sent: the sending's number and the code."""
    checked: list[str] = field(default_factory=list)
    held: asyncio.Event | None = None

    def away(self) -> bool:
        return self.down

    async def answer(self, asked: Asked) -> Reply:
        if self.held is not None and asked.effect:
            await self.held.wait()
        return self._answer(f"{asked.path}?{asked.query}".removesuffix("?"), asked.told)

    def _answer(self, path: str, body: Mapping[str, Any]) -> Reply:  # noqa: C901, PLR0911 - one return for each fate
        if body.get("consent"):
            self.consents.append(body["consent"])
        if path.startswith("/find"):
            return as_json({"rows": []})
        if path.startswith(("/status", "/bill")):
            return as_json({"status": "RCVD"})
        if path.startswith("/dues"):
            return as_json({"due": self.dues.get(body["account"], "")})
        if path.startswith("/slots"):
            self.asked.append(path)
            return as_json({"slots": [{"id": "S7", "at": "2026-11-24T10:30:00+05:30", "free": 3}]})
        if path.startswith("/document"):
            return as_json({"paper": self.paper})
        mode = self.script.pop(0) if self.script else "normal"
        if path.startswith("/code"):
            return self._coded(path, body, mode)
        if mode == "refuse":
            return as_json({"refused": "NO1"})
        if mode == "silence":
            raise WireError(Sent.MAYBE, "ServerDisconnectedError")
        if path in {"/book", "/remind"}:
            self.asked.append(f"{path[1:]} {body.get('slot') or body.get('text')}")
            return as_json({"number": f"B{len(self.asked)}"})
        return self._applied(body)

    def _coded(self, path: str, body: Mapping[str, Any], mode: str) -> Reply:
        """Its own codes, of which it takes any number of tries: our limits are ours."""
        if path == "/code" and body["account"] not in self.mobiles:
            return as_json({"refused": "UNKNOWN"})
        if path == "/code":
            self.texts.append((f"S{len(self.texts) + 1}", random_digits(6, SystemChance())))
            answer = {"number": self.texts[-1][0], "to": self.mobiles[body["account"]]}
        else:
            self.checked.append(body["code"])
            right = body["code"] == dict(self.texts)[body["number"]]
            answer = {"number": body["number"]} if right else {"refused": "WRONG"}
        if mode == "silence":
            raise WireError(Sent.MAYBE, "ServerDisconnectedError")
        return as_json({"refused": mode} if mode in CODE_WORDS else answer)

    def _applied(self, body: Mapping[str, Any]) -> Reply:
        self.acted.append(body["ref"])
        self.papers.append(body.get("papers", {}))
        return as_json({"number": f"N{len(self.acted)}"})
