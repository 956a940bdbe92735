"""The log is taken out and judged by anybody: with the roots from elsewhere, and without the city."""

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from aggregator.cli import main
from aggregator.feed import events
from aggregator.feed.events import NewEvent
from aggregator.sdk.clock import SystemClock
from aggregator.store import open_store

AT = datetime(2026, 11, 22, tzinfo=UTC)
FIRST = Path(__file__).parents[3] / "aggregator" / "cli" / "first_registry.toml"


@pytest.fixture
def exported(tmp_path):
    """A city's data folder with three events, exported."""
    data, folder = tmp_path / "data", tmp_path / "export"
    data.mkdir()
    told = [NewEvent(type="agency.misconfigured", at=AT, agency="rto", data={"operation": "submit"})] * 3

    async def happened() -> None:
        store = open_store(f"sqlite:///{data / 'aggregator.db'}", clock=SystemClock())
        await store.open()
        await store.write(partial(events.append, events=told))
        await store.close()

    asyncio.run(happened())
    (tmp_path / "registry.toml").write_text(FIRST.read_text())
    places = ["--data", str(data), "--registry", str(tmp_path / "registry.toml")]
    assert main(["audit", "export", str(folder), *places]) == 0
    return folder


def test_an_export_nobody_touched_is_as_it_was_signed(exported, capsys):
    assert main(["audit", "verify", str(exported)]) == 0
    assert "3 of 3 events are as they were signed" in capsys.readouterr().out


def test_an_edited_line_is_found_with_the_roots_from_elsewhere(exported, tmp_path, capsys):
    log = exported / "events.jsonl"
    log.write_text(log.read_text().replace("submit", "cancel", 1))
    roots, keys = tmp_path / "data.checkpoints", exported / "keys.json"
    assert main(["audit", "verify", str(exported), "--checkpoints", str(roots), "--keys", str(keys)]) == 1
    assert "between entry 1 and entry 3" in capsys.readouterr().out


def test_an_export_never_overwrites_another(exported, tmp_path, capsys):
    places = ["--data", str(tmp_path / "data"), "--registry", str(tmp_path / "registry.toml")]
    assert main(["audit", "export", str(exported), *places]) == 2
    assert "not empty" in capsys.readouterr().err


def test_a_receipt_without_its_proof_is_told_to_wait(exported, tmp_path, capsys):
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps({"receipt": "x.y.z"}))
    assert main(["audit", "receipt", str(receipt), "--keys", str(exported / "keys.json")]) == 2
    assert "a minute later" in capsys.readouterr().err


def test_a_folder_that_is_no_export_is_named(tmp_path, capsys):
    assert main(["audit", "verify", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
