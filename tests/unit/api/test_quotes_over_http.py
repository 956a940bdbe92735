"""What it costs is told before anybody pays; ways to pay only where something is due."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from api_town import Town, running_town

from aggregator.registry.agency import Fee, FeeRow
from aggregator.resilience.pipeline import Guarded
from aggregator.resilience.policy import Policy
from aggregator.sdk.adapter import Class, operation, operations_of
from aggregator.sdk.clock import SystemChance
from aggregator.sdk.errors import Unavailable
from aggregator.sdk.model import Facts, Order
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


class PriceList:
    """The office's list of fees, in place of its other interface."""

    def __init__(self, town: Town, fee: str) -> None:
        self.town, self.fee = town, fee

    @operation(Class.SAFE, fresh_s=60, timeout_s=2)
    async def list_services(self, order: Order) -> list[Facts]:
        if self.town.office.down:
            raise Unavailable("away")
        return [Facts({"service": "other", "fee_paise": "1"}), Facts({"service": "permit", "fee_paise": self.fee})]


async def flat(town: Town) -> None:
    """The permit costs one amount, whatever the form says."""
    services = town.parts.registry().services
    fee = Fee("INR", FEE.rows[:1])
    services["office.permit"] = replace(services["office.permit"], fee=fee, offer="permit")  # type: ignore[index] - the town's own


async def listing(town: Town, fee: str) -> None:
    """The office lists this fee for permits."""
    declared = operations_of(PriceList)
    guarded = Guarded(
        "office", PriceList(town, fee), declared, Policy(), clock=town.clock, chance=SystemChance(),
        meter=town.parts.meter,
    )  # fmt: skip
    agencies = town.parts.registry().agencies
    agencies["office"] = replace(agencies["office"], operations=declared, guarded=guarded)  # type: ignore[index] - the town's own


async def test_a_flat_fee_is_asked_of_the_agency_that_lists_it(town: Town) -> None:
    await flat(town)
    before = (await quote(town, "office.permit", {})).json
    assert (before["result"], before["source"], before["total"]["amount"]) == ("FIXED", "CATALOGUE", "120.50")
    await listing(town, "13000")
    got = (await quote(town, "office.permit", {})).json
    assert (got["result"], got["source"], got["total"]["amount"], got["agency"], got.get("stale", False)) == (
        "LIVE", "AGENCY", "130.00", "office", False,
    )  # fmt: skip


async def test_while_the_agency_is_away_its_last_word_stands_with_its_age_and_without_one_the_city_s(
    town: Town,
) -> None:
    await flat(town)
    await listing(town, "13000")
    await quote(town, "office.permit", {})
    town.office.down = True
    town.clock.push(120)
    got = (await quote(town, "office.permit", {})).json
    assert (got["total"]["amount"], got["stale"], got["source"]) == ("130.00", True, "AGENCY")
    assert "not answering" in got["explanation"]
    await listing(town, "13000")  # one that has never answered
    got = (await quote(town, "office.permit", {})).json
    assert (got["result"], got["source"], got["total"]["amount"]) == ("FIXED", "CATALOGUE", "120.50")


@pytest.mark.parametrize("fee", ["", "-1", "12.50", "many"])
async def test_a_list_that_makes_no_sense_says_nothing(town: Town, fee: str) -> None:
    await flat(town)
    await listing(town, fee)
    assert (await quote(town, "office.permit", {})).json["source"] == "CATALOGUE"


async def test_a_fee_of_several_parts_is_the_city_s_to_add_up(town: Town) -> None:
    await listing(town, "13000")
    assert (await quote(town, "office.permit", {"remarks": "post"})).json["source"] == "CATALOGUE"
