"""A citizen who has cases, documents and drafts, and is forgotten."""

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from api_citizens import later, logged_in
from api_town import Town
from sealing import MASTER

from aggregator.citizens.keyring import KeyRing
from aggregator.citizens.reseal import OF_CASE, OF_DOCUMENT, Place
from aggregator.citizens.vault import Vault
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.store import Store
from aggregator.store.keyfile import KeyFile

ASHA, RAVI = "9000000042", "9000000043"


PAST_NOTICE_S = 49 * 3600


PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< >>\n%%EOF\n"


DRAFTS = Place("draft", "id", ("body_sealed",), "id = $1")


PLACES = (*OF_CASE, *OF_DOCUMENT, DRAFTS)


def ring(file: KeyFile) -> KeyRing:
    return KeyRing(Vault(MASTER), file, SystemClock(), SystemChance())


@pytest.fixture
def keys(tmp_path: Path):
    made = KeyFile(tmp_path / "city.keys")
    yield made
    made.close()


def copied(store: Store, url: str, to: Path) -> Path:
    """A backup of the database as it is now."""
    assert store.engine == "sqlite"
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as live, closing(sqlite3.connect(to)) as copy:
        live.backup(copy)
    return to


def values(file: Path) -> list[tuple[Place, str, str, str]]:
    """Every sealed value of the copy: its place, row and column, and its text."""
    found = []
    with closing(sqlite3.connect(file)) as copy:
        copy.row_factory = sqlite3.Row
        for place in PLACES:
            columns = ", ".join(place.columns)
            for row in copy.execute(f"select {place.row} as name, {columns} from {place.table}"):  # noqa: S608 - a fixed list
                found += [(place, row["name"], column, row[column]) for column in place.columns if row[column]]
    return found


async def lived(town: Town) -> str:
    """A citizen with a document, a draft, a case that was sent, read and told of, and one that is in doubt."""
    name = str((await logged_in(town, ASHA))["citizen_id"])
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(PDF), filename="rc.pdf", content_type="application/pdf")
    paper = await town.raw("POST", "/v1/documents", data=form, headers=town.headers(ASHA))
    assert paper.status == 201, paper.body
    begun = await town.ask("POST", "/services/office.permit/drafts", portal=ASHA, json={"form": {"name": "Asha"}})
    assert begun.status == 201, begun.body
    case = (await town.open(citizen_id=name)).json
    number = case["legs"][0]["reference"]
    body = json.dumps({"number": number, "event": "e1"})
    told = await town.raw("POST", "/callbacks/office", data=body, headers={"x-signed": "by the office"})
    assert told.status == 200, told.body
    while await town.inbox.work():
        pass
    town.office.script = ["silence"]
    lost = await town.open("k-2", citizen_id=name)
    path = f"/cases/{lost.json['id']}/actions/withdraw"
    await town.ask("POST", path, json={"note": "no longer"}, Idempotency_Key="k-3")
    return name


async def forgotten(town: Town) -> None:
    assert (await town.ask("DELETE", "/citizens/me", portal=ASHA)).status == 202
    await later(town, PAST_NOTICE_S)
    await town.store.write(lambda run: run("update cases set status = 'COMPLETED'"))
    assert await town.parts.privacy.erasure.carry_out() == 1
