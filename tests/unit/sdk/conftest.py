"""A driver's view of the wire: one canned answer for each send, and what was asked."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zeep
from office_speaking import WSDL, NaiveTransport

from aggregator.sdk.adapter import Class, Declared
from aggregator.sdk.dialect import CURRENT
from aggregator.sdk.wire import CAP, Reply, WireError


class CannedWire:
    """Gives the same answer, or the same failure, to every send; the cheapest implementation of the port."""

    def __init__(self, answer: Reply | WireError) -> None:
        self._answer = answer
        self.asked: list[tuple[str, str, dict[str, str], bytes | None, bool, int]] = []

    async def send(self, method, url, *, headers, body, effect=True, cap=CAP):
        self.asked.append((method, url, dict(headers), body, effect, cap))
        if isinstance(self._answer, WireError):
            raise self._answer
        return self._answer


@pytest.fixture
def canned() -> Callable[..., CannedWire]:
    def make(status: int = 200, body: bytes = b"", kind: str | None = "application/json", **headers: str) -> CannedWire:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if kind is not None:
            named["content-type"] = kind
        return CannedWire(Reply(status, named, body))

    return make


@pytest.fixture
def failing() -> Callable[[WireError], CannedWire]:
    return CannedWire


@pytest.fixture
def declared() -> Iterator[Callable[..., None]]:
    """Runs the rest of the test inside an operation with these facts."""
    before = CURRENT.get()

    def declare(cls: Class = Class.OPAQUE, **facts) -> None:
        CURRENT.set(Declared(cls=cls, **facts))

    yield declare
    CURRENT.set(before)


@pytest.fixture(scope="module")
def naive() -> Callable[..., Any]:
    """zeep's own reading of a reply: the control."""
    settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    client = zeep.Client(str(WSDL), transport=NaiveTransport(), settings=settings)
    binding = client.wsdl.bindings["{urn:office}Office11"]

    def process(operation, reply):
        return binding.process_reply(client, binding.get(operation), reply)

    process.client = client
    return process
