"""A citizen's papers: known by what they are, looked through before they leave, sealed, and gone when asked for."""

import base64
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from api_town import GOOD_FORM, Reply_, Town, running_town
from sealing import sealing

from aggregator.citizens.documents import Owner
from aggregator.citizens.documents.scan import EICAR, SandboxScanner, ScannerAway
from aggregator.citizens.documents.shelf import DocumentShelf
from aggregator.registry.agency import Forwarding
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.store import Store

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40) + b"IEND\xaeB`\x82"
TUS = {"Tus_Resumable": "1.0.0"}


class Napping:
    """A scanner that is away until woken."""

    def __init__(self) -> None:
        self.awake = False

    async def harmful(self, content: bytes) -> bool:
        if not self.awake:
            raise ScannerAway("away")
        return EICAR in content


@pytest.fixture
def scanner() -> Napping:
    return Napping()


@pytest.fixture
async def slow_town(sqlite_store: Store, scanner: Napping) -> AsyncIterator[Town]:
    async with running_town(sqlite_store, scanner=scanner) as running:
        yield running


async def uploaded(town: Town, content: bytes, *, portal: str = "one", name: str = "rc.pdf") -> Reply_:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(content), filename=name, content_type="text/plain")
    return await town.raw("POST", "/v1/documents", data=form, headers=town.headers(portal))


async def applied(town: Town, key: str, *, portal: str = "one", **papers: str) -> Reply_:
    body = {"service_id": "office.licence", "form": {**GOOD_FORM, **papers}}
    return await town.ask("POST", "/cases", portal=portal, json=body, Idempotency_Key=key, Prefer="wait=3")


async def test_what_a_file_is_its_bytes_say(town: Town) -> None:
    got = await uploaded(town, PNG, name="statement.pdf")
    assert got.status == 201
    assert (got.json["media_type"], got.json["state"]) == ("image/png", "READY")
    assert got.json["sha256"] == hashlib.sha256(PNG).hexdigest()
    for content in (b"MZ\x90\x00 a program", b"<html>%PDF-1.4 %%EOF", PDF[:20], b""):
        refused = await uploaded(town, content)
        assert (refused.json["state"], refused.json["reason_code"]) == ("REFUSED", "unknown_type"), content


async def test_the_same_file_of_the_same_owner_is_kept_once(town: Town) -> None:
    first, second = await uploaded(town, PDF), await uploaded(town, PDF)
    await uploaded(town, PDF, portal="two")
    parts = await town.store.read("select content from document_part")
    assert len(parts) == 2, "one copy for each owner: what others have is not to be found out"
    owner = Owner(town.secrets["one"].portal_id)
    assert await town.parts.documents.remove(first.json["id"], owner)
    assert await town.parts.documents.content(second.json["id"], owner) == PDF


async def test_nothing_of_a_document_lies_open_in_the_database(town: Town) -> None:
    await uploaded(town, PDF, name="ravi-pan-card.pdf")
    for table in ("document", "document_part"):
        told = " ".join(str(tuple(row)) for row in await town.store.read(f"select * from {table}"))  # noqa: S608 - our own names
        for secret in ("ravi", "%PDF", hashlib.sha256(PDF).hexdigest(), base64.b64encode(PDF[:30]).decode()):
            assert secret not in told, table


async def test_a_file_too_large_is_refused_with_the_limit(town: Town) -> None:
    got = await uploaded(town, PDF + bytes(5 * 1_048_576))
    assert got.status == 413
    assert "5242880" in got.json["detail"]


async def test_another_portals_document_is_as_absent_as_none(town: Town) -> None:
    document = (await uploaded(town, PDF)).json
    assert (await town.ask("GET", f"/documents/{document['id']}", portal="two")).status == 404
    got = await applied(town, "k-1", portal="two", proof=document["uri"])
    assert [(one["pointer"], one["code"]) for one in got.json["errors"]] == [("/form/proof", "no_such_document")]
    listed = (await town.ask("GET", "/documents")).json["items"]
    assert [one["id"] for one in listed] == [document["id"]]


async def test_a_document_travels_with_its_case_to_the_agency(town: Town) -> None:
    document = (await uploaded(town, PDF)).json
    got = await applied(town, "k-1", proof=document["uri"])
    assert got.status == 201
    assert town.office.papers == [{"proof": len(PDF)}]
    held = await town.ask("DELETE", f"/documents/{document['id']}")
    assert held.status == 409


async def test_every_mistake_with_documents_is_named_at_its_field(town: Town) -> None:
    large = (await uploaded(town, PDF[:-6] + bytes(300_000) + b"%%EOF\n")).json
    pdf = (await uploaded(town, PDF)).json
    got = await applied(town, "k-1", proof=large["uri"], photo=pdf["uri"])
    told = {one["pointer"]: (one["code"], one["detail"]) for one in got.json["errors"]}
    assert told["/form/proof"] == ("document_too_large", "The agency takes files of at most 0.3 MB.")
    assert told["/form/photo"][0] == "document_kind"
    harmful = (await uploaded(town, PDF[:-6] + EICAR + b"%%EOF\n")).json
    assert harmful["reason_code"] == "malware"
    got = await applied(town, "k-2", proof=harmful["uri"])
    assert got.json["errors"][0]["code"] == "document_refused"
    assert town.office.acted == []


async def test_what_nobody_looked_through_waits_and_is_never_passed_on(slow_town: Town, scanner: Napping) -> None:
    town = slow_town
    document = (await uploaded(town, PDF)).json
    assert (document["state"], document["reason_code"]) == ("CHECKING", "scanner_away")
    got = await applied(town, "k-1", proof=document["uri"])
    assert (got.status, got.json["status"], got.json["reason_code"]) == (202, "HELD", "document_check")
    assert "still being looked through" in got.json["explanation"]
    assert town.office.acted == []
    scanner.awake = True
    town.clock.push(30)
    assert await town.parts.documents.check_waiting() == 1
    town.delivery.nudge()
    runner = await _delivered(town, got.json["id"])
    assert runner["status"] in {"SUBMITTED", "ACKNOWLEDGED"}
    assert town.office.papers == [{"proof": len(PDF)}]


async def test_a_case_whose_document_turns_out_harmful_ends_without_reaching_the_agency(
    slow_town: Town, scanner: Napping
) -> None:
    town = slow_town
    document = (await uploaded(town, PDF[:-6] + EICAR + b"%%EOF\n")).json
    case = (await applied(town, "k-1", proof=document["uri"])).json
    scanner.awake = True
    town.clock.push(30)
    await town.parts.documents.check_waiting()
    ended = await _delivered(town, case["id"])
    assert "contains something harmful" in ended["explanation"]
    assert town.office.acted == []


async def _delivered(town: Town, case_id: str) -> Any:
    """The case after one scan of the deliverer."""
    await town.delivery._scan()  # the loop itself is not running in this town
    for _ in range(100):
        case = (await town.ask("GET", f"/cases/{case_id}?wait=1")).json
        if case["status"] != "HELD":
            return case
    raise AssertionError("still held")


async def test_an_erased_citizen_leaves_no_document(town: Town) -> None:
    document = (await uploaded(town, PDF)).json
    await applied(town, "k-1", proof=document["uri"])
    assert await town.parts.documents.erase(Owner(town.secrets["one"].portal_id)) == 1
    for table in ("document", "document_part", "case_document"):
        assert await town.store.read(f"select * from {table}") == [], table  # noqa: S608 - our own names


async def test_what_no_case_holds_goes_by_itself(town: Town) -> None:
    await uploaded(town, PDF)
    held = (await uploaded(town, PNG)).json
    await applied(town, "k-1", photo=held["uri"])
    town.clock.push(8 * 86_400)
    assert await town.parts.documents.tidy() == 1
    assert (await town.store.read("select id from document"))[0]["id"] == held["id"]


async def begun(town: Town, size: int, **headers: str) -> str:
    got = await town.raw("POST", "/uploads", headers=town.headers(**TUS, Upload_Length=str(size), **headers))
    assert got.status == 201
    return str(got.headers["Location"])


async def sent(town: Town, place: str, offset: int, piece: bytes, **more: str) -> Reply_:
    headers = town.headers(**TUS, Upload_Offset=str(offset), Content_Type="application/offset+octet-stream", **more)
    return await town.raw("PATCH", place, data=piece, headers=headers)


async def test_an_upload_goes_on_where_the_line_broke(town: Town) -> None:
    place = await begun(town, len(PDF), Upload_Metadata="filename " + base64.b64encode(b"rc.pdf").decode())
    assert (await sent(town, place, 0, PDF[:20])).status == 204
    assert (await sent(town, place, 5, b"x")).status == 409
    head = await town.raw("HEAD", place, headers=town.headers(**TUS))
    assert head.headers["Upload-Offset"] == "20"
    assert (await sent(town, place, 20, PDF[20:])).headers["Upload-Offset"] == str(len(PDF))
    document = (await town.ask("GET", "/documents/" + place.rpartition("/")[2])).json
    assert (document["state"], document["name"]) == ("READY", "rc.pdf")


async def test_a_piece_with_another_checksum_does_not_count(town: Town) -> None:
    place = await begun(town, len(PDF))
    wrong = "sha256 " + base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert (await sent(town, place, 0, PDF, Upload_Checksum=wrong)).status == 460
    right = "sha256 " + base64.b64encode(hashlib.sha256(PDF).digest()).decode()
    assert (await sent(town, place, 0, PDF, Upload_Checksum=right)).status == 204


async def test_uploads_keep_their_limits_and_their_owners(town: Town) -> None:
    got = await town.raw("POST", "/uploads", headers=town.headers(**TUS, Upload_Length=str(6 * 1_048_576)))
    assert got.status == 413
    assert (await town.raw("POST", "/uploads", headers=town.headers(Upload_Length="5"))).status == 412
    assert (await town.raw("POST", "/uploads", headers={"Tus-Resumable": "1.0.0"})).status == 401
    place = await begun(town, len(PDF))
    assert (await town.raw("HEAD", place, headers=town.headers("two", **TUS))).status == 404
    assert (await sent(town, place, 0, PDF + b"more")).status == 413
    assert (await town.raw("DELETE", place, headers=town.headers(**TUS))).status == 204
    told = await town.raw("OPTIONS", "/uploads")
    assert told.headers["Tus-Version"] == "1.0.0"


async def test_operators_lower_what_is_taken_in_and_what_an_agency_gets(sqlite_store: Store) -> None:
    shelf = DocumentShelf(sqlite_store, sealing(), SystemClock(), SystemChance(), SandboxScanner(), lambda: 100_000)
    async with running_town(sqlite_store, documents=shelf) as town:
        large = await uploaded(town, PDF[:-6] + bytes(100_000) + b"%%EOF\n")
        assert (large.status, "100000" in large.json["detail"]) == (413, True)
        document = (await uploaded(town, PDF[:-6] + bytes(60_000) + b"%%EOF\n")).json
        agencies = town.parts.registry().agencies
        less = Forwarding(max_bytes=50_000, max_total_bytes=50_000, media_types=("application/pdf",))
        agencies["office"] = replace(agencies["office"], forwarding=less)  # type: ignore[index] - the town's own
        got = await applied(town, "k-1", proof=document["uri"])
        assert [one["code"] for one in got.json["errors"]] == ["document_too_large"]
