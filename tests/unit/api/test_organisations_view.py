"""One organisation over several back ends: citizens see one name, and how each of its systems is doing."""

from dataclasses import replace

import pytest
from api_town import running_town

from aggregator.api.agencies import joint_state
from aggregator.registry.agency import Organisation


@pytest.mark.parametrize(
    ("states", "joint"),
    [
        (["UP", "UP"], "UP"),
        (["UP", "DOWN"], "DEGRADED"),
        (["DEGRADED", "DISABLED"], "DEGRADED"),
        (["DOWN", "DISABLED"], "DOWN"),
        (["DISABLED", "DISABLED"], "DISABLED"),
    ],
)
def test_an_organisation_is_as_well_as_its_back_ends_are_together(states, joint):
    assert joint_state(states) == joint


async def test_an_organisation_is_listed_with_its_back_ends_and_their_own_states(sqlite_store):
    async with running_town(sqlite_store) as town:
        registry = town.parts.registry()
        old = replace(registry.agencies["office"], id="office_old", title={"en": "The old system"}, enabled=False)
        whole = Organisation("offices", "office", {"en": "All Offices", "hi": "सब कार्यालय"}, ("office", "office_old"))
        registry.agencies["office_old"] = old
        registry.organisations["offices"] = whole
        items = {item["id"]: item for item in (await town.ask("GET", "/agencies")).json["items"]}
        assert list(items) == ["office", "office_old", "offices"]
        assert (items["office"]["organisation"], "backends" in items["office"]) == ("offices", False)
        one = (await town.ask("GET", "/agencies/offices", Accept_Language="hi")).json
        assert (one["title"], one["state"]) == ("सब कार्यालय", "DEGRADED")
        assert [(back["id"], back["state"]) for back in one["backends"]] == [
            ("office", "UP"),
            ("office_old", "DISABLED"),
        ]
        assert one["capabilities"] == items["office"]["capabilities"]
