"""S20. After a breach the city says who was affected and what was read, proves each line, and names nobody.

Controls: a pack with a line taken out, added, changed or moved is found out; so is one that another key signed.
"""

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from api_citizens import logged_in
from api_town import Town, running_town

from aggregator.citizens.accesses import Look, Span
from aggregator.citizens.breach import BreachPack
from aggregator.citizens.pairwise import OPERATIONS, Pairwise
from aggregator.feed.audit import Audit
from aggregator.feed.breach_verifier import verify_pack
from aggregator.sdk.auth import Signer

ROOT = Path(__file__).parents[2]
NAMES = Pairwise(bytes(32))
PEOPLE = [f"psn_{number:026d}" for number in range(30)]


@pytest.fixture
async def town(sqlite_store, tmp_path):
    async with running_town(sqlite_store, keys=tmp_path / "keys") as running:
        yield running


@pytest.fixture
async def both_towns(store, tmp_path):
    async with running_town(store, keys=tmp_path / "keys") as running:
        yield running


async def read_by(town: Town, portal_id: str, people: list[str] = PEOPLE, **more: str) -> None:
    for citizen_id in people:
        look = Look(citizen_id=citizen_id, portal_id=portal_id, by_whom="PORTAL", what="BILLS", **more)
        town.parts.privacy.accesses.note(look)


async def packed(town: Town, folder: Path, **span: str):
    """A pack over the last hour and its judge's keys."""
    await town.parts.privacy.accesses.flush()
    await asyncio.to_thread(folder.mkdir)
    now, signer = town.clock.now(), town.parts.signer
    audit = Audit(town.store, signer, town.clock, ())
    pack = BreachPack(town.store, town.parts.privacy.accesses, audit, signer, town.clock, NAMES.of)
    whole = Span(begin=now - timedelta(hours=1), end=now + timedelta(hours=1), **span)
    return await pack.write(folder, whole, now)


def lines(folder: Path, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


@pytest.mark.figure("S20", "breach pack")
async def test_a_pack_says_who_was_read_by_one_portal_and_proves_each_line_and_shows_nobody_else(
    both_towns, tmp_path, figure
):
    town, folder = both_towns, tmp_path / "pack"
    await read_by(town, "prt_bad", PEOPLE[:20], agency="office")
    await read_by(town, "prt_good", PEOPLE[10:])
    told = await packed(town, folder, portal_id="prt_bad")
    assert (told.people, told.looks, told.unproved) == (20, 20, 0)
    named = {line["citizen"] for line in lines(folder, "affected.jsonl")}
    assert named == {NAMES.of(citizen_id, OPERATIONS) for citizen_id in PEOPLE[:20]}
    verdict = verify_pack(folder, town.parts.signer.jwks())
    assert (verdict.findings, verdict.proved) == ([], 20)
    everything = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"psn_" not in everything, "no internal id leaves the store"
    assert b"prt_good" not in everything
    others = {NAMES.of(citizen_id, OPERATIONS).encode() for citizen_id in PEOPLE[20:]}
    assert not any(name in everything for name in others), "neighbours in a batch stay hashes"
    figure.measured("20 of 20 citizens and lines, each proved offline; 0 of 10 others shown")


def changed(at: int, value: str):
    """The first line with another value in one place."""

    def tamper(rows):
        line = list(rows[0]["line"])
        line[at] = value
        return [{**rows[0], "line": line}, *rows[1:]]

    return tamper


TAMPERS = {
    "a line taken out": lambda rows: rows[1:],
    "a line added": lambda rows: [*rows, rows[0]],
    "a line changed": changed(5, "PROFILE"),
    "another citizen": changed(2, "ctz_x"),
}


@pytest.mark.figure("S20", "breach pack")
async def test_a_changed_pack_is_found_out_even_when_it_is_signed_again(town, tmp_path, figure):
    """The one who tampers may even hold our key: the root in the second place does not fit the new lines."""
    await read_by(town, "prt_bad")
    await packed(town, tmp_path / "pack")
    signer = town.parts.signer
    for what, tamper in TAMPERS.items():
        folder = tmp_path / what
        shutil.copytree(tmp_path / "pack", folder)
        rows = lines(folder, "looks.jsonl")
        (folder / "looks.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in tamper(rows)))
        assert "is not the file that was signed" in verify_pack(folder, signer.jwks()).findings[0], what
        resigned(folder, signer)
        assert not verify_pack(folder, signer.jwks()).good, what
    assert "not signed with this key" in verify_pack(tmp_path / "pack", Signer.generate().jwks()).findings[0]
    figure.control(f"{len(TAMPERS)} of {len(TAMPERS)} changed packs noticed, signed again or not; another key noticed")


def resigned(folder: Path, signer: Signer) -> None:
    """The pack with sums that fit its files again."""
    claims = signer.receipt((folder / "pack.jws").read_text())
    claims["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in claims["files"]}
    (folder / "pack.jws").write_text(signer.sign(claims))


async def test_an_agencys_pack_names_what_it_was_sent(town, tmp_path):
    asha = await logged_in(town, "9000000042")
    await town.open("k-1", citizen_id=asha["citizen_id"])
    await town.open("k-2")
    told = await packed(town, tmp_path / "pack", agency="office")
    assert (told.sent, told.nobody, told.people, told.unproved) == (2, 1, 1, 0)
    sent = lines(tmp_path / "pack", "sent.jsonl")
    assert [(one["service"], one["operation"]) for one in sent] == [("office.permit", "submit")] * 2
    verdict = verify_pack(tmp_path / "pack", town.parts.signer.jwks())
    assert (verdict.findings, verdict.sent) == ([], 2)


async def test_a_line_from_before_there_were_proofs_is_said_to_have_none(town, tmp_path):
    await read_by(town, "prt_bad")
    await town.parts.privacy.accesses.flush()
    await town.store.write(lambda run: run("update access_record set event_seq = 0 where what = 'BILLS'"))
    told = await packed(town, tmp_path / "pack")
    verdict = verify_pack(tmp_path / "pack", town.parts.signer.jwks())
    assert (told.unproved, verdict.proved, verdict.findings) == (30, 0, [])


def run_cli(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aggregator.cli", "audit", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_writes_a_pack_and_notices_in_three_languages_without_anybodys_data(tmp_path):
    city = ("--data", str(tmp_path / "data"), "--registry", str(ROOT / "registry.toml"))
    span = ("--from", "2026-11-20T09:00", "--to", "2026-11-20T18:00", "--noticed", "2026-11-21T10:00")
    made = run_cli("breach-pack", "pack", *span, "--portal", "prt_1", *city, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "CERT-In by 21-11-2026 16:00 IST" in made.stdout
    assert "in full by 24-11-2026 10:00 IST" in made.stdout
    notices = {path.name: path.read_text("utf-8") for path in (tmp_path / "pack" / "notices").iterdir()}
    assert set(notices) == {f"{who}.{lang}.txt" for who in ("board", "citizen") for lang in ("en", "or", "hi")}
    assert all("20-11-2026 09:00 IST" in text and "[" in text and "{" not in text for text in notices.values())
    assert "Citizens affected: 0" in notices["board.en.txt"]
    again = run_cli("breach-pack", "pack", *span, *city, cwd=tmp_path)
    assert (again.returncode, "is not empty" in again.stderr + again.stdout) == (2, True)
