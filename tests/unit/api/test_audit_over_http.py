"""A citizen's receipt proves that the acceptance was logged; operators get the signed roots."""

import pytest
from api_town import Town, running_town

from aggregator.feed.audit import Audit
from aggregator.feed.verifier import verify_proof
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import SystemClock


@pytest.fixture
async def audited(sqlite_store, tmp_path):
    signer = Signer.generate()
    audit = Audit(sqlite_store, signer, SystemClock(), (tmp_path / "roots.jsonl",))
    async with running_town(sqlite_store, signer=signer, audit=audit) as running:
        yield running


def audit_of(town: Town) -> Audit:
    assert town.parts.audit is not None
    return town.parts.audit


async def test_a_receipt_carries_the_proof_once_a_root_is_signed(audited):
    case = (await audited.open()).json
    path = f"/cases/{case['id']}/receipt"
    fresh = await audited.ask("GET", path)
    assert "audit" not in fresh.json
    await audit_of(audited).catch_up()
    got = await audited.ask("GET", path)
    keys = audited.parts.signer.jwks()
    assert verify_proof(got.json["audit"], keys) == ""
    assert case["id"] in got.json["audit"]["event"]
    assert verify_proof({**got.json["audit"], "leaf_index": got.json["audit"]["leaf_index"] + 1}, keys)


async def test_operators_get_the_signed_roots_and_any_events_proof(audited):
    await audited.open()
    made = await audit_of(audited).catch_up()
    listed = await audited.ask("GET", "/audit")
    assert [one["size"] for one in listed.json["items"]] == [made.size]
    assert (await audited.ask("GET", f"/audit?after_size={made.size}")).json["items"] == []
    event = (await audited.ask("GET", "/feeds/all")).json[0]
    proof = await audited.ask("GET", f"/audit/proofs/{event['id']}")
    assert verify_proof(proof.json, audited.parts.signer.jwks()) == ""


@pytest.mark.parametrize("event_id", ["0000000009999-00000000", "0000000000001-00000000"])
async def test_an_event_that_is_not_there_has_no_proof(audited, event_id):
    await audit_of(audited).catch_up()
    got = await audited.ask("GET", f"/audit/proofs/{event_id}")
    assert (got.status, got.json["code"]) == (404, "not-found")


async def test_a_city_that_keeps_no_audit_says_so(town):
    assert (await town.ask("GET", "/audit")).status == 404
