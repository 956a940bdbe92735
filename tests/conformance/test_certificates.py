"""A driver's certificate names the very version that the forty faults are tried on, and no other."""

import re
import tomllib
from pathlib import Path

import pytest

DRIVERS = sorted((Path(__file__).parents[2] / "adapters").glob("*/*/adapter.toml"))


@pytest.mark.parametrize("file", DRIVERS, ids=lambda file: file.parent.name)
def test_a_certificate_is_for_this_version_and_says_when(file: Path) -> None:
    facts = tomllib.loads(file.read_text(encoding="utf-8"))
    version, _, day = facts["quality"].get("certified", "").partition(" ")
    assert version == facts["driver"]["version"], (
        "certify again: run the kit, then write version and day into [quality]"
    )
    assert re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", day)
