"""A DIGIT behind respx: its login, its answers, and what was asked of it."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from adapters.municipal.digit import Driver
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import ManualClock
from aggregator.sdk.testing.wires import RespxWire

URL = "https://city.example"


AT = datetime(2026, 1, 15, 4, 20, tzinfo=UTC)


NUMBER = "OD-PGR-2026-01-15-000123"


FORM = {
    "name": "Test Citizen",
    "mobile": "+91 90000 00000",
    "locality": "SIM01",
    "details": "Light out near Demo Colony gate",
    "latitude": 20.27,
    "longitude": 85.84,
}


SECRETS = {"password": "123456", "client_secret": "sim-client-secret"}


SEARCH, CREATE, UPDATE = (f"/pgr-services/v2/request/_{verb}" for verb in ("search", "create", "update"))


@pytest.fixture
def router():
    return respx.Router(assert_all_called=False)


@pytest.fixture
def clock():
    return ManualClock()


def driver_for(router, clock, secrets=None):
    options = {"tenant": "od.bhubaneswar", "user": "sim-csr", "client": "sim-client"}
    return Driver(RespxWire(router), Settings(URL, options, SECRETS if secrets is None else secrets), clock)


def fixed(router, clock):
    return driver_for(router, clock, {"token": "T-0"})


def login(router, life_s=1800):
    serial = iter(range(1, 100))

    def answer(_request):
        number = next(serial)
        user = {"uuid": "U-1", "userName": "sim-csr", "type": "EMPLOYEE", "tenantId": "od.bhubaneswar", "roles": []}
        body = {
            "access_token": f"T-{number}",
            "refresh_token": f"R-{number}",
            "expires_in": life_s,
            "UserRequest": user,
        }
        return httpx.Response(200, json=body)

    return router.post(URL + "/user/oauth/token").mock(side_effect=answer)


def on(router, path, *answers):
    return router.post(url__startswith=URL + path).mock(side_effect=list(answers))


def ok(**body):
    return httpx.Response(200, json={"ResponseInfo": {"status": "SUCCESSFUL"}, **body})


def complaint(number=NUMBER, status="PENDINGATLME", ref="", created_ms=1_768_000_000_000, **more):
    service = {"serviceRequestId": number, "applicationStatus": status, "serviceCode": "Streetlightsnotfunctioning"}
    service |= {"auditDetails": {"createdTime": created_ms, "lastModifiedTime": created_ms}}
    if ref:
        service["additionalDetail"] = {"clientRef": ref}
    return {"service": service | more, "workflow": None}


def wrapped(*rows):
    return ok(ServiceWrappers=list(rows))


def no(code, status=400, message=""):
    return httpx.Response(status, json={"ResponseInfo": None, "Errors": [{"code": code, "message": message}]})


def body_of(call):
    return json.loads(call.request.content)


def query_of(call):
    return {name: values[0] for name, values in parse_qs(call.request.url.query.decode()).items()}
