"""The catalogue in use follows its files without a restart, and a refused reading changes nothing."""

import os
from types import MappingProxyType

import pytest

from aggregator.discovery.catalogue import load
from aggregator.discovery.catalogue.live import LiveCatalogue
from aggregator.registry.agency import CataloguePlace, City, Registry, Service
from aggregator.registry.problems import RegistryRefused

SERVICE = Service(
    id="rto.change_of_address", title={"en": "Change", "or": "ବଦଳ"}, description={"en": "d"}, kind="APPLICATION",
    agencies=("rto",), offer="change", operation="submit", form={}, category="vehicle",
)  # fmt: skip


def registry(desk, *, broken="skip", services=MappingProxyType({SERVICE.id: SERVICE})):
    return Registry(City("Testpur", "Asia/Kolkata"), {}, services, "d", catalogue=CataloguePlace(desk.folder, broken))


def later(file, seconds):
    """A change within the clock's tick would not be seen; an editor's comes later."""
    os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + seconds * 10**9))


async def test_a_changed_fact_is_taken_over_without_a_restart(desk) -> None:
    now = registry(desk)
    live = LiveCatalogue(lambda: now)
    await live.reload()
    assert not live.changed()
    before = live.current
    desk.change("rto.noc", lambda row: row["title"].update(en="Leave to move a vehicle"))
    later(desk.folder / load.SERVICES, 2)
    assert live.changed()
    await live.reload()
    assert not live.changed()
    assert live.current.entries["rto.noc"].titles["en"] == "Leave to move a vehicle"
    assert before.entries["rto.noc"].titles["en"] != "Leave to move a vehicle"
    assert live.current.digest != before.digest


async def test_a_refused_reading_changes_nothing_and_is_not_tried_again_until_the_file_changes(desk) -> None:
    now = registry(desk, broken="refuse")
    live = LiveCatalogue(lambda: now)
    await live.reload()
    before = live.current
    desk.change("rto.noc", lambda row: row.pop("title"))
    later(desk.folder / load.SERVICES, 2)
    with pytest.raises(RegistryRefused):
        await live.reload()
    assert live.current is before
    assert not live.changed()
    assert live.reading.broken == 1


async def test_offers_and_facts_are_one_thing_and_follow_the_registry(desk) -> None:
    now = registry(desk)
    live = LiveCatalogue(lambda: now)
    await live.reload()
    entry = live.current.entry("rto.change_of_address")
    assert (entry.id, entry.own) == ("rto.rc_address_change", SERVICE)
    assert entry.titles["or"]
    assert "rto.change_of_address" not in live.current.entries
    now = registry(desk, services={})
    assert live.current.entry("rto.change_of_address") is None
    assert live.current.entries["rto.rc_address_change"].own is None


async def test_a_registry_that_names_no_folder_any_more_shows_only_what_it_offers(desk) -> None:
    now = registry(desk)
    live = LiveCatalogue(lambda: now)
    await live.reload()
    now = Registry(City("Testpur", "Asia/Kolkata"), {}, {SERVICE.id: SERVICE}, "d")
    assert live.changed()
    await live.reload()
    assert list(live.current.entries) == ["rto.change_of_address"]
