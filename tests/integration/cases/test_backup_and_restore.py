"""A copy made under load is whole, and putting it back declares what it cannot know."""

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from sealing import shared_keys

from aggregator.cases.quarantine import Quarantine
from aggregator.cli import main
from aggregator.feed.stream import Stream
from aggregator.sdk.adapter import Class
from aggregator.sdk.status import Status
from aggregator.store import Store
from aggregator.store.keyfile import KeyFile

ROOT = Path(__file__).parents[3]


@pytest.fixture
def place(tmp_path: Path, store_url: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city's folder, as the command line is told of it; `store` is its database, open."""
    assert store
    monkeypatch.setenv("AGGREGATOR_DATABASE", store_url)
    monkeypatch.setenv("AGGREGATOR_VAULT_KEY", base64.b64encode(bytes(32)).decode())
    monkeypatch.setenv("AGGREGATOR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AGGREGATOR_KEYS", str(shared_keys().path))
    monkeypatch.setenv("AGGREGATOR_REGISTRY", str(ROOT / "registry.toml"))
    return tmp_path


async def command(*words: str) -> int:
    return await asyncio.to_thread(main, words)


async def test_a_copy_made_under_load_is_whole_and_says_what_it_holds(
    place: Path, town_of: Any, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply()
    going_on = asyncio.create_task(_load(town))
    assert await command("backup", str(place / "copy")) == 0
    going_on.cancel()
    await asyncio.gather(going_on, return_exceptions=True)
    said = capsys.readouterr().out
    assert "whole" in said
    assert "vault's key is not in it" in said
    facts = json.loads((place / "copy.json").read_text())
    assert facts["engine"] == store.engine
    assert (place / "copy").stat().st_mode & 0o077 == 0
    assert await command("backup", "--verify", str(place / "copy")) == 0


async def _load(town: Any) -> None:
    while True:
        await town.apply()


async def test_a_restored_database_is_declared_settled_and_sends_nothing_twice(
    place: Path, town_of: Any, store: Store, opened: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply("The control record")
    town.office.down = True
    case = await town.apply()
    assert await command("backup", str(place / "copy")) == 0
    town.office.down = False
    await town.pass_time(400)
    assert len(town.office.acted) == 2
    assert await command("restore", str(place / "copy")) == 2
    assert "still works on this database: stop the server first" in capsys.readouterr().err
    await store.close()
    assert await command("restore", str(place / "copy")) == 0
    assert ("is kept as" in capsys.readouterr().out) == (store.engine == "sqlite")
    assert await command("restore", "--status") == 0
    assert "quarantine (declared)" in (said := capsys.readouterr().out)
    assert "office               1 requests to be found out" in said
    again = await opened(os.environ["AGGREGATOR_DATABASE"])
    await _settle(town, again)
    assert len(town.office.acted) == 2
    rows = await again.read("select status from cases where id = $1", case.id)
    assert rows[0]["status"] == Status.SUBMITTED
    await again.close()
    assert await command("restore", "--status") == 0
    assert "no quarantine" in capsys.readouterr().out


async def _settle(town: Any, store: Store) -> None:
    """The next process on the restored file, moved by hand."""
    after = await town.elsewhere(store)
    guard = Quarantine(after.desktop, lambda: after.registry, Stream(store, after.clock))
    for _ in range(12):
        await guard.look()
        await after.pass_time(400)
    await guard.look()
    await after.delivery.stop()


async def test_a_damaged_copy_is_refused_before_anything_is_touched(
    place: Path, town_of: Any, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    town = await town_of(Class.QUERYABLE)
    await town.apply()
    assert await command("backup", str(place / "copy")) == 0
    content = bytearray((place / "copy").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (place / "copy").write_bytes(content)
    assert await command("restore", str(place / "copy")) == 1
    assert "sha256 differs" in capsys.readouterr().err
    (place / "copy.json").unlink()
    (place / "copy").write_bytes(bytes(content[: len(content) // 3]))
    assert await command("backup", "--verify", str(place / "copy")) == 1
    assert "older backup" in capsys.readouterr().err or store.engine == "sqlite"


async def test_a_key_that_does_not_open_the_copy_is_found_when_it_is_made(
    place: Path, town_of: Any, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if store.engine != "sqlite":
        pytest.skip("a dump is not opened")
    town = await town_of(Class.QUERYABLE)
    await town.apply()
    monkeypatch.setenv("AGGREGATOR_VAULT_KEY", base64.b64encode(b"\1" * 32).decode())
    assert await command("backup", str(place / "copy")) == 1
    assert "the vault's key does not open" in capsys.readouterr().err


async def test_a_copy_nobody_has_the_citizens_keys_of_is_none(
    place: Path, town_of: Any, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if store.engine != "sqlite":
        pytest.skip("a dump is not opened")
    town = await town_of(Class.QUERYABLE)
    await town.apply()
    assert await command("backup", str(place / "good")) == 0
    monkeypatch.setenv("AGGREGATOR_KEYS", str(place / "nowhere.keys"))
    assert await command("backup", str(place / "copy")) == 1
    assert "nobody opens" in capsys.readouterr().err
    assert not (place / "nowhere.keys").exists(), "looking makes no keys"
    KeyFile(place / "nowhere.keys").close()
    assert await command("backup", "--verify", str(place / "good")) == 1, "another city's keys do not do"


async def test_what_is_asked_for_is_said_clearly_when_it_is_not(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command("restore") == 2
    assert "say one of" in capsys.readouterr().err
    assert await command("restore", str(place / "nothing")) == 1
    assert "there is no" in capsys.readouterr().err
    (place / "copy").write_bytes(b"")
    assert await command("backup", str(place / "copy")) == 2
    assert "never replaces another" in capsys.readouterr().err
