"""The worklist and the kill switch over HTTP: for operators alone, once per key, in the asker's language."""

import pytest

ASHA = {"by": "Asha Das", "note": "Rang them: N7 is ours."}


async def doubtful(town):
    """A reminder whose answer was lost: nothing can be asked about it by machine."""
    case = (await town.open()).json
    town.office.script = ["silence"]
    body = {"action": "REMIND"}
    await town.ask("POST", f"/cases/{case['id']}/actions", json=body, Idempotency_Key="r", Prefer="wait=5")
    [item] = await town.until("/worklist")
    return case, item


async def decide(town, item, key, **body):
    return await town.ask("POST", f"/worklist/{item['id']}/decisions", json={**ASHA, **body}, Idempotency_Key=key)


async def test_an_item_says_why_it_waits_what_happened_and_what_can_be_done(town):
    case, item = await doubtful(town)
    assert (item["agency"], item["operation"], item["level"], item["names_needed"]) == ("office", "remind", "NEW", 1)
    assert "no way to check by machine" in item["explanation"]
    detail = (await town.ask("GET", f"/worklist/{item['id']}")).json
    assert (detail["number"], detail["effect"], detail["suggested"]) == (case["number"], "unknown", "ASK_AGENCY")
    assert detail["actions"] == ["CONFIRM", "REJECT", "RESEND", "CANCEL", "NOTE"]
    assert detail["attempts"][0]["sent"] == "MAYBE"
    hindi = (await town.ask("GET", f"/worklist/{item['id']}", Accept_Language="hi")).json
    assert "मशीन" in hindi["explanation"]
    assert hindi["attempts"][0]["explanation"] != detail["attempts"][0]["explanation"]


async def test_a_decision_is_taken_once_per_key_and_the_item_is_gone(town):
    _, item = await doubtful(town)
    noted = await decide(town, item, "k1", action="NOTE")
    assert (noted.status, noted.json["outcome"]) == (200, "NOTED")
    first = await decide(town, item, "k2", action="CONFIRM")
    assert (first.status, first.json["outcome"]) == (200, "CARRIED_OUT")
    again = await decide(town, item, "k2", action="CONFIRM")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await decide(town, item, "k2", action="CANCEL")).status == 422
    assert (await town.ask("GET", "/worklist")).json["items"] == []
    assert (await decide(town, item, "k3", action="CANCEL")).status == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"action": "EXPIRE"}, "cannot be decided"),
        ({"action": "CANCEL", "by": " - "}, "who decides"),
        ({"action": "CANCEL", "note": "  "}, "evidence"),
    ],
)
async def test_a_decision_that_makes_no_sense_is_refused_with_the_reason_and_changes_nothing(town, body, said):
    _, item = await doubtful(town)
    got = await decide(town, item, "k1", **body)
    assert (got.status, got.json["code"], got.json["effect"]) == (409, "action-not-possible", "none")
    assert said in got.json["detail"]
    assert len((await town.ask("GET", "/worklist")).json["items"]) == 1


async def test_the_list_is_paged_by_a_signed_cursor(town):
    _, item = await doubtful(town)
    got = (await town.ask("GET", "/worklist?limit=1")).json
    assert [one["id"] for one in got["items"]] == [item["id"]]
    assert "next" not in got
    assert (await town.ask("GET", "/worklist?cursor=1.eA.c2ln")).status == 400


async def test_a_stopped_agency_gets_nothing_and_the_citizen_is_told_and_it_goes_on_where_it_was(town):
    got = await town.ask(
        "POST", "/health/office/overrides", json={"action": "STOP", "by": "Asha Das", "reason": "Doubles found"}
    )
    assert (got.status, got.json["stopped"]) == (201, True)
    case = (await town.open()).json
    assert (case["status"], case["effect"], case["reason_code"]) == ("HELD", "none", "paused")
    assert town.office.acted == []
    [stopped] = (await town.ask("GET", "/overrides")).json["items"]
    assert stopped["agency"] == "office"
    again = await town.ask("POST", "/health/office/overrides", json={"action": "GO", "by": "Bimal", "reason": "Mended"})
    assert (again.status, again.json["stopped"]) == (201, False)
    await town.delivery._scan()
    assert (await town.until_status(case, "SUBMITTED"))["effect"] == "done"
    assert (await town.ask("GET", "/overrides")).json["items"] == []


async def test_nobody_without_the_right_stops_an_agency_or_decides(town):
    body = {"action": "STOP", "by": "X", "reason": "Y"}
    got = await town.ask("POST", "/health/office/overrides", portal="reader", json=body)
    assert (got.status, got.json["code"]) == (403, "insufficient-scope")
    assert (await town.ask("POST", "/health/nobody/overrides", json=body)).status == 404
