"""Every answer's headers: structured fields parse with somebody else's parser, and all of them are written down."""

from typing import Any

import http_sf
import pytest

from aggregator.api.openapi import contract
from aggregator.api.table import TABLE

# Structured by their own specifications; the answers of the suite carry those of them that the contract lists.
STRUCTURED = {
    "accept-query": "list",
    "cache-status": "list",
    "client-cert": "item",
    "content-digest": "dictionary",
    "deprecation": "item",
    "idempotency-replayed": "item",
    "permissions-policy": "dictionary",
    "priority": "dictionary",
    "proxy-status": "list",
    "ratelimit": "list",
    "ratelimit-policy": "list",
    "repr-digest": "dictionary",
    "signature": "dictionary",
    "signature-input": "dictionary",
}
PLUMBING = {"content-type", "content-length", "date", "server", "connection"}
DEMANDED = {"allow", "www-authenticate"}  # by HTTP itself, with 405 and 401
BROWSERS = {"access-control-expose-headers", "x-content-type-options"}


async def answers(town: Any) -> list[Any]:
    """A walk through the contract: successes, repeats, refusals and errors."""
    case = (await town.open()).json
    enquiry = {"form": {"consumer": "123456"}}
    return [
        await town.open("another"),
        await town.open(),
        await town.ask("GET", "/services"),
        await town.ask("GET", "/services?limit=1"),
        await town.ask("GET", "/agencies"),
        await town.ask("GET", "/health"),
        await town.ask("GET", "/cases"),
        await town.ask("GET", f"/cases/{case['id']}"),
        await town.ask("GET", f"/cases/{case['id']}/events"),
        await town.ask("GET", f"/track/{case['number']}"),
        await town.ask("POST", "/services/office.bill/enquiries", json=enquiry),
        await town.ask("GET", "/feeds/all"),
        await town.ask("GET", "/cases/case_01JCZ5QK8V9XW3T6R2M4N7P0AB"),
        await town.ask("POST", "/cases", json={"service_id": "office.permit", "form": {}}, Idempotency_Key="k-9"),
        await town.ask("DELETE", "/cases"),
        await town.raw("GET", "/v1/cases"),
        await town.raw("GET", "/v1/services", headers=town.headers(Origin="https://portal.example")),
    ]


async def test_structured_headers_of_every_answer_parse_with_a_parser_we_did_not_write(town):
    met = set()
    for got in await answers(town):
        for name, kind in STRUCTURED.items():
            for value in got.headers.getall(name, []):
                assert http_sf.parse(value.encode(), tltype=kind) is not None
                met.add(name)
    assert {"ratelimit", "ratelimit-policy"} <= met


async def test_no_answer_carries_a_header_that_the_contract_does_not_list(town):
    listed = {
        name.casefold()
        for audience in ("citizen", "catalogue", "feeds", "operations")
        for item in contract(audience, TABLE)["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
        for answer in operation["responses"].values()
        for name in answer.get("headers", {})
    }
    for got in await answers(town):
        assert {name.casefold() for name in got.headers} - listed - PLUMBING - DEMANDED - BROWSERS == set()


def test_a_header_that_is_no_structured_field_would_be_found():
    with pytest.raises(http_sf.StructuredFieldError):
        http_sf.parse(b'"default";r=a b', tltype="list")
