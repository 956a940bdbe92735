"""A folder with a first registry, for commands to work in."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


FIRST = ROOT / "aggregator" / "cli" / "first_registry.toml"


@pytest.fixture
def registry(tmp_path):
    path = tmp_path / "registry.toml"
    # Nobody listens on port 9; the file's own port may be a neighbour's sandbox.
    path.write_text(FIRST.read_text().replace("127.0.0.1:7102", "127.0.0.1:9"))
    return path
