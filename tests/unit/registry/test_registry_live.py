"""The registry is exchanged under running calls; a broken file changes nothing."""

import asyncio
import os

import pytest

from aggregator.registry.live import Live
from aggregator.registry.problems import RegistryRefused
from aggregator.resilience.outcome import Confirmed
from aggregator.sdk.model import Order
from aggregator.sdk.wire import Trail

ORDER = Order(reference="r-1", service="transfer", form={"plate": "OD02"})


@pytest.fixture
async def live(toytown):
    live = Live(toytown.path, toytown.parts(), env=toytown.env, drivers=toytown.root)
    yield live
    await live.aclose()


def _second_agency(toytown) -> None:
    text = toytown.path.read_text(encoding="utf-8")
    block = text[text.index("[agencies.rto]") : text.index("[services")]
    toytown.write(text + block.replace("agencies.rto", "agencies.rto_puri"))


async def _quiet(live: Live) -> None:
    await asyncio.gather(*live._retiring)


async def test_before_the_first_reading_there_is_no_registry(live) -> None:
    with pytest.raises(LookupError):
        _ = live.current


async def test_a_loaded_agency_can_be_called(live) -> None:
    registry = await live.reload()
    trail = Trail()
    assert isinstance(await registry.agencies["rto"].guarded.attempt("submit", ORDER, trail), Confirmed)


async def test_an_unchanged_agency_keeps_its_guard_when_another_comes(live, toytown) -> None:
    before = (await live.reload()).agencies["rto"]
    _second_agency(toytown)
    after = await live.reload()
    assert after.agencies["rto"].guarded is before.guarded
    assert set(after.agencies) == {"rto", "rto_puri"}
    assert len(toytown.wires["rto"]) == 1


async def test_another_title_or_form_keeps_the_guard_and_is_shown(live, toytown) -> None:
    before = await live.reload()
    toytown.edit('en = "RTO"', 'en = "Transport office"')
    toytown.edit('"Plate"', '"Number plate"', toytown.driver / "forms" / "transfer.json")
    after = await live.reload()
    assert after.agencies["rto"].title["en"] == "Transport office"
    assert after.services["rto.transfer"].form["properties"]["plate"]["title"]["en"] == "Number plate"
    assert after.agencies["rto"].guarded is before.agencies["rto"].guarded
    assert after.digest != before.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("deadline_s = 20", "deadline_s = 21"),
        ("https://rto.example", "https://other.example"),
        ("max_apply_delay_s = 300", "max_apply_delay_s = 301"),
        ("OD-02", "OD-03"),
    ],
)
async def test_an_agency_called_another_way_gets_a_new_guard_and_wire(live, toytown, old: str, new: str) -> None:
    before = (await live.reload()).agencies["rto"]
    toytown.edit(old, new)
    after = (await live.reload()).agencies["rto"]
    assert after.guarded is not before.guarded
    await _quiet(live)
    assert [wire.closed for wire in toytown.wires["rto"]] == [True, False]


async def test_a_new_secret_in_the_environment_gives_a_new_guard(live, toytown) -> None:
    before = (await live.reload()).agencies["rto"]
    toytown.env["RTO_API_KEY"] = "rotated"
    after = (await live.reload()).agencies["rto"]
    assert after.guarded is not before.guarded
    assert after.settings.secret("api_key") == "rotated"
    assert live.current.agencies["rto"] is after


async def test_a_broken_file_changes_nothing(live, toytown) -> None:
    before = await live.reload()
    toytown.edit("deadline_s = 20", "deadline_s = 600")
    with pytest.raises(RegistryRefused) as caught:
        await live.reload()
    assert len(caught.value.problems) == 1
    assert live.current is before
    assert not toytown.wires["rto"][0].closed
    assert len(toytown.wires["rto"]) == 1


async def test_a_driver_that_does_not_start_changes_nothing_and_leaves_no_wire(live, toytown) -> None:
    before = await live.reload()
    toytown.edit('"OD-02"', '"OD-99"')
    toytown.path.write_text(toytown.path.read_text(encoding="utf-8"), encoding="utf-8")
    toytown.env["RTO_API_KEY"] = "x"
    # The code of a driver is imported once: it is its settings that it refuses here.
    cls = type(before.agencies["rto"].guarded.driver)
    original = cls.__init__

    def refuse(self, wire, settings) -> None:
        raise ValueError("no such office")

    cls.__init__ = refuse
    try:
        with pytest.raises(RegistryRefused):
            await live.reload()
    finally:
        cls.__init__ = original
    assert live.current is before
    assert [wire.closed for wire in toytown.wires["rto"]] == [False, True]


async def test_a_wire_is_closed_only_after_the_calls_on_it_have_ended(live, toytown) -> None:
    agency = (await live.reload()).agencies["rto"]
    _second_agency(toytown)
    await live.reload()
    wire = toytown.wires["rto"][0]
    go, started = asyncio.Event(), asyncio.Event()
    send = wire.send

    async def slow(*args, **kwargs):
        started.set()
        await go.wait()
        return await send(*args, **kwargs)

    wire.send = slow
    call = asyncio.create_task(agency.guarded.attempt("submit", ORDER, Trail()))
    await started.wait()
    text = toytown.path.read_text(encoding="utf-8")
    puri = text.index("[agencies.rto_puri]")
    start = text.index("[agencies.rto]")
    toytown.write((text[:start] + text[text.index("[services") :]).replace('["rto"]', '["rto_puri"]'))
    assert puri > start
    assert set((await live.reload()).agencies) == {"rto_puri"}
    for _ in range(500):  # far beyond the grace: the clock of this city moves with every look
        await asyncio.sleep(0)
    assert not wire.closed
    go.set()
    assert isinstance(await call, Confirmed)
    await _quiet(live)
    assert wire.closed
    assert not toytown.wires["rto_puri"][0].closed


async def test_a_reader_who_took_the_agency_before_the_exchange_may_still_call(live, toytown) -> None:
    agency = (await live.reload()).agencies["rto"]
    toytown.edit("OD-02", "OD-03")
    still = toytown.clock.sleep
    toytown.clock.sleep = lambda _: asyncio.sleep(0)  # time stands still
    await live.reload()
    for _ in range(50):
        await asyncio.sleep(0)
    assert not toytown.wires["rto"][0].closed
    assert isinstance(await agency.guarded.attempt("submit", ORDER, Trail()), Confirmed)
    toytown.clock.sleep = still
    await _quiet(live)
    assert toytown.wires["rto"][0].closed


async def test_a_file_written_while_it_is_read_still_looks_changed(live, toytown) -> None:
    source = toytown.driver / "__init__.py"
    meanwhile = f"import os\nos.utime({str(toytown.path)!r}, ns=(5, 5))\n"
    source.write_text(meanwhile + source.read_text(encoding="utf-8"), encoding="utf-8")
    await live.reload()
    assert live.changed()
    await live.reload()
    assert not live.changed()


async def test_closing_the_registry_closes_every_wire(toytown) -> None:
    live = Live(toytown.path, toytown.parts(), env=toytown.env, drivers=toytown.root)
    await live.reload()
    toytown.edit("deadline_s = 20", "deadline_s = 21")
    await live.reload()
    await live.aclose()
    assert [wire.closed for wire in toytown.wires["rto"]] == [True, True]
    with pytest.raises(LookupError):
        _ = live.current


async def test_a_change_of_any_file_is_noticed_once(live, toytown) -> None:
    await live.reload()
    assert not live.changed()
    form = toytown.driver / "forms" / "transfer.json"
    for file in (toytown.path, toytown.driver / "adapter.toml", form):
        os.utime(file, ns=(1, 1))
        assert live.changed()
        await live.reload()
        assert not live.changed()


async def test_a_broken_file_is_not_read_again_until_it_changes(live, toytown) -> None:
    await live.reload()
    toytown.edit("deadline_s = 20", "deadline_s = 600")
    assert live.changed()
    with pytest.raises(RegistryRefused):
        await live.reload()
    assert not live.changed()
    toytown.edit("deadline_s = 600", "deadline_s = 30")
    assert live.changed()
    await live.reload()
    assert live.current.agencies["rto"].policy.deadline_s == 30


async def test_a_new_file_under_an_included_pattern_is_noticed(live, toytown) -> None:
    text = toytown.path.read_text(encoding="utf-8")
    start = text.index("[services")
    toytown.write('include = ["catalogue/*.toml"]\n' + text[:start])
    toytown.write(text[start:], "catalogue/rto.toml")
    await live.reload()
    assert not live.changed()
    toytown.write(text[start:].replace("rto.transfer", "rto.second"), "catalogue/second.toml")
    assert live.changed()
    assert set((await live.reload()).services) == {"rto.transfer", "rto.second"}


async def test_a_simulator_that_moved_is_called_where_it_is_now(toytown) -> None:
    toytown.edit('kind = "rto"\n', 'kind = "rto"\nsandbox = true\n')
    urls = {"rto": "http://127.0.0.1:40001"}
    live = Live(toytown.path, toytown.parts(), env=toytown.env, sandbox_urls=urls, drivers=toytown.root)
    assert (await live.reload()).agencies["rto"].settings.url == "http://127.0.0.1:40001"
    urls["rto"] = "http://127.0.0.1:40002"
    assert (await live.reload()).agencies["rto"].settings.url == "http://127.0.0.1:40002"
    await live.aclose()


async def test_a_real_agency_is_never_called_at_a_sandboxs_address(toytown) -> None:
    urls = {"rto": "http://127.0.0.1:40001"}
    live = Live(toytown.path, toytown.parts(), env=toytown.env, sandbox_urls=urls, drivers=toytown.root)
    assert (await live.reload()).agencies["rto"].settings.url == "https://rto.example/api"
    await live.aclose()
