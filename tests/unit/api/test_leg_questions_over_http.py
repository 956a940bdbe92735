"""Slots and papers of a case: asked of its agency as the one who applied; papers leave once and are never kept."""

import hashlib

import pytest
from api_town import PushedClock

from aggregator.api.downloads import Downloads, file_name_of, media_type_of
from aggregator.sdk.clock import SystemChance
from aggregator.sdk.model import Document


async def test_free_slots_come_from_the_agency_for_the_days_asked(town):
    case = (await town.open()).json
    got = await town.ask("GET", f"/cases/{case['id']}/slots?from_date=2026-11-24&to_date=2026-11-25")
    assert got.status == 200
    assert got.json["items"] == [
        {"slot_id": "S7", "place": "Counter 1", "starts_at": "2026-11-24T05:00:00Z", "free": 3}
    ]
    assert got.json["stale"] is False
    assert "number=N1" in town.office.asked[0]
    assert "first=2026-11-24" in town.office.asked[0]
    assert got.headers["Cache-Control"] == "no-store"


async def test_without_the_agency_the_last_good_slots_stand_in_and_say_so(town):
    case = (await town.open()).json
    path = f"/cases/{case['id']}/slots?from_date=2026-11-24"
    await town.ask("GET", path)
    town.office.down = True
    town.clock.push(300)
    got = await town.ask("GET", path, Prefer="wait=2")
    assert (got.status, got.json["stale"], len(got.json["items"])) == (200, True, 1)
    assert "5 minutes ago" in got.json["explanation"]
    never = await town.ask("GET", path.replace("11-24", "11-20"), Prefer="wait=2")
    assert (never.status, never.json["code"]) == (503, "agency-unavailable"), never.json
    assert never.json["agency"] == "office"
    assert (never.json["effect"], never.json["safe_to_retry"]) == ("none", True)


@pytest.mark.parametrize("days", ["from_date=2026-11-24&to_date=2026-11-23", "from_date=2026-01-01&to_date=2027-01-01"])
async def test_days_out_of_order_or_without_end_are_refused(town, days):
    case = (await town.open()).json
    got = await town.ask("GET", f"/cases/{case['id']}/slots?{days}")
    assert (got.status, got.json["errors"][0]["parameter"]) == (400, "to_date")
    assert (await town.ask("GET", f"/cases/{case['id']}/slots?from_date=tomorrow")).status == 400


async def test_what_the_agency_does_not_have_yet_is_not_asked_about(town):
    town.office.down = True
    case = (await town.open(Prefer="wait=0")).json
    got = await town.ask("GET", f"/cases/{case['id']}/slots")
    assert (got.status, got.json["code"], got.json["number"]) == (409, "action-not-possible", case["number"])
    assert "does not have the application yet" in got.json["detail"]


async def test_a_paper_that_is_not_issued_yet_is_no_error(town):
    case = (await town.open()).json
    got = await town.ask("GET", f"/cases/{case['id']}/document")
    assert (got.status, got.json["ready"]) == (200, False)
    assert "has not issued it yet" in got.json["explanation"]
    assert "download_url" not in got.json


async def test_an_issued_paper_is_fetched_once_at_an_address_nobody_can_guess(town):
    case = (await town.open()).json
    town.office.paper = "%PDF-1.7 permit"
    got = (await town.ask("GET", f"/cases/{case['id']}/document")).json
    assert (got["ready"], got["media_type"], got["size_bytes"]) == (True, "application/pdf", 15)
    assert got["download_url"].startswith(town.origin + "/downloads/")
    path = got["download_url"].removeprefix(town.origin)
    assert (await town.raw("HEAD", path)).status == 405, "looking at the head of it does not use it up"
    paper = await town.raw("GET", path)
    assert hashlib.sha256(paper.body).hexdigest() == got["sha256"]
    assert paper.headers["Content-Disposition"] == 'attachment; filename="_Permit_of_X.pdf"'
    assert (paper.headers["Cache-Control"], paper.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    assert "sandbox" in paper.headers["Content-Security-Policy"]
    assert (await town.raw("GET", path)).status == 404
    assert (await town.raw("GET", "/downloads/" + "A" * 43)).status == 404


async def test_a_paper_goes_after_five_minutes_and_never_into_the_store(town):
    case = (await town.open()).json
    town.office.paper = "%PDF-1.7 permit"
    got = (await town.ask("GET", f"/cases/{case['id']}/document")).json
    rows = []
    for table in await town.store.read("select name from sqlite_master where type = 'table'"):
        rows += [dict(row) for row in await town.store.read(f"select * from {table['name']}")]  # noqa: S608 - its own
    assert "%PDF" not in str(rows)
    town.clock.push(301)
    assert (await town.raw("GET", got["download_url"].removeprefix(town.origin))).status == 404


async def test_a_paper_is_asked_for_anew_each_time_and_not_while_the_agency_is_away(town):
    case = (await town.open()).json
    town.office.paper = "%PDF-1.7 permit"
    await town.ask("GET", f"/cases/{case['id']}/document")
    town.office.down = True
    got = await town.ask("GET", f"/cases/{case['id']}/document", Prefer="wait=1")
    assert (got.status, got.json["code"]) == (503, "agency-unavailable")


def test_papers_are_bounded_by_their_bytes_and_the_oldest_goes_first():
    downloads = Downloads(PushedClock(), SystemChance(), most_bytes=25)
    paths = [downloads.put(Document("a.pdf", "application/pdf", b"0123456789"))[0] for _ in range(4)]
    held = [downloads.take(path.rpartition("/")[2]) is not None for path in paths]
    assert held == [False, False, True, True]


@pytest.mark.parametrize(
    ("name", "shown"), [("../../etc/passwd", "_.._etc_passwd"), ('a"\r\nX: y', "a_X_y"), ("", "document"), ("ଅ", "_")]
)
def test_a_name_from_an_agency_breaks_no_header_and_no_folder(name, shown):
    assert file_name_of(Document(name, "application/pdf", b"")) == shown
    assert media_type_of(Document(name, "text/html\r\nX: y", b"")) == "application/octet-stream"
