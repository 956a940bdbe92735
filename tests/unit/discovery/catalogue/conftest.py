"""A copy of the city's facts, to be broken one line at a time."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aggregator.discovery.catalogue import load

ROOT = Path(__file__).parents[4]
FACTS = ROOT / "catalogue" / "facts"


@dataclass
class Desk:
    """An editor's copy of the folder."""

    folder: Path

    def lines(self, name: str = load.SERVICES) -> list[str]:
        return (self.folder / name).read_text(encoding="utf-8").splitlines()

    def write(self, lines: list[str], name: str = load.SERVICES) -> None:
        (self.folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def change(self, id_: str, change: Callable[[dict[str, Any]], object], name: str = load.SERVICES) -> int:
        """Changes one entry; gives its line."""
        lines = self.lines(name)
        number = next(n for n, line in enumerate(lines) if json.loads(line).get("id") == id_)
        row = json.loads(lines[number])
        change(row)
        lines[number] = json.dumps(row, ensure_ascii=False)
        self.write(lines, name)
        return number + 1


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    shutil.copytree(FACTS, tmp_path / "facts")
    return Desk(tmp_path / "facts")


@pytest.fixture(scope="session")
def facts() -> load.Facts:
    return load.read(FACTS).facts
