"""The simulated municipal platform: `python -m adapters.municipal.digit.simulator --data DIR`.

Its queue is the point: a write answers 200 and is shown two seconds later (`--queue-delay`). Quirks are always on:
`responseInfo` now with a capital and now without, `ts` null at times, `assignes` null or empty, statuses in either
case, fields nobody knows. Which of the two published shapes it speaks is `--shape spec|live|both`.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from adapters.municipal.digit import simulator_codes as codes
from adapters.municipal.digit.simulator_door import Door, answer, errors, missing, page
from adapters.municipal.digit.simulator_halls import ROWS as BOOKINGS
from adapters.municipal.digit.simulator_halls import Halls
from adapters.municipal.digit.simulator_routes import (
    ROUTES,
    STEPS,
    Route,
    application,
    booking_of,
    complaint,
    definitions,
    refusal,
    workflow,
)
from adapters.municipal.digit.simulator_state import MAGIC_CODE, MAGIC_MOBILE, MAGIC_NUMBER, Corporation
from adapters.municipal.digit.simulator_twists import bent
from aggregator.sdk.testing.pages import clothed
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, World, magic

_NEVER = frozenset({"104", "108", "701", "813"})
_NO_STATE = frozenset({"105", "800", "801", "802", "804", "814"})
_STEP = frozenset({"105", "810", "811"})


class Digit(Dialect):
    """One tenant behind its gateway."""

    driver = "digit"
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": _NEVER,
        "submit": frozenset({"105"}),
        "send_code": frozenset({"105", "206", "811"}),
        "check_code": frozenset({"105"}),
        "cancel": _STEP,
        "reopen": _STEP,
        "rate": _STEP,
        "find": _NO_STATE,
        "track": frozenset({"105"}),
        "history": _NO_STATE,
        "bill": _NO_STATE | {"803", "805"},
        "payment_status": frozenset({"105", "802", "805", "814"}),
        "lookup": _NO_STATE | {"803", "805"},
        "slots": _NO_STATE | {"803", "805", "812"},
        "list_services": _NO_STATE | {"808", "809"},
    }

    def __init__(self, world: World, options: argparse.Namespace) -> None:
        super().__init__(world)
        self._door = Door(world, limits=not options.no_limits)
        self._city = Corporation(world, options.queue_delay, enforce_bill=options.enforce_bill)
        self._halls = Halls(world, options.queue_delay)
        self._codes = codes.Codes(world, self._door)
        self._shape = options.shape
        self._replies = 0
        self._reads: dict[str, Callable[[Mapping[str, str], str, Route], dict[str, Any]]] = {
            "history": lambda query, _, __: self._city.history(query.get("businessIds", "")),
            "workflow": lambda query, _, __: workflow(query.get("businessServices", "")),
            "payment_status": lambda query, fault, _: self._city.payments(query.get("transactionNumber", ""), fault),
            "track": self._track,
            "bill": lambda query, fault, _: self._city.bill(
                query.get("consumerCode", ""), query.get("businessService", ""), fault
            ),
            "lookup": lambda query, fault, route: self._city.certificate(
                route.rows, route.more, query.get("registrationNo", ""), fault
            ),
            "list_services": lambda _, __, ___: definitions(),
            "slots": lambda query, fault, _: self._halls.slots(query, fault),
        }

    def bounds(self, operation: str) -> Bounds:
        return Bounds(600 if operation == "pay" else 300, 20)

    def advance(self, ref: str, to: str) -> bool:
        return self._city.force(ref, to)

    def read(self, arrived: Arrived) -> Call | Answer:
        if (login := self._door.login(arrived) or self._codes.login(arrived)) is not None:
            return login
        route = ROUTES.get(arrived.path)
        if route is None or arrived.method != "POST":
            return missing(arrived.path)
        try:
            body = json.loads(arrived.body)
            return self._call(route, body, dict(parse_qsl(arrived.query)), arrived.caller)
        except (ValueError, KeyError, TypeError, AttributeError):
            return answer(errors("JsonParseException", "The request cannot be read"))

    def _call(self, route: Route, body: dict[str, Any], query: dict[str, str], caller: str) -> Call:
        operation, ref, key, chosen = route.operation, "", "", ""
        if operation in {"submit", "update"}:
            service = body["service"]
            number, mobile = str(service.get("serviceRequestId", "")), str(service["citizen"]["mobileNumber"])
            chosen = magic(MAGIC_NUMBER, number) or magic(MAGIC_MOBILE, mobile)
            action = body["workflow"]["action"]
            operation = STEPS[action] if operation == "update" else operation
            ref = str((service.get("additionalDetail") or {}).get("clientRef", ""))
            ref = str(body["workflow"].get("comments") or "").rpartition("[")[2].rstrip("]") if number else ref
            key = f"{number} {service.get('rating')}" if operation == "rate" else f"{number} {ref}".strip()
        elif operation == "send_code":
            ref, key = str(body["RequestInfo"].get("correlationId", "")), str(body["otp"]["mobileNumber"])
            chosen = magic(codes.MAGIC_HOLDER, key)
        elif BOOKINGS in body:
            ref, key, mobile = booking_of(body[BOOKINGS])
            chosen = magic(MAGIC_MOBILE, mobile) if operation == "book" else ""
        elif operation in {"pay", "validate"}:
            ref = key = str(body["Payment"]["transactionNumber"])
            chosen = magic(MAGIC_MOBILE, str(body["Payment"]["mobileNumber"])) if operation == "pay" else ""
        else:
            asked = query.get(route.asked_by, "")
            patterns = (MAGIC_NUMBER, MAGIC_CODE, r"SIM-PAY-00(\d{4})", r"H(\d{4})")
            chosen = next(filter(None, (magic(pattern, asked) for pattern in patterns)), "")
        write = route.operation in {"submit", "update", "pay", "book", "cancel", "send_code"}
        return Call(
            operation,
            write=write,
            our_ref=ref,
            natural_key=key,
            magic=chosen,
            counted_by=ref if write else query.get(route.asked_by, ""),
            args=(route, query, body),
            turned_away=self._door.turned_away(body["RequestInfo"], operation, caller),
        )

    def act(self, call: Call, fault: str) -> Done:
        route, query, body = call.args
        if wrong := complaint(route, query, body):
            return Done(wrong)
        if call.write:
            return self._write(call, body, fault)
        if call.operation == "validate":
            return Done({"_status": 201, "Payments": []})
        return self._shaped(Done(self._reads[call.operation](query, fault, route)))

    def _write(self, call: Call, body: Mapping[str, Any], fault: str) -> Done:
        if call.operation in codes.OPERATIONS:
            return self._codes.check(body) if call.operation == "check_code" else self._codes.send(body)
        match call.operation:
            case "book":
                return self._halls.book(body[BOOKINGS], call.natural_key, call.our_ref, fault)
            case "cancel" if BOOKINGS in body:
                return self._halls.update(body[BOOKINGS], call.natural_key)
            case "submit":
                return self._city.submit(body["service"], call.our_ref, fault, call.magic[1:])
            case "pay":
                return self._shaped(self._pay(body["Payment"], fault))
            case _:
                return self._city.update(body, body["workflow"]["action"], call.our_ref)

    def _pay(self, payment: Mapping[str, Any], fault: str) -> Done:
        part = payment["paymentDetails"][0]
        number = str(part["billId"]).removeprefix("SIMBILL-")
        if part["businessService"] == "chb-services" and not self._halls.paid(number):
            return Done(errors("CHB_HOLD_EXPIRED", "The slot is no longer held"))
        return self._city.pay(payment, fault)

    def refuse(self, call: Call, fault: str) -> Any:
        route: Route = call.args[0]
        if call.operation in codes.OPERATIONS:
            return codes.refusal(call.operation, fault)
        if fault == "101" and not call.write:
            return {route.rows: []} if route.rows else None
        return refusal(call.operation, fault, water=route.rows == "WaterConnection")

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        if call.operation in codes.OPERATIONS:
            return codes.bent(document, fault)
        return bent(call.operation, document, fault)

    def page(self, call: Call, fault: str) -> Answer | None:  # noqa: ARG002 - the hook's shape
        return page(fault)

    def text(self, document: Any) -> str:
        self._replies += 1
        even = self._replies % 2 == 0
        told = {key: value for key, value in document.items() if key not in {"_status", "ResponseInfo"}}
        info = {
            "apiId": "Rainmaker",
            "ver": ".01",
            "ts": None if self._replies % 3 == 0 else self._replies,
            "resMsgId": "uief87324",
            "status": "successful" if even else "SUCCESSFUL",
            "xSim": "1",
        }
        name = "responseInfo" if even else "ResponseInfo"
        whole = {name: None if "Errors" in told else info, **told}
        return json.dumps(whole, ensure_ascii=False).replace('"@0E+2@"', "0E+2")

    def dress(self, call: Call, document: Any, fault: str) -> Answer | None:  # noqa: ARG002 - the hook's shape
        status = document.get("_status", 200) if isinstance(document, dict) else 200
        if status == 200:
            return None
        return replace(clothed(self.text(document), self.content_type, fault, xml=False), status=status)

    def _track(self, query: Mapping[str, str], fault: str, route: Route) -> dict[str, Any]:
        if route.rows == "ServiceWrappers":
            return self._city.search(query, fault)
        if route.rows == BOOKINGS:
            return self._halls.search(query)
        if "connectionNumber" in query:
            return codes.connection(query["connectionNumber"])
        return application(query, fault, route)

    def _shaped(self, done: Done) -> Done:
        """The same records under the published names, the live ones, or both."""
        document = done.document
        if self._shape == "live" or not isinstance(document, dict):
            return done
        document = dict(document)
        for live, spec in (("Payments", "Payment"), ("BusinessServices", "BusinessService")):
            if live in document:
                document[spec] = document[live]
                if self._shape == "spec":
                    del document[live]
        return replace(done, document=document)


if __name__ == "__main__":
    chosen = parser("municipal/digit")
    chosen.add_argument("--queue-delay", type=float, default=2.0, help="seconds until a write is shown")
    chosen.add_argument("--no-limits", action="store_true", help="no limits of creates and one-time passwords")
    chosen.add_argument("--shape", choices=("spec", "live", "both"), default="both", help="which names records have")
    chosen.add_argument("--enforce-bill", action="store_true", help="a bill is paid once")
    run(Digit, chosen)
