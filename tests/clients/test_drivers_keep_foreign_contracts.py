"""What our municipal drivers really send, held against the contracts their platforms publish.

The requests are taken from the wire while the drivers work at their simulators. Where a published contract is wrong or
silent, the difference is a row here with its reason; any other difference fails.
"""

import argparse
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from foreign_contracts import Contract, specs
from yarl import URL

from adapters.municipal import digit, open311
from adapters.municipal.digit.simulator import Digit
from adapters.municipal.open311.simulator import KEY, Open311
from aggregator.sdk.adapter import Settings
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.model import Order
from aggregator.sdk.testing.sandbox import Control
from aggregator.sdk.testing.serve import serving
from aggregator.sdk.wire import Reply
from aggregator.sdk.wire_aiohttp import AiohttpWire


@dataclass
class Overhearing:
    """The real wire, and what went over it: method, address, body."""

    wire: AiohttpWire
    heard: list[tuple[str, URL, bytes]] = field(default_factory=list)

    async def send(self, method: str, url: str, **rest: Any) -> Reply:
        self.heard.append((method, URL(url), rest["body"] or b""))
        return await self.wire.send(method, url, **rest)


@asynccontextmanager
async def city(dialect: Any, data: Path, **more: Any) -> AsyncIterator[tuple[Overhearing, str, Control]]:
    options = argparse.Namespace(port=0, control_port=0, data=str(data), seed=7, **more)
    wire = AiohttpWire(connect_timeout_s=2, total_timeout_s=3, read_timeout_s=3, max_connections=4)
    async with serving(dialect, options) as ports, Control(f"http://127.0.0.1:{ports.control_port}") as control:
        yield Overhearing(wire), f"http://127.0.0.1:{ports.port}", control
        await wire.close()


# The platform's gateway puts the service's name before the paths of its document.
CORPORATION = {
    "/pgr-services": "pgr-services-v2.yaml",
    "/billing-service": "billing-service.yaml",
    "/egov-workflow-v2/egov-wf": "egov-workflow-v2.yaml",
    "/collection-services": "collection-services.yaml",
}
ELSEWHERE = {"/user/oauth/token": "the login is the gateway's and in no document"}
ACCEPTED = {
    r"/pgr-services/v2/request/_(create|update): unknown parameter tenantId": "the gateway routes by it",
    r".*: unknown field RequestInfo\.plainAccessRequest": "newer deployments ask for it before they unmask",
    r"/billing-service/.*: (unknown field RequestInfo\.userInfo\..*|RequestInfo/userInfo: 'primaryrole' is .*)": (
        "each document describes another user; what goes back is the user their own login gave"
    ),
    r"/pgr-services/.*: RequestInfo/userInfo/emailId: None .*": "the login gave null, and it goes back as it came",
    r"/pgr-services/.*/_update: service/rating: None .*": "an update sends the record back whole, as it was read",
    r"/collection-services/.*: unknown field RequestInfo": "this document alone writes requestInfo",
    r"/egov-workflow-v2/.*: (unknown field RequestInfo|: '(action|apiId|msgId|ts|ver)' is a required property)": (
        "the document forgets the wrapper that its service reads"
    ),
}


async def corporation_hears(tmp_path: Path) -> list[tuple[str, URL, bytes]]:
    given = {"queue_delay": 2.0, "no_limits": True, "shape": "both", "enforce_bill": False}
    async with city(Digit, tmp_path, **given) as (heard, url, control):
        secrets = {"password": "123456", "client_secret": "sim-client-secret"}
        facts = {"tenant": "od.bhubaneswar", "user": "sim-csr", "client": "sim-client"}
        driver = digit.Driver(heard, Settings(url, facts, secrets))
        form = {"name": "Test Citizen", "mobile": "9000050000", "locality": "SIM01", "details": "Light out"}
        order = Order("CASE-1", "street_light", form, at=SystemClock().now())
        number = (await driver.submit(order)).agency_reference
        await control.advance_clock(26 * 3600)
        about = Order("CASE-1", "street_light", {**form, "reason": "Dark again"}, number, at=SystemClock().now())
        assert await driver.find(order)
        await driver.track(about)
        await driver.history(about)
        await driver.reopen(about)
        bill = await driver.bill(Order("", "water_bill", {"consumer_code": "WS/CTC/000042"}))
        paid = {"bill_id": bill.values["bill_id"], "amount_paise": int(bill.values["amount_paise"])}
        await driver.pay(Order("PAY-1", "water_bill", {**form, **paid}, at=SystemClock().now()))
        return heard.heard


async def test_the_corporation_is_asked_only_what_its_contracts_describe(tmp_path: Path) -> None:
    folder = specs() / "digit"
    contracts = {prefix: Contract(folder / name, prefix) for prefix, name in CORPORATION.items()}
    # The bills' document writes its service's name into its paths.
    contracts["/billing-service"] = Contract(folder / "billing-service.yaml")
    met: set[str] = set()
    problems: list[str] = []
    for method, url, body in await corporation_hears(tmp_path):
        if url.path in ELSEWHERE:
            continue
        prefix = next(one for one in contracts if url.path.startswith(one + "/"))
        met.add(prefix)
        problems += against(contracts[prefix], method, url, json.loads(body))
    reasons = {one: next((row for row in ACCEPTED if re.fullmatch(row, one)), "") for one in problems}
    assert [one for one, row in reasons.items() if not row] == []
    assert set(ACCEPTED) == set(reasons.values())
    assert met == set(CORPORATION)


def against(contract: Contract, method: str, url: URL, body: Mapping[str, Any]) -> list[str]:
    """What the contract does not allow or does not know."""
    operation = contract.operation(method, url.path)
    if operation is None:
        return [f"{method} {url.path} is in no document"]
    strangers = set(url.query) - contract.parameters(operation)
    found = [f"{url.path}: unknown parameter {name}" for name in strangers]
    found += [f"{url.path}: unknown field {name}" for name in contract.unnamed(operation, body)]
    return found + [f"{url.path}: {complaint}" for complaint in contract.complaints(operation, body)]


def test_a_wrong_type_a_strange_name_and_an_unknown_path_would_be_found() -> None:
    contract = Contract(specs() / "digit" / "pgr-services-v2.yaml", "/pgr-services")
    whole = {"address": {}, "serviceCode": "A", "source": "web", "tenantId": "od"}
    url = URL("http://city.example/pgr-services/v2/request/_create?tenant=od")
    assert against(contract, "POST", url, {"RequestInfo": {"ts": "now"}, "service": {**whole, "serviceKode": "X"}}) == [
        "/pgr-services/v2/request/_create: unknown parameter tenant",
        "/pgr-services/v2/request/_create: unknown field service.serviceKode",
        "/pgr-services/v2/request/_create: RequestInfo/ts: 'now' is not of type 'integer'",
    ]
    assert against(contract, "GET", url, {}) == ["GET /pgr-services/v2/request/_create is in no document"]


# The document differs from the specification it describes, and open servers differ from both.
SAYS_REQUEST = "/request/"
PAGING = {"page", "page_size"}  # an extension two open clients use


@pytest.mark.parametrize("spoken", ["xml", "json"])
async def test_the_ward_office_is_asked_only_at_paths_its_contract_describes(tmp_path: Path, spoken: str) -> None:
    contract = Contract(specs() / "open311" / "open311-georeport-v2.swagger2.yaml")
    offers = {"code_street_light": "001", "code_garbage": "002", "type_garbage": "batch"}
    codes = {**offers, "format": spoken, "batch_lag_s": 0}  # no operation is declared here, so none with a lag either
    async with city(lambda world, _: Open311(world, ""), tmp_path) as (heard, url, control):
        driver = open311.Driver(heard, Settings(url, codes, {"api_key": KEY}))
        form = {"text": "Out since Monday", "address": "Demo Colony gate", "mobile": "9000000000"}
        await driver.list_services(Order("", "street_light", {}))
        order = Order("REF-1", "street_light", form, at=SystemClock().now())
        number = (await driver.submit(order)).agency_reference
        await driver.find(order)
        await driver.track(Order("REF-1", "street_light", form, number, at=order.at))
        batch = Order("REF-2", "garbage", form, at=SystemClock().now())
        token = (await driver.submit(batch)).agency_reference
        await control.advance_clock(61)
        await driver.track(Order("REF-2", "garbage", form, token, at=batch.at))
    asked: set[str] = set()
    for method, where, _ in heard.heard:
        path = where.path.replace("/requests/", SAYS_REQUEST)
        operation = contract.operation(method, path)
        assert operation is not None, where.path
        asked.add(operation.get("operationId", f"{method} {path}"))
        strangers = set(where.query) - contract.parameters(operation) - PAGING
        assert not strangers, (where.path, strangers)
    assert len(asked) >= 5
