"""A stranger's zip: capped, strict, and kept between questions."""

import asyncio
import io
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest

pytest.importorskip("google.transit", reason="GTFS-realtime needs the extra: pip install '.[gtfs]'")

from adapters.municipal.gtfs import archive, realtime
from adapters.municipal.gtfs.network import read_network, seconds
from adapters.municipal.gtfs.simulator_network import packed
from aggregator.registry.driver import DriverBroken, constructed
from aggregator.sdk.adapter import Settings
from aggregator.sdk.errors import ContractBroken, Unavailable
from aggregator.sdk.model import Absent, Facts
from aggregator.sdk.wire import NoWire


def test_a_bomb_is_seen_after_the_cap_and_not_after_a_gigabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MEMBER_MAX", 1_048_576)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("agency.txt", b"a" * 64 * 1_048_576)
    assert len(whole.getvalue()) < 100_000
    with pytest.raises(ContractBroken, match="unpacks to more") as caught:
        archive.sheets(whole.getvalue(), ["agency.txt"])
    assert caught.value.too_big


def test_many_small_files_are_capped_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "WHOLE_MAX", 100)
    rows = [("name",), *(("x" * 8,) for _ in range(9))]
    with pytest.raises(ContractBroken, match="unpacks to more"):
        archive.sheets(packed({"a.txt": rows, "b.txt": rows}), ["a.txt", "b.txt"])


def test_rows_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "ROWS_MAX", 3)
    with pytest.raises(ContractBroken, match="more than 3 rows"):
        archive.sheets(packed({"a.txt": [("name",)] * 5}), ["a.txt"])


def test_two_files_of_one_name_are_two_truths() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as made:
        made.writestr("a.txt", b"name\r\n1\r\n")
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("a.txt", b"name\r\n2\r\n")
    with pytest.raises(ContractBroken, match="twice"):
        archive.sheets(whole.getvalue(), ["a.txt"])


def _flipped(whole: bytes) -> bytes:
    at = whole.index(b"agency.txt") + 15  # in the compressed bytes behind the first local header
    return whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]


@pytest.mark.parametrize("spoil", [lambda zipped: zipped[:-30], _flipped, lambda _: b"", lambda _: b"PK\x03\x04"])
def test_an_archive_that_is_damaged_is_a_broken_contract(depot: Any, spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ContractBroken):
        read_network(spoil(packed(dict(depot.network))))


@pytest.mark.parametrize("rows", [[], [("a", "a")], [("a", "b"), ("1",)], [("a",), ('"open',)]])
def test_a_sheet_without_a_header_or_with_a_row_out_of_step_is_a_broken_contract(rows: list[tuple[str, ...]]) -> None:
    text = "\r\n".join(",".join(row) for row in rows).encode()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as made:
        made.writestr("a.txt", text)
    with pytest.raises(ContractBroken):
        list(archive.sheets(whole.getvalue(), ["a.txt"])["a.txt"].pick("a"))


def test_a_sheet_may_begin_with_a_mark_and_quote_a_comma() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as made:
        made.writestr("a.txt", '\ufeffname,more\r\n"Link Road, Cuttack",1\r\n'.encode())
    assert list(archive.sheets(whole.getvalue(), ["a.txt"])["a.txt"].pick("name", "more")) == [
        ("Link Road, Cuttack", "1")
    ]


def test_times_may_exceed_a_day() -> None:
    assert [seconds(text) for text in ("0:05:00", "23:59:59", "25:10:00")] == [300, 86_399, 90_600]
    for text in ("24:60:00", "noon", "-1:00:00", ""):
        with pytest.raises(ContractBroken):
            seconds(text)


def test_rows_that_refer_to_nothing_are_left_out_and_counted(depot: Any) -> None:
    depot.network["stop_times.txt"] += [("GHOST", "10:00:00", "1A", 1), ("T1", "10:00:00", "9Z", 9)]
    assert read_network(packed(dict(depot.network))).left_out == 2


async def test_the_archive_is_kept_and_then_asked_for_by_its_mark(depot: Any) -> None:
    await depot.look("routes")
    await depot.look("routes")
    assert len(depot.asked) == 1
    depot.clock.advance(21_601)
    await depot.look("routes")
    assert depot.wire.requests[-1].headers["if-none-match"] == '"1"'
    depot.clock.advance(21_601)
    depot.etag = '"2"'
    depot.network["routes.txt"][1] = ("R10", "11", "Airport - Puri")
    assert (await depot.look("routes")).values["route_1"] == "11 Airport - Puri"


async def test_many_riders_at_once_cost_one_archive(depot: Any) -> None:
    await asyncio.gather(*(depot.look("routes") for _ in range(20)))
    assert depot.asked == ["/gtfs.zip"]


async def test_riders_who_give_up_do_not_keep_everybody_from_ever_getting_an_archive(depot: Any) -> None:
    begun, slow = asyncio.Event(), asyncio.Event()

    async def slowly(request: httpx.Request) -> httpx.Response:
        begun.set()
        await slow.wait()
        return depot.archive(request)

    depot.archive_answer = slowly
    impatient = [asyncio.create_task(depot.look("routes")) for _ in range(3)]
    await begun.wait()
    for rider in impatient:
        rider.cancel()
    await asyncio.gather(*impatient, return_exceptions=True)
    slow.set()
    assert isinstance(await depot.look("routes"), Facts)
    assert depot.asked == ["/gtfs.zip"]


async def test_an_outage_of_the_archive_is_covered_by_the_one_in_hand_for_a_day(depot: Any) -> None:
    await depot.look("routes")
    depot.archive_answer = lambda _: httpx.Response(503)
    depot.clock.advance(21_601)
    assert isinstance(await depot.look("routes"), Facts)
    assert isinstance(await depot.look("routes"), Facts)
    assert len(depot.asked) == 2  # not once per rider while it is away
    depot.clock.advance(86_400)
    with pytest.raises(Unavailable):
        await depot.look("routes")


async def test_without_an_archive_in_hand_an_outage_is_one_for_all_who_wait(depot: Any) -> None:
    depot.archive_answer = lambda _: httpx.Response(503)
    got = await asyncio.gather(*(depot.look("routes") for _ in range(5)), return_exceptions=True)
    assert {type(one) for one in got} == {Unavailable}
    depot.archive_answer = None
    assert isinstance(await depot.look("routes"), Facts)


async def test_not_modified_is_no_answer_to_who_has_nothing(depot: Any) -> None:
    depot.archive_answer = lambda _: httpx.Response(304)
    with pytest.raises(Exception, match="redirect"):
        await depot.look("routes")


async def test_stops_near_a_place_come_nearest_first_with_the_way_in_metres(depot: Any) -> None:
    got = await depot.look("stops_near", lat=20.2701, lon=85.84)
    assert got.values == {"stop_1": "Master Canteen, 11 m (2A)", "stop_2": "Master Canteen, 11 m (2B)"}
    assert await depot.look("stops_near", lat=28.6, lon=77.2) == Absent()
    assert (await depot.look("stops_near", place="canteen")).values["stop_2"] == "Master Canteen (2B)"


async def test_routes_are_found_by_number_by_name_and_by_stop(depot: Any) -> None:
    assert list((await depot.look("routes")).values.values()) == ["10 Airport - Puri", "12 Master Canteen - Puri"]
    assert (await depot.look("routes", route="12")).values == {"route_1": "12 Master Canteen - Puri"}
    assert (await depot.look("routes", route="airport")).values == {"route_1": "10 Airport - Puri"}
    assert (await depot.look("routes", stop="Airport")).values == {"route_1": "10 Airport - Puri"}


async def test_a_notice_is_told_while_it_holds_and_to_whom_it_concerns(depot: Any) -> None:
    now = int(depot.clock.now().timestamp())
    alert = depot.feed.entity.add(id="1").alert
    alert.informed_entity.add().route_id = "R10"
    alert.header_text.translation.add(text="ରାସ୍ତା କାମ", language="or")
    alert.header_text.translation.add(text="Road\x07 works", language="en")
    alert.active_period.add(start=now - 60, end=now + 60)
    depot.feed.entity.add(id="2").alert.header_text.translation.add(text="For all")
    assert (await depot.look("alerts")).values == {"notice_1": "10: Road works", "notice_2": "For all"}
    assert (await depot.look("alerts", route="12")).values == {"notice_1": "For all"}
    depot.clock.advance(61)
    assert (await depot.look("alerts", route="10")).values == {"notice_1": "For all"}
    depot.feed.ClearField("entity")
    assert await depot.look("alerts") == Absent()


@pytest.mark.parametrize("answer", [
    httpx.Response(200, content=b'{"status":500,"error":"Internal"}', headers={"content-type": "application/json"}),
    httpx.Response(502, content=b"bad gateway"),
])  # fmt: skip
async def test_an_error_object_in_place_of_a_feed_is_an_outage(depot: Any, answer: httpx.Response) -> None:
    depot.feed_answer = lambda _: answer
    with pytest.raises(Unavailable):
        await depot.board()


def test_without_the_extra_the_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch, depot: Any) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(realtime, "import_module", missing)
    facts: Any = type("Facts", (), {"settings": Settings("http://bus.example")})()
    with pytest.raises(DriverBroken, match=r"needs the extra gtfs: pip install '\.\[gtfs\]'"):
        constructed(type(depot.driver), facts, NoWire(), None)  # type: ignore[arg-type]
