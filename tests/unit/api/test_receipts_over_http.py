"""A portal brings a receipt: its case if it is ours and in the right hands, and a sentence that says why if not."""

import pytest

from aggregator.sdk.status import Status


async def kept(town):
    """A case and the receipt its portal has kept."""
    case = (await town.open()).json
    return case, (await town.ask("GET", f"/cases/{case['id']}/receipt")).json["receipt"]


async def lose(town, case):
    """The database as a restore leaves it that remembers neither this case nor anything of its hour."""

    async def forget(run):
        for table in ("operation", "leg", "idempotency"):
            await run(f"delete from {table} where case_id = $1", case["id"])  # noqa: S608 - ours
        await run("delete from cases where id = $1", case["id"])
        await run(
            "insert into quarantine (id, reason, since_ms, remembers_ms, ended_ms) values (1, 'declared', $1, 0, 1)",
            2**45,
        )

    await town.store.write(forget)


async def test_the_receipt_of_a_known_case_is_answered_with_the_case(town):
    case, receipt = await kept(town)
    got = await town.ask("POST", "/receipts", json={"receipt": receipt})
    assert (got.status, got.json["id"], got.json["number"]) == (200, case["id"], case["number"])
    assert got.headers["Location"] == f"/v1/cases/{case['id']}"


async def test_a_forgotten_case_is_put_back_under_its_number_and_is_there_again(town):
    case, receipt = await kept(town)
    await lose(town, case)
    assert (await town.ask("GET", f"/cases/{case['id']}")).status == 404
    got = await town.ask("POST", "/receipts", json={"receipt": receipt})
    assert (got.status, got.json["number"]) == (201, case["number"])
    assert got.json["status"] in {Status.UNCONFIRMED, Status.SUBMITTED}
    assert (await town.ask("GET", f"/cases/{case['id']}")).status == 200
    assert (await town.ask("POST", "/receipts", json={"receipt": receipt})).status == 200


@pytest.mark.parametrize("lost", [True, False])
async def test_a_receipt_that_was_changed_says_so_in_the_citizens_language(town, lost):
    case, receipt = await kept(town)
    if lost:
        await lose(town, case)
    changed = receipt[:-6] + ("AAAAAA" if not receipt.endswith("AAAAAA") else "BBBBBB")
    got = await town.ask("POST", "/receipts", json={"receipt": changed}, Accept_Language="hi")
    assert got.json["errors"][0]["pointer"] == "/receipt"
    assert "रसीद" in got.json["errors"][0]["detail"]
