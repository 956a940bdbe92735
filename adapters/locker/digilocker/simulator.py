"""An issuer of documents, simulated: `python -m adapters.locker.digilocker.simulator --data DIR`.

It holds a registration certificate and a licence for every number, all of one citizen: locker
`00000000-0000-4000-8000-000000000000`, born 1990-01-01. Anybody else's request finds nothing. Numbers of the form
`OD99ZZ0FFF` choose the fault; SIMEICAR, SIMLARGE and SIMTORN are papers that no office would want.
"""

import argparse
import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aggregator.sdk.auth import hmac_base64, same
from aggregator.sdk.errors import ContractBroken
from aggregator.sdk.testing.pages import words_for
from aggregator.sdk.testing.serve import parser, run
from aggregator.sdk.testing.simulator import Answer, Arrived, Call, Dialect, Done, World, magic
from aggregator.sdk.xml import Element, element, local, parse, text, to_bytes

KEY = "sim-digilocker-key"
ISSUER = "in.gov.sim"
LOCKER = "00000000-0000-4000-8000-000000000000"
BORN = "01-01-1990"
_KIND = "application/xml; charset=utf-8"
_URI = re.compile(rf"{re.escape(ISSUER)}-([A-Z]{{5}})-([A-Z0-9]{{4,24}})")
_ROOTS = {"/pulluri": "PullURIRequest", "/pulldoc": "PullDocRequest"}
_LARGE_BYTES = 5 * 1_048_576 + 1
_EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer before it is written: `status`, and the paper's parts where there is one."""

    root: str
    status: str
    txn: str
    stamp: str
    parts: Mapping[str, str]


class Issuer(Dialect):
    """A document is what is said; it becomes XML when it leaves."""

    driver = "digilocker"
    content_type = _KIND
    not_applicable: Mapping[str, frozenset[str]] = {
        "*": frozenset({"100", "102", "105", "106", "107", "108", "109"})
        | frozenset({"800", "801", "802", "803", "804", "805", "808", "809", "814"})
    }

    def __init__(self, world: World, key: str = KEY) -> None:
        super().__init__(world)
        self._key = key

    def read(self, arrived: Arrived) -> Call | Answer:
        root = _ROOTS.get(arrived.path)
        if arrived.method != "POST" or root is None:
            return Answer(b"", _KIND, 404)
        if not same(arrived.headers.get("x-digilocker-hmac", ""), hmac_base64(self._key, arrived.body)):
            return Answer(b"", _KIND, 401)
        try:
            asked = parse(arrived.body, root=root)
        except ContractBroken:
            return Answer(b"", _KIND, 400)
        kind, number = _named(asked)
        told = (f"{local(asked).removesuffix('Request')}Response", str(asked.get("txn", "")), kind, number)
        details = asked.find("DocDetails")
        whose = ("", "") if details is None else (text(details, "DigiLockerId"), text(details, "DOB"))
        return Call(
            "document", write=False, magic=magic(r"OD99ZZ(\d{4})", number), counted_by=number, args=(*told, *whose)
        )

    def act(self, call: Call, fault: str) -> Done:  # noqa: ARG002 - the hook's shape
        root, txn, kind, number, locker, born = call.args
        if not kind or locker.lower() != LOCKER or born not in {"", BORN}:
            return Done(self._said(root, txn, "0"))
        parts = {
            "DocType": kind,
            "DigiLockerId": LOCKER,
            "URI": f"{ISSUER}-{kind}-{number}",
            "DocContent": base64.b64encode(_paper(kind, number)).decode(),
        }
        return Done(self._said(root, txn, "1", parts))

    def _said(self, root: str, txn: str, status: str, parts: Mapping[str, str] | None = None) -> Said:
        return Said(root, status, txn, self.world.now().isoformat(timespec="seconds"), parts or {})

    def refuse(self, call: Call, fault: str) -> Any:
        root, txn = call.args[:2]
        return self._said(root, txn, {"101": "0", "103": "7", "104": "0"}.get(fault, "0"))

    def bend(self, call: Call, document: Any, fault: str) -> Any:  # noqa: ARG002 - the hook's shape
        said: Said = document
        parts = dict(said.parts)
        match fault:
            case "206":
                return replace(said, txn="SIM-OF-SOMEBODY-ELSE")
            case "207":
                parts["NewElement"] = "1"
            case "208":
                parts.pop("DocContent", None)
            case "209":
                return replace(said, status="true")
            case "703" | "704" | "705" | "706":
                parts["IssuedTo"] = words_for(fault)
            case "811":
                parts["URI"] = f"{ISSUER}-RVCER-OD99ZZ9999"
                parts["DigiLockerId"] = LOCKER.replace("8000", "8001")
            case "812" | "813":
                return replace(said, stamp="0001-01-01" if fault == "812" else "2026-01-15T05:02:62604")
            case _:
                pass
        return replace(said, parts=parts)

    def text(self, document: Any) -> str:
        said: Said = document
        status = element("ResponseStatus", Status=said.status, ts=said.stamp, txn=said.txn)
        details = element("DocDetails", *(element(name, text=value) for name, value in said.parts.items()))
        root = element(said.root, status, *([details] if said.parts else []))
        return '<?xml version="1.0" encoding="UTF-8"?>' + to_bytes(root, declaration=False).decode()


def _named(asked: Element) -> tuple[str, str]:
    """Kind and number of the paper that is asked for; empty where the request names none of ours."""
    details = asked.find("DocDetails")
    if details is None:
        return "", ""
    found = _URI.fullmatch(text(details, "URI"))
    if found:
        return found[1], found[2]
    return text(details, "DocType"), text(details, "UDF1")


def _paper(kind: str, number: str) -> bytes:
    """One page that says what it is. The same paper is the same bytes."""
    words = f"BT /F1 14 Tf 60 760 Td (Simulated {kind} {number}) Tj ET".encode()
    if number == "SIMEICAR":
        words += b"\n% " + _EICAR
    if number == "SIMLARGE":
        words += b"\n% ".ljust(_LARGE_BYTES, b"x")
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(words), words),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    made, at = b"%PDF-1.4\n", []
    for index, part in enumerate(parts, 1):
        at.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (index, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in at)
    end = b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n" % (table, len(made))
    return made + end + (b"" if number == "SIMTORN" else b"%%EOF\n")


def _issuer(world: World, options: argparse.Namespace) -> Issuer:
    return Issuer(world, options.key)


if __name__ == "__main__":
    _options = parser("locker/digilocker")
    _options.add_argument("--key", default=KEY, help="the key of x-digilocker-hmac")
    run(_issuer, _options)
