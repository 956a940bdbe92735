"""The utility's old portal, simulated: `python -m adapters.electricity.tpcodl.simulator --data DIR`.

Pages of a JSP server with the payload between its body tags; user `sim`, password `sim-legacy-password`, any company.
Reads go by consumer id `900S0[01]FFF`, complaints by mobile. Source: the electricity protocol, section 5.
"""

import html
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from aggregator.sdk.clock import IST
from aggregator.sdk.testing.pages import HTML, words_for
from aggregator.sdk.testing.serve import run
from aggregator.sdk.testing.simulator import Answer, Arrived, Bounds, Call, Dialect, Done, magic

PORTAL = "/ePortalAPP/ePortal_App.jsp"
REPORTS = "/IncomingSMS/CESU_DynamicReport.jsp"
USER, PASSWORD = "sim", "sim-legacy-password"
OPERATIONS = {(PORTAL, "3"): "lookup", (PORTAL, "7"): "complain", (REPORTS, "1074"): "history"}
_REFERENCE = re.compile(r"\(ref ([A-Za-z0-9-]+)\)$")
_MONTHS = 6
_NOT_FOUND, _NOT_ALLOWED, _NONE = "1|9||", "0|0||", "1|1|0|"
_REFUSALS: Mapping[str, Mapping[str, str]] = {
    "lookup": {"101": _NOT_FOUND, "106": _NOT_FOUND, "102": _NOT_ALLOWED, "103": "1|7||"},
    "history": {"101": _NONE, "106": _NONE, "102": "1|0|0|", "103": "9|9|9|"},
    "complain": {
        "101": "0|0|Consumer not found",
        "102": "0|0|Complaint type not allowed",
        "106": "0|0|Connection is closed",
        "103": "7|E-SIM-103|?",
    },
}
_NOTHING = {"lookup": _NOT_FOUND, "history": _NONE}
_FORBIDDEN = {"lookup": _NOT_ALLOWED, "history": "0|1|0|"}
_PAGE = '<HTML>\r\n<head><title>{title}</title></head>\r\n<Body bgcolor="white">\r\n{payload}\r\n</BODY></HTML>\r\n'


class Portal(Dialect):
    """Two JSP pages. A document is the payload, not yet escaped."""

    driver = "tpcodl"
    content_type = HTML
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": frozenset(
            {"104", "105", "107", "108", "109", "205", "206", "207", "211", "401", "611", "701", "813", "814"}
            | {str(code) for code in (*range(800, 805), *range(808, 811))}
        ),
        "lookup": frozenset({"811", "812"}),
        "history": frozenset({"805", "811"}),
        "complain": frozenset({"100", "805", "812"}),
    }

    def read(self, arrived: Arrived) -> Call | Answer:
        asked = dict(parse_qsl(arrived.query, keep_blank_values=True))
        kind = asked.get("RequestType") if arrived.path == PORTAL else asked.get("ReportID")
        if arrived.method != "GET" or arrived.path not in {PORTAL, REPORTS}:
            return Answer(b"<html><head><title>404</title></head><body>HTTP Status 404</body></html>", HTML, 404)
        operation = OPERATIONS.get((arrived.path, kind or ""))
        if operation is None or not asked.get("CompanyID"):
            return self._page("1|0|0|" if arrived.path == REPORTS else _NOT_ALLOWED)
        if operation == "history" and (asked.get("un"), asked.get("pw")) != (USER, PASSWORD):
            return self._page(_FORBIDDEN["history"])
        return self._call(operation, asked)

    def _call(self, operation: str, asked: dict[str, str]) -> Call:
        consumer = asked.get("ConsumerID") or asked.get("strDivCode", "") + asked.get("strCons_Acc", "")
        # The report also takes the whole id as the account.
        consumer = re.sub(r"^(\d{3})\1(?=[SI])", r"\1", consumer)
        if operation != "complain":
            return Call(
                operation,
                write=False,
                magic=magic(r"900S0(\d{4})", consumer),
                counted_by=consumer,
                args=(consumer, asked),
            )
        found = _REFERENCE.search(asked.get("Text", ""))
        key = f"{consumer}/{asked.get('ComplaintType', '')}/{asked.get('Text', '')}"
        ours = found[1] if found else key
        return Call(
            operation,
            write=True,
            our_ref=ours,
            natural_key=key,
            magic=magic(r"900000(\d{4})", asked.get("Mobile_No", "")),
            counted_by=ours,
            args=(consumer, asked),
        )

    def bounds(self, operation: str) -> Bounds:  # noqa: ARG002 - the hook's shape
        return Bounds(60, 0)

    def act(self, call: Call, fault: str) -> Done:
        consumer, asked = call.args
        if fault == "100":
            return Done(_NOTHING[call.operation])
        if call.operation == "complain":
            return self._complain(asked, shared=fault == "811")
        if not re.fullmatch(r"\d{3}[SI]\w{1,8}", consumer):
            return Done(_NOTHING[call.operation])
        return Done(self._found(consumer) if call.operation == "lookup" else self._history(consumer, fault))

    def _complain(self, asked: dict[str, str], *, shared: bool) -> Done:
        if asked.get("ComplaintType") not in {"NS", "VF", "MT", "OT"} or not asked.get("Text"):
            return Done("0|0|Complaint is not complete")
        number = "9999999811" if shared else f"{self.world.number('complaint'):010d}"
        self.world.table("complaints")[f"{self.world.number('row')}"] = {
            "number": number,
            "at": self.world.now().isoformat(),
        }
        return Done(f"1|{number}|Complaint registered", acted=True, agency_ref=number)

    def _found(self, consumer: str) -> str:
        return f"1|1|{self._name(consumer)}|Plot {int(self.world.chance(consumer).random() * 900)}, Demo Colony"

    def _name(self, consumer: str) -> str:
        return f"TEST CITIZEN {consumer[-4:]}"

    def _history(self, consumer: str, fault: str) -> str:
        chance, now = self.world.chance(consumer), self.world.now().astimezone(IST)
        rows = []
        for back in range(_MONTHS):
            on = (now.replace(day=15) - timedelta(days=30 * back)).replace(day=10 + int(chance.random() * 15))
            paid = 200 + int(chance.random() * 1800)
            balance = {"209": ".41", "812": "0"}.get(fault, f"{chance.random() - 0.5:.2f}".replace("0.", "."))
            stamped = "00-00-0000" if fault == "812" else f"{on:%d-%m-%Y}"
            number = f"{int(chance.random() * 1e5):05d}-{on:%d}"
            rows.append(f"{on:%m-%Y},{paid // 7},{balance},{on:%m-%Y},{number},{paid},{stamped},{back % 2}")
        return f"1|1|{len(rows)}|{';'.join(rows)};"

    def refuse(self, call: Call, fault: str) -> Any:
        return _REFUSALS[call.operation].get(fault)

    def bend(self, call: Call, document: Any, fault: str) -> Any:
        fields = str(document).split("|")
        if fault == "208":
            return "|".join(
                [*fields[:3], fields[3].replace(",", "", 1)] if call.operation == "history" else fields[:-1]
            )
        if fault == "805" and call.operation == "lookup":
            fields[2] = "T**T C*****N"
        elif words_for(fault):
            self._say(call.operation, fields, words_for(fault))
        return "|".join(fields)

    def _say(self, operation: str, fields: list[str], words: str) -> None:
        """Puts the words where this operation has a text."""
        if operation == "history":
            fields[3] = re.sub(r"\d{5}-\d\d", words.replace(",", ""), fields[3], count=1)
        else:
            fields[2] = words

    def text(self, document: Any) -> str:
        return _PAGE.format(title="ePortal", payload=html.escape(str(document), quote=False))

    def page(self, call: Call, fault: str) -> Answer | None:
        if fault == "403" and call.operation in _FORBIDDEN:
            return self._page(_FORBIDDEN[call.operation])
        if fault in {"210", "500", "501"}:
            status = 200 if fault == "210" else 500
            words = "java.sql.SQLException: Closed Connection"
            return Answer(_PAGE.format(title="Error", payload=words).encode(), HTML, status)
        return None

    def _page(self, payload: str) -> Answer:
        return Answer(self.text(payload).encode(), HTML)


if __name__ == "__main__":
    run(lambda world, _options: Portal(world))
