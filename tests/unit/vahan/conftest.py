"""A transport department that answers what a test tells it to, over the production port without sockets."""

import base64
from typing import Any

import httpx
import pytest
import respx

from adapters.rto.vahan import Driver
from adapters.rto.vahan.simulator_layers import Strings, envelope, fields, request
from aggregator.sdk.adapter import Settings
from aggregator.sdk.model import Order
from aggregator.sdk.testing.wires import RespxWire

SECRET = "sim-vahan-secret-01"
FORM = {
    "vehicle_number": "OD 99 ZZ 0000",
    "chassis_last5": "00000",
    "name": "Test Citizen 0000",
    "mobile": "+919000000000",
    "address": "Plot 0, Demo Colony",
    "buyer_name": "Test Citizen 0001",
    "buyer_mobile": "9000000001",
    "buyer_address": "Plot 1, Demo Colony",
    "office": "OD-02",
}


class Department:
    """`says` a document or text, sealed; `returns` the string in `return` itself; `answers` with any HTTP reply."""

    def __init__(self, secret: str = SECRET) -> None:
        self.strings = Strings(SECRET)
        self.router = respx.Router(assert_all_called=False, assert_all_mocked=True)
        self.wire = RespxWire(self.router)
        settings = Settings("http://rto.example", {"client_id": "SIMCLIENT"}, {"shared_secret": secret})
        self.driver = Driver(self.wire, settings)

    def says(self, operation: str, plain: str | bytes) -> None:
        self.returns(operation, self.sealed(plain))

    def sealed(self, plain: str | bytes) -> str:
        return base64.b64encode(self.strings.seal(plain.encode() if isinstance(plain, str) else plain)).decode()

    def returns(self, operation: str, text: str) -> None:
        body = envelope(operation, f"<return>{text}</return>").encode()
        self.answers(httpx.Response(200, content=body, headers={"Content-Type": "text/xml; charset=utf-8"}))

    def answers(self, reply: httpx.Response) -> None:
        self.router.route().mock(return_value=reply)

    def asked(self) -> dict[str, Any]:
        """The decrypted content of the last request."""
        _, _, sealed = request(self.wire.requests[-1].content)
        return fields(self.strings.open(sealed))[0]


@pytest.fixture
def department() -> Department:
    return Department()


@pytest.fixture
def department_with_another_secret() -> Department:
    """Ours is wrong; theirs is as ever."""
    return Department("another-secret-of-16")


@pytest.fixture
def transfer() -> Order:
    return Order("REF-1", "transfer_ownership", FORM)


@pytest.fixture
def open_case() -> Order:
    """An order about an application they have numbered."""
    return Order("REF-2", "transfer_ownership", FORM, agency_reference="OD99A0000000000")


@pytest.fixture
def enquiry() -> Order:
    return Order("ENQ-1", "vehicle_record", {"vehicle_number": "OD99ZZ0000"})
