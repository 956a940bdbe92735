"""A gateway that answers what a test tells it to, over the production port without sockets."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import respx

from adapters.rto.ulip import Driver
from aggregator.sdk.adapter import Settings
from aggregator.sdk.model import Order
from aggregator.sdk.testing.wires import RespxWire

LOGIN = {"response": {"id": "token-1"}, "error": "false", "code": "200", "message": "Success"}


def envelope(response: Any, status: str = "SUCCESS", message: Any = None) -> dict[str, Any]:
    item = {"response": response, "responseStatus": status, "message": message}
    return {"response": [item], "error": "false", "code": "200", "message": "Success"}


class Town:
    """`says` an envelope around a record; `answers` by a function of the request.

    Logins give `token-1`, `token-2` ...
    """

    def __init__(self, **options: str) -> None:
        self.router = respx.Router(assert_all_called=False, assert_all_mocked=True)
        self.wire = RespxWire(self.router)
        secrets = {"username": "sim", "password": "sim-ulip-password"}
        self.driver = Driver(self.wire, Settings("http://ulip.example", options, secrets))
        self.logins = 0
        self.login: Callable[[httpx.Request], Any] = self._give_token
        self.register: Callable[[httpx.Request], Any] = lambda _: httpx.Response(500)
        self.router.route().mock(side_effect=self._react)

    def _react(self, request: httpx.Request) -> Any:
        return self.login(request) if request.url.path.endswith("/user/login") else self.register(request)

    def _give_token(self, _request: httpx.Request) -> httpx.Response:
        self.logins += 1
        return httpx.Response(200, json={**LOGIN, "response": {"id": f"token-{self.logins}"}})

    def says(self, response: Any, status: str = "SUCCESS", message: Any = None) -> None:
        self.answers(lambda _: httpx.Response(200, json=envelope(response, status, message)))

    def answers(self, react: Callable[[httpx.Request], Any]) -> None:
        self.register = react

    def asked(self) -> tuple[str, Any]:
        """Path and body of the last request."""
        last = self.wire.requests[-1]
        return last.url.path, json.loads(last.content)


@pytest.fixture
def make_town() -> Callable[..., Town]:
    return Town


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def vehicle() -> Order:
    return Order("", "vehicle_record", {"vehicle_number": "od 99 zz 0000"})


@pytest.fixture
def licence() -> Order:
    return Order("", "licence_record", {"licence_number": "OD-99 20990000000", "date_of_birth": "1990-01-01"})
