"""S11 and S12: what is sealed opens in its own place alone, and what was erased opens nowhere, in no copy."""

import asyncio
import shutil
import sqlite3
from itertools import permutations
from pathlib import Path
from time import process_time

import pytest
from figures import sized
from sealing import sealing

from aggregator.citizens.erasure import Erasure
from aggregator.citizens.keyring import Erased, KeyRing, rotated, wrapped_key
from aggregator.citizens.pairwise import Pairwise
from aggregator.citizens.person import Profile
from aggregator.citizens.register import Doer, Register
from aggregator.citizens.seals import Seals, VaultSeals
from aggregator.citizens.vault import Tampered, Vault
from aggregator.sdk.clock import SystemChance, SystemClock
from aggregator.store import open_store
from aggregator.store.keyfile import KeyFile, KeyFileRefused

OLD, NEW = bytes(32), bytes([1]) * 32
NAME = "Asha Das of Saheed Nagar"
PLACES = [("psn_A", "citizen", "psn_A", "profile"), ("psn_B", "citizen", "psn_B", "profile"),
          ("psn_A", "citizen", "psn_A", "number"), ("psn_A", "link", "lnk_1", "profile")]  # fmt: skip


@pytest.fixture
def file(tmp_path):
    made = KeyFile(tmp_path / "data.keys")
    yield made
    made.close()


def ring(file: KeyFile, vault: Vault | None = None) -> KeyRing:
    return KeyRing(vault or Vault(OLD), file, SystemClock(), SystemChance())


def sealed_at(seals: Seals, place: tuple[str, str, str, str]) -> str:
    citizen, table, row, column = place
    return seals.seal(citizen, NAME, table=table, row=row, column=column)


def opened_at(seals: Seals, sealed: str, place: tuple[str, str, str, str]) -> object:
    citizen, table, row, column = place
    return seals.open(citizen, sealed, table=table, row=row, column=column)


@pytest.mark.figure("S11")
def test_a_value_opens_in_its_own_place_and_in_no_other(file, figure):
    keys = ring(file)
    for place in PLACES:
        assert opened_at(keys, sealed_at(keys, place), place) == NAME
    for place, other in permutations(PLACES, 2):
        with pytest.raises(Tampered):
            opened_at(keys, sealed_at(keys, place), other)
    swaps = len(list(permutations(PLACES, 2)))
    figure.measured(f"{swaps} of {swaps} swaps of citizen, table, row and column noticed")


@pytest.mark.figure("S11")
def test_a_value_with_a_bit_turned_does_not_open(file, figure):
    keys, place = ring(file), PLACES[0]
    sealed = sealed_at(keys, place)
    for at in range(4, len(sealed) - 4, 7):
        turned = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        with pytest.raises(Tampered):
            opened_at(keys, turned, place)
    figure.measured("every turned bit noticed")


def test_what_was_sealed_before_there_were_citizens_keys_still_opens(file):
    before = sealed_at(VaultSeals(Vault(OLD)), PLACES[0])
    assert opened_at(ring(file), before, PLACES[0]) == NAME


def test_a_destroyed_key_opens_nothing_and_is_never_made_again(file):
    keys = ring(file)
    sealed = sealed_at(keys, PLACES[0])
    keys.destroy("psn_A")
    for again in (keys, ring(file)):
        with pytest.raises(Erased):
            opened_at(again, sealed, PLACES[0])
        with pytest.raises(Erased):
            sealed_at(again, PLACES[0])


def test_the_key_leaves_no_trace_in_the_file(file, tmp_path):
    keys = ring(file)
    sealed_at(keys, PLACES[0])
    wrapped = file.wrapped("psn_A").encode()
    keys.destroy("psn_A")
    file.close()
    assert all(wrapped not in path.read_bytes() for path in tmp_path.glob("data.keys*"))


@pytest.mark.figure("S11")
def test_the_vaults_key_is_exchanged_while_everything_stays_readable(file, figure):
    """Each citizen has a key for the profile and one for the cases at a portal."""
    count = sized(2_000, 1_000_000)
    keys, names = ring(file), ("psn", "ctz")
    fill(file, count, names)
    sealed = sealed_at(keys, PLACES[0])
    both = Vault(NEW, version=2, older={1: OLD})
    began = process_time()
    assert rotated(file, both) == len(names) * count + 1
    took_s = process_time() - began
    assert opened_at(ring(file, Vault(NEW, version=2)), sealed, PLACES[0]) == NAME
    assert rotated(file, both) == len(names) * count + 1, "begun again, it changes nothing"
    figure.measured(
        f"the vault's key exchanged over {count:,} citizens with {len(names)} keys each, everything readable;"
        f" {took_s:.1f} s of one core"
    )


def fill(file: KeyFile, count: int, names: tuple[str, ...]) -> None:
    """Many citizens' keys at once; one by one each would wait for the disk."""
    vault, chance = Vault(OLD), SystemChance()
    with file._whole():
        file._db.executemany(
            "insert into key (id, wrapped) values (?, ?)",
            (
                (f"{name}_{n:07d}", wrapped_key(vault, f"{name}_{n:07d}", chance.bytes(32)))
                for n in range(count)
                for name in names
            ),
        )


async def test_new_citizens_who_come_together_share_a_commit_of_the_key_file(file):
    class Counting:
        """A file that counts how often it waits for the disk."""

        def __init__(self):
            self.commits = 0

        def __getattr__(self, name):
            return getattr(file, name)

        def keep_all(self, wrapped):
            self.commits += 1
            file.keep_all(wrapped)

        def keep(self, key_id, wrapped):
            self.commits += 1
            return file.keep(key_id, wrapped)

    counting = Counting()
    envelopes = sealing(keys=KeyRing(Vault(OLD), counting, SystemClock(), SystemChance()))
    await asyncio.gather(*(envelopes.key_for(f"ctz_{n}") for n in range(50)))
    assert (file.count(), counting.commits <= 3) == (50, True)
    names = [await envelopes.key_for("") for _ in range(60)]
    assert (len(set(names)), counting.commits <= 4) == (60, True)
    naive = KeyRing(Vault(OLD), counting, SystemClock(), SystemChance())
    before = counting.commits
    for n in range(50):
        naive.to_seal(f"ctz_alone_{n}")
    assert counting.commits - before == 50, "the control: each waits for itself"


def test_a_server_killed_after_each_commit_leaves_no_log_of_keys_that_only_grows(tmp_path):
    def killed_after_a_commit(life: int) -> int:
        """The bytes of the log when a process that made one key is gone without a word."""
        folder = tmp_path / str(life)
        shutil.copytree(tmp_path / str(life - 1), folder)
        keys = KeyFile(folder / "data.keys")
        keys.keep_all({f"psn_{life}": "x" * 200})
        shutil.copytree(folder, tmp_path / f"{life}.dead")
        keys.close()
        shutil.rmtree(folder)
        (tmp_path / f"{life}.dead").rename(folder)
        return (folder / "data.keys-wal").stat().st_size

    (tmp_path / "0").mkdir()
    sizes = [killed_after_a_commit(life) for life in range(1, 40)]
    assert max(sizes) <= 4 * sizes[0], "each life begins the log anew"
    last = KeyFile(tmp_path / "39" / "data.keys")
    assert last.count() == 39
    last.close()


def test_a_file_others_may_read_is_refused(tmp_path):
    path = tmp_path / "keys"
    path.touch(mode=0o644)
    with pytest.raises(KeyFileRefused, match="chmod 600"):
        KeyFile(path)


def test_a_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "keys"
    path.write_bytes(b"no database at all, but long enough to look like one " * 40)
    path.chmod(0o600)
    with pytest.raises(KeyFileRefused, match="damaged"):
        KeyFile(path)


async def registered(database: Path, seals: Seals) -> str:
    """A citizen in a new database."""
    store = open_store(f"sqlite:///{database}", clock=SystemClock())
    await store.open()
    register = Register(store, seals, Pairwise(bytes(32)), SystemClock(), SystemChance())
    doer = Doer(portal_id="prt_1", session_id="ses_1")
    citizen_id, row = register.new(Profile(name=NAME, mobile="+919000000042"), doer)
    await store.write(lambda run: register.insert(run, row, doer))
    await store.close()
    return citizen_id


def profile_in(database: Path) -> str:
    with sqlite3.connect(database) as db:
        return str(db.execute("select profile_sealed from citizen").fetchone()[0])


@pytest.mark.figure("S12")
async def test_an_erased_citizen_is_in_no_backup_and_a_restored_one_is_erased_again(file, tmp_path, figure):
    database, backup = tmp_path / "city.db", tmp_path / "backup.db"
    keys = ring(file)
    citizen_id = await registered(database, keys)
    shutil.copy(database, backup)
    await erased(database, keys, citizen_id)
    assert profile_in(database) == ""
    with pytest.raises(Erased):
        keys.open(citizen_id, profile_in(backup), table="citizen", row=citizen_id, column="profile")

    store = open_store(f"sqlite:///{backup}", clock=SystemClock())
    await store.open()
    assert await Erasure(store, keys, sealing(keys=keys), SystemClock()).reapply() == 1
    [row] = await store.read("select state, mobile_index, profile_sealed from citizen")
    assert (row["state"], row["mobile_index"], row["profile_sealed"]) == ("ERASED", "", "")
    assert await store.read("select 1 from event where type = 'citizen.erased'")
    await store.close()
    figure.measured("0 values of the restored backup open; the citizen is forgotten again, and the log says so")


class Noting:
    """A database that notes how many citizens it is asked about."""

    def __init__(self, store):
        self._store, self.asked = store, []

    async def read(self, sql, *args):
        self.asked.append(args)
        return await self._store.read(sql, *args)


async def test_a_start_asks_about_the_destroyed_keys_alone_and_not_about_every_citizen(file, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'city.db'}", clock=SystemClock())
    await store.open()
    keys, listing = ring(file), Noting(store)
    erasure = Erasure(listing, keys, sealing(keys=keys), SystemClock())
    assert (await erasure.reapply(), listing.asked) == (0, [])
    for number in range(450):
        file.destroy([f"psn_{number}"], 1)
    assert await erasure.reapply() == 0
    assert [len(args) for args in listing.asked] == [200, 200, 50]
    await store.close()


@pytest.mark.figure("S12")
async def test_deleting_rows_alone_would_leave_the_citizen_in_every_backup(tmp_path, figure):
    """The control: one key for all, and rows deleted."""
    database, backup = tmp_path / "city.db", tmp_path / "backup.db"
    seals = VaultSeals(Vault(OLD))
    citizen_id = await registered(database, seals)
    shutil.copy(database, backup)
    with sqlite3.connect(database) as db:
        db.execute("delete from citizen")
    still = seals.open(citizen_id, profile_in(backup), table="citizen", row=citizen_id, column="profile")
    assert still["name"] == NAME
    figure.control("rows deleted alone: read in full from the older backup")


async def erased(database: Path, keys: KeyRing, citizen_id: str) -> None:
    store = open_store(f"sqlite:///{database}", clock=SystemClock())
    await store.open()
    erasure = Erasure(store, keys, sealing(keys=keys), SystemClock())
    await erasure.ask(citizen_id)
    await store.write(lambda run: run("update erasure set due_ms = 1"))
    assert await erasure.carry_out() == 1
    await store.close()
