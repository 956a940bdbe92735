"""S13: whoever changes the log behind the city's back is found out, whatever he changes."""

import base64
import hashlib
import hmac
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from aggregator.feed import events
from aggregator.feed.audit import Audit, Checkpoint
from aggregator.feed.events import NewEvent
from aggregator.feed.verifier import Verdict, _compare, _grow, verify, verify_proof
from aggregator.sdk.auth import Signer
from aggregator.sdk.clock import SystemClock
from aggregator.store import Run, Store

AT = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
LOGGED = 620
TAMPERS = 10_000
EVERY = 40
"""Events between two signed roots."""

Entries = list[bytes]
Tamper = Callable[[random.Random, Entries], Entries]


def happened(n: int) -> NewEvent:
    data = {"operation": "submit", "before": "READY", "state": "SENDING", "attempt": n}
    return NewEvent(type="operation.sending", at=AT, case_id=f"case_{n:026d}", agency="rto", data=data)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.generate()


@pytest.fixture
def audit(store: Store, signer: Signer, tmp_path: Path) -> Audit:
    return Audit(store, signer, SystemClock(), (tmp_path / "elsewhere" / "roots.jsonl",))


async def log(store: Store, audit: Audit, count: int = LOGGED, *, begin: int = 0) -> None:
    for at in range(begin, begin + count, EVERY):
        told = [happened(n) for n in range(at, min(at + EVERY, begin + count))]
        await store.write(lambda run, told=told: events.append(run, told))
        await audit.catch_up()


async def entries(store: Store) -> Entries:
    return [row["body"].encode() for row in await store.read("select body from event order by seq")]


def lines(checkpoints: Sequence[Checkpoint]) -> list[bytes]:
    return [one.line().encode() for one in checkpoints]


def edited(rng: random.Random, log: Entries) -> Entries:
    at = rng.randrange(len(log))
    place = rng.randrange(len(log[at]))
    changed = bytearray(log[at])
    changed[place] ^= 1 << rng.randrange(8)
    return [*log[:at], bytes(changed), *log[at + 1 :]]


def deleted(rng: random.Random, log: Entries) -> Entries:
    at = rng.randrange(len(log))
    return log[:at] + log[at + 1 :]


def inserted(rng: random.Random, log: Entries) -> Entries:
    at = rng.randrange(len(log))
    return [*log[:at], rng.choice(log), *log[at:]]


def reordered(rng: random.Random, log: Entries) -> Entries:
    one, other = sorted(rng.sample(range(len(log)), 2))
    return [*log[:one], log[other], *log[one + 1 : other], log[one], *log[other + 1 :]]


def cut(rng: random.Random, log: Entries) -> Entries:
    return log[: rng.randrange(len(log))]


def rewritten(rng: random.Random, log: Entries) -> Entries:
    """A fork: from some place on, another history of the same length."""
    at = rng.randrange(len(log))
    return log[:at] + [entry.replace(b'"rto"', b'"rtx"').replace(b"subject", b"object_") for entry in log[at:]]


TAMPERINGS: list[Tamper] = [edited, deleted, inserted, reordered, cut, rewritten]


def mac_per_row(log: Entries) -> set[bytes]:
    """What most systems have: a MAC beside each row."""
    return {hmac.digest(b"key", entry, "sha256") + hashlib.sha256(entry).digest() for entry in log}


def rows_still_verify(log: Entries, macs: set[bytes]) -> bool:
    return all(hmac.digest(b"key", entry, "sha256") + hashlib.sha256(entry).digest() in macs for entry in log)


async def test_a_log_nobody_touched_verifies_from_the_second_place(store, audit, signer, tmp_path):
    await log(store, audit)
    elsewhere = (tmp_path / "elsewhere" / "roots.jsonl").read_bytes().splitlines()
    verdict = verify(await entries(store), elsewhere, signer.jwks())
    assert (verdict.findings, verdict.entries, verdict.covered) == ([], LOGGED, LOGGED)
    assert verdict.checkpoints == len(elsewhere) == -(-LOGGED // EVERY)


@pytest.mark.figure("S13")
async def test_ten_thousand_tamperings_are_all_noticed(sqlite_store, signer, figure):
    store, audit = sqlite_store, Audit(sqlite_store, signer, SystemClock(), ())
    await log(store, audit, 130)
    whole, rng = await entries(store), random.Random(13)
    roots, macs = lines(await audit.checkpoints(limit=1000)), mac_per_row(await entries(store))
    good = {one.size: one.root for one in await audit.checkpoints(limit=1000)}
    unnoticed_by_macs = 0
    for n in range(TAMPERS):
        tampered = TAMPERINGS[n % len(TAMPERINGS)](rng, whole)
        if tampered == whole:
            continue
        unnoticed_by_macs += rows_still_verify(tampered, macs)
        assert roots_differ(tampered, good), f"tampering {n} ({TAMPERINGS[n % len(TAMPERINGS)].__name__})"
        if n % 500 < len(TAMPERINGS):
            assert not verify(tampered, roots, signer.jwks()).good
    assert unnoticed_by_macs > TAMPERS / 3, "the control: a MAC per row does not see rows go, come or move"
    figure.control(f"a MAC per row: {unnoticed_by_macs} of {TAMPERS} unnoticed")
    figure.measured(f"{TAMPERS} of {TAMPERS} noticed: edited, deleted, inserted, moved, cut off, forked", seeds="13")


def roots_differ(log: Entries, good: dict[int, str]) -> bool:
    """The verifier's own comparison without the signatures, which are the same ten thousand times."""
    found: dict[int, str] = {}
    verdict = Verdict()
    verdict.entries = _grow(log, lambda size, root: found.__setitem__(size, root.hex()), frozenset(good))
    _compare(good, found, verdict)
    return not verdict.good


async def test_the_finding_says_between_which_entries(store, audit, signer):
    await log(store, audit, 130)
    whole = await entries(store)
    whole[57] = whole[57].replace(b"submit", b"cancel")
    verdict = verify(whole, lines(await audit.checkpoints(limit=1000)), signer.jwks())
    assert verdict.findings == ["between entry 41 and entry 80 something was changed, removed, added or moved"]


async def test_a_restored_backup_shows_as_a_tail_that_is_missing(store, audit, signer):
    await log(store, audit, 130)
    verdict = verify((await entries(store))[:100], lines(await audit.checkpoints(limit=1000)), signer.jwks())
    assert verdict.findings == [
        "20 of 120 signed entries are missing at the end: cut off, or an older backup was restored"
    ]


async def test_a_root_signed_by_somebody_else_is_not_believed(store, audit, signer):
    await log(store, audit, 50)
    verdict = verify(await entries(store), lines(await audit.checkpoints()), Signer.generate().jwks())
    assert verdict.covered == 0
    assert all("not signed with this key" in finding for finding in verdict.findings)


async def test_two_roots_over_one_size_are_a_fork(store, audit, signer):
    await log(store, audit, 40)
    genuine = (await audit.checkpoints())[0]
    other = {"iss": "citizen-service-aggregator", "size": genuine.size, "root": "0" * 64, "iat": 0}
    forged = orjson.dumps({"size": genuine.size, "root": "0" * 64, "at_ms": 0, "signed": signer.sign(other)})
    verdict = verify(await entries(store), [*lines([genuine]), forged], signer.jwks())
    assert any("forked" in finding for finding in verdict.findings)


async def test_a_citizens_proof_holds_and_that_of_another_event_does_not(store, audit, signer):
    await log(store, audit, 300)
    proof = await audit.proof(123)
    shown = {
        "leaf_index": proof.leaf_index,
        "event": proof.event,
        "path": [base64.b64encode(one).decode() for one in proof.path],
        "checkpoint": proof.checkpoint.signed,
    }
    assert verify_proof(shown, signer.jwks()) == ""
    assert verify_proof({**shown, "event": shown["event"].replace("submit", "cancel")}, signer.jwks())
    assert verify_proof({**shown, "leaf_index": 5}, signer.jwks())
    assert verify_proof(shown, Signer.generate().jwks()) == "the checkpoint is not signed with this key"
    assert verify_proof({"event": "x"}, signer.jwks())


async def test_numbers_that_jump_after_a_restore_keep_their_places(store, audit, signer):
    await log(store, audit, 60)
    await store.write(lambda run: run("update event_counter set last = last + 5000 where name = 'event'"))
    await log(store, audit, 60, begin=60)
    proof = await audit.proof(5061)
    assert proof.leaf_index == 60
    assert (await audit.proof(70)) is None
    assert verify(await entries(store), lines(await audit.checkpoints(limit=1000)), signer.jwks()).good


async def test_what_happened_a_moment_ago_has_no_proof_yet(store, audit):
    await log(store, audit, 10)
    await store.write(lambda run: events.append(run, [happened(99)]))
    assert await audit.proof(11) is None
    await audit.catch_up()
    assert (await audit.proof(11)).leaf_index == 10


class Counting:
    """A database that counts its commits."""

    def __init__(self, store: Store) -> None:
        self._store, self.commits = store, 0
        self.read = store.read

    async def write(self, work: Callable[[Run], Awaitable[Any]]) -> Any:
        self.commits += 1
        return await self._store.write(work)


async def test_an_idle_city_is_not_written_to_and_a_busy_one_is_signed(store: Store, signer: Signer) -> None:
    counting = Counting(store)
    audit = Audit(counting, signer, SystemClock(), ())  # type: ignore[arg-type]  # the two methods it needs
    assert (await audit.catch_up(), counting.commits) == (None, 0)
    await store.write(lambda run: events.append(run, [happened(1)]))
    first = await audit.catch_up()
    busy = counting.commits
    assert (first is not None, busy > 0) == (True, True)
    assert (await audit.catch_up(), counting.commits) == (first, busy)
    await store.write(lambda run: events.append(run, [happened(2)]))
    second = await audit.catch_up()
    assert second is not None
    assert (second.size, counting.commits > busy) == (2, True)
