"""What a citizen takes along is everything: each table of the database has its place there, or a reason why not.

A life is lived that leaves a row in each table that can name a citizen; then the archive is counted against the rows.
Controls: a table nobody thought of, and a page that is left out, are both found.
"""

import dataclasses
import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from api_citizens import DEVICE, logged_in
from api_town import running_town
from nominee_steps import ASHA, PAPER, RAVI, accepted, acting, asked, in_force, named, officers, people, stepped

from aggregator.api import takeout
from aggregator.citizens import belongings
from aggregator.payments.payment import Payment, insert
from aggregator.sdk.clock import epoch_ms
from aggregator.store.migrate import packaged

BINA = "9000000099"
PLACES = {
    "citizen": "profile", "citizen_change": "changes", "citizen_login": "logins", "citizen_pairwise": "known_to",
    "link": "links", "session": "sessions", "consent": "consents", "access_record": "looks", "erasure": "erasure",
    "assistance": "assistances", "nomination": "nominations", "nominee_claim": "nominees_requests",
    "citizen_notice": "notices", "document": "documents", "draft": "drafts", "payment": "payments", "cases": "cases",
    "leg": "cases.legs", "operation": "cases.operations", "reading": "cases.readings", "event": "cases.events",
    "case_document": "cases.documents",
}  # fmt: skip
"""Table -> the file of the archive, and the member of its lines, that has one entry for each of its rows."""
WITHIN = {
    "document_part": "the files under documents/ are made of it",
    "money_entry": "in a payment's evidence", "money_line": "in a payment's evidence",
    "payment_word": "in a payment's evidence", "money_file_line": "in a payment's evidence",
    "money_item": "whose queue a payment waits in; its phase and sentence are in payments",
    "posting_check": "how often a biller's file was looked through for a payment; what was found is its phase",
    "attempt": "the form and the agency's answer once more, in its dialect; hashes and times are in the evidence",
    "inbox": "what agencies pushed; what it said is in readings", "look": "that we asked an agency; nothing it said",
    "evidence": "officers' words about a doubt; what follows is in the case",
    "decision": "officers' names", "worklist_item": "that somebody has to look at a case; its status says so",
    "idempotency": "answers kept for a repeat, which are in cases", "forgotten": "agencies' numbers without a person",
    "session_refresh": "hashes of credentials", "code_send": "counters without a person", "code_turn": "counters",
    "citizen_duplicate": "says that two people may be one, and so speaks of another",
    "citizen_merge": "a merge is in changes; what was sealed is in profile and changes",
    "link_code": "that an agency was asked for a code; what came of it is in links",
    "allowance": "counters under keyed names", "used_once": "hashes of tokens",
}  # fmt: skip
"""Tables that can have to do with a citizen and have no file of their own: where their content is, or why it is not."""
NOBODY_S = {
    "setting", "worker", "event_counter", "portal", "portal_key", "portal_issuer", "agency_switch", "query_spent",
    "quarantine", "quarantine_left", "agency_listed", "audit_tile", "audit_head", "audit_run", "audit_checkpoint",
    "money_file", "rate_part", "rate_turn",
}  # fmt: skip
"""Tables of the city's own."""


def tables():
    made = [one for step in packaged() for one in step.statements if one.lower().startswith("create table")]
    return {statement.split("(")[0].split()[-1] for statement in made}


def unplaced(known):
    return known - PLACES.keys() - WITHIN.keys() - NOBODY_S


def test_every_table_has_its_place_in_the_archive_or_a_reason():
    assert unplaced(tables()) == set()
    assert PLACES.keys() | WITHIN.keys() | NOBODY_S == tables()
    assert {kept.table for kept in belongings.OWN.values()} <= PLACES.keys()


def test_the_control_a_table_nobody_thought_of_is_found():
    assert unplaced(tables() | {"citizen_horoscope"}) == {"citizen_horoscope"}


@pytest.fixture
async def town(store, tmp_path):
    async with running_town(store, keys=tmp_path / "keys", paying=True) as running:
        await people(running)
        await officers(running)
        yield running


async def lived(town):
    """Something of Asha's in every table that can name her, through two portals; and of Ravi's beside it."""
    asha = await logged_in(town, ASHA)
    proof = {"service_id": "office.dues", "form": {"account": "A1"}, "amount": "664.00"}
    assert (await town.ask("POST", "/citizens/me/links", portal=ASHA, json=proof)).status == 201
    until = (town.clock.now() + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for _ in range(2):
        body = {"purpose": "ASK_AGENCIES", "until": until}
        assert (await town.ask("POST", "/citizens/me/consents", portal=ASHA, json=body)).status == 201
    paper = b"%PDF-1.7\nmine\n%%EOF"
    upload = await town.parts.documents.put(takeout_arriving(asha["citizen_id"], town, len(paper)), paper)
    form = {"name": "Asha Das", "mobile": "9000000000"}
    draft = {"form": {"name": "Asha"}}
    assert (await town.ask("POST", "/services/office.permit/drafts", portal=ASHA, json=draft)).status == 201
    case = await town.ask("POST", "/cases", portal=ASHA, json={"service_id": "office.permit", "form": form},
                          Idempotency_Key="k-1", Prefer="wait=5")  # fmt: skip
    assert case.status == 201, case.body
    there = await logged_in(town, ASHA, portal="two", name="asha at two")
    second = await town.ask("POST", "/cases", portal="asha at two", json={"service_id": "office.permit", "form": form},
                            Idempotency_Key="k-2", Prefer="wait=5")  # fmt: skip
    assert second.status == 201, second.body
    await town.ask("GET", "/citizens/me", portal="asha at two")
    paid = {one.name: ("" if one.type in {"str", str} else 0) for one in dataclasses.fields(Payment)}
    now = epoch_ms(town.clock.now())
    paid |= {
        "id": "pay_01JCZ5QK8V9XW3T6R2M4N7P0AB", "case_id": case.json["id"], "citizen_id": asha["citizen_id"],
        "agency": "office", "gateway": "office", "amount_paise": 66400, "phase": "WAITING", "bank_reference": "",
        "bill_as_of_ms": now, "next_action_ms": now, "expires_ms": now, "created_ms": now, "updated_ms": now,
        "missed_ms": None, "collected_ms": None, "matched_ms": None, "closed_ms": None,
    }  # fmt: skip
    await town.store.write(lambda run: insert(run, Payment(**paid)))
    await town.store.write(lambda run: run(
        "insert into case_document (case_id, field, document_id) values ($1, 'proof', $2)", case.json["id"], upload.id)
    )  # fmt: skip
    [row] = await town.store.read("select id from citizen order by id limit 1")
    login = (
        "insert into citizen_login (issuer, subject_index, citizen_id, created_ms) values ('https://idp', 'x', $1, 1)"
    )
    await town.store.write(lambda run: run(login, row["id"]))
    await town.store.write(lambda run: run(
        "insert into reading (id, leg_id, dedupe, status, detail, agency_code, at_ms, polled_ms, remark_sealed,"
        " facts_sealed) select 'rdg_1', id, 'd', 'IN_PROGRESS', '', 'RCVD', 1, 1, '', '' from leg where case_id = $1",
        case.json["id"]))  # fmt: skip
    nomination = await in_force(town)
    assert (await acting(town, nomination)).status == 201
    await logged_in(town, BINA)
    hers = (await named(town, who=BINA, mobile=ASHA)).json["nomination_id"]
    assert (await accepted(town, hers, who=ASHA)).status == 201
    assert (await asked(town, hers, who=ASHA, **PAPER)).status == 202
    await town.ask("DELETE", "/citizens/me", portal=ASHA)
    return there, paper


def takeout_arriving(citizen_name, town, size):
    from aggregator.citizens.documents import Owner  # noqa: PLC0415 - of this step alone
    from aggregator.citizens.documents.shelf import Arriving  # noqa: PLC0415

    [portal] = [secret.portal_id for name, secret in town.secrets.items() if name == "one"]
    return Arriving(owner=Owner(portal, citizen_name), size_bytes=size, name="my paper.pdf")


async def archive_of(town, who=ASHA, portal=None, **more):
    body = {"confirmations": await stepped(town, who), **more} if portal is None else more
    got = await town.ask("POST", "/citizens/me/exports", portal=portal or who, json=body)
    assert got.status == 201, got.body
    async with town.http.get(got.json["download_url"]) as fetched:
        content = await fetched.read()
    assert hashlib.sha256(content).hexdigest() == got.json["sha256"]
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert tuple(sorted(archive.namelist())) == tuple(got.json["files"])
    return got.json, archive


def told(archive, place):
    name, _, member = place.partition(".")
    found = json.loads(archive.read(f"{name}.json"))
    if member:
        return [each for one in found for each in one[member]]
    return [found] if isinstance(found, dict) else found


NAMES = "select pairwise_id from citizen_pairwise where citizen_id = $1"
OWN_CASES = f"select id from cases where citizen_id in ({NAMES})"  # noqa: S608 - constants
UNDER_A_NAME = ("document", "draft", "payment", "cases")
NAMED = {name: f"select * from {name} where citizen_id in ({NAMES})" for name in UNDER_A_NAME}  # noqa: S608 - constants
OF_A_CASE = ("leg", "operation", "event", "case_document")
ROWS = {
    "citizen": "select id from citizen where id = $1",
    **NAMED,
    **{name: f"select * from {name} where case_id in ({OWN_CASES})" for name in OF_A_CASE},  # noqa: S608 - constants
    "reading": f"select r.* from reading r join leg l on l.id = r.leg_id where l.case_id in ({OWN_CASES})",  # noqa: S608
}


async def rows_of(town, table, citizen_id):
    asked_for = ROWS.get(table, f"select * from {table} where citizen_id = $1")  # noqa: S608 - of the list above
    return len(await town.store.read(asked_for, citizen_id))


async def missing(town, archive, citizen_id):
    """Table -> rows in the database and entries in the archive, where they differ or nothing was there to compare."""
    found = {}
    for table, place in PLACES.items():
        pair = await rows_of(town, table, citizen_id), len(told(archive, place))
        if pair[0] != pair[1] or not pair[0]:
            found[table] = pair
    return found


@pytest.mark.figure("S20")
async def test_the_archive_has_an_entry_for_every_row_of_the_citizen_and_none_of_anybody_else(town, figure):
    await lived(town)
    asha = (await town.store.read("select id from citizen order by id limit 1"))[0]["id"]
    given, archive = await archive_of(town)
    assert await missing(town, archive, asha) == {}
    assert "documents_after" not in given
    whole = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Ravi Das" not in whole
    assert told(archive, "profile")[0]["said"]["name"] == "Asha Das"
    assert told(archive, "changes")[-1]["before"]["mobile"] == f"+91{ASHA}"
    assert told(archive, "links")[0]["identifiers"] == {"account": "A1"}
    assert all(one["artefact"] for one in told(archive, "consents") if one["holds"])
    assert told(archive, "nominations")[0]["nominee"] == {"name": "Ravi, my brother", "mobile": f"+91{RAVI}"}
    assert told(archive, "nominees_requests")[0]["certificate_number"] == PAPER["certificate_number"]
    assert len(told(archive, "named_by_others")) == len(told(archive, "requests_as_nominee")) == 1
    assert {one["form"]["name"] for one in told(archive, "cases")} == {"Asha Das"}
    assert len({one["portal_id"] for one in told(archive, "cases")}) == 2
    assert all(town.parts.signer.receipt(one["receipt"]) for one in told(archive, "cases"))
    assert told(archive, "payments")[0]["evidence"]["payment"]
    assert told(archive, "drafts")[0]["form"] == {"name": "Asha"}
    [paper] = [name for name in archive.namelist() if name.startswith("documents/")]
    assert hashlib.sha256(archive.read(paper)).hexdigest() == told(archive, "documents")[0]["sha256"]
    figure.measured(f"{len(PLACES)} tables, each row of a citizen in the archive; {len(WITHIN)} told by reason")


@pytest.mark.figure("S20")
async def test_the_control_a_file_that_is_forgotten_is_found(town, monkeypatch, figure):
    await lived(town)
    asha = (await town.store.read("select id from citizen order by id limit 1"))[0]["id"]
    monkeypatch.setattr(belongings, "_PAGE", 1)
    _, archive = await archive_of(town)
    assert await missing(town, archive, asha) == {}

    async def first_alone(self, name, citizen_id, _of=belongings.Belongings.of):
        return (await _of(self, name, citizen_id))[:1]

    monkeypatch.setattr(belongings.Belongings, "of", first_alone)
    _, archive = await archive_of(town)
    assert {"session", "access_record", "citizen_pairwise"} <= (await missing(town, archive, asha)).keys()
    figure.control("an archive with the first row of each table alone: found")


async def test_it_needs_a_code_of_its_own_and_a_nominee_s_session_began_with_one(town):
    nomination = await in_force(town)
    refused = await town.ask("POST", "/citizens/me/exports", portal=ASHA, json={})
    assert (refused.status, refused.json["code"]) == (409, "confirmation-needed")
    assert (await acting(town, nomination)).status == 201
    _, archive = await archive_of(town, portal="nominee")
    assert told(archive, "profile")[0]["said"]["name"] == "Asha Das"
    assert [one["what"] for one in told(archive, "looks")][-1] == "TAKE_EVERYTHING_ALONG"


async def test_an_archive_is_fetched_once_and_documents_that_do_not_fit_come_with_the_next(town, monkeypatch):
    name = (await logged_in(town, ASHA))["citizen_id"]
    papers = [f"%PDF-1.7\n{at}\n%%EOF".encode() for at in range(3)]
    for paper in papers:
        await town.parts.documents.put(takeout_arriving(name, town, len(paper)), paper)
    monkeypatch.setattr(takeout, "FILES_MOST", len(papers[0]) + 1)
    got, after = [], {}
    for left in (True, True, False):
        given, archive = await archive_of(town, **after)
        got += [archive.read(one) for one in archive.namelist() if one.startswith("documents/")]
        assert len(told(archive, "documents")) == 3
        assert ("documents_after" in given) == left
        after = {"documents_after": given.get("documents_after", "")}
    assert got == papers
    async with town.http.get(given["download_url"]) as again:
        assert again.status == 404
    assert DEVICE not in str(given)
