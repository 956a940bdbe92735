"""After a restored backup nothing is sent twice: what the database forgot is found out before anything is sent."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aggregator.cases import quarantine
from aggregator.cases.quarantine import Quarantine
from aggregator.feed.stream import Stream
from aggregator.sdk.adapter import Class
from aggregator.sdk.status import Status
from aggregator.store import Run, Store, StoreUnavailable
from aggregator.store.watermark import Keeper, Mark, Unreadable, Watermark


async def mark_of(store: Store) -> Mark:
    return await store.write(lambda run: quarantine._found(run, "clu_test"))


async def roll_back(town: Any, *cases: Any) -> None:
    """The database as it was before these cases were sent; the agency remembers all of it."""

    async def forget(run: Run) -> None:
        for case in cases:
            await run(
                "delete from attempt where operation_id in (select id from operation where case_id = $1)", case.id
            )
            await run(
                "update operation set state = 'READY', attempt = 0, sends = 0, worker = '', agency_reference = '',"
                " first_sent_ms = null, ended_ms = null, doubtful = 0, reason_code = 'accepted',"
                " citizen_text_key = 'state.ready', next_action_ms = created_ms where case_id = $1",
                case.id,
            )
            await run("update event_counter set last = last - 1 where name = 'send'")

    await town.store.write(forget)


async def examined(town: Any, remembered: Mark | str | None) -> Quarantine:
    """What the next boot does."""
    await quarantine.examine(town.store, remembered, town.clock, "clu_test")
    guard = Quarantine(town.desktop, lambda: town.registry, Stream(town.store, town.clock))
    await guard.glance()
    return guard


async def settled(town: Any, guard: Quarantine, rounds: int = 12) -> None:
    for _ in range(rounds):
        await guard.look()
        await town.pass_time(400)
    await guard.look()


@pytest.mark.parametrize("cls", [Class.OPAQUE, Class.QUERYABLE, Class.UNIQUE])
async def test_a_restored_row_is_sent_again_where_nobody_compares(town_of: Any, cls: Class) -> None:
    """The control: the row looks READY, and the citizen's application is filed twice."""
    town = await town_of(cls)
    town.office.unique = False
    case = await town.apply()
    await roll_back(town, case)
    await town.pass_time(1)
    assert len(town.office.acted) == 2


@pytest.mark.parametrize("cls", list(Class)[1:])
async def test_after_a_restore_a_forgotten_application_is_found_and_not_sent_again(town_of: Any, cls: Class) -> None:
    town = await town_of(cls)
    await town.apply("The control record")
    case = await town.apply()
    ahead = await mark_of(town.store)
    await roll_back(town, case)
    guard = await examined(town, ahead)
    assert guard.shuts("office")
    assert guard.standing.reason == "behind"
    await settled(town, guard)
    assert len(town.office.acted) == 2, "one of each, and nothing twice"
    found = await town.see(case)
    if cls is Class.OPAQUE:
        assert (found.status, found.legs[0].text_key) == (Status.UNCONFIRMED, "state.needs_human_doubt")
    else:
        assert (found.status, found.legs[0].agency_reference) == (Status.SUBMITTED, "N2")
    assert not guard.shuts("office")
    assert guard.told() is None


async def test_in_quarantine_a_new_case_is_accepted_held_and_sent_when_the_agency_is_let_go(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    old = await town.apply()
    ahead = await mark_of(town.store)
    await roll_back(town, old)
    guard = await examined(town, ahead)
    told = {"reason": "behind", "since": "2026-01-15T04:30:00+00:00", "waiting": {"office": 1}}
    assert guard.told() == told, "whoever asks before the sweep is not told that nothing waits"
    town.clock.advance(1)
    await guard.look()
    assert guard.told() == told
    new = await town.apply("A new citizen")
    assert (new.status, new.legs[0].reason_code, new.legs[0].effect) == (Status.HELD, "quarantine", "none")
    assert len(town.office.acted) == 2
    await settled(town, guard)
    assert (await town.see(new)).status is Status.SUBMITTED
    assert len(town.office.acted) == 3
    types = await town.types(old)
    assert "operation.in-doubt" in types


async def test_while_it_looks_again_nobody_is_told_that_the_quarantine_is_over(town_of: Any) -> None:
    """Between the beginning of a round and its end lies a commit; /readyz and every answer are asked meanwhile."""
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    case = await town.apply()
    ahead = await mark_of(town.store)
    await roll_back(town, case)
    guard = await examined(town, ahead)
    town.clock.advance(1)
    await guard.look()
    looking = asyncio.create_task(guard.look())
    told = 0
    while not looking.done():
        assert guard.shuts("office")
        told += guard.told() is not None
        await asyncio.sleep(0)
    assert told


async def test_the_gate_is_in_the_database_and_stops_a_process_that_has_not_heard_of_it(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await quarantine.declare(town.store, town.clock)
    case = await town.apply()
    assert town.office.arrivals == 0
    assert (case.status, case.legs[0].reason_code) == (Status.HELD, "quarantine")


async def test_a_proven_absence_is_sent_once_after_the_agency_is_let_go(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    town.office.down = True
    case = await town.apply()
    town.office.down = False
    ahead = await mark_of(town.store)
    await roll_back(town, case)
    guard = await examined(town, ahead)
    await settled(town, guard)
    assert (await town.see(case)).status is Status.SUBMITTED
    assert len(town.office.acted) == 2


async def test_numbers_of_events_jump_past_everything_that_was_told(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply()
    ahead = await mark_of(town.store)
    further = Mark(ahead.cluster, ahead.epoch + 3, ahead.send_seq + 5, ahead.event_seq + 400)
    await examined(town, further)
    rows = await town.store.read("select seq, type from event order by seq desc limit 1")
    assert (rows[0]["type"], rows[0]["seq"] > further.event_seq) == ("feed.epoch-changed", True)
    assert not (await mark_of(town.store)).behind(further), "the next boot finds nothing to complain of"
    assert (await examined(town, further)).standing.reason == "behind", "but the quarantine stands until it is settled"


@pytest.mark.parametrize(
    ("remembered", "reason"),
    [
        ("mark_unreadable", "mark_unreadable"),
        (Mark("clu_another", 1, 0, 0), "behind"),
        (Mark("clu_test", 99, 0, 0), "behind"),
    ],
)
async def test_what_makes_a_quarantine(town_of: Any, remembered: Mark | str, reason: str) -> None:
    town = await town_of(Class.QUERYABLE)
    assert (await examined(town, remembered)).standing.reason == reason


async def test_a_database_as_far_as_its_mark_or_further_is_in_order(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply()
    mark = await mark_of(town.store)
    await town.apply()
    assert (await examined(town, mark)).told() is None


async def test_a_lost_mark_is_a_reason_on_one_host_and_a_new_host_on_a_server(town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)
    assert (await examined(town, None)).told() is None, "nothing was ever sent"
    await town.apply()
    told = (await examined(town, None)).told()
    assert (told is not None) == (town.store.engine == "sqlite")


async def test_another_server_behind_the_same_address_is_a_reason(town_of: Any, store: Store) -> None:
    if store.engine == "sqlite":
        pytest.skip("a file has no lineage")
    town = await town_of(Class.QUERYABLE)
    mark = await mark_of(store)
    assert (await examined(town, mark)).told() is None
    await store.write(lambda run: run("update setting set value = '1/00000001' where name = 'lineage'"))
    assert (await examined(town, await mark_of(store))).standing.reason == "another_server"


async def test_the_mark_is_on_disk_before_anybody_hears_of_the_commit(
    store: Store, tmp_path: Path, town_of: Any
) -> None:
    watermark = Watermark([tmp_path / "one.mark", tmp_path / "two.mark"])
    town = await town_of(Class.QUERYABLE)
    keeper = Keeper(watermark, await mark_of(store))
    keeper.epoch = town.desktop.worker.epoch
    store.beside(keeper, quarantine.reexamine(store.lineage, lambda: keeper.mark, town.clock))
    seen = []
    town.office.on_arrival = lambda: _note(seen, watermark)
    await town.apply()
    assert seen[0].send_seq == 1, "the send was counted outside the database before its first byte"
    assert watermark.remembered() == await mark_of(store)
    assert watermark.remembered() == keeper.mark


async def _note(seen: list[Any], watermark: Watermark) -> None:
    seen.append(watermark.remembered())


async def test_a_mark_that_cannot_be_written_stops_sending_and_accepting(store: Store, town_of: Any) -> None:
    town = await town_of(Class.QUERYABLE)

    async def full(_counters: Any) -> None:
        raise OSError(28, "No space left on device")

    store.beside(full, quarantine.reexamine(store.lineage, lambda: Mark("clu_test"), town.clock))
    with pytest.raises(StoreUnavailable, match=r"watermark cannot be written \(No space left on device\)"):
        await town.apply()
    assert town.office.arrivals == 0


def test_a_torn_write_spoils_one_slot_and_the_other_still_speaks(tmp_path: Path) -> None:
    place = tmp_path / "mark"
    watermark = Watermark([place])
    assert watermark.remembered() is None
    for n in range(1, 4):
        watermark.keep(Mark("clu", 1, n, n * 10))
    content = bytearray(place.read_bytes())
    content[4096 + 100] ^= 0xFF  # turn 3 is in the second slot
    place.write_bytes(content)
    assert watermark.remembered() == Mark("clu", 1, 2, 20)
    watermark.keep(Mark("clu", 1, 1, 5))
    assert watermark.remembered() == Mark("clu", 1, 2, 20), "it is only ever raised"
    place.write_bytes(b"\0" * 5000)
    with pytest.raises(Unreadable):
        watermark.remembered()


def test_the_furthest_of_several_files_counts_and_files_of_two_cities_do_not(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    Watermark([one]).keep(Mark("clu", 2, 7, 70))
    Watermark([two]).keep(Mark("clu", 1, 9, 60))
    assert Watermark([one, two, tmp_path / "none"]).remembered() == Mark("clu", 2, 9, 70)
    Watermark([tmp_path / "other"]).keep(Mark("clu_b", 1, 1, 1))
    with pytest.raises(Unreadable, match="different databases"):
        Watermark([one, tmp_path / "other"]).remembered()


@pytest.mark.parametrize(("fate", "status"), [("normal", Status.SUBMITTED), ("act then silence", Status.UNCONFIRMED)])
async def test_a_send_whose_journal_was_lost_in_a_failover_is_a_doubt_and_not_ready_again(
    town_of: Any, fate: str, status: Status
) -> None:
    town = await town_of(Class.QUERYABLE)
    town.office.script = [fate]

    async def failover() -> None:
        rows = await town.store.read("select case_id as id from operation")
        await roll_back(town, *[type("Case", (), {"id": row["id"]}) for row in rows])

    town.office.on_arrival = failover
    case = await town.apply()
    assert case.status is status
    assert len(town.office.acted) == 1


async def test_what_is_being_checked_is_said_in_the_health_of_the_city(town_of: Any) -> None:
    town = await town_of(Class.OPAQUE)
    await quarantine.declare(town.store, town.clock)
    guard = Quarantine(town.desktop, lambda: town.registry, Stream(town.store, town.clock))
    await guard.glance()
    assert guard.shuts("office")
    assert guard.shuts("an agency nobody knows yet")
    assert (guard.told() or {})["reason"] == "declared"
    await guard.look()
    assert guard.told() is None, "nothing was open: it ends at once"
