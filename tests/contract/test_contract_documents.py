"""The committed contract is the code's, it is valid by others' judgement, and nothing in it is unbounded."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from aggregator.api.openapi import contract
from aggregator.api.route import DOCUMENTS, Router, Unguarded
from aggregator.api.snapshots import snapshots
from aggregator.api.table import TABLE

FOLDER = Path(__file__).parents[2] / "docs" / "api"
SERVED = {
    "citizen": "/openapi.json",
    "catalogue": "/catalogue.openapi.json",
    "operations": "/operations.openapi.json",
    "feeds": "/feeds.openapi.json",
}


@pytest.mark.parametrize("name", snapshots())
def test_the_committed_snapshot_is_what_the_code_says(name):
    assert (FOLDER / name).read_bytes() == snapshots()[name], "run: python -m aggregator.api.snapshots docs/api"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_is_valid_by_somebody_else_s_judgement(document):
    validate(contract(document, TABLE))


def test_a_validator_that_lets_a_broken_document_pass_would_be_noticed():
    broken = contract("citizen", TABLE)
    del broken["info"]["title"]
    with pytest.raises(OpenAPIValidationError, match="title"):
        validate(broken)


def test_router_and_documents_name_the_same_operations_both_ways():
    documented = {
        (method.upper(), path)
        for document in DOCUMENTS
        for path, methods in contract(document, TABLE)["paths"].items()
        for method in methods
    }
    assert documented == {(route.method, route.path) for route in Router(TABLE).routes}


def test_operation_ids_are_unique():
    ids = [route.operation_id for route in TABLE]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_the_served_document_is_the_committed_one_at_the_caller_s_address(town, document):
    served = (await town.raw("GET", SERVED[document])).json
    assert served == orjson.loads(orjson.dumps(contract(document, TABLE, town.origin)))
    assert served["servers"][0]["url"] == f"{town.origin}/v1"


def unbounded(schema: Any, path: str = "") -> Iterator[str]:
    """Places of a schema without a bound."""
    if isinstance(schema, list):
        for at, part in enumerate(schema):
            yield from unbounded(part, f"{path}/{at}")
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind == "string" and not ("maxLength" in schema and ("pattern" in schema or "format" in schema)):
        yield path
    if kind == "integer" and not {"format", "minimum", "maximum"} <= schema.keys():
        yield path
    if kind == "array" and "maxItems" not in schema:
        yield path
    for name, part in schema.items():
        if name not in {"examples", "example", "propertyNames"}:
            yield from unbounded(part, f"{path}/{name}")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_string_number_and_list_of_the_contract_is_bounded(document):
    assert list(unbounded(contract(document, TABLE))) == []


def test_the_check_for_bounds_finds_a_planted_string():
    planted = copy.deepcopy(contract("citizen", TABLE))
    planted["components"]["schemas"]["Case"]["properties"]["kind"] = {"type": "string"}
    assert list(unbounded(planted)) == ["/components/schemas/Case/properties/kind"]


def nulls(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(nulls, parts))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_ms2_no_null_is_sent_or_documented(document):
    assert not nulls(contract(document, TABLE))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_ms3_ms9_whole_numbers_have_a_format_and_an_upper_end(document):
    assert b'"type": "integer"' not in snapshots()[f"{document}.openapi.json"] or not list(
        unbounded(contract(document, TABLE))
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_ms4_only_closed_vocabularies_are_enums_and_they_have_no_type(document):
    def enums(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            if "enum" in value:
                yield path.rpartition("/")[2], value
            for name, part in value.items():
                yield from enums(part, f"{path}/{name}")
        elif isinstance(value, list):
            for at, part in enumerate(value):
                yield from enums(part, f"{path}/{at}")

    found = list(enums(contract(document, TABLE)))
    assert all("type" not in schema for _, schema in found)
    assert {name for name, _ in found} <= {"effect", "renderer", "by", "then", "schema"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_ms7_components_have_names_that_clients_can_use(document):
    assert all(name.isidentifier() and "_" not in name for name in contract(document, TABLE)["components"]["schemas"])


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_answer_documents_the_headers_it_always_has(document):
    for path, methods in contract(document, TABLE)["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                headers = answer.get("headers", {})
                assert status == "default" or {"RateLimit", "Access-Control-Allow-Origin"} <= headers.keys(), path


def test_a_route_without_a_right_does_not_start():
    from dataclasses import replace  # noqa: PLC0415 - of this test alone

    with pytest.raises(Unguarded, match="no scope"):
        Router([replace(TABLE[0], scope="")])
    with pytest.raises(Unguarded, match="no pattern"):
        Router([replace(TABLE[0], path="/services/{anything}")])
