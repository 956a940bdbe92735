"""The bill payment network's central unit, simulated: `python -m adapters.electricity.bbps.simulator --data DIR`.

Every request is answered "received" at once and in earnest by callback (`--callback URL`, or POST /callback-url on
the control port). Its keys, and those it gives us, are made in DIR; the JSON line names the files. Accounts
`90000000[01]FFF`, complaints by mobile, statuses by `SIMU601500000000[01]FFF`, complaint numbers `CC000000[01]FFF`.
"""

import argparse
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from adapters.electricity.bbps import simulator_answers as answers
from adapters.electricity.bbps.simulator_keys import Keys, signed_by
from adapters.electricity.bbps.simulator_post import OWN, Post
from adapters.electricity.bbps.simulator_requests import Asked, call_of
from adapters.electricity.bbps.simulator_state import BILLER, Books, stamp, tag
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.testing.faults import MENU
from aggregator.sdk.testing.pages import words_for
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, World
from aggregator.sdk.xml import local, parse

XML, JSON = "application/xml; charset=utf-8", "application/json"
_PATH = re.compile(r"/bbps/(\w+)/1\.0/urn:referenceId:([A-Z0-9]{1,35})")
_CMS = "/CMS/TxnStatusComplainRequest"
_ACKED_ONLY = frozenset({"probe", "list_services"})
_NEVER_FOLLOWED = frozenset({"806", "807", "808", "809"})
_LOST = frozenset({"202", "203", "204", "408", "501", "504", "506", "601", "602", "603", "604", "605"})
_NONE_OF_THE_800S = frozenset({"802", "803", "813", "814"})
_NO_STATUS = frozenset({"801", "804"})
_READS = frozenset({"104", "105", "108", "109", "401"})


class CentralUnit(Dialect):
    """A document is an Ack: its attributes, `errors` a list of code and text."""

    driver = "bbps"
    content_type = XML
    own_faults = OWN
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": frozenset({"104", "109", "401"}) | _NONE_OF_THE_800S,
        "probe": frozenset({"808", "809"}),
        "list_services": frozenset({"808", "809"}),
        "bill": _READS | _NO_STATUS | {"107"},
        "validate": _READS | _NO_STATUS | {"100", "107", "800", "805", "812"},
        "find": _READS | {"100", "805", "812"},
        "payment_status": _READS | {"100", "805", "812"},
        "track": _READS | {"100", "107", "805", "812"},
        "pay": frozenset({"104", "109", "401"}),
        "complain": frozenset({"100", "104", "107", "108", "109", "401"}),
    }

    def __init__(self, world: World, options: argparse.Namespace) -> None:
        super().__init__(world)
        self.books = Books(world)
        self.keys = Keys(Path(options.data))
        self._mode: str = options.mode
        self._quirks = frozenset(options.quirks.split(",")) - {""}
        self._silent: bool = options.silent_after_lost_ack
        self.post = Post(world, self.keys, options.callback_after)
        if options.callback:
            world.outbox.url = options.callback.rstrip("/")

    def announced(self) -> Mapping[str, Any]:
        files = self.keys.secrets
        env = {"BBPS_SIGNING_KEY": files["signing_key"], "BBPS_CENTRAL_KEY": files["central_key"]}
        return {"secrets": files, "env": env}

    def callback_faults(self, rules: list[Mapping[str, Any]]) -> None:
        self.post.rules = [dict(rule) for rule in rules]

    def bounds(self, operation: str) -> Bounds:
        return Bounds(120, 30) if operation == "complain" else Bounds(900, 90)

    def advance(self, ref: str, to: str) -> bool:
        """A payment's or complaint's word; REVERSED is pushed, and so is a biller's down-time."""
        if ref == BILLER:
            told = tag("Biller", id=ref, status=to, startTime=answers.TS, durationInMinutes="60")
            self.post.send("BillerStatusUpdate", self.post.stranger(), told)
            return True
        record = self.books.payments.get(ref)
        if record is not None and to == "REVERSED":
            echoed = {"txnReferenceId": ref, "paymentRefId": record.get("ours", "")}
            said = answers.payment_answer(echoed, "NA", record["account"], answers.reason(), "REVERSAL")
            self.post.send("BillPaymentResponse", record["ref_id"], said)
        return self.books.force(ref, to)

    def read(self, arrived: Arrived) -> Call | Answer:
        found = _PATH.fullmatch(arrived.path)
        api = "TxnStatusComplainRequest" if arrived.path == _CMS else (found[1] if found else "")
        if arrived.method != "POST" or api not in answers.RESPONSES:
            return Answer(b"<html><body>404</body></html>", "text/html", 404)
        try:
            document = parse(arrived.body)
        except ContractBroken:
            return self._answer(self._failure(api, "NA", "G28", "INVALID-XML"))
        asked = Asked(api, document, cms=not found)
        if not signed_by(arrived.body, self.keys.operating):
            if "empty_on_bad_signature" in self._quirks:
                return Answer(b"", XML)
            return self._answer(self._failure(api, asked.ref_id or "NA", "G27", "SIGNATURE-MISMATCH"))
        if local(document) != api or not asked.ref_id or (found and found[2] != asked.ref_id):
            return self._answer(self._failure(api, asked.ref_id or "NA", "G28", "INVALID-XML"))
        return call_of(asked, self.books)

    def act(self, call: Call, fault: str) -> Done:
        asked: Asked = call.args
        ack = self._ack(asked)
        if fault not in OWN and not MENU[fault].acts:
            return Done(ack)
        if call.operation == "pay":
            content, acted, number = self._pay(call, fault)
        elif call.operation == "complain":
            content, acted, number = self._complain(call, fault)
        else:
            content, acted, number = self._content(call, fault), False, ""
        quiet = fault in _NEVER_FOLLOWED or self.world.clock.pinned is not None
        if not quiet and not (self._silent and fault in _LOST):
            self._push(call, content, fault)
        return Done(ack, acted=acted, agency_ref=number)

    def _content(self, call: Call, fault: str) -> str:
        asked: Asked = call.args
        msg_id, code = asked.msg_id, answers.FETCH_CODES.get(fault)
        contents: dict[str, Callable[[], str]] = {
            "bill": lambda: answers.fetched(self.books, msg_id, asked.account, fault),
            "validate": lambda: answers.no(code) if code else answers.reason(),
            "payment_status": lambda: answers.status(self.books, msg_id, call.counted_by, fault),
            "track": lambda: answers.tracked(self.books, msg_id, call.counted_by, fault),
            "transactions": lambda: answers.transactions(self.books, msg_id, call.counted_by),
            "list_services": answers.billers,
        }
        return contents.get(call.operation, str)()

    def _pay(self, call: Call, fault: str) -> tuple[str, bool, str]:
        """The answer's content, whether it acted, and its number."""
        asked: Asked = call.args
        echoed = {name: asked.of("Txn", name) for name in ("txnReferenceId", "paymentRefId")}

        def said(word: str) -> str:
            return answers.payment_answer(echoed, asked.msg_id, asked.account, word)

        refusal = answers.PAY_CODES.get(fault) or self._enforced(call)
        if refusal:
            if refusal not in answers.SETTLES_NOTHING:
                self.books.refuse(call.our_ref, asked.account, asked.of("Amount/Amt", "amount"))
            return said(answers.no(refusal)), False, ""
        known = self.books.payments.get(call.our_ref)
        if known is not None and self._mode == "keyed" and fault != "810" and known["ref_id"] == asked.ref_id:
            return said(answers.reason(approval=known["approval"])), False, call.our_ref
        record = self.books.pay(call.our_ref, asked.ref_id, asked.account, asked.of("Amount/Amt", "amount"), fault)
        self.books.payments[call.our_ref] = {**record, "ours": echoed["paymentRefId"]}
        words = {"800": answers.reason(""), "107": answers.no("BPR903"), "801": answers.no("BPR903")}
        return said(words.get(fault, answers.reason(approval=record["approval"]))), True, call.our_ref

    def _enforced(self, call: Call) -> str:
        if self._mode != "enforce":
            return ""
        if self.books.open_for(call.natural_key):
            return "BPR902"
        return "BFR004" if self.books.paid.get(call.natural_key) else ""

    def _complain(self, call: Call, fault: str) -> tuple[str, bool, str]:
        asked: Asked = call.args
        first = self.books.first_complaint(call.natural_key)
        if first is not None and fault != "810":
            more = {"complaintId": first["number"], "complaintStatus": self.books.complaint_word(first)}
            return answers.complaint(asked.msg_id, "200", "complaint already exists", **more), False, first["number"]
        record = self.books.complain(call.natural_key)
        more = {"complaintId": record["number"], "complaintStatus": self.books.complaint_word(record)}
        return answers.complaint(asked.msg_id, "000", "Successful", **more), True, record["number"]

    def refuse(self, call: Call, fault: str) -> Any:
        """The Ack says yes; the no comes by callback. None where this operation has no such no."""
        asked: Asked = call.args
        table = {"pay": answers.PAY_CODES, "bill": answers.FETCH_CODES, "validate": answers.FETCH_CODES}
        if call.operation in table:
            code = table[call.operation].get(fault)
            if code is None:
                return None
            content = self._pay(call, fault)[0] if call.operation == "pay" else self._content(call, fault)
        elif call.operation == "complain":
            if fault not in answers.COMPLAIN_WORDS and fault != "103":
                return None
            words = answers.COMPLAIN_WORDS.get(fault, "?")
            more = {"complaintId": "CC0000000105"} if fault == "105" else {}
            content = answers.complaint(asked.msg_id, "200" if fault != "103" else answers.BAD_CODE, words, **more)
        elif call.operation in {"payment_status", "track"} and fault in {"101", "102", "103", "106"}:
            content = self._content(call, fault)
        else:
            return None
        self._push(call, content, fault)
        return self._ack(asked)

    def page(self, call: Call, fault: str) -> Answer | None:
        if fault == "502" and call.operation in {"bill", "validate", "pay"}:
            content = self._pay(call, fault)[0] if call.operation == "pay" else self._content(call, fault)
            self._push(call, content, fault)
            return self._answer(self._ack(call.args))
        if fault == "210":
            return self._answer(self._failure(call.args.api, call.args.ref_id, "G99", "GATEWAY"))
        return None

    def _push(self, call: Call, content: str, fault: str) -> None:
        asked: Asked = call.args
        own = fault if fault in OWN else ""
        name = answers.RESPONSES[asked.api]
        self.post.send(
            name, asked.ref_id, content, fault=own, operation=call.operation, match=call.counted_by, cms=asked.cms
        )

    def _ack(self, asked: Asked) -> dict[str, Any]:
        told = {"api": asked.api, "refId": asked.ref_id, "msgId": asked.msg_id, "RspCd": "Successful"}
        return {**{name: value for name, value in told.items() if value}, "ts": stamp(self.world.now()), "errors": []}

    def _failure(self, api: str, ref_id: str, code: str, words: str) -> dict[str, Any]:
        told = {"api": api, "refId": ref_id, "RspCd": "Failure", "ts": stamp(self.world.now())}
        return {**told, "errors": [(code, words)]}

    def bend(self, call: Call, document: Any, fault: str) -> Any:  # noqa: ARG002 - the hook's shape
        bent = dict(document)
        if fault == "208":
            bent.pop("RspCd")
        if words_for(fault):
            bent["api"] = words_for(fault)
        return bent | {"206": {"refId": "X" * 35}, "207": {"id": "1", "new": "1"}, "811": {"msgId": "X" * 35}}.get(
            fault, {}
        )

    def text(self, document: Any) -> str:
        attributes = {name: value for name, value in document.items() if name != "errors"}
        inner = "".join(
            tag("errorMessages", tag("errorCd", code) + tag("errorDtl", words)) for code, words in document["errors"]
        )
        ack = tag("bbps:Ack", inner, **{"xmlns:bbps": "http://bbps.org/schema"}, **attributes)
        return f'<?xml version="1.0" encoding="UTF-8"?>{ack}'

    def dress(self, call: Call, document: Any, fault: str) -> Answer | None:  # noqa: ARG002 - the hook's shape
        return self._answer(document) if self._quirks and fault == "000" else None

    def _answer(self, document: dict[str, Any]) -> Answer:
        if "json_body" in self._quirks:
            errors = [{"errorCd": code, "errorDtl": words} for code, words in document["errors"]]
            told = {**{name: value for name, value in document.items() if name != "errors"}, "errorMessages": errors}
            return Answer(json.dumps(told).encode(), JSON)
        return Answer(self.text(document).encode(), JSON if "json_ack" in self._quirks else XML)


if __name__ == "__main__":
    chosen = parser("electricity/bbps")
    chosen.add_argument("--callback", default="", help="where callbacks go: http://127.0.0.1:PORT/callbacks/<agency>")
    chosen.add_argument("--callback-after", type=float, default=0.05, help="seconds between Ack and callback")
    chosen.add_argument("--mode", choices=["queryable", "keyed", "enforce"], default="queryable", help="what pay does")
    chosen.add_argument("--quirks", default="", help="of json_ack, json_body, empty_on_bad_signature; commas between")
    chosen.add_argument("--silent-after-lost-ack", action="store_true", help="no callback after a lost Ack")
    run(CentralUnit, chosen)
