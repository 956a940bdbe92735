"""The simulated payment gateway: `python -m adapters.gateway.cashfree.simulator --data DIR`.

Orders, payments, refunds and settlement as the documentation shows them, a page on which a citizen pays, and webhooks
that come late, twice, out of a stranger's hand or not at all. Its own books, on the disk before any answer, say what
was charged. Magic: the order's phone 9000000FFF, a refund of 0.FFF rupees x 10 (`simulator_books.magic_paise`), order
`SIM-0FFF`.
"""

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote

from adapters.gateway.cashfree.simulator_books import Books, Said, magic_paise, no
from adapters.gateway.cashfree.simulator_post import OWN_FAULTS, Post
from aggregator.sdk.testing.faults import Fault
from aggregator.sdk.testing.pages import clothed, words_for
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, World, magic

CLIENT_ID = "sim-merchant"
CLIENT_SECRET = "sim-gateway-secret"
_ORDER = re.compile(r"/pg/orders/(?P<id>[^/]+)(?P<rest>/payments|/refunds|/refunds/(?P<refund>[^/]+))?")
_CHECKOUT = re.compile(r"/checkout/(?P<session>[^/]+)")
_REFUSALS = {
    "101": no(404, "order_not_found", "Order Reference Id does not exist"),
    "102": no(400, "order_amount_invalid", "The amount is not accepted"),
    "103": no(400, "sim_unlisted", "A code nobody listed"),
    "105": no(409, "order_already_exists", "Order with same id is already present"),
    "106": no(400, "order_not_paid", "The order is in another state"),
    "108": no(400, "refund_post_failed", "Declined"),
}
_BENT = {"206", "207", "208", "209", "703", "704", "705", "706", "800", "801", "804", "811"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as understood. `key` from x-idempotency-key."""

    id: str
    key: str
    body: Mapping[str, Any]
    digest: str


class Gateway(Dialect):
    """One merchant account at the gateway. A document is `Said`: status and body."""

    driver = "cashfree"
    own_faults: Mapping[str, Fault] = OWN_FAULTS
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": frozenset({"104", "107", "109", "401", "701", "802", "803", "805", "812", "813", "814"}),
        "verify": frozenset({"100", "105", "108"}),
        "order": frozenset({"101", "800", "801", "804", "811"}),
        "refund": frozenset({"101", "800", "801", "804", "811"}),
        "settlement": frozenset(
            {"100", "101", "105", "108", "206", "208", "209", "800", "801", "804", "808", "809", "811"}
        ),
        "payments": frozenset({"101", "102", "106"}),
    }

    def __init__(self, world: World, client_id: str = CLIENT_ID, secret: str = CLIENT_SECRET, url: str = "") -> None:
        super().__init__(world)
        self.post = Post(world, secret)
        self.books = Books(world, self.post)
        self._keys = (client_id, secret)
        world.outbox.url = url.rstrip("/")

    def bounds(self, operation: str) -> Bounds:  # noqa: ARG002 - the same for all writes
        return Bounds(120, 10)

    def callback_faults(self, rules: list[Mapping[str, Any]]) -> None:
        self.post.always = str(rules[-1]["fault"]) if rules else ""

    def advance(self, ref: str, to: str) -> bool:
        """PAID: a citizen pays, even late. TERMINATED, PAID_TWICE, and UNDO, which loses a refund."""
        return self.books.force(ref, to)

    def read(self, arrived: Arrived) -> Call | Answer:
        page = _CHECKOUT.fullmatch(arrived.path)
        if page is not None:
            return self._at_checkout(unquote(page["session"]), arrived)
        given = (arrived.headers.get("x-client-id", ""), arrived.headers.get("x-client-secret", ""))
        if given != self._keys:
            return _answer(no(401, "authentication_error", "authentication Failed"))
        asked = _asked(arrived)
        if asked is None:
            return _answer(no(400, "request_failed", "The body is not a JSON object"))
        return self._understood(arrived, asked)

    def _understood(self, arrived: Arrived, asked: Asked) -> Call | Answer:
        found = _ORDER.fullmatch(arrived.path)
        if arrived.method == "POST" and arrived.path == "/pg/orders":
            phone = str(dict(asked.body.get("customer_details", {})).get("customer_phone", ""))
            ref = str(asked.body.get("order_id", ""))
            return Call("order", True, ref, ref, magic(r"900000(\d{4})", phone), ref, asked)  # noqa: FBT003
        if arrived.method == "POST" and arrived.path == "/pg/settlement/recon":
            return Call("settlement", write=False, counted_by="recon", args=asked)
        if found is None:
            return _answer(no(404, "sim_no_route", "No such path"))
        number = unquote(found["id"])
        if arrived.method == "POST" and found["rest"] == "/refunds":
            ref = str(asked.body.get("refund_id", ""))
            return Call("refund", True, ref, ref, magic_paise(asked.body), ref, replace(asked, id=number))  # noqa: FBT003
        name = {None: "verify", "/payments": "payments"}.get(found["rest"], "refund_look")
        chosen = magic(r"SIM-(\d{4})", number) if name == "verify" else ""
        return Call(name, write=False, magic=chosen, counted_by=number, args=replace(asked, id=number))

    def _at_checkout(self, session: str, arrived: Arrived) -> Call | Answer:
        if arrived.method == "POST":
            said = parse_qs(arrived.body.decode("utf-8", "replace")).get("say", ["pay"])[0]
            return Call("checkout", True, session, session, "", session, Asked(session, "", {"say": said}, ""))  # noqa: FBT003
        return Answer(self.books.page(session).encode(), "text/html; charset=utf-8")

    def act(self, call: Call, fault: str) -> Done:
        asked: Asked = call.args
        match call.operation:
            case "order":
                return self.books.order(asked.key, asked.body, asked.digest, fault)
            case "refund":
                return self.books.refund(asked.id, asked.key, asked.body, asked.digest, fault)
            case "checkout":
                return self.books.pay(asked.id, str(asked.body["say"]))
            case "settlement":
                return Done(self.books.settled(dict(asked.body.get("filters", {}))))
            case name:
                looks = {"payments": self.books.payments, "refund_look": self.books.refund_of}
                return Done(looks.get(name, self.books.show)(asked.id))

    def refuse(self, call: Call, fault: str) -> Any:
        if call.operation == "checkout":
            return None
        return _REFUSALS.get(fault)

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        said: Said = document
        if fault not in _BENT or not isinstance(said.body, Mapping) or "code" in said.body:
            return said
        return replace(said, body=_bent(call.operation, said.body, fault))

    def dress(self, call: Call, document: Any, fault: str) -> Answer:
        if call.operation == "checkout":
            return Answer(document.body["page"].encode(), "text/html; charset=utf-8")
        return _answer(document, fault)


def _asked(arrived: Arrived) -> Asked | None:
    if arrived.method == "GET":
        return Asked("", "", {}, "")
    try:
        body = json.loads(arrived.body)
    except ValueError:
        return None
    digest = json.dumps(body, sort_keys=True) if isinstance(body, dict) else ""
    return Asked("", arrived.headers.get("x-idempotency-key", ""), body, digest) if digest else None


def _bent(operation: str, row: Mapping[str, Any], fault: str) -> dict[str, Any]:
    """A record with its content spoilt."""
    told = dict(row)
    key, word = ("refund_id", "refund_status") if operation == "refund" else ("order_id", "order_status")
    match fault:
        case "206" | "811":
            told[key] = "SOMEBODY-ELSES"
        case "207":
            told["new_field"] = 1
        case "208":
            told.pop(key, None)
        case "209":
            told[key] = 1
        case "800":
            told[word] = ""
        case "801":
            told[word] = "SETTLING"
        case "804":
            told[word] = "ଦିଆଗଲା"
        case _:
            told["note"] = words_for(fault)
    return told


def _answer(said: Said, fault: str = "") -> Answer:
    kind = "application/json; charset=utf-8"
    made = clothed(json.dumps(said.body, ensure_ascii=False), kind, fault, xml=False)
    return replace(made, status=said.status)


def _gateway(world: World, options: argparse.Namespace) -> Gateway:
    return Gateway(world, options.client_id, options.client_secret, options.callback_url)


if __name__ == "__main__":
    _options = parser("gateway/cashfree")
    _options.add_argument("--client-id", default=CLIENT_ID, help="what x-client-id must carry")
    _options.add_argument("--client-secret", default=CLIENT_SECRET, help="x-client-secret; it signs the webhooks too")
    _options.add_argument("--callback-url", default="", help="where webhooks go; empty: nowhere")
    run(_gateway, _options)
