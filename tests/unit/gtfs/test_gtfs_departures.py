"""What leaves next: timetable, lateness, cancellations, and buses of yesterday's service day."""

from datetime import UTC, datetime
from typing import Any

import pytest

pytest.importorskip("google.transit", reason="GTFS-realtime needs the extra: pip install '.[gtfs]'")

from aggregator.sdk.errors import ContractBroken, Unavailable
from aggregator.sdk.model import Absent


async def test_the_next_bus_is_told_as_planned_where_nothing_is_reported(depot: Any) -> None:
    assert await depot.board() == {"stop": "Master Canteen", "departure_1": "18:42 10 Puri"}


async def test_a_late_bus_is_told_with_its_plan_beside_it(depot: Any) -> None:
    depot.update("T1").stop_time_update.add(stop_sequence=2).departure.delay = 300
    assert (await depot.board())["departure_1"] == "18:47 10 Puri (18:42 +5)"


async def test_lateness_goes_on_to_the_stops_after_it(depot: Any) -> None:
    depot.update("T1").stop_time_update.add(stop_sequence=1).departure.delay = 120
    assert (await depot.board())["departure_1"] == "18:44 10 Puri (18:42 +2)"


async def test_a_time_of_departure_is_believed_before_a_delay(depot: Any) -> None:
    change = depot.update("T1").stop_time_update.add(stop_id="2A")
    change.departure.time = int(datetime(2026, 1, 15, 13, 20, tzinfo=UTC).timestamp())
    assert (await depot.board())["departure_1"] == "18:50 10 Puri (18:42 +8)"


async def test_a_bus_that_left_early_is_gone_and_one_that_is_late_is_still_to_come(depot: Any) -> None:
    depot.clock.advance(13 * 60)  # 18:43
    assert await depot.look("next_departures", stop="2A") == Absent()
    depot.update("T1").stop_time_update.add(stop_sequence=2).departure.delay = 240
    assert (await depot.board())["departure_1"] == "18:46 10 Puri (18:42 +4)"


async def test_a_cancelled_bus_and_a_skipped_stop_are_counted_and_not_promised(depot: Any) -> None:
    told = depot.update("T1")
    told.trip.schedule_relationship = told.trip.CANCELED
    assert await depot.board() == {"stop": "Master Canteen", "cancelled_departures": "1"}
    depot.feed.ClearField("entity")
    change = depot.update("T1").stop_time_update.add(stop_sequence=2)
    change.schedule_relationship = change.SKIPPED
    assert await depot.board() == {"stop": "Master Canteen", "cancelled_departures": "1"}


async def test_a_bus_at_25_10_leaves_after_midnight_of_the_day_before(depot: Any) -> None:
    depot.clock.advance(6.5 * 3600)  # 01:00 on Friday
    depot.feed.header.timestamp = int(depot.clock.now().timestamp())
    assert (await depot.board())["departure_1"] == "01:10 10 Puri"
    depot.update("T2", "20260115").stop_time_update.add(stop_sequence=2).departure.delay = 60
    assert (await depot.board())["departure_1"] == "01:11 10 Puri (01:10 +1)"


async def test_news_of_another_day_do_not_move_this_days_bus(depot: Any) -> None:
    depot.update("T1", "20260114").stop_time_update.add(stop_sequence=2).departure.delay = 300
    assert (await depot.board())["departure_1"] == "18:42 10 Puri"


async def test_a_line_that_runs_on_sundays_runs_on_sundays(depot: Any) -> None:
    assert "12" not in str(await depot.board())
    depot.clock.advance(3 * 86_400)
    depot.feed.header.timestamp = int(depot.clock.now().timestamp())
    assert (await depot.board())["departure_2"] == "18:45 12 Puri"
    assert await depot.board(route="12") == {"stop": "Master Canteen", "departure_1": "18:45 12 Puri"}


async def test_a_holiday_takes_a_line_off_and_a_fair_puts_one_on(depot: Any) -> None:
    depot.network["calendar_dates.txt"] = [
        ("service_id", "date", "exception_type"), ("DAILY", "20260115", 2), ("SUNDAY", "20260115", 1),
    ]  # fmt: skip
    assert await depot.board() == {"stop": "Master Canteen", "departure_1": "18:45 12 Puri"}


async def test_nobody_boards_at_the_last_stop(depot: Any) -> None:
    assert await depot.look("next_departures", stop="Puri Bus Stand") == Absent()


async def test_a_trip_that_no_timetable_knows_is_kept_out_and_counted(depot: Any) -> None:
    depot.update("GHOST-1")
    depot.update("GHOST-2")
    assert await depot.board() == {"stop": "Master Canteen", "departure_1": "18:42 10 Puri", "unknown_trips": "2"}


async def test_an_unknown_stop_costs_no_call_to_the_feed(depot: Any) -> None:
    assert await depot.look("next_departures", stop="Nowhere") == Absent()
    assert depot.asked == ["/gtfs.zip"]


@pytest.mark.parametrize(("age_s", "told"), [(0, None), (299, None), (301, "301"), (3599, "3599")])
async def test_news_older_than_five_minutes_are_told_with_their_age(depot: Any, age_s: int, told: str | None) -> None:
    depot.feed.header.timestamp -= age_s
    assert (await depot.board()).get("data_age_s") == told


async def test_a_feed_that_stopped_an_hour_ago_is_an_outage(depot: Any) -> None:
    depot.feed.header.timestamp -= 3601
    with pytest.raises(Unavailable):
        await depot.board()


async def test_a_feed_from_the_future_would_never_grow_stale_and_is_refused(depot: Any) -> None:
    depot.feed.header.timestamp += 3700
    with pytest.raises(ContractBroken):
        await depot.board()


async def test_an_empty_body_parses_as_a_feed_without_news_and_is_refused_all_the_same(depot: Any) -> None:
    depot.feed.ParseFromString(b"")  # the naive control: the library sees nothing wrong
    with pytest.raises(ContractBroken):
        await depot.board()


async def test_the_buses_of_a_line_are_told_by_the_stop_they_come_to(depot: Any) -> None:
    for number, trip_id in enumerate(("T1", "T2", "S1", "GHOST", "")):
        told = depot.feed.entity.add(id=str(number)).vehicle
        told.trip.trip_id = trip_id
        if trip_id == "T2":
            told.position.latitude, told.position.longitude = 20.2501, 85.8201
        else:
            told.stop_id = "2A"
    got = await depot.look("buses_on_route", route="10")
    assert got.values == {"bus_1": "Puri: Airport", "bus_2": "Puri: Master Canteen", "unknown_trips": "1"}
    assert await depot.look("buses_on_route", route="99") == Absent()
