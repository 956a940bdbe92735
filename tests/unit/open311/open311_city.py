"""A city that answers what a test tells it to, over the production port without sockets."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import httpx
import respx

from adapters.municipal.open311 import Driver
from aggregator.sdk.adapter import Settings
from aggregator.sdk.testing.wires import RespxWire

OPTIONS = {
    "code_street_light": "001",
    "code_garbage": "002",
    "type_garbage": "batch",
    "code_suggestion": "003",
    "type_suggestion": "blackbox",
    "code_road": "004",
}


class City:
    """`answers` with any reply to everything; `asked` is the last request's fields or query."""

    def __init__(self) -> None:
        self.router = respx.Router(assert_all_called=False, assert_all_mocked=True)
        self.wire = RespxWire(self.router)

    def driver(self, **options: Any) -> Driver:
        settings = Settings("http://city.example/open311/v2/", OPTIONS | options, {"api_key": "sim-key"})
        return Driver(self.wire, settings)

    def answers(self, body: Any, status: int = 200) -> None:
        self.router.route().mock(return_value=reply(body, status))

    def says(self, *rows: Mapping[str, Any], root: str = "service_requests", status: int = 200) -> None:
        """An XML list of rows."""
        self.answers(listed(*rows, root=root), status)

    def asked(self) -> list[tuple[str, str]]:
        request = self.wire.requests[-1]
        return parse_qsl(request.content.decode() or request.url.query.decode(), keep_blank_values=True)


def listed(*rows: Mapping[str, Any], root: str = "service_requests") -> str:
    item = {"service_requests": "request", "errors": "error"}.get(root, "request_update")
    inner = "".join(f"<{item}>{''.join(f'<{k}>{v}</{k}>' for k, v in row.items())}</{item}>" for row in rows)
    return f"<{root}>{inner}</{root}>"


def reply(body: Any, status: int = 200) -> httpx.Response:
    if isinstance(body, str):
        return httpx.Response(status, content=body.encode(), headers={"Content-Type": "text/xml; charset=utf-8"})
    return httpx.Response(status, json=body)
