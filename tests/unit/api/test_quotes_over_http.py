"""What it costs is told before anybody pays; ways to pay only where something is due."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from api_town import Town, running_town

from aggregator.registry.agency import Fee, FeeRow
from aggregator.store import Store

FEE = Fee("INR", (FeeRow({"en": "Permit", "or": "ଅନୁମତି"}, 12_050), FeeRow({"en": "Post"}, 5_000, {"remarks": "post"})))


@pytest.fixture
async def town(sqlite_store: Store) -> AsyncIterator[Town]:
    async with running_town(sqlite_store) as running:
        services = running.parts.registry().services
        services["office.permit"] = replace(services["office.permit"], fee=FEE)  # type: ignore[index] - the town's own
        yield running


async def quote(town: Town, service: str, form: Any, **more: Any) -> Any:
    return await town.ask("POST", f"/services/{service}/quotes", json={"form": form, **more}, Prefer="wait=3")


async def test_an_unfinished_form_has_a_fee_already(town: Town) -> None:
    got = (await quote(town, "office.permit", {"remarks": "post"})).json
    assert (got["result"], got["total"]) == ("FIXED", {"amount": "170.50", "currency": "INR"})
    assert [row["title"] for row in got["rows"]] == ["Permit", "Post"]
    assert [option["code"] for option in got["options"]] == ["AT_AGENCY"]


async def test_an_unknown_fee_says_so_and_offers_no_way_to_pay(town: Town) -> None:
    got = (await quote(town, "office.licence", {})).json
    assert (got["result"], got["options"]) == ("UNKNOWN", [])
    assert "total" not in got


async def test_a_bill_is_what_the_agency_asks_for_now(town: Town) -> None:
    got = (await quote(town, "office.dues", {"account": "A1"})).json
    assert (got["result"], got["total"]["amount"], got["agency"]) == ("LIVE", "664.00", "office")
    nothing = (await quote(town, "office.dues", {"account": "A9"})).json
    assert (nothing["result"], nothing["options"]) == ("NOTHING_DUE", [])


async def test_an_agency_that_is_away_leaves_no_quote(town: Town) -> None:
    town.office.down = True
    got = await quote(town, "office.dues", {"account": "A7"})
    assert (got.status, got.json["code"]) == (503, "agency-unavailable")


async def test_a_wrong_answer_or_variant_is_named(town: Town) -> None:
    got = await quote(town, "office.permit", {"mobile": "12"})
    assert [(one["pointer"], one["code"]) for one in got.json["errors"]] == [("/form/mobile", "pattern")]
    got = await quote(town, "office.permit", {}, variant=3)
    assert got.json["errors"][0]["pointer"] == "/variant"
