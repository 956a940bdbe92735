"""Everything of one citizen's, live: one line per question, and a dead agency is a line."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aggregator.cases.everything import bills, enquiries
from aggregator.citizens.links import BadLinks, Link, SandboxLinks
from aggregator.sdk.adapter import Class, Declared, operation
from aggregator.sdk.model import Absent, Facts, Order

FORM = {"type": "object", "properties": {"account": {"type": "string"}}, "required": ["account"]}


class Asked:
    """What the office answers to questions about accounts."""

    @operation(Class.SAFE)
    async def bill(self, order: Order) -> Facts | Absent:
        return Absent() if order.form["account"] == "paid" else Facts({"amount_paise": "66400"})

    @operation(Class.SAFE)
    async def lookup(self, order: Order) -> Facts:
        return Facts({"account": str(order.form["account"])})


def registry_of(town: Any) -> Any:
    """The town's registry with two enquiries beside its permit."""
    agency = town.registry.agencies["office"]
    operations = {name: Declared(name=name, cls=Class.SAFE) for name in ("bill", "lookup")}
    guarded = type(agency.guarded)(
        "office", Asked(), operations, agency.policy, clock=town.clock, chance=town.desktop.chance, meter=_Quiet()
    )
    permit = town.registry.services["office.permit"]
    services = {
        "office.bill": replace(permit, id="office.bill", kind="ENQUIRY", operation="bill", form=FORM),
        "office.account": replace(permit, id="office.account", kind="ENQUIRY", operation="lookup", form=FORM),
    }
    agencies = {"office": replace(agency, guarded=guarded, operations=operations)}
    return replace(town.registry, agencies=agencies, services={**town.registry.services, **services})


class _Quiet:
    def called(self, *_: object) -> None: ...

    def gauge(self, *_: object) -> None: ...


async def test_what_do_i_owe_everywhere_is_one_line_per_link(town_of: Any) -> None:
    registry = registry_of(await town_of(Class.KEYED))
    links = [Link("office", {"account": "a1"}), Link("office", {"account": "paid"}), Link("office", {"plate": "x"})]
    asked = await bills(registry, links, person="c", deadline_s=2)
    assert [(one.service_id, one.line.result) for one in asked] == [("office.bill", "value"), ("office.bill", "absent")]
    assert asked[0].line.values["amount_paise"] == "66400"


async def test_everything_of_mine_asks_what_the_links_can_answer_and_nothing_else(town_of: Any) -> None:
    registry = registry_of(await town_of(Class.KEYED))
    asked = await enquiries(registry, [Link("office", {"account": "a1"})], person="c", deadline_s=2)
    assert [(one.service_id, one.line.values) for one in asked] == [("office.account", {"account": "a1"})]


def test_sample_citizens_are_read_from_a_file_and_a_broken_one_is_named(tmp_path: Path) -> None:
    good = Path(__file__).parents[3] / "sandbox" / "citizens.toml"
    links = SandboxLinks.read(good)
    assert len(links.ids()) == 3
    assert links.of("ctz_nobody") is None
    assert SandboxLinks.read(tmp_path / "missing.toml").ids() == []
    bad = tmp_path / "bad.toml"
    bad.write_text("[citizens.ctz_1]\nlinks = [{ identifiers = {} }]\n")
    with pytest.raises(BadLinks, match=r"bad\.toml"):
        SandboxLinks.read(bad)
