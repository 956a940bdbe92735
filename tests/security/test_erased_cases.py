"""S12: of a forgotten citizen no case, document, draft or payment opens again, from whatever backup."""

from contextlib import closing
from pathlib import Path

import pytest
from api_citizens import later, logged_in
from api_town import running_town
from figures import Figure
from forgotten_lives import ASHA, PAST_NOTICE_S, PLACES, RAVI, copied, forgotten, keys, lived, ring, values
from money_town import MoneyTown, money_town
from sealing import MASTER, OneKey, sealing

from aggregator.citizens.envelopes import Envelopes
from aggregator.citizens.erasure import Erasure
from aggregator.citizens.pairwise import Pairwise, portal_sector
from aggregator.citizens.person import Profile
from aggregator.citizens.register import Doer, Register
from aggregator.citizens.vault import Tampered, Vault
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.store import Store, open_store
from aggregator.store.keyfile import KeyFile

__all__ = ["keys"]  # fixtures

ELSEWHERE = {"citizen", "citizen_change", "citizen_merge", "session", "link", "decision", "agency_switch",
             "nomination", "nominee_claim", "link_code"}  # fmt: skip
"""Sealed for the citizen by the citizens' room (S12 of its own), or about officers."""


def opened(file: Path, envelopes: Envelopes) -> list[str]:
    """Which of them somebody reads who has this copy and these keys."""
    read = []
    for place, row, column, sealed in values(file):
        try:
            envelopes.open(sealed, table=place.table, row=row, column=column)
        except Tampered:
            continue
        read.append(f"{place.table}.{column}")
    return read


def test_every_sealed_column_is_thought_of(tmp_path: Path, keys: KeyFile) -> None:
    """A column that comes later and is not here would be out of these proofs, and of the sealing anew."""

    async def tables() -> set[tuple[str, str]]:
        store = open_store(f"sqlite:///{tmp_path / 'empty.db'}", clock=SystemClock())
        await store.open()
        names = await store.read("select name from sqlite_master where type = 'table'")
        columns = set()
        for table in names:
            for column in await store.read("select name from pragma_table_info($1)", table["name"]):
                if column["name"].endswith("sealed"):
                    columns.add((table["name"], column["name"]))
        await store.close()
        return columns

    import asyncio  # noqa: PLC0415 - this one test has no loop

    found = asyncio.run(tables())
    known = {(place.table, column) for place in PLACES for column in place.columns}
    assert {one for one in found if one[0] not in ELSEWHERE} == known


@pytest.mark.figure("S12", "cases")
async def test_no_case_document_or_draft_of_a_forgotten_citizen_opens_from_an_older_backup(
    sqlite_store: Store, sqlite_url: str, tmp_path: Path, keys: KeyFile, figure: Figure
) -> None:
    async with running_town(sqlite_store, keys=keys.path) as town:
        await lived(town)
        await town.open("k-9")  # nobody's: it has a key of its own, and stays
        backup = copied(town.store, sqlite_url, tmp_path / "backup.db")
        envelopes = sealing(keys=ring(keys))
        before = opened(backup, envelopes)
        assert len(before) == len(values(backup))
        places = {
            "cases.form_sealed", "attempt.request_sealed", "attempt.reply_sealed", "inbox.body_sealed",
            "idempotency.body_sealed", "draft.body_sealed", "document.name_sealed", "document_part.sealed",
        }  # fmt: skip
        assert places <= set(before)
        alone = opened(backup, OneKey(Vault(MASTER)))
        assert alone == [], "the vault's key alone opens nothing of a case"
        await forgotten(town)
        left = opened(backup, sealing(keys=ring(keys)))
        anonymous = {"cases.form_sealed", "attempt.request_sealed", "attempt.reply_sealed", "idempotency.body_sealed"}
        assert len(left) == len(set(left)), "one case is left, nobody's"
        assert set(left) == anonymous
        [seen] = await town.store.read("select count(*) as n from cases where citizen_id = ''")
        assert seen["n"] == 3
    figure.measured(f"{len(before) - len(left)} values of cases, documents and drafts in an older backup: 0 open")


@pytest.mark.figure("S12", "cases")
async def test_under_the_vaults_one_key_all_of_them_open_from_the_older_backup(
    sqlite_store: Store, sqlite_url: str, tmp_path: Path, keys: KeyFile, figure: Figure
) -> None:
    """The control: case data under one key, emptied at erasure, as it was before."""
    one = OneKey(Vault(MASTER))
    async with running_town(sqlite_store, keys=keys.path, envelopes=one) as town:
        await lived(town)
        backup = copied(town.store, sqlite_url, tmp_path / "backup.db")
        await forgotten(town)
        after = opened(backup, one)
        assert len(after) == len(values(backup)) > 0
    figure.control(f"under one key: {len(after)} of {len(after)} read from the older backup")


async def registered(store: Store, envelopes: Envelopes, name: str) -> str:
    """A citizen whom the portal knows by this name."""
    citizen_id = f"psn_{name}"
    row = "insert into citizen_pairwise (pairwise_id, sector, citizen_id, created_ms) values ($1, 'portal_1', $2, 1)"
    await store.write(lambda run: run(row, name, citizen_id))
    assert await envelopes.key_for(name) == name
    return citizen_id


async def paid_and_matched(town: MoneyTown) -> None:
    town.books.owe("1234")
    payment = await town.paid()
    await town.webhook(payment.reference)
    await town.inbox.work()
    await town.turn(6)
    assert (await town.see(payment.id)).closed_ms or await town.store.read("select 1 from money_entry")


@pytest.mark.figure("S12", "cases")
async def test_of_a_payment_the_amounts_stay_and_nothing_sealed_opens(
    sqlite_store: Store, sqlite_url: str, tmp_path: Path, keys: KeyFile, figure: Figure
) -> None:
    envelopes = sealing(keys=ring(keys))
    town = await money_town(sqlite_store, envelopes=envelopes)
    citizen = await registered(sqlite_store, envelopes, "ctz_a")
    await paid_and_matched(town)
    ledger = await sqlite_store.read("select * from money_line order by 1, 2")
    backup = copied(sqlite_store, sqlite_url, tmp_path / "backup.db")
    before = opened(backup, envelopes)
    assert {"cases.form_sealed", "operation.form_sealed", "attempt.reply_sealed", "inbox.body_sealed"} <= set(before)
    erasure = Erasure(sqlite_store, ring(keys), envelopes, town.clock)
    await sqlite_store.write(lambda run: run("update cases set status = 'COMPLETED'"))
    await erasure.ask(citizen)
    town.clock.advance(PAST_NOTICE_S)
    assert await erasure.carry_out() == 1
    assert opened(backup, sealing(keys=ring(keys))) == []
    assert ledger == await sqlite_store.read("select * from money_line order by 1, 2")
    figure.measured(f"{len(before)} values of a payment: 0 open, every line of the ledger as it was")


@pytest.mark.parametrize("rule", ["ours", "none"])
async def test_what_a_restored_backup_has_open_of_a_forgotten_citizen_is_not_sent_without_its_form(
    sqlite_store: Store, sqlite_url: str, tmp_path: Path, keys: KeyFile, rule: str
) -> None:
    """The control leaves the age of the wish alone: an empty application reaches the agency."""
    ours = ring(keys)
    envelopes = sealing(keys=ours)
    town = await money_town(sqlite_store, envelopes=envelopes)
    register = Register(sqlite_store, ours, Pairwise(MASTER), town.clock, SystemChance())
    citizen, row = register.new(Profile(name="Asha Das"), Doer(portal_id="portal_1"))
    await sqlite_store.write(lambda run: register.insert(run, row, Doer(portal_id="portal_1")))
    name = await register.name_for(citizen, portal_sector("portal_1"))
    town.books.down.add("office")
    await town.apply(name)
    backup = copied(sqlite_store, sqlite_url, tmp_path / "backup.db")
    ours.destroy(citizen, name)
    restored = open_store(f"sqlite:///{backup}", clock=SystemClock())
    await restored.open()
    assert await Erasure(restored, ours, envelopes, town.clock).reapply() == 1
    if rule == "none":
        await restored.write(lambda run: run("update operation set intent_ms = 0"))
    town.books.down.clear()
    after = await money_town(restored, clock=town.clock, books=town.books, envelopes=envelopes)
    await after.pass_time(600)
    [op] = await restored.read("select state, reason_code, sends from operation")
    if rule == "ours":
        assert (op["state"], op["reason_code"], op["sends"]) == ("NEEDS_HUMAN", "stale_intent", 0)
    else:
        assert op["reason_code"] != "stale_intent"
    await restored.close()


async def test_a_record_merged_into_the_forgotten_one_goes_along_and_parted_again_it_stays(
    tmp_path: Path,
) -> None:
    for parted in (False, True):
        folder = tmp_path / str(parted)
        folder.mkdir()
        store = open_store(f"sqlite:///{folder / 'city.db'}", clock=SystemClock())
        await store.open()
        async with running_town(store, keys=folder / "keys") as town:
            first = (await logged_in(town, ASHA))["citizen_id"]
            other = (await logged_in(town, RAVI, name="ravi"))["citizen_id"]
            case = (await town.open("k-1", citizen_id=other)).json
            ids = {row["pairwise_id"]: row["citizen_id"] for row in await store.read("select * from citizen_pairwise")}
            merging = town.parts.citizens.duplicates
            await merging.merge(ids[first], ids[other], "officer")
            assert (await town.ask("GET", f"/cases/{case['id']}")).status == 200, "a merge keeps it readable"
            if parted:
                await merging.unmerge(ids[other], "officer")
                assert (await town.ask("GET", f"/cases/{case['id']}")).status == 200, "and so does its taking back"
            backup = copied(store, f"sqlite:///{folder / 'city.db'}", folder / "backup.db")
            await store.write(lambda run: run("update cases set status = 'COMPLETED'"))
            await town.parts.privacy.erasure.ask(ids[first])
            await later(town, PAST_NOTICE_S)
            assert await town.parts.privacy.erasure.carry_out() == 1
            with closing(KeyFile(folder / "keys")) as file:
                left = opened(backup, sealing(keys=ring(file)))
            assert ("cases.form_sealed" in left) is parted
        await store.close()
