"""Whoever reads a line of the log at night finds it in the operators' guide, and nothing there that is never said."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAID = re.compile(r'log\.(\w+)\(\s*"([a-z_]+\.[a-z_]+)"')
TOLD = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \| ([A-Z]+) \|", re.MULTILINE)


def said() -> set[tuple[str, str]]:
    sources = [path for room in ("aggregator", "adapters") for path in (ROOT / room).rglob("*.py")]
    found = {(event, level.upper()) for path in sources for level, event in SAID.findall(path.read_text("utf-8"))}
    return found - {("agency.unavailable", "WARNING")}  # the example in ops/logs.py


def told(guide: str) -> set[tuple[str, str]]:
    return set(TOLD.findall(guide))


def test_every_line_of_the_log_is_in_the_operators_guide_with_its_level() -> None:
    guide = (ROOT / "docs" / "operators.md").read_text("utf-8")
    assert told(guide) == said()


@pytest.mark.parametrize(
    "change", [("| `store.away` |", "| `store.gone` |"), ("| `part.failed` | CRITICAL |", "| `part.failed` | INFO |")]
)
def test_a_guide_that_has_fallen_behind_is_noticed(change: tuple[str, str]) -> None:
    guide = (ROOT / "docs" / "operators.md").read_text("utf-8").replace(*change)
    assert told(guide) != said()
