"""The city's documents in both formats, written without the driver's code.

A document is (status, root, item, rows): `item` empty for one thing that is no list. The quirks are of the format:
XML wraps lists twice, JSON gives the code of service 001 as the number 1.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

_ITEM_OF = {"attributes": "attribute", "values": "value", "endpoints": "endpoint"}
XML, JSON = "text/xml; charset=utf-8", "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Paper:
    """`rows` are flat but for the lists named in `_ITEM_OF`."""

    root: str
    item: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200


def error(status: int, text: str, code: str = "") -> Paper:
    return Paper("errors", "error", [{"code": code or str(status), "description": text}], status)


def as_xml(paper: Paper) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    if not paper.item:
        return head + _element(paper.root, paper.rows[0] if paper.rows else "")
    return head + f"<{paper.root}>" + "".join(_element(paper.item, row) for row in paper.rows) + f"</{paper.root}>"


def _element(name: str, value: Any) -> str:
    if isinstance(value, dict):
        inner = "".join(_element(key, one) for key, one in value.items())
    elif isinstance(value, list):
        inner = "".join(_element(_ITEM_OF[name], one) for one in value)
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"


def as_json(paper: Paper) -> str:
    rows = [_typed(row) for row in paper.rows]
    return json.dumps(rows if paper.item else rows[0] if rows else {}, ensure_ascii=False)


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in row.items()}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_typed(one) for one in value]
    if name == "service_code" and value == "001":
        return 1
    if name in {"lat", "long"} and value:
        return float(value)
    if value in {"true", "false"}:
        return value == "true"
    return value
