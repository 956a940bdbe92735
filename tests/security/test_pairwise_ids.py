"""S14. Pairwise ids: nobody joins two sectors without our key, and the internal id leaves in no answer.

Controls: one id for all sectors, and an unkeyed hash of a telephone number: both are joined completely.
"""

import base64
import hashlib
import random
import re
from itertools import pairwise

import pytest
from api_citizens import logged_in
from figures import sized

from aggregator.citizens.pairwise import Pairwise, agency_sector, portal_sector
from aggregator.citizens.register import Register
from aggregator.citizens.seals import VaultSeals
from aggregator.citizens.vault import Vault
from aggregator.sdk.clock import SystemChance

SECTORS = [portal_sector(f"p{n}") for n in range(5)] + [agency_sector("rto"), agency_sector("bmc"), "operations"]


def joined(ours, theirs):
    """How many citizens two portals find in common by comparing what they hold."""
    return len(set(ours) & set(theirs))


def apart(count):
    """Ids of `count` citizens in every sector: how many there are, and how many are different."""
    ids = Pairwise(bytes(range(32)))
    seen: set[str] = set()
    for at in range(count):
        seen.update(ids.of(f"psn_{at:026d}", sector) for sector in SECTORS)
    return count * len(SECTORS), len(seen)


def test_no_two_citizens_and_no_two_sectors_share_an_id():
    made, different = apart(3_000)
    assert made == different


@pytest.mark.slow
@pytest.mark.figure("S14")
def test_no_two_of_many_citizens_in_eight_sectors_share_an_id(figure):
    citizens = sized(100_000, 1_000_000)
    ids = Pairwise(bytes(range(32)))
    seen: set[int] = set()
    for at in range(citizens):
        for sector in SECTORS:
            # 63 bits of each id: eight million texts would take a gigabyte, and chance allows 3 in a million here.
            seen.add(int.from_bytes(hashlib.blake2b(ids.of(f"psn_{at:026d}", sector).encode()).digest()[:8]))
    assert len(seen) == citizens * len(SECTORS)
    figure.measured(f"{citizens:,} citizens in {len(SECTORS)} sectors: {len(seen):,} different ids")


@pytest.mark.figure("S14")
def test_two_portals_that_put_their_ids_together_join_nobody(figure):
    ids = Pairwise(bytes(range(32)))
    citizens = [f"psn_{n:026d}" for n in range(2_000)]
    ours = [ids.of(one, SECTORS[0]) for one in citizens]
    theirs = [ids.of(one, SECTORS[1]) for one in citizens]
    assert joined(ours, theirs) == 0
    # Nor do they agree letter by letter more often than chance would have it (one in 32).
    same = sum(a == b for one, other in zip(ours, theirs, strict=True) for a, b in zip(one[4:], other[4:], strict=True))
    assert abs(same / (2_000 * 26) - 1 / 32) < 0.004
    order = sorted(range(2_000), key=ours.__getitem__)
    rank = {at: place for place, at in enumerate(sorted(range(2_000), key=theirs.__getitem__))}
    kept = sum(rank[a] < rank[b] for a, b in pairwise(order))
    assert abs(kept / 1_999 - 0.5) < 0.05
    figure.measured("two portals join 0 of 2,000")


@pytest.mark.figure("S14")
def test_the_controls_one_id_for_all_and_an_unkeyed_hash_are_joined_completely(figure):
    mobiles = [f"+9190{random.Random(n).randrange(10**8):08d}" for n in range(500)]
    one_id = [f"ctz_{n}" for n in range(500)]
    assert joined(one_id, list(one_id)) == 500

    def hashed(mobile):
        return hashlib.sha256(mobile.encode()).hexdigest()

    assert joined(map(hashed, mobiles), map(hashed, mobiles)) == 500
    # Even alone: who has the hash tries all numbers of a range and finds whose it is.
    wanted, start = hashed("+919000000042"), 9_000_000_000
    assert next(n for n in range(start, start + 100) if hashed(f"+91{n}") == wanted) == 9_000_000_042
    figure.control("one id for all, and an unkeyed hash of the number: 500 of 500 joined each")


async def test_one_citizen_has_another_name_at_each_portal_and_none_is_a_log_in(town):
    one = await logged_in(town, "9000000042", name="at_one")
    two = await logged_in(town, "9000000042", name="at_two", portal="two")
    assert one["citizen_id"] != two["citizen_id"]
    assert len(await town.store.read("select id from citizen")) == 1
    for token, foreign in (("at_one", two), ("at_two", one)):
        assert (await town.ask("GET", f"/citizens/{foreign['citizen_id']}", portal=token)).status == 404
    for name in (one["citizen_id"], "90000000000000"):
        body = {"purpose": "PASSWORD", "username": name, "password": "x" * 12, "device": "d" * 16}
        assert (await town.ask("POST", "/sessions", json=body)).status == 409


@pytest.mark.figure("S14")
async def test_the_internal_id_is_in_no_answer_token_event_or_log(town, caplog, figure):
    with caplog.at_level("DEBUG"):
        logged = await logged_in(town, "9000000042", name="asha")
        told = [str(logged)]
        mine = ("/citizens/me", "/citizens/me/changes", "/citizens/me/links", "/citizens/me/bills", "/cases")
        told += [(await town.ask("GET", path, portal="asha")).body.decode() for path in mine]
        told.append((await town.ask("GET", "/citizens?limit=1")).body.decode())
        told.append((await town.ask("GET", "/feeds/all")).body.decode())
    internal = (await town.store.read("select id from citizen"))[0]["id"]
    told += [str(record.__dict__) for record in caplog.records if "aiosqlite" not in record.name]
    words = {word for text in told for word in re.findall("[A-Za-z0-9_-]{8,}", text)}
    told += [base64.urlsafe_b64decode(word[: len(word) // 4 * 4]).decode("latin-1") for word in words]
    assert not any(internal in text or "psn_" in text for text in told)
    figure.measured(f"0 internal ids in {len(told)} answers, log lines and decoded words")


async def test_after_a_change_of_key_ids_given_out_before_go_on_being_read(town):
    logged = await logged_in(town, "9000000042")
    fresh = Register(
        town.store, VaultSeals(Vault(bytes(32))), Pairwise(bytes(32), version=2), town.clock, SystemChance()
    )
    sector = portal_sector(town.secrets["one"].portal_id)
    citizen_id = await fresh.found(logged["citizen_id"], sector)
    assert citizen_id is not None
    now = await fresh.name_for(citizen_id, sector)
    assert now != logged["citizen_id"]
    assert await fresh.found(now, sector) == citizen_id
    assert set(await fresh.names_in(citizen_id, sector)) == {now, logged["citizen_id"]}
