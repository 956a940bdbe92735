"""A key file is there whole, on disk and once, or it says in a sentence why not: no key, no citizen."""

import base64
import os
import resource
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.citizens.vault import KeyRefused, add_key, keys_from, load_or_create_keys, read_keys
from aggregator.sdk.clock import SeededChance

LINE = base64.b64encode(bytes(range(32))) + b"\n"


class Meanwhile(SeededChance):
    """Lets something happen at the moment a new key is thrown."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__(1)
        self._happens = happens

    def bytes(self, count: int) -> bytes:
        self._happens()
        return super().bytes(count)


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was flushed to disk, in order: how many bytes of a file, which names of a folder."""
    seen: list[object] = []
    flush = os.fsync

    def noting(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        seen.append({file.name for file in path.iterdir()} if path.is_dir() else path.stat().st_size)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    return seen


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "vault.key"
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_bytes(LINE)
    return path


def refusal_of(read: Callable[[], object]) -> str:
    with pytest.raises(KeyRefused) as caught:
        read()
    return str(caught.value)


def test_a_new_key_is_on_disk_under_its_name_before_anybody_seals_with_it(
    tmp_path: Path, flushed: list[object]
) -> None:
    load_or_create_keys(tmp_path / "keys" / "vault.key")
    assert flushed == [len(LINE), {"vault.key"}]


def test_an_added_key_is_on_disk_before_it_is_told_of(key_file: Path, flushed: list[object]) -> None:
    assert add_key(key_file) == 2
    assert flushed == [2 * len(LINE), {"vault.key"}]


def test_keys_are_as_secret_as_the_chance_they_come_from(tmp_path: Path) -> None:
    first = load_or_create_keys(tmp_path / "a.key", chance=SeededChance(1))
    assert first == (SeededChance(1).bytes(32),)
    assert add_key(tmp_path / "a.key", chance=SeededChance(2)) == 2
    assert read_keys(tmp_path / "a.key") == (*first, SeededChance(2).bytes(32))


def test_the_folders_of_a_first_start_are_made_and_found_again(tmp_path: Path) -> None:
    keys = load_or_create_keys(tmp_path / "city" / "data" / "vault.key")
    (tmp_path / "city" / "data" / "vault.key").rename(tmp_path / "city" / "data" / "other.key")
    assert load_or_create_keys(tmp_path / "city" / "data" / "other.key") == keys
    assert load_or_create_keys(tmp_path / "city" / "data" / "vault.key") != keys


def test_the_first_of_two_booting_processes_wins(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"

    def other_boots() -> None:
        path.touch(mode=0o600)
        path.write_bytes(LINE)

    assert load_or_create_keys(path, chance=Meanwhile(other_boots)) == (bytes(range(32)),)
    assert [file.name for file in tmp_path.iterdir()] == ["vault.key"], "no draft is left behind"


def test_a_key_that_cannot_be_written_says_why_and_not_what_came_of_it(tmp_path: Path, few_files: Callable) -> None:
    with pytest.raises(OSError, match="Too many open files"):
        load_or_create_keys(tmp_path / "vault.key", chance=Meanwhile(few_files))


@pytest.fixture
def few_files() -> Iterator[Callable[[], None]]:
    """From its call on this process can open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_nothing_stays_open_behind_a_key(key_file: Path) -> None:
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        add_key(key_file)
    load_or_create_keys(key_file.with_name("other.key"))
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_file_in_the_keys_place_however_long_costs_no_memory(key_file: Path) -> None:
    os.truncate(key_file, 64 << 20)
    tracemalloc.start()
    with pytest.raises(KeyRefused):
        read_keys(key_file)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


def test_a_full_file_takes_no_further_key_and_says_so(key_file: Path) -> None:
    key_file.write_bytes(LINE * 255)
    assert len(read_keys(key_file)) == 255
    assert refusal_of(lambda: add_key(key_file)) == f"{key_file}: holds 255 keys, a vault takes 255"
    key_file.write_bytes(LINE * 256)
    assert refusal_of(lambda: read_keys(key_file)) == f"{key_file}: holds 256 keys, a vault takes 255"


def test_each_refusal_names_the_file_and_what_is_wrong_with_it(key_file: Path) -> None:
    key_file.write_bytes(b"")
    assert refusal_of(lambda: read_keys(key_file)) == f"{key_file}: holds 0 bytes, a key has 32"
    key_file.write_bytes(LINE + b"%%%%")
    assert refusal_of(lambda: read_keys(key_file)) == f"{key_file}: is not Base64"
    key_file.unlink()
    assert refusal_of(lambda: read_keys(key_file)) == f"{key_file}: cannot be read (No such file or directory)"


def test_each_refusal_names_the_setting(key_file: Path) -> None:
    several = {"VAULT": (LINE + LINE).decode(), "EMPTY": "", "SHORT": "c2Vj"}
    assert keys_from({"env": "VAULT"}, several) == (bytes(range(32)),) * 2
    assert refusal_of(lambda: keys_from({"env": "EMPTY"}, several)) == "environment variable EMPTY is not set"
    assert (
        refusal_of(lambda: keys_from({"env": "SHORT"}, several))
        == "environment variable SHORT: holds 3 bytes, a key has 32"
    )
    neither = 'the vault\'s key is { env = "NAME" } or { file = "path" }'
    assert refusal_of(lambda: keys_from({"file": str(key_file), "more": "x"}, {})) == neither
