"""The OpenAPI file, the driver, its samples and the words are one contract."""

import json
from pathlib import Path

import httpx
import jsonschema_rs
import pytest
import respx
from openapi_spec_validator import validate

from adapters.agencyapi import standard
from adapters.agencyapi.standard import Driver
from adapters.agencyapi.standard.vocabulary import CREDENTIALS, OUR_FAULT, REASONS, SHED, STATUS, TROUBLE
from aggregator.sdk.adapter import Class, Settings, capabilities_of, operations_of
from aggregator.sdk.errors import ContractBroken, Unavailable
from aggregator.sdk.model import Order
from aggregator.sdk.testing.wires import RespxWire

HERE = Path(standard.__file__).parent
CONTRACT = json.loads((HERE / "agency-api.openapi.json").read_text("utf-8"))
TEXT = json.dumps(CONTRACT)
SAMPLES = sorted(path for path in (HERE / "samples").glob("*.json") if not path.name.endswith(".http.json"))
PAGE = (Path(__file__).parents[3] / "docs" / "agency-api.md").read_text("utf-8")


def _schema(name):
    return {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}


def test_the_contract_is_valid():
    validate(CONTRACT)
    assert CONTRACT["openapi"] == "3.1.0"


def test_the_contract_is_the_drivers_four_calls_and_one_notice():
    calls = {one["operationId"] for path in CONTRACT["paths"].values() for one in path.values()}
    assert calls == {"submit", "find", "track", "cancel"}
    assert set(operations_of(Driver)) == calls | {"changes"}, "a list by time is asked for where one is looked for"
    assert set(CONTRACT["webhooks"]) == {"requestUpdated"}


def test_the_contracts_status_words_are_the_drivers():
    assert set(CONTRACT["components"]["schemas"]["Status"]["enum"]) == set(STATUS)


def test_every_code_the_driver_knows_is_in_the_contract_and_has_one_meaning():
    codes = [*REASONS, *SHED, *CREDENTIALS, *TROUBLE, *OUR_FAULT]
    assert len(codes) == len(set(codes))
    assert [code for code in codes if code not in TEXT] == []


def test_the_guide_tells_every_word_and_every_code():
    codes = [*REASONS, *SHED, *CREDENTIALS, *TROUBLE, *OUR_FAULT]
    assert [word for word in STATUS if word not in PAGE] == []
    assert [code for code in codes if f"`{code}`" not in PAGE] == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_sample_that_reads_well_is_within_the_contract(sample):
    told, expected = json.loads(sample.read_text("utf-8")), sample.name.split(".")[1]
    valid = {
        name: jsonschema_rs.validator_for(_schema(name), validate_formats=True).is_valid(told)
        for name in ("Request", "Found", "Error")
    }
    if sample.name.startswith("changes.") and expected != "refused":
        assert valid["Found"]
    elif expected in {"refused", "absent", "misconfigured"}:
        assert valid["Error"]
    elif expected == "receipt" or (expected.upper() in STATUS and "dates_absent" not in sample.name):
        assert valid["Request"]
    elif "another" not in sample.name and "not_withdrawn" not in sample.name:
        assert not valid["Request"]


def test_what_the_driver_can_do_is_what_it_defines():
    driver = Driver(RespxWire(respx.Router()), Settings("https://agency.example", {}, {"token": "t"}))
    assert set(capabilities_of(driver)) == {"submits", "tracks", "finds", "lists", "cancels"}


def test_nothing_here_needs_a_person_after_a_doubt():
    classes = {name: declared.effective for name, declared in operations_of(Driver).items()}
    reads = dict.fromkeys(("find", "changes", "track"), Class.SAFE)
    assert classes == {"submit": Class.KEYED, "cancel": Class.IDEMPOTENT, **reads}


@pytest.fixture
def router():
    return respx.Router(assert_all_called=False)


def _driver(router):
    return Driver(RespxWire(router), Settings("https://agency.example/", {}, {"token": "sim-token"}))


async def test_our_reference_is_the_key_and_the_token_is_in_its_header(router):
    row = {"id": "AG-1", "reference": "REF-1", "status": "SUBMITTED", "updated_at": "2026-01-15T10:00:00Z"}
    route = router.post("https://agency.example/v1/requests").mock(return_value=httpx.Response(201, json=row))
    await _driver(router).submit(Order("REF-1", "feedback", {"text": "Good", "mobile": "9000000000"}))
    request = route.calls[-1].request
    assert request.headers["idempotency-key"] == "REF-1"
    assert request.headers["authorization"] == "Bearer sim-token"
    sent = json.loads(request.content)
    assert sent == {"service": "feedback", "reference": "REF-1", "form": {"text": "Good", "mobile": "9000000000"}}
    assert jsonschema_rs.validator_for(_schema("Submission")).is_valid(sent)


async def test_a_busy_agency_says_when_to_come_again(router):
    busy = httpx.Response(429, json={"error": {"code": "too_many"}}, headers={"Retry-After": "3"})
    router.route().mock(return_value=busy)
    with pytest.raises(Unavailable) as caught:
        await _driver(router).submit(Order("REF-1", "feedback", {}))
    assert (caught.value.retry_after_s, caught.value.throttled) == (3.0, True)


async def test_a_number_given_to_another_citizen_is_not_ours(router):
    row = {"id": "AG-1", "reference": "REF-2", "status": "COMPLETED"}
    router.route().mock(return_value=httpx.Response(200, json=row))
    with pytest.raises(ContractBroken):
        await _driver(router).track(Order("REF-1", "feedback", {}, agency_reference="AG-1"))


async def test_a_search_that_shows_strangers_shows_nothing(router):
    rows = {"requests": [{"id": "AG-1", "reference": "REF-2", "status": "COMPLETED"}]}
    router.route().mock(return_value=httpx.Response(200, json=rows))
    with pytest.raises(ContractBroken):
        await _driver(router).find(Order("REF-1", "feedback", {}))
