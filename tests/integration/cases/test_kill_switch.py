"""An operator's stop holds from before the next send, in every process, over restarts and reloads (figure R9)."""

from dataclasses import replace
from typing import Any

import pytest

from aggregator.cases.desk import NewCase
from aggregator.cases.switch import NoSuchAgency
from aggregator.citizens import four_eyes
from aggregator.resilience.pipeline import Guarded, NullMeter
from aggregator.sdk.adapter import Class
from aggregator.sdk.clock import SeededChance


def reloaded(town: Any) -> None:
    """What a reload does when the calling way changes: a new guard, which knows of no halt."""
    old = town.registry.agencies["office"]
    guard = Guarded(
        "office", old.guarded.driver, old.operations, old.policy, clock=town.clock, chance=SeededChance(9),
        meter=NullMeter(),
    )  # fmt: skip
    town.registry.agencies["office"] = replace(old, guarded=guard)


async def test_nothing_is_sent_after_a_stop_and_everything_goes_on_where_it_was(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.switches.stop("office", by="Asha Das", reason="Doubles were found")
    case = await town.apply()
    assert (case.status.value, case.reason_code, case.legs[0].effect) == ("HELD", "paused", "none")
    for _ in range(10):
        await town.pass_time(300)
    assert town.office.arrivals == 0
    assert await town.switches.go("office", by="Bimal Nayak")
    await town.pass_time(1)
    assert await town.state(case) == "CONFIRMED"


async def test_the_control_a_halt_kept_in_the_guard_alone_is_lost_at_a_reload(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    town.registry.agencies["office"].guarded.halt("by an operator")
    reloaded(town)
    await town.apply()
    assert town.office.arrivals == 1, "the control sends to a stopped agency"


async def test_a_stop_survives_a_reload_that_changes_the_calling_way(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.switches.stop("office", by="Asha Das", reason="Doubles")
    reloaded(town)
    await town.apply()
    assert town.office.arrivals == 0
    await town.switches.apply()
    assert town.registry.agencies["office"].guarded.halted


async def test_another_process_obeys_before_its_next_send_without_having_been_told(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    other = await town_of(Class.KEYED, town.office, town.clock)
    await other.switches.stop("office", by="Asha Das", reason="Doubles")
    case = await town.apply()
    assert not town.registry.agencies["office"].guarded.halted, "its guard does not know yet"
    assert town.office.arrivals == 0
    assert (await town.see(case)).reason_code == "paused"


async def test_a_stop_between_the_journal_and_the_first_byte_still_holds(town_of: Any) -> None:
    town = await town_of(Class.KEYED)

    async def stop() -> None:
        await town.switches.stop("office", by="Asha Das", reason="Doubles")

    town.office.before_write = stop
    case = await town.apply()
    assert town.office.arrivals == 0
    assert (await town.state(case), (await town.see(case)).legs[0].effect) == ("READY", "none")
    [attempt] = await town.store.read("select sent, outcome from attempt")
    assert (attempt["sent"], attempt["outcome"]) == ("no", "notsent")


async def test_a_stop_with_an_end_lifts_itself(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    until = town.clock.now().fromtimestamp(town.clock.now().timestamp() + 600, town.clock.now().tzinfo)
    await town.switches.stop("office", by="Asha Das", reason="Maintenance", until=until)
    case = await town.apply()
    [stop] = await town.switches.stops()
    assert (stop.agency, stop.reason, stop.until) == ("office", "Maintenance", until)
    await town.pass_time(601)
    await town.switches.apply()
    await town.pass_time(61)
    assert await town.state(case) == "CONFIRMED"
    assert await town.switches.stops() == []


async def test_lifting_an_operators_stop_does_not_lift_the_registrys(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    guard = town.registry.agencies["office"].guarded
    guard.halt("disabled in registry.toml")
    await town.switches.stop("office", by="Asha Das", reason="Doubles")
    await town.switches.go("office", by="Asha Das")
    assert guard.halted


async def test_a_stop_needs_a_name_and_an_agency(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    with pytest.raises(four_eyes.NoName):
        await town.switches.stop("office", by=" . ", reason="?")
    with pytest.raises(NoSuchAgency):
        await town.switches.stop("nobody", by="Asha", reason="?")
    assert await town.switches.stops() == []


async def test_why_it_was_stopped_is_for_those_who_come_after_and_sealed_at_rest(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.switches.stop("office", by="Asha Das", reason="Mr Sahu asked for it")
    rows = str([dict(row) for row in await town.store.read("select * from agency_switch")])
    assert "Sahu" not in rows
    assert "Asha" not in rows


async def test_cases_keep_being_accepted_while_an_agency_is_stopped(town_of: Any) -> None:
    town = await town_of(Class.KEYED)
    await town.switches.stop("office", by="Asha Das", reason="Doubles")
    opened = [
        await town.desk.open(NewCase("portal_1", "", "office.permit", None, {"name": "B"}), town.key(f"s{n}"))
        for n in range(5)
    ]
    await town.quiet()
    assert len({one.record.number for one in opened}) == 5
